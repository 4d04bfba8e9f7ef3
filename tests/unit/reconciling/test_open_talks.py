"""A link behind which nothing is open is not looked at: one question for all links finds those behind which something
is."""

from gateway.domain.ids import LinkName, UnitCode
from gateway.domain.lifecycle import State
from gateway.stages.resync import LOOK_SECONDS, TalksWatch
from tests.support.hubs import CITY_A, COUNTY, OUT, PROSECUTOR, Province
from tests.support.reconciling import exchanged, of


def rung(province: Province, name: str) -> tuple[list[LinkName], list[UnitCode]]:
    """Return whom the watch of a house wakes: links, and the links that lead to units."""
    links: list[LinkName] = []
    units: list[UnitCode] = []
    assert TalksWatch(province[name].ledger, ring_link=links.append, ring_unit=units.append).step() == LOOK_SECONDS
    return links, units


def test_a_leg_of_a_hub_foresees_nothing_where_nothing_is_open(small: Province) -> None:
    exchanged(small, "a.txt")
    hub = small[CITY_A]
    small.clock.time += LOOK_SECONDS
    assert small.step(hub, "out-county") is None
    small.clock.time += 1
    assert small.step(hub, "out-county") == LOOK_SECONDS - 1  # what it was told then may be out of date
    small.clock.time += LOOK_SECONDS
    assert small.step(hub, "out-county") is None


def test_the_watch_wakes_the_links_by_which_something_goes_that_is_open(small: Province) -> None:
    assert rung(small, COUNTY) == ([], [])
    small.drop(COUNTY, "a.txt", b"a.txt")
    seen = set[State]()
    while not small[COUNTY].transfers(OUT) or of(small, "a.txt").state is not State.IN_CUSTODY:
        small.work(COUNTY, CITY_A)
        state = of(small, "a.txt").state if small[COUNTY].transfers(OUT) else State.FOUND
        assert (state is State.FOUND) == (rung(small, COUNTY)[0] == [])
        seen.add(state)
    assert State.IN_CUSTODY in seen
    small[COUNTY].ledger.hold(of(small, "a.txt"), "given-up", "zhang", "a test")
    assert rung(small, COUNTY) == (["city-a"], [])
    small[COUNTY].ledger.release(of(small, "a.txt"), "zhang", "a test")
    small.settle()
    assert rung(small, COUNTY) == ([], [])


def test_the_watch_wakes_those_who_have_something_to_say_to_a_unit(small: Province) -> None:
    small[COUNTY].ledger.resync.want(small.unit(PROSECUTOR), "command")
    assert rung(small, COUNTY) == ([], [small.unit(PROSECUTOR)])
