"""Connections that stay open between questions: to get one from a pool and give it back costs more than to ask."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine


class Kept:
    """The connections of one engine, each used by one thread at a time; any thread may ask for one."""

    def __init__(self, engine: Engine, most: int) -> None:
        """most: connections that are kept while nobody uses them."""
        self._engine = engine
        self._most = most
        self._idle: list[Connection] = []
        self._is_closed = False

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """Lend a connection for one transaction: committed at the end, undone if anything was raised."""
        connection = self._take()
        is_sound = False
        try:
            with connection.begin():
                yield connection
            is_sound = True
        finally:
            self._give_back(connection, is_sound=is_sound)

    def close(self) -> None:
        """Close what is idle now, and the rest when it is given back; may be repeated."""
        self._is_closed = True
        while self._idle:
            self._idle.pop().close()
        self._engine.dispose()

    def _take(self) -> Connection:
        try:
            # The last one that was used: its plans and pages are warm.
            return self._idle.pop()
        except IndexError:
            return self._engine.connect()

    def _give_back(self, connection: Connection, *, is_sound: bool) -> None:
        if is_sound and not self._is_closed and len(self._idle) < self._most:
            self._idle.append(connection)
            return
        # The pool undoes what is left of a transaction that failed, and lets go of a connection that cannot.
        connection.close()
        if self._is_closed:
            self._engine.dispose()
