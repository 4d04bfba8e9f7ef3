"""What every packer promises (gateway.packing), as a suite that its author runs on it: docs/packers.md shows how."""

import hashlib
import shutil
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from gateway.bundle.paths import check_paths
from gateway.domain.errors import GatewayError, TransientError
from gateway.packing import Entry, Packer, Packet, Reading, Settled
from gateway.packing_samples import FOREIGN, foreign_packet
from gateway.standard.catalogue import Standard
from gateway.standard.findings import Verdict, worst
from gateway.standard.loading import packaged_standard
from gateway.standard.package import CasePackage


class BrokenPromiseError(AssertionError):
    """A packer does not keep what the protocol asks of it; the text says what."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A packer under test, and how its exports come to be.

    drop:    writes an honest export into a folder, as the case software does, and returns its parts, the mark last.
    spoil:   makes these parts hostile (a broken container, a link out of the folder); must be refused.
    settled: what the completion rule says of the honest export.
    has_gbk_names:  whether the honest export has names that are no UTF-8; their bytes have to be kept.
    writes_gbk_names: whether an import in the same format has these bytes again; a folder is written in UTF-8.
    writes_foreign: whether it writes the cases of other formats in its own one.
    """

    name: str
    packer: Packer
    drop: Callable[[Path], tuple[Path, ...]]
    spoil: Callable[[tuple[Path, ...]], object]
    settled: Settled
    has_gbk_names: bool = False
    writes_gbk_names: bool = False
    writes_foreign: bool = True

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Promise:
    """One promise. `keep(subject, folder)` tries it in the empty `folder`; BrokenPromiseError if it is not kept."""

    name: str
    keep: Callable[[Subject, Path], None]

    def __str__(self) -> str:
        return self.name


def promises() -> tuple[Promise, ...]:
    """Return every promise, to be tried one by one: each says by its name what it is."""
    return tuple(Promise(one.__name__.removeprefix("_"), one) for one in _PROMISES)


def round_trip(reader: Subject, writer: Subject, folder: Path) -> None:
    """Read an honest export with `reader`, write it with `writer`, and read that again: nothing may be lost.

    In the same format everything is as it was, byte for byte. In another one every file is still there, whatever it is
    called, and the case package with it.
    """
    with reader.packer.read(reader.drop(_made(folder / "outbound")), _standard()) as reading:
        wanted, raws = _contents(reading), {m.path: m.raw for m in reading.members}
        packet = _opened(reading, folder / "opened")
        written = writer.packer.write(packet, _made(folder / "imports"))
    _expect(set(written) == {p.name for p in (folder / "imports").iterdir()}, "write returns every entry it made")
    with writer.packer.read([folder / "imports" / one for one in written], _standard()) as again:
        found = _contents(again)
        if writer.name == reader.name and writer.packer == reader.packer and writer.settled is not Settled.STABLE:
            _expect(found == wanted, "an import in the same format has the same members")
            if writer.writes_gbk_names:
                _expect({m.path: m.raw for m in again.members} == raws, "names keep their bytes in the same format")
            _expect(again.package.persons == reading.package.persons, "the same persons are read again")
            return
        lost = Counter(map(_digest, wanted.values())) - Counter(map(_digest, found.values()))
        _expect(not lost, f"{len(lost)} files of the export are not in the import")
        if writer.writes_foreign:
            _expect(reading.package.to_json() in found.values(), "the case package travels with its import")


def _candidates_find_the_dropped_export(subject: Subject, folder: Path) -> None:
    parts = subject.drop(_made(folder / "outbound"))
    found = subject.packer.candidates(_entries(folder / "outbound"))
    _expect(len(found) == 1, f"one export was dropped and {len(found)} are found")
    _expect(found[0].parts == tuple(p.name for p in parts), "the parts are those that were dropped, the mark last")
    _expect(found[0].settled is subject.settled, f"the completion rule says {found[0].settled}")


def _candidates_do_not_depend_on_the_order_of_a_listing(subject: Subject, folder: Path) -> None:
    subject.drop(_made(folder / "outbound"))
    entries = _entries(folder / "outbound")
    same = subject.packer.candidates(entries) == subject.packer.candidates(entries[::-1])
    _expect(same, "the order of a listing means nothing")


def _candidates_of_nothing_are_none(subject: Subject, folder: Path) -> None:
    _expect(folder.is_dir() and subject.packer.candidates([]) == [], "an empty folder holds no export")


def _an_export_without_its_mark_waits(subject: Subject, folder: Path) -> None:
    parts = subject.drop(_made(folder / "outbound"))
    if subject.settled is not Settled.COMPLETE or len(parts) < 2:
        return
    parts[-1].unlink()
    found = subject.packer.candidates(_entries(folder / "outbound"))
    _expect(all(one.settled is Settled.INCOMPLETE for one in found), "without its mark an export is not complete")


def _an_honest_export_passes(subject: Subject, folder: Path) -> None:
    with subject.packer.read(subject.drop(_made(folder / "outbound")), _standard()) as reading:
        _expect(worst(reading.findings) is Verdict.PASS, f"an honest export has findings: {reading.findings}")
        _expect(len(reading.members) > 0, "an honest export has members")


def _members_have_their_true_sizes_and_open_twice(subject: Subject, folder: Path) -> None:
    with subject.packer.read(subject.drop(_made(folder / "outbound")), _standard()) as reading:
        first, second = _contents(reading), _contents(reading)
        _expect(first == second, "a member opens any number of times")
        sizes = {m.path: m.size for m in reading.members}
        _expect(sizes == {path: len(data) for path, data in first.items()}, "a member has exactly `size` bytes")


def _members_can_be_read_side_by_side(subject: Subject, folder: Path) -> None:
    with subject.packer.read(subject.drop(_made(folder / "outbound")), _standard()) as reading:
        streams = [m.open() for m in reading.members]
        halves = [one.read(10) for one in streams]
        wholes = [half + one.read() for half, one in zip(halves, streams, strict=True)]
        for one in streams:
            one.close()
        _expect(wholes == list(_contents(reading).values()), "members do not disturb each other")


def _member_paths_are_safe_and_unique(subject: Subject, folder: Path) -> None:
    with subject.packer.read(subject.drop(_made(folder / "outbound")), _standard()) as reading:
        try:
            check_paths(f"content/{m.path}" for m in reading.members)
        except GatewayError as e:
            raise BrokenPromiseError(f"a member's path cannot travel: {e}") from e


def _raw_names_are_kept_where_they_were_not_utf8(subject: Subject, folder: Path) -> None:
    with subject.packer.read(subject.drop(_made(folder / "outbound")), _standard()) as reading:
        raws = [(m.path, m.raw) for m in reading.members if m.raw is not None]
        _expect(bool(raws) or not subject.has_gbk_names, "the bytes of names that are no UTF-8 are kept")
        _expect(all(raw.decode("gb18030") == path for path, raw in raws), "raw names say what the paths say")


def _reading_leaves_the_export_as_it_was(subject: Subject, folder: Path) -> None:
    parts = subject.drop(_made(folder / "outbound"))
    before = _tree(folder / "outbound")
    with subject.packer.read(parts, _standard()) as reading:
        _contents(reading)
    _expect(_tree(folder / "outbound") == before, "reading changes nothing")


def _reading_twice_gives_the_same(subject: Subject, folder: Path) -> None:
    parts = subject.drop(_made(folder / "outbound"))
    with subject.packer.read(parts, _standard()) as one, subject.packer.read(parts, _standard()) as two:
        _expect(one.package.to_json() == two.package.to_json(), "the same export gives the same case package")
        _expect(one.findings == two.findings, "the same export gives the same findings")
        _expect([m.path for m in one.members] == [m.path for m in two.members], "and the same members in their order")


def _a_hostile_export_is_refused_without_an_error(subject: Subject, folder: Path) -> None:
    parts = subject.drop(_made(folder / "outbound"))
    subject.spoil(parts)
    with subject.packer.read(parts, _standard()) as reading:
        _expect(worst(reading.findings) is Verdict.REJECT, "a hostile export is rejected")


def _a_missing_export_is_a_transient_error(subject: Subject, folder: Path) -> None:
    parts = subject.drop(_made(folder / "outbound"))
    for part in parts:
        shutil.rmtree(part) if part.is_dir() else part.unlink()
    _fails_locally(lambda: _read_all(subject, parts), "reading what is gone")


def _the_case_package_is_canonical(subject: Subject, folder: Path) -> None:
    with subject.packer.read(subject.drop(_made(folder / "outbound")), _standard()) as reading:
        raw = reading.package.to_json()
    _expect(CasePackage.from_json(raw).to_json() == raw, "the case package can be read again")


def _every_origin_names_a_file_of_the_export(subject: Subject, folder: Path) -> None:
    with subject.packer.read(subject.drop(_made(folder / "outbound")), _standard()) as reading:
        shown = {reading.names.get(m.path, m.path) for m in reading.members}
        wrong = {one.file for one in reading.package.origins} - shown
        _expect(not wrong, f"values are said to come from {sorted(wrong)}, which the export has not")


def _what_was_read_can_be_written_and_read_again(subject: Subject, folder: Path) -> None:
    round_trip(subject, subject, folder)


def _writing_twice_gives_the_same_bytes(subject: Subject, folder: Path) -> None:
    with subject.packer.read(subject.drop(_made(folder / "outbound")), _standard()) as reading:
        for attempt in ("one", "two"):
            subject.packer.write(_opened(reading, folder / f"opened-{attempt}"), _made(folder / attempt))
    _expect(_tree(folder / "one") == _tree(folder / "two"), "the same packet gives the same bytes")


def _written_names_start_with_the_name_given(subject: Subject, folder: Path) -> None:
    with subject.packer.read(subject.drop(_made(folder / "outbound")), _standard()) as reading:
        packet = _opened(reading, folder / "opened", "N1_ab")
        written = subject.packer.write(packet, _made(folder / "imports"))
    _expect(all(one.startswith("N1_ab") for one in written), "an import is called as the packet says")


def _a_correction_names_what_it_corrects_and_is_the_same_otherwise(subject: Subject, folder: Path) -> None:
    orders, trees = [], []
    with subject.packer.read(subject.drop(_made(folder / "outbound")), _standard()) as reading:
        for corrects in ("", "A1_00"):
            into = _made(folder / f"imports-{corrects}")
            orders.append(
                subject.packer.write(_opened(reading, folder / f"opened-{corrects}", "A1_0f", corrects), into)
            )
            trees.append(_tree(into))
    plain, correction = trees
    _expect({name: correction.get(name) for name in plain} == plain, "a correction is the same otherwise")
    more = correction.keys() - plain.keys()
    _expect(len(more) == 1, "a correction has one file more")
    text = (folder / "imports-A1_00" / more.pop()).read_bytes()
    _expect(b"A1_00" in text, "that file names the delivery that is corrected")
    _expect((orders[0][0], orders[0][-1]) == (orders[1][0], orders[1][-1]), "the mark still comes last")


def _writing_into_a_taken_name_is_an_error(subject: Subject, folder: Path) -> None:
    into = _made(folder / "imports")
    with subject.packer.read(subject.drop(_made(folder / "outbound")), _standard()) as reading:
        subject.packer.write(_opened(reading, folder / "one"), into)
        packet = _opened(reading, folder / "two")
        _fails_locally(lambda: subject.packer.write(packet, into), "writing over another import")


def _cases_of_other_formats_can_be_written_and_nothing_is_lost(subject: Subject, folder: Path) -> None:
    for name in FOREIGN:
        place = _made(folder / name)
        packet = foreign_packet(name, _made(place / "opened"), _standard())
        wanted = {p: p.read_bytes() for p in packet.root.rglob("*") if p.is_file()}
        written = subject.packer.write(packet, _made(place / "imports"))
        with subject.packer.read([place / "imports" / one for one in written], _standard()) as reading:
            _expect(not any(f.alarm for f in reading.findings), f"{name}: the import alarms its own packer")
            found = Counter(map(_digest, _contents(reading).values()))
            lost = Counter(map(_digest, wanted.values())) - found
            _expect(not lost, f"{name}: {len(lost)} files are not in the import")
            if subject.writes_foreign:
                _expect(_digest(packet.package.to_json()) in found, f"{name}: the case package is not in the import")
            if subject.writes_foreign and reading.is_understood and packet.package.persons:
                persons = [one.name for one in reading.package.persons]
                same = persons == [one.name for one in packet.package.persons]
                _expect(same, f"{name}: persons are read again as {persons}")


def _cases_of_other_formats_are_written_the_same_each_time(subject: Subject, folder: Path) -> None:
    for name in FOREIGN:
        for attempt in ("one", "two"):
            packet = foreign_packet(name, _made(folder / name / attempt / "opened"), _standard())
            subject.packer.write(packet, _made(folder / name / attempt / "imports"))
        trees = [_tree(folder / name / attempt / "imports") for attempt in ("one", "two")]
        _expect(trees[0] == trees[1], f"{name}: the same packet gives the same bytes")


_PROMISES: Final = (
    _candidates_find_the_dropped_export,
    _candidates_do_not_depend_on_the_order_of_a_listing,
    _candidates_of_nothing_are_none,
    _an_export_without_its_mark_waits,
    _an_honest_export_passes,
    _members_have_their_true_sizes_and_open_twice,
    _members_can_be_read_side_by_side,
    _member_paths_are_safe_and_unique,
    _raw_names_are_kept_where_they_were_not_utf8,
    _reading_leaves_the_export_as_it_was,
    _reading_twice_gives_the_same,
    _a_hostile_export_is_refused_without_an_error,
    _a_missing_export_is_a_transient_error,
    _the_case_package_is_canonical,
    _every_origin_names_a_file_of_the_export,
    _what_was_read_can_be_written_and_read_again,
    _writing_twice_gives_the_same_bytes,
    _written_names_start_with_the_name_given,
    _a_correction_names_what_it_corrects_and_is_the_same_otherwise,
    _writing_into_a_taken_name_is_an_error,
    _cases_of_other_formats_can_be_written_and_nothing_is_lost,
    _cases_of_other_formats_are_written_the_same_each_time,
)


def _expect(condition: bool, what: str) -> None:
    if not condition:
        raise BrokenPromiseError(what)


def _fails_locally(action: Callable[[], object], what: str) -> None:
    try:
        action()
    except TransientError as e:
        _expect(e.code == "local-io", f"{what} is told as {e.code}")
        return
    raise BrokenPromiseError(f"{what} has to fail")


def _read_all(subject: Subject, parts: tuple[Path, ...]) -> Mapping[str, bytes]:
    with subject.packer.read(parts, _standard()) as reading:
        return _contents(reading)


def _standard() -> Standard:
    return packaged_standard()


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder


def _entries(folder: Path) -> list[Entry]:
    found = []
    for path in sorted(folder.iterdir()):
        children = frozenset(p.name for p in path.iterdir()) if path.is_dir() else frozenset()
        found.append(Entry(path.name, path.is_dir(), 1, 1, 1, children))
    return found


def _contents(reading: Reading) -> dict[str, bytes]:
    found = {}
    for member in reading.members:
        with member.open() as stream:
            found[member.path] = stream.read()
    return found


def _opened(reading: Reading, root: Path, name: str = "A1_0f", corrects: str = "") -> Packet:
    """Lay the members out as a bundle does that was opened on the other side."""
    root.mkdir()
    for member in reading.members:
        path = root / member.path
        path.parent.mkdir(parents=True, exist_ok=True)
        with member.open() as stream:
            path.write_bytes(stream.read())
    raw = {m.path: m.raw for m in reading.members if m.raw is not None}
    packet = Packet(CasePackage.from_json(reading.package.to_json()), root, raw, name, _standard())
    return replace(packet, corrects=corrects)


def _tree(folder: Path) -> dict[str, str]:
    return {p.relative_to(folder).as_posix(): _digest(p.read_bytes()) for p in sorted(folder.rglob("*")) if p.is_file()}


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
