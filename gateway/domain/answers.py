"""How business answers stand to what they answer: ties, what they were found by, how far each person is answered."""

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from gateway.domain.ids import BundleId, TransferId, UnitCode
from gateway.domain.lifecycle import Direction

WHOLE = -1
"""Stands for a person's position where an answer is to the whole request."""
STRANGER = -2
"""Stands for the position of a person whom the request does not name."""


class Kind(StrEnum):
    """What one answer says about one person, the weakest first."""

    INTERIM = "interim"  # accepted, to be heard: the answer itself is still owed
    RETURNED = "returned"  # sent back to be completed: the requester has the next word
    FINAL = "final"


RANK = MappingProxyType({Kind.INTERIM: 1, Kind.RETURNED: 2, Kind.FINAL: 3})
"""Which of two answers about one person counts, whatever the order in which they came."""


class By(StrEnum):
    """By what a reply was tied to its request."""

    HAND = "hand"
    BUNDLE = "bundle"
    CORRECTION = "correction"
    NUMBER = "number"
    PERSON = "person"  # until a request comes that shares a case number


class Outcome(StrEnum):
    """What looking for the request of a reply came to, the mildest first."""

    UNJUDGED = "unjudged"  # it says nothing to look by: its packer does not understand it
    TIED = "tied"
    TWICE = "twice"  # somebody was answered finally before, and otherwise
    UNCLEAR = "unclear"  # several requests fit
    ORPHAN = "orphan"


class Word(StrEnum):
    """What a person may say about a reply that waits."""

    TIE = "tie"
    RELEASE = "release"
    REJECT = "reject"


@dataclass(frozen=True, slots=True)
class Tie:
    """One person of a reply, tied. position: in the request, or WHOLE, or STRANGER; reply_position: in the reply, or
    WHOLE."""

    request: TransferId
    position: int
    reply_position: int
    by: By


@dataclass(frozen=True, slots=True)
class Fit:
    """What fits a reply. strangers: its persons who are in no request; unclear: those for whom several requests fit.

    twice: those of the ties whose person has another final answer. candidates: requests to be chosen from.
    withdrawn: whether a request that it is tied to was withdrawn by its sender.
    """

    outcome: Outcome
    ties: tuple[Tie, ...] = ()
    strangers: tuple[int, ...] = ()
    unclear: tuple[int, ...] = ()
    twice: tuple[Tie, ...] = ()
    candidates: tuple[TransferId, ...] = ()
    withdrawn: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer to one person of a request, or to the whole. name: of `result`, in Chinese; day: ISO 8601.

    void: whether it was corrected or withdrawn since. at: when it was sealed or delivered here, seconds since 1970 UTC.
    """

    reply: TransferId
    bundle: BundleId | None
    position: int
    shown: str
    by: By
    kind: Kind
    result: str
    name: str
    day: str
    at: float
    twice: bool
    void: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """How far one person of a request is answered. shown: the surname and stars; answer: the one that counts."""

    position: int
    shown: str
    answer: Answer | None

    @property
    def is_open(self) -> bool:
        """Whether the other side owes the next word."""
        return self.answer is None or self.answer.kind is Kind.INTERIM


@dataclass(frozen=True, slots=True)
class Asked:
    """One request that awaits an answer, as this node remembers it.

    direction: outbound if we asked. reply: the flow by which it is answered; per: `person` where each is answered by
    itself. open: answers that are still owed. at: when it was sealed or delivered here, seconds since 1970 UTC.
    withdrawn, corrected: the transfer by which it was.
    """

    transfer: TransferId
    direction: Direction
    peer: UnitCode
    flow: str
    reply: str
    per: str
    at: float
    open: int
    withdrawn: TransferId | None = None
    corrected: TransferId | None = None


@dataclass(frozen=True, slots=True)
class AskedView:
    """A request with its answers: everyone's standing, and every answer, void ones among them, oldest first."""

    asked: Asked
    case_no: str
    persons: tuple[Standing, ...]
    answers: tuple[Answer, ...]


@dataclass(frozen=True, slots=True)
class ReplyCounts:
    """We ask and await; others ask and await us; replies that wait for their request."""

    awaited: int = 0
    owed: int = 0
    waiting: int = 0
