"""What one link carries, and what it owes back: sizes, lanes, and when a receipt should have come."""

from collections.abc import Callable, Collection
from dataclasses import dataclass

from gateway.domain.errors import PermanentError
from gateway.domain.lifecycle import Event, State
from gateway.domain.records import Priority, TimelineEntry, Transfer

TOO_LARGE = "bundle-too-large-for-link"
NOT_CARRIED = "lane-not-carried"
MOST_SECONDS = 86_400.0
"""Longest wait for a receipt before the same is sent again, where no longer one is configured."""
_SENDINGS = frozenset({Event.SENT, Event.FORWARDED})
SENT_BEFORE = frozenset({State.SENT, State.FORWARDED})
"""States of what was sent and is sent again if no receipt comes."""


@dataclass(frozen=True, slots=True)
class Carrying:
    """receipt_seconds: within which a receipt is expected; None where none is: what was sent is unconfirmed then, until
    one comes or a statement says so, and nobody has failed.

    repeats, repeat_seconds: how often, and after how long each time, a bundle is sent again without being asked.
    convoy: bytes of a file of many bundles, 0 if there are to be none.
    largest: bytes of a bundle, None if there is no limit. lanes: what the link carries.
    closed_for: returns the seconds from a moment until the link may be used.
    """

    receipt_seconds: float | None
    repeats: int = 0
    repeat_seconds: float = 0.0
    largest: int | None = None
    convoy: int = 0
    lanes: Collection[Priority] = frozenset(Priority)
    closed_for: Callable[[float], float] = lambda _moment: 0.0

    def require(self, transfer: Transfer) -> None:
        """Raise PermanentError if `transfer` cannot cross this link however long it waits."""
        if self.largest is not None and transfer.size > self.largest:
            facts = {"size": transfer.size, "most": self.largest}
            raise PermanentError(TOO_LARGE, f"{transfer.size} bytes, the link takes {self.largest}", facts=facts)
        if transfer.priority not in self.lanes:
            lane = transfer.priority.name.lower()
            raise PermanentError(NOT_CARRIED, f"the link does not carry lane {lane}", facts={"lane": lane})

    def receipt_due(self, transfer: Transfer, now: float, history: Callable[[], list[TimelineEntry]]) -> float | None:
        """Return when `transfer`, just sent at `now`, is to be sent again unless a receipt has come; None: never.

        history: what is on record of it, this sending not included.
        """
        if self.repeats and sum(entry.what in _SENDINGS for entry in history()) < self.repeats:
            return now + self.repeat_seconds
        if self.receipt_seconds is None:
            return None
        wait = self.receipt_seconds
        if transfer.state in SENT_BEFORE:
            # As long again as it has waited: who says nothing may have it, and wait for a person. What got lost is
            # found when both compare.
            wait = max(wait, min(now - transfer.owed_since, MOST_SECONDS))
        due = now + wait
        # A receipt that is due after hours can come in the next ones only.
        closed = self.closed_for(due)
        return due + closed + wait if closed else due
