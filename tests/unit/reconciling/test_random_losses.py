"""Whatever is lost at random between three houses, whoever loses a disk: at last all is delivered once and balances."""

import random

import pytest

from gateway.bundle.names import parse
from gateway.domain.lifecycle import State
from tests.support.hubs import CITY_A, COUNTY, OUT, PROSECUTOR, Province
from tests.support.reconciling import reconcile, wiped

FIGURES = ("here", "in_flight", "in_custody", "delivered", "refused", "closed", "unknown")


def lose_some(province: Province, chance: random.Random, odds: float) -> None:
    """Let each paper and bundle that lies between the houses be lost with these odds."""
    for path in sorted(province.mail()):
        if parse(path.name) is not None and chance.random() < odds:
            path.unlink()


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(1, 30))
def test_at_last_everything_is_delivered_once_and_balances(small: Province, seed: int) -> None:
    chance = random.Random(seed)
    names = [f"{number}.txt" for number in range(4)]
    for turn in range(30):
        if turn % 4 == 0 and turn // 4 < len(names):
            small.drop(COUNTY, names[turn // 4], names[turn // 4].encode())
        small.work(seconds=chance.choice([0.5, 5.0, 400.0]))
        lose_some(small, chance, 0.25)
        if turn == 14 and seed % 2:
            wiped(small, CITY_A)
    whole = reconcile(small)
    (stream,) = whole["streams"]
    assert sum(stream[one] for one in FIGURES) == stream["given"]
    # From now on nothing is lost, and some hours pass.
    for _turn in range(45):
        small.work(seconds=300)
        if all(t.state in (State.DELIVERED, State.COLLECTED) for t in small[COUNTY].transfers(OUT)):
            break
    assert sorted(small.delivered(PROSECUTOR)) == names
    last = reconcile(small)
    assert (last["outcome"], last["streams"][0]["delivered"]) == ("balanced", len(names))
