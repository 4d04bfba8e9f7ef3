"""The health of one link or route: a dead one costs one probe now and then, not a storm."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

from gateway.domain.clock import Clock
from gateway.domain.errors import GatewayError, Scope, TransientError
from gateway.domain.oplog import OpsLog
from gateway.stages.backoff import Backoff

HELD_RETRY_SECONDS = 600.0
"""What a person must mend (wrong host key, refused login, missing folder) is looked at again this often, so that
mending suffices."""
PROBE_SECONDS = 120.0
"""Whoever tries a peer again has said by then how it went, or is not waited for any longer."""
LOOK_AGAIN_SECONDS = 1.0
"""The other direction asks this often whether the one that tries has got through."""

_REACHING = frozenset({"link-unreachable", "link-timeout", "link-auth-refused", "host-key-mismatch", "link-algorithms"})
"""Errors that would meet the other direction just the same."""
AFTER_HOURS = "link-window-closed"
"""The error of a link whose hours are over: nobody failed."""
_AWAY = frozenset({"link-unreachable", "link-timeout"})
"""Errors that a peer cannot still be the cause of once it calls us."""


@dataclass(frozen=True, slots=True)
class GateView:
    """What `status` shows of a link or a route. Times are wall-clock seconds; zero when there is none."""

    scope: Scope
    name: str
    code: str
    detail: str
    failures: int
    since: float
    next_try: float


class Reach:
    """What both directions of a link know of the one peer that they call: after a failure one of them tries again,
    and the other waits for what it learns. Thread-safe."""

    def __init__(self, name: str, backoff: Backoff, clock: Clock) -> None:
        self._name = name
        self._backoff = backoff
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._until = 0.0
        self._prober: object | None = None
        self._probing_until = 0.0

    @property
    def is_shaken(self) -> bool:
        """Whether the last call failed."""
        with self._lock:
            return self._failures > 0

    def wait(self) -> float:
        """Return the seconds until the peer may be called again; 0 when it may be called now."""
        with self._lock:
            return max(0.0, self._until - self._clock.monotonic())

    def admit(self, direction: object) -> float:
        """Return 0 if `direction` may call the peer now, else the seconds until it may ask again.

        After a failure only one direction is let through, until it reports.
        """
        with self._lock:
            now = self._clock.monotonic()
            if now < self._until:
                return self._until - now
            if self._failures:
                if self._prober not in (None, direction) and now < self._probing_until:
                    return LOOK_AGAIN_SECONDS
                self._prober, self._probing_until = direction, now + PROBE_SECONDS
            return 0.0

    def failed(self, error: GatewayError) -> float:
        """Rest; return for how many seconds."""
        with self._lock:
            self._failures += 1
            self._prober = None
            pause = _pause(self._backoff, error, self._failures, self._name)
            self._until = self._clock.monotonic() + pause
            return pause

    def succeeded(self) -> None:
        """The peer has answered."""
        with self._lock:
            self._failures, self._until, self._prober = 0, 0.0, None

    def knock(self) -> None:
        """Let one call through now."""
        with self._lock:
            self._until = 0.0


class Gate:
    """Closed while its subject rests after a failure. Thread-safe.

    Each direction of a link has its own: looking into a mailbox that we host ourselves says nothing of the peer, and
    must not end the rest of the direction that calls it. Where both directions call the same peer they share a `Reach`:
    that nobody is there, one of them learns for both; that the mailbox is full, each learns for itself.
    """

    def __init__(
        self,
        scope: Scope,
        name: str,
        backoff: Backoff,
        clock: Clock,
        ops: OpsLog,
        *,
        reach: Reach | None = None,
        closed_for: Callable[[], float] = lambda: 0.0,
    ) -> None:
        """closed_for: returns the seconds until the hours of the link begin, 0 within them."""
        self._closed_for = closed_for
        self._scope = scope
        self._name = name
        self._backoff = backoff
        self._clock = clock
        self._ops = ops
        self._reach = reach
        self._lock = threading.Lock()
        self._failures = 0
        self._until = 0.0
        self._view = GateView(scope, name, "", "", 0, 0.0, 0.0)
        self._has_called = False

    @property
    def is_shaken(self) -> bool:
        """Whether the last try failed: the next one should be small."""
        with self._lock:
            own = self._failures > 0
        return own or (self._reach is not None and self._reach.is_shaken)

    def wait(self) -> float:
        """Return the seconds until the next try is due; 0 when it is now."""
        with self._lock:
            own = max(0.0, self._until - self._clock.monotonic())
        own = max(own, self._closed_for())
        return own if self._reach is None else max(own, self._reach.wait())

    def enter(self) -> float:
        """Ask just before trying: as `wait`, but of two directions that share a peer only one is let through until it
        says how it went."""
        if pause := self.wait():
            return pause
        return 0.0 if self._reach is None else self._reach.admit(self)

    def succeeded(self) -> None:
        """Open the gate: something just worked."""
        if self._reach is not None:
            self._reach.succeeded()
        with self._lock:
            recovered, self._failures, self._until = self._failures > 0, 0, 0.0
            self._has_called = False
            if recovered:
                self._view = GateView(self._scope, self._name, "", "", 0, self._clock.now(), 0.0)
        if recovered:
            self._ops.info(f"{self._scope}-recovered", name=self._name)

    def failed(self, error: GatewayError) -> bool:
        """Close the gate for a while if `error` holds just what this gate is for; return whether it did."""
        if error.scope is not self._scope:
            return False
        if error.code == AFTER_HOURS:
            return True
        shared = self._reach.failed(error) if self._reach is not None and error.code in _REACHING else 0.0
        with self._lock:
            self._failures += 1
            pause = max(shared, _pause(self._backoff, error, self._failures, self._name))
            now = self._clock.now()
            self._until = self._clock.monotonic() + pause
            since = self._view.since if self._view.code else now
            self._view = GateView(self._scope, self._name, error.code, error.detail, self._failures, since, now + pause)
        report = self._ops.warn if isinstance(error, TransientError) else self._ops.alert
        report(
            f"{self._scope}-failed", name=self._name, code=error.code, detail=error.detail, retry_seconds=round(pause)
        )
        return True

    def knock(self) -> None:
        """Let one try through now, because there is reason to; if it fails, the rest is longer than the one before."""
        if self._reach is not None:
            self._reach.knock()
        with self._lock:
            self._until = 0.0

    def peer_called(self) -> bool:
        """Let one try through now, because a peer that was away has called us; return whether it was away.

        Once until something works: a peer that can call us and cannot be called would else be tried each time.
        """
        with self._lock:
            if self._has_called or self._view.code not in _AWAY:
                return False
            self._has_called = True
        self.knock()
        return True

    def view(self) -> GateView:
        """Return the present health."""
        with self._lock:
            return self._view


def _pause(backoff: Backoff, error: GatewayError, failures: int, salt: str) -> float:
    return backoff.delay(failures, salt) if isinstance(error, TransientError) else HELD_RETRY_SECONDS
