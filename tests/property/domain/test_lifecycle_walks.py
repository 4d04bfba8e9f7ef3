"""Random walks through the state machine: whatever is claimed, only what the table lists happens."""

import pickle

from hypothesis import given
from hypothesis import strategies as st

from gateway.domain import ids
from gateway.domain.errors import GatewayError, PermanentError, Scope, SecurityError, TransientError
from gateway.domain.lifecycle import FIRST, Direction, Event, State, after, ends, is_legal


@st.composite
def walks(draw: st.DrawFn) -> tuple[Direction, list[tuple[Event, State]]]:
    """Return a direction and the events that happened to one transfer, each with the state it led to."""
    direction = draw(st.sampled_from(Direction))
    state, past = FIRST[direction], []
    for _ in range(draw(st.integers(0, 15))):
        possible = [event for event in Event if is_legal(direction, state, event)]
        if not possible:
            break
        event = draw(st.sampled_from(possible))
        state = after(direction, state, event)
        past.append((event, state))
    return direction, past


@given(walks())
def test_what_happens_once_happens_once(walk: tuple[Direction, list[tuple[Event, State]]]) -> None:
    events = [event for event, _ in walk[1]]
    for once in (Event.DELIVERED, Event.SEALED, Event.CLOSED, Event.REJECTED, Event.DELIVERY_RECEIPTED):
        assert events.count(once) <= 1
    if Event.REJECTED in events:
        assert Event.DELIVERED not in events
    if Event.DELIVERED in events:
        assert events.index(Event.VERIFIED) < events.index(Event.DELIVERED)


@given(walks())
def test_what_ended_can_only_be_closed_collected_or_receipted_again(
    walk: tuple[Direction, list[tuple[Event, State]]],
) -> None:
    direction, past = walk
    ended = next((index for index, (_, state) in enumerate(past) if state in ends(direction)), len(past))
    assert {event for event, _ in past[ended + 1 :]} <= {
        Event.CLOSED,
        Event.COLLECTED,
        Event.COLLECTION_RECEIPTED,
        Event.RECEIPT_ASKED,
        Event.RECEIPT_CAME,
        Event.CONFIRMED,
        Event.DISMISSED,
    }


@given(
    kind=st.sampled_from([GatewayError, TransientError, PermanentError, SecurityError]),
    code=st.from_regex(r"[a-z]+(-[a-z]+)*", fullmatch=True),
    detail=st.text(),
    scope=st.sampled_from(Scope),
    facts=st.dictionaries(st.text(max_size=8), st.text() | st.integers(), max_size=4),
)
def test_any_error_survives_pickling(
    kind: type[GatewayError], code: str, detail: str, scope: Scope, facts: dict[str, str | int]
) -> None:
    arrived = pickle.loads(pickle.dumps(kind(code, detail, scope=scope, facts=facts)))
    assert (type(arrived), arrived.code, arrived.detail, arrived.scope, arrived.facts) == (
        kind,
        code,
        detail,
        scope,
        facts,
    )


@given(st.text())
def test_an_id_is_either_safe_or_refused(text: str) -> None:
    for make in (
        ids.unit_code,
        ids.bundle_id,
        ids.claim_token,
        ids.digest,
        ids.link_name,
        ids.route_name,
        ids.wire_name,
    ):
        try:
            made = make(text)
        except ValueError:
            continue
        assert made == text
        assert made.isascii()
        assert made.isprintable()
        assert not set(made) & set("/\\ :*?\"<>|'")
        assert not made.startswith((".", "-"))
