"""County, three hubs, procuratorate: everybody on the way is heard, and a loss in the middle is mended there."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.bundle.names import Kind
from tests.support.hubs import (
    CITY_A,
    CITY_B,
    COUNTY,
    PROSECUTOR,
    PROVINCE,
    SPOTS,
    Province,
    build,
    keys_of,
    opened,
    roster_of,
)
from tests.support.reconciling import exchanged, lose, reconcile, wiped, work_until_lost

WAY = {name: SPOTS[name] for name in (COUNTY, CITY_A, PROVINCE, CITY_B, PROSECUTOR)}


@pytest.fixture
def province(tmp_path: Path) -> Iterator[Province]:
    root = tmp_path / "made"
    root.mkdir()
    build(root, WAY)
    content, keys = roster_of(root, WAY), keys_of(root, WAY)
    shutil.move(root, tmp_path / "province")
    with opened(Province(tmp_path / "province", content, WAY, signing=keys)) as made:
        yield made


@pytest.mark.soak
def test_all_three_hubs_and_the_recipient_answer_and_a_loss_in_the_middle_is_mended(province: Province) -> None:
    exchanged(province, "a.txt")
    found = reconcile(province)
    assert found["outcome"] == "balanced"
    (stream,) = found["streams"]
    hubs = [province.unit(name) for name in (CITY_A, PROVINCE, CITY_B)]
    assert stream["hubs"] == hubs
    assert stream["said"] == {unit: {"delivered": 1} for unit in (*hubs, province.unit(PROSECUTOR))}
    # The province's hub has signed for a bundle, and loses its disk: the city's hub finds out and sends it again.
    province.drop(COUNTY, "b.txt", b"b.txt")
    work_until_lost(province, PROVINCE, CITY_B, Kind.BUNDLE)
    for _turn in range(4):
        province.work(COUNTY, CITY_A, PROVINCE)
        lose(province, PROVINCE, CITY_B, Kind.BUNDLE)
    wiped(province, PROVINCE)
    province[CITY_A].ledger.resync.want(province.unit(PROVINCE), "command")
    province.clock.time += 5
    province.settle()
    assert set(province.delivered(PROSECUTOR)) == {"a.txt", "b.txt"}
    assert province[CITY_A].log.of("hub-lost-bundles")
    assert not province[COUNTY].log.of("hub-lost-bundles")
