"""What a hub or a recipient says it knows of streams, number by number: plain values, as a statement carries them."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from gateway.domain.holdings import Range
from gateway.domain.ids import BundleId, Digest, UnitCode

STREAMS_ASKED_MAX = 256
"""Streams of one enquiry; whoever has more asks several times."""
TALLIES_MAX = 512
"""Streams of one statement: those asked for, and other epochs of theirs."""
RANGES_STATED_MAX = 16_384
"""Ranges of one enquiry, each of whose streams has far fewer, or of one statement; a tally that does not fit there ends
earlier and says where."""
NAMED_MAX = 4096
"""Bundles named in one statement."""
IN_HAND_MAX = 4096
"""Bundles in hand that are named without a number."""
RECEIPTS_MAX = 256
"""Receipts given back in one paper."""
WINDOW = 65_536
"""Numbers of a stream that are compared, counted from the last: what is older was found balanced many times."""


class Fate(StrEnum):
    """What has become of a number, by the word of a hub or a recipient."""

    CUSTODY = "custody"  # at a hub: held, or passed on, and no final receipt yet
    PENDING = "pending"  # at the recipient: in hand, undecided
    DELIVERED = "delivered"
    REFUSED = "refused"
    ASIDE = "aside"  # in quarantine, waits for a person there
    CLOSED = "closed"  # ended there by a person, without a receipt
    TWICE = "twice"  # more than one bundle bears it


FINAL = frozenset({Fate.DELIVERED, Fate.REFUSED})


@dataclass(frozen=True, slots=True)
class Question:
    """One stream that is asked about: the numbers `first` to `last`; of those in `open` the bundle is to be named."""

    origin: UnitCode
    recipient: UnitCode
    epoch: int
    first: int
    last: int
    open: tuple[Range, ...]


@dataclass(frozen=True, slots=True)
class Enquiry:
    """What one unit asks another about streams. issued_at: seconds since 1970 UTC by the issuer's clock.

    number: the issuer's own count, so that no two of its enquiries are the same paper.
    """

    issuer: UnitCode
    to: UnitCode
    issued_at: int
    number: int
    streams: tuple[Question, ...]


def in_parts(questions: Iterable[Question]) -> Iterator[Sequence[Question]]:
    """Yield `questions`, each of which fits into an enquiry, as many together as one takes."""
    part: list[Question] = []
    room = RANGES_STATED_MAX
    for one in questions:
        if len(part) == STREAMS_ASKED_MAX or len(one.open) > room:
            yield part
            part, room = [], RANGES_STATED_MAX
        part.append(one)
        room -= len(one.open)
    if part:
        yield part


@dataclass(frozen=True, slots=True)
class Tally:
    """What the issuer knows of one stream, from `first` to `last`; a number in none of `fates` is unknown there.

    highest: the highest number known, which may lie above `last`.
    digest:  over the delivered ones, see `digest_of`.     named: bundles by number, of those that were asked to be
    named and of those above what the asker said to have given out.
    """

    origin: UnitCode
    recipient: UnitCode
    epoch: int
    first: int
    last: int
    highest: int
    digest: Digest
    fates: tuple[tuple[Fate, tuple[Range, ...]], ...]
    named: tuple[tuple[int, BundleId], ...]

    def numbers(self, fate: Fate, least: int, most: int) -> frozenset[int]:
        """Return the numbers of one fate from `least` to `most`; what a stranger states may reach to 2**53."""
        among = dict(self.fates).get(fate, ())
        return frozenset(n for first, final in among for n in range(max(first, least), min(final, most) + 1))


@dataclass(frozen=True, slots=True)
class Statement:
    """What a node states to one unit. epoch: the issuer's own; answers: name of the enquiry (32 hexadecimal digits);
    in_hand: bundles that came by the link to the asker and whose numbers are not known yet."""

    issuer: UnitCode
    to: UnitCode
    issued_at: int
    epoch: int
    answers: str
    streams: tuple[Tally, ...]
    in_hand: tuple[BundleId, ...]


@dataclass(frozen=True, slots=True)
class Returned:
    """Receipts that `to` had signed and has lost, given back to it by a unit that is not its neighbour."""

    issuer: UnitCode
    to: UnitCode
    issued_at: int
    receipts: tuple[bytes, ...]


Paper = Enquiry | Statement | Returned
"""What travels under the ending of a statement."""


def digest_of(delivered: Iterable[tuple[int, BundleId, Digest]]) -> Digest:
    """Return the SHA-256 over (number, bundle, header) of what was delivered, by number: equal sets, equal digests."""
    hasher = hashlib.sha256()
    for number, bundle, header in sorted(delivered):
        hasher.update(f"{number} {bundle} {header}\n".encode())
    return Digest(hasher.hexdigest())
