"""The case package's one canonical form: what is written is read, anything else is refused."""

import json
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.errors import SecurityError
from gateway.standard.findings import Finding, Place, Verdict
from gateway.standard.package import (
    MAX_CASE_PACKAGE_BYTES,
    MAX_CASE_PACKAGE_VALUES,
    CasePackage,
    Charge,
    Document,
    DossierEntry,
    Mark,
    Measure,
    Origin,
    Person,
    Renamed,
    Source,
    UnknownValue,
    Volume,
    is_readable,
    marks_of,
)

TEXT = st.text(st.characters(codec="utf-8"), max_size=8)
NUMBER = st.integers(0, 10**6)
CASES = st.builds(
    CasePackage,
    source=st.builds(Source, format=TEXT, name=TEXT, size=NUMBER),
    case_no=TEXT,
    brief=TEXT,
    persons=st.lists(
        st.builds(
            Person,
            name=TEXT,
            charges=st.lists(st.builds(Charge, code=TEXT), max_size=2).map(tuple),
            measures=st.lists(st.builds(Measure, start=TEXT), max_size=2).map(tuple),
        ),
        max_size=2,
    ).map(tuple),
    documents=st.lists(st.builds(Document, title=TEXT, path=TEXT, pages=NUMBER), max_size=2).map(tuple),
    volumes=st.lists(
        st.builds(
            Volume,
            kind=TEXT,
            title=TEXT,
            entries=st.lists(st.builds(DossierEntry, title=TEXT, path=TEXT), max_size=2).map(tuple),
        ),
        max_size=2,
    ).map(tuple),
    origins=st.lists(st.builds(Origin, value=TEXT, label=TEXT, tag=TEXT, file=TEXT, line=NUMBER), max_size=2).map(
        tuple
    ),
    unknown=st.lists(st.builds(UnknownValue, name=TEXT, value=TEXT, file=TEXT), max_size=2).map(tuple),
    renamed=st.lists(st.builds(Renamed, path=TEXT, name=TEXT), max_size=2).map(tuple),
    dropped=st.lists(TEXT, max_size=2).map(tuple),
)

RAW = CasePackage(Source("folder", "案"), case_no="A1", persons=(Person(name="张测试"),)).to_json()


@given(CASES)
def test_every_case_package_survives_the_way(case: CasePackage) -> None:
    raw = case.to_json()
    assert CasePackage.from_json(raw) == case
    assert CasePackage.from_json(raw).to_json() == raw


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"null",
        b"[]",
        RAW + b" ",
        b" " + RAW,
        RAW[:-1],
        RAW.replace(b'"v":1', b'"v":2'),
        RAW.replace(b'"v":1', b'"v":1.0'),
        RAW.replace(b'"v":1', b'"v":true'),
        RAW.replace(b'"v":1', b'"v":"1"'),
        RAW.replace(b'"v":1', b'"v":-1'),
        RAW.replace(b'"v":1', b'"v":NaN'),
        RAW.replace(b'"v":1', b'"v":1,"v":1'),
        RAW.replace(b'"v":1', b'"v":1,"x":1'),
        RAW.replace(b'"brief":"",', b""),
        RAW.replace(b'"brief":""', b'"brief":null'),
        RAW.replace(b'"brief":""', b'"brief":"\\u0041"'),
        RAW.replace(b'"brief":""', b'"brief":"\\ud800"'),
        RAW.replace(b'"brief":""', b'"brief":"\xff"'),
        RAW.replace(b'"marks":[]', b'"marks":{}'),
        b"[" * 200_000,
        b'{"v":' + b"9" * 10_000 + b"}",
        json.dumps(json.loads(RAW), ensure_ascii=False, sort_keys=True).encode(),
    ],
    ids=range(23),
)
def test_anything_else_is_refused(raw: bytes) -> None:
    assert raw != RAW
    with pytest.raises(SecurityError) as caught:
        CasePackage.from_json(raw)
    assert caught.value.code == "case-package-malformed"


@given(st.integers(0, len(RAW) - 1))
def test_every_truncation_is_refused(length: int) -> None:
    with pytest.raises(SecurityError):
        CasePackage.from_json(RAW[:length])


def test_too_long_is_refused_before_it_is_parsed() -> None:
    with pytest.raises(SecurityError, match="longer"):
        CasePackage.from_json(b"[" * (MAX_CASE_PACKAGE_BYTES + 1))


@pytest.mark.parametrize("nest", [b"{},", b"[],"])
def test_too_many_values_are_refused_before_they_are_parsed(nest: bytes) -> None:
    raw = b"[" + nest * (MAX_CASE_PACKAGE_VALUES // 2) + b"{}]"
    assert len(raw) <= MAX_CASE_PACKAGE_BYTES
    assert not is_readable(raw)
    tracemalloc.start()
    with pytest.raises(SecurityError, match="values"):
        CasePackage.from_json(raw)
    assert tracemalloc.get_traced_memory()[1] < 1 << 20
    tracemalloc.stop()


def test_error_quotes_no_content() -> None:
    with pytest.raises(SecurityError) as caught:
        CasePackage.from_json(RAW + b" ")
    assert "张" not in str(caught.value)


def test_repr_shows_no_person() -> None:
    assert "张" not in repr(CasePackage.from_json(RAW))
    assert "张" not in repr(Person(name="张测试", id_no="990102199202290172"))


def test_marks_are_what_travels() -> None:
    place = Place("a.xml", 3, 4, "姓名(XM)")
    findings = tuple(Finding(v.value, v, place, "x", "y") for v in Verdict)
    assert marks_of(findings) == (
        Mark("fix", "fix", "a.xml", 3, 4, "姓名(XM)", "x", "y"),
        Mark("warn", "warn", "a.xml", 3, 4, "姓名(XM)", "x", "y"),
    )
