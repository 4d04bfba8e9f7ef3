"""Kept connections: one that failed is worth nothing until its transaction was undone."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

from gateway.domain.errors import PermanentError
from gateway.ledger.database import BEGIN_WRITING, prepare_file, writer_engine
from gateway.ledger.kept import Kept
from gateway.ledger.prepared import directly


class FailingConnection(sqlite3.Connection):
    """A connection that can neither commit nor undo while the disk fails."""

    fails = False

    def commit(self) -> None:
        self._try()
        super().commit()

    def rollback(self) -> None:
        self._try()
        super().rollback()

    def _try(self) -> None:
        if type(self).fails:
            raise sqlite3.OperationalError("disk I/O error")


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kept]:
    real = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *given, **more: real(*given, factory=FailingConnection, **more))
    path = tmp_path / "group" / "group.db"
    prepare_file(path)
    made = Kept(writer_engine(path), 1, BEGIN_WRITING)
    with made.begin() as connection:
        connection.execute(text("CREATE TABLE t (n INTEGER PRIMARY KEY) STRICT"))
    yield made
    made.close()


def test_what_could_neither_be_committed_nor_undone_stops_nobody_after_it(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(FailingConnection, "fails", True)
        with pytest.raises(OperationalError, match="disk I/O"), kept.begin() as connection:
            connection.execute(text("INSERT INTO t VALUES (1)"))
    with kept.begin() as connection:
        assert connection.execute(text("SELECT count(*) FROM t")).scalar() == 0


def test_a_question_by_way_of_sqlalchemy_is_part_of_the_same_transaction(kept: Kept) -> None:
    with kept.begin() as connection:
        directly(connection, "INSERT INTO t VALUES (1)")
        connection.execute(text("INSERT INTO t VALUES (2)"))
        directly(connection, "INSERT INTO t VALUES (3)")
    with pytest.raises(ZeroDivisionError), kept.begin() as connection:
        _insert_and_fail(connection)
    with kept.begin() as connection:
        assert directly(connection, "SELECT n FROM t ORDER BY n").fetchall() == [(1,), (2,), (3,)]


def test_what_the_database_refuses_is_told_in_our_words_and_undone(kept: Kept) -> None:
    with pytest.raises(PermanentError, match="ledger-contradiction"), kept.begin() as connection:
        directly(connection, "INSERT INTO t VALUES (1), (2), (1)")
    with kept.begin() as connection:
        assert directly(connection, "SELECT count(*) FROM t").fetchone() == (0,)


def _insert_and_fail(connection: Connection) -> None:
    connection.execute(text("INSERT INTO t VALUES (4)"))
    directly(connection, "INSERT INTO t VALUES (5)")
    raise ZeroDivisionError
