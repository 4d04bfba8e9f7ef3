"""One caller's part of a transaction; what it writes reaches the tables many rows at a time."""

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field, fields
from operator import attrgetter
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Insert, Table, Update, insert, update

from gateway.domain.errors import TransientError
from gateway.domain.ids import LinkName, TransferId, UnitCode
from gateway.domain.lifecycle import Direction, State
from gateway.domain.records import Transfer
from gateway.ledger import prepared
from gateway.ledger.prepared import Build, Values, param
from gateway.ledger.rows import changed
from gateway.ledger.schema import transfers

_COLUMNS: Final = tuple(one.name for one in fields(Transfer) if one.name != "id")
_values: Final = attrgetter(*_COLUMNS)


class Touch(NamedTuple):
    """That a transfer of this direction and link entered a state (`is_new`), or was changed in it."""

    direction: Direction
    state: State
    link: LinkName | None
    is_new: bool


Touched = set[Touch]


@dataclass(slots=True)
class Change:
    """Who writes, what time it is, what it has touched, and what it has written that is not in the tables yet.

    What was written is in the tables at the latest when the caller's work is done, in the same transaction; and
    before that for whoever asks for the `connection`. So nobody sees the tables without it, but who says which thing
    alone a question is `about`.
    """

    _connection: Connection
    unit: UnitCode
    epoch: int
    now: float
    touched: Touched = field(default_factory=set)
    counted: Counter[tuple[Direction, State]] = field(default_factory=Counter)
    """How many transfers more, or less, there are now in each state."""
    _moved: dict[TransferId, tuple[Transfer, Transfer]] = field(default_factory=dict)
    """Transfers as they are in the tables, and as they will be."""
    _rows: dict[tuple[Build, tuple[Hashable, ...]], list[Values]] = field(default_factory=dict)
    """By statement, in the order in which each was first needed: what refers to a row comes after it."""
    _written: set[tuple[Hashable, ...]] = field(default_factory=set)
    """The things that what is not in the tables yet is about."""

    @property
    def connection(self) -> Connection:
        """The tables, with everything that was written before."""
        self.flush()
        return self._connection

    def about(self, *thing: Hashable) -> Connection:
        """Return the tables with everything that was written before about `thing`, for a question about it alone."""
        return self.connection if thing in self._written else self._connection

    def concern(self, *thing: Hashable) -> None:
        """Say what the rows are about that are being written; once more about the same thing, the earlier ones are
        brought into the tables first."""
        if thing in self._written:
            self.flush()
        self._written.add(thing)

    def write(self, stored: Transfer, now: Transfer) -> Transfer:
        """Have `now` take the place of `stored`, under the next version, and return it.

        Raises TransientError `transfer-moved-on` now, or when it comes to the tables, if `stored` is not what is there.
        """
        now = changed(now, {"version": stored.version + 1, "changed_at": self.now})
        first, last = self._moved.get(stored.id, (stored, stored))
        if last.version != stored.version:
            raise moved_on(stored)
        self._moved[stored.id] = (first, now)
        for key in (stored.business_key, now.business_key):
            if key is not None:
                self._written.add(("key", key))
        self.touch(now, is_new=now.state is not stored.state)
        if now.state is not stored.state:
            self.counted[stored.direction, stored.state] -= 1
            self.counted[now.direction, now.state] += 1
        return now

    def enter(self, transfer: Transfer) -> None:
        """Take note of a transfer that was just inserted."""
        if transfer.state is not State.OFFERED:  # whoever was offered it is about to fetch it
            self.touch(transfer, is_new=True)
        self.counted[transfer.direction, transfer.state] += 1

    def touch(self, transfer: Transfer, *, is_new: bool = False) -> None:
        """Take note that a transfer has come into its state, or was changed in it."""
        self.touched.add(Touch(transfer.direction, transfer.state, transfer.link, is_new))

    def add(self, build: Build, row: Values, *shape: Hashable) -> None:
        """Have a statement executed for `row`."""
        self._rows.setdefault((build, shape), []).append(row)

    def flush(self) -> None:
        """Bring into the tables what was written. Raises TransientError `transfer-moved-on`."""
        if not self._moved and not self._rows:
            return
        moved, rows = self._moved, self._rows
        self._moved, self._rows, self._written = {}, {}, set()
        alike: dict[tuple[str, ...], list[Values]] = {}
        for stored, now in moved.values():
            names, values = _difference(stored, now)
            alike.setdefault(names, []).append(values)
        for names, some in alike.items():
            # Each row names its transfer, and only one process writes: were one missing, all are refused and the
            # caller, who takes them one by one then, learns which.
            if prepared.write_many(self._connection, moving, some, names) != len(some):
                raise moved_on(*(stored for stored, _ in moved.values()))
        for (build, shape), some in rows.items():
            prepared.write_many(self._connection, build, some, *shape)


def moved_on(*seen: Transfer) -> TransientError:
    """Return the error for a version that somebody else has changed; of several it may be any."""
    which = ", ".join(f"transfer {one.id} at version {one.version}" for one in seen[:8])
    return TransientError("transfer-moved-on", f"changed since it was read: {which}")


def moving(names: tuple[str, ...]) -> Update:
    """Change the columns `names` of one transfer, if it still has the version it was read with."""
    c = transfers.c
    its = (c.id == param("its_id"), c.version == param("its_version"))
    return update(transfers).where(*its).values({name: param(name) for name in names})


def adding(table: Table, names: Sequence[str]) -> Insert:
    """Insert a row of `table`, of which these columns are given."""
    return insert(table).values({name: param(name) for name in names})


def _difference(stored: Transfer, now: Transfer) -> tuple[tuple[str, ...], dict[str, Any]]:
    """Return the columns that differ, and their values with the names that `moving` has for them.

    Only what differs is written: a database then leaves alone the indexes of all other columns.
    """
    pairs = zip(_COLUMNS, _values(now), _values(stored), strict=True)
    values = {name: value for name, value, before in pairs if value is not before and value != before}
    if "recipient" in values or "origin" in values:
        values["peer"] = now.recipient if now.direction is Direction.OUTBOUND else now.origin
    names = tuple(values)
    values |= {"its_id": stored.id, "its_version": stored.version}
    return names, values
