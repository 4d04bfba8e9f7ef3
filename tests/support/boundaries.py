"""Boundaries that are no cable: real folders, and a stepper that carries files between them as such devices do."""

import os
import random
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from gateway.cli.demo_nodes import POLICE, PROCURATORATE, make_nodes
from gateway.domain.lifecycle import Direction, State
from tests.support.houses import House, Street
from tests.support.ledger import START, ToldClock

REWRITTEN = 1_000_000_000
"""Seconds since 1970 that a device stamps on whatever it carries."""


@dataclass(frozen=True)
class Habits:
    """How a device carries.

    delay:     turns that a file waits at most. shuffled: in no order; else as the folder lists it.
    losses, cuts, doubles: how many files in all are lost, cut off, brought twice. share: of the files it may meet.
    grows:     a file appears half first, and whole in the next turn.
    max_file:  larger ones are never carried; nor is a name that `names` does not match.
    max_files: most that it leaves in the folder it fills.
    renames:   what it makes of a name. copies: the source stays until the target is taken away (a synchroniser).
    """

    delay: int = 0
    shuffled: bool = False
    losses: int = 0
    cuts: int = 0
    doubles: int = 0
    share: float = 0.3
    grows: bool = False
    max_file: int | None = None
    max_files: int | None = None
    names: str = r".*"
    renames: Callable[[str], str] = str
    copies: bool = False


@dataclass
class Device:
    """Carries files one way between two folders. `refused`: what it would never let through."""

    source: Path
    target: Path
    habits: Habits
    rng: random.Random
    refused: list[str] = field(default_factory=list)
    _due: dict[str, int] = field(default_factory=dict)
    _growing: dict[Path, bytes] = field(default_factory=dict)
    _carried: dict[str, str] = field(default_factory=dict)
    _turn: int = 0

    def step(self) -> None:
        """Let one turn pass."""
        self._turn += 1
        habits = self.habits
        for path, whole in list(self._growing.items()):
            path.write_bytes(whole)
            del self._growing[path]
        names = sorted(path.name for path in self.source.iterdir() if not path.name.startswith("."))
        if habits.shuffled:
            self.rng.shuffle(names)
        if habits.copies:
            names = self._take_back(names)
        for name in names:
            if name in self._carried:
                continue
            path = self.source / name
            size = path.stat().st_size
            too_large = habits.max_file is not None and size > habits.max_file
            if too_large or not re.fullmatch(habits.names, name, re.ASCII):
                self.refused.append(f"{name} ({size})")
                continue
            due = self._due.setdefault(name, self._turn + (self.rng.randint(0, habits.delay) if habits.delay else 0))
            has_room = habits.max_files is None or sum(1 for _ in self.target.iterdir()) < habits.max_files
            if due <= self._turn and has_room:
                del self._due[name]
                self._carry(path)

    def _carry(self, path: Path) -> None:
        body = path.read_bytes()
        name = self.habits.renames(path.name)
        if self.habits.copies:
            self._carried[path.name] = name
        else:
            path.unlink()
        if self._happens("losses"):
            return
        if self._happens("doubles"):
            self._put(f"copy-{self._turn}-{name}", body)
        if self._happens("cuts"):
            body = body[: len(body) * 2 // 3]
        self._put(name, body)

    def _put(self, name: str, body: bytes) -> None:
        target = self.target / name
        if self.habits.grows:
            self._growing[target] = body
            body = body[: len(body) // 2]
        target.write_bytes(body)
        os.utime(target, (REWRITTEN, REWRITTEN))

    def _happens(self, what: str) -> bool:
        left: int = getattr(self.habits, what)
        if left and self.rng.random() < self.habits.share:
            self.habits = replace(self.habits, **{what: left - 1})
            return True
        return False

    def _take_back(self, names: Sequence[str]) -> list[str]:
        """What was taken away at the target vanishes at the source as well; return what is left there."""
        gone = [name for name, there in self._carried.items() if not (self.target / there).exists()]
        for name in gone:
            (self.source / name).unlink(missing_ok=True)
            del self._carried[name]
        return [name for name in names if name not in gone]


@dataclass(frozen=True)
class Boundary:
    """A kind of link between the two houses: what the settings of each say, and how the devices behave.

    ours, theirs: further lines of the links' files. out, back: habits of the devices; None: nothing crosses that way.
    pace: seconds that pass in each turn.
    """

    name: str
    ours: str = ""
    theirs: str = ""
    out: Habits | None = Habits()
    back: Habits | None = Habits()
    pace: float = 20.0

    @property
    def splits(self) -> bool:
        """Whether files cross in parts that prove themselves."""
        return "gap:" in self.ours

    @property
    def confirms(self) -> bool:
        """Whether receipts come back."""
        return self.back is not None


@dataclass
class Crossing(Street):
    """The two houses with a boundary between them."""

    boundary: Boundary = field(default_factory=lambda: Boundary("share"))
    devices: tuple[Device, ...] = ()

    def _let_all_step(self) -> None:
        super()._let_all_step()
        for device in self.devices:
            device.step()
        self.clock.time += self.boundary.pace

    def mail(self) -> list[Path]:
        """What lies in all folders of the boundary."""
        return [
            path for side in ("out", "in") for who in ("a", "b") for path in (self.root / f"{who}-{side}").iterdir()
        ]

    def end(self, turns: int = 1500) -> None:
        """Work until all that can be known is known: everything is receipted, or delivered and unconfirmed."""
        if self.boundary.confirms:
            self.settle(turns)
            return
        for _turn in range(turns):
            self._let_all_step()
            sent = self.police.transfers(Direction.OUTBOUND)
            arrived = self.procuratorate.transfers(Direction.INBOUND)
            if (
                sent
                and not self.waiting()
                and all(t.state in (State.SENT, State.REFUSED) and t.receipt_due_at is None for t in sent)
                and len(arrived) == sum(t.state is State.SENT for t in sent)
                and all(t.state is State.CONFIRMED for t in arrived)
            ):
                return
        raise AssertionError([(t.direction, t.state, t.last_error) for h in self.houses for t in _all(h)])


def _all(house: House) -> list[object]:
    return [*house.transfers(Direction.OUTBOUND), *house.transfers(Direction.INBOUND)]


@cache
def _two_nodes() -> "TemporaryDirectory[str]":
    """Two nodes that have never run, made once: keys take longer than an exchange."""
    kept: TemporaryDirectory[str] = TemporaryDirectory(prefix="two-nodes-")
    make_nodes(Path(kept.name), ToldClock())
    return kept


def build(root: Path, boundary: Boundary, seed: int = 1) -> Crossing:
    """Make two houses below `root` with `boundary` between them, not yet opened."""
    shutil.copytree(Path(_two_nodes().name), root, dirs_exist_ok=True)
    for folder in ("a-out", "a-in", "b-out", "b-in"):
        (root / folder).mkdir()
    ways: Mapping[str, tuple[str, str, str, str]] = {
        "police": ("procuratorate", PROCURATORATE, "a", boundary.ours),
        "procuratorate": ("police", POLICE, "b", boundary.theirs),
    }
    for node, (name, peer, side, more) in ways.items():
        sends = boundary.out is not None if side == "a" else boundary.back is not None
        hears = boundary.back is not None if side == "a" else boundary.out is not None
        folders = (f"  deposit: ../../{side}-out\n" if sends else "") + (
            f"  collect: ../../{side}-in\n" if hears else ""
        )
        text = f'name: {name}\npeer: "{peer}"\ntransport: folder\nfolder:\n{folders}{more}'
        (root / node / "etc" / "links.d" / f"{name}.yaml").write_text(text, "utf-8")
    rng = random.Random(seed)
    devices = [
        Device(root / source, root / target, habits, rng)
        for source, target, habits in (("a-out", "b-in", boundary.out), ("b-out", "a-in", boundary.back))
        if habits is not None
    ]
    told = ToldClock(START + 10)
    police, procuratorate = House(root / "police", POLICE, told), House(root / "procuratorate", PROCURATORATE, told)
    return Crossing(root, told, police, procuratorate, boundary=boundary, devices=tuple(devices))


@contextmanager
def opened(made: Crossing) -> Iterator[Crossing]:
    """Open both houses without a greeting that a boundary would delay, and close them in any case."""
    for house in made.houses:
        house.open()
    try:
        yield made
    finally:
        made.close()


_SPLITTING = """\
gap:
  max_file: 64 KiB
  ending: .dat
  max_files: 6
  leftovers: 2h
repeat:
  times: 2
  every: 30m
"""
_NARROW = """\
gap:
  max_file: 64 KiB
  ending: .txt
  letters: digits
  longest: 12
  max_files: 8
  leftovers: 2h
"""
_LATE = "receipts: late\nrepeat:\n  times: 3\n  every: 1h\n"
_NEVER = "receipts: never\nrepeat:\n  times: 3\n  every: 1h\n"
_PARTS = "gap:\n  leftovers: 2h\n  max_file: 64 KiB\n"

BOUNDARIES = {
    one.name: one
    for one in (
        Boundary("share", out=Habits(), back=Habits()),
        Boundary("mirror", "gap: {}\n", "gap: {}\n", Habits(copies=True, delay=2), Habits(copies=True, delay=2)),
        Boundary(
            "gap",
            _SPLITTING,
            _SPLITTING,
            Habits(delay=4, shuffled=True, max_file=64 << 10, names=r"[0-9a-z]{1,96}\.dat"),
            Habits(delay=4, shuffled=True, max_file=64 << 10, names=r"[0-9a-z]{1,96}\.dat"),
        ),
        Boundary(
            "hostile-gap",
            _NARROW,
            _NARROW,
            Habits(
                delay=5,
                shuffled=True,
                losses=3,
                cuts=3,
                doubles=3,
                grows=True,
                max_file=64 << 10,
                max_files=40,
                names=r"[0-9]{8}\.txt",
                renames=str.upper,
            ),
            Habits(
                delay=5,
                shuffled=True,
                losses=2,
                cuts=2,
                doubles=2,
                grows=True,
                max_file=64 << 10,
                names=r"[0-9]{8}\.txt",
                renames=str.upper,
            ),
        ),
        Boundary(
            "late-diode",
            _LATE + _PARTS,
            _PARTS,
            Habits(delay=2, losses=2, shuffled=True),
            Habits(delay=30, losses=1),
            pace=240.0,
        ),
        Boundary("silent-diode", _NEVER + _PARTS, "", Habits(delay=2, losses=2, cuts=1, shuffled=True), None, 600.0),
    )
}
