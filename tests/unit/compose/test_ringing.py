"""Who is woken by a commit: whoever owes the next effect, and nobody who would find nothing to do."""

import pytest

from gateway.compose.ringing import concerned
from gateway.domain.ids import LinkName
from gateway.domain.lifecycle import Direction, State
from gateway.ledger.change import Touch

LINK = LinkName("hub")
OUT, IN, RELAY = Direction.OUTBOUND, Direction.INBOUND, Direction.RELAY


@pytest.mark.parametrize(
    ("touch", "woken"),
    [
        (Touch(OUT, State.FOUND, None, is_new=True), {"pack"}),
        (Touch(OUT, State.SEALED, LINK, is_new=True), {"out-hub", "terms"}),
        (Touch(OUT, State.SENT, LINK, is_new=True), set()),
        (Touch(OUT, State.DELIVERED, LINK, is_new=True), {"terms"}),
        (Touch(IN, State.OFFERED, LINK, is_new=True), {"in-hub"}),
        (Touch(IN, State.FETCHED, LINK, is_new=True), {"open", "relay"}),
        (Touch(IN, State.VERIFIED, LINK, is_new=True), {"in-hub"}),
        (Touch(IN, State.VERIFIED, LINK, is_new=False), {"open", "in-hub"}),
        (Touch(IN, State.DELIVERED, LINK, is_new=True), {"out-hub", "terms"}),
        (Touch(IN, State.QUARANTINED, LINK, is_new=True), {"in-hub"}),
        (Touch(IN, State.CHECKED, LINK, is_new=True), {"out-hub", "in-hub"}),
        (Touch(RELAY, State.CHECKED, LINK, is_new=True), {"out-hub"}),
        (Touch(RELAY, State.FORWARDED, LINK, is_new=True), set()),
        (Touch(OUT, State.SENT, LINK, is_new=False), {"out-hub"}),
        (Touch(RELAY, State.FORWARDED, LINK, is_new=False), {"out-hub"}),
        (Touch(IN, State.CONFIRMED, LINK, is_new=True), set()),
    ],
)
def test_each_commit_wakes_who_has_something_to_do(touch: Touch, woken: set[str]) -> None:
    assert concerned({touch}, ()) == woken


def test_on_a_route_that_keeps_order_whoever_waits_for_it_is_woken() -> None:
    assert concerned({Touch(OUT, State.DELIVERED, LINK, is_new=True)}, ["out-hub"]) == {"terms", "out-hub"}
