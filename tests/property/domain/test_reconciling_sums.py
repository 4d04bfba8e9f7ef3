"""Whatever three ledgers say: each number is counted once, silence finds nothing, and agreement finds nothing."""

from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.holdings import joined
from gateway.domain.ids import BundleId, Digest, UnitCode
from gateway.domain.reconciling import REMARKS, Kind, Own, OwnNumber, OwnStream, Word, compare
from gateway.domain.statements import Fate, Tally, digest_of

US, THEM, HUB = UnitCode("990101"), UnitCode("990102"), UnitCode("HUB9901")
ASKED = 100.0

AGREES = {
    Own.HERE: (None, None),
    Own.IN_FLIGHT: (None, Fate.CUSTODY),
    Own.CUSTODY: (Fate.PENDING, Fate.CUSTODY),
    Own.DELIVERED: (Fate.DELIVERED, Fate.DELIVERED),
    Own.REFUSED: (Fate.REFUSED, Fate.REFUSED),
    Own.CLOSED: (None, None),
}
"""What recipient and hub say where all is well."""


def bundle(number: int) -> BundleId:
    return BundleId(f"{number:032x}")


def header(number: int) -> Digest:
    return Digest(f"{number:064x}")


def stream(owns: list[Own], since: float = 1.0) -> OwnStream:
    numbers = tuple(
        OwnNumber(number, own, since, None if own is Own.UNKNOWN else bundle(number), header(number))
        for number, own in enumerate(owns, 1)
    )
    return OwnStream(US, THEM, 5, 1, len(owns), numbers, (HUB,))


def word(fates: list[Fate | None], asked_at: float = ASKED) -> Word:
    among = {
        fate: tuple((n, n) for n, one in enumerate(fates, 1) if one is fate) for fate in sorted(Fate) if fate in fates
    }
    delivered = [(n, bundle(n), header(n)) for n, one in enumerate(fates, 1) if one is Fate.DELIVERED]
    tally = Tally(US, THEM, 5, 1, len(fates), len(fates), digest_of(delivered), tuple(among.items()), ())
    return Word(asked_at, {5: tally}, frozenset())


owns = st.lists(st.sampled_from(Own), max_size=12)
fates = st.sampled_from([None, *Fate])


@given(owns)
def test_the_headings_always_add_up_to_what_was_given_out(some: list[Own]) -> None:
    assert sum(stream(some).counts().values()) == len(some)


@given(owns)
def test_silence_finds_nothing(some: list[Own]) -> None:
    assert compare(stream(some), {}) == ()


@given(st.lists(st.sampled_from(sorted(AGREES)), max_size=12))
def test_where_all_agree_there_is_no_difference(some: list[Own]) -> None:
    there, held = [AGREES[own][0] for own in some], [AGREES[own][1] for own in some]
    assert compare(stream(some), {THEM: word(there), HUB: word(held)}) == ()


@given(st.lists(st.tuples(st.sampled_from(Own), fates, fates), max_size=12))
def test_each_number_comes_to_one_difference_at_most_and_two_where_it_is_there_twice(
    some: list[tuple[Own, Fate | None, Fate | None]],
) -> None:
    ours = stream([own for own, _there, _held in some])
    found = compare(ours, {THEM: word([there for _own, there, _held in some]), HUB: word([h for _o, _t, h in some])})
    for number, (_own, there, held) in enumerate(some, 1):
        of_number = [one for one in found if one.number == number]
        assert len(of_number) <= 1 + (there is Fate.TWICE) + (held is Fate.TWICE)


@given(st.sampled_from([Own.IN_FLIGHT, Own.CUSTODY]), fates, fates, st.floats(1, 200))
def test_lost_is_only_what_nobody_has_and_was_there_before_we_asked(
    own: Own, there: Fate | None, held: Fate | None, since: float
) -> None:
    found = compare(stream([own], since), {THEM: word([there]), HUB: word([held])})
    is_lost = any(one.kind is Kind.LOST for one in found)
    nobody = there is None and held in (None, Fate.PENDING, Fate.ASIDE, Fate.REFUSED, Fate.TWICE)
    assert is_lost == (there is None and held is None and since <= ASKED)
    assert not is_lost or nobody


@given(st.sampled_from(Own), fates)
def test_what_has_a_final_receipt_is_never_sent_again(own: Own, held: Fate | None) -> None:
    found = compare(stream([own]), {THEM: word([None]), HUB: word([held])})
    if own not in (Own.IN_FLIGHT, Own.CUSTODY):
        assert all(one.kind is not Kind.LOST for one in found)
    assert REMARKS.isdisjoint({Kind.LOST})


@pytest.mark.parametrize("fate", [Fate.DELIVERED, Fate.TWICE])
def test_a_word_about_more_numbers_than_there_are_costs_nothing(fate: Fate) -> None:
    """Whoever is asked may state anything between 1 and 2**53; it is never counted out."""
    most = 2**53 - 1
    tally = Tally(US, THEM, 5, 1, most, most, digest_of([]), ((fate, ((1, most),)),), ())
    found = compare(stream([Own.DELIVERED, Own.UNKNOWN]), {THEM: Word(ASKED, {5: tally}, frozenset())})
    assert {one.number for one in found} <= {0, 1, 2}


spans = st.lists(st.tuples(st.integers(1, 40), st.integers(0, 8)).map(lambda one: (one[0], sum(one))))


@given(spans)
def test_joined_ranges_hold_the_same_numbers_apart_and_ascending(some: list[tuple[int, int]]) -> None:
    def numbers(pairs: Iterable[tuple[int, int]]) -> set[int]:
        return {number for first, final in pairs for number in range(first, final + 1)}

    found = joined(some)
    assert numbers(found) == numbers(some)
    assert all(one[1] + 1 < other[0] for one, other in pairwise(found))
    assert joined([(1, 2**53), (5, 2**52)]) == ((1, 2**53),)
