"""The wire alone: what a byte and a small file cost at both ends, by server, engine and number of connections."""

import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice
from operator import attrgetter
from pathlib import Path
from types import MappingProxyType

from benchmarks.data import GIB, KIB, MIB, PIECE, noise
from benchmarks.figures import Figure, Section, median, middle, shown
from benchmarks.peers.site import is_installed, site
from benchmarks.processes import Family
from benchmarks.steps import Steps
from gateway.domain.clock import SystemClock
from gateway.domain.ids import WireName, unit_code
from gateway.transport.allocator import keep_freed_memory
from gateway.transport.channel import Deadlines
from gateway.transport.openssh_channel import OpensshChannel
from gateway.transport.openssh_channel import is_installed as has_ssh
from gateway.transport.paramiko_channel import ParamikoChannel, SshPeer
from gateway.transport.sftp import Engine, SftpTransport
from tests.support.embedded import embedded_server
from tests.support.sshd import sshd
from tests.support.sshkeys import key_pair

ENGINES: Mapping[str, Engine] = MappingProxyType({"paramiko": ParamikoChannel, "openssh": OpensshChannel})
CONNECTIONS = (1, 2, 4)
SMALL = 20 * KIB
LARGE_NAME, SMALL_NAME = WireName("large.cfb"), WireName("small.cfb")
GUEST = unit_code("330102000000")
_SESSION_ENDS_WITHIN = 5.0


@dataclass(frozen=True, slots=True)
class Load:
    """What is carried: `size` bytes, the same as parts by their number, and `count` times a small file."""

    large: Path
    small: Path
    parts: Mapping[int, Sequence[Path]]
    size: int
    count: int


@dataclass(frozen=True, slots=True)
class End:
    """A server, and the two folders of a mailbox there."""

    name: str
    server: Family
    peer: SshPeer
    deposit: str
    collect: str
    theirs: Path
    waiting: Path

    def transport(self, engine: Engine) -> SftpTransport:
        """Return a transport that has logged in."""
        folders = {"deposit": self.deposit, "collect": self.collect}
        made = SftpTransport.over(engine, self.peer, Deadlines(), SystemClock(), **folders)
        made.probe()
        return made


@dataclass(frozen=True, slots=True)
class Cost:
    """What one run took, in seconds: by the clock, and of the processors at either end."""

    wall: float
    client: float
    server: float


def wire(root: Path, size: int, count: int, rounds: int) -> Section:
    """Measure `size` bytes and `count` files of 20 KiB over every engine and server, and a bare `sftp put` of both."""
    keep_freed_memory()
    load = _load(root, size, count)
    figures: list[Figure] = []
    absent = [] if has_ssh() else ["the engine openssh: not installed (openssh-client)"]
    with ExitStack() as stack:
        ends = [stack.enter_context(_embedded(root / "embedded"))]
        if is_installed():
            ends.append(stack.enter_context(_sshd(root / "sshd")))
            figures += _bare(root / "bare", load, rounds)
        else:
            absent.append("OpenSSH's server: not installed (openssh-server)")
        for end in ends:
            for engine in ENGINES if has_ssh() else ("paramiko",):
                figures += _engine(end, engine, load, rounds)
    work = (
        f"{size // MIB} MiB of noise and {count:,} files of {SMALL // KIB} KiB over loopback; our client puts under a "
        "temporary name, fsync, comparison of sizes and rename included; the figure is both ends' processor time"
    )
    return Section("B6", "The wire", work, tuple(figures), absent=tuple(absent))


def _load(root: Path, size: int, count: int) -> Load:
    large, small = root / "large", root / "small"
    with large.open("wb") as file:
        for piece in islice(noise("wire"), size // PIECE):
            file.write(piece)
    small.write_bytes(next(noise("small"))[:SMALL])
    parts: dict[int, list[Path]] = {1: [large]}
    for number in CONNECTIONS[1:]:
        parts[number] = [root / f"part-{number}-{at}" for at in range(number)]
        with large.open("rb") as file:
            for path in parts[number]:
                path.write_bytes(file.read(size // number))
    return Load(large, small, parts, size, count)


@contextmanager
def _embedded(root: Path) -> Iterator[End]:
    root.mkdir()
    ours = key_pair()
    with embedded_server(root, {GUEST: [ours.public]}) as server:
        peer = SshPeer("127.0.0.1", server.port, GUEST, ours.private, (server.host_key.public,))
        mailbox = server.mailbox(GUEST)
        family = Family(server.process.pid or 0)
        yield End("our server", family, peer, "/in", "/out", mailbox / "in", mailbox / "out")


@contextmanager
def _sshd(root: Path) -> Iterator[End]:
    theirs, waiting = root / "in", root / "out"
    for folder in (root, theirs, waiting):
        folder.mkdir()
    ours = key_pair()
    with sshd(root, [ours.public]) as server:
        peer = SshPeer("127.0.0.1", server.port, server.username, ours.private, (server.host_key.public,))
        yield End("sshd", Family(server.pid), peer, str(theirs), str(waiting), theirs, waiting)


def _engine(end: End, name: str, load: Load, rounds: int) -> list[Figure]:
    whole = f"{end.name} by {name}"
    transports = [end.transport(ENGINES[name]) for _ in range(max(CONNECTIONS))]
    one, into = transports[0], load.large.with_name("fetched")
    os.link(load.large, end.waiting / LARGE_NAME)
    shutil.copyfile(load.small, end.waiting / SMALL_NAME)

    def costs(work: Callable[[], None]) -> list[Cost]:
        return [_cost(end.server, end.theirs, work) for _ in range(rounds)]

    try:
        return [
            *(
                _by_byte(f"{whole}, put, {n} at a time", load, costs(partial(_deposit, transports[:n], load)))
                for n in CONNECTIONS
            ),
            _by_byte(f"{whole}, get", load, costs(partial(_fetch, one, into, LARGE_NAME, load.size))),
            _by_file(f"{whole}, small puts", load, costs(partial(_deposit_many, one, load))),
            _by_file(f"{whole}, small gets", load, costs(partial(_fetch_many, one, into, load))),
        ]
    finally:
        for transport in transports:
            transport.close()
        into.unlink(missing_ok=True)
        for path in end.waiting.iterdir():
            path.unlink()


def _deposit(transports: Sequence[SftpTransport], load: Load) -> None:
    """Deposit the large file in as many parts as there are transports, all at a time."""
    with ThreadPoolExecutor(len(transports)) as threads:
        parts = load.parts[len(transports)]
        names = [WireName(f"L{at}.cfb") for at in range(len(parts))]
        for done in [threads.submit(t.deposit, p, n) for t, p, n in zip(transports, parts, names, strict=True)]:
            done.result()


def _deposit_many(transport: SftpTransport, load: Load) -> None:
    for at in range(load.count):
        transport.deposit(load.small, WireName(f"S{at}.cfb"))


def _fetch(transport: SftpTransport, into: Path, name: WireName, size: int) -> None:
    into.unlink(missing_ok=True)
    transport.fetch(name, into, size)


def _fetch_many(transport: SftpTransport, into: Path, load: Load) -> None:
    for _ in range(load.count):
        _fetch(transport, into, SMALL_NAME, SMALL)


def _bare(folder: Path, load: Load, rounds: int) -> list[Figure]:
    """Return what a bare `sftp put` of the same bytes costs: no fsync, no temporary name, no look at the size."""
    many = folder.with_name("many")
    many.mkdir()
    for at in range(load.count):
        shutil.copyfile(load.small, many / str(at))
    with site(folder) as place:
        place.into.mkdir()

        def put(source: Path) -> None:
            place.sftp(Steps("bare"), f'put -r "{source}" "{place.into}"')
            # What a session took counts as the server's once it has ended.
            place.server.wait_alone(_SESSION_ENDS_WITHIN)

        bare = partial(_cost, place.server, place.into)
        return [
            _by_byte("sshd by sftp put", load, [bare(partial(put, load.large)) for _ in range(rounds)]),
            _by_file("sshd by sftp put -r, small puts", load, [bare(partial(put, many)) for _ in range(rounds)]),
        ]


def _by_byte(name: str, load: Load, costs: Sequence[Cost]) -> Figure:
    scale = GIB / load.size
    rate = f"{shown(round(load.size / MIB / median([one.wall for one in costs])))} MiB/s"
    return middle(name, [(one.client + one.server) * scale for one in costs], "s/GiB", _note(costs, scale, "s", rate))


def _by_file(name: str, load: Load, costs: Sequence[Cost]) -> Figure:
    scale = 1000 / load.count
    rate = f"{shown(round(load.count / median([one.wall for one in costs])))} files/s"
    return middle(name, [(one.client + one.server) * scale for one in costs], "ms", _note(costs, scale, "ms", rate))


def _note(costs: Sequence[Cost], scale: float, unit: str, rate: str) -> str:
    client, server = (median([of(one) * scale for one in costs]) for of in (attrgetter("client"), attrgetter("server")))
    return f"client {shown(client)} {unit}, server {shown(server)} {unit}; {rate}"


def _cost(server: Family, theirs: Path, work: Callable[[], None]) -> Cost:
    """Carry out `work` once; what arrived is removed when the clocks have stopped."""
    # Both ends descend from this process.
    everybody = Family(os.getpid())
    all_before, server_before, began = everybody.cpu_seconds(), server.cpu_seconds(), time.monotonic()
    work()
    wall = time.monotonic() - began
    taken = server.cpu_seconds() - server_before
    cost = Cost(wall, everybody.cpu_seconds() - all_before - taken, taken)
    for path in theirs.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    return cost
