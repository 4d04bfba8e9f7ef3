"""What becomes of a transfer whose owed effect failed, and of steps that cannot all be recorded: retry, hold, or
leave be."""

from collections.abc import Collection, Sequence

from gateway.domain.clock import Clock
from gateway.domain.errors import GatewayError, Scope, SecurityError, TransientError
from gateway.domain.lifecycle import State
from gateway.domain.oplog import OpsLog
from gateway.domain.records import Facts, Stage, Step, Transfer
from gateway.ledger.store import NO_FACTS, Ledger
from gateway.stages.backoff import Backoff

MOVED_ON = "transfer-moved-on"
"""The ledger's word for a step that came too late: somebody else has recorded something since."""


class Recorder:
    """Writes what the stages achieved or failed at; one transfer's trouble never spoils its neighbours' record."""

    def __init__(self, ledger: Ledger, backoff: Backoff, clock: Clock, ops: OpsLog) -> None:
        self._ledger = ledger
        self._backoff = backoff
        self._clock = clock
        self._ops = ops

    def advance(self, steps: Sequence[Step]) -> list[Transfer]:
        """Record `steps` in one commit and return the transfers that moved.

        If the commit is refused, each step is tried alone: what cannot be recorded is failed by itself, what came
        too late is dropped.
        """
        if not steps:
            return []
        try:
            return self._ledger.advance_many(steps)
        except GatewayError as error:
            if error.scope is Scope.NODE:
                raise  # a full disk or a busy ledger is nobody's in particular; the effects are repeated
            if len(steps) == 1:
                self._refused(steps[0], error)
                return []
        return [moved for step in steps for moved in self.advance([step])]

    def fail(
        self, transfer: Transfer, stage: Stage, error: GatewayError, started_at: float, facts: Facts = NO_FACTS
    ) -> None:
        """Record a failed attempt that began at `started_at` (wall clock), and what it taught: transient ones come back
        after a pause, others are held."""
        retry_at = None
        if isinstance(error, TransientError):
            salt = transfer.bundle_id or transfer.claim or ""
            retry_at = self._clock.now() + self._backoff.delay(transfer.attempts + 1, salt)
        try:
            self._ledger.fail(transfer, stage, error, started_at=started_at, retry_at=retry_at, facts=facts)
        except TransientError as late:
            if late.code != MOVED_ON:
                raise
            return
        report = self._ops.alert if isinstance(error, SecurityError) else self._ops.warn
        report(
            "attempt-failed" if retry_at is not None else "transfer-held",
            transfer=transfer.id,
            stage=stage,
            code=error.code,
            detail=error.detail,
        )

    def seconds_until_due(self, states: Collection[State]) -> float | None:
        """Return how long until something in one of `states` may be tried, of the whole node; None if nothing waits
        there."""
        at = self._ledger.next_due_at(states)
        return None if at is None else max(0.0, at - self._clock.now())

    def _refused(self, step: Step, error: GatewayError) -> None:
        if error.code == MOVED_ON:
            self._ops.info("step-too-late", transfer=step.transfer.id, event=step.event)
        else:
            self.fail(step.transfer, step.stage, error, step.started_at or self._clock.now())
