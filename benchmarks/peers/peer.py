"""What another tool must be able to do to be compared."""

import shutil
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

from benchmarks.peers.site import SBIN, Site, put
from benchmarks.steps import Steps

AT_ONCE = 2
"""Cases packed or unpacked at the same time, where a script does many together."""


class Peer(ABC):
    """Another way from a folder of cases to the same cases at the other side.

    name:  as it is shown. needs: program -> the package that brings it.
    """

    name: str
    needs: ClassVar[dict[str, str]]

    def missing(self) -> list[str]:
        """Return the packages that would have to be installed."""
        return sorted({package for program, package in self.needs.items() if not shutil.which(program, path=SBIN)})

    def prepare(self, site: Site) -> None:
        """Make keys and configuration, once; not timed."""
        return

    @contextmanager
    def serving(self, site: Site, steps: Steps) -> Iterator[None]:
        """Run what must be running at the other side; its start is not timed."""
        yield

    @abstractmethod
    def carry(self, site: Site, steps: Steps, cases: Sequence[Path]) -> None:
        """Bring the folders `cases` to the other side; this is what is timed. Raises BenchmarkError."""

    def arrived(self, site: Site, case: Path) -> Path:
        """Return where a case lies afterwards."""
        return site.final / case.name

    def tidy(self, site: Site) -> None:
        """End what the tool itself has left running."""
        return


class Script(Peer):
    """A script of pipes: pack, sftp, unpack, and a signed receipt back that the sender verifies.

    is_batched: all cases together, AT_ONCE at a time, in one session and with one receipt; else one after the other.
    tools:      as they are shown. ending: of what is packed.
    """

    tools: ClassVar[str]
    ending: ClassVar[str]

    def __init__(self, *, is_batched: bool) -> None:
        self.is_batched = is_batched
        self.name = f"{self.tools} (batched)" if is_batched else self.tools

    @abstractmethod
    def pack(self, site: Site, steps: Steps, case: Path) -> None:
        """Seal a case into `site.out`."""

    @abstractmethod
    def unpack(self, site: Site, steps: Steps, packed: Path, into: Path) -> None:
        """Verify and open what came, into the new folder `into`."""

    @abstractmethod
    def receipt(self, site: Site, steps: Steps, name: str, listed: bytes) -> None:
        """Sign the digests `listed` at the receiver, send them back, and verify signature and digests at the sender."""

    def orders(self, packed: Path, target: Path) -> Sequence[str]:
        """Return the orders that upload what was packed."""
        return put(packed, target)

    def carry(self, site: Site, steps: Steps, cases: Sequence[Path]) -> None:
        """Bring the cases over, all together or one after the other."""
        for together in [cases] if self.is_batched else [[case] for case in cases]:
            with ThreadPoolExecutor(AT_ONCE if self.is_batched else 1) as pool:
                list(pool.map(lambda case: self.pack(site, steps, case), together))
                packed = [f"{case.name}{self.ending}" for case in together]
                site.sftp(steps, *(one for name in packed for one in self.orders(site.out / name, site.into / name)))
                list(pool.map(lambda case: self._open(site, steps, case), together))
            listed = steps.run(["sha256sum", *packed], folder=site.into)
            self.receipt(site, steps, together[0].name, listed)

    def _open(self, site: Site, steps: Steps, case: Path) -> None:
        opening = site.final / f"{case.name}.tmp"
        opening.mkdir()
        self.unpack(site, steps, site.into / f"{case.name}{self.ending}", opening)
        (opening / case.name).rename(site.final / case.name)
        opening.rmdir()

    def check(self, site: Site, steps: Steps, listed: bytes) -> None:
        """Compare the digests of a receipt with what was sent."""
        steps.run(["sha256sum", "--quiet", "--check", "-"], told=listed, folder=site.out)


def tarred(case: Path) -> tuple[list[str | Path], list[str | Path]]:
    """Return the commands that pack a folder."""
    return ["tar", "-C", case.parent, "-cf", "-", case.name], ["zstd", "-q", "-1", "-c"]


def untarred(into: Path) -> tuple[list[str | Path], list[str | Path]]:
    """Return the commands that unpack it."""
    return ["zstd", "-q", "-d", "-c"], ["tar", "-C", into, "-xf", "-"]
