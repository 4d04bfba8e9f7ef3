"""What every packer promises (gateway.packing), tried on each of them with an export of its own kind."""

import hashlib
import os
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.bundle.paths import check_paths
from gateway.domain.errors import TransientError
from gateway.packing import ORIGINALS, Entry, Packer, Packet, Reading, Settled
from gateway.standard.findings import worst
from gateway.standard.package import CasePackage
from packers.folder import FolderPacker
from packers.police import PolicePacker
from packers.procuratorate import ProcuratoratePacker
from tests.support.exports import PoliceExport
from tests.support.procuratorate import ProcuratorateExport
from tests.support.samples import FOLDER_FILES, FOLDER_NAME
from tests.support.standard import STANDARD


@dataclass(frozen=True)
class Subject:
    """A packer, how its exports come to be, and what a hostile one looks like."""

    name: str
    packer: Packer
    drop: Callable[[Path], tuple[Path, ...]]
    spoil: Callable[[tuple[Path, ...]], object]
    settled: Settled

    def __str__(self) -> str:
        return self.name


def _drop_folder(into: Path) -> tuple[Path, ...]:
    root = into / FOLDER_NAME
    for name, data in FOLDER_FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    (root / os.fsdecode("清单.txt".encode("gbk"))).write_bytes(b"GBK name")
    return (root,)


def _break_zip(parts: tuple[Path, ...]) -> None:
    parts[0].write_bytes(b"PK\x03\x04 broken")


SUBJECTS = (
    Subject(
        "folder",
        FolderPacker(),
        _drop_folder,
        lambda parts: (parts[0] / "link").symlink_to("/etc/passwd"),
        Settled.STABLE,
    ),
    Subject(
        "police",
        PolicePacker(),
        lambda into: PoliceExport().drop(into),
        _break_zip,
        Settled.COMPLETE,
    ),
    Subject(
        "procuratorate",
        ProcuratoratePacker(),
        lambda into: ProcuratorateExport(gb_names=frozenset({"docs/批准逮捕决定书_张测试.ofd"})).drop(into),
        lambda parts: (parts[0] / "case.json").write_bytes(b'{"xtxx": {},,}'),
        Settled.COMPLETE,
    ),
)
ROUND_TRIPS = [(a, b) for a in SUBJECTS for b in SUBJECTS]


def entry_of(path: Path) -> Entry:
    children = frozenset(p.name for p in path.iterdir()) if path.is_dir() else frozenset()
    return Entry(path.name, path.is_dir(), 1, 1, 1, children)


def contents(reading: Reading) -> dict[str, bytes]:
    found = {}
    for member in reading.members:
        with member.open() as stream:
            found[member.path] = stream.read()
    return found


def tree(folder: Path) -> dict[str, str]:
    return {
        p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in folder.rglob("*")
        if p.is_file()
    }


def opened(reading: Reading, root: Path, name: str = "A1_0f", corrects: str = "") -> Packet:
    """Lay the members out as a bundle does that was opened on the other side."""
    root.mkdir()
    for member in reading.members:
        path = root / member.path
        path.parent.mkdir(parents=True, exist_ok=True)
        with member.open() as stream:
            path.write_bytes(stream.read())
    raw = {m.path: m.raw for m in reading.members if m.raw is not None}
    return Packet(CasePackage.from_json(reading.package.to_json()), root, raw, name, STANDARD, corrects=corrects)


@pytest.fixture(params=SUBJECTS, ids=str)
def subject(request: pytest.FixtureRequest) -> Subject:
    found: Subject = request.param
    return found


@pytest.fixture
def outbound(tmp_path: Path) -> Path:
    folder = tmp_path / "outbound"
    folder.mkdir()
    return folder


def test_candidates_find_the_dropped_export(subject: Subject, outbound: Path) -> None:
    parts = subject.drop(outbound)
    (candidate,) = subject.packer.candidates([entry_of(p) for p in outbound.iterdir()])
    assert candidate.parts == tuple(p.name for p in parts)
    assert candidate.settled is subject.settled


def test_candidates_do_not_depend_on_the_order_of_a_listing(subject: Subject, outbound: Path) -> None:
    subject.drop(outbound)
    entries = [entry_of(p) for p in outbound.iterdir()]
    assert subject.packer.candidates(entries) == subject.packer.candidates(entries[::-1])


def test_candidates_of_nothing_are_none(subject: Subject) -> None:
    assert subject.packer.candidates([]) == []


def test_honest_export_passes(subject: Subject, outbound: Path) -> None:
    with subject.packer.read(subject.drop(outbound), STANDARD) as reading:
        assert worst(reading.findings).value == "pass"
        assert reading.members


def test_member_sizes_are_true_and_members_open_twice(subject: Subject, outbound: Path) -> None:
    with subject.packer.read(subject.drop(outbound), STANDARD) as reading:
        first, second = contents(reading), contents(reading)
        assert first == second
        assert {m.path: m.size for m in reading.members} == {path: len(data) for path, data in first.items()}


def test_members_can_be_read_side_by_side(subject: Subject, outbound: Path) -> None:
    with subject.packer.read(subject.drop(outbound), STANDARD) as reading:
        streams = [m.open() for m in reading.members]
        halves = [s.read(10) for s in streams]
        wholes = [half + s.read() for half, s in zip(halves, streams, strict=True)]
        for stream in streams:
            stream.close()
        assert wholes == list(contents(reading).values())


def test_member_paths_are_safe_and_unique(subject: Subject, outbound: Path) -> None:
    with subject.packer.read(subject.drop(outbound), STANDARD) as reading:
        check_paths(f"content/{m.path}" for m in reading.members)


def test_raw_names_are_kept_where_they_were_not_utf8(subject: Subject, outbound: Path) -> None:
    with subject.packer.read(subject.drop(outbound), STANDARD) as reading:
        raws = [(m.path, m.raw) for m in reading.members if m.raw is not None]
        assert raws
        assert all(raw.decode("gb18030") == path for path, raw in raws if raw)


def test_reading_leaves_the_export_as_it_was(subject: Subject, outbound: Path) -> None:
    parts = subject.drop(outbound)
    before = tree(outbound)
    with subject.packer.read(parts, STANDARD) as reading:
        contents(reading)
    assert tree(outbound) == before


def test_reading_twice_gives_the_same(subject: Subject, outbound: Path) -> None:
    parts = subject.drop(outbound)
    with subject.packer.read(parts, STANDARD) as one, subject.packer.read(parts, STANDARD) as two:
        assert one.package.to_json() == two.package.to_json()
        assert one.findings == two.findings
        assert [m.path for m in one.members] == [m.path for m in two.members]


def test_hostile_export_gives_findings_and_no_error(subject: Subject, outbound: Path) -> None:
    parts = subject.drop(outbound)
    subject.spoil(parts)
    with subject.packer.read(parts, STANDARD) as reading:
        assert worst(reading.findings).value == "reject"


def test_case_package_is_canonical(subject: Subject, outbound: Path) -> None:
    with subject.packer.read(subject.drop(outbound), STANDARD) as reading:
        raw = reading.package.to_json()
    assert CasePackage.from_json(raw).to_json() == raw


def test_missing_export_is_a_transient_error(subject: Subject, outbound: Path) -> None:
    parts = subject.drop(outbound)
    for part in parts:
        shutil.rmtree(part) if part.is_dir() else part.unlink()
    with pytest.raises(TransientError, match="local-io"), subject.packer.read(parts, STANDARD):
        pass


@pytest.mark.parametrize(("reader", "writer"), ROUND_TRIPS, ids=str)
def test_what_was_read_can_be_written_and_read_again(
    reader: Subject, writer: Subject, outbound: Path, tmp_path: Path
) -> None:
    imports = tmp_path / "imports"
    imports.mkdir()
    with reader.packer.read(reader.drop(outbound), STANDARD) as reading:
        wanted = contents(reading)
        raws = {m.path: m.raw for m in reading.members}
        entries = writer.packer.write(opened(reading, tmp_path / "opened"), imports)
    assert set(entries) == {p.name for p in imports.iterdir()}
    with writer.packer.read([imports / e for e in entries], STANDARD) as again:
        found = contents(again)
        if writer.name == "folder":
            found = {p.removeprefix("content/"): d for p, d in found.items() if p.startswith("content/")}
        if writer.name in {"folder", reader.name}:
            assert found == wanted
        else:
            assert not Counter(wanted.values()) - Counter(found.values())  # elsewhere, but nothing is lost
            assert found[f"{ORIGINALS}/case-package.json"] == reading.package.to_json()
        if writer.name == reader.name == "police":
            assert {m.path: m.raw for m in again.members} == raws
        if writer.name == reader.name:
            assert again.package.persons == reading.package.persons


def test_writing_twice_gives_the_same_bytes(subject: Subject, outbound: Path, tmp_path: Path) -> None:
    trees = []
    with subject.packer.read(subject.drop(outbound), STANDARD) as reading:
        for attempt in ("one", "two"):
            into = tmp_path / attempt
            into.mkdir()
            subject.packer.write(opened(reading, tmp_path / f"opened-{attempt}"), into)
            trees.append(tree(into))
    assert trees[0] == trees[1]


def test_written_names_start_with_the_name_given(subject: Subject, outbound: Path, tmp_path: Path) -> None:
    with subject.packer.read(subject.drop(outbound), STANDARD) as reading:
        (tmp_path / "imports").mkdir()
        packet = opened(reading, tmp_path / "opened", "N1_ab")
        assert all(n.startswith("N1_ab") for n in subject.packer.write(packet, tmp_path / "imports"))


def test_a_correction_names_what_it_corrects_and_is_the_same_otherwise(
    subject: Subject, outbound: Path, tmp_path: Path
) -> None:
    trees, orders = [], []
    with subject.packer.read(subject.drop(outbound), STANDARD) as reading:
        for corrects in ("", "A1_00"):
            into = tmp_path / f"imports-{corrects}"
            into.mkdir()
            packet = opened(reading, tmp_path / f"opened-{corrects}", "A1_0f", corrects)
            orders.append(subject.packer.write(packet, into))
            trees.append(tree(into))
    plain, correction = trees
    assert {name: correction[name] for name in plain} == plain
    (more,) = correction.keys() - plain.keys()
    assert "A1_00" in (tmp_path / "imports-A1_00" / more).read_text("utf-8")
    assert (orders[0][0], orders[0][-1]) == (orders[1][0], orders[1][-1])  # the mark still comes last


def test_writing_into_a_taken_name_is_an_error(subject: Subject, outbound: Path, tmp_path: Path) -> None:
    into = tmp_path / "imports"
    into.mkdir()
    with subject.packer.read(subject.drop(outbound), STANDARD) as reading:
        subject.packer.write(opened(reading, tmp_path / "one"), into)
        with pytest.raises(TransientError, match="local-io"):
            subject.packer.write(opened(reading, tmp_path / "two"), into)
