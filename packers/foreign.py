"""A case of another agency's format laid out for an import: what is a document goes where the receiver keeps documents,
what is not travels beside it."""

import os
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from gateway.packing import ORIGINALS, Packet, Party
from gateway.standard.catalogue import Standard
from gateway.standard.content import suffix_of
from gateway.standard.package import CasePackage, Document
from packers import names

CASE_PACKAGE = "case-package.json"
"""Below ORIGINALS: the case package as it came, canonical, so that nothing is lost that the format has no name for."""
_ASIDE = "~"
"""The folder below ORIGINALS of a record that is called like ours, and of what would meet another file."""
_DATA = frozenset({"xml", "json", "csv", "md5", "over", ""})
"""Suffixes of what case systems read, not people: nobody's document, even where no list says what it is."""


@dataclass(frozen=True, slots=True)
class Places:
    """Where a format keeps things. documents, volumes: folders, without a slash at the end."""

    documents: str
    volumes: str


@dataclass(frozen=True, slots=True)
class Layout:
    """package: with the paths of the import, and the files that nobody listed among its documents.
    targets: path of a member -> its path in the import."""

    package: CasePackage
    targets: Mapping[str, str]


def members_of(root: Path) -> list[str]:
    """Return the paths of all files below `root`, in order. OSError if the disk fails."""
    top = os.fspath(root)
    found = [f"{folder}/{name}" for folder, _folders, files in os.walk(top, onerror=_reraise) for name in files]
    return sorted(path[len(top) + 1 :] for path in found)


def lay_out(packet: Packet, members: Iterable[str], places: Places) -> Layout:
    """Return where each of `members` goes in an import that is not of the format they came in; pure."""
    package, present = packet.package, list(members)
    listed = {one.path for one in package.documents}
    entries = {one.path for volume in package.volumes for one in volume.entries}
    extra = [p for p in present if p not in listed | entries and suffix_of(p) not in _DATA]
    documents = {p for p in present if p in listed} | {*extra}
    records = [p for p in present if p not in documents | entries]
    targets = _targets(documents, {p for p in present if p in entries}, places)
    targets |= {p: _beside(p) for p in records}
    paths = list(targets)
    for at in names.clashes(list(targets.values())):
        # By chance or by intent; a rename would put one in the place of the other.
        targets[paths[at]] = _aside(paths[at])
    return Layout(_moved(package, targets, extra), targets)


def move_into(packet: Packet, path: str, target: Path) -> None:
    """Move the member `path` to `target`, making the folders above it. OSError if the disk fails."""
    try:
        (packet.root / path).rename(target)
    except FileNotFoundError:
        target.parent.mkdir(parents=True, exist_ok=True)
        (packet.root / path).rename(target)


def leave_case_package(packet: Packet, folder: Path) -> None:
    """Write the case package below ORIGINALS of the import's `folder`. OSError if the disk fails."""
    (folder / ORIGINALS).mkdir(exist_ok=True)
    (folder / ORIGINALS / CASE_PACKAGE).write_bytes(packet.case_file())


def mark_correction(folder: Path, mark: str, corrects: str) -> None:
    """Write into the import's `folder` the name of the delivery that it takes the place of, into the file `mark`; empty
    for none. What the sender put there goes: by it one unit could have another's delivery replaced."""
    for child in sorted(folder.iterdir()):
        if names.folded(child.name) == names.folded(mark):
            shutil.rmtree(child) if child.is_dir() else child.unlink()
    if corrects:
        (folder / mark).write_text(f"{corrects}\n", "utf-8")


def code_of(party: Party, scheme: str, stated: str) -> str:
    """Return the unit's code in the receiver's own scheme, else the one that the sender's system stated."""
    return party.codes.get(scheme) or stated


def kind_in(standard: Standard, table: str, form: str, kind: str) -> str:
    """Return how the format `form` writes our code `kind` of a table: by its code there, else by its Chinese name."""
    codes = standard.table(table)
    written = codes.write(form, kind)
    return codes.name_of(kind) if written == kind else written


def _reraise(error: OSError) -> None:
    raise error


def _beside(path: str) -> str:
    clashes = names.folded(path.partition("/")[0]) in {CASE_PACKAGE, _ASIDE}  # the latter: no two may meet
    return _aside(path) if clashes else f"{ORIGINALS}/{path}"


def _aside(path: str) -> str:
    return f"{ORIGINALS}/{_ASIDE}/{path}"


def _targets(documents: set[str], entries: set[str], places: Places) -> dict[str, str]:
    """Documents stand side by side, volumes in their folders; where names would meet, everything keeps its whole
    path."""
    found = {p: f"{places.documents}/{p.rpartition('/')[2]}" for p in documents}
    found |= {p: p if p.startswith(f"{places.volumes}/") else f"{places.volumes}/{_inside(p)}" for p in entries}
    if not names.clashes(list(found.values())):
        return found
    found = {p: f"{places.documents}/{p}" for p in documents}
    return found | {p: f"{places.volumes}/{p}" for p in entries - documents}


def _inside(path: str) -> str:
    """Return the path without the folder that only says that volumes are in it."""
    rest = path.partition("/")[2]
    return rest if "/" in rest else path


def _moved(package: CasePackage, targets: Mapping[str, str], extra: Iterable[str]) -> CasePackage:
    def at(path: str) -> str:
        # A path of a file that did not come is some other node's word: case software must not follow it.
        return targets.get(path, "")

    more = tuple(Document(p.rpartition("/")[2].rpartition(".")[0], at(p)) for p in extra)
    return replace(
        package,
        documents=(*(replace(one, path=at(one.path)) for one in package.documents), *more),
        volumes=tuple(
            replace(volume, entries=tuple(replace(one, path=at(one.path)) for one in volume.entries))
            for volume in package.volumes
        ),
        persons=tuple(
            replace(person, decisions=tuple(replace(one, document=at(one.document)) for one in person.decisions))
            for person in package.persons
        ),
    )
