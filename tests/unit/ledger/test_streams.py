"""Streams: numbers without gaps going out, at most one delivery coming in, and what is missing."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.domain.errors import PermanentError, SecurityError, TransientError
from gateway.domain.lifecycle import Direction, Event
from gateway.domain.records import Stage, Step
from gateway.ledger import streams
from gateway.ledger.store import Ledger
from tests.support.ledger import (
    EPOCH,
    OTHER_LINK,
    OTHER_PEER,
    PEER,
    PEER_EPOCH,
    bundle,
    deliver,
    delivered,
    delivery_facts,
    found,
    header,
    missing,
    offered,
    open_ledger,
    seal,
    sealed,
    stream_states,
    verified,
)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with open_ledger(tmp_path) as opened:
        yield opened


def test_each_recipient_has_a_stream_of_its_own(ledger: Ledger) -> None:
    numbers = [sealed(ledger, n, recipient=peer).sequence for n, peer in enumerate([PEER, PEER, OTHER_PEER, PEER], 1)]
    assert numbers == [1, 2, 1, 3]
    assert stream_states(ledger) == [
        (PEER, Direction.OUTBOUND, EPOCH, 3),
        (OTHER_PEER, Direction.OUTBOUND, EPOCH, 1),
    ]


@pytest.mark.parametrize("sequence", [0, 1, 3])
def test_only_the_next_number_may_be_sealed(ledger: Ledger, sequence: int) -> None:
    sealed(ledger, 1)
    transfer = found(ledger, 2)
    with pytest.raises(TransientError) as refused:
        ledger.advance(seal(transfer, 2, sequence))
    assert (refused.value.code, refused.value.facts["expected"]) == ("sequence-conflict", 2)
    assert ledger.get(transfer.id) == transfer


def test_a_seal_of_another_epoch_is_taken_in_and_moves_only_its_own_stream(ledger: Ledger) -> None:
    step = seal(found(ledger), 1, 7)
    with pytest.raises(TransientError, match="sequence-conflict"):
        ledger.advance(replace(step, facts=replace(step.facts, epoch=EPOCH)))
    assert ledger.advance(replace(step, facts=replace(step.facts, epoch=EPOCH + 1))).epoch == EPOCH + 1
    assert ledger.next_sequence(PEER) == 1
    assert [one[2:] for one in stream_states(ledger)] == [(EPOCH + 1, 7)]


def test_the_same_bundle_over_two_links_is_delivered_once(ledger: Ledger) -> None:
    first, second = verified(ledger, 1), verified(ledger, 1, link=OTHER_LINK)
    ledger.advance(deliver(first))
    with pytest.raises(PermanentError) as refused:
        ledger.advance(deliver(second))
    assert refused.value.code == "already-delivered"
    assert ledger.get(second.id) == second


def test_another_header_under_a_delivered_id_is_equivocation(ledger: Ledger) -> None:
    forged = verified(ledger, 1, link=OTHER_LINK, facts=replace(delivery_facts(1, 2), header_hash=header(9)))
    delivered(ledger, 1, 1)
    step = deliver(forged)
    assert step.receipt is not None
    with pytest.raises(SecurityError) as refused:
        ledger.advance(replace(step, receipt=replace(step.receipt, header_hash=header(9))))
    assert refused.value.code == "equivocation"
    assert ledger.seen(PEER, bundle(1)) == header(1)


def test_one_number_for_two_bundles_is_refused(ledger: Ledger) -> None:
    delivered(ledger, 1, 1)
    with pytest.raises(SecurityError) as refused:
        ledger.advance(deliver(verified(ledger, 2, 1), 2))
    assert refused.value.code == "sequence-reused"
    assert ledger.seen(PEER, bundle(2)) is None


def test_what_is_delivered_together_is_delivered_once_too(ledger: Ledger) -> None:
    same = [deliver(verified(ledger, 1)), deliver(verified(ledger, 1, link=OTHER_LINK))]
    with pytest.raises(PermanentError, match="already-delivered"):
        ledger.advance_many(same)
    with pytest.raises(SecurityError, match="sequence-reused"):
        ledger.advance_many([same[0], deliver(verified(ledger, 2, 1), 2)])
    assert stream_states(ledger) == []
    assert ledger.seen(PEER, bundle(1)) is None


def test_what_is_delivered_together_moves_its_stream_once_and_notes_what_was_left_out(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    moves: list[int] = []
    move = streams._move
    monkeypatch.setattr(streams, "_move", lambda *its: (moves.append(its[-1]), move(*its)))
    whole = [deliver(verified(ledger, number, number), number) for number in (1, 2, 3)]
    ledger.advance_many(whole)
    assert (moves, ledger.resync.word(PEER).gap_since) == ([3], None)
    late = [deliver(verified(ledger, number, sequence), number) for number, sequence in ((4, 5), (5, 4), (6, 6))]
    ledger.advance_many(late)
    assert moves == [3, 6]
    assert ledger.resync.word(PEER).gap_since is not None, "for a moment the fourth was missing"


def test_epochs_and_origins_do_not_collide(ledger: Ledger) -> None:
    delivered(ledger, 1, 1)
    for number, facts in (
        (2, delivery_facts(2, 1, epoch=PEER_EPOCH + 1)),
        (3, delivery_facts(3, 1, origin=OTHER_PEER)),
    ):
        ledger.advance(deliver(verified(ledger, number, facts=facts), number))
    assert [(peer, epoch, last) for peer, _way, epoch, last in stream_states(ledger)] == [
        (PEER, PEER_EPOCH, 1),
        (PEER, PEER_EPOCH + 1, 1),
        (OTHER_PEER, PEER_EPOCH, 1),
    ]


def test_the_highest_delivered_never_steps_back(ledger: Ledger) -> None:
    for number, sequence in ((1, 4), (2, 2), (3, 7), (4, 1)):
        delivered(ledger, number, sequence)
    assert [last for *_, last in stream_states(ledger)] == [7]


def test_what_is_missing_is_named_in_ranges(ledger: Ledger) -> None:
    assert missing(ledger, PEER, PEER_EPOCH) == []
    for number, sequence in ((1, 3), (2, 4), (3, 9), (4, 11)):
        delivered(ledger, number, sequence)
    assert missing(ledger, PEER, PEER_EPOCH) == [(1, 2), (5, 8), (10, 10)]
    assert missing(ledger, PEER, PEER_EPOCH, limit=1) == [(1, 2)]
    assert missing(ledger, PEER, PEER_EPOCH + 1) == []


def test_what_is_here_but_not_delivered_is_not_missing(ledger: Ledger) -> None:
    delivered(ledger, 1, 1)
    verified(ledger, 2, 2)
    fetched = ledger.advance(Step(offered(ledger, 3), Event.FETCHED, Stage.RECEIVE))
    ledger.advance(Step(fetched, Event.QUARANTINED, Stage.OPEN, delivery_facts(3, 3)))
    delivered(ledger, 5, 5)
    assert missing(ledger, PEER, PEER_EPOCH) == [(4, 4)]


def test_a_gap_is_never_counted_out_however_wide_it_is(ledger: Ledger) -> None:
    """A peer may number as it likes, up to 2**53; one bundle of its may not cost us our memory."""
    verified(ledger, 1, 2**53 - 1)
    assert ledger.resync.has_gaps(PEER)
