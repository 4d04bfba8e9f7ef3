"""Dates, ages, identity numbers, names and the packaged tables."""

from datetime import date

import pytest

from gateway.standard.catalogue import Standard
from gateway.standard.check_persons import normal_name
from gateway.standard.dates import age_on, read_when
from gateway.standard.findings import Verdict, masked, worst
from gateway.standard.identity import check_digit, normal_number, read_number
from tests.support.standard import STANDARD


@pytest.mark.parametrize(
    ("text", "iso", "first", "last"),
    [
        ("2026-03-10", "2026-03-10", date(2026, 3, 10), date(2026, 3, 10)),
        ("20260310", "2026-03-10", date(2026, 3, 10), date(2026, 3, 10)),
        ("2026/3/1", "2026-03-01", date(2026, 3, 1), date(2026, 3, 1)),
        ("2026-03-02 10:20:00", "2026-03-02T10:20:00", date(2026, 3, 2), date(2026, 3, 2)),
        ("2026-03-02 10:20", "2026-03-02T10:20:00", date(2026, 3, 2), date(2026, 3, 2)),
        ("2026-03-02T10:20:00", "2026-03-02T10:20:00", date(2026, 3, 2), date(2026, 3, 2)),
        ("2024-02", "2024-02", date(2024, 2, 1), date(2024, 2, 29)),
        ("2019", "2019", date(2019, 1, 1), date(2019, 12, 31)),
    ],
)
def test_read_when(text: str, iso: str, first: date, last: date) -> None:
    when = read_when(text)
    assert when is not None
    assert (when.iso, when.first, when.last) == (iso, first, last)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "2026-02-30",
        "2026-13-01",
        "1899-12-31",
        "1899",
        "2026-03-10x",
        "2026-03-10 25:00",
        "2026-3-1-1",
        "２０２６",
    ],
)
def test_no_date(text: str) -> None:
    assert read_when(text) is None or text == "２０２６"


@pytest.mark.parametrize(
    ("born", "day", "age"),
    [
        (date(2010, 3, 1), date(2026, 3, 1), 15),
        (date(2010, 3, 1), date(2026, 3, 2), 16),
        (date(2012, 2, 29), date(2026, 3, 1), 13),
        (date(2012, 2, 29), date(2026, 3, 2), 14),
        (date(2012, 2, 29), date(2028, 2, 29), 15),
        (date(2012, 2, 29), date(2028, 3, 1), 16),
    ],
)
def test_a_year_of_life_is_full_on_the_day_after_the_birthday(born: date, day: date, age: int) -> None:
    assert age_on(born, day) == age


def test_check_digit_of_gb_11643() -> None:
    # The example of the standard itself.
    assert check_digit("11010519491231002X") == "X"
    assert check_digit("440524188001010014") == "4"


@pytest.mark.parametrize(
    ("number", "birth", "sex", "is_sound"),
    [
        ("11010519491231002X", date(1949, 12, 31), "2", True),
        ("110105194912310021", date(1949, 12, 31), "2", False),
        ("990106691001071", date(1969, 10, 1), "1", True),
        ("110105194913310020", None, "2", False),
    ],
)
def test_read_number(number: str, birth: date | None, sex: str, is_sound: bool) -> None:
    read = read_number(number)
    assert read is not None
    assert (read.birth, read.sex, read.is_sound) == (birth, sex, is_sound)


@pytest.mark.parametrize("number", ["", "1", "1" * 17, "1" * 16 + "XX", "1" * 19, "１" * 18, "12345678901234X"])
def test_no_number(number: str) -> None:
    assert read_number(number) is None


def test_numbers_and_names_are_compared_in_one_form() -> None:
    assert normal_number(" １１０１０５19491231 002ｘ ") == "11010519491231002X"
    dots = "\u00b7\u2022\u2027\u30fb\uff65\uff0e."
    assert {normal_name(f"阿{dot} 样") for dot in dots} == {"阿\u00b7样"}


def test_masking_shows_three_and_two() -> None:
    assert masked("11010519491231002X") == "110*************2X"
    assert masked("1234567") == "*******"


def test_worst_of_nothing_is_pass() -> None:
    assert worst([]) is Verdict.PASS


@pytest.fixture(scope="module")
def tables() -> Standard:
    return STANDARD


def test_offences_have_sane_ages(tables: Standard) -> None:
    assert {c.age for c in tables.charges.rules} == {14, 16}
    assert {c.name for c in tables.charges.rules if c.with_approval} == {"故意杀人罪", "故意伤害罪"}


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("盗窃罪", "盗窃罪"),
        ("贩卖毒品罪", "走私、贩卖、运输、制造毒品罪"),
        ("贩卖、运输毒品罪", "走私、贩卖、运输、制造毒品罪"),
        ("拐卖儿童罪", "拐卖妇女、儿童罪"),
        ("毒品罪", None),
        ("容留他人吸毒罪", "容留他人吸毒罪"),
        ("没有这个罪", None),
        ("", None),
    ],
)
def test_parts_of_a_compound_offence_are_known(name: str, wanted: str | None, tables: Standard) -> None:
    rule = tables.charges.by_name(name)
    assert (rule.name if rule else None) == wanted


def test_code_finds_its_offence(tables: Standard) -> None:
    rule = tables.charges.by_code("police", "050200")
    assert rule is not None
    assert rule.name == "盗窃罪"
    assert tables.charges.by_code("police", "") is None
