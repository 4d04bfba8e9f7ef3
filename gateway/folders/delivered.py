"""The journal of deliveries: which bundles went into an inbound folder, apart from the ledger in case it is lost."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from gateway import linux
from gateway.domain.ids import BundleId, Digest, UnitCode
from gateway.folders import disk

KEPT_DAYS = 100
"""A bundle is void 90 days after it was made at the latest; older lines can answer no question."""
_DAY = 86400
_SINCE = "since"

Delivered = tuple[UnitCode, BundleId, Digest]
"""Origin, bundle id, header hash."""


class DeliveryJournal:
    """The owner-only folder `root`: one file a day, one line a delivery. Only read after the ledger was put back.

    Days are told by the clock of whoever writes, and only decide when a file is removed.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._known: set[Delivered] | None = None

    @property
    def folder(self) -> Path:
        """Where `note` writes."""
        return self._root

    def prepare(self, now: float) -> None:
        """Make the folder, and note that from `now` (seconds since 1970) on every delivery is in it. Repeatable."""
        disk.owner_only(self._root)
        if not disk.exists(self._root / _SINCE):
            disk.write_durably(self._root / _SINCE, f"{int(now)}\n".encode())

    def since(self) -> float | None:
        """Return from when on every delivery is in the journal; None if there is no journal that says so."""
        try:
            return float(int((self._root / _SINCE).read_text("ascii")))
        except (OSError, ValueError):
            return None

    def note(self, deliveries: Sequence[Delivered], now: float) -> None:
        """Write `deliveries` down, durably, with one fsync; repeating does no harm. Raises as `disk.failure` says.

        On a disk that keeps order, all that was done to it before lasts then as well.
        """
        path = self._root / f"{int(now // _DAY)}.txt"
        is_new = not disk.exists(path)
        # The first line end is for a line that a power cut, or a full disk, has torn.
        lines = "".join(f"\n{' '.join(one)}" for one in deliveries)
        with disk.mapped(self._root), path.open("ab") as out:
            out.write(f"{lines}\n".encode("ascii"))
            out.flush()
            linux.conclude(out.fileno())
        if is_new:
            disk.fsync_folder(self._root)
            self._trim(int(now // _DAY) - KEPT_DAYS)
        if self._known is not None:
            self._known.update(deliveries)

    def has(self, delivery: Delivered) -> bool:
        """Whether this very bundle was delivered here."""
        if self._known is None:
            self._known = set(self._read())
        return delivery in self._known

    def _read(self) -> list[Delivered]:
        found: list[Delivered] = []
        with disk.mapped(self._root):
            for path in sorted(self._root.glob("*.txt")):
                for line in path.read_text("ascii", "replace").splitlines():
                    parts = line.split(" ")
                    if len(parts) == 3:  # a line that a power cut tore names nothing
                        found.append((UnitCode(parts[0]), BundleId(parts[1]), Digest(parts[2])))
        return found

    def _trim(self, before: int) -> None:
        with disk.mapped(self._root):
            for path in self._root.glob("*.txt"):
                with suppress(ValueError):
                    if int(path.stem) < before:
                        path.unlink(missing_ok=True)
