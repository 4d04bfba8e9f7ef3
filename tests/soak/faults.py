"""What is done to a province in a soak: processes killed and frozen, lines cut, mail lost and damaged, disks filled."""

import os
import random
import signal
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType

from tests.soak.agenda import Agenda
from tests.soak.watch import children
from tests.support.nodes import Node, configure
from tests.support.province import SENTINEL, Mailbox, Province
from tests.support.wires import Relay

LOOK = 0.02
MAIL_SECONDS = 4.0
"""So long a collector is frozen until something lies in its mailbox that can be harmed."""
ROOM = ("free_space: 64 MiB", "free_space: 1 TiB")
"""The setting as it is, and on a disk that is full for all but small things."""

WEIGHTS = MappingProxyType(
    {
        "kill": 10,
        "power-cut": 1,
        "stop": 4,
        "hang-up": 3,
        "kill-server": 4,
        "kill-worker": 4,
        "freeze": 4,
        "freeze-server": 3,
        "reset": 6,
        "dark-line": 4,
        "stall": 4,
        "slow-line": 4,
        "lose-mail": 6,
        "cut-mail": 5,
        "flip-mail": 5,
        "no-space": 2,
        "share-away": 4,
        "device-away": 2,
    }
)
"""kind of fault -> how often, in proportion."""


class Faults:
    """Strikes at random and undoes what it did after a while; the same seed draws the same faults.

    What a fault meets when it strikes depends on the machine: one that finds nobody to harm is counted as idle.
    """

    def __init__(self, province: Province, agenda: Agenda, seed: str) -> None:
        self._province = province
        self._agenda = agenda
        self._seed = seed
        self._drawn = 0
        self._busy: set[Path] = set()
        """Roots and configurations of nodes, lines and folders that suffer: one harm at a time can be undone."""
        self._acts: dict[str, Callable[[random.Random], bool]] = {
            "kill": self._kill,
            "power-cut": self._power_cut,
            "stop": self._stop,
            "hang-up": self._hang_up,
            "kill-server": lambda draw: self._signal_child(draw, "sftp-server", signal.SIGKILL),
            "kill-worker": lambda draw: self._signal_child(draw, "crew", signal.SIGKILL),
            "freeze": self._freeze,
            "freeze-server": lambda draw: self._signal_child(draw, "sftp-server", signal.SIGSTOP),
            "reset": lambda draw: self._line(draw, Relay.reset),
            "dark-line": lambda draw: self._line(draw, _darken),
            "stall": lambda draw: self._line(draw, Relay.stall),
            "slow-line": lambda draw: self._line(
                draw, lambda line: setattr(line, "rate", draw.choice((3e4, 3e5, 3e6)))
            ),
            "lose-mail": lambda draw: self._harm_mail(draw, "lose-mail", lambda path: path.unlink()),
            "cut-mail": lambda draw: self._harm_mail(draw, "cut-mail", lambda path: _cut(path, draw)),
            "flip-mail": lambda draw: self._harm_mail(draw, "flip-mail", lambda path: _flip(path, draw)),
            "no-space": self._no_space,
            "share-away": self._share_away,
            "device-away": self._device_away,
        }
        assert self._acts.keys() == WEIGHTS.keys()
        self.done: Counter[str] = Counter()
        self.idle: Counter[str] = Counter()
        self.starts = 0
        self.harmed: set[str] = set()
        """Names of the mail that was lost or damaged."""
        self.complaints: list[str] = []
        """What a node did under all this that it must not do."""

    def strike(self) -> str:
        """Draw one fault, let it happen, and return its name."""
        draw = random.Random(f"{self._seed}/fault/{self._drawn}")
        self._drawn += 1
        kind = draw.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
        (self.done if self._acts[kind](draw) else self.idle)[kind] += 1
        return kind

    def look(self) -> None:
        """Complain of daemons that ended by themselves, and start them again as systemd would."""
        for node in self._province.nodes:
            if node.root not in self._busy and not node.daemon.is_running():
                self.complaints.append(f"{node.root.name} ended by itself with {node.daemon.stop()}")
                self._begin(node)

    # -- daemons ------------------------------------------------------------------------------------------------------

    def _ready(self) -> list[Node]:
        return [node for node in self._province.nodes if node.root not in self._busy and node.is_ready]

    def _kill(self, draw: random.Random) -> bool:
        # Not only those that are ready: a start is as good a moment as any.
        victims = [n for n in self._province.nodes if n.root not in self._busy and n.daemon.is_running()]
        for node in draw.sample(victims, k=min(1, len(victims))):
            self._end(node, draw.uniform(0, 3))
        return bool(victims)

    def _power_cut(self, draw: random.Random) -> bool:
        victims = [n for n in self._province.nodes if n.root not in self._busy and n.daemon.is_running()]
        for node in victims:
            self._end(node, draw.uniform(0, 3))
        return bool(victims)

    def _end(self, node: Node, pause: float) -> None:
        node.daemon.kill()
        self._busy.add(node.root)
        self._agenda.after(pause, lambda: self._begin(node))

    def _begin(self, node: Node) -> None:
        node.begin()
        self.starts += 1
        self._busy.discard(node.root)

    def _stop(self, draw: random.Random) -> bool:
        victims = self._ready()
        for node in draw.sample(victims, k=min(1, len(victims))):
            self._restart(node, draw.uniform(0, 2))
        return bool(victims)

    def _restart(self, node: Node, pause: float) -> None:
        """Ask the daemon to end, as systemd does, and start it `pause` seconds after it has."""
        self._busy.add(node.root)
        os.kill(node.pid, signal.SIGTERM)

        def look() -> None:
            if node.daemon.is_running():
                self._agenda.after(LOOK, look)
                return
            code = node.daemon.stop()
            if code != 0:
                self.complaints.append(f"{node.root.name} was asked to stop and ended with {code}")
            self._agenda.after(pause, lambda: self._begin(node))

        look()

    def _hang_up(self, draw: random.Random) -> bool:
        victims = self._ready()
        if victims:
            draw.choice(victims).hang_up()
        return bool(victims)

    def _signal_child(self, draw: random.Random, name: str, number: signal.Signals) -> bool:
        victims = [pid for node in self._ready() for pid in children(node, name)]
        if victims:
            pid = draw.choice(victims)
            _signal(pid, number)
            if number is signal.SIGSTOP:
                self._agenda.after(draw.uniform(0.5, 6), lambda: _signal(pid, signal.SIGCONT))
        return bool(victims)

    def _freeze(self, draw: random.Random) -> bool:
        victims = self._ready()
        if victims:
            node = draw.choice(victims)
            self._agenda.after(draw.uniform(0.5, 8), self._frozen(node))
        return bool(victims)

    def _frozen(self, node: Node) -> Callable[[], None]:
        """Stop every thread of the daemon, not its children; return what lets it go on."""
        pid = node.pid
        self._busy.add(node.root)
        _signal(pid, signal.SIGSTOP)

        def thaw() -> None:
            _signal(pid, signal.SIGCONT)
            self._busy.discard(node.root)

        return thaw

    # -- lines --------------------------------------------------------------------------------------------------------

    def _line(self, draw: random.Random, harm: Callable[[Relay], None]) -> bool:
        name = draw.choice(sorted(self._province.relays))
        line, mark = self._province.relays[name], Path(f"line-{name}")
        if mark in self._busy:
            return False
        self._busy.add(mark)
        harm(line)

        def mend() -> None:
            line.flow()
            self._busy.discard(mark)

        self._agenda.after(draw.uniform(1, 10), mend)
        return True

    # -- mail ---------------------------------------------------------------------------------------------------------

    def _harm_mail(self, draw: random.Random, kind: str, harm: Callable[[Path], None]) -> bool:
        """Freeze a collector until a bundle, a convoy, a receipt file or an inventory waits for it, and harm that."""
        ready = {node.root for node in self._ready()}
        boxes = [box for box in self._province.mailboxes if box.collector.root in ready]
        if not boxes:
            return False
        box, ending = draw.choice(boxes), draw.choice((".cfb", ".cfc", ".cfr", ".cfi"))
        thaw = self._frozen(box.collector)
        looks = int(MAIL_SECONDS / LOOK)

        def look(left: int) -> None:
            # Half the time it waits for this kind, then it takes what there is.
            found = _mail(box, ending if left > looks // 2 else "")
            if found:
                victim = draw.choice(found)
                self.harmed.add(victim.name)
                harm(victim)
            elif left and not self._agenda.is_closing:
                self._agenda.after(LOOK, lambda: look(left - 1))
                return
            else:
                self.done[kind] -= 1
                self.idle[kind] += 1
            thaw()

        look(looks)
        return True

    # -- disks --------------------------------------------------------------------------------------------------------

    def _no_space(self, draw: random.Random) -> bool:
        victims = [node for node in self._ready() if node.config not in self._busy]
        if not victims:
            return False
        node, seconds = draw.choice(victims), draw.uniform(5, 15)
        self._busy.add(node.config)
        configure(node, *ROOM)
        self._restart(node, 0)

        def mend() -> None:
            if node.root in self._busy or not (node.is_ready or not node.daemon.is_running()):
                self._agenda.after(LOOK, mend)
                return
            configure(node, *reversed(ROOM))
            self._busy.discard(node.config)
            if node.daemon.is_running():
                self._restart(node, 0)

        self._agenda.after(seconds, mend)
        return True

    def _share_away(self, draw: random.Random) -> bool:
        return self._away(draw, [node.daemon.place.into for node in self._province.nodes])

    def _device_away(self, draw: random.Random) -> bool:
        return self._away(draw, list(self._province.shares))

    def _away(self, draw: random.Random, folders: list[Path]) -> bool:
        folder = draw.choice(folders)
        if folder in self._busy:
            return False
        self._busy.add(folder)
        aside = folder.with_name(f"{folder.name}.away")
        folder.rename(aside)

        def back() -> None:
            self._busy.discard(folder)
            if folder.exists():
                self.complaints.append(f"{folder} was made while its share was away")
                folder.rename(folder.with_name(f"{folder.name}.made"))
            aside.rename(folder)

        self._agenda.after(draw.uniform(1, 8), back)
        return True


def _signal(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def _darken(line: Relay) -> None:
    line.is_dead = True
    line.reset()


def _mail(box: Mailbox, ending: str) -> list[Path]:
    try:
        there = [path for path in sorted(box.folder.iterdir()) if path.name != SENTINEL]
    except FileNotFoundError:
        return []
    return [path for path in there if path.name.endswith(ending) and not path.name.startswith(".")]


def _cut(path: Path, draw: random.Random) -> None:
    content = path.read_bytes()
    _replace(path, content[: draw.randrange(1, len(content))])


def _flip(path: Path, draw: random.Random) -> None:
    content = bytearray(path.read_bytes())
    content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
    _replace(path, bytes(content))


def _replace(path: Path, content: bytes) -> None:
    # Not in place: the collector may have given the same bytes a second name in its spool already.
    other = path.with_name(f".harmed-{path.name}")
    other.write_bytes(content)
    other.replace(path)
