"""What is missing of a peer's streams, told without walking what was found to be whole, however it came about."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.bundle.inventory import sign_inventory
from gateway.bundle.keys import generate
from gateway.domain.holdings import RANGES_MAX, Got, Sent, joined
from gateway.domain.ids import LinkName
from gateway.domain.lifecycle import Direction, Event, State
from gateway.domain.records import Facts, Offer, Stage, Step, Transfer
from gateway.domain.statements import Question, Statement
from gateway.ledger import gaps, holdings, reconciling, repeats, tallies
from gateway.ledger.answer_rows import _with_bundle
from gateway.ledger.change import Change
from gateway.ledger.prepared import rows
from gateway.ledger.schema import INTEGER_MAX
from gateway.ledger.store import Ledger
from tests.support.ledger import (
    LINK,
    OTHER_PEER,
    PEER,
    PEER_EPOCH,
    START,
    UNIT,
    ToldClock,
    bundle,
    delivered,
    delivery_facts,
    missing,
    offered,
    open_ledger,
    verified,
)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with open_ledger(tmp_path) as opened:
        yield opened


def told(ledger: Ledger) -> None:
    """An inventory has reached the peer's mailbox."""
    ledger.resync.sent(PEER, asked=True, answered="")


def kept(ledger: Ledger) -> list[tuple[int, int]]:
    """Return where numbers are looked for."""
    with ledger.reading() as connection:
        return gaps._suspected(connection, {"peer": PEER, "epoch": PEER_EPOCH})


def set_aside(ledger: Ledger, number: int, note: str = "segment-corrupt") -> Transfer:
    here = verified(ledger, number, number)
    return ledger.advance(Step(here, Event.QUARANTINED, Stage.OPEN, Facts(note=note)))


def offered_again(ledger: Ledger, transfer: Transfer) -> Transfer:
    return ledger.advance(Step(transfer, Event.OFFERED_AGAIN, Stage.RECEIVE))


def test_what_came_late_is_not_missing_and_what_is_new_is_seen(ledger: Ledger) -> None:
    for number in (1, 4, 8):
        delivered(ledger, number, number)
    told(ledger)
    assert kept(ledger) == [(2, 3), (5, 7), (9, INTEGER_MAX)]
    for number in (6, 3, 10):
        delivered(ledger, number, number)
    assert missing(ledger, PEER, PEER_EPOCH) == [(2, 2), (5, 5), (7, 7), (9, 9)]
    assert missing(ledger, PEER, PEER_EPOCH, limit=3) == [(2, 2), (5, 5), (7, 7)]
    told(ledger)
    assert kept(ledger) == [(2, 2), (5, 5), (7, 7), (9, 9), (11, INTEGER_MAX)]
    for number in (2, 5, 7, 9):
        delivered(ledger, number, number)
    assert missing(ledger, PEER, PEER_EPOCH) == []
    assert not ledger.resync.has_gaps(PEER)
    told(ledger)
    assert kept(ledger) == [(11, INTEGER_MAX)]


def test_a_number_whose_bytes_are_offered_anew_is_missing_until_it_is_named_again(ledger: Ledger) -> None:
    for number in (1, 2, 4):
        delivered(ledger, number, number)
    damaged = set_aside(ledger, 3)
    told(ledger)
    assert kept(ledger) == [(5, INTEGER_MAX)]
    again = offered_again(ledger, damaged)
    assert missing(ledger, PEER, PEER_EPOCH) == [(3, 3)]
    told(ledger)
    assert kept(ledger) == [(3, 3), (5, INTEGER_MAX)]
    fetched = ledger.advance(Step(again, Event.FETCHED, Stage.RECEIVE))
    ledger.advance(Step(fetched, Event.VERIFIED, Stage.OPEN, delivery_facts(3, 3)))
    assert missing(ledger, PEER, PEER_EPOCH) == []


def test_the_highest_number_may_be_forgotten_and_nothing_is_said_of_what_lies_above(ledger: Ledger) -> None:
    delivered(ledger, 1, 1)
    damaged = set_aside(ledger, 5)
    told(ledger)
    assert kept(ledger) == [(2, 4), (6, INTEGER_MAX)]
    offered_again(ledger, damaged)
    assert missing(ledger, PEER, PEER_EPOCH) == [], "nothing higher is known"
    told(ledger)
    delivered(ledger, 6, 6)
    assert missing(ledger, PEER, PEER_EPOCH) == [(2, 5)]


def test_the_highest_number_that_there_can_be(ledger: Ledger) -> None:
    delivered(ledger, 1, INTEGER_MAX)
    told(ledger)
    assert missing(ledger, PEER, PEER_EPOCH) == [(1, INTEGER_MAX - 1)]


def test_what_is_kept_is_bounded_and_nothing_behind_it_is_lost(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gaps, "_KEPT", 2)
    for number in (2, 4, 6, 8):
        delivered(ledger, number, number)
    told(ledger)
    assert kept(ledger) == [(1, 1), (3, 3), (4, INTEGER_MAX)]
    assert missing(ledger, PEER, PEER_EPOCH) == [(1, 1), (3, 3), (5, 5), (7, 7)]


_MOVES = st.lists(st.tuples(st.sampled_from(["bear", "lose", "tell"]), st.integers(1, 7)), max_size=16)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Ledger, Iterator[int]]]:
    """Yield a ledger that many examples use, and an epoch for each."""
    path = tmp_path_factory.mktemp("shared") / "ledger" / "ledger.db"
    with Ledger.open(path, unit=UNIT, clock=ToldClock(), new_epoch=lambda: 77, durable=False) as ledger:
        yield ledger, count(1)


@settings(max_examples=30, deadline=None)
@given(moves=_MOVES)
def test_it_is_always_what_a_walk_of_the_whole_stream_would_say(
    shared: tuple[Ledger, Iterator[int]], moves: list[tuple[str, int]]
) -> None:
    ledger, epochs = shared
    epoch = next(epochs)
    here: dict[int, Transfer] = {}
    away: dict[int, Transfer] = {}
    for move, number in moves:
        if move == "tell":
            told(ledger)
        elif move == "bear" and number not in here:
            came = away.pop(number, None) or offered(ledger, 100 * epoch + number)
            fetched = Step(came, Event.FETCHED, Stage.RECEIVE)
            facts = delivery_facts(100 * epoch + number, number, epoch=epoch)
            named = Step(replace(came, version=came.version + 1), Event.QUARANTINED, Stage.OPEN, facts)
            here[number] = ledger.advance_many([fetched, named])[-1]
        elif move == "lose" and number in here:
            away[number] = offered_again(ledger, here.pop(number))
        lacking = [(one, one) for one in range(1, max(here, default=0)) if one not in here]
        assert missing(ledger, PEER, epoch) == list(joined(lacking))


# -- nothing that is asked at each inventory, minute or enquiry grows with what is over --------------------------------

_PAST = """
WITH RECURSIVE n(number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM n WHERE number < :count)
INSERT INTO transfers (version, direction, state, link, origin, recipient, peer, bundle_id, header_hash, epoch,
  sequence, flow, case_no, export_name, size, found_at, changed_at, owed_since, attempts, next_attempt_at, verdict,
  priority)
SELECT 1, :way, :state, :link, iif(:way = 'outbound', NULL, :peer), iif(:way = 'outbound', :peer, :to), :peer,
  printf('%s%024d', :letter, number), printf('%064d', number), :epoch, number, '', '', '', 1, number, number, number, 0,
  number, '', 4
FROM n
"""
_ASKED = """
INSERT INTO asked (transfer_id, at, flow, direction, peer, reply, per, open)
SELECT id, found_at, '', direction, :peer, '', '', 0 FROM transfers WHERE direction = 'inbound'
"""
_STREAMS = (
    ("outbound", State.CLOSED, UNIT, 77, "aaaaaaaa"),
    ("inbound", State.CLOSED, UNIT, PEER_EPOCH, "bbbbbbbb"),
    ("relay", State.SETTLED, OTHER_PEER, PEER_EPOCH, "cccccccc"),
)


def _insert(text: str, its: dict[str, Any], change: Change) -> None:
    change.connection.exec_driver_sql(text, its)


def test_an_inventory_names_what_fits_into_one_the_newest_epochs_first(ledger: Ledger) -> None:
    for epoch, letter in ((76, "aaaaaaaa"), (77, "bbbbbbbb")):
        its = {"count": 2100, "way": "outbound", "state": State.SENT, "link": LINK, "peer": PEER, "to": PEER}
        ledger.change(partial(_insert, _PAST, {**its, "epoch": epoch, "letter": letter}))
    ledger.change(partial(_insert, "UPDATE transfers SET sequence = 2 * sequence", {}))
    stated = ledger.resync.inventory(PEER, LINK, token=b"ours", issued_at=START, asks=True, answers="")
    sign_inventory(replace(stated, life=32 * "a"), generate())
    earlier, newest = stated.sent
    assert (earlier.last, len(earlier.open)) == (4200, 0)
    assert (newest.last, newest.open[0], len(newest.open)) == (4200, (2, 2), RANGES_MAX // 2)


@contextmanager
def past(folder: Path, many: int) -> Iterator[Ledger]:
    """Yield a ledger of a unit that is a hub too, with so much behind it in each direction, and little at hand."""
    with open_ledger(folder, ToldClock()) as ledger:
        for way, state, to, epoch, letter in _STREAMS:
            its = {"count": many, "way": way, "state": state, "link": LINK, "peer": PEER, "to": to, "epoch": epoch}
            ledger.change(partial(_insert, _PAST, {**its, "letter": letter}))
        ledger.change(partial(_insert, _ASKED, {"peer": PEER}))
        delivered(ledger, many + 1, many + 1)
        verified(ledger, many + 3, many + 3)
        set_aside(ledger, many + 4)
        ledger.offered([Offer(LinkName("other"), bundle(many + 9), 5)])
        told(ledger)
        yield ledger


def steps(ledger: Ledger, ask: Callable[[], object]) -> int:
    """Return how many instructions the database takes to answer: what no other work on the machine changes."""
    with ledger.reading() as connection:
        database = connection.connection.driver_connection
    assert database is not None
    taken = 0

    def tick() -> int:
        nonlocal taken
        taken += 1
        return 0

    ask()
    database.set_progress_handler(tick, 1)
    try:
        ask()
    finally:
        database.set_progress_handler(None, 0)
    return taken


def questions(ledger: Ledger, many: int) -> dict[str, Callable[[], object]]:
    """Return what is asked again and again by itself."""
    mine = Question(PEER, UNIT, PEER_EPOCH, many, many, ())
    theirs = Question(PEER, OTHER_PEER, PEER_EPOCH, many, many, ())
    said_sent, said_got = [Sent(PEER_EPOCH, many + 9, ())], [Got(77, many + 9, ())]
    statement = Statement(PEER, UNIT, 0, PEER_EPOCH, "0" * 32, (), ())

    def on(ask: Callable[..., object], *values: object) -> Callable[[], object]:
        def asked() -> object:
            with ledger.reading() as connection:
                return ask(connection, *values)

        return asked

    return {
        "sent": on(holdings.sent, PEER),
        "got": on(holdings.got, PEER),
        "gaps": lambda: ledger.resync.has_gaps(PEER),
        "open to": on(holdings.open_to, LINK),
        "pending": on(holdings.pending, PEER, LINK),
        "receipts again": on(holdings.to_be_receipted_again, PEER, said_sent),
        "receipts back": on(holdings.receipts_to_return, PEER, said_got),
        "of no epoch": on(holdings.receipts_to_return, PEER, [Got(76, 9, ()), *said_got]),
        "lost": on(holdings.lost_on_the_way, PEER, said_got, (), START),
        "lost at a hub": on(reconciling._lost_at, statement, LINK, START),
        "held at a hub": lambda: ledger.reconciling.held_at(LINK),
        "in hand": lambda: ledger.reconciling.in_hand(LINK),
        "tally of ours": on(tallies.tallies, UNIT, [mine]),
        "tally of others": on(tallies.tallies, UNIT, [theirs]),
        "carried and open": on(tallies.carried_and_open, theirs, 9),
        "carried under a number": lambda: ledger.relays.taken_by(PEER, OTHER_PEER, PEER_EPOCH, many),
        "on the way": lambda: ledger.relays.on_the_way({(PEER, OTHER_PEER)}),
        "requests that are open": ledger.answers.counts,
        "bearers": on(repeats.bearers, Direction.INBOUND, PEER, bundle(many + 1)),
        "taken back": on(rows, _with_bundle, {"bundle": bundle(1), "direction": Direction.INBOUND, "peer": PEER}),
    }


def test_what_is_asked_again_and_again_costs_the_same_however_much_is_over(tmp_path: Path) -> None:
    taken: list[dict[str, int]] = []
    for many in (100, 3_000):
        with past(tmp_path / str(many), many) as ledger:
            taken.append({name: steps(ledger, ask) for name, ask in questions(ledger, many).items()})
    few, much = taken
    grown = {name: (few[name], much[name]) for name in few if much[name] > few[name] + 200}
    assert not grown
