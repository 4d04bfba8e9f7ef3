"""When receipts are there: the sender's ledger, looked at from another process, which sees what is on the disk."""

import sqlite3
from collections.abc import Collection
from pathlib import Path
from types import TracebackType
from typing import Final, Self

_RECEIPTED: Final = "direction = 'outbound' AND state IN ('delivered', 'collected')"
"""What was delivered in an earlier round is cleared away, and counts as collected from then on."""
_COUNT: Final = f"SELECT coalesce(sum(number), 0) FROM state_counts WHERE {_RECEIPTED}"
_ONE: Final = f"SELECT count(*) FROM transfers WHERE export_name = ? AND {_RECEIPTED}"


class Receipts:
    """Asks a running node's ledger what is receipted.

    The time in a record is that of the change; its commit still has to reach the disk, and SQLite shows it to nobody
    before. To ask whether anything was committed takes microseconds, so it may be asked a thousand times a second; to
    ask through our own ledger would cost the nodes that are measured a fortieth of a processor.
    """

    def __init__(self, ledger: Path) -> None:
        """`ledger`: the file, which a node has made."""
        self._connection = sqlite3.connect(f"{ledger.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)
        self._seen = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._connection.close()

    def have_moved(self) -> bool:
        """Whether anything was committed since this was last asked."""
        last, self._seen = self._seen, self._number("PRAGMA data_version")
        return last != self._seen

    def count(self) -> int:
        """Return how many exports have been receipted, ever."""
        return self._number(_COUNT)

    def of(self, names: Collection[str]) -> list[str]:
        """Return the exports among `names` that are receipted."""
        return [name for name in names if self._number(_ONE, name)]

    def _number(self, statement: str, *values: str) -> int:
        row = self._connection.execute(statement, values).fetchone()
        return int(row[0])
