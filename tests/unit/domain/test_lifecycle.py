"""The state machine: what may follow what, and what can never happen."""

from itertools import product

import pytest

from gateway.domain.lifecycle import FIRST, TABLE, Direction, Event, IllegalStepError, State, after, ends, is_legal

OUT, IN = Direction.OUTBOUND, Direction.INBOUND


def reachable(direction: Direction, start: State, without: State | None = None) -> set[State]:
    """Return the states that can follow `start`, not passing through `without`."""
    known, fresh = set(), {start}
    while fresh:
        known |= fresh
        fresh = {to for (state, _), to in TABLE[direction].items() if state in fresh and to != without} - known
    return known


@pytest.mark.parametrize("direction", Direction)
def test_the_table_and_the_question_agree(direction: Direction) -> None:
    for state, event in product(State, Event):
        if (state, event) in TABLE[direction]:
            assert is_legal(direction, state, event)
            assert after(direction, state, event) is TABLE[direction][state, event]
        else:
            assert not is_legal(direction, state, event)
            with pytest.raises(IllegalStepError, match=f"{direction}: {event} cannot follow {state}"):
                after(direction, state, event)


def test_the_table_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        TABLE[OUT][State.FOUND, Event.SENT] = State.SENT
    with pytest.raises(TypeError):
        TABLE[OUT] = {}


def test_every_event_and_state_is_used() -> None:
    used_events = {event for table in TABLE.values() for _, event in table}
    used_states = {state for way in Direction for state in reachable(way, FIRST[way])}
    assert used_events == set(Event)
    assert used_states == set(State)


@pytest.mark.parametrize("direction", Direction)
def test_every_listed_state_can_be_reached(direction: Direction) -> None:
    listed = {state for state, _ in TABLE[direction]} | set(TABLE[direction].values())
    assert listed == reachable(direction, FIRST[direction])


@pytest.mark.parametrize("direction", Direction)
def test_every_transfer_can_end(direction: Direction) -> None:
    for state in reachable(direction, FIRST[direction]):
        assert reachable(direction, state) & ends(direction)
        assert State.CLOSED in reachable(direction, state)


@pytest.mark.parametrize("direction", Direction)
def test_closed_is_closed(direction: Direction) -> None:
    assert [event for event in Event if is_legal(direction, State.CLOSED, event)] == []


def test_the_ends_are_these() -> None:
    assert ends(OUT) == {State.DELIVERED, State.COLLECTED, State.DUPLICATE, State.REFUSED, State.CLOSED}
    assert ends(IN) == {State.CONFIRMED, State.SETTLED, State.COLLECTED, State.DISMISSED, State.CLOSED}
    assert ends(Direction.RELAY) == {State.SETTLED, State.CLOSED}


def test_nothing_is_sent_that_was_not_sealed() -> None:
    assert not reachable(OUT, State.FOUND, without=State.SEALED) & {State.SENT, State.IN_CUSTODY, State.DELIVERED}


def test_nothing_is_delivered_that_was_not_verified() -> None:
    before = reachable(IN, State.OFFERED, without=State.VERIFIED)
    ways = {event for (state, event), to in TABLE[IN].items() if state in before and to is State.CONFIRMED}
    # What an earlier life of this node delivered is only recalled.
    assert ways == {Event.CONFIRMED, Event.RECALLED}
    assert all(to is State.CONFIRMED for (_, event), to in TABLE[IN].items() if event is Event.RECALLED)


def test_no_path_leads_from_delivered_back_to_verified() -> None:
    behind = {State.OFFERED, State.FETCHED, State.VERIFIED, State.QUARANTINED}
    for state in (State.DELIVERED, State.CONFIRMED, State.COLLECTED):
        assert not reachable(IN, state) & behind
    assert not reachable(OUT, State.DELIVERED) & {State.FOUND, State.SEALED, State.SENT, State.IN_CUSTODY}


def test_what_was_rejected_is_never_delivered() -> None:
    assert reachable(IN, State.REJECTED) == {State.REJECTED, State.DISMISSED, State.CLOSED}


def test_a_refused_export_is_never_sent() -> None:
    assert reachable(OUT, State.REFUSED) == {State.REFUSED, State.CLOSED}


def test_a_receipt_may_overtake_the_record_of_the_upload() -> None:
    for event in (Event.CUSTODY_RECEIPTED, Event.DELIVERY_RECEIPTED, Event.REFUSAL_RECEIPTED):
        assert is_legal(OUT, State.SEALED, event)


def test_a_receipt_that_was_lost_is_owed_again() -> None:
    owed = {State.CONFIRMED: State.DELIVERED, State.COLLECTED: State.DELIVERED, State.DISMISSED: State.REJECTED}
    assert {state: after(IN, state, Event.RECEIPT_ASKED) for state in owed} == owed
