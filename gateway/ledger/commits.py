"""Group commit: changes that arrive together from several threads share one transaction and one fsync."""

import copy
import threading
from collections import deque
from collections.abc import Callable
from typing import Final, Generic, TypeVar, cast

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from gateway.domain.errors import PermanentError, Scope
from gateway.ledger.faults import cut_short, mapped, translate
from gateway.ledger.kept import Kept

T = TypeVar("T")

AT_MOST: Final = 256
"""Changes in one commit, so that nobody waits behind an endless one."""


class _Entry(Generic[T]):
    """One caller's change, and afterwards its outcome."""

    __slots__ = ("after", "done", "error", "turn", "value", "work")

    def __init__(self, work: Callable[[Connection], T], after: Callable[[], None]) -> None:
        self.work = work
        self.after = after
        self.turn = threading.Event()  # set when done, or when this caller is to lead
        self.done = False
        self.value: T | None = None
        self.error: BaseException | None = None

    def result(self) -> T:
        if self.error is not None:
            raise self.error
        return cast(T, self.value)


class GroupCommit:
    """The one door to the writing connection.

    The first caller leads: it commits everything that waits, then hands the lead to the first that came meanwhile.
    """

    def __init__(self, writer: Kept) -> None:
        self._writer = writer
        self._mutex = threading.Condition()
        self._waiting: deque[_Entry[object]] = deque()
        self._leading = False
        self._closed = False

    @property
    def waiting(self) -> int:
        """How many changes wait for the commit that is under way."""
        return len(self._waiting)

    def run(self, work: Callable[[Connection], T], after: Callable[[], None]) -> T:
        """Commit `work` and return what it returned; on return it is durable.

        `work` runs in some caller's thread, inside a transaction that other callers' work shares; what it raises
        undoes its own changes only and is raised here. `after` is called once it is durable, in the thread that
        committed; it must not raise. Raises GatewayError of scope node if the commit as a whole failed.
        """
        entry = _Entry(work, after)
        with self._mutex:
            if self._closed:
                raise PermanentError("ledger-denied", "the ledger is closed", scope=Scope.NODE)
            self._waiting.append(cast(_Entry[object], entry))
            lead = not self._leading
            self._leading = True
        if not lead:
            entry.turn.wait()
        if not entry.done:
            self._lead()
        return entry.result()

    def close(self) -> bool:
        """Let what waits be committed, then refuse everything; True the first time."""
        with self._mutex:
            first = not self._closed
            self._closed = True
            self._mutex.wait_for(lambda: not self._leading)
        return first

    def _lead(self) -> None:
        with self._mutex:
            batch = [self._waiting.popleft() for _ in range(min(AT_MOST, len(self._waiting)))]
        try:
            self._commit(batch)
        except Exception as error:  # noqa: BLE001 - whatever it is, every caller of the batch must hear of it
            for entry in batch:
                # Each thread raises an instance of its own: a traceback belongs to one raise.
                entry.error = error if entry is batch[0] else copy.copy(error)
                entry.error.__cause__ = error.__cause__
        except BaseException:
            for entry in batch:
                entry.error = cut_short()
            raise
        finally:
            self._hand_over(batch)
        for entry in batch:
            if entry.error is None:
                entry.after()

    def _hand_over(self, batch: list[_Entry[object]]) -> None:
        with self._mutex:
            successor = self._waiting[0] if self._waiting else None
            if successor is None:
                self._leading = False
                self._mutex.notify_all()
        for entry in batch:
            entry.done = True
            entry.turn.set()
        if successor is not None:
            successor.turn.set()

    def _commit(self, batch: list[_Entry[object]]) -> None:
        with mapped(), self._writer.begin() as connection:
            if len(batch) == 1:
                batch[0].value = batch[0].work(connection)
                return
            for entry in batch:
                _run_apart(entry, connection)


def _run_apart(entry: _Entry[object], connection: Connection) -> None:
    """Run one caller's work under a savepoint, so that its failure leaves its neighbours alone."""
    try:
        with connection.begin_nested():
            entry.value = entry.work(connection)
    except DBAPIError as error:
        fault = translate(error)
        if fault is not None and fault.scope is Scope.NODE:
            raise
        entry.error = error if fault is None else fault
        entry.error.__cause__ = None if fault is None else error
    except Exception as error:  # noqa: BLE001 - handed to the caller whose work it was
        entry.error = error
