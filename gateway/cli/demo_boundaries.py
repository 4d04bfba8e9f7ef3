"""The boundaries of the demo's province: a gap device and a diode pair, moved on by whoever runs the demo."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from gateway.bundle.names import Kind, parse
from gateway.domain.clock import Clock

GAP_FILE = 64 << 10
"""Bytes of the largest file that the gap device lets through."""
GAP_SECONDS = 0.5
DIODE_SECONDS = 0.3
REWRITTEN = 1_000_000_000
"""Seconds since 1970 UTC; the time that the gap device stamps on every file."""


@dataclass(slots=True)
class Carrier:
    """Carries files from `source` to `target`, each `seconds` after it appeared, the last one first.

    max_file: larger ones stay.   loses: so many bundles are lost on the way; it tells nobody.
    """

    source: Path
    target: Path
    seconds: float
    max_file: int | None = None
    loses: int = 0
    carried: int = 0
    lost: int = 0
    _seen: dict[str, float] = field(default_factory=dict)

    def step(self, clock: Clock) -> None:
        """Carry what is due."""
        now = clock.monotonic()
        names = {path.name for path in self.source.iterdir() if not path.name.startswith(".")}
        self._seen = {name: self._seen.get(name, now) for name in names}
        for name in sorted(names, reverse=True):
            path = self.source / name
            if now - self._seen[name] < self.seconds:
                continue
            if self.max_file is not None and path.stat().st_size > self.max_file:
                continue
            found = parse(name)
            if self.lost < self.loses and found is not None and found[0] is Kind.BUNDLE:
                path.unlink()
                self.lost += 1
                continue
            if self.max_file is not None:
                os.utime(path, (REWRITTEN, REWRITTEN))
            path.rename(self.target / name)
            self.carried += 1


def folders(root: Path, one: str, other: str) -> Iterator[tuple[str, Path, Path]]:
    """Yield for each side of a boundary (its key, where it deposits, where it collects)."""
    for near, far in ((one, other), (other, one)):
        yield near, root / "boundary" / f"{near}-to-{far}", root / "boundary" / f"{near}-from-{far}"


def carriers(root: Path, one: str, other: str, *, is_diode: bool) -> list[Carrier]:
    """Return what carries both ways between two units, over folders that must be there."""
    made = []
    for near, far in ((one, other), (other, one)):
        source, target = root / "boundary" / f"{near}-to-{far}", root / "boundary" / f"{far}-from-{near}"
        if is_diode:
            made.append(Carrier(source, target, DIODE_SECONDS, loses=1))
        else:
            made.append(Carrier(source, target, GAP_SECONDS, max_file=GAP_FILE))
    return made
