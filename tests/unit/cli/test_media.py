"""`caseferry media`: what two people at each end type, and what machines read of it."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.bundle.names import Kind, paper_name
from gateway.cli import media
from tests.support.desk import LINK, Desk
from tests.support.shapes import SHAPES, paths

PAPER = b"a paper that waits"


@pytest.fixture(scope="module")
def ends(tmp_path_factory: pytest.TempPathFactory, desks: tuple[Desk, Desk]) -> tuple[Desk, Desk]:
    """Police and procuratorate, joined by a medium, each with a ledger."""
    root = tmp_path_factory.mktemp("ends")
    found = []
    for desk, name, peer in zip(desks, (LINK, "police"), ("990102", "990102000000"), strict=True):
        shutil.copytree(desk.place.root, root / name)
        link = root / name / "etc" / "links.d" / f"{name}.yaml"
        link.write_text(f'name: {name}\npeer: "{peer}"\ntransport: media\n', "utf-8")
        moved = Desk(replace(desk.place, root=root / name))
        with moved.ledger():
            pass
        found.append(moved)
    return found[0], found[1]


@pytest.fixture
def login(monkeypatch: pytest.MonkeyPatch) -> object:
    def become(name: str) -> None:
        monkeypatch.setattr(media, "login_name", lambda: name)

    return become


def shown(name: str, answer: object) -> None:
    assert set(paths(answer)) <= SHAPES[name].keys(), name


def test_a_whole_trip(ends: tuple[Desk, Desk], tmp_path: Path, login: object, monkeypatch: pytest.MonkeyPatch) -> None:
    become = login
    assert callable(become)
    police, procuratorate = ends
    name = paper_name(PAPER, Kind.ROSTER)
    police.run("media", "list")
    out = police.state / "media" / LINK / "out"
    out.mkdir(parents=True)
    (out / name).write_bytes(PAPER)

    become("an")
    asked = police.ask("media", "export", LINK, tmp_path, "--label", "USB 7")
    shown("media export", asked)
    (trip,) = asked["trips"]
    assert (trip["state"], trip["asked_by"], trip["files"]) == ("asked", "an", 1)
    refused = police.run("media", "confirm", trip["id"])
    assert refused.code == 1
    assert "caseferry media confirm" in refused.err
    become("bo")
    done = police.ask("media", "confirm", trip["id"])
    shown("media confirm", done)
    assert (done["trip"]["state"], done["trip"]["confirmed_by"]) == ("carried", "bo")

    become("chen")
    came = procuratorate.ask("media", "import", tmp_path)
    shown("media import", came)
    become("deng")
    told = procuratorate.run("media", "confirm", came["trips"][0]["id"])
    assert told.code == 0
    assert "number 1" in told.out
    assert (procuratorate.state / "media" / "police" / "in" / name).read_bytes() == PAPER
    again = procuratorate.run("media", "import", tmp_path, "--json")
    assert again.code == 1
    assert again.json["error"]["code"] == "trip-repeated"

    lost = police.ask("media", "lost", trip["id"], "--why", "stolen")
    shown("media lost", lost)
    listed = police.ask("media", "list")
    shown("media list", listed)
    assert listed["waiting"][0]["files"] == 1
    said = police.run("decisions")
    for word in ("an", "bo", "deng", "stolen", "trip 1 (1 files"):
        assert word in said.out
    assert "lost" in police.run("media", "list").out


def test_a_reason_is_needed_to_undo(ends: tuple[Desk, Desk]) -> None:
    assert ends[0].run("media", "cancel", "1", "--why", " ").code == 1


def test_a_link_without_media_is_named(desks: tuple[Desk, Desk], tmp_path: Path) -> None:
    answer = desks[0].run("media", "export", LINK, tmp_path)
    assert answer.code == 1
    assert "transport: media" in answer.err
