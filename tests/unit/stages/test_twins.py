"""The same bundle by two ways at once: it is delivered once, and the way that came second owes the same receipt."""

import shutil

from gateway.domain.ids import link_name
from gateway.domain.lifecycle import State
from gateway.domain.records import Offer, Transfer, known
from tests.support.houses import IN, Street

OTHER = link_name("branch")


def twins(made: Street) -> list[Transfer]:
    """Return two arrivals of one bundle, fetched and not opened yet."""
    made.drop("case.txt", b"one page")
    for _turn in range(3):
        made.go("police:claim", "police:pack", "police:out-procuratorate")
        made.clock.time += 1
    made.go("procuratorate:in-police")
    house = made.procuratorate
    bundle = known(house.only(IN).bundle_id)
    body = house.ground.spool.inbound_bundle(known(house.only(IN).link), bundle).read_bytes()
    house.ground.spool.keep_unloaded(OTHER, {bundle: memoryview(body)}, ())
    house.ledger.fetched([Offer(OTHER, bundle, len(body))], made.clock.now())
    return house.transfers(IN)


def take_away(made: Street) -> None:
    """Do what the case software does with the one delivery there is."""
    (delivered,) = made.into.iterdir()
    shutil.rmtree(delivered)


def states(made: Street) -> list[State]:
    return [one.state for one in made.procuratorate.transfers(IN)]


def test_what_came_by_two_ways_at_once_is_delivered_once(made: Street) -> None:
    twins(made)
    made.go("procuratorate:open", "procuratorate:open")
    take_away(made)
    made.go("procuratorate:open")
    assert states(made) == [State.DELIVERED, State.REJECTED]
    assert list(made.into.iterdir()) == []


def test_what_was_opened_before_the_same_was_delivered_is_not_delivered_again(made: Street) -> None:
    first, second = twins(made)
    away = made.into.rename(made.into.with_name("away"))
    made.go("procuratorate:open", "procuratorate:open", "procuratorate:open")
    away.rename(made.into)
    assert states(made) == [State.VERIFIED, State.VERIFIED]
    ledger = made.procuratorate.ledger
    ledger.release(ledger.get(first.id), "a person", "the folder is back")
    made.go("procuratorate:open")
    take_away(made)
    ledger.release(ledger.get(second.id), "a person", "the folder is back")
    made.go("procuratorate:open")
    assert states(made) == [State.DELIVERED, State.REJECTED]
    assert list(made.into.iterdir()) == []
