"""An export that the police system cut into several zips is one, and so is an import that is too large for one zip."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.packing import Candidate, Entry, Reading, Settled
from packers.container import Limits
from packers.parts import binned, read_part_name
from packers.police import PolicePacker
from tests.support.exports import STEM, PoliceExport, ZipItem, zip_bytes
from tests.support.packets import packet_of
from tests.support.standard import STANDARD

PACKER = PolicePacker()


def entries(*names: str) -> list[Entry]:
    return [Entry(name, False, 1, 1, 1) for name in names]


def dropped(into: Path, *parts: Sequence[ZipItem], stem: str = STEM) -> list[Path]:
    """Write `parts` as the zips of one export with their marks; return zips and marks in the order of a candidate."""
    found = [
        replace(PoliceExport(), stem=f"{stem}_P{n}of{len(parts)}", raw=zip_bytes(items)).drop(into)
        for n, items in enumerate(parts, 1)
    ]
    return [zips for zips, _ in found] + [mark for _, mark in found]


def codes(reading: Reading) -> list[tuple[str, str]]:
    return [(one.code, one.verdict.value) for one in reading.findings]


def contents(reading: Reading) -> dict[str, bytes]:
    found = {}
    for member in reading.members:
        with member.open() as stream:
            found[member.path] = stream.read()
    return found


def items() -> list[ZipItem]:
    return list(PoliceExport().items())


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a_P1of3.zip", ("a", 1, 3)),
        ("a_p3OF3.ZIP", ("a", 3, 3)),
        ("a_P4of3.zip", None),
        ("a_P0of3.zip", None),
        ("a_P01of3.zip", None),
        ("a_P1of100.zip", None),
        ("a.zip", None),
    ],
)
def test_names_of_parts(name: str, expected: tuple[str, int, int] | None) -> None:
    found = read_part_name(name)
    assert (found and (found.stem, found.part, found.parts)) == expected


def test_parts_are_one_candidate_that_waits_for_all_and_their_marks() -> None:
    zips = ("a_P1of3.zip", "a_P2of3.zip", "a_P3of3.zip")
    marks = tuple(f"{name}.ok" for name in zips)

    def found(*names: str) -> list[Candidate]:
        return PACKER.candidates(entries(*names))

    whole = Candidate(zips[0], (*zips, *marks), Settled.COMPLETE)
    assert found(*marks, *zips) == [whole]
    assert found(*zips, *marks[:2]) == [Candidate(zips[0], (*zips, *marks[:2]), Settled.INCOMPLETE)]
    rest = Candidate(zips[0], (*zips[1:], *marks[1:]), Settled.INCOMPLETE)
    assert found(*zips[1:], *marks[1:]) == [rest]
    other = Candidate("b.zip", ("b.zip", "b.zip.ok"), Settled.COMPLETE)
    assert found(*zips, *marks, "b.zip", "b.zip.ok") == [whole, other]


@pytest.mark.parametrize("cut", [1, 4, 7])
def test_parts_are_read_as_one_export(cut: int, tmp_path: Path) -> None:
    with PACKER.read(PoliceExport().drop(tmp_path), STANDARD) as reading:
        whole, files, first = reading.package, contents(reading), reading.contents
    parts = dropped(tmp_path, items()[:cut], items()[cut:])
    with PACKER.read(parts, STANDARD) as reading:
        assert reading.findings == ()
        assert reading.is_whole
        assert contents(reading) == files
        assert reading.contents == first
        assert replace(reading.package, source=whole.source) == whole
        assert (reading.package.sender_code, reading.package.exported_at) == ("990102000000", "2026-03-10T15:30:12")
        assert reading.package.source.size == sum(path.stat().st_size for path in parts[:2])


def test_a_part_that_is_missing_is_waited_for(tmp_path: Path) -> None:
    first, _, mark, _ = dropped(tmp_path, items()[:4], items()[4:])
    with PACKER.read([first, mark], STANDARD) as reading:
        assert codes(reading) == [("FS-INCOMPLETE", "wait")]
        assert not reading.is_whole


def test_a_mark_that_is_missing_is_waited_for(tmp_path: Path) -> None:
    first, second, _, mark = dropped(tmp_path, items()[:4], items()[4:])
    with PACKER.read([first, second, mark], STANDARD) as reading:
        assert codes(reading) == [("FS-NO-MARKER", "wait")]


def test_a_part_that_was_changed_is_held(tmp_path: Path) -> None:
    first, second, *marks = dropped(tmp_path, items()[:4], items()[4:])
    marks[1].write_bytes(marks[0].read_bytes())
    with PACKER.read([first, second, *marks], STANDARD) as reading:
        assert codes(reading) == [("FS-MARKER-MISMATCH", "hold")]


@pytest.mark.parametrize(
    ("more", "limits", "code"),
    [
        ([ZipItem(items()[1].name, b"other")], Limits(), "ZIP-DUP-ENTRY"),
        ([ZipItem(b"a", b"x"), ZipItem(b"b", b"x")], Limits(members=9), "ZIP-LIMIT"),
        ([ZipItem(b"a", bytes(60_000))], Limits(inflated=65_000), "ZIP-LIMIT"),
        ([ZipItem(b"../a", b"x")], Limits(), "ZIP-PATH-TRAVERSAL"),
    ],
)
def test_parts_that_are_sound_alone_are_bounded_together(
    more: list[ZipItem], limits: Limits, code: str, tmp_path: Path
) -> None:
    parts = dropped(tmp_path, items(), more)
    with PolicePacker(limits).read(parts, STANDARD) as reading:
        assert [one for one, _ in codes(reading)] == [code]
        assert reading.members == ()


def test_damage_in_one_part_is_told_with_its_file(tmp_path: Path) -> None:
    broken = replace(items()[-1], crc=1)
    with PACKER.read(dropped(tmp_path, items()[:-1], [broken]), STANDARD) as reading:
        assert codes(reading) == [("ZIP-CRC", "reject")]
        assert len(reading.members) == len(items()) - 1


def test_an_import_too_large_for_one_zip_is_cut_and_reads_as_one(tmp_path: Path) -> None:
    with PACKER.read(PoliceExport().drop(tmp_path), STANDARD) as reading:
        files, found = contents(reading), packet_of(reading, tmp_path / "opened")
    (tmp_path / "in").mkdir()
    names = PolicePacker(part_bytes=9000).write(replace(found, corrects="A1_00"), tmp_path / "in")
    count = sum(name.endswith(".zip") for name in names)
    assert count >= 2
    assert names[:count] == tuple(f"A1_0f_P{n}of{count}.zip" for n in range(1, count + 1))
    assert names[count] == f"A1_0f_P1of{count}.zip.corrects"
    assert names[count + 1 :] == tuple(f"{name}.ok" for name in names[:count])
    (candidate,) = PACKER.candidates(entries(*names))
    assert candidate.settled is Settled.COMPLETE
    with PACKER.read([tmp_path / "in" / name for name in candidate.parts], STANDARD) as reading:
        assert reading.findings == ()
        assert contents(reading) == files


def test_bins_keep_the_order_and_let_a_giant_stand_alone() -> None:
    assert binned([3, 3, 9, 1, 2], lambda one: one, 6) == [[3, 3], [9], [1, 2]]
    assert binned([], len, 6) == [[]]
