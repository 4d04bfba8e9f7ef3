"""Real daemons under strace: system calls that fail, or at which the daemon is killed, and what must hold after."""

import itertools
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gateway.cli import demo_samples
from gateway.cli.demo_samples import Sample
from gateway.domain.lifecycle import Direction, State
from tests.support.invariant import Site, nothing_is_lost_or_doubled
from tests.support.nodes import LOOK, PATIENCE, Node, Pair, eventually
from tests.support.tracing import Injection, traced

POLICE, PROCURATORATE = "police", "procuratorate"
EXPORTS = 2
"""Exports dropped for each point."""

FILES = "openat,write,pwrite64,fsync,fdatasync,rename,renameat2,link,linkat,unlink,unlinkat,mkdir"
ROOM = "openat,write,pwrite64,fsync,fdatasync,rename,renameat2,linkat,mkdir"
LINES = "connect,sendto,recvfrom,sendmsg,recvmsg"


@dataclass(frozen=True)
class TracedPoint:
    """One fault in one of two daemons."""

    victim: str
    injection: Injection

    def __str__(self) -> str:
        return f"{self.victim}: {self.injection}"


def _points(victims: Sequence[str], calls: str, faults: Sequence[str], whens: Sequence[int]) -> Iterator[TracedPoint]:
    for call, fault, when, victim in itertools.product(calls.split(","), faults, whens, victims):
        yield TracedPoint(victim, Injection(call, fault, when))


BOTH = (POLICE, PROCURATORATE)
LARGE = (
    *_points(BOTH, FILES, ["signal=KILL"], [1, 3, 9]),
    *_points(BOTH, LINES, ["signal=KILL"], [2, 12]),
    *_points(BOTH, FILES, ["error=EIO"], [2, 7]),
    *_points(BOTH, ROOM, ["error=ENOSPC"], [2, 7]),
    *_points(BOTH, ROOM, ["error=EDQUOT"], [4]),
    *_points(BOTH, "openat,write,fsync,fdatasync,recvfrom,sendto", ["error=EINTR"], [2, 5]),
    *_points(BOTH, LINES, ["error=ECONNRESET"], [1, 6, 15]),
    *_points(BOTH, "fsync,fdatasync,recvfrom,sendto", ["delay_enter=400000"], [2]),
)
"""What `make reliability` does."""
SMALL = tuple(
    TracedPoint(victim, Injection(call, fault, when))
    for victim, call, fault, when in (
        (POLICE, "fsync", "signal=KILL", 3),
        (PROCURATORATE, "renameat2", "signal=KILL", 1),
        (POLICE, "pwrite64", "error=EIO", 2),
        (PROCURATORATE, "openat", "error=ENOSPC", 4),
        (POLICE, "sendto", "error=ECONNRESET", 3),
    )
)
"""What an ordinary run does."""


@dataclass
class TracedPair:
    """Two daemons that go from one fault to the next, with everything that was ever dropped."""

    pair: Pair
    folder: Path
    sent: list[Sample] = field(default_factory=list)

    def suffer(self, point: TracedPoint) -> bool:
        """Let `point` happen while exports are on their way, start the victim again; whether it happened.

        AssertionError unless all is well once both have come to rest.
        """
        victim: Node = getattr(self.pair, point.victim)
        written = self.folder / f"{len(self.sent)}.strace"
        with traced(victim.pid, point.injection, written) as trace:
            self._drop()
            eventually(lambda: trace.strikes() or self._are_receipted() or None, f"{point} or the end")
            has_struck = bool(trace.strikes())
        victim.daemon.kill()
        victim.start()
        eventually(lambda: self._are_receipted() or None, f"every receipt after {point}")
        self.pair.come_to_rest()
        self._come_to_agree()
        return has_struck

    def _come_to_agree(self) -> None:
        """Wait until all is well: daemons at work leave a letter here and there for a moment."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                return self._check()
            except AssertionError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(LOOK)

    def _drop(self) -> None:
        for _ in range(EXPORTS):
            number = len(self.sent)
            path = self.folder / f"{number}.txt"
            path.write_bytes(f"export {number} ".encode() * 5000)
            sample = Sample(path.name, (path,), "files", "folder", "delivered", "")
            demo_samples.drop(sample, self.pair.out.parent)
            self.sent.append(sample)

    def _are_receipted(self) -> bool:
        mine = self.pair.police.transfers(Direction.OUTBOUND)
        return {t.export_name for t in mine if t.state is State.DELIVERED} == {sample.name for sample in self.sent}

    def _check(self) -> None:
        police, procuratorate = self.pair.police, self.pair.procuratorate
        with police.ledger() as ours, procuratorate.ledger() as theirs:
            nothing_is_lost_or_doubled(
                self.sent,
                self.pair.out.parent,
                self.pair.into,
                Site(police.unit, ours, police.peers(), police.state, police.leftovers()),
                Site(procuratorate.unit, theirs, procuratorate.peers(), procuratorate.state, procuratorate.leftovers()),
                is_told=not police.logged("source-not-told"),
            )
