"""The sample exports of the demo: what there is, how case software would drop it, and whether it arrived byte for
byte."""

import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from gateway.bundle.streams import silent
from gateway.bundle.suites import DEFAULT_SUITE
from gateway.domain.errors import ConfigError, Scope
from gateway.packing import Member
from gateway.plugins import load_packer
from gateway.stages.contents import read_content
from gateway.stages.layout import CONTENT
from gateway.standard.business import business_key, is_of_case
from gateway.standard.loading import packaged_standard
from gateway.standard.profiles import profile_of

READ_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Sample:
    """One export. `parts` are files or folders, the completion mark last; `route` names the outbound folder and
    packer."""

    name: str
    parts: tuple[Path, ...]
    route: str
    packer: str
    expected: str
    """`delivered`, `duplicate`, `refused` or `held`."""
    code: str
    """The defect it is made to show; empty for a good one."""


def find_samples(folder: Path) -> list[Sample]:
    """Return the samples below `folder`, good ones first; ConfigError `samples-missing` if there are none.

    What is defective is a version of a good one: where it could be sent, it repeats that, or waits as its correction.
    """
    found = [_police(path, "delivered", "") for path in sorted((folder / "police").glob("*.zip"))]
    found += [
        Sample(path.name, (path,), "files", "folder", "delivered", "")
        for path in sorted((folder / "folder").glob("*"))
        if not path.name.startswith(".")
    ]
    index = folder / "defects" / "index.json"
    if index.exists():
        for row in json.loads(index.read_bytes()):
            found.append(_police(folder / "defects" / row["path"], _expected(row["verdict"]), row["code"]))
    if not found:
        raise ConfigError("samples-missing", f"no samples in {folder}", scope=Scope.NODE, facts={"folder": str(folder)})
    return _compared(found)


def drop(sample: Sample, outbound: Path) -> int:
    """Put the export into its outbound folder as case software does, the completion mark last; return its bytes."""
    folder = outbound / sample.route
    for part in sample.parts:
        # Written aside and renamed, so that no scan sees half of it.
        arriving = folder / f".{part.name}"
        if part.is_dir():
            shutil.copytree(part, arriving)
        else:
            shutil.copyfile(part, arriving)
        arriving.rename(folder / part.name)
    return sum(_size(part) for part in sample.parts)


def arrived_whole(sample: Sample, *delivery: Path, packer: str = "folder") -> bool:
    """Whether a delivery has the members of the export, byte for byte: of the generic format exactly these, under their
    true names (where the flow leaves masked, its documents under ours); in the sender's own or another one among what
    its reader finds in it.

    delivery: its parts, the completion mark last; packer: which wrote it.
    """
    with load_packer(sample.packer).read(sample.parts, packaged_standard()) as reading:
        is_full = profile_of(packaged_standard(), reading.package.flow, {}).is_full
        sent = {one.path: _read_digest(one) for one in reading.members if is_full or not one.is_record}
    if packer != "folder":
        with load_packer(packer).read(delivery, packaged_standard()) as arrived:
            return not Counter(sent.values()) - Counter(map(_read_digest, arrived.members))
    content = delivery[0] / CONTENT
    found = {str(path.relative_to(content)): _digest(path) for path in content.rglob("*") if path.is_file()}
    return sent == found if is_full else sorted(sent.values()) == sorted(found.values())


def parts_of(into: Path, name: str) -> list[Path]:
    """Return the parts of the delivery `name`, the completion mark last: a folder, or a file with one beside it."""
    found = [path for path in into.iterdir() if path.name == name or path.name.startswith(f"{name}.")]
    return sorted(found, key=lambda path: len(path.name))


def _compared(samples: Sequence[Sample]) -> list[Sample]:
    """Return the samples, those that an earlier one of the same case stands in the way of expected to end so."""
    sent: dict[str, str] = {}
    found = []
    for sample in samples:
        expected = sample.expected
        if expected == "delivered":
            with load_packer(sample.packer).read(sample.parts, packaged_standard()) as reading:
                key = business_key(reading.package, reading.package.receiver_code, sample.route, packaged_standard())
                content = read_content(reading.members, DEFAULT_SUITE, silent)
            first = sent.setdefault(key, content)
            if first == content:
                expected = "delivered" if sample.code == "" else "duplicate"
            elif is_of_case(key):
                expected = "held"
        found.append(replace(sample, expected=expected))
    return found


def _police(path: Path, expected: str, code: str) -> Sample:
    mark = path.with_name(f"{path.name}.ok")
    parts: Sequence[Path] = (path, mark) if mark.exists() else (path,)
    return Sample(path.name, tuple(parts), "police", "police", expected, code)


def _expected(verdict: str) -> str:
    if verdict.startswith("reject"):
        return "refused"
    return "held" if verdict.startswith("hold") else "delivered"


def _size(path: Path) -> int:
    if path.is_dir():
        return sum(one.stat().st_size for one in path.rglob("*") if one.is_file())
    return path.stat().st_size


def _read_digest(member: Member) -> str:
    hasher = hashlib.sha256()
    with member.open() as stream:
        while piece := stream.read(READ_BYTES):
            hasher.update(piece)
    return hasher.hexdigest()


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
