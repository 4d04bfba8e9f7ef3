"""Opening a ledger: where it may lie, who may read it, and which ones are refused."""

import os
import sqlite3
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlalchemy import Connection

from gateway.domain.errors import ConfigError, PermanentError, Scope, TransientError
from gateway.domain.ids import UnitCode
from gateway.domain.lifecycle import State
from gateway.ledger import migrations
from gateway.ledger.database import LOG_BYTES, LOG_SHARE, locate, writer_engine
from gateway.ledger.store import Ledger
from tests.support.ledger import EPOCH, UNIT, ToldClock, copied_as_if_killed, found, open_ledger, sent


def file_of(folder: Path) -> Path:
    return folder / "ledger" / "ledger.db"


def tamper(folder: Path, statement: str) -> None:
    with sqlite3.connect(file_of(folder)) as connection:
        connection.execute(statement)
    connection.close()


def test_a_new_ledger_is_the_owners_alone(tmp_path: Path) -> None:
    with open_ledger(tmp_path) as ledger:
        found(ledger)
        files = sorted((tmp_path / "ledger").iterdir())
        assert [path.name for path in files] == ["ledger.db", "ledger.db-shm", "ledger.db-wal"]
        assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
        assert (tmp_path / "ledger").stat().st_mode & 0o777 == 0o700


def test_a_log_that_was_lengthened_is_long_enough_for_thousands_of_changes_and_keeps_nothing(tmp_path: Path) -> None:
    log = file_of(tmp_path).with_name("ledger.db-wal")
    with open_ledger(tmp_path) as ledger:
        kept = found(ledger)
        ledger.lengthen_log()
        length = log.stat().st_size
        assert length >= LOG_BYTES
        ledger.lengthen_log()
        for number in range(20):
            found(ledger, 100 + number)
        assert log.stat().st_size == length, "no commit has made it longer"
        copied_as_if_killed(tmp_path, tmp_path / "killed")
        with open_ledger(tmp_path / "killed") as survivor:
            assert survivor.get(kept.id) == kept
            assert survivor.counts() == ledger.counts()
    tamper(tmp_path, "CREATE TABLE log_room (filling)")


def test_a_log_is_not_lengthened_where_the_disk_has_little_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scarce = SimpleNamespace(f_bavail=LOG_BYTES // 4096 * (LOG_SHARE - 1), f_frsize=4096)
    monkeypatch.setattr(os, "statvfs", lambda _path: scarce)
    with open_ledger(tmp_path) as ledger:
        ledger.lengthen_log()
        assert file_of(tmp_path).with_name("ledger.db-wal").stat().st_size < LOG_BYTES // 8


def test_a_url_names_the_same_file(tmp_path: Path) -> None:
    assert locate(f"sqlite:///{tmp_path}/ledger.db") == locate(str(tmp_path / "ledger.db")) == tmp_path / "ledger.db"


@pytest.mark.parametrize("location", ["postgresql://host/base", ":memory:", "sqlite://"])
def test_another_database_is_refused(location: str) -> None:
    with pytest.raises(ConfigError) as refused:
        locate(location)
    assert (refused.value.code, refused.value.scope) == ("ledger-unsupported", Scope.NODE)


@pytest.mark.parametrize(("place", "mode"), [("ledger", 0o750), ("ledger/ledger.db", 0o640), ("ledger", 0o701)])
def test_a_ledger_others_may_enter_is_refused(tmp_path: Path, place: str, mode: int) -> None:
    open_ledger(tmp_path).close()
    (tmp_path / place).chmod(mode)
    with pytest.raises(ConfigError) as refused:
        open_ledger(tmp_path)
    assert refused.value.code == "ledger-exposed"
    assert f"chmod go= {tmp_path / place}" in refused.value.detail


def test_the_epoch_is_made_once(tmp_path: Path) -> None:
    asked: list[int] = []

    def new_epoch() -> int:
        asked.append(1)
        return 4000 + len(asked)

    for _ in range(2):
        with Ledger.open(file_of(tmp_path), unit=UNIT, clock=ToldClock(), new_epoch=new_epoch) as ledger:
            assert ledger.epoch == 4001


def test_an_epoch_that_does_not_fit_is_a_bug(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="63 bits"):
        Ledger.open(file_of(tmp_path), unit=UNIT, clock=ToldClock(), new_epoch=lambda: 2**63)


def test_what_was_recorded_is_there_after_reopening(tmp_path: Path) -> None:
    with open_ledger(tmp_path) as ledger:
        before = sent(ledger)
    with open_ledger(tmp_path) as ledger:
        assert ledger.get(before.id) == before


def test_another_units_ledger_is_refused(tmp_path: Path) -> None:
    open_ledger(tmp_path).close()
    with pytest.raises(ConfigError) as refused:
        Ledger.open(file_of(tmp_path), unit=UnitCode("330199"), clock=ToldClock(), new_epoch=lambda: 1)
    assert refused.value.code == "ledger-foreign"
    assert refused.value.facts == {"recorded": UNIT, "unit": "330199"}


@pytest.mark.parametrize("read_only", [False, True])
def test_a_newer_ledger_is_refused(tmp_path: Path, *, read_only: bool) -> None:
    open_ledger(tmp_path).close()
    tamper(tmp_path, "INSERT INTO schema_versions VALUES (99, 0.0)")
    with pytest.raises(ConfigError) as refused:
        open_ledger(tmp_path, read_only=read_only)
    assert (refused.value.code, refused.value.scope, refused.value.facts["found"]) == ("ledger-newer", Scope.NODE, 99)


def test_an_older_ledger_is_not_migrated_by_a_reader(tmp_path: Path) -> None:
    open_ledger(tmp_path).close()
    tamper(tmp_path, "UPDATE schema_versions SET version = 0")
    with pytest.raises(ConfigError) as refused:
        open_ledger(tmp_path, read_only=True)
    assert refused.value.code == "ledger-older"


def test_migrations_run_in_order_and_once(tmp_path: Path) -> None:
    open_ledger(tmp_path).close()
    ran: list[int] = []
    engine = writer_engine(file_of(tmp_path))

    def second(connection: Connection) -> None:
        connection.exec_driver_sql("ALTER TABLE node ADD COLUMN note TEXT")
        ran.append(2)

    def third(_connection: Connection) -> None:
        ran.append(3)

    for expected in (1, 3):
        with engine.begin() as connection:
            assert migrations.migrate(connection, 0.0, migrations={2: second, 3: third}, target=3) == expected
    engine.dispose()
    assert ran == [2, 3]


def test_a_migration_that_fails_leaves_the_ledger_as_it_was(tmp_path: Path) -> None:
    open_ledger(tmp_path).close()
    engine = writer_engine(file_of(tmp_path))

    def breaks(connection: Connection) -> None:
        connection.exec_driver_sql("ALTER TABLE node ADD COLUMN note TEXT")
        raise RuntimeError("half-way")

    with pytest.raises(RuntimeError), engine.begin() as connection:
        migrations.migrate(connection, 0.0, migrations={2: breaks}, target=2)
    engine.dispose()
    with sqlite3.connect(file_of(tmp_path)) as connection:
        columns = [row[1] for row in connection.execute("PRAGMA table_info(node)")]
    connection.close()
    assert "note" not in columns
    open_ledger(tmp_path).close()


def test_a_reader_makes_nothing(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        open_ledger(tmp_path, read_only=True)
    assert refused.value.code == "ledger-missing"
    assert list(tmp_path.iterdir()) == []


def test_a_reader_changes_nothing(tmp_path: Path) -> None:
    open_ledger(tmp_path).close()
    with open_ledger(tmp_path, read_only=True) as ledger:
        assert ledger.epoch == EPOCH
        with pytest.raises(PermanentError) as refused:
            found(ledger)
    assert refused.value.code == "ledger-read-only"


def test_a_reader_sees_what_the_daemon_commits(tmp_path: Path) -> None:
    with open_ledger(tmp_path) as daemon, open_ledger(tmp_path, read_only=True) as reader:
        assert reader.due([State.FOUND], now=1e12, limit=5) == []
        transfer = found(daemon)
        assert reader.get(transfer.id) == transfer


def test_two_processes_may_write_in_turn(tmp_path: Path) -> None:
    with open_ledger(tmp_path) as daemon, open_ledger(tmp_path) as operator:
        seen_by_daemon = found(daemon)
        held = operator.hold(seen_by_daemon, "asked", "wang", "court order")
        with pytest.raises(TransientError, match="transfer-moved-on"):
            daemon.retry_now(seen_by_daemon, "li")
        assert daemon.get(held.id) == held


def test_a_file_that_is_no_database_is_damaged(tmp_path: Path) -> None:
    open_ledger(tmp_path).close()
    file_of(tmp_path).write_bytes(b"not a database at all" * 400)
    for read_only in (False, True):
        with pytest.raises(PermanentError) as refused:
            open_ledger(tmp_path, read_only=read_only)
        assert (refused.value.code, refused.value.scope) == ("ledger-damaged", Scope.NODE)


def test_check_finds_a_damaged_page(tmp_path: Path) -> None:
    with open_ledger(tmp_path) as ledger:
        for number in range(1, 40):
            found(ledger, number)
        ledger.check()
    whole = bytearray(file_of(tmp_path).read_bytes())
    at = whole.find(b"export-20.zip")
    page = at - at % 4096
    whole[page : page + 64] = b"\x00" * 64
    file_of(tmp_path).write_bytes(whole)
    with open_ledger(tmp_path) as ledger, pytest.raises(PermanentError) as refused:
        ledger.check()
    assert refused.value.code == "ledger-damaged"


def test_check_finds_a_row_that_points_nowhere(tmp_path: Path) -> None:
    with open_ledger(tmp_path) as ledger:
        found(ledger)
    tamper(tmp_path, "UPDATE events SET transfer_id = 999")
    with open_ledger(tmp_path, read_only=True) as ledger, pytest.raises(PermanentError) as refused:
        ledger.check()
    assert "events" in refused.value.detail


def test_a_ledger_of_nobody_is_damaged(tmp_path: Path) -> None:
    open_ledger(tmp_path).close()
    tamper(tmp_path, "DELETE FROM node")
    with pytest.raises(PermanentError, match="ledger-damaged"):
        open_ledger(tmp_path)


def test_a_closed_ledger_takes_nothing_more(tmp_path: Path) -> None:
    ledger = open_ledger(tmp_path)
    ledger.close()
    ledger.close()
    with pytest.raises(PermanentError) as refused:
        found(ledger)
    assert refused.value.code == "ledger-denied"


def test_a_place_that_cannot_hold_it_is_denied(tmp_path: Path) -> None:
    (tmp_path / "ledger").write_text("a file where the folder should be")
    with pytest.raises(PermanentError) as refused:
        open_ledger(tmp_path)
    assert (refused.value.code, refused.value.scope) == ("ledger-denied", Scope.NODE)
