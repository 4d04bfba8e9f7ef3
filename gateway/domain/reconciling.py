"""Three-way reconciliation of one stream: our record of each number against the words of hubs and recipient."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from operator import itemgetter

from gateway.domain.ids import BundleId, Digest, TransferId, UnitCode
from gateway.domain.statements import FINAL, Fate, Tally, digest_of


class Own(StrEnum):
    """What our own record says of a number that we gave out; each number is counted under exactly one."""

    HERE = "here"  # sealed, not deposited yet
    IN_FLIGHT = "in-flight"  # deposited, no receipt
    CUSTODY = "custody"  # a hub has signed for it
    DELIVERED = "delivered"
    REFUSED = "refused"
    CLOSED = "closed"  # ended here by a person, without a receipt
    UNKNOWN = "unknown"  # given out, and no record of it is left


class Kind(StrEnum):
    """A difference; the value is the code under which it is explained."""

    LOST = "reconcile-lost"
    RECEIPT_MISSING = "reconcile-receipt-missing"
    FORGOTTEN_THERE = "reconcile-forgotten-there"
    UNKNOWN_HERE = "reconcile-unknown-here"
    RECORD_MISSING = "reconcile-record-missing"
    EQUIVOCATION = "reconcile-equivocation"
    TWICE = "reconcile-counted-twice"
    CONTRADICTION = "reconcile-contradiction"
    CLOSED_THERE = "reconcile-closed-there"
    CLOSED_HERE = "reconcile-closed-here"
    HELD_THERE = "reconcile-held-there"


REMARKS = frozenset({Kind.HELD_THERE})
"""What is accounted for all the same, and only said."""
MENDED = frozenset({Kind.LOST, Kind.RECEIPT_MISSING, Kind.FORGOTTEN_THERE, Kind.UNKNOWN_HERE})
"""What the node tries to mend by itself: it is sent again, or asked for, or given back."""
ALARMS = frozenset({Kind.EQUIVOCATION, Kind.TWICE, Kind.CONTRADICTION, Kind.RECORD_MISSING, Kind.UNKNOWN_HERE})
"""What should never be, unless a ledger was put back."""


@dataclass(frozen=True, slots=True)
class OwnNumber:
    """One number that we gave out. since: when it came to its state (seconds since 1970 UTC, our clock)."""

    number: int
    own: Own
    since: float
    bundle: BundleId | None = None
    header: Digest | None = None
    transfer: TransferId | None = None
    export_name: str = ""
    case_no: str = ""


@dataclass(frozen=True, slots=True)
class OwnStream:
    """Our stream to one recipient in one epoch, from `first` to `last`, every number in it once, ascending."""

    origin: UnitCode
    recipient: UnitCode
    epoch: int
    first: int
    last: int
    numbers: tuple[OwnNumber, ...]
    hubs: tuple[UnitCode, ...] = ()
    """On the way, ours first; none where the recipient is our neighbour."""
    unconfirmed: bool = False
    """Receipts come late or never on this way: what is sent counts as in flight for long."""

    def counts(self) -> Mapping[Own, int]:
        """Return how many numbers are under each heading; their sum is that of the numbers given out."""
        found = Counter(one.own for one in self.numbers)
        return {own: found[own] for own in Own}


@dataclass(frozen=True, slots=True)
class Word:
    """What one party answered. tallies: of this stream's origin and recipient, by epoch; asked_at: by our clock."""

    asked_at: float
    tallies: Mapping[int, Tally]
    in_hand: frozenset[BundleId]


@dataclass(frozen=True, slots=True)
class Difference:
    """One number about which two disagree. party: whose word it is; number 0: some of those delivered."""

    kind: Kind
    recipient: UnitCode
    epoch: int
    number: int
    party: UnitCode
    bundle: BundleId | None = None
    transfer: TransferId | None = None
    export_name: str = ""
    case_no: str = ""


def compare(stream: OwnStream, words: Mapping[UnitCode, Word]) -> tuple[Difference, ...]:
    """Return where our record and what was answered disagree, by number.

    words: of those who answered. Who did not proves nothing: no difference is found by silence.
    """
    found = [difference for one in stream.numbers for difference in _of_number(stream, one, words)]
    for party in (stream.recipient, *stream.hubs):
        if (word := words.get(party)) is not None:
            found += _of_tally(stream, party, word)
    return tuple(found)


def strange_epochs(
    origin: UnitCode, recipient: UnitCode, known: Collection[int], words: Mapping[UnitCode, Word]
) -> tuple[Difference, ...]:
    """Return the numbers of epochs of ours that others know and our ledger does not, as far as they were named."""
    return tuple(
        Difference(Kind.UNKNOWN_HERE, recipient, epoch, number, party, bundle)
        for party, word in words.items()
        for epoch, tally in word.tallies.items()
        if epoch not in known and tally.origin == origin
        for number, bundle in tally.named
    )


def _of_number(stream: OwnStream, one: OwnNumber, words: Mapping[UnitCode, Word]) -> Iterator[Difference]:
    def differs(kind: Kind, party: UnitCode) -> Difference:
        return Difference(
            kind,
            stream.recipient,
            stream.epoch,
            one.number,
            party,
            one.bundle,
            one.transfer,
            one.export_name,
            one.case_no,
        )

    there = words.get(stream.recipient)
    is_said, fate = _said(there, stream.epoch, one.number)
    match one.own:
        case Own.DELIVERED if is_said and fate is Fate.REFUSED:
            yield differs(Kind.CONTRADICTION, stream.recipient)
        case Own.DELIVERED if is_said and fate in (None, Fate.PENDING, Fate.ASIDE):
            yield differs(Kind.FORGOTTEN_THERE, stream.recipient)
        case Own.REFUSED if fate is Fate.DELIVERED:
            yield differs(Kind.CONTRADICTION, stream.recipient)
        case Own.CLOSED if fate is Fate.DELIVERED:
            yield differs(Kind.CLOSED_HERE, stream.recipient)
        case Own.UNKNOWN if fate is not None:
            yield differs(Kind.UNKNOWN_HERE, stream.recipient)
        case Own.UNKNOWN if is_said:
            yield differs(Kind.RECORD_MISSING, stream.recipient)
        case Own.HERE if fate in FINAL:
            yield differs(Kind.RECEIPT_MISSING, stream.recipient)
        case Own.IN_FLIGHT | Own.CUSTODY:
            kind, party = _open(stream, one, words, fate)
            if kind is not None:
                yield differs(kind, party)


def _open(
    stream: OwnStream, one: OwnNumber, words: Mapping[UnitCode, Word], fate: Fate | None
) -> tuple[Kind | None, UnitCode]:
    """Return what is the matter with a bundle that has no final receipt; None if it is on its way."""
    if fate is not None:
        kind = {Fate.ASIDE: Kind.HELD_THERE, Fate.CLOSED: Kind.CLOSED_THERE, Fate.TWICE: None, Fate.PENDING: None}
        return kind.get(fate, Kind.RECEIPT_MISSING), stream.recipient
    for hub in stream.hubs:
        _is_said, held = _said(words.get(hub), stream.epoch, one.number)
        if held in FINAL:
            return Kind.RECEIPT_MISSING, hub
        if held is Fate.CLOSED:
            return Kind.CLOSED_THERE, hub
        if held is Fate.CUSTODY:
            return None, hub
    neighbour = stream.hubs[0] if stream.hubs else stream.recipient
    if is_lost(words.get(neighbour), stream.epoch, one.number, one.bundle, one.since):
        return Kind.LOST, neighbour
    return None, neighbour


def is_lost(word: Word | None, epoch: int, number: int, bundle: BundleId | None, since: float) -> bool:
    """Whether a neighbour that had this bundle, or should have had it when we asked, knows nothing of it.

    since: when it was deposited, or signed for. What came to that after we asked may have crossed the answer.
    """
    if word is None or since > word.asked_at or bundle in word.in_hand:
        return False
    is_said, fate = _said(word, epoch, number)
    return is_said and fate is None


def _said(word: Word | None, epoch: int, number: int) -> tuple[bool, Fate | None]:
    """Return whether a party has spoken about a number, and what it says; (True, None): it does not know it."""
    if word is None:
        return False, None
    tally = word.tallies.get(epoch)
    if tally is None:
        return False, None
    if not tally.first <= number <= tally.last:
        return tally.last >= tally.highest and number > tally.last, None
    for fate, among in tally.fates:
        at = bisect_right(among, number, key=itemgetter(0))
        if at and number <= among[at - 1][1]:
            return True, fate
    return True, None


def _of_tally(stream: OwnStream, party: UnitCode, word: Word) -> Iterator[Difference]:
    """Yield what a party's word shows by itself: numbers of strangers, bundles that are not ours, numbers twice."""
    tally = word.tallies.get(stream.epoch)
    if tally is None:
        return
    ours = {one.number: one for one in stream.numbers}

    def differs(kind: Kind, number: int, bundle: BundleId | None) -> Difference:
        one = ours.get(number)
        return Difference(
            kind,
            stream.recipient,
            stream.epoch,
            number,
            party,
            bundle,
            one.transfer if one else None,
            one.export_name if one else "",
            one.case_no if one else "",
        )

    for number in sorted(tally.numbers(Fate.TWICE, stream.first, stream.last)):
        yield differs(Kind.TWICE, number, None)
    for number, bundle in tally.named:
        if number > stream.last:
            yield differs(Kind.UNKNOWN_HERE, number, bundle)
        elif number in ours and ours[number].bundle not in (None, bundle):
            yield differs(Kind.EQUIVOCATION, number, bundle)
    reached = tally.numbers(Fate.DELIVERED, stream.first, stream.last)
    delivered = [ours[number] for number in reached if number in ours]
    known = [(one.number, one.bundle, one.header) for one in delivered if one.bundle and one.header]
    is_comparable = len(known) == len(delivered) and tally.last <= stream.last
    if is_comparable and digest_of(known) != tally.digest:
        yield differs(Kind.EQUIVOCATION, 0, None)
