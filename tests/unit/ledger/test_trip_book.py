"""Who lets a medium in or out: only in time, only what is there, and nothing twice."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.domain.errors import PermanentError
from gateway.domain.ids import LinkName
from gateway.domain.trips import Trip, TripState, TripWay
from gateway.ledger.store import Ledger
from tests.support.ledger import EPOCH, LINK, OTHER_LINK, PEER, START, ToldClock, hexadecimal, open_ledger

HOUR = 3600


@pytest.fixture
def clock() -> ToldClock:
    return ToldClock()


@pytest.fixture
def ledger(tmp_path: Path, clock: ToldClock) -> Iterator[Ledger]:
    with open_ledger(tmp_path, clock) as opened:
        yield opened


def asked(ledger: Ledger, way: TripWay, link: LinkName = LINK) -> Trip:
    medium = hexadecimal(1, 32)
    wanted = Trip(0, way, medium, link, PEER, TripState.ASKED, "/media/a", "A", 1, 100, "li", START, START + HOUR)
    return ledger.trips.ask(wanted, "weekly")


def refused(ledger: Ledger, trip: int) -> str:
    with pytest.raises(PermanentError) as caught:
        ledger.trips.confirm(trip, "wang", "seen", epoch=EPOCH, two_persons=True)
    return caught.value.code


def test_a_trip_is_not_confirmed_after_its_time(ledger: Ledger, clock: ToldClock) -> None:
    trip = asked(ledger, TripWay.OUT)
    clock.time = START + HOUR + 1
    assert refused(ledger, trip.id) == "trip-expired"


def test_one_medium_asked_for_over_two_links_comes_in_by_one(ledger: Ledger) -> None:
    first, second = asked(ledger, TripWay.IN), asked(ledger, TripWay.IN, OTHER_LINK)
    ledger.trips.confirm(first.id, "wang", "seen", epoch=EPOCH, two_persons=True)
    ledger.trips.carried(first.id)
    assert refused(ledger, second.id) == "trip-repeated"


def test_a_medium_that_came_to_us_is_not_lost_by_us(ledger: Ledger) -> None:
    trip = asked(ledger, TripWay.IN)
    with pytest.raises(PermanentError, match="trip-closed"):
        ledger.trips.lose(trip.id, "wang", "gone")


def test_a_trip_that_nobody_asked_for_is_unknown(ledger: Ledger) -> None:
    assert refused(ledger, 7) == "trip-unknown"
