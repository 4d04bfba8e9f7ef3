"""A bundle over three hubs: carried blind, exactly once, with every receipt brought back."""

from gateway.domain.lifecycle import State
from tests.support.hubs import CITY_A, CITY_B, COUNTY, IN, ON, OUT, PROSECUTOR, PROVINCE, Province


def test_a_bundle_goes_over_three_hubs_and_every_receipt_comes_back(province: Province) -> None:
    province.drop(COUNTY, "a.txt", b"one")
    province.settle()
    assert province.delivered(PROSECUTOR) == {"a.txt": b"one"}
    sent = province[COUNTY].only(OUT)
    assert sent.state is State.DELIVERED
    assert province.receipts(COUNTY, sent) == [
        ("100", province.unit(CITY_A)),
        ("100", province.unit(PROVINCE)),
        ("100", province.unit(CITY_B)),
        ("110", province.unit(PROSECUTOR)),
    ]
    for hub in (CITY_A, PROVINCE, CITY_B):
        assert province[hub].only(ON).state is State.SETTLED
        assert province[hub].only(IN).state is State.SETTLED
        assert province.held_bytes(hub) == []
