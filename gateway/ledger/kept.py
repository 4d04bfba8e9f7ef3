"""Connections that stay open between questions: to get one from a pool and give it back costs more than to ask."""

from types import TracebackType
from typing import NoReturn

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from gateway.ledger.faults import translate
from gateway.ledger.prepared import commit, directly, undo


class Kept:
    """The connections of one engine, each used by one thread at a time; any thread may ask for one."""

    def __init__(self, engine: Engine, most: int, begin: str) -> None:
        """most: connections that are kept while nobody uses them; begin: the statement that starts a transaction."""
        self._engine = engine
        self._most = most
        self._begin = begin
        self._idle: list[Connection] = []
        self._is_closed = False

    def begin(self) -> "Turn":
        """Lend a connection for one transaction: committed at the end, undone if anything was raised.

        What the database raises inside, and at either end, is raised as the GatewayError for it; bugs pass unchanged.
        """
        return Turn(self)

    def close(self) -> None:
        """Close what is idle now, and the rest when it is given back; may be repeated."""
        self._is_closed = True
        while self._idle:
            self._idle.pop().close()
        self._engine.dispose()

    def take(self) -> Connection:
        """Return a connection in a transaction that has just begun; for `Turn`, which gives it back."""
        try:
            # The last one that was used: its plans and pages are warm.
            connection = self._idle.pop()
        except IndexError:
            connection = self._engine.connect()
        try:
            directly(connection, self._begin)
        except BaseException:
            self.give_back(connection, is_sound=False)
            raise
        return connection

    def give_back(self, connection: Connection, *, is_sound: bool) -> None:
        """Keep a connection whose transaction was committed; let go of any other."""
        if is_sound and not self._is_closed and len(self._idle) < self._most:
            self._idle.append(connection)
            return
        try:
            if not is_sound:
                undo(connection)
        except DBAPIError:
            connection.invalidate()  # nobody gets one that still has a transaction
        finally:
            connection.close()
        if self._is_closed:
            self._engine.dispose()


class Turn:
    """One transaction with a kept connection.

    Begun and committed past SQLAlchemy, and no generator: a handover asks some seventy questions, and most take less
    than the frames around them would.
    """

    __slots__ = ("_connection", "_kept")

    _connection: Connection

    def __init__(self, kept: Kept) -> None:
        self._kept = kept

    def __enter__(self) -> Connection:
        try:
            self._connection = self._kept.take()
        except DBAPIError as error:
            _raise(error)
        return self._connection

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        is_sound = False
        try:
            if error is None:
                commit(self._connection)
                is_sound = True
        except DBAPIError as failed:
            _raise(failed)
        finally:
            self._kept.give_back(self._connection, is_sound=is_sound)
        if isinstance(error, DBAPIError) and (fault := translate(error)) is not None:
            raise fault from error


def _raise(error: DBAPIError) -> NoReturn:
    fault = translate(error)
    if fault is None:
        raise error
    raise fault from error
