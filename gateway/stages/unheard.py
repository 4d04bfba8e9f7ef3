"""The out leg of a link by which nothing can leave: what would be owed there is recorded as owed no more."""

from gateway.domain.clock import Clock
from gateway.domain.ids import LinkName
from gateway.domain.lifecycle import Direction
from gateway.domain.records import Facts, Stage, Step
from gateway.folders.outbox import Outbox
from gateway.ledger.store import Ledger
from gateway.stages.recording import Recorder
from gateway.stages.statements import OWED

BATCH = 256
"""Transfers recorded in one commit."""


class UnheardStage:
    """Ends what owes a receipt. The receipt stays in the ledger, signed: a statement to the sender that goes another
    way speaks of it. Papers for this link are dropped."""

    def __init__(self, *, link: LinkName, ledger: Ledger, outbox: Outbox, recorder: Recorder, clock: Clock) -> None:
        self._link = link
        self._ledger = ledger
        self._outbox = outbox
        self._recorder = recorder
        self._clock = clock

    def step(self) -> float | None:
        """Record what is owed; return the seconds until more may be due, None if nothing is foreseen."""
        for path in self._outbox.waiting(self._link):
            self._outbox.drop(path)
        owed = self._ledger.due(
            tuple(OWED), now=self._clock.now(), link=self._link, direction=Direction.INBOUND, limit=BATCH
        )
        if not owed:
            next_at = self._ledger.next_due_at(tuple(OWED), self._link, Direction.INBOUND)
            return None if next_at is None else max(0.0, next_at - self._clock.now())
        note = Facts(note="no way back: the receipt is kept here")
        self._recorder.advance([Step(t, OWED[t.state], Stage.ACKNOWLEDGE, note) for t in owed])
        return 0.0
