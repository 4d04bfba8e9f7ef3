"""Whatever a folder of the procuratorate's system holds: findings, no exception, no member outside, bounded work."""

import json
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.bundle.paths import check_paths
from gateway.packing import Reading, checked
from gateway.standard.findings import Verdict, worst
from gateway.standard.package import CasePackage, Person, Source
from packers.jsontext import parse_json
from packers.police import PolicePacker
from packers.procuratorate import ProcuratoratePacker
from tests.support.examples import examples
from tests.support.packets import packet_of
from tests.support.procuratorate import FILES, ProcuratorateExport
from tests.support.standard import STANDARD

PACKER = ProcuratoratePacker()
HONEST = ProcuratorateExport()
CASE = json.loads(HONEST.text)
_JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=8)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=6), inner, max_size=3)),
    max_leaves=8,
)


def examine(export: ProcuratorateExport) -> Reading:
    """Read the folder whole; every member that is handed out must be what it promises."""
    with TemporaryDirectory() as folder, PACKER.read(export.drop(Path(folder)), STANDARD) as unchecked:
        reading = checked(unchecked, STANDARD)
        check_paths(f"content/{m.path}" for m in reading.members)
        for member in reading.members:
            with member.open() as stream:
                assert len(stream.read()) == member.size
        assert CasePackage.from_json(reading.package.to_json()) == reading.package
        return reading


@given(st.binary(max_size=300))
def test_any_bytes_as_the_case(data: bytes) -> None:
    assert worst(examine(replace(HONEST, raw=data)).findings) is Verdict.REJECT


@given(st.binary(max_size=300))
def test_any_bytes_as_json(data: bytes) -> None:
    parsed = parse_json(data, "x.json")
    assert (parsed.root is None) == (worst(parsed.findings) is Verdict.REJECT)


@given(st.integers(0, len(HONEST.text.encode()) - 1), st.binary(max_size=6))
def test_any_bytes_put_into_the_case(at: int, data: bytes) -> None:
    raw = HONEST.text.encode()
    examine(replace(HONEST, raw=raw[:at] + data + raw[at:], has_list=False))


@settings(max_examples=examples(40))
@given(
    st.sampled_from(["xtxx", "ajjbxx", "xyr", "ws", "jz", "cw", "qtxx"]),
    _JSON,
    st.sampled_from(["", "xyr", "SAZM", "JDWS", "lj", "QTXX", "wj", "YS"]),
)
def test_any_value_in_any_place(section: str, value: object, inner: str) -> None:
    case = {**CASE, section: [{inner: value}] if inner else value}
    reading = examine(replace(HONEST, text=json.dumps(case), has_list=False))
    if reading.package.persons:
        with_written(reading)


def with_written(reading: Reading) -> None:
    """What was read can be written for both agencies."""
    for n, packer in enumerate((PACKER, PolicePacker())):
        with TemporaryDirectory() as folder:
            into = Path(folder) / "in"
            into.mkdir()
            bare = replace(reading, members=())
            assert packer.write(packet_of(bare, Path(folder) / f"opened{n}"), into)


@settings(max_examples=examples(25))
@given(_JSON)
def test_any_list_of_files(rows: object) -> None:
    with TemporaryDirectory() as folder:
        (root,) = HONEST.drop(Path(folder))
        (root / "manifest.json").write_text(json.dumps({"files": rows}), "utf-8")
        with PACKER.read([root], STANDARD) as reading:
            assert worst(reading.findings) in {Verdict.HOLD, Verdict.REJECT}


@settings(max_examples=examples(10))
@given(st.integers(0, len(FILES["docs/批准逮捕决定书_张测试.ofd"]) - 1), st.integers(1, 255))
def test_one_changed_byte_of_a_document_is_seen(at: int, change: int) -> None:
    path = "docs/批准逮捕决定书_张测试.ofd"
    with TemporaryDirectory() as folder:
        (root,) = HONEST.drop(Path(folder))
        data = bytearray(FILES[path])
        data[at] ^= change
        (root / path).write_bytes(data)
        with PACKER.read([root], STANDARD) as reading:
            assert ("FS-MARKER-MISMATCH", path) in [(f.code, f.facts.get("file")) for f in reading.findings]


@settings(max_examples=examples(40))
@given(st.text(max_size=30), st.text(max_size=30))
def test_any_text_comes_through_a_zip_of_the_police(name: str, brief: str) -> None:
    texts = [t.encode("utf-8", "ignore").decode() for t in (name, brief)]
    case = CasePackage(Source("court", "x"), flow="arrest-request", persons=(Person(name=texts[0]),), brief=texts[1])
    with TemporaryDirectory() as folder:
        into = Path(folder) / "in"
        into.mkdir()
        bare = Reading(case, (), ())
        names = PolicePacker().write(packet_of(bare, Path(folder) / "opened"), into)
        with PolicePacker().read([into / one for one in names], STANDARD) as reading:
            assert worst(reading.findings) in {Verdict.PASS, Verdict.FIX}
            kept = next(m for m in reading.members if m.path.endswith("case-package.json"))
            with kept.open() as stream:
                assert CasePackage.from_json(stream.read()) == case
