"""What daemon tests put in the place of the clock and the log."""

import threading
from collections.abc import Callable

from gateway.domain.oplog import Fact

WAIT = 60.0
"""Seconds after which a test that waits for an event has failed; never reached when all is well."""


class FakeClock:
    """A clock that moves only when told."""

    def __init__(self) -> None:
        self.time = 1000.0

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time


class HeardLog:
    """A BugLog that remembers, and can be waited for."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str, dict[str, Fact]]] = []
        self.bugs: list[BaseException] = []
        self._news = threading.Condition()

    def _hear(self, level: str, event: str, facts: dict[str, Fact]) -> None:
        with self._news:
            self.lines.append((level, event, facts))
            self._news.notify_all()

    def info(self, event: str, /, **facts: Fact) -> None:
        self._hear("info", event, facts)

    def warn(self, event: str, /, **facts: Fact) -> None:
        self._hear("warn", event, facts)

    def error(self, event: str, /, **facts: Fact) -> None:
        self._hear("error", event, facts)

    def alert(self, event: str, /, **facts: Fact) -> None:
        self._hear("alert", event, facts)

    def bug(self, event: str, error: BaseException, /, **facts: Fact) -> None:
        self.bugs.append(error)
        self._hear("bug", event, facts)

    def of(self, event: str) -> list[dict[str, Fact]]:
        return [facts for _level, name, facts in self.lines if name == event]

    def until(self, event: str, count: int = 1) -> list[dict[str, Fact]]:
        """Wait until `event` was written `count` times."""
        with self._news:
            assert self._news.wait_for(lambda: len(self.of(event)) >= count, WAIT), f"never heard {event}"
        return self.of(event)


def eventually(event: threading.Event) -> None:
    """Wait for `event`, which must come."""
    assert event.wait(WAIT)


class Steps:
    """A worker made of a list of answers; each step plays one, the last one for ever."""

    def __init__(self, name: str, *plays: Callable[[], float | None]) -> None:
        self.name = name
        self.count = 0
        self._plays = plays
        self._news = threading.Condition()

    def step(self) -> float | None:
        with self._news:
            play = self._plays[min(self.count, len(self._plays) - 1)]
            self.count += 1
            self._news.notify_all()
        return play()

    def until(self, count: int) -> None:
        """Wait until `count` steps have begun."""
        with self._news:
            assert self._news.wait_for(lambda: self.count >= count, WAIT), f"only {self.count} steps"
