"""Who goes first on one link: what is large and already moving pauses at a chunk for whatever is more urgent."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from gateway.domain.ids import WireName
from gateway.domain.lanes import PAPERS
from gateway.transport.api import Entry, Progress, Transport, silent


class Precedence:
    """What moves on one link at this moment, in either direction, by rank (`domain.lanes`): both share the line.

    Any thread. Only what is large ever waits here; whatever is more urgent goes at once.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._moving: list[int] = []

    @contextmanager
    def moving(self, rank: int) -> Iterator[None]:
        """Have what ranks behind `rank` give way for as long as the context lasts."""
        with self._changed:
            self._moving.append(rank)
        try:
            yield
        finally:
            with self._changed:
                self._moving.remove(rank)
                self._changed.notify_all()

    def is_outranked(self, rank: int) -> bool:
        """Whether something more urgent than `rank` moves."""
        with self._changed:
            return self._outranked(rank)

    def give_way(self, rank: int, seconds: float, is_over: Callable[[], bool]) -> bool:
        """Return True once nothing more urgent moves or `is_over` says so (see `wake`), False after `seconds`."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._outranked(rank) or is_over(), seconds)

    def wake(self) -> None:
        """Have everybody who gives way ask anew whether it is over."""
        with self._changed:
            self._changed.notify_all()

    def _outranked(self, rank: int) -> bool:
        return any(one < rank for one in self._moving)


class PaperTransport:
    """A link's transport as those see it who only move papers: whatever is large gives way to each of them."""

    def __init__(self, transport: Transport, precedence: Precedence) -> None:
        self._transport = transport
        self._precedence = precedence

    def deposit(self, source: Path, name: WireName, progress: Progress = silent) -> None:
        with self._precedence.moving(PAPERS):
            self._transport.deposit(source, name, progress)

    def listing(self) -> list[Entry]:
        return self._transport.listing()

    def head(self, name: WireName, length: int) -> bytes:
        with self._precedence.moving(PAPERS):
            return self._transport.head(name, length)

    def fetch(self, name: WireName, into: Path, size: int, progress: Progress = silent) -> None:
        with self._precedence.moving(PAPERS):
            self._transport.fetch(name, into, size, progress)

    def remove(self, names: Sequence[WireName]) -> None:
        self._transport.remove(names)

    def probe(self) -> None:
        self._transport.probe()

    def close(self) -> None:
        self._transport.close()
