"""An operations log that also hands on what it cries, so that alerts can be made of it."""

from collections import deque
from collections.abc import Callable
from threading import Lock

from gateway.daemon.buglog import BugLog
from gateway.daemon.oplog import scrubbed
from gateway.domain.clock import Clock
from gateway.domain.oplog import Fact
from gateway.stages.alerting import Cry

CRIES_MAX = 1000
"""Cries that wait to be recorded; of more the oldest are lost here and stand in the log alone."""


class CryBox:
    """Where cries wait until they are recorded. Any thread; never blocks: who cries may be amid a commit."""

    def __init__(self, on_cry: Callable[[], None]) -> None:
        """on_cry: called after each; must be quick and must not raise."""
        self._on_cry = on_cry
        self._lock = Lock()
        self._cries: deque[Cry] = deque(maxlen=CRIES_MAX)

    def put(self, cry: Cry) -> None:
        """Keep one."""
        with self._lock:
            self._cries.append(cry)
        self._on_cry()

    def take(self) -> list[Cry]:
        """Return all, oldest first, and forget them."""
        with self._lock:
            found = list(self._cries)
            self._cries.clear()
        return found


class CryingLog:
    """A BugLog before another one."""

    def __init__(self, log: BugLog, box: CryBox, clock: Clock) -> None:
        self._log = log
        self._box = box
        self._clock = clock

    def info(self, event: str, /, **facts: Fact) -> None:
        """Something normal that is worth a line."""
        self._log.info(event, **facts)

    def warn(self, event: str, /, **facts: Fact) -> None:
        """Something that will be tried again by itself."""
        self._log.warn(event, **facts)

    def error(self, event: str, /, **facts: Fact) -> None:
        """Something that stays wrong until a person acts."""
        self._log.error(event, **facts)

    def alert(self, event: str, /, **facts: Fact) -> None:
        """Something that a person must look at now."""
        self._log.alert(event, **facts)
        self._cry(event, facts)

    def bug(self, event: str, error: BaseException, /, **facts: Fact) -> None:
        """An unexpected exception; its traceback stays in the log."""
        self._log.bug(event, error, **facts)
        self._cry(event, facts)

    def _cry(self, event: str, facts: dict[str, Fact]) -> None:
        clean = {name: scrubbed(value) for name, value in facts.items() if name != "detail"}
        self._box.put(Cry(self._clock.now(), event, clean))
