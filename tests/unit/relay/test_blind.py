"""The blind hub: its whole disk, its keys and their passphrase, and every bundle that it carried open nothing."""

import shutil
from pathlib import Path

import pytest

from gateway.domain.lifecycle import State
from tests.support.attacking import attack, readable
from tests.support.hubs import CITY_A, COUNTY, IN, OUT, PROSECUTOR, Province, opened
from tests.support.samples import fraud_case

WORDS = (
    "王虚构",  # the suspect
    "99010219900615013X",  # the suspect's number
    "A9901020000002026030027",  # the case
    "王虚构诈骗案",
    "讯问笔录",  # a document's name
    "虚构的租房信息",  # what happened
    "interrogation record",  # inside a document
    "提请批准逮捕",
)


@pytest.fixture
def robbed(shut: Province) -> Province:
    """A province in which a real arrest request lies in the hub's custody, and whose logs are on its disk."""
    shut.open_only = (COUNTY, CITY_A)
    with opened(shut) as province:
        fraud_case().drop(shut.root / COUNTY / "out" / "police")
        province.work(turns=14)
        assert province[COUNTY].only(OUT).state is State.IN_CUSTODY
        assert province[CITY_A].only(IN).state is State.SETTLED
        log = shut.root / CITY_A / "state" / "log" / "operations.log"
        log.parent.mkdir(exist_ok=True)
        log.write_text(repr(province[CITY_A].log.lines), "utf-8")
        for path in province.mail():  # what it hands on, and what it was handed
            shutil.copy(path, shut.root / CITY_A / "state" / path.name)
    return shut


def captured(province: Province) -> list[Path]:
    return sorted((province.root / CITY_A).rglob("*.cfb"))


def test_the_hubs_keys_open_no_bundle_and_the_recipients_key_opens_each(robbed: Province, tmp_path: Path) -> None:
    hub, bundles, signer = robbed.root / CITY_A, captured(robbed), robbed.keys(COUNTY).public
    assert len(bundles) == 2  # in its custody, and on its way
    loot = attack([hub], bundles, signer)
    assert (loot.content_keys, loot.opened) == (0, ())

    # The same attacker, so that it is seen that there was something to be found.
    loot = attack([hub, robbed.root / PROSECUTOR], bundles, signer)
    assert loot.content_keys >= 2
    kept = tmp_path / "loot"
    kept.mkdir()
    for number, body in enumerate(loot.opened):
        (kept / str(number)).write_bytes(body)
    assert {word for word, _place in readable(kept, WORDS)} == set(WORDS)


def test_nothing_on_the_hubs_disk_names_a_case_a_person_or_a_document(robbed: Province) -> None:
    assert readable(robbed.root / CITY_A, WORDS) == []
    found = {word for word, _place in readable(robbed.root / COUNTY, WORDS)}
    assert {"王虚构", "A9901020000002026030027", "讯问笔录"} <= found
