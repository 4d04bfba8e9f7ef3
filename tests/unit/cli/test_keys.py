"""Trust ended and renewed: peer remove, key rotate, and a renewed card that needs no telephone."""

from pathlib import Path

import pytest

from gateway.cli.commands_offline import SchemaKind
from gateway.settings.schema import KINDS
from tests.support.desk import Desk, make_desks, run


def test_a_removed_peer_shows_as_revoked_and_a_reload_is_asked_for(desk: Desk) -> None:
    answer = desk.run("peer", "remove", "990102")
    assert answer.code == 0
    assert "systemctl reload caseferry" in answer.out
    assert desk.ask("peer", "list")["peers"][0]["revoked_at"] is not None
    assert "revoked" in desk.run("peer", "list").out


@pytest.mark.parametrize(("unit", "code"), [("990199", "peer-unknown"), ("x", "unit-malformed")])
def test_who_is_no_peer_cannot_be_removed(desk: Desk, unit: str, code: str) -> None:
    assert desk.run("peer", "remove", unit, "--json").json["error"]["code"] == code


def test_new_keys_are_told_to_the_peers_by_a_card_that_the_old_ones_signed(tmp_path: Path) -> None:
    police, procuratorate = make_desks(tmp_path)
    before = police.ask("peer", "card")["fingerprint"]
    card = tmp_path / "police.card"
    assert "caseferry peer card --out FILE" in police.run("key", "rotate").out
    rotated = police.ask("key", "rotate", "--out", card)
    assert rotated["fingerprint"] != before
    assert rotated["fingerprint"] == police.ask("peer", "card")["fingerprint"]
    answer = procuratorate.run("peer", "add", card)
    assert answer.code == 0
    assert "Renewed 990102000000" in answer.out
    assert procuratorate.ask("peer", "list")["peers"][0]["fingerprint"] == rotated["fingerprint"]


def test_a_card_that_the_old_keys_did_not_sign_still_needs_its_fingerprint(tmp_path: Path) -> None:
    first = make_desks(tmp_path / "first")
    second = make_desks(tmp_path / "second")
    card = tmp_path / "other.card"
    second[0].run("peer", "card", "--out", card)
    answer = first[1].run("peer", "add", card, "--fingerprint", "0" * 40)
    assert answer.code == 1
    assert "fingerprint-mismatch" in answer.err
    asked = first[1].run("peer", "add", card)
    assert asked.code == 1
    assert "Fingerprint" in asked.out
    listed = first[1].ask("peer", "list")["peers"][0]["fingerprint"]
    assert listed == first[0].ask("peer", "card")["fingerprint"]


def test_schemas_are_written(tmp_path: Path) -> None:
    assert set(run("schema").json) == set(KINDS) == set(SchemaKind)
    assert run("schema", "case-package").json["title"].startswith("CaseFerry case package")
    answer = run("schema", "--out", tmp_path / "schemas")
    assert answer.code == 0
    assert {path.name for path in (tmp_path / "schemas").iterdir()} == {f"{kind}.schema.json" for kind in KINDS}
    assert run("schema", "case-package", "--out", tmp_path / "one").code == 0
    assert [path.name for path in (tmp_path / "one").iterdir()] == ["case-package.schema.json"]


def test_the_version_is_told() -> None:
    assert run("version").out.startswith("caseferry ")
    assert run("version", "--json").json["version"]
