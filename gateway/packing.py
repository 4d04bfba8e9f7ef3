"""The Packer protocol: what a packer of one agency's export format sees and must return."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, Protocol

from gateway.standard.findings import Finding
from gateway.standard.package import CasePackage


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of an outbound folder as a scan saw it. Sizes are bytes (of a folder: all files below), times
    nanoseconds."""

    name: str
    is_folder: bool
    size: int
    mtime_ns: int
    """Newest below a folder."""
    inode: int
    children: frozenset[str] = frozenset()
    """Names directly inside a folder; empty for a file."""


class Settled(StrEnum):
    """What the completion rule says of a candidate."""

    COMPLETE = "complete"  # the source wrote its completion mark
    STABLE = "stable"  # no mark exists in this format: unchanged over N scans will do
    INCOMPLETE = "incomplete"  # the mark is missing: wait


@dataclass(frozen=True, slots=True)
class Candidate:
    """Entries of an outbound folder that together are one export. `parts` are entry names, the mark last."""

    name: str
    parts: tuple[str, ...]
    settled: Settled


@dataclass(frozen=True, slots=True)
class Member:
    """One file of an export, as it will travel.

    path: relative POSIX path, NFC, no `.` or `..`, UTF-8.
    raw:  the original name's bytes where they were not that UTF-8 text (GBK); else None.
    size: bytes; `open()` yields exactly that many, and may be called more than once.
    """

    path: str
    raw: bytes | None
    size: int
    open: Callable[[], BinaryIO]


@dataclass(frozen=True, slots=True)
class Reading:
    """What a packer made of an export: the case package, the members that travel, everything that was found wrong.

    If a finding says reject or hold, `members` may be incomplete or empty; the export then does not travel.
    """

    package: CasePackage
    members: Sequence[Member]
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Packet:
    """A verified and opened bundle, ready to be written as an import. `root` holds the members at their paths."""

    package: CasePackage
    root: Path
    raw_names: Mapping[str, bytes]
    """member path -> original name bytes, for those that had other bytes than UTF-8."""
    name: str
    """The deterministic, safe base name under which to deliver."""
    corrects: str = ""
    """The name of the earlier delivery that this one corrects; empty for most."""


class Packer(Protocol):
    """One agency format. Stateless; both directions; runs in a worker process on untrusted input."""

    def candidates(self, entries: Sequence[Entry]) -> list[Candidate]:
        """Group a folder's entries into exports and say of each whether it is complete; pure."""
        ...

    def read(self, parts: Sequence[Path]) -> AbstractContextManager[Reading]:
        """Open the export made of `parts` (claimed, private paths, in the order of `Candidate.parts`).

        Reports defects as findings, all at once; raises only GatewayError of kind transient (IO trouble).
        Members stay readable until the context ends.
        """
        ...

    def write(self, packet: Packet, into: Path) -> tuple[str, ...]:
        """Write the import into the empty folder `into` and return its entries' names in the order of publication.

        The first is published first, a completion mark last. A correction names the delivery that it corrects. Files
        under `packet.root` may be moved. Not fsynced: the caller does that.
        """
        ...
