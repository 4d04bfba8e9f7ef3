"""Single parts inside one process: sealing and opening on one thread, and commits of the ledger."""

import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from benchmarks.data import MIB, PIECE, half_and_half, noise
from benchmarks.figures import Figure, Section, median
from gateway.bundle.envelope import ENVELOPE_MAX, verify_envelope
from gateway.bundle.keys import generate
from gateway.bundle.seal import SealMember
from gateway.bundle.unseal import open_bundle
from gateway.domain.clock import SystemClock
from gateway.domain.ids import ClaimToken, RouteName, UnitCode
from gateway.domain.records import FoundExport
from gateway.ledger.store import Ledger
from tests.support.bundles import finish, prepare

ROUNDS = 3
COMMIT_SECONDS = 2.0
GROUP = 100
THREADS = 8
LIFETIME = 86_400


def parts(root: Path, size: int) -> Section:
    """Measure sealing and opening of `size` bytes, and the ledger's commits."""
    figures = [
        *_sealing(root, "half text", half_and_half(size, "parts")),
        *_sealing(root, "incompressible", b"".join(islice(noise("parts"), size // PIECE))),
        *_commits(root),
    ]
    work = (
        f"one thread seals {size // MIB} MiB into a file and opens it again, default suite, best of {ROUNDS} rounds; "
        "the ledger records found exports, each commit forced to the disk"
    )
    return Section("B5", "Single parts in one process", work, tuple(figures))


class _Nowhere(io.RawIOBase):
    """A file that forgets what is written into it."""

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        return len(memoryview(data))  # type: ignore[arg-type] # io.RawIOBase leaves the type of its buffers open


def _sealing(root: Path, name: str, content: bytes) -> list[Figure]:
    clock = SystemClock()
    ours, theirs = generate(), generate()
    created = int(clock.now())
    path = root / "part.cfb"
    member = SealMember("a.bin", None, len(content), lambda: io.BytesIO(content))
    sealing: list[float] = []
    opening: list[float] = []
    size = 0
    for _ in range(ROUNDS):
        with path.open("w+b") as out:
            began = clock.monotonic()
            prepared = prepare(
                out,
                [member],
                meta={},
                keys=ours,
                recipients=[theirs.public],
                created=created,
                expires=created + LIFETIME,
                epoch=1,
            )
            finish(out, prepared, [1], ours)
            size = prepared.size
            sealing.append(clock.monotonic() - began)
        with path.open("rb") as source:
            began = clock.monotonic()
            envelope = verify_envelope(source.read(ENVELOPE_MAX), lambda _key_id: ours.public)
            open_bundle(
                source, size, envelope=envelope, keys=[theirs], signer=ours.public, sink=lambda _file: nowhere()
            )
            opening.append(clock.monotonic() - began)
        path.unlink()
    mib = len(content) / MIB
    return [
        Figure(f"seal, {name}", mib / min(sealing), "MiB/s", f"bundle is {size / len(content):.2f} of it"),
        Figure(f"open, {name}", mib / min(opening), "MiB/s"),
    ]


def nowhere() -> BinaryIO:
    """Return a file that takes everything and keeps nothing."""
    return io.BufferedWriter(_Nowhere(), PIECE)


def _commits(root: Path) -> list[Figure]:
    clock = SystemClock()
    with Ledger.open(
        root / "ledger" / "ledger.db", unit=UnitCode("990102"), clock=clock, new_epoch=lambda: 1
    ) as ledger:
        numbers = iter(range(1 << 60))

        def record(count: int) -> None:
            ledger.found([_found(next(numbers), clock.now()) for _ in range(count)])

        single = _rate(clock, lambda: record(1), 1)
        grouped = _rate(clock, lambda: record(GROUP), GROUP)
        with ThreadPoolExecutor(THREADS) as pool:
            shared = _rate(clock, lambda: list(pool.map(lambda _: record(1), range(THREADS))), THREADS)
    return [
        Figure("ledger, one fact to a commit", single, "1/s", "one thread"),
        Figure(f"ledger, {GROUP} facts to a commit", grouped, "1/s", "one thread"),
        Figure("ledger, one fact to a change", shared, "1/s", f"{THREADS} threads that share commits"),
    ]


def _rate(clock: SystemClock, work: Callable[[], object], facts: int) -> float:
    """Repeat `work` for a while and return facts per second, from the median duration."""
    durations = []
    until = clock.monotonic() + COMMIT_SECONDS
    while (began := clock.monotonic()) < until:
        work()
        durations.append(clock.monotonic() - began)
    return facts / median(durations)


def _found(number: int, now: float) -> FoundExport:
    return FoundExport(ClaimToken(f"{number:032x}"), RouteName("bench"), f"case-{number}", 1000, now)
