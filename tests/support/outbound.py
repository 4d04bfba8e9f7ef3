"""A small completion rule and a settable clock for tests of outbound folders."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from gateway.packing import Candidate, Entry, Packer, Packet, Reading, Settled


class SettableClock:
    """A clock that stands until a test moves it."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def now(self) -> float:
        return 1_700_000_000.0 + self.seconds

    def monotonic(self) -> float:
        return self.seconds


class MarkedZips(Packer):
    """`x.zip` is complete with `x.ok`; a folder is complete with `_READY`; anything else must be stable."""

    def candidates(self, entries: Sequence[Entry]) -> list[Candidate]:
        names = {entry.name for entry in entries}
        found: list[Candidate] = []
        for entry in entries:
            stem, dot, ending = entry.name.rpartition(".")
            if entry.is_folder:
                settled = Settled.COMPLETE if "_READY" in entry.children else Settled.INCOMPLETE
                found.append(Candidate(entry.name, (entry.name,), settled))
            elif dot and ending == "zip":
                mark = f"{stem}.ok"
                has_mark = mark in names
                parts = (entry.name, mark) if has_mark else (entry.name,)
                found.append(Candidate(entry.name, parts, Settled.COMPLETE if has_mark else Settled.INCOMPLETE))
            elif not (dot and ending == "ok" and f"{stem}.zip" in names):
                found.append(Candidate(entry.name, (entry.name,), Settled.STABLE))
        return found

    def read(self, parts: Sequence[Path]) -> AbstractContextManager[Reading]:
        raise AssertionError("a scan never opens an export")

    def write(self, packet: Packet, into: Path) -> tuple[str, ...]:
        raise AssertionError("a scan never writes an import")
