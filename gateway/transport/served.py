"""What a guest has open to read: a file, or the list of a folder."""

import errno
import os
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass

import asyncssh


@dataclass(frozen=True, slots=True)
class ReadFile:
    """A file being read, as long as it was when it was opened."""

    descriptor: int
    size: int

    def seek(self, position: int, whence: int) -> int:
        """Answer lseek(2) with SEEK_DATA or SEEK_HOLE for a file without holes; asyncssh's clients ask for it."""
        if position >= self.size:
            raise OSError(errno.ENXIO, "beyond the end")
        return position if whence == os.SEEK_DATA else self.size


class Listing:
    """The entries of a folder, looked up when the first one is asked for."""

    def __init__(self, look_up: Callable[[], Awaitable[list[asyncssh.SFTPName]]]) -> None:
        self._look_up = look_up
        self._names: Iterator[asyncssh.SFTPName] | None = None

    def __aiter__(self) -> "Listing":
        return self

    async def __anext__(self) -> asyncssh.SFTPName:
        if self._names is None:
            self._names = iter(await self._look_up())
        for name in self._names:
            return name
        raise StopAsyncIteration
