"""The ledger's error contract: what the database may raise, in the words of GatewayError.

code                     kind       scope     when
ledger-busy              transient  node      another process wrote for too long, or the commit was cut short
disk-full                transient  node      the disk under the ledger is full; nothing was recorded
ledger-io                transient  node      the disk failed to read or write
ledger-damaged           permanent  node      the file is not a database, or its pages contradict each other
ledger-denied            permanent  node      the file may not be opened or written
ledger-read-only         permanent  node      a change was asked of a ledger opened for reading
ledger-newer             config     node      written by a newer program
ledger-older             config     node      opened for reading before this program brought it up to date
ledger-missing           config     node      opened for reading, and not there
ledger-exposed           config     node      others than the owner may enter its folder or read the file
ledger-foreign           config     node      it belongs to another unit
ledger-unsupported       config     node      a database we do not speak, too old an SQLite, a disk without WAL
no-such-transfer         permanent  transfer  the id names nothing
transfer-moved-on        transient  transfer  somebody changed the transfer since the caller read it
transfer-ended           permanent  transfer  an operator's action on a transfer that owes nothing
transfer-held            permanent  transfer  retrying something that a person holds
sequence-conflict        transient  transfer  sealed under a number that is not the stream's next: seal again
sequence-reused          security   transfer  the origin gave one number to two bundles
already-delivered        permanent  transfer  the same bundle was delivered before, by another transfer
equivocation             security   transfer  same origin and bundle id, other header than the one delivered
receipt-mismatch         security   transfer  the receipt speaks of another bundle or another header
fact-fixed               permanent  transfer  a step would change an identity that was recorded before
number-out-of-range      permanent  transfer  an epoch, sequence or size of 2^63 or more
ledger-contradiction     permanent  transfer  a constraint of the database refused the change
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, IntegrityError

from gateway.domain.errors import GatewayError, PermanentError, Scope, TransientError

_PRIMARY = 0xFF  # SQLite's extended result codes keep the primary one in the low byte

_BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL})
_DENIED = frozenset({sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH})
_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


def translate(error: DBAPIError) -> GatewayError | None:
    """Return the GatewayError for a database error; None where it can only be a bug of ours (bad SQL, bad parameters).

    Scope node means that the database may have undone the whole transaction.
    """
    if isinstance(error, IntegrityError):
        return PermanentError("ledger-contradiction", str(error.orig))
    code = getattr(error.orig, "sqlite_errorcode", None)
    primary = code & _PRIMARY if isinstance(code, int) else None
    said = str(error.orig)
    fault: GatewayError | None = None
    if primary in _BUSY:
        fault = TransientError("ledger-busy", "another process is writing the ledger", scope=Scope.NODE)
    elif primary == sqlite3.SQLITE_FULL:
        fault = TransientError("disk-full", "the disk under the ledger is full", scope=Scope.NODE)
    elif primary in _DAMAGED:
        fault = PermanentError("ledger-damaged", said, scope=Scope.NODE)
    elif primary in _DENIED:
        fault = PermanentError("ledger-denied", said, scope=Scope.NODE)
    elif primary == sqlite3.SQLITE_IOERR:
        fault = TransientError("ledger-io", said, scope=Scope.NODE)
    return fault


def cut_short() -> TransientError:
    """Return the error for a commit that ended without an answer."""
    return TransientError("ledger-busy", "the commit was cut short; nothing was recorded", scope=Scope.NODE)


@contextmanager
def mapped() -> Iterator[None]:
    """Turn what the database raises inside into GatewayError; bugs pass unchanged."""
    try:
        yield
    except DBAPIError as error:
        fault = translate(error)
        if fault is None:
            raise
        raise fault from error
