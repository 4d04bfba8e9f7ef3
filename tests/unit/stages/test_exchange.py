"""Entered once, used by all: a request of the police arrives at the procuratorate in its own format, and the decision
comes back in that of the police, with the codes that the roster knows."""

import json
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from gateway.bundle.card import parse_card
from gateway.cli.demo_nodes import POLICE, PROCURATORATE
from gateway.compose.identity import load_directory
from gateway.compose.workers import Planner
from gateway.packing import ORIGINALS
from gateway.roster.content import UnitName
from gateway.words.catalogue import Words
from tests.support.exports import CASE_XML, PoliceExport
from tests.support.houses import House, Street, opened
from tests.support.procuratorate import ProcuratorateExport
from tests.support.rosters import SINCE, Authority, install, listed, roster_of, with_cheap_digits

GA380, SIX = "990102000000", "990102"


@pytest.fixture
def street(closed: Street) -> Iterator[Street]:
    """Two nodes whose routes speak the two agencies' own formats."""
    made = closed
    _route(
        made.police, inbound={"name": "decisions", "senders": [PROCURATORATE], "folder": "../in", "packer": "police"}
    )
    _route(
        made.procuratorate,
        inbound={"name": "requests", "senders": [POLICE], "folder": "../in", "packer": "procuratorate"},
        outbound={
            "name": "decisions",
            "folder": "../out/decisions",
            "packer": "procuratorate",
            "receivers": {"*": POLICE},
        },
    )
    with opened(made) as street:
        yield street


def _route(house: House, **routes: dict[str, object]) -> None:
    (house.root / "in").mkdir(exist_ok=True)
    (house.root / "out" / "decisions").mkdir(parents=True, exist_ok=True)
    for file in (house.root / "etc" / "routes.d").iterdir():
        held = yaml.safe_load(file.read_text("utf-8"))
        for kind, route in routes.items():
            kept = [one for one in held.get(kind, []) if kind == "outbound"]
            held[kind] = [*kept, route]
        file.write_text(yaml.safe_dump(held, allow_unicode=True), "utf-8")


def _give_roster(street: Street, monkeypatch: pytest.MonkeyPatch) -> None:
    with_cheap_digits(monkeypatch)
    authority = Authority()
    named = []
    for house, role, scheme, code in (
        (street.police, "police", "ga380", GA380),
        (street.procuratorate, "procuratorate", "procuratorate", SIX),
    ):
        card = parse_card(house.identity.keyring.card(house.unit, house.identity.settings.node.name))
        others = {"ga380": "990102119999", "procuratorate": "990199"}
        names = (UnitName(scheme, code, SINCE), *(UnitName(s, c, SINCE) for s, c in others.items() if s != scheme))
        named.append(replace(listed(card, role), names=names))
    raw = authority.issue(roster_of(*named, version=1))
    for house in street.houses:
        install(house.state, raw, authority, house.clock.now())
        house.identity = replace(house.identity, directory=load_directory(house.identity.settings))
        house.plan = Planner(house.identity, house.ground, Words("en")).plan()


def _delivered(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


def test_a_request_and_its_decision_each_arrive_in_the_others_format(
    street: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    _give_roster(street, monkeypatch)
    PoliceExport().drop(street.police.root / "out" / "police")
    street.settle()
    (folder,) = _delivered(street.procuratorate.root / "in")
    assert (folder / "_READY").is_file()
    case = json.loads((folder / "case.json").read_text("utf-8"))
    assert case["xtxx"]["ywlb"] == "SCDB"
    assert case["xtxx"]["gl_ajbh"] == "A9901020000002026030012"
    assert (case["xtxx"]["fsdw"], case["xtxx"]["jsdw"]) == ("990199", SIX)  # both in the procuratorate's scheme
    assert (folder / ORIGINALS / CASE_XML).read_bytes() == PoliceExport().xml_bytes()

    ProcuratorateExport().drop(street.procuratorate.root / "out" / "decisions")
    street.settle()
    package, mark = _delivered(street.police.root / "in")
    assert mark.name == f"{package.name}.ok"
    with zipfile.ZipFile(package, metadata_encoding="gbk") as archive:
        xml = archive.read(CASE_XML).decode("gbk")
    assert "<YWLX>SCDBFK</YWLX>" in xml
    assert "<AJBH>A9901020000002026030012</AJBH>" in xml
    assert "<FSDW>990102119999</FSDW>" in xml  # the procuratorate, by its code in the scheme of the police
    assert f"<JSDW>{GA380}</JSDW>" in xml


def test_without_a_roster_the_codes_of_the_export_are_kept(street: Street) -> None:
    PoliceExport().drop(street.police.root / "out" / "police")
    street.settle()
    (folder,) = _delivered(street.procuratorate.root / "in")
    case = json.loads((folder / "case.json").read_text("utf-8"))
    assert (case["xtxx"]["fsdw"], case["xtxx"]["jsdw"]) == (GA380, SIX)
