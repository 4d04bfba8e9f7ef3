"""Terms as they run on this node: for whom, since when, until when, and what ended them; nobody is named."""

from dataclasses import dataclass
from enum import StrEnum

from gateway.domain.ids import BundleId, TransferId, UnitCode
from gateway.domain.matter import Matter

CASE = -1
"""The position of a term that is the case's and no single person's."""


class TermKind(StrEnum):
    """What ends a term (flow catalogue, `kind`)."""

    REPLY = "reply"  # the answer
    SEND = "send"  # the sending of the flow itself
    STAGE = "stage"  # a term of the case: shown, never alerted


class Outcome(StrEnum):
    """What ended a term; RUNNING while nothing has."""

    RUNNING = "running"
    ANSWERED = "answered"
    SENT = "sent"
    CLOSED = "closed"  # a notice says that the stage is over
    WITHDRAWN = "withdrawn"


class Note(StrEnum):
    """What is to be known about how a term was counted."""

    ASSUMED = "assumed"  # which limit counts is not stated: the shortest one
    CUSTODY_ASSUMED = "custody-assumed"  # nobody says whether the person is in custody: as if
    HOUR_ASSUMED = "hour-assumed"  # the clock is in hours and only a day is stated: from its beginning
    MOVED = "moved"  # the last day was a holiday
    HOLIDAYS_UNKNOWN = "holidays-unknown"  # the table of holidays does not cover the year
    EXTENDED = "extended"  # by notice, or by what the case package states
    CAPPED = "capped"  # the notice wanted more than the law allows
    BASELESS = "baseless"  # a notice of extension without a legal basis changed nothing
    SUSPENDED = "suspended"  # by notice; it stands still until one says that it goes on
    INTERRUPTED = "interrupted"  # it stood still for a time that does not count
    CLOCK_BOUNDED = "clock-bounded"  # the recipient's clock cannot be right; ours bounds it


@dataclass(frozen=True, slots=True)
class Answering:
    """What one package answers, as the ledger has tied it.

    request: what is answered; position: of its person, or as `gateway/domain/answers.py` says. is_interim: whether the
    answer itself is still owed.
    """

    request: TransferId
    position: int
    is_interim: bool


@dataclass(frozen=True, slots=True)
class SeenPackage:
    """One case package as this node saw it pass. Times are seconds since 1970 UTC.

    at: when it was sealed or delivered here. arrived_at: when it reached its recipient: here by our clock, there as the
    recipient's receipt states it; None so far. heard_at: when that receipt came. is_copy: sent for information only.
    """

    transfer: TransferId
    is_outbound: bool
    peer: UnitCode
    bundle: BundleId
    case_no: str
    at: float
    arrived_at: float | None
    heard_at: float | None
    is_copy: bool
    matter: Matter
    answering: tuple[Answering, ...] = ()
    """What it answers and was not corrected or withdrawn since."""
    corrected: TransferId | None = None
    """What has taken the place of this request."""
    withdrawn: TransferId | None = None
    """What has taken it back."""


@dataclass(frozen=True, slots=True)
class RunningTerm:
    """One term. Times are seconds since 1970 UTC.

    transfer, flow, deadline, position: what began it, whose deadline it is, of which person (CASE: of the case);
    together they name it. is_ours: this node's unit must act, else `peer`. shown: surname and stars. limit: ISO 8601,
    the one that counts. why_not: empty, or why it cannot be counted here; then no time is there.
    overdue_at: when it is called overdue; due_at: when it ends (exclusive), last_day: the last day that counts.
    """

    transfer: TransferId
    flow: str
    deadline: str
    position: int
    kind: TermKind
    is_ours: bool
    peer: UnitCode
    case_no: str
    shown: str
    limit: str = ""
    started_at: float | None = None
    amber_at: float | None = None
    red_at: float | None = None
    due_at: float | None = None
    overdue_at: float | None = None
    last_day: str = ""
    outcome: Outcome = Outcome.RUNNING
    ended_at: float | None = None
    ended_by: TransferId | None = None
    notes: tuple[Note, ...] = ()
    why_not: str = ""

    @property
    def key(self) -> tuple[TransferId, str, str, int]:
        """What names it."""
        return self.transfer, self.flow, self.deadline, self.position
