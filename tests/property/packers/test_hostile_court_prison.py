"""Whatever bytes a court's folder or a prison's table holds: findings, no exception, no member outside."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gateway.bundle.paths import check_paths
from gateway.packing import Packer, Packet, Reading, checked
from gateway.standard.findings import Verdict, worst
from gateway.standard.numerals import read_numeral
from gateway.standard.package import CasePackage, Person, Source
from gateway.standard.sentences import FIXED, read_term
from packers.court import CourtPacker
from packers.csvtext import parse_csv
from packers.filelist import list_bytes, read_list
from packers.overmark import OverMark, over_bytes, read_over
from packers.prison import PrisonPacker
from packers.sheetdates import Certainty, read_day
from tests.support.courts import XML, CourtExport
from tests.support.examples import examples
from tests.support.prisons import ROWS, PrisonExport
from tests.support.standard import STANDARD

FEW = settings(max_examples=examples(20), deadline=None)
"""Each lays out a whole export; `make fuzz` tries many more."""
STOPS = {Verdict.WAIT, Verdict.HOLD, Verdict.REJECT}
TABLE = PrisonExport().table()
_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


def examine(packer: Packer, parts: Sequence[Path]) -> Reading:
    """Read the export whole; every member that is handed out must be what it promises."""
    with packer.read(parts, STANDARD) as unchecked:
        reading = checked(unchecked, STANDARD)
        if worst(reading.findings) not in STOPS:
            check_paths(f"content/{m.path}" for m in reading.members)
        for member in reading.members:
            with member.open() as stream:
                assert len(stream.read()) == member.size
        assert CasePackage.from_json(reading.package.to_json()) == reading.package
        return reading


def court(export: CourtExport) -> Reading:
    with TemporaryDirectory() as folder:
        return examine(CourtPacker(), export.drop(Path(folder)))


def prison(export: PrisonExport) -> Reading:
    with TemporaryDirectory() as folder:
        return examine(PrisonPacker(), export.drop(Path(folder)))


@FEW
@given(st.binary(max_size=300))
def test_any_court_data(data: bytes) -> None:
    assert worst(court(CourtExport(raw=data)).findings) in STOPS


@FEW
@given(st.integers(0, len(XML) - 1), _TEXT)
def test_any_text_put_into_the_court_data(at: int, text: str) -> None:
    court(CourtExport(xml=XML[:at] + text + XML[at:]))


@FEW
@given(st.binary(max_size=200))
def test_any_list_of_files(data: bytes) -> None:
    with TemporaryDirectory() as folder:
        (root,) = CourtExport().drop(Path(folder))
        (root / "filelist.md5").write_bytes(data)
        assert worst(examine(CourtPacker(), (root,)).findings) in STOPS  # it names nothing that is there


@given(
    st.dictionaries(st.text("ab /文书.\ufeff\u2028", min_size=1, max_size=9), st.text("0af", min_size=32, max_size=32))
)
def test_a_list_is_read_as_it_was_written(digests: dict[str, str]) -> None:
    written = {path.removeprefix("./"): md5 for path, md5 in digests.items()}
    assume(len(written) == len(digests))  # of a file named twice only one digest can hold
    found = read_list(list_bytes(digests))
    assert found.is_sound
    assert dict(found.digests) == written


@FEW
@given(st.binary(max_size=300))
def test_any_table(data: bytes) -> None:
    assert worst(prison(PrisonExport(raw=data)).findings) in STOPS


@FEW
@given(st.integers(0, len(TABLE) - 1), st.binary(max_size=8), st.integers(0, 8))
def test_any_bytes_put_into_the_table(at: int, data: bytes, cut: int) -> None:
    prison(PrisonExport(raw=TABLE[:at] + data + TABLE[at + cut :]))


@FEW
@given(st.integers(1, len(ROWS) - 1), st.sampled_from(ROWS[0]), _TEXT)
def test_any_text_in_a_cell_is_kept_or_told(row: int, heading: str, text: str) -> None:
    reading = prison(replace(PrisonExport(), codec="gb18030").with_cell(row, heading, text))
    if worst(reading.findings) not in STOPS and text.strip() and heading == "检察意见":
        assert reading.package.persons[row - 1].changes[0].procuratorial_opinion == text.strip()


@FEW
@given(st.binary(max_size=100))
def test_any_mark_of_a_batch(data: bytes) -> None:
    with TemporaryDirectory() as folder:
        *parts, mark = PrisonExport().drop(Path(folder))
        mark.write_bytes(data)
        assert worst(examine(PrisonPacker(), (*parts, mark)).findings) in STOPS


@given(st.integers(-1, 10**9 - 1), st.integers(-1, 10**9 - 1), st.from_regex(r"[0-9a-f]{32}|", fullmatch=True))
def test_a_mark_is_read_as_it_was_written(rows: int, files: int, md5: str) -> None:
    mark = OverMark(rows, files, md5)
    assert read_over(over_bytes(mark)) == mark


@given(st.binary(max_size=200))
def test_any_csv(data: bytes) -> None:
    parsed = parse_csv(data, "x.csv", ("姓名",))
    assert (parsed.table is None) == (worst(parsed.findings) is Verdict.REJECT)


@given(st.text(max_size=14))
def test_any_cell_of_dates(text: str) -> None:
    day = read_day(text)
    assert (day.iso == text) if day.certainty is Certainty.NONE else read_day(day.iso).certainty is Certainty.AGREED


@given(st.integers(0, 9999))
def test_a_numeral_is_read_as_it_was_written(number: int) -> None:
    digits = "〇一二三四五六七八九"
    units = ["", "十", "百", "千"]
    told = str(number)
    assert read_numeral("".join(digits[int(d)] for d in told)) == number
    long = "".join(digits[int(d)] + units[len(told) - 1 - n] for n, d in enumerate(told) if d != "0") or "〇"
    assert read_numeral(long) == number


@given(st.integers(0, 25), st.integers(0, 11), st.integers(0, 29))
def test_a_term_is_read_as_it_was_written(years: int, months: int, days: int) -> None:
    text = (f"{years}年" if years else "") + (f"{months}个月" if months else "") + (f"{days}日" if days else "")
    found = read_term(text)
    if not text:
        assert found is None
    else:
        assert found is not None
        assert (found.kind, found.years, found.months, found.days) == (FIXED, years, months, days)


@given(st.text(max_size=70))
def test_any_text_is_a_term_or_none(text: str) -> None:
    read_term(text)


_ODD = st.one_of(_TEXT, st.sampled_from(["../x", "con", "a/b", "共用文书", "原始数据", "\x00", "?", "㐂"]))


@FEW
@given(
    st.lists(st.builds(Person, name=_ODD, person_no=_ODD, ordinal=_ODD, id_no=_ODD), max_size=4), _ODD, st.booleans()
)
def test_any_persons_can_be_written(persons: list[Person], title: str, to_court: bool) -> None:
    packer: Packer = CourtPacker() if to_court else PrisonPacker()
    package = CasePackage(Source("elsewhere", "x"), case_name=title, persons=tuple(persons))
    with TemporaryDirectory() as folder:
        root, into = Path(folder, "root"), Path(folder, "into")
        root.mkdir()
        into.mkdir()
        parts = [into / one for one in packer.write(Packet(package, root, {}, "N1_ab", STANDARD), into)]
        examine(packer, parts)
