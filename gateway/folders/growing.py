"""Reading a file from its beginning to its end while somebody else still writes it."""

import io
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from gateway.domain.clock import Clock

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

LOOK_SECONDS = 0.005
"""Between looks how far it has grown."""
STILL_SECONDS = 5.0
"""Without a byte more for so long it is given up: what pauses may pause for hours."""
WARM_UP_SECONDS = 6.0
"""Until then nothing is said against its speed."""
LEAST_RATE = 20 << 20
"""Bytes a second below which it is given up: whoever follows a slow line is held up by it, and hardly ahead at its
end."""


class GivenUpError(Exception):
    """It will not be read to its end: `still`, `slow`, or `gone`, which are codes."""


class GrowingFile(io.RawIOBase):
    """The file at `path`, which will have `size` bytes: where it ends now a read waits, and gets what it asked for.

    What is read may be anything: whoever writes may write where it wants, so everything read must prove itself. It is
    held open, so that it may get another name meanwhile. `rest` waits so many seconds.
    """

    def __init__(self, path: Path, size: int, clock: Clock, rest: Callable[[float], object] = time.sleep) -> None:
        """Raises OSError, for a link too; GivenUpError if it is not there."""
        super().__init__()
        try:
            self._descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            raise GivenUpError("gone") from None
        self._size = size
        self._clock = clock
        self._rest = rest
        self._at = 0
        self._stands = self._stood = self._grown()
        self._began_at = self._grew_at = clock.monotonic()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Read on at `offset` bytes from the beginning."""
        if whence != io.SEEK_SET:
            raise io.UnsupportedOperation("it has no end yet")
        self._at = offset
        return offset

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        """Fill `buffer`, or what is left of the file; GivenUpError if that is not waited for."""
        view = memoryview(buffer).cast("B")
        wanted = min(len(view), self._size - self._at)
        self._wait_until(self._at + wanted)
        count = os.preadv(self._descriptor, [view[:wanted]], self._at)
        self._at += count
        return count

    def close(self) -> None:
        """Let go of it."""
        if not self.closed:
            super().close()
            os.close(self._descriptor)

    def as_binary(self) -> BinaryIO:
        """Return it as what it is for those who read."""
        return cast("BinaryIO", self)

    def _wait_until(self, end: int) -> None:
        while self._stands < end:
            found, now = self._grown(), self._clock.monotonic()
            if found > self._stands:
                self._stands, self._grew_at = found, now
            elif now - self._grew_at > STILL_SECONDS:
                raise GivenUpError("still")
            elif now - self._began_at > WARM_UP_SECONDS and (found - self._stood) < LEAST_RATE * (now - self._began_at):
                raise GivenUpError("slow")
            else:
                self._rest(LOOK_SECONDS)

    def _grown(self) -> int:
        found = os.fstat(self._descriptor)
        if found.st_nlink == 0:
            raise GivenUpError("gone")
        return found.st_size


def head_of(path: Path, length: int) -> bytes:
    """Return the first `length` bytes of the file at `path`, as far as they stand; raises OSError, also for a link."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        return os.pread(descriptor, length, 0)
    finally:
        os.close(descriptor)
