"""What goes wrong in a simulation, drawn by its seed: files on links that are dropped, doubled, cut short or late."""

import hashlib
import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from gateway.bundle.names import Kind, parse
from gateway.domain.clock import Clock

_FRESH_NS = 50_000_000
"""A folder changed so recently may change again without another time: file systems count in steps of milliseconds."""


@dataclass(frozen=True, slots=True)
class FaultRates:
    """How often each thing happens to a file on its way; the rest arrives as it is. `late_seconds`: at most."""

    dropped: float = 0.02
    receipt_dropped: float = 0.05
    doubled: float = 0.02
    cut: float = 0.01
    late: float = 0.05
    late_seconds: float = 3.0


class Mailfolder:
    """Whether something has changed in a folder since one last looked."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self.folder = folder
        self._path = os.fspath(folder)
        self._clock = clock
        self._seen = -1

    def has_changed(self) -> bool:
        """Look; errs on the side of yes."""
        changed = os.stat(self._path).st_mtime_ns  # noqa: PTH116 - a thousand folders are looked at ten times a second
        if changed == self._seen:
            return False
        # Whatever changes within the same tick of the clock is told once more.
        self._seen = changed if self._clock.now() * 1e9 - changed > _FRESH_NS else -1
        return True


class Carrier:
    """Carries files from one folder to another as a bad line does. Each file gets its fate by its name and by how often
    it came."""

    def __init__(self, source: Path, target: Path, *, seed: int, clock: Clock, rates: FaultRates) -> None:
        self._source = source
        self._target = target
        self._watch = Mailfolder(source, clock)
        self._seed = seed
        self._clock = clock
        self._rates = rates
        self._times: Counter[str] = Counter()
        self._late: dict[str, float] = {}
        self._twins: dict[Path, float] = {}
        self.fates: Counter[str] = Counter()
        """How often each thing happened."""

    def look(self) -> None:
        """Carry what is there and due."""
        now = self._clock.monotonic()
        for twin, due in list(self._twins.items()):
            if due <= now:
                del self._twins[twin]
                twin.rename(self._target / twin.name.removeprefix(".twin-"))
        if self._watch.has_changed() or any(due <= now for due in self._late.values()):
            for name in sorted(path.name for path in self._source.iterdir()):
                if not name.startswith(".") and self._late.get(name, 0.0) <= now:
                    self._carry(name, now)

    def _carry(self, name: str, now: float) -> None:
        source, target = self._source / name, self._target / name
        if self._late.pop(name, None) is not None:
            source.rename(target)
            return
        self._times[name] += 1
        fate = self._fate(name)
        self.fates[fate] += 1
        match fate:
            case "dropped":
                source.unlink()
            case "late":
                self._late[name] = now + self._rates.late_seconds * self._drawn(name, "how late")
            case "cut":
                half = self._target / f".cut-{name}"
                whole = source.read_bytes()
                half.write_bytes(whole[: int(len(whole) * self._drawn(name, "where"))])
                half.rename(target)
                source.unlink()
            case "doubled":
                twin = self._source / f".twin-{name}"
                twin.unlink(missing_ok=True)
                twin.hardlink_to(source)
                self._twins[twin] = now + self._rates.late_seconds * self._drawn(name, "when again")
                source.rename(target)
            case _:
                source.rename(target)

    def _fate(self, name: str) -> str:
        found = parse(name)
        is_receipt = found is not None and found[0] is Kind.RECEIPTS
        rates = self._rates
        left = self._drawn(name, "fate")
        for fate, rate in (
            ("dropped", rates.receipt_dropped if is_receipt else rates.dropped),
            ("doubled", rates.doubled),
            ("cut", rates.cut),
            ("late", rates.late),
        ):
            if left < rate:
                return fate
            left -= rate
        return "whole"

    def _drawn(self, name: str, what: str) -> float:
        """Return a number from 0 to below 1, the same for the same file, passage and seed."""
        text = f"{self._seed} {self._source.name} {name} {self._times[name]} {what}"
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:7]) / (1 << 56)
