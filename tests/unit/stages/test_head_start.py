"""A large bundle leaves while it is sealed, over a real SFTP server; what becomes of it otherwise goes the old way."""

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateway.bundle.envelope import ENVELOPE_MAX
from gateway.bundle.herald import MAGIC as HERALD_MAGIC
from gateway.bundle.herald import check_herald, open_herald, parse_herald
from gateway.bundle.manifest import Manifest
from gateway.bundle.names import bundle_name
from gateway.compose.ground import Ground
from gateway.compose.identity import Identity
from gateway.compose.links import Transports
from gateway.daemon.porters import Porters
from gateway.domain.clock import SystemClock
from gateway.domain.errors import GatewayError, PermanentError, TransientError
from gateway.domain.ids import LinkName
from gateway.domain.lanes import SMALL_BYTES
from gateway.domain.lifecycle import State
from gateway.domain.records import Priority, known
from gateway.settings.links import Initiate, SftpSettings, TransportKind
from gateway.stages import headstart
from gateway.stages.crew import News, Progress
from gateway.stages.drift import DriftDesk
from gateway.stages.headstart import HeadStart, Placed
from gateway.stages.repeats import RepeatDesk
from gateway.transport.api import Growing, silent
from gateway.transport.api import Progress as Moved
from gateway.transport.channel import Deadlines
from gateway.transport.disk import HEAD_START
from gateway.transport.paramiko_channel import ParamikoChannel
from gateway.transport.sftp import SftpTransport
from tests.support.arriving import sealed_for
from tests.support.forging import flipped
from tests.support.houses import OUT, Street, opened
from tests.support.threads import begun
from tests.support.upgrading import case
from tests.unit.stages.conftest import Berth

MIB = 1 << 20
LARGE = SMALL_BYTES + 8 * MIB
BRAKE = 12 * MIB
"""Bytes of the export after which the sealing waits to be let go."""
PATIENCE = 60.0
"""Seconds after which what a test waits for never comes."""


class Sealer:
    """A crew of one thread whose work waits at BRAKE until `go`, and then fails if `error` is set."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.braked = threading.Event()
        self.error: GatewayError | None = None

    def run(
        self,
        work: Callable[[Any, Any], Any],
        argument: Any,
        on_progress: Progress | None = None,
        on_news: News | None = None,
        *,
        is_large: bool = False,
    ) -> Future[Any]:
        del is_large
        report = Told(self, on_progress or silent, on_news or silent)
        return begun(lambda: work(argument, report))

    def close(self, deadline: float) -> None:
        self.go.set()


class Told:
    """The report of the sealer's work."""

    def __init__(self, sealer: Sealer, on_progress: Progress, on_news: Any) -> None:
        self._sealer = sealer
        self._on_progress = on_progress
        self.tell = on_news

    def __call__(self, done: int, /) -> None:
        if done >= BRAKE and not self._sealer.go.is_set():
            self._sealer.braked.set()
            assert self._sealer.go.wait(PATIENCE)
            if self._sealer.error is not None:
                raise self._sealer.error
        self._on_progress(done)


class Line(SftpTransport):
    """The police's line; it tells how far what is sent ahead is, and may be made to break there."""

    moved: list[int]
    far: threading.Event
    ring: Callable[[], None]
    breaks: Exception | None = None
    deposits: int = 0

    def deposit(self, source: Path, *rest: Any) -> None:
        self.deposits += source.stat().st_size > SMALL_BYTES
        super().deposit(source, *rest)

    def deposit_ahead(self, source: Growing, progress: Moved = silent) -> bool:
        def told(done: int) -> None:
            self.moved.append(done)
            if done > BRAKE - MIB:
                if not self.far.is_set():
                    self.far.set()
                    self.ring()
                if self.breaks is not None:
                    raise self.breaks
            progress(done)

        try:
            return super().deposit_ahead(source, told)
        finally:
            if isinstance(self.breaks, GatewayError):
                self.close()  # it breaks for the server too, whether or not an answer was still to come


class Scene:
    """The street with SFTP from the police to the procuratorate, and threads where the node has them."""

    def __init__(self, made: Street, line: Line, mailbox: Path, sealer: Sealer) -> None:
        self.made = made
        self.line = line
        self.mailbox = mailbox / "in"
        self.sealer = sealer
        self.bell = threading.Semaphore(0)

    def begin(self) -> None:
        """Have a large export sealed half-way."""
        self.made.drop("dossier.bin", os.urandom(LARGE))
        for _turn in range(2):
            self.made.step(self.made.police, "claim")
            self.made.clock.time += 1
        self.made.step(self.made.police, "pack")
        assert self.sealer.braked.wait(PATIENCE)

    def until(self, is_so: Callable[[], bool]) -> None:
        """Let the police's pack leg and out leg step until `is_so`, each time something rang."""
        for _turn in range(50):
            for worker in ("pack", "out-procuratorate"):
                self.made.step(self.made.police, worker)
            if is_so():
                return
            assert self.bell.acquire(timeout=PATIENCE)
        raise AssertionError(self.made.police.only(OUT))

    def is_state(self, state: State) -> Callable[[], bool]:
        return lambda: self.made.police.only(OUT).state is state

    def lies_there(self) -> list[str]:
        """Return what lies in the peer's mailbox, but for papers."""
        return sorted(
            path.name for path in self.mailbox.iterdir() if path.name.startswith(".") or path.suffix == ".cfb"
        )

    def promised(self) -> Manifest | None:
        """Return what the herald at the peer promises its recipient; None if there is none."""
        identity = self.made.procuratorate.identity
        with (self.mailbox / HEAD_START).open("rb") as source:
            head = source.read(ENVELOPE_MAX)
            if not head.startswith(HERALD_MAGIC):
                assert not any(head[:1000])
                return None
            herald = parse_herald(head)
            check_herald(herald, lambda key_id: known(identity.directory.signer_of(key_id)).public)
            return open_herald(source, herald, identity.keyring.node_keys()).manifest

    def has_arrived_whole(self) -> bool:
        """Whether the bundle, and nothing else, lies in the peer's mailbox as it lies in our spool."""
        transfer = self.made.police.only(OUT)
        ours = self.made.police.ground.spool.outbound_bundle(known(transfer.bundle_id), known(transfer.claim))
        name = bundle_name(known(transfer.bundle_id))
        return self.lies_there() == [name] and (self.mailbox / name).read_bytes() == ours.read_bytes()


def _by_sftp(identity: Identity) -> Identity:
    links = tuple(
        link.model_copy(
            update={
                "transport": TransportKind.SFTP,
                "initiate": Initiate.PUSH,
                "sftp": SftpSettings(host="127.0.0.1"),
                "folder": None,
            }
        )
        if link.name == "procuratorate"
        else link
        for link in identity.settings.links
    )
    return replace(identity, settings=identity.settings.model_copy(update={"links": links}))


@pytest.fixture
def scene(closed: Street, berth: Berth, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    line = Line.over(ParamikoChannel, berth.peer, Deadlines(), SystemClock())
    assert isinstance(line, Line)
    line.moved, line.far = [], threading.Event()
    monkeypatch.setattr(Transports, "to", lambda _self, link: line if link.name == "procuratorate" else berth.hosted)
    scene = Scene(closed, line, berth.mailbox, Sealer())
    line.ring = scene.bell.release
    closed.police.change = lambda ground: _with_threads(ground, scene)
    closed.police.equip = _by_sftp
    with opened(closed):
        try:
            yield scene
        finally:
            scene.sealer.go.set()
            for worker in closed.police.plan.workers:
                getattr(worker, "close", lambda: None)()


def _with_threads(ground: Ground, scene: Scene) -> Ground:
    ring = ground.bells.ring

    def heard(*names: str) -> None:
        ring(*names)
        scene.bell.release()

    ground.bells.ring = heard  # type: ignore[method-assign]  # only listens
    return replace(ground, porters=Porters(4, SystemClock()), crew=scene.sealer)


def test_small_exports_that_unpack_to_large_bundles_are_sealed_together(closed: Street) -> None:
    """What they share signs no herald: none of them has a head start."""
    with opened(closed):
        for number in range(2):
            export = case(number)
            path, pdf = next((path, data) for path, data in export.files.items() if path.endswith(".pdf"))
            pages = (os.urandom(8 << 10) + bytes(56 << 10)) * (SMALL_BYTES // (64 << 10))
            export.with_file(path, pdf + pages + pdf).drop(closed.out.with_name("police"))
        closed.go("police:claim")
        closed.clock.time += 1
        closed.go("police:claim", "police:pack", "police:pack")
        sealed = closed.police.transfers(OUT)
        assert [one.state for one in sealed] == [State.SEALED] * 2


def test_a_large_bundle_leaves_while_it_is_sealed_and_is_seen_once_it_is_recorded(scene: Scene) -> None:
    scene.begin()
    scene.until(scene.line.far.is_set)
    assert scene.lies_there() == [HEAD_START]
    assert scene.made.police.only(OUT).state is State.FOUND
    scene.sealer.go.set()
    scene.until(scene.is_state(State.SENT))
    assert scene.has_arrived_whole()
    assert scene.line.deposits == 0
    assert scene.line.moved == sorted(scene.line.moved)  # nothing twice
    assert scene.made.police.events(scene.made.police.only(OUT)) == ["found", "sealed", "sent"]


def test_its_herald_is_there_before_it_is_sealed_and_promises_what_is_sealed(scene: Scene) -> None:
    scene.begin()
    scene.until(scene.line.far.is_set)
    promised = scene.promised()
    assert promised is not None
    assert "content/dossier.bin" in [file.path for file in promised.files]
    scene.sealer.go.set()
    scene.until(scene.is_state(State.SENT))
    assert scene.has_arrived_whole()


def test_what_was_sent_before_under_its_key_has_no_herald(scene: Scene) -> None:
    """Whether it is a repeat, a correction, or waits for a person is only known once it was read whole."""
    scene.begin()
    scene.sealer.go.set()
    scene.until(scene.is_state(State.SENT))
    scene.sealer.go.clear()
    scene.sealer.braked.clear()
    scene.line.far.clear()
    scene.begin()
    scene.until(scene.line.far.is_set)
    assert scene.promised() is None
    scene.sealer.go.set()
    scene.until(lambda: [one.state for one in scene.made.police.transfers(OUT)] == [State.SENT] * 2)


@pytest.mark.parametrize(
    "change",
    [
        lambda patch: patch.setattr(headstart, "HERALD_MAX", 100),
        lambda patch: patch.setattr(DriftDesk, "is_plain", lambda *_: False),
        lambda patch: patch.setattr(RepeatDesk, "is_new", failing),
    ],
    ids=["too-long", "of-note", "ledger-fails"],
)
def test_without_a_herald_the_rest_leaves_ahead_all_the_same(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, change: Callable[[pytest.MonkeyPatch], None]
) -> None:
    change(monkeypatch)
    scene.begin()
    scene.until(scene.line.far.is_set)
    assert scene.promised() is None
    scene.sealer.go.set()
    scene.until(scene.is_state(State.SENT))
    assert scene.has_arrived_whole()


def failing(*_: object) -> bool:
    raise TransientError("ledger-busy", "somebody else writes")


def test_a_front_that_is_signed_is_no_herald(scene: Scene, tmp_path: Path) -> None:
    """A head start that begins late, when MANIFEST is written or all is: no byte of it leaves before it is released."""
    scene.begin()
    made = sealed_for(scene.made.procuratorate, scene.made.police, tmp_path / "made", size=LARGE)
    herald, whole = made.herald, made.whole
    listed = herald[: parse_herald(herald).envelope.manifest_offset]
    path = tmp_path / "sealing"
    placed = Placed(LinkName("here"), Priority.NORMAL, made.data_offset, len(whole), herald=len(herald))
    for front, sent in ((herald, herald), (listed, b""), (b"", b""), (flipped(herald, -1), b"")):
        path.write_bytes(front + whole[len(front) :])
        start = HeadStart(scene.made.police.only(OUT), placed, path, SystemClock())
        assert start.herald() == sent
        start.close()


def test_what_fails_to_be_sealed_is_taken_back_and_sealed_anew(scene: Scene) -> None:
    scene.sealer.error = TransientError("source-changed", "an export that changed")
    scene.begin()
    scene.until(scene.line.far.is_set)
    scene.sealer.go.set()
    scene.until(lambda: scene.made.police.only(OUT).attempts == 1 and scene.lies_there() == [])
    scene.made.clock.time += 3600
    scene.until(scene.is_state(State.SENT))
    assert scene.has_arrived_whole()


def test_what_is_refused_after_all_is_taken_back(scene: Scene) -> None:
    scene.sealer.error = PermanentError("too-large", "more than one bundle can hold")
    scene.begin()
    scene.until(scene.line.far.is_set)
    scene.sealer.go.set()
    scene.until(lambda: scene.made.police.only(OUT).hold_code == "too-large" and scene.lies_there() == [])


def test_a_line_that_breaks_under_a_head_start_costs_nobody_an_attempt(scene: Scene) -> None:
    scene.line.breaks = TransientError("link-unreachable", "cut")
    scene.begin()
    scene.until(scene.line.far.is_set)
    scene.until(lambda: bool(scene.made.police.log.of("head-start-lost")))
    scene.sealer.go.set()
    scene.until(scene.is_state(State.SENT))
    assert scene.has_arrived_whole()
    assert scene.line.deposits == 1
    assert scene.made.police.events(scene.made.police.only(OUT)) == ["found", "sealed", "sent"]


def test_a_bug_in_a_head_start_ends_it_alone_is_told_and_the_bundle_goes_the_old_way(scene: Scene) -> None:
    scene.line.breaks = KeyError("a bug")
    scene.begin()
    scene.until(scene.line.far.is_set)
    scene.until(lambda: bool(scene.made.police.log.of("head-start-died")))
    scene.sealer.go.set()
    scene.until(scene.is_state(State.SENT))
    assert scene.has_arrived_whole()
    assert scene.line.deposits == 1
    (told,) = scene.made.police.log.of("head-start-died")
    assert told["kind"] == "KeyError"
    assert str(told["at"]).startswith("test_head_start.py:")


def test_a_leg_that_died_of_a_bug_has_head_starts_again(scene: Scene) -> None:
    # As the supervisor does after a death; a reload makes other legs.
    scene.made.police.worker("out-procuratorate").close()  # type: ignore[attr-defined]  # a leg has one
    scene.made.step(scene.made.police, "out-procuratorate")
    scene.begin()
    scene.until(scene.line.far.is_set)
    scene.sealer.go.set()
    scene.until(scene.is_state(State.SENT))
    assert scene.has_arrived_whole()
    assert scene.line.deposits == 0


def test_what_may_not_go_yet_does_not_keep_the_peers_room(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(headstart, "PATIENCE_SECONDS", -1.0)
    scene.begin()
    scene.until(lambda: bool(scene.made.police.log.of("head-start-lost")))
    assert scene.lies_there() == []
    scene.sealer.go.set()
    scene.until(scene.is_state(State.SENT))
    assert scene.has_arrived_whole()


def test_a_stop_cuts_it_off_and_the_next_start_begins_anew(scene: Scene) -> None:
    scene.begin()
    scene.until(scene.line.far.is_set)
    scene.made.police.worker("out-procuratorate").close()  # type: ignore[attr-defined]  # a leg has one
    assert scene.made.police.only(OUT).state is State.FOUND
    scene.sealer.go.set()
    scene.until(scene.is_state(State.SENT))
    assert scene.has_arrived_whole()
    assert scene.line.deposits == 1


def test_a_stop_lets_go_of_what_no_thread_had_begun_with(scene: Scene) -> None:
    held = scene.made.police.ground.porters
    assert isinstance(held, Porters)
    doing = threading.Event()

    def busy() -> None:
        doing.wait(PATIENCE)

    for _each in range(4):
        held.run(busy, 0)
    scene.begin()
    scene.made.step(scene.made.police, "out-procuratorate")
    mine = scene.made.police.ground.spool.sealing(known(scene.made.police.only(OUT).claim))
    assert opened_by_us(mine) == 2  # by the sealing, and for the head start
    scene.made.police.worker("out-procuratorate").close()  # type: ignore[attr-defined]  # a leg has one
    assert opened_by_us(mine) == 1
    doing.set()


def opened_by_us(path: Path) -> int:
    """Return how many descriptors of this process lead to `path`."""
    # The descriptor of the listing itself is gone by the time it is looked at.
    return sum(one.exists() and one.samefile(path) for one in Path("/proc/self/fd").iterdir())
