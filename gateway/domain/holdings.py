"""What a node holds of the streams between it and a peer: plain values, as an inventory states them."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import itemgetter

from gateway.domain.ids import BundleId, UnitCode

STREAMS_MAX = 64
"""Epochs of one stream that are named, the newest; a node changes its epoch once in years."""
RANGES_MAX = 4096
"""Ranges in one inventory; what does not fit waits for the next one, which starts where nothing is owed any more."""
PENDING_MAX = 8192
"""Bundles in hand that are named; others are sent once more, which does no harm."""
LIVES_MAX = 4
"""Lives of the peer that are repeated to it, those heard last: two nodes of one identity are both among them."""

Range = tuple[int, int]
"""First and last number, both included."""


@dataclass(frozen=True, slots=True)
class Sent:
    """The issuer's stream to the peer in one epoch. `last`: the last number given out; `open`: those without a final
    receipt, ascending and apart."""

    epoch: int
    last: int
    open: tuple[Range, ...]


@dataclass(frozen=True, slots=True)
class Got:
    """The peer's stream to the issuer in one epoch. `last`: the highest number known; `lacking`: those up to it that
    were neither decided nor are in hand, ascending and apart."""

    epoch: int
    last: int
    lacking: tuple[Range, ...]

    def has(self, sequence: int) -> bool:
        """Whether the issuer has decided this number or holds its bundle."""
        return sequence <= self.last and not _within(sequence, self.lacking)


@dataclass(frozen=True, slots=True)
class Life:
    """One start of a node, by its own signed word."""

    unit: UnitCode
    epoch: int
    life: str


@dataclass(frozen=True, slots=True)
class Inventory:
    """What a node states to one peer about both streams between them.

    issued_at: seconds since 1970 UTC by the issuer's clock; shown, never decided by.
    epoch, life: the issuer's own, now. A life is drawn at every start: 32 lower-case hexadecimal digits.
    token:     the issuer's signed statement of unit, epoch and life, which the peer repeats.
    asks:      whether an answer is wanted.
    answers:   name of the inventory that this one answers (32 hexadecimal digits); empty where it answers none.
    heard:     tokens of the peer that the issuer has heard last in the peer's newest epoch.
    pending:   bundles of the peer that are in hand and undecided, whose numbers may not be known yet.
    """

    issuer: UnitCode
    to: UnitCode
    issued_at: int
    epoch: int
    life: str
    token: bytes
    asks: bool
    answers: str
    heard: tuple[bytes, ...]
    sent: tuple[Sent, ...]
    got: tuple[Got, ...]
    pending: tuple[BundleId, ...]


def ranges(numbers: Sequence[int]) -> tuple[Range, ...]:
    """Return ascending `numbers` as ranges, at most RANGES_MAX of them, the lowest."""
    found: list[Range] = []
    for number in numbers:
        if found and found[-1][1] == number - 1:
            found[-1] = (found[-1][0], number)
        elif len(found) == RANGES_MAX:
            break
        else:
            found.append((number, number))
    return tuple(found)


def joined(pairs: Iterable[Range]) -> tuple[Range, ...]:
    """Return `pairs`, which may overlap, as ranges that ascend and lie apart, at most RANGES_MAX of them, the lowest.
    A gap may be 2**53 numbers wide: none is ever counted out."""
    found: list[Range] = []
    for first, final in sorted(pairs):
        if found and first <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(final, found[-1][1]))
        elif len(found) == RANGES_MAX:
            break
        else:
            found.append((first, final))
    return tuple(found)


def _within(sequence: int, among: Sequence[Range]) -> bool:
    """Whether a number lies in one of `among`, which ascend and lie apart."""
    number = bisect_right(among, sequence, key=itemgetter(0))
    return number > 0 and sequence <= among[number - 1][1]
