"""What a fuzz target is: one parser under any bytes, with the errors, the time and the memory it may take."""

import pickle
import time
import tracemalloc
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

from gateway.domain.errors import GatewayError
from gateway.words.errors import ERRORS

T = TypeVar("T")


@dataclass(frozen=True)
class Target:
    """One parser under fire.

    run:     feeds it the input; raises if the product does anything but accept it or refuse it as it promises.
    seeds:   name -> input that leads somewhere; kept in the corpus folder.
    longest: bytes of the longest input tried.
    cpu:     seconds of processor time that one input may take.
    memory:  bytes that Python may hold at once for one input, besides `growth` bytes for each byte of it.
    words:   pieces that inputs are made of, for the fuzzer to put in.
    json_at: where JSON begins in most inputs, so that a change can leave it JSON; None where there is none.
    """

    name: str
    run: Callable[[bytes], None]
    seeds: Callable[[], Mapping[str, bytes]]
    longest: int = 4096
    cpu: float = 1.0
    memory: int = 8 << 20
    growth: int = 64
    words: tuple[bytes, ...] = ()
    json_at: int | None = None


def attempt(act: Callable[[], T], *also: type[Exception]) -> T | None:
    """Return what `act` gives, None if it refuses: with an error of ours that can travel, or with one of `also`."""
    try:
        return act()
    except GatewayError as error:
        check_travels(error)
    except also:
        pass
    return None


def check_travels(error: GatewayError) -> None:
    """AssertionError unless the operator is told what `error` means, and a log and another process can take it."""
    assert error.code in ERRORS, f"{error.code} has no explanation"
    str(error).encode()
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def exercise(target: Target, data: bytes) -> None:
    """Run one input within the target's bounds; AssertionError beyond them."""
    tracemalloc.start()
    try:
        began = time.thread_time()
        target.run(data)
        spent = time.thread_time() - began
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    allowed = target.memory + target.growth * len(data)
    # Processor time, not the wall clock: a busy machine changes nothing. Counting every allocation costs some of it.
    assert spent <= target.cpu, f"{spent:.2f} s for {len(data)} bytes"
    assert peak <= allowed, f"{peak} bytes held for {len(data)} bytes of input, {allowed} are allowed"


class Draw:
    """Takes decisions and pieces from an input, so that a target can build something with a structure from any bytes.

    Past the end everything is 0 and empty.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def __bool__(self) -> bool:
        return self._at < len(self._data)

    def take(self, count: int) -> bytes:
        """Return the next `count` bytes, fewer at the end."""
        taken = self._data[self._at : self._at + count]
        self._at += len(taken)
        return taken

    def number(self, width: int = 1) -> int:
        """Return the next `width` bytes as an integer."""
        return int.from_bytes(self.take(width), "big")

    def piece(self, width: int = 1) -> bytes:
        """Return bytes whose length stands before them in `width` bytes."""
        return self.take(self.number(width))

    def text(self) -> str:
        """Return a short text; what is no UTF-8 is left out."""
        return self.piece().decode("utf-8", "ignore")

    def rest(self) -> bytes:
        """Return all that is left."""
        return self.take(len(self._data))

    def while_any(self, most: int) -> Iterator["Draw"]:
        """Yield itself until nothing is left, `most` times at most."""
        for _ in range(most):
            if not self:
                return
            yield self


def piece(data: bytes, width: int = 1) -> bytes:
    """Return what `Draw.piece` reads back."""
    return len(data).to_bytes(width, "big") + data
