"""Takes alerts away: what the operations log cried into the ledger, and from there to each sink until it has it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from gateway.alerts.addressing import Addresses
from gateway.alerts.sinks import Sink
from gateway.alerts.wording import Writer
from gateway.domain.alerts import Alert, AlertKind, Severity
from gateway.domain.clock import Clock
from gateway.domain.errors import GatewayError
from gateway.domain.oplog import Fact, OpsLog
from gateway.ledger.alerts import Addressed
from gateway.ledger.store import Ledger
from gateway.stages.backoff import Backoff

AGAIN_SECONDS: Final = 86_400.0
"""The gateway's own trouble is told once a day."""
AT_ONCE: Final = 50
"""Alerts read for one step of a sink."""
_SUBJECT: Final = (
    "code",
    "link",
    "route",
    "source",
    "unit",
    "peer",
    "worker",
    "work",
    "transfer",
    "folder",
    "grant",
    "issuer",
)
"""Facts by which one trouble is told from another."""


@dataclass(frozen=True, slots=True)
class Cry:
    """One line of the operations log that a person must look at."""

    at: float
    event: str
    facts: Mapping[str, Fact]


class Cries(Protocol):
    """What the operations log cried and nobody has taken yet."""

    def take(self) -> list[Cry]:
        """Return it, oldest first, and forget it."""
        ...


def sink_worker(sink: str) -> str:
    """Return the name of the worker that serves a sink."""
    return f"alert-{sink}"


class CryStage:
    """Makes alerts of what the operations log cried."""

    name = "alerts"

    def __init__(self, *, cries: Cries, addresses: Addresses, ledger: Ledger, ring: Callable[..., None]) -> None:
        self._cries = cries
        self._addresses = addresses
        self._ledger = ledger
        self._ring = ring
        self._taken: list[Addressed] = []

    def step(self) -> float | None:
        """Record what was cried; the same trouble once a day."""
        # Kept until they are recorded; who cries meanwhile waits in the box, which is bounded.
        self._taken = self._taken or [self._addressed(cry) for cry in self._cries.take()]
        is_news = bool(self._taken) and self._ledger.alerts.record(self._taken) > 0
        self._taken = []
        if is_news:
            self._ring(*(sink_worker(rule.name) for rule in self._addresses.rules))
        return None

    def _addressed(self, cry: Cry) -> Addressed:
        parts = (str(cry.facts[name]) for name in _SUBJECT if cry.facts.get(name) is not None)
        subject = " ".join(("operation", cry.event, *parts))
        alert = Alert(cry.at, AlertKind.OPERATION, Severity.CRITICAL, subject, cry.event, cry.facts)
        return Addressed(alert, self._addresses.of(alert), AGAIN_SECONDS)


class SinkStage:
    """Brings one sink what it is owed; a dead one delays nobody, since each has a worker of its own."""

    def __init__(
        self, *, sink: Sink, writer: Writer, ledger: Ledger, backoff: Backoff, clock: Clock, ops: OpsLog
    ) -> None:
        self.name = sink_worker(sink.name)
        self._sink = sink
        self._writer = writer
        self._ledger = ledger
        self._backoff = backoff
        self._clock = clock
        self._ops = ops
        self._failures = 0
        self._rests_until = 0.0

    def step(self) -> float | None:
        """Send what is due, the oldest first; return the seconds until something is due again."""
        now = self._clock.now()
        if now < self._rests_until:
            return self._rests_until - now
        posts = self._ledger.alerts.owed(self._sink.name, now, AT_ONCE)
        for post in posts:
            try:
                self._sink.send(self._writer.wording(post.alert))
            except GatewayError as error:
                self._failures += 1
                wait = self._backoff.delay(self._failures, self.name)
                self._rests_until = self._clock.now() + wait
                self._ledger.alerts.failed(post, f"{error.code}: {error.detail}", self._rests_until)
                # No alert: it would only join the queue of the sink that is dead.
                self._ops.warn("alert-not-taken", sink=self._sink.name, code=error.code, detail=error.detail)
                return wait
            self._failures = 0
            self._ledger.alerts.done([post])
        following = 0.0 if len(posts) == AT_ONCE else self._ledger.alerts.next_at(self._sink.name)
        return None if following is None else max(0.0, following - self._clock.now())
