"""How a ledger is opened: its file, its schema, its owner, and the connections that come of it."""

from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Final, Self, TypeVar

from sqlalchemy import Connection, Engine, insert, select

from gateway.domain.clock import Clock
from gateway.domain.errors import ConfigError, PermanentError, Scope, TransientError
from gateway.domain.ids import UnitCode
from gateway.ledger import database, migrations
from gateway.ledger.commits import GroupCommit
from gateway.ledger.faults import mapped
from gateway.ledger.kept import Kept
from gateway.ledger.schema import INTEGER_MAX, VERSION, node

T = TypeVar("T")

_LOST: Final = "the ledger says of no unit that it is its own"


class Connections:
    """The ways into one ledger file: any number of readers, and one writer unless it was opened for reading."""

    def __init__(self, epoch: int, readers: Engine, writer: Engine | None) -> None:
        """Use `to_write` or `to_read`."""
        self.epoch = epoch
        self._readers = Kept(readers, database.READERS, database.BEGIN_READING)
        self._writer = None if writer is None else Kept(writer, 1, database.BEGIN_WRITING)
        self._commits = None if self._writer is None else GroupCommit(self._writer)

    @classmethod
    def to_write(
        cls, path: Path, unit: UnitCode, clock: Clock, new_epoch: Callable[[], int], *, durable: bool = True
    ) -> Self:
        """Open, make or migrate the ledger of `unit`. Raises as `Ledger.open`."""
        database.prepare_file(path)
        writer = database.writer_engine(path, durable=durable)
        try:
            with mapped(), writer.begin() as connection:
                if migrations.migrate(connection, clock.now()) == 0:
                    _name_owner(connection, unit, clock.now(), new_epoch())
                epoch = _epoch_of_owner(connection, unit)
        except BaseException:
            writer.dispose()
            raise
        return cls(epoch, database.reader_engine(path, read_only=False), writer)

    @classmethod
    def to_read(cls, path: Path, unit: UnitCode) -> Self:
        """Open the ledger of `unit` that another process keeps. Raises as `Ledger.open`."""
        database.require_file(path)
        readers = database.reader_engine(path, read_only=True)
        try:
            with mapped(), readers.begin() as connection:
                found = migrations.version_of(connection)
                migrations.refuse_newer(found)
                if found < VERSION:
                    raise ConfigError(
                        "ledger-older",
                        f"the ledger has schema {found}, this program {VERSION}: start the daemon once to migrate it",
                        scope=Scope.NODE,
                        facts={"found": found, "known": VERSION},
                    )
                epoch = _epoch_of_owner(connection, unit)
        except BaseException:
            readers.dispose()
            raise
        return cls(epoch, readers, None)

    def reading(self) -> AbstractContextManager[Connection]:
        """Lend a connection that sees one moment of the ledger and cannot write."""
        return self._readers.begin()

    def change(self, work: Callable[[Connection], T], after: Callable[[], None]) -> T:
        """Commit `work`, see `GroupCommit.run`; PermanentError `ledger-read-only` if opened for reading."""
        if self._commits is None:
            raise PermanentError("ledger-read-only", "this ledger was opened for reading", scope=Scope.NODE)
        return self._commits.run(work, after)

    def lengthen_log(self) -> None:
        """Have the log take its length in advance, see `database.lengthen_log`; without the room for it, later."""
        with suppress(database.LogLengthenedError, TransientError):
            self.change(database.lengthen_log, lambda: None)

    def copy_to(self, path: Path) -> None:
        """Copy the database as one moment saw it to the new file `path`. Raises as `Ledger.open`."""
        database.prepare_file(path)
        with self._readers.begin() as connection:
            database.copy(connection, path)

    def close(self) -> None:
        """Finish the commit that is under way and let the file go; may be repeated."""
        if self._commits is not None and self._writer is not None and self._commits.close():
            self._writer.close()
        self._readers.close()


def _name_owner(connection: Connection, unit: UnitCode, now: float, epoch: int) -> None:
    if not 0 <= epoch <= INTEGER_MAX:
        raise ValueError("an epoch has at most 63 bits")
    connection.execute(insert(node), {"unit": unit, "epoch": epoch, "created_at": now})


def _epoch_of_owner(connection: Connection, unit: UnitCode) -> int:
    row = connection.execute(select(node.c.unit, node.c.epoch)).first()
    if row is None:
        raise PermanentError("ledger-damaged", _LOST, scope=Scope.NODE)
    if row.unit != unit:
        raise ConfigError(
            "ledger-foreign",
            f"the ledger belongs to unit {row.unit}, the configuration says {unit}",
            scope=Scope.NODE,
            facts={"recorded": row.unit, "unit": unit},
        )
    return int(row.epoch)
