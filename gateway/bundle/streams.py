"""Reading and writing open binary streams in large pieces, with the errors of disks mapped."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import BinaryIO

from gateway.domain.errors import disk_fault

PIECE = 1 << 20
"""Bytes moved at once: large enough that calls cost nothing beside the hashing, small enough to stay in the cache."""

Progress = Callable[[int], None]
"""Called with the number of bytes done so far, at least once every few MiB."""


def silent(_done: int) -> None:
    """The Progress that nobody watches."""


Beside = Callable[[Callable[[], None]], Callable[[], None]]
"""Begins a call, perhaps beside its caller, and returns what waits for its end and raises what it raised: so somebody
lends another thread to these pure rooms."""


def in_turn(call: Callable[[], None]) -> Callable[[], None]:
    """The Beside of those who have nobody to help."""
    call()
    return over


def over() -> None:
    """There is nothing to wait for."""


@contextmanager
def disk_errors(doing: str) -> Iterator[None]:
    """Turn an OSError into the transient error `local-io` or `disk-full`; `doing` says what was being done."""
    try:
        yield
    except OSError as error:
        raise disk_fault(error, doing) from error


def fill(source: BinaryIO, view: memoryview) -> int:
    """Read from `source` until `view` is full or the stream ends; return the number of bytes read."""
    readinto: Callable[[memoryview], int | None] | None = getattr(source, "readinto", None)
    done = 0
    while done < len(view):
        if readinto is not None:
            count = readinto(view[done:]) or 0
        else:
            piece = source.read(len(view) - done)
            count = len(piece)
            view[done : done + count] = piece
        if count == 0:
            break
        done += count
    return done


def pour(view: memoryview, sink: BinaryIO) -> None:
    """Write all of `view`, also into an unbuffered stream that takes less at a time."""
    done = 0
    while done < len(view):
        done += sink.write(view[done:])
