"""The generic packer: any folder or single file, its files as they are, nothing understood but a label."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from gateway.domain.errors import disk_fault
from gateway.packing import Candidate, Entry, Packet, Reading, Settled
from gateway.standard.catalogue import Standard
from gateway.standard.findings import Finding, Place, Verdict
from gateway.standard.package import UNCLASSIFIED, CasePackage, Source, marks_of
from packers import names
from packers.foldertree import MAX_MEMBERS, FolderTree, is_unfinished, walk
from packers.label import LABEL, LABEL_MAX, Label, read_label

FORMAT = "folder"
CONTENT = "content"
CASE_FILE = "case-package.json"
READY = "_READY"
"""Written last inside the import; the folder appears whole by one rename, so it only says so to old habits."""
CORRECTS = "_CORRECTS"
"""Only in a correction: the name of the delivery that it takes the place of, UTF-8, one line."""


@dataclass(frozen=True, slots=True)
class FolderPacker:
    """Reads any folder or file; writes `<name>/content/...` with the case package beside it. Stateless.

    A folder that holds `_CASE.json` says by it which flow it is, for whom, and under which case number.
    """

    max_members: int = MAX_MEMBERS

    def candidates(self, entries: Sequence[Entry]) -> list[Candidate]:
        """Every entry is an export of its own, except hidden, unfinished and leftover names. A label is a mark."""
        return [
            Candidate(e.name, (e.name,), Settled.COMPLETE if LABEL in e.children else Settled.STABLE)
            for e in sorted(entries, key=lambda e: e.name)
            if not e.name.startswith(".") and not names.is_leftover(e.name) and not is_unfinished(e.name)
        ]

    @contextmanager
    def read(self, parts: Sequence[Path], standard: Standard) -> Iterator[Reading]:
        """Open the folder or file `parts[0]`. Links, devices and sockets are refused, leftovers dropped."""
        try:
            tree = walk(parts[0], self.max_members)
            package = _package(parts[0].name, tree, _label(tree))
            members = tuple(replace(one, is_record=True) if one.path == LABEL else one for one in tree.members)
            yield Reading(package, members, tuple(tree.findings))
        except OSError as e:
            raise disk_fault(e, "our own disk failed over an export") from e

    def write(self, packet: Packet, into: Path) -> tuple[str, ...]:
        """Write the folder `<name>`, moving `packet.root` into it; one rename of it publishes everything."""
        folder = into / packet.name
        try:
            folder.mkdir()
            packet.root.rename(folder / CONTENT)
            (folder / CASE_FILE).write_bytes(packet.case_file())
            if packet.corrects:
                (folder / CORRECTS).write_text(f"{packet.corrects}\n", "utf-8")
            (folder / READY).open("xb", buffering=0).close()
        except OSError as e:
            raise disk_fault(e, "our own disk failed over an import") from e
        return (packet.name,)


def _label(tree: FolderTree) -> Label:
    member = next((one for one in tree.members if one.path == LABEL), None)
    if member is None:
        return Label()
    with member.open() as stream:
        label = read_label(stream.read(LABEL_MAX + 1))
    if label is None:
        tree.findings.append(Finding("FS-LABEL-UNREADABLE", Verdict.REJECT, Place(LABEL), facts={"file": LABEL}))
    return label or Label()


def _package(name: str, tree: FolderTree, label: Label) -> CasePackage:
    return CasePackage(
        Source(FORMAT, name, sum(m.size for m in tree.members)),
        flow=label.flow or UNCLASSIFIED,
        sender_code=label.sender,
        receiver_code=label.receiver,
        case_no=label.case_no,
        case_name=label.case_name or name,
        grant=label.grant,
        renamed=tuple(tree.renamed),
        dropped=tuple(tree.dropped),
        marks=marks_of(tuple(tree.findings)),
    )
