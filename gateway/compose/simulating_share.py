"""One process of a simulation: hosts its share of the nodes, plays their case software, and carries faulty lines."""

import json
import os
import resource
import signal
import socket
import time
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gateway import linux
from gateway.compose.guests import save_guests
from gateway.compose.identity import Identity
from gateway.compose.inprocess import InsideNode, open_inside
from gateway.compose.ringing import concerned
from gateway.compose.serving import server_config
from gateway.compose.simulating_build import Scenario, home_of, lines_into, trusting
from gateway.compose.simulating_case import CaseSoftware
from gateway.compose.simulating_faults import Carrier, FaultRates, Mailfolder
from gateway.compose.simulating_journal import Journal
from gateway.compose.simulating_plan import Exchange
from gateway.compose.simulating_rota import Calls, Rota, Turn
from gateway.daemon.child import SupervisedChild
from gateway.daemon.childpost import News
from gateway.daemon.frames import Kind, Line, from_parent, packed
from gateway.daemon.progress import ProgressBoard
from gateway.domain.clock import Clock, SystemClock
from gateway.domain.errors import GatewayError
from gateway.domain.ids import LinkName, UnitCode
from gateway.domain.lifecycle import ends
from gateway.domain.oplog import Fact
from gateway.stages.claim import ClaimStage
from gateway.stages.legs import in_leg
from gateway.transport.server import serve as server_process
from gateway.words.catalogue import Words

TOLD_EVERY = 0.5
IDLE_SECONDS = 0.005
"""Between looks at the folders while nothing is due."""
RETRY_SECONDS = 1.0
"""After a step that failed; what a daemon's supervisor waits first."""
SERVER_SECONDS = 30.0
DROPS_A_ROUND = 16
FULL_SECONDS = 3.0
"""How long a disk is full."""
FULL_EVERY = 20.0
"""Mean seconds between two full disks in a process."""
_FULL = 1 << 62
"""Bytes that no disk has free."""


@dataclass(frozen=True, slots=True)
class ShareOrder:
    """What one process is to do."""

    scenario: Scenario
    number: int
    units: tuple[UnitCode, ...]


@dataclass(frozen=True, slots=True)
class ShareNews:
    """What one process tells every half second. Counts since the beginning, kills included; `cpu`: seconds of
    processor time and `peak`: most bytes resident, both of the process that tells."""

    dropped: int
    home: int
    owed: int
    steps: int
    failures: int
    cpu: float
    peak: int
    faults: Mapping[str, int]


def serve(end: socket.socket) -> None:
    """Do what the parent orders until it says stop or is gone. Entry point of the process."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    line = Line(end)
    frame = line.receive()
    if frame is None:
        return
    order: ShareOrder = from_parent(frame[1])
    if not order.scenario.durable:
        # A simulation that was asked not to wait for its disk.
        os.fsync = _unhurried  # type: ignore[assignment] # what it is called with is no matter
        linux.sync_file_system = _unhurried  # type: ignore[assignment] # as above
    share = Share(order, SystemClock())
    try:
        share.run(line)
    except BrokenPipeError:
        os._exit(1)
    share.close()
    line.send(Kind.RESULT, packed(share.news()))


def _unhurried(_descriptor: int) -> None:
    """Stand in for fsync, and for the order to a whole file system."""


class Share:
    """The nodes of one process and the rota by which they are stepped."""

    def __init__(self, order: ShareOrder, clock: Clock) -> None:
        scenario = order.scenario
        self._scenario = scenario
        self._clock = clock
        self._log = CountingLog(scenario.root / "log" / f"share-{order.number}.log", clock)
        self._journal = Journal(scenario.journal(order.number))
        self._rota = Rota()
        self._words = Words("en")
        self._identities = trusting(scenario, order.units)
        self._nodes: dict[UnitCode, InsideNode] = {}
        self._cases: dict[UnitCode, CaseSoftware] = {}
        self._mail: dict[UnitCode, list[tuple[Mailfolder, str]]] = {}
        self._carriers: list[Carrier] = []
        self._full: dict[UnitCode, float] = {}
        self._next_full = clock.monotonic() + FULL_EVERY
        self._steps = self._failures = 0
        self._deposits: deque[Turn] = deque()
        self._servers = [self._serve(unit) for unit in order.units if self._identities[unit].settings.server.enabled]
        for unit in order.units:
            root = home_of(scenario.root, unit)
            self._cases[unit] = CaseSoftware(root, seed=scenario.seed, journal=self._journal, clock=clock)
            self._cases[unit].recover()
            self._open(unit)
            if scenario.faults:
                self._carriers += [
                    Carrier(source, target, seed=scenario.seed, clock=clock, rates=FaultRates())
                    for source, target in lines_into(scenario, unit)
                ]
        diary = self._journal.diary
        mine = set(order.units)
        # Turned round, so that the next one is taken from the end.
        self._to_drop = [one for one in scenario.exchanges() if one.sender in mine and one.number not in diary.dropped][
            ::-1
        ]
        by_number = {one.number: one for one in scenario.exchanges() if one.sender in mine}
        self._open_at: Counter[UnitCode] = Counter(
            by_number[number].sender for number in diary.dropped.keys() - diary.home.keys()
        )
        self._began = clock.monotonic()

    # -- the loop -----------------------------------------------------------------------------------------------------

    def run(self, line: Line) -> None:
        """Work until the parent says stop."""
        told = 0.0
        while True:
            now = self._clock.monotonic()
            if now >= told:
                line.send(Kind.TOLD, packed(self.news()))
                told = now + TOLD_EVERY
            if line.stirs(0.0):
                return
            if not self.turn():
                time.sleep(IDLE_SECONDS)

    def turn(self) -> bool:
        """Let everybody who is due step once; whether anybody was."""
        self._drop_some()
        for carrier in self._carriers:
            carrier.look()
        for unit, folders in self._mail.items():
            for folder, worker in folders:
                if folder.has_changed():
                    self._rota.call((unit, worker))
        while self._deposits:
            self._rota.call(self._deposits.popleft())
        if self._scenario.faults:
            self._fill_disks()
        due = self._rota.round(self._clock.monotonic())
        for turn in due:
            self._step(turn)
        for unit in [unit for unit, count in self._open_at.items() if count]:
            self._open_at[unit] -= len(self._cases[unit].take_receipts())
        return bool(due)

    def _step(self, turn: Turn) -> None:
        unit, name = turn
        node = self._nodes.get(unit)
        worker = None if node is None else node.workers.get(name)
        if worker is None:
            return
        self._steps += 1
        try:
            wish = worker.step()
        except GatewayError as error:
            self._failures += 1
            self._log.warn("step-failed", unit=unit, worker=name, code=error.code, detail=error.detail)
            wish = RETRY_SECONDS
        if wish == 0.0:
            self._rota.call(turn)
        else:
            self._rota.wish(turn, None if wish is None else self._clock.monotonic() + wish)

    def _drop_some(self) -> None:
        room = min(self._scenario.window - self._open_at.total(), DROPS_A_ROUND)
        for _one in range(max(room, 0)):
            if not self._to_drop or not self._is_time(self._to_drop[-1]):
                return
            exchange = self._to_drop.pop()
            self._cases[exchange.sender].drop(exchange)
            self._open_at[exchange.sender] += 1
            self._rota.call((exchange.sender, ClaimStage.name))

    def _is_time(self, exchange: Exchange) -> bool:
        day = self._scenario.day_seconds
        return not day or self._clock.monotonic() - self._began >= exchange.at / 86400 * day

    # -- nodes --------------------------------------------------------------------------------------------------------

    def _open(self, unit: UnitCode, free_space: int | None = None) -> None:
        identity: Identity = self._identities[unit]

        def everybody() -> None:
            for name in self._nodes[unit].workers:
                self._rota.call((unit, name))

        node = open_inside(
            identity,
            clock=self._clock,
            ops=self._log,
            words=self._words,
            bells=Calls(lambda name: self._rota.call((unit, name)), everybody),
            free_space=free_space,
            durable=self._scenario.durable,
        )
        self._nodes[unit] = node
        node.ledger.on_change(lambda touched: node.ground.bells.ring(*concerned(touched, node.plan.orderly)))
        self._mail[unit] = [
            (Mailfolder(folder, self._clock), in_leg(LinkName(link))) for folder, link in node.plan.mail_folders.items()
        ]
        for name in node.workers:
            if name != ProgressBoard.name:
                self._rota.call((unit, name))

    def _serve(self, unit: UnitCode) -> SupervisedChild:
        """Start the embedded SFTP server of a hub; what is deposited there rings as in a daemon."""
        identity = self._identities[unit]
        save_guests(identity.settings, identity.directory)

        def heard(news: News) -> None:
            if news.get("event") == "deposited":
                # From the server's own thread: a deque takes it without a lock.
                self._deposits.append((unit, in_leg(LinkName(f"to-{str(news.get('guest', '')).lower()}"))))

        server = SupervisedChild(
            "sftp-server",
            server_process,
            server_config(identity),
            log=self._log,
            clock=self._clock,
            on_news=heard,
        )
        server.start()
        server.wait_ready(SERVER_SECONDS)
        return server

    def _close(self, unit: UnitCode) -> None:
        self._nodes.pop(unit).close()
        self._rota.forget(unit)

    def _fill_disks(self) -> None:
        """Let a node believe for a while that its disk is full: it starts so, and is started anew when it has room."""
        now = self._clock.monotonic()
        for unit, until in list(self._full.items()):
            if until <= now:
                del self._full[unit]
                self._close(unit)
                self._open(unit)
        if now >= self._next_full and self._to_drop:
            self._next_full = now + FULL_EVERY
            unit = self._to_drop[-1].sender
            if unit not in self._full:
                self._close(unit)
                self._open(unit, free_space=_FULL)
                self._full[unit] = now + FULL_SECONDS
                self._log.counts["disk-full"] += 1

    # -- telling ------------------------------------------------------------------------------------------------------

    def news(self) -> ShareNews:
        """Return what there is to tell."""
        diary = self._journal.diary
        is_done = not self._to_drop and not self._open_at.total()
        owed = self._owed() if is_done else 1
        fates: Counter[str] = Counter()
        for carrier in self._carriers:
            fates.update(carrier.fates)
        fates["disk full"] = self._log.counts["disk-full"]
        used = resource.getrusage(resource.RUSAGE_SELF)
        return ShareNews(
            len(diary.dropped),
            len(diary.home),
            owed,
            self._steps,
            self._failures,
            used.ru_utime + used.ru_stime,
            used.ru_maxrss * 1024,
            dict(fates),
        )

    def _owed(self) -> int:
        """Return how many transfers of all nodes here still owe something."""
        return sum(
            count
            for node in self._nodes.values()
            for (direction, state), count in node.ledger.counts().by_state.items()
            if state not in ends(direction)
        )

    def close(self) -> None:
        """Close every node."""
        for node in self._nodes.values():
            node.close()
        for server in self._servers:
            server.stop(SERVER_SECONDS)
        self._journal.close()
        self._log.close()


class CountingLog:
    """The operations log of all nodes of one process: what is normal is counted, everything else written."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._stream = path.open("a", encoding="utf-8")
        self._clock = clock
        self.counts: Counter[str] = Counter()

    def info(self, event: str, /, **facts: Fact) -> None:
        """Count it."""
        del facts
        self.counts[event] += 1

    def warn(self, event: str, /, **facts: Fact) -> None:
        """Write it."""
        self._write("warn", event, facts)

    def error(self, event: str, /, **facts: Fact) -> None:
        """Write it."""
        self._write("error", event, facts)

    def alert(self, event: str, /, **facts: Fact) -> None:
        """Write it."""
        self._write("alert", event, facts)

    def bug(self, event: str, error: BaseException, /, **facts: Fact) -> None:
        """Write what it was."""
        self._write("bug", event, {**facts, "error": repr(error)})

    def close(self) -> None:
        """Give the file back."""
        self._stream.close()

    def _write(self, level: str, event: str, facts: Mapping[str, Fact]) -> None:
        self.counts[event] += 1
        line = {"at": self._clock.now(), "level": level, "event": event, **facts}
        self._stream.write(json.dumps(line, ensure_ascii=True) + "\n")
        self._stream.flush()
