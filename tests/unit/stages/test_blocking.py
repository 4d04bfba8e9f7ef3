"""Marked material (catalogue D47): stopped, told, alarmed; nothing of it stays anywhere on this machine."""

import json
import shutil
from pathlib import Path

import pytest

from gateway.domain.lifecycle import State
from gateway.stages.telling import SourceTelling
from tests.support.houses import OUT, Street, opened, street

SECRET = Path(__file__).resolve().parents[2] / "data" / "police" / "defects" / "47_secret.zip"


def drop(made: Street) -> Path:
    folder = made.out.with_name("police")
    for path in (SECRET, SECRET.with_name(f"{SECRET.name}.ok")):
        shutil.copyfile(path, folder / path.name)
    return folder


def remains(made: Street) -> list[Path]:
    """Return every file that still holds the export, or a piece of it."""
    whole = SECRET.read_bytes()
    piece = whole[200:264]
    files = [path for path in made.root.rglob("*") if path.is_file()]
    return [path for path in files if path.name.startswith(SECRET.name) or piece in path.read_bytes()]


def test_only_the_record_of_a_blocked_export_remains(made: Street) -> None:
    folder = drop(made)
    assert remains(made)
    made.go("police:claim", "police:pack", "police:pack")

    refused = made.police.only(OUT)
    assert (refused.state, refused.verdict, refused.export_name) == (State.REFUSED, "reject", SECRET.name)
    assert [path for path in remains(made) if path.parent.name != "err"] == []
    assert not (folder / "reject").exists()
    assert "export-blocked" in made.police.log.alerts()
    told = json.loads((folder / "err" / f"{SECRET.name}.err.json").read_text("utf-8"))
    assert [one["code"] for one in told["findings"]] == ["SEC-LEVEL"]
    assert "reject" not in told["advice"]
    assert [one.code for one in made.police.ledger.timeline(refused.id) if one.what == "export-refused"] == [
        "SEC-LEVEL"
    ]


def test_what_a_power_cut_left_of_a_blocked_export_goes_at_the_next_start(
    closed: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(closed) as made, monkeypatch.context() as patch:
        drop(made)
        patch.setattr(SourceTelling, "give_back", lambda _self, _transfer: None)
        made.go("police:claim", "police:pack", "police:pack")
        assert made.police.only(OUT).state is State.REFUSED
        assert [path for path in remains(made) if path.parent.name != "err"]
    with opened(street(closed.root, closed.clock)) as made:
        made.go("police:claim")
        assert [path for path in remains(made) if path.parent.name != "err"] == []
        assert not (made.out.with_name("police") / "reject").exists()
