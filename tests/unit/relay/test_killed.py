"""A hub that is killed between any two effects carries on: the bundle goes on once, and every receipt goes back."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.domain.lifecycle import State
from gateway.domain.records import ReceiptCode
from tests.support.calls import EFFECTS, Call, met
from tests.support.crashing import die, in_child
from tests.support.hubs import (
    CITY_A,
    CITY_B,
    COUNTY,
    COURT,
    IN,
    PROSECUTOR,
    PROVINCE,
    Province,
    Sealed,
    letters,
    opened,
    post,
    seal,
    state,
)
from tests.support.ledger import ToldClock

ELSEWHERE = (CITY_B, PROSECUTOR, COURT)
STRIDE = 23
"""In the ordinary run every so many-th effect; every one with the soak tests. No divisor of what a turn does."""


def exchange(province: Province, sealed: Sealed, receipts: tuple[bytes, ...]) -> None:
    """Let the hub take a bundle, pass it on, and bring the receipts back: all that it ever does for one."""
    with opened(province):
        province.work(CITY_A, turns=5)
        if province.relays(CITY_A):
            post(province, PROVINCE, CITY_A, *receipts)
        province.work(CITY_A, turns=4)


def counted(action: Callable[[], object], *, below: Path, kill_at: int = -1) -> int:
    """Run `action`, killing this process before effect `kill_at`; return how many effects it had."""
    number = 0

    def around(call: Call) -> Any:
        nonlocal number
        if call.name in EFFECTS:
            if number == kill_at:
                die()
            number += 1
        return call.go()

    with met(around, below):
        action()
    return number


def sound(province: Province, sealed: Sealed) -> None:
    """All is where it belongs, once."""
    assert province.bundles(CITY_A, PROVINCE) == [sealed.bundle]
    assert (province.mailbox(CITY_A, PROVINCE) / f"{sealed.bundle}.cfb").read_bytes() == sealed.raw
    assert set(letters(province, CITY_A, COUNTY)) == {
        ("100", province.unit(CITY_A)),
        ("100", province.unit(PROVINCE)),
        ("110", province.unit(PROSECUTOR)),
    }
    with opened(province):
        (relay,) = province.relays(CITY_A)
        assert relay.state is State.SETTLED
        assert province[CITY_A].only(IN).state is State.SETTLED
        assert province[CITY_A].ground.quarantine.listing() == []
        assert province.held_bytes(CITY_A) == []
        assert province.bundles(COUNTY, CITY_A) == []


def tried(shut: Province, folder: Path, kill_at: int, sealed: Sealed, receipts: tuple[bytes, ...]) -> bool:
    """Kill a copy of the hub before effect `kill_at`, start it again, and look; False if it was done before."""
    shutil.copytree(shut.root, folder, ignore=lambda _at, names: set(names) & {PROVINCE, COUNTY, *ELSEWHERE})
    copy = Province(folder, shut.content, signing=shut.signing, open_only=(CITY_A,), clock=ToldClock(shut.clock.time))
    copy.put(COUNTY, CITY_A, sealed)
    was_killed = in_child(lambda: counted(lambda: exchange(copy, sealed, receipts), below=folder, kill_at=kill_at))
    copy.clock.time += 3600 * 2
    exchange(copy, sealed, receipts)
    sound(copy, sealed)
    return was_killed


def made(shut: Province) -> tuple[Sealed, tuple[bytes, ...]]:
    sealed = seal(shut, COUNTY, [PROSECUTOR], life=30 * 86400)
    custody = state(shut, PROVINCE, sealed, ReceiptCode.CUSTODY)
    return sealed, (custody, state(shut, PROSECUTOR, sealed, ReceiptCode.DELIVERED))


def test_a_hub_killed_now_and_then_carries_on(shut_hub: Province, tmp_path: Path) -> None:
    sealed, receipts = made(shut_hub)
    at = 3
    while tried(shut_hub, tmp_path / str(at), at, sealed, receipts):
        at += STRIDE
    assert at >= 3 + 5 * STRIDE


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_a_hub_killed_before_any_effect_carries_on(shut_hub: Province, tmp_path: Path) -> None:
    sealed, receipts = made(shut_hub)
    at = 0
    while tried(shut_hub, tmp_path / str(at), at, sealed, receipts):
        at += 1
    assert at > 50
