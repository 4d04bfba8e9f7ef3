"""What the simulated case software knows by itself: when it dropped each export and when each receipt came home."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

DROPPED, CUSTODY, HOME = "dropped", "custody", "home"


@dataclass(slots=True)
class Diary:
    """The moments of each export by its number: seconds since 1970 UTC; the first of each counts."""

    dropped: dict[int, float] = field(default_factory=dict)
    custody: dict[int, float] = field(default_factory=dict)
    home: dict[int, float] = field(default_factory=dict)

    def note(self, what: str, number: int, at: float) -> None:
        """Take in one line."""
        {DROPPED: self.dropped, CUSTODY: self.custody, HOME: self.home}[what].setdefault(number, at)

    def read(self, path: Path) -> None:
        """Take in every whole line of a journal; a file that is not there has none."""
        if path.exists():
            for line in _whole_lines(path.read_text("ascii")):
                what, number, at = line.split()
                self.note(what, int(number), float(at))


class Journal:
    """A journal that is written to; a line is out of this process before `write` returns, so that a kill takes none."""

    def __init__(self, path: Path) -> None:
        self.diary = Diary()
        self.diary.read(path)
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)

    def write(self, what: str, number: int, at: float) -> None:
        """Note one moment."""
        os.write(self._descriptor, f"{what} {number} {at:.6f}\n".encode("ascii"))
        self.diary.note(what, number, at)

    def close(self) -> None:
        """Give the file back."""
        os.close(self._descriptor)


def _whole_lines(text: str) -> Iterator[str]:
    yield from (line for line in text.splitlines(keepends=True) if line.endswith("\n"))
