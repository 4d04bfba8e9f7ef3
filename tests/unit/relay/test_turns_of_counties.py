"""A hub between two counties: one that sends many things does not keep the single one of the other waiting."""

from pathlib import Path

from gateway.domain.ids import UnitCode
from gateway.domain.lifecycle import State
from gateway.stages.lanes import BATCH
from tests.support.hubs import COUNTY, HUB, IN, PROSECUTOR, PROVINCE, Province, Spot, build, opened, roster_of

OTHER = "other"
SPOTS = {
    COUNTY: Spot(UnitCode("990102000000"), "police", "990102", PROVINCE),
    OTHER: Spot(UnitCode("990103000000"), "police", "990103", PROVINCE),
    PROVINCE: Spot(UnitCode("HUB990000"), HUB, "990000"),
    PROSECUTOR: Spot(UnitCode("990202"), "procuratorate", "990202", PROVINCE),
}
MANY = 2 * BATCH + 8
"""More than are taken before the one is."""


def test_one_bundle_does_not_wait_behind_the_many_of_another_county(tmp_path: Path) -> None:
    build(tmp_path, SPOTS)
    made = Province(tmp_path, roster_of(tmp_path, SPOTS), SPOTS, receivers={COUNTY: PROSECUTOR, OTHER: PROSECUTOR})
    with opened(made):
        for number in range(MANY):
            made.drop(COUNTY, f"{number}.txt", b"one of many")
        made.drop(OTHER, "one.txt", b"the only one")
        made.work(COUNTY, OTHER, turns=8)
        assert len(made.bundles(COUNTY, PROVINCE)) == MANY
        # The many were there first, all of them.
        hub = made[PROVINCE]
        while len(hub.transfers(IN)) < MANY or {t.state for t in hub.transfers(IN)} != {State.FETCHED}:
            made.step(hub, f"in-{COUNTY}")
        made.clock.time += 1
        made.step(hub, f"in-{OTHER}")
        assert len(hub.transfers(IN)) == MANY + 1

        batches = 0
        while made.unit(OTHER) not in {t.origin for t in made.relays(PROVINCE)}:
            made.step(hub, "relay")
            batches += 1
            assert batches <= 2  # one to begin, one to record
        assert len(made.relays(PROVINCE)) < MANY

        while len(made.relays(PROVINCE)) <= MANY:
            made.step(hub, "relay")
        made.step(hub, f"out-{PROSECUTOR}")
        (one,) = (t for t in made.relays(PROVINCE) if t.origin == made.unit(OTHER))
        assert one.state is State.FORWARDED
        assert [t.state for t in made.relays(PROVINCE)].count(State.CHECKED) > MANY // 4
