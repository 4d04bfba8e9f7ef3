"""The health of one link or route: a dead one costs one probe now and then, not a storm."""

import threading
from dataclasses import dataclass

from gateway.domain.clock import Clock
from gateway.domain.errors import GatewayError, Scope, TransientError
from gateway.domain.oplog import OpsLog
from gateway.stages.backoff import Backoff

HELD_RETRY_SECONDS = 600.0
"""What a person must mend (wrong host key, refused login, missing folder) is looked at again this often, so that
mending suffices."""


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


class Gate:
    """Closed while its subject rests after a failure. Thread-safe.

    Each direction of a link has its own: looking into a mailbox that we host ourselves says nothing of the peer, and
    must not end the rest of the direction that calls it.
    """

    def __init__(self, scope: Scope, name: str, backoff: Backoff, clock: Clock, ops: OpsLog) -> None:
        self._scope = scope
        self._name = name
        self._backoff = backoff
        self._clock = clock
        self._ops = ops
        self._lock = threading.Lock()
        self._failures = 0
        self._until = 0.0
        self._view = GateView(scope, name, "", "", 0, 0.0, 0.0)

    def wait(self) -> float:
        """Return the seconds until the next try is due; 0 when it is now."""
        with self._lock:
            return max(0.0, self._until - self._clock.monotonic())

    def succeeded(self) -> None:
        """Open the gate: something just worked."""
        with self._lock:
            recovered, self._failures, self._until = self._failures > 0, 0, 0.0
            if recovered:
                self._view = GateView(self._scope, self._name, "", "", 0, self._clock.now(), 0.0)
        if recovered:
            self._ops.info(f"{self._scope}-recovered", name=self._name)

    def failed(self, error: GatewayError) -> bool:
        """Close the gate for a while if `error` holds just what this gate is for; return whether it did."""
        if error.scope is not self._scope:
            return False
        with self._lock:
            self._failures += 1
            pause = (
                self._backoff.delay(self._failures, self._name)
                if isinstance(error, TransientError)
                else HELD_RETRY_SECONDS
            )
            now = self._clock.now()
            self._until = self._clock.monotonic() + pause
            since = self._view.since if self._view.code else now
            self._view = GateView(self._scope, self._name, error.code, error.detail, self._failures, since, now + pause)
        report = self._ops.warn if isinstance(error, TransientError) else self._ops.alert
        report(
            f"{self._scope}-failed", name=self._name, code=error.code, detail=error.detail, retry_seconds=round(pause)
        )
        return True

    def view(self) -> GateView:
        """Return the present health."""
        with self._lock:
            return self._view
