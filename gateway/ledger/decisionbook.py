"""The part of the ledger that remembers what people decided, and what came of it."""

from collections.abc import Collection, Sequence

from gateway.domain.ids import (
    QuarantineId,
)
from gateway.domain.records import (
    Decision,
    Deed,
    Step,
    Transfer,
)
from gateway.ledger import changes, decisions
from gateway.ledger.change import Change
from gateway.ledger.doors import Doors


class DecisionBook:
    """Errors and threads as the ledger's own methods."""

    def __init__(self, doors: Doors) -> None:
        self._doors = doors

    def decide(self, wanted: Decision, *, steps: Sequence[Step] = (), done: bool = False) -> Decision:
        """Record what a person decided, and `steps` in the same commit; `done` where nothing is left to carry out.

        Raises PermanentError `decision-pending`; for the steps as `advance`.
        """

        def work(change: Change) -> Decision:
            changes.advance(change, steps)
            return decisions.decide(change, wanted, done=done)

        return self._doors.change(work)

    def decided(
        self, decision: Decision, outcome: str = "", *, steps: Sequence[Step] = (), set_back: Transfer | None = None
    ) -> None:
        """Record that a decision was carried out, or with which code it could not be, and `steps` in the same commit.

        set_back: the transfer whose bytes are at their place again, and which goes on now. Raises as `advance`.
        """

        def work(change: Change) -> None:
            changes.advance(change, steps)
            if set_back is not None:
                changes.set_back(change, set_back)
            decisions.done(change, decision, outcome)

        self._doors.change(work)

    def undone(self, limit: int) -> list[Decision]:
        """Return the decisions that are still to be carried out, oldest first."""
        with self._doors.reading() as connection:
            return decisions.undone(connection, limit)

    def about(self, thing: QuarantineId) -> list[Decision]:
        """Return what was decided about one thing in quarantine, oldest first."""
        with self._doors.reading() as connection:
            return decisions.about(connection, thing)

    def latest(self, things: Collection[QuarantineId]) -> dict[QuarantineId, Decision]:
        """Return the last decision about each of `things`; those without any are left out."""
        with self._doors.reading() as connection:
            return decisions.latest(connection, things)

    def deeds(self, since: float | None = None, limit: int = 50) -> list[Deed]:
        """Return what people did since then (seconds since 1970 UTC), newest first."""
        with self._doors.reading() as connection:
            return decisions.deeds(connection, since, limit)
