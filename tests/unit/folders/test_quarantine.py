"""Quarantine: taken whole, kept unread, given back or removed on a decision, wherever it is interrupted."""

import hashlib
import stat
from functools import partial
from pathlib import Path

import pytest

from gateway.domain.errors import PermanentError
from gateway.domain.ids import QuarantineId, digest, link_name
from gateway.folders.quarantine import Quarantine, QuarantineNote
from tests.support.crashing import dies_at
from tests.unit.folders.conftest import refuse_renames_across

BYTES = b"\x89CFB forged"


def note(subject: str = "b" * 32, at: float = 1_700_000_000.125) -> QuarantineNote:
    sha256 = digest(hashlib.sha256(BYTES).hexdigest())
    return QuarantineNote(subject, link_name("to-hub"), "bad-signature", at, len(BYTES), sha256)


@pytest.fixture(params=["one filesystem", "two bind mounts"])
def quarantine(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Quarantine:
    if request.param == "two bind mounts":
        refuse_renames_across(tmp_path / "quarantine", monkeypatch)
    return Quarantine(tmp_path / "quarantine")


def suspect(tmp_path: Path) -> Path:
    path = tmp_path / "suspect.cfb"
    path.write_bytes(BYTES)
    path.chmod(0o755)
    return path


def test_what_is_taken_is_listed_with_all_that_is_known(tmp_path: Path, quarantine: Quarantine) -> None:
    path = suspect(tmp_path)
    name = quarantine.take(path, note())
    assert not path.exists()
    [one] = quarantine.listing()
    assert (one.id, one.note) == (name, note())
    assert one == quarantine.get(name)
    assert one.path.read_bytes() == BYTES
    assert stat.S_IMODE(one.path.stat().st_mode) == 0o400
    assert stat.S_IMODE((tmp_path / "quarantine").stat().st_mode) == 0o700


def test_death_at_any_point_of_taking_keeps_exactly_one_copy(tmp_path: Path, quarantine: Quarantine) -> None:
    path = suspect(tmp_path)
    points = 0
    while dies_at(points, partial(quarantine.take, path, note())):
        name = quarantine.take(path, note())
        assert not path.exists()
        assert [one.path.read_bytes() for one in quarantine.listing()] == [BYTES]
        assert quarantine.recover() == 0
        quarantine.remove(name)
        path = suspect(tmp_path)
        points += 1
    assert points > 5


def test_recovery_after_death_leaves_nothing_half_taken(tmp_path: Path, quarantine: Quarantine) -> None:
    path = suspect(tmp_path)
    points = 0
    while dies_at(points, partial(quarantine.take, path, note())):
        quarantine.recover()
        kept = [one.path.read_bytes() for one in quarantine.listing()]
        assert kept == [BYTES] or path.exists()
        assert not list((tmp_path / "quarantine").glob(".*"))
        for one in quarantine.listing():
            quarantine.remove(one.id)
        path = suspect(tmp_path)
        points += 1
    assert points > 5


def test_the_same_bytes_again_are_one_thing_with_the_first_note(tmp_path: Path, quarantine: Quarantine) -> None:
    first = quarantine.take(suspect(tmp_path), note())
    assert quarantine.take(suspect(tmp_path), note(at=1_800_000_000.0)) == first
    assert not (tmp_path / "suspect.cfb").exists()
    assert [one.note.at for one in quarantine.listing()] == [1_700_000_000.125]
    other = quarantine.take(suspect(tmp_path), note(subject="c" * 32, at=1.0))
    assert [one.id for one in quarantine.listing()] == [other, first]


def test_released_bytes_go_back_to_a_free_place_and_nowhere_else(tmp_path: Path, quarantine: Quarantine) -> None:
    name = quarantine.take(suspect(tmp_path), note())
    target = tmp_path / "back.cfb"
    target.write_bytes(b"theirs")
    with pytest.raises(PermanentError) as caught:
        quarantine.give_back(name, target)
    assert caught.value.code == "place-taken"
    assert target.read_bytes() == b"theirs"
    target.unlink()
    points = 0
    while dies_at(points, lambda: quarantine.give_back(name, target)):
        quarantine.recover()
        quarantine.give_back(name, target)
        assert target.read_bytes() == BYTES
        assert quarantine.listing() == []
        target.rename(tmp_path / "suspect.cfb")
        assert quarantine.take(tmp_path / "suspect.cfb", note()) == name
        points += 1
    assert points > 3
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_removal_may_die_and_be_repeated(tmp_path: Path, quarantine: Quarantine) -> None:
    points = 0
    name = quarantine.take(suspect(tmp_path), note())
    while dies_at(points, partial(quarantine.remove, name)):
        quarantine.remove(name)
        quarantine.recover()
        assert quarantine.listing() == []
        assert list((tmp_path / "quarantine").iterdir()) == []
        name = quarantine.take(suspect(tmp_path), note())
        points += 1
    assert points > 2


def test_what_was_removed_by_half_is_removed_at_the_next_start(tmp_path: Path, quarantine: Quarantine) -> None:
    points = finished = 0
    name = quarantine.take(suspect(tmp_path), note())
    (tmp_path / "quarantine" / "lost+found").mkdir()
    while dies_at(points, partial(quarantine.remove, name)):
        finished += quarantine.recover()
        kept = [one.path.read_bytes() for one in quarantine.listing()]
        there = {path.name for path in (tmp_path / "quarantine").iterdir()}
        assert (kept, there) in (([], {"lost+found"}), ([BYTES], {"lost+found", name}))
        name = quarantine.take(suspect(tmp_path), note())
        points += 1
    assert finished > 1


def test_a_folder_may_be_quarantined(tmp_path: Path, quarantine: Quarantine) -> None:
    (tmp_path / "tree" / "deep").mkdir(parents=True)
    (tmp_path / "tree" / "deep" / "file").write_bytes(BYTES)
    name = quarantine.take(tmp_path / "tree", note())
    assert (quarantine.get(name).path / "deep" / "file").read_bytes() == BYTES


def test_nothing_to_take_and_unknown_ids_are_named(tmp_path: Path, quarantine: Quarantine) -> None:
    with pytest.raises(PermanentError) as empty:
        quarantine.take(tmp_path / "gone", note())
    assert empty.value.code == "quarantine-empty"
    for name in ("f" * 32, "../../etc", ""):
        with pytest.raises(PermanentError) as missing:
            quarantine.get(QuarantineId(name))
        assert missing.value.code == "quarantine-missing"
    assert quarantine.listing() == []
    assert quarantine.recover() == 0


def test_a_damaged_note_hides_one_thing_and_not_its_neighbours(tmp_path: Path, quarantine: Quarantine) -> None:
    bad = quarantine.take(suspect(tmp_path), note())
    good = quarantine.take(suspect(tmp_path), note(subject="c" * 32))
    (tmp_path / "quarantine" / bad / "note.json").write_bytes(b"[]")
    assert [one.id for one in quarantine.listing()] == [good]
    with pytest.raises(PermanentError) as caught:
        quarantine.get(bad)
    assert caught.value.code == "note-damaged"
