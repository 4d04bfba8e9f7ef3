"""The SQLite file under the ledger: where it may lie, how it is opened, and every pragma."""

import os
import sqlite3
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Final, cast

from sqlalchemy import Connection, Engine, QueuePool, create_engine, event

from gateway.domain.errors import ConfigError, PermanentError, Scope, TransientError
from gateway.ledger.faults import mapped
from gateway.ledger.prepared import directly

BUSY_SECONDS: Final = 10.0
"""How long to wait for another process's write; an operator's action commits in milliseconds."""

STATEMENTS: Final = 512
"""Planned statements that each connection keeps; with fewer than there are, each execution would plan anew."""

READERS: Final = 8
"""Kept reading connections; more threads than that at once open one for the moment."""

CACHE_KIB: Final = 16_384
"""Pages that the writing connection keeps, at most: what changes touch of a ledger of ten million. SQLite's own 2 MiB
hold that of an empty one only; they are taken as they are used."""

LOG_PAGES: Final = 4_000
"""Pages in the write-ahead log before it is emptied (16 MiB): those that every change touches are copied back once for
four times as many changes as by SQLite's own 1,000."""

BEGIN_READING: Final = "BEGIN"
BEGIN_WRITING: Final = "BEGIN IMMEDIATE"
"""Takes the write lock at the start, where it can be waited for."""

OLDEST_SQLITE: Final = (3, 37, 0)
"""The first with STRICT tables."""

LOG_BYTES: Final = LOG_PAGES * (4096 + 24)
"""What so many pages take in the log, each behind a header of its own."""

LOG_SHARE: Final = 32
"""The log takes its length in advance where the disk has this many times as much free."""

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def locate(location: Path | str) -> Path:
    """Return the file that a path or an `sqlite:///` URL names; ConfigError `ledger-unsupported` for anything else."""
    if isinstance(location, Path):
        return location
    if location.startswith("sqlite:///"):
        return Path(location.removeprefix("sqlite:///"))
    if "://" in location or location == ":memory:":
        raise _config("ledger-unsupported", f"{location.partition(':')[0]} is not a database this program can keep")
    return Path(location)


def prepare_file(path: Path) -> None:
    """Make the ledger's folder (0700) and file (0600) where missing; `ledger-exposed` if others may enter."""
    try:
        _make_folder(path.parent)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            modes = {path.parent: path.parent.stat().st_mode, path: os.fstat(descriptor).st_mode}
        finally:
            os.close(descriptor)
    except OSError as error:
        raise PermanentError("ledger-denied", f"{path}: {error.strerror}", scope=Scope.NODE) from error
    for place, mode in modes.items():
        if mode & _OTHERS:
            raise _config(
                "ledger-exposed", f"{place} is open to others (mode {stat.S_IMODE(mode):04o}): chmod go= {place}"
            )


def _make_folder(folder: Path) -> None:
    """Make `folder` and what is missing above it, so that a power cut cannot take it back, and the ledger with it."""
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for made in reversed(missing):
        descriptor = os.open(made.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def require_file(path: Path) -> None:
    """ConfigError `ledger-missing` unless there is a ledger to read."""
    if not path.is_file():
        raise _config("ledger-missing", f"{path} does not exist: the daemon makes it at its first start")


def writer_engine(path: Path, *, durable: bool = True) -> Engine:
    """Return the engine of the one connection that writes; its transactions take the write lock at their start.

    durable: what was committed has reached the disk; False leaves that to the system.
    """
    level = "FULL" if durable else "OFF"
    return _engine(lambda: _connect(path, "rw", "wal", level), BEGIN_WRITING, kept=1, extra=0)


def reader_engine(path: Path, *, read_only: bool) -> Engine:
    """Return the engine of the connections that only read; `read_only` opens a file that another process owns."""
    mode = "ro" if read_only else "rw"
    return _engine(lambda: _connect(path, mode, None), BEGIN_READING, kept=READERS, extra=-1)


class LogLengthenedError(Exception):
    """Ends the transaction that has made the log longer, so that nothing of it is kept."""


def lengthen_log(connection: Connection) -> None:
    """Have the write-ahead log take on the disk what it will need until it is emptied, where that is not there yet.

    A commit that makes the log longer waits for the file system to record its new length, a commit within it does not.
    Raises LogLengthenedError once that is done, for the transaction to be undone: it leaves pages in the log that count
    for nothing and are overwritten by the next. Else it has done nothing.
    """
    (path,) = (str(row[2]) for row in connection.exec_driver_sql("PRAGMA database_list") if row[1] == "main")
    disk = os.statvfs(path)
    is_scarce = disk.f_bavail * disk.f_frsize < LOG_SHARE * LOG_BYTES
    log = Path(f"{path}-wal")
    if is_scarce or (log.exists() and log.stat().st_size >= LOG_BYTES):
        return
    try:
        # What does not fit into the cache goes into the log at once.
        connection.exec_driver_sql("PRAGMA cache_size = 10")
        connection.exec_driver_sql("CREATE TABLE log_room (filling BLOB)")
        connection.exec_driver_sql("INSERT INTO log_room VALUES (zeroblob(?))", (LOG_BYTES,))
    finally:
        connection.exec_driver_sql(f"PRAGMA cache_size = -{CACHE_KIB}")
    raise LogLengthenedError


def damage(connection: Connection) -> list[str]:
    """Return what SQLite's own check finds wrong with the file, at most 100 lines, empty if it is sound."""
    with mapped():
        lines = [str(row[0]) for row in connection.exec_driver_sql("PRAGMA quick_check(100)")]
        lines += [
            f"{row[0]} row {row[1]} points nowhere" for row in connection.exec_driver_sql("PRAGMA foreign_key_check")
        ]
    return [line for line in lines if line != "ok"][:100]


def copy(connection: Connection, path: Path) -> None:
    """Copy the whole database to the empty file `path` with SQLite's own backup, and force it to the disk."""
    source = connection.connection.driver_connection
    if not isinstance(source, sqlite3.Connection):
        raise TypeError("only SQLite copies itself")
    target = sqlite3.connect(path)
    try:
        source.backup(target)
        # The copy is one file, to be carried anywhere; opened as a ledger it keeps a log beside it again.
        target.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.Error as error:
        raise TransientError("ledger-io", str(error), scope=Scope.NODE) from error
    finally:
        target.close()
    with path.open("rb") as written:
        os.fsync(written.fileno())


def _connect(path: Path, mode: str, journal: str | None, synchronous: str = "FULL") -> sqlite3.Connection:
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        raise _config("ledger-unsupported", f"SQLite {sqlite3.sqlite_version} is too old, 3.37 is needed")
    # isolation_level None: the driver starts no transaction by itself, SQLAlchemy's `begin` does (see _engine).
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        timeout=BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=STATEMENTS,
    )
    try:
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute(f"PRAGMA synchronous = {synchronous}")
        connection.execute("PRAGMA trusted_schema = OFF")
        if journal is None:
            connection.execute("PRAGMA query_only = ON")
        else:
            (actual,) = connection.execute(f"PRAGMA journal_mode = {journal}").fetchone()
            if actual != journal:
                raise _config("ledger-unsupported", f"the disk under {path} cannot keep a write-ahead log")
            connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
            connection.execute(f"PRAGMA wal_autocheckpoint = {LOG_PAGES}")
    except BaseException:
        connection.close()
        raise
    return connection


def _engine(connect: Callable[[], sqlite3.Connection], begin: str, *, kept: int, extra: int) -> Engine:
    # Whoever gave back last is lent out first: its plans and pages are warm.
    engine = create_engine(
        "sqlite://", creator=connect, poolclass=QueuePool, pool_size=kept, max_overflow=extra, pool_use_lifo=True
    )

    def start(connection: Connection) -> None:
        # `Kept` has begun already, when one of its callers asks by way of SQLAlchemy.
        if not cast(sqlite3.Connection, connection.connection.dbapi_connection).in_transaction:
            directly(connection, begin)

    event.listen(engine, "begin", start)
    return engine


def _config(code: str, detail: str) -> ConfigError:
    return ConfigError(code, detail, scope=Scope.NODE)
