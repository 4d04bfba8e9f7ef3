"""A small thing passes a large one that already moves on the same link, both ways, over a real SFTP server."""

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.bundle.names import bundle_name
from gateway.cli.demo_nodes import PROCURATORATE
from gateway.compose.ground import Ground
from gateway.compose.identity import Identity
from gateway.compose.links import Transports
from gateway.daemon.porters import Porters
from gateway.domain.clock import SystemClock
from gateway.domain.ids import UnitCode, WireName, bundle_id
from gateway.domain.lanes import PAPERS, SMALL_BYTES, rank
from gateway.domain.lifecycle import State
from gateway.domain.records import Priority
from gateway.stages import bulk
from gateway.stages.precedence import Precedence
from gateway.transport.api import Entry, Progress, Transport, silent
from gateway.transport.channel import Deadlines
from gateway.transport.paramiko_channel import ParamikoChannel
from gateway.transport.sftp import SftpTransport
from gateway.transport.sftp_session import LARGE_BLOCK
from tests.support.houses import IN, OUT, House, Street, opened
from tests.unit.stages.conftest import Berth

MIB = 1 << 20
LARGE = SMALL_BYTES + 8 * MIB
BRAKE = 6 * MIB
"""Bytes of the large one after which it waits to be let go."""
PATIENCE = 60.0
"""Seconds after which what a test waits for never comes."""


class Line:
    """The police's line, with a brake on what is large: it stops at a chunk until `go`, and all is written
    down in the order in which it happened."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self.told: list[str] = []
        self.moved: list[int] = []
        """What the progress of the large one said, in order."""
        self.stopped = threading.Event()
        self.go = threading.Event()
        self.during_small: Callable[[], None] = lambda: None
        self.is_killed = False
        """The next chunk of the large one is its last."""

    def deposit(self, source: Path, name: WireName, progress: Progress = silent) -> None:
        self._move(name, source.stat().st_size, progress, lambda p: self._transport.deposit(source, name, p))

    def fetch(self, name: WireName, into: Path, size: int, progress: Progress = silent) -> None:
        self._move(name, size, progress, lambda p: self._transport.fetch(name, into, size, p))

    def listing(self) -> list[Entry]:
        return self._transport.listing()

    def head(self, name: WireName, length: int) -> bytes:
        return self._transport.head(name, length)

    def remove(self, names: Sequence[WireName]) -> None:
        self._transport.remove(names)

    def probe(self) -> None:
        self._transport.probe()

    def close(self) -> None:
        self._transport.close()

    def _move(self, name: str, size: int, progress: Progress, move: Callable[[Progress], None]) -> None:
        if size <= SMALL_BYTES:
            kind = {"cfb": "small", "cfr": "receipt"}.get(name.rpartition(".")[2], "paper")
            self.told.append(f"{kind} begins")
            self.during_small()
            move(progress)
            self.told.append(f"{kind} ends")
            return

        def braked(done: int) -> None:
            self.moved.append(done)
            if done >= BRAKE and not self.stopped.is_set():
                self.told.append("large moves")
                self.stopped.set()
                assert self.go.wait(PATIENCE)
            progress(done)
            if self.is_killed:
                raise KeyboardInterrupt

        move(braked)
        self.told.append("large ends")


class Scene:
    """The street with SFTP between the houses, and porters of real threads at the police's."""

    def __init__(self, made: Street, line: Line, hosted: Path) -> None:
        self.made = made
        self.line = line
        self.hosted = hosted
        """The police's mailbox at the procuratorate."""
        self.paused = threading.Event()
        self.bell = threading.Semaphore(0)
        """Rung by what the out leg or the in leg would be rung by."""

    def until(self, is_so: Callable[[], bool], worker: str) -> None:
        """Let one worker of the police step until `is_so`, each time once it was rung."""
        for _turn in range(20):
            self.made.step(self.made.police, worker)
            if is_so():
                return
            assert self.bell.acquire(timeout=PATIENCE)
        raise AssertionError(self.line.told)

    def pack(self, house: House) -> None:
        for _turn in range(2):
            self.made.step(house, "claim")
            self.made.clock.time += 1
        for _turn in range(2):
            self.made.step(house, "pack")

    @property
    def precedence(self) -> Precedence:
        """What rules the police's line."""
        (leg,) = (one for one in self.made.police.plan.workers if one.name == "in-procuratorate")
        return leg._worker._receive._precedence  # type: ignore[no-any-return, attr-defined]  # a look inside


@pytest.fixture
def parallel() -> int:
    """What moves on the police's line at a time."""
    return 2


@pytest.fixture
def scene(closed: Street, berth: Berth, monkeypatch: pytest.MonkeyPatch, parallel: int) -> Iterator[Scene]:
    """Both houses, joined by the embedded server; the brake is on the police's line."""
    line = Line(SftpTransport.over(ParamikoChannel, berth.peer, Deadlines(), SystemClock()))
    monkeypatch.setattr(Transports, "to", lambda _self, link: line if link.name == "procuratorate" else berth.hosted)
    monkeypatch.setattr(bulk, "PAUSE_SECONDS", 100 * PATIENCE)  # however long what is small takes
    scene = Scene(closed, line, berth.mailbox)
    closed.police.equip = lambda identity: _with_parallel(identity, parallel)
    closed.police.change = lambda ground: _with_porters(ground, scene)
    with opened(closed):
        try:
            yield scene
        finally:
            line.go.set()
            for worker in closed.police.plan.workers:
                getattr(worker, "close", lambda: None)()


def _with_parallel(identity: Identity, parallel: int) -> Identity:
    links = tuple(one.model_copy(update={"max_parallel": parallel}) for one in identity.settings.links)
    return replace(identity, settings=identity.settings.model_copy(update={"links": links}))


def _with_porters(ground: Ground, scene: Scene) -> Ground:
    """Return the ground with porters of real threads; rings for the legs, and pauses, are taken note of."""
    ring, pausing = ground.bells.ring, ground.board.pausing

    def heard(*names: str) -> None:
        ring(*names)
        if any(name.startswith(("out-", "in-")) for name in names):
            scene.bell.release()

    @contextmanager
    def noted(transfer: int, stage: str) -> Iterator[None]:
        scene.line.told.append("large pauses")
        scene.paused.set()
        with pausing(transfer, stage):
            yield
        scene.line.told.append("large goes on")

    ground.bells.ring = heard  # type: ignore[method-assign]  # only listens
    ground.board.pausing = noted  # type: ignore[method-assign, assignment]  # only listens
    return replace(ground, porters=Porters(4, SystemClock()))


def begin_to_send(scene: Scene) -> None:
    """Have a large bundle come to its first chunk on the police's line."""
    scene.made.drop("dossier.bin", os.urandom(LARGE))
    scene.pack(scene.made.police)
    scene.made.go("police:out-procuratorate")
    assert scene.line.stopped.wait(PATIENCE)
    scene.line.told.clear()


def begin_to_fetch(scene: Scene, size: int = LARGE) -> None:
    """Have the procuratorate's mailbox hold a large bundle for the police, of which the first chunk is fetched."""
    (scene.hosted / "out" / bundle_name(bundle_id("b" * 32))).write_bytes(os.urandom(size))
    scene.made.go("police:in-procuratorate")
    assert scene.line.stopped.wait(PATIENCE)
    scene.line.told.clear()


def let_go(scene: Scene) -> None:
    """Take the brake off while something else moves, and wait until the large one gives way to it."""
    scene.line.go.set()
    assert scene.paused.wait(PATIENCE)


def has_sent(scene: Scene) -> bool:
    return {t.state for t in scene.made.police.transfers(OUT)} == {State.SENT}


def test_a_small_bundle_passes_a_large_one_that_is_being_sent(scene: Scene) -> None:
    begin_to_send(scene)
    scene.made.drop("handover.txt", b"urgent")
    scene.pack(scene.made.police)
    scene.line.during_small = lambda: let_go(scene)
    scene.until(lambda: has_sent(scene), "out-procuratorate")
    assert scene.line.told == ["small begins", "large pauses", "small ends", "large goes on", "large ends"]
    assert scene.line.moved == sorted(set(scene.line.moved))  # nothing twice
    assert scene.line.moved[-1] == max(t.size for t in scene.made.police.transfers(OUT))


def test_a_small_bundle_passes_a_large_one_that_is_being_fetched(scene: Scene) -> None:
    begin_to_fetch(scene)
    (scene.hosted / "out" / bundle_name(bundle_id("a" * 32))).write_bytes(b"small")
    scene.line.during_small = lambda: let_go(scene)
    fetched = scene.made.police.transfers
    scene.until(lambda: {t.state for t in fetched(IN)} == {State.FETCHED}, "in-procuratorate")
    assert scene.line.told == ["small begins", "large pauses", "small ends", "large goes on", "large ends"]
    assert scene.line.moved == sorted(set(scene.line.moved))
    assert len(scene.made.police.transfers(IN)) == 2


@pytest.mark.parametrize("parallel", [4])
def test_a_free_place_beside_a_large_one_has_nobody_look_again_at_once(scene: Scene) -> None:
    begin_to_fetch(scene)
    assert scene.made.step(scene.made.police, "in-procuratorate") == 1.0
    for name in ("c", "d"):
        (scene.hosted / "out" / bundle_name(bundle_id(name * 32))).write_bytes(os.urandom(LARGE))
    assert scene.made.step(scene.made.police, "in-procuratorate") == 0.0, "there is a place for the other one"
    assert scene.made.step(scene.made.police, "in-procuratorate") == 1.0


def test_what_is_urgent_in_one_direction_passes_what_is_large_in_the_other(scene: Scene) -> None:
    begin_to_fetch(scene)
    scene.made.drop("handover.txt", b"urgent")
    scene.pack(scene.made.police)
    scene.line.during_small = lambda: let_go(scene)
    scene.made.go("police:out-procuratorate")
    assert scene.line.told[:3] == ["small begins", "large pauses", "small ends"]
    assert has_sent(scene)


def test_a_receipt_passes_what_is_large(scene: Scene) -> None:
    begin_to_send(scene)
    scene.line.during_small = lambda: let_go(scene)
    scene.made.police.ledger.resync.want(UnitCode(PROCURATORATE), "told to")
    scene.made.go("police:out-procuratorate")
    assert scene.line.told[:3] == ["paper begins", "large pauses", "paper ends"]


def test_a_stop_reaches_what_gives_way_and_nothing_is_sent_twice(scene: Scene) -> None:
    begin_to_send(scene)
    leg = scene.made.police.worker("out-procuratorate")
    with scene.precedence.moving(PAPERS):
        let_go(scene)
        stop = threading.Thread(target=leg.close, daemon=True)  # type: ignore[attr-defined]  # it is closable
        stop.start()
        stop.join(PATIENCE)
        assert not stop.is_alive()
    stood = scene.line.moved[-1]
    assert (scene.made.police.only(OUT).state, scene.made.police.only(OUT).attempts) == (State.SEALED, 0)

    scene.line.moved.clear()
    scene.until(lambda: has_sent(scene), "out-procuratorate")
    assert scene.line.moved[0] >= stood >= MIB
    assert scene.made.police.log.of("link-failed") == []


def test_a_kill_while_it_gives_way_costs_nothing_of_what_stood(scene: Scene) -> None:
    begin_to_send(scene)
    with scene.precedence.moving(PAPERS):
        let_go(scene)
        scene.line.is_killed = True
    _join_porters()
    stood = scene.line.moved[-1]
    scene.line.is_killed = False
    scene.line.moved.clear()
    scene.made.police.ledger.close()
    scene.made.police.open()  # as after a SIGKILL: nobody has closed anything
    scene.until(lambda: has_sent(scene), "out-procuratorate")
    assert scene.line.moved[0] >= stood >= MIB


def test_a_stream_of_urgent_things_slows_bulk_down_and_never_stops_it(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "PAUSE_SECONDS", 0.01)
    begin_to_send(scene)
    scene.line.go.set()
    with scene.precedence.moving(PAPERS):
        scene.until(lambda: has_sent(scene), "out-procuratorate")
    assert scene.line.told.count("large pauses") >= LARGE // (bulk.SLICE_BYTES + LARGE_BLOCK)


def test_who_gives_way_to_whom() -> None:
    precedence = Precedence()
    with precedence.moving(rank(Priority.NORMAL, SMALL_BYTES)):
        assert precedence.is_outranked(rank(Priority.NORMAL, LARGE))
        assert precedence.is_outranked(rank(Priority.BULK, 1))
        assert not precedence.is_outranked(rank(Priority.HIGH, LARGE))
    assert not precedence.is_outranked(rank(Priority.AV, LARGE))


def _join_porters() -> None:
    for thread in threading.enumerate():
        if thread.name.startswith("porter-"):
            thread.join(PATIENCE)
