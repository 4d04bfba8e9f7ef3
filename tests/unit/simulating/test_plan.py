"""The simulated province: who is in it, and that it exchanges the mix of the reference, the same for the same seed."""

from collections import Counter

import pytest

from gateway.compose.simulating_plan import (
    PROVINCE_HUB,
    UNITS_LEAST,
    WHOLE_BYTES,
    Exchange,
    content,
    dealt,
    links,
    province,
    scaled,
    schedule,
)
from gateway.domain.ids import UnitCode, unit_code
from gateway.roster.content import HUB
from gateway.standard.matrix import load_matrix
from gateway.standard.reference import load_reference

REFERENCE = load_reference()


@pytest.mark.parametrize("units", [UNITS_LEAST, 9, 60, 500])
def test_a_province_has_so_many_units_beside_its_hubs_and_all_are_linked(units: int) -> None:
    made = province(units)
    assert sum(one.role != HUB for one in made) == units
    assert len({unit_code(one.unit) for one in made}) == len(made)
    assert {lower.unit for lower, _hub in links(made)} == {one.unit for one in made} - {PROVINCE_HUB}
    assert all(hub.role == HUB for _lower, hub in links(made))


def test_a_province_that_lacks_a_role_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 8 units"):
        province(UNITS_LEAST - 1)


def test_the_reference_adds_up() -> None:
    assert sum(flow.count for flow in REFERENCE.flows) == REFERENCE.exchanges == 170_593
    assert len(REFERENCE.hours) == 24
    assert (len(REFERENCE.weekdays), len(REFERENCE.months)) == (7, 12)


def test_every_flow_of_the_reference_is_permitted_by_the_standard() -> None:
    allowed = {(one.flow, s, r) for one in load_matrix().flows for s in one.senders for r in one.receivers}
    assert {(flow.flow, flow.sender, flow.receiver) for flow in REFERENCE.flows} <= allowed


def test_exchanges_keep_the_mix_and_are_numbered_in_their_order() -> None:
    found = schedule(REFERENCE, province(60), 1000, 1e-4, seed=7)
    assert [one.number for one in found] == list(range(1000))
    assert [one.at for one in found] == sorted(one.at for one in found)
    counts = Counter(one.flow for one in found)
    for flow in REFERENCE.flows:
        assert abs(counts[flow.flow] - flow.count * 1000 / REFERENCE.exchanges) <= 1


def test_exchanges_go_between_units_of_the_right_roles() -> None:
    units = province(60)
    role = {one.unit: one.role for one in units}
    flows = {flow.flow: (flow.sender, flow.receiver) for flow in REFERENCE.flows}
    for one in schedule(REFERENCE, units, 500, 1e-4, seed=3):
        assert (role[one.sender], role[one.receiver]) == flows[one.flow]


def test_the_same_seed_draws_the_same_and_another_another() -> None:
    units = province(UNITS_LEAST)
    first, again, other = (schedule(REFERENCE, units, 50, 1e-4, seed) for seed in (1, 1, 2))
    assert first == again
    assert first != other


@pytest.mark.parametrize(
    ("size", "scale", "expected"),
    [(100, 0.5, 100), (WHOLE_BYTES, 1e-4, WHOLE_BYTES), (1e6, 0.5, 500_000), (1e6, 1e-6, WHOLE_BYTES), (1e6, 1, 1e6)],
)
def test_only_large_exports_are_scaled_and_never_to_nothing(size: float, scale: float, expected: int) -> None:
    assert scaled(size, scale) == expected


def test_no_two_exports_have_the_same_bytes() -> None:
    one, other = (Exchange(number, 0.0, "f", UnitCode("A000"), UnitCode("B000"), 100) for number in (1, 2))
    assert content(one, 1) == content(one, 1)
    assert len({content(one, 1), content(other, 1), content(one, 2)}) == 3


def test_every_node_is_hosted_once_and_hubs_are_spread() -> None:
    made = province(500)
    shares = dealt(made, 4)
    assert sorted(unit for share in shares for unit in share) == sorted(one.unit for one in made)
    hubs = {one.unit for one in made if one.role == HUB}
    assert max(len(hubs & set(share)) for share in shares) <= 3
