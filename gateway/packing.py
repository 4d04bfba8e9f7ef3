"""The Packer protocol: what a packer of one agency's format sees and must return, and what the standard says to it."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO, Protocol

from gateway.standard.catalogue import Standard
from gateway.standard.check_security import secret_files
from gateway.standard.checking import Context, PresentFile
from gateway.standard.checks import check_case_package
from gateway.standard.content import Content
from gateway.standard.findings import SECRET, Finding
from gateway.standard.package import CasePackage, marks_of
from gateway.standard.pdf_seal import proven


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
    size: bytes; `open()` yields exactly that many, and may be called more than once, by two threads at the same time.
    is_record: whether it is the format's own record of the case (its XML, JSON or CSV) and no document: the case
    package says the same, and what is masked leaves it at home.
    """

    path: str
    raw: bytes | None
    size: int
    open: Callable[[], BinaryIO]
    is_record: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """What a packer made of an export: the case package, the members that travel, everything wrong with their form.

    What the standard asks of the case is checked by who reads this (gateway/standard/checks.py), not by the packer.
    If a finding says reject or hold, `members` may be incomplete or empty; the export then does not travel.

    names:    path of a member -> its name in the export, where that is another one.
    contents: path of a member -> what its bytes proved to be, for those that were looked into.
    is_understood: whether the packer knows the format's meaning; what it does not is not checked against the standard.
    is_whole: false where members are missing anyway, so that comparing them with the export's lists says nothing.
    role:     of the agency whose format it is, as the charges' table names it (`police`, `supervision`, ...).
    unsaid:   fields that the format has no place for: it cannot be asked for them.
    """

    package: CasePackage
    members: Sequence[Member]
    findings: tuple[Finding, ...]
    names: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    contents: Mapping[str, Content] = field(default_factory=lambda: MappingProxyType({}))
    is_understood: bool = False
    is_whole: bool = True
    role: str = ""
    unsaid: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Party:
    """One unit as both sides' case systems know it. codes: scheme (`ga380`, `procuratorate`, ...) -> its code there."""

    unit: str = ""
    name: str = ""
    role: str = ""
    codes: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


ORIGINALS = "原始数据"
"""The folder of a foreign import that holds the sender's own records: what a writer did not understand travels too."""


@dataclass(frozen=True, slots=True)
class Packet:
    """A verified and opened bundle, ready to be written as an import. `root` holds the members at their paths."""

    package: CasePackage
    root: Path
    raw_names: Mapping[str, bytes]
    """member path -> original name bytes, for those that had other bytes than UTF-8."""
    name: str
    """The deterministic, safe base name under which to deliver."""
    standard: Standard
    sender: Party = Party()
    receiver: Party = Party()
    corrects: str = ""
    """The name of the earlier delivery that this one corrects; empty for most."""
    raw: bytes = b""
    """The bytes as which `package` came, its canonical form; empty where it did not come as bytes."""

    def case_file(self) -> bytes:
        """Return the canonical form of `package`, to be written beside the import."""
        return self.raw or self.package.to_json()


class Packer(Protocol):
    """One agency format. Stateless; both directions; runs in a worker process on untrusted input."""

    def candidates(self, entries: Sequence[Entry]) -> list[Candidate]:
        """Group a folder's entries into exports and say of each whether it is complete; pure."""
        ...

    def read(self, parts: Sequence[Path], standard: Standard) -> AbstractContextManager[Reading]:
        """Open the export made of `parts` (claimed, private paths, in the order of `Candidate.parts`), understood with
        the flows and code tables of `standard`.

        Reports defects as findings, all at once; raises only GatewayError of kind transient (IO trouble).
        Members stay readable until the context ends.
        """
        ...

    def write(self, packet: Packet, into: Path) -> tuple[str, ...]:
        """Write the import into the empty folder `into` and return its entries' names in the order of publication.

        What came from the same format goes back to it byte for byte; any other case package is written as this format
        writes it, the sender's own records beside it (ORIGINALS).

        The first is published first, a completion mark last. A correction names the delivery that it corrects. Files
        under `packet.root`, and it itself, may be moved into `into`, which is on the same file system: a rename keeps
        what a copy would read and write again. Not fsynced: the caller does that.
        """
        ...


def checked(reading: Reading, standard: Standard, context: Context | None = None) -> Reading:
    """Return `reading` with what the standard finds wrong with it, and the marks that are to travel; only signed files
    are read once more. Raises OSError.

    context: what is known of the two sides, where somebody knows it.
    What its packer knows no meaning of is only looked through for marked material, which hands on nothing but what a
    record of its refusal needs (catalogue, principle 3).
    """
    findings = reading.findings
    files = [
        PresentFile(one.path, reading.names.get(one.path, one.path), _looked(one, reading.contents.get(one.path)))
        for one in reading.members
        if not one.is_record
    ]
    if reading.is_understood:
        findings += check_case_package(
            reading.package,
            files,
            standard,
            sender_role=reading.role,
            has_lists=reading.is_whole,
            context=context,
            unsaid=reading.unsaid,
        )
    else:
        findings += tuple(secret_files(files))
    if any(one.code == SECRET for one in findings):
        old = reading.package
        bare = CasePackage(old.source, old.flow, case_no=old.case_no, receiver_code=old.receiver_code)
        findings = tuple(one for one in findings if one.code == SECRET)
        return replace(reading, package=bare, members=(), findings=findings)
    marks, package = marks_of(findings), reading.package
    # Most exports have neither; a copy of a package of forty fields costs as much as reading a short export.
    return replace(
        reading, package=package if package.marks == marks else replace(package, marks=marks), findings=findings
    )


def _looked(member: Member, content: Content | None) -> Content | None:
    """Return what a member's bytes proved to be, its signatures compared with what they cover."""
    return replace(content, seal=proven(content, member.open)) if content is not None and content.covered else content
