"""What SQLite says, in the words of the gateway."""

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError, OperationalError, ProgrammingError

from gateway.domain.errors import ConfigError, GatewayError, PermanentError, Scope, TransientError
from gateway.ledger import database
from gateway.ledger.faults import mapped, translate
from tests.support.ledger import found, open_ledger


@pytest.mark.parametrize(
    ("said", "kind", "code"),
    [
        (sqlite3.SQLITE_BUSY, TransientError, "ledger-busy"),
        (sqlite3.SQLITE_BUSY_SNAPSHOT, TransientError, "ledger-busy"),
        (sqlite3.SQLITE_LOCKED, TransientError, "ledger-busy"),
        (sqlite3.SQLITE_FULL, TransientError, "disk-full"),
        (sqlite3.SQLITE_IOERR_FSYNC, TransientError, "ledger-io"),
        (sqlite3.SQLITE_CORRUPT, PermanentError, "ledger-damaged"),
        (sqlite3.SQLITE_NOTADB, PermanentError, "ledger-damaged"),
        (sqlite3.SQLITE_READONLY_DIRECTORY, PermanentError, "ledger-denied"),
        (sqlite3.SQLITE_CANTOPEN, PermanentError, "ledger-denied"),
    ],
)
def test_each_answer_has_its_code(said: int, kind: type[GatewayError], code: str) -> None:
    original = sqlite3.OperationalError("as SQLite put it")
    original.sqlite_errorcode = said
    with pytest.raises(GatewayError) as raised, mapped():
        raise OperationalError("INSERT", None, original)
    assert (type(raised.value), raised.value.code, raised.value.scope) == (kind, code, Scope.NODE)
    assert isinstance(raised.value.__cause__, OperationalError)


@pytest.mark.parametrize("kind", [OperationalError, ProgrammingError, DatabaseError])
def test_our_own_bugs_pass_as_they_are(kind: type[DatabaseError]) -> None:
    error = kind("SELEC", None, sqlite3.OperationalError("syntax error"))
    assert translate(error) is None
    with pytest.raises(kind), mapped():
        raise error


def test_a_reading_connection_cannot_write(tmp_path: Path) -> None:
    with open_ledger(tmp_path) as ledger:
        transfer = found(ledger)
        for read_only in (False, True):
            readers = database.reader_engine(tmp_path / "ledger" / "ledger.db", read_only=read_only)
            with pytest.raises(PermanentError) as refused, mapped(), readers.begin() as connection:
                connection.execute(text("DELETE FROM transfers"))
            readers.dispose()
            assert refused.value.code == "ledger-denied"
        assert ledger.get(transfer.id) == transfer


def test_an_old_sqlite_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 36, 0))
    with pytest.raises(ConfigError) as refused:
        open_ledger(tmp_path)
    assert refused.value.code == "ledger-unsupported"


def test_the_pragmas_are_in_force(tmp_path: Path) -> None:
    with open_ledger(tmp_path):
        path = tmp_path / "ledger" / "ledger.db"
        asked = ("journal_mode", "synchronous", "foreign_keys", "trusted_schema", "query_only")
        for engine, expected in (
            (database.writer_engine(path), ["wal", 2, 1, 0, 0]),
            (database.reader_engine(path, read_only=False), ["wal", 2, 1, 0, 1]),
        ):
            with engine.connect() as connection:
                said = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in asked]
                assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == database.BUSY_SECONDS * 1000
            engine.dispose()
            assert said == expected
