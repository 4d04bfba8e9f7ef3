"""Backup while the node runs, and the way back: checked, under a new epoch, never over what is newer."""

import hashlib
import os
import shutil
import subprocess
import threading
from pathlib import Path

import pytest

from gateway.compose import backup
from gateway.compose.node import JOURNAL_FOLDER
from gateway.daemon.lock import StateLock
from gateway.domain.errors import GatewayError
from gateway.domain.ids import BundleId, Digest, UnitCode
from gateway.folders.delivered import KEPT_DAYS, DeliveryJournal
from tests.support import filling
from tests.support.crashing import dies_at, interrupted
from tests.support.desk import Desk, make_desks
from tests.support.ledger import ToldClock

CLOCK = ToldClock(1_800_000_000)
BY = backup.By("zhang", "the disk was exchanged")


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    made, _other = make_desks(tmp_path)
    with made.ledger() as ledger:
        filling.sealed(ledger, 1)
    DeliveryJournal(made.state / JOURNAL_FOLDER).prepare(CLOCK.now() - 1000)
    return made


def back_up(desk: Desk, to: Path) -> backup.Backup:
    return backup.back_up(desk.settings, desk.place.config, to, CLOCK)


def restore(desk: Desk, folder: Path) -> backup.Restored:
    return backup.restore(desk.settings, desk.place.config, folder, BY, CLOCK)


def refused(desk: Desk, folder: Path) -> str:
    with pytest.raises(GatewayError) as caught:
        restore(desk, folder)
    return caught.value.code


def transfers(desk: Desk) -> int:
    with desk.ledger() as ledger:
        return sum(ledger.counts().by_state.values())


def test_a_backup_is_whole_private_and_says_what_it_is(desk: Desk, tmp_path: Path) -> None:
    made = back_up(desk, tmp_path / "backup")
    assert made == backup.read_backup(tmp_path / "backup")
    assert (made.unit, made.made_at) == (desk.place.unit, CLOCK.now())
    names = {str(path.relative_to(made.folder)) for path in made.folder.rglob("*") if path.is_file()}
    assert names >= {"backup.json", "ledger.db", "config/gateway.yaml", "config/links.d/procuratorate.yaml"}
    assert any(name.startswith("peers/") for name in names)
    assert not any("keys" in name for name in names)
    assert made.files == len(names - {"backup.json", "SHA256SUMS"})
    subprocess.run(["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"], cwd=made.folder, check=True)
    assert all(not path.stat().st_mode & 0o077 for path in (made.folder, *made.folder.rglob("*")))
    with pytest.raises(GatewayError, match="folder-not-empty"):
        back_up(desk, tmp_path / "backup")


def test_a_backup_is_one_moment_while_others_write(desk: Desk, tmp_path: Path) -> None:
    stop = threading.Event()
    with desk.ledger() as ledger:

        def write() -> None:
            number = 2
            while not stop.is_set():
                filling.sealed(ledger, number)
                number += 1

        writer = threading.Thread(target=write)
        writer.start()
        try:
            for number in range(5):
                back_up(desk, tmp_path / f"{number}")
        finally:
            stop.set()
            writer.join()
    for number in range(5):
        restore(desk, tmp_path / f"{number}")
        with desk.ledger() as ledger:
            ledger.check()


def test_restoring_brings_the_ledger_back_under_a_new_epoch(desk: Desk, tmp_path: Path) -> None:
    made = back_up(desk, tmp_path / "backup")
    with desk.ledger() as ledger:
        filling.sealed(ledger, 2)
    assert transfers(desk) == 2
    done = restore(desk, made.folder)
    assert transfers(desk) == 1
    assert done.kept is not None
    with desk.ledger() as ledger:
        standing = ledger.resync.standing()
        assert ledger.epoch == done.epoch != made.epoch
        (deed,) = ledger.decisions.deeds()
    assert (deed.actor, deed.action, deed.why) == ("zhang", "restore", "the disk was exchanged")
    assert (standing.restored_at, standing.doubtful, standing.standstill) == (CLOCK.now(), False, None)
    shutil.copyfile(done.kept, desk.settings.ledger_path)
    assert transfers(desk) == 2  # what was there is kept whole


def test_what_is_there_is_newer_and_only_what_is_missing_comes_back(desk: Desk, tmp_path: Path) -> None:
    made = back_up(desk, tmp_path / "backup")
    config, peers = desk.place.config, desk.settings.paths.peers
    link = config / "links.d" / "procuratorate.yaml"
    link.write_text(link.read_text("utf-8") + "# changed since\n", "utf-8")
    (gone,) = peers.glob("*.cfpeer")
    raw = gone.read_bytes()
    gone.unlink()
    done = restore(desk, made.folder)
    assert done.brought == (f"peers/{gone.name}",)
    assert gone.read_bytes() == raw
    assert link.read_text("utf-8").endswith("# changed since\n")


def test_a_damaged_foreign_or_missing_backup_changes_nothing(desk: Desk, tmp_path: Path) -> None:
    made = back_up(desk, tmp_path / "backup")
    before = desk.settings.ledger_path.read_bytes()
    assert refused(desk, tmp_path / "nowhere") == "file-not-there"
    _police, other = make_desks(tmp_path / "others")
    with other.ledger():
        pass
    foreign = backup.back_up(other.settings, other.place.config, tmp_path / "foreign", CLOCK)
    assert refused(desk, foreign.folder) == "backup-foreign"
    ledger = made.folder / "ledger.db"
    raw = bytearray(ledger.read_bytes())
    raw[5000] ^= 1
    ledger.write_bytes(raw)
    assert refused(desk, made.folder) == "backup-damaged"
    ledger.unlink()
    assert refused(desk, made.folder) == "backup-damaged"
    assert desk.settings.ledger_path.read_bytes() == before


def test_a_backup_holds_any_number_of_files_under_any_name(desk: Desk, tmp_path: Path) -> None:
    peers = desk.settings.paths.peers
    cards = [f"{number:05d}-{'x' * 235}.cfpeer" for number in range(3000)]
    cards += ["back\\slash", "two\nlines", os.fsdecode(b"\xc4\xe3")]
    for name in cards:
        (peers / name).write_bytes(name.encode("utf-8", "surrogateescape"))
    before = len(list(peers.iterdir()))
    with interrupted(-1, lambda: None) as met:
        made = back_up(desk, tmp_path / "backup")
    assert made == backup.read_backup(made.folder)
    assert made.files > before
    assert met.count("fsync") < 1.1 * before  # each once at most, and not its folder each time
    subprocess.run(["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"], cwd=made.folder, check=True)
    for name in cards[-4:]:
        (peers / name).unlink()
    assert set(restore(desk, made.folder).brought) == {f"peers/{name}" for name in cards[-4:]}
    assert (peers / cards[-1]).read_bytes() == b"\xc4\xe3"


@pytest.mark.parametrize(
    "line",
    [
        b"0" * 64 + b"  ../peers/card\n",
        b"0" * 64 + b"  /etc/passwd\n",
        b"0" * 64 + b"  peers/half",
        b"0" * 64 + b"  " + b"x" * 20_000 + b"\n",
        b"no line\n",
    ],
)
def test_a_list_that_is_none_of_ours_is_damaged(desk: Desk, tmp_path: Path, line: bytes) -> None:
    made = back_up(desk, tmp_path / "backup")
    sums = made.folder / "SHA256SUMS"
    before = hashlib.sha256(sums.read_bytes()).hexdigest()
    sums.write_bytes(sums.read_bytes() + line)
    assert refused(desk, made.folder) == "backup-damaged"
    note = made.folder / "backup.json"
    now = hashlib.sha256(sums.read_bytes()).hexdigest()
    note.write_bytes(note.read_bytes().replace(before.encode(), now.encode()))
    assert refused(desk, made.folder) == "backup-damaged"


def test_what_somebody_put_beside_a_backup_does_not_come_back(desk: Desk, tmp_path: Path) -> None:
    made = back_up(desk, tmp_path / "backup")
    (made.folder / "peers" / "stranger.cfpeer").write_bytes(b"?")
    assert restore(desk, made.folder).brought == ()


def test_nothing_is_restored_under_a_running_daemon(desk: Desk, tmp_path: Path) -> None:
    made = back_up(desk, tmp_path / "backup")
    lock = StateLock.take(desk.state)
    try:
        assert refused(desk, made.folder) == "already-running"
        with pytest.raises(GatewayError, match="already-running"):
            backup.renew_epoch(desk.settings, BY, CLOCK)
    finally:
        lock.release()


def test_a_journal_younger_than_the_backup_leaves_doubt(desk: Desk, tmp_path: Path) -> None:
    made = back_up(desk, tmp_path / "backup")
    journal = desk.state / JOURNAL_FOLDER
    shutil.rmtree(journal)
    assert restore(desk, made.folder).doubtful
    DeliveryJournal(journal).prepare(CLOCK.now() + 1)
    assert restore(desk, made.folder).doubtful


def test_power_may_go_at_any_moment_of_a_restore(desk: Desk, tmp_path: Path) -> None:
    """The node then has its old ledger at a standstill, or the new one; never the backup under its old epoch."""
    made = back_up(desk, tmp_path / "backup")
    whole = tmp_path / "whole"
    shutil.copytree(desk.state, whole)
    at = 0
    while dies_at(at, lambda: restore(desk, made.folder)):
        with desk.ledger() as ledger:
            standing = ledger.resync.standing()
            is_new = ledger.epoch != made.epoch
            assert is_new == (standing.restored_at is not None)
        restore(desk, made.folder)
        with desk.ledger() as ledger:
            assert ledger.resync.standing().standstill is None
            assert ledger.epoch != made.epoch
        shutil.rmtree(desk.state)
        shutil.copytree(whole, desk.state)
        at += 1
    assert at >= 10


def test_the_journal_knows_what_was_delivered_and_forgets_what_no_longer_matters(tmp_path: Path) -> None:
    day = 86_400.0
    one, two, three = ((UnitCode("990102"), BundleId(digit * 32), Digest(digit * 64)) for digit in "123")
    journal = DeliveryJournal(tmp_path / "delivered")
    assert journal.since() is None
    journal.prepare(day * 10)
    journal.prepare(day * 11)
    assert journal.since() == day * 10
    journal.note([one, two], day * 10)
    assert not DeliveryJournal(tmp_path / "delivered").has(three)
    assert journal.has(one)
    journal.note([three], day * 11)
    assert journal.has(three)
    with (tmp_path / "delivered" / "11.txt").open("ab") as torn:
        torn.write(b"990102 4444")
    assert all(DeliveryJournal(tmp_path / "delivered").has(each) for each in (one, two, three))
    journal.note([three], day * (10 + KEPT_DAYS + 1))
    assert not DeliveryJournal(tmp_path / "delivered").has(one)


def test_the_nodes_own_standard_comes_along_and_comes_back(desk: Desk, tmp_path: Path) -> None:
    config = desk.place.config
    for kind in ("flows", "codes"):
        (config / kind).mkdir(exist_ok=True)
    shutil.copy("config/flows/custody-handover.yaml", config / "flows")
    shutil.copy("config/codes/holidays.yaml", config / "codes" / "holidays.2026.yaml")
    back_up(desk, tmp_path / "backup")
    shutil.rmtree(config / "flows")
    shutil.rmtree(config / "codes")
    assert set(restore(desk, tmp_path / "backup").brought) == {
        "config/flows/custody-handover.yaml",
        "config/codes/holidays.2026.yaml",
    }
    assert (config / "flows" / "custody-handover.yaml").read_bytes() == Path(
        "config/flows/custody-handover.yaml"
    ).read_bytes()
