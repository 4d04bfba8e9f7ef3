"""Whatever bytes arrive, a packer answers with findings: no exception, no member outside, no unbounded work."""

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st

from gateway.bundle.paths import check_paths
from gateway.packing import Reading, checked
from gateway.standard.findings import Verdict, worst
from gateway.standard.package import CasePackage
from packers import names
from packers.police import PolicePacker
from packers.xmltext import parse_xml
from tests.support.exports import PoliceExport, ZipItem
from tests.support.standard import STANDARD

PACKER = PolicePacker()
HONEST = PoliceExport().zip()
STOPS = {Verdict.HOLD, Verdict.REJECT}

_NAMES = st.one_of(
    st.binary(max_size=40),
    st.text(max_size=20).map(lambda t: t.encode("utf-8", "surrogatepass")),
    st.sampled_from(
        [b"..", b"../x", b"/x", b"a/b", b"A/B", b"a", b"con", b"x" * 300, "目录".encode("gbk"), b"a\\b", b"~$x"]
    ),
)
_ITEMS = st.builds(
    ZipItem,
    name=_NAMES,
    data=st.binary(max_size=200),
    flags=st.sampled_from([0, 0, 0x800, 1, 8, 0x2041]),
    method=st.sampled_from([0, 8, 8, 8, 12, 99]),
    attributes=st.sampled_from([0, 0o600 << 16, 0o120777 << 16, 0o40755 << 16, 0x400]),
    crc=st.sampled_from([None, None, 0]),
    size=st.one_of(st.none(), st.none(), st.integers(0, 0xFFFFFFFF)),
    packed_data=st.one_of(st.none(), st.none(), st.binary(max_size=40)),
    local_name=st.one_of(st.none(), st.none(), st.binary(max_size=10)),
)


def examine(export: PoliceExport) -> Reading:
    """Read the export whole; every member that is handed out must be what it promises."""
    with TemporaryDirectory() as folder, PACKER.read(export.drop(Path(folder)), STANDARD) as unchecked:
        reading = checked(unchecked, STANDARD)
        check_paths(f"content/{m.path}" for m in reading.members)
        for member in reading.members:
            with member.open() as stream:
                assert len(stream.read()) == member.size
        assert CasePackage.from_json(reading.package.to_json()) == reading.package
        return reading


@given(st.binary(max_size=400))
def test_any_bytes(data: bytes) -> None:
    assert worst(examine(replace(PoliceExport(), raw=data)).findings) in STOPS


@given(st.binary(max_size=200))
def test_any_bytes_that_begin_like_a_zip(data: bytes) -> None:
    assert worst(examine(replace(PoliceExport(), raw=b"PK\x03\x04" + data)).findings) in STOPS


@given(st.lists(_ITEMS, max_size=5))
def test_any_members_beside_the_honest_ones(items: list[ZipItem]) -> None:
    examine(PoliceExport().with_items(*items))


@given(st.integers(0, len(HONEST) - 1), st.integers(1, 255))
def test_one_changed_byte_is_refused_or_changes_no_member(at: int, change: int) -> None:
    data = HONEST[:at] + bytes([HONEST[at] ^ change]) + HONEST[at + 1 :]
    reading = examine(replace(PoliceExport(), raw=data))
    if worst(reading.findings) not in STOPS:
        assert {m.path for m in reading.members} == {i.name.decode("gbk") for i in PoliceExport().items()}


@given(st.integers(0, len(HONEST) - 1))
def test_any_truncation_is_refused(length: int) -> None:
    assert worst(examine(replace(PoliceExport(), raw=HONEST[:length])).findings) is Verdict.REJECT


@given(st.binary(max_size=300))
def test_any_case_xml(data: bytes) -> None:
    parsed = parse_xml(data, "x.xml")
    assert (parsed.root is None) == (worst(parsed.findings) is Verdict.REJECT)


@given(st.integers(0, len(PoliceExport().xml) - 1), st.text(max_size=12))
def test_any_text_put_into_the_case_xml(at: int, text: str) -> None:
    export = PoliceExport()
    examine(replace(export, xml=export.xml[:at] + text.replace("\ud800", "") + export.xml[at:], codec="utf-8"))


@given(st.binary(max_size=200))
def test_any_completion_mark(mark: bytes) -> None:
    with TemporaryDirectory() as folder:
        parts = PoliceExport().drop(Path(folder))
        parts[1].write_bytes(mark)
        with PACKER.read(parts, STANDARD) as unchecked:
            reading = checked(unchecked, STANDARD)
            assert [f.code for f in reading.findings] == ["FS-MARKER-MISMATCH"]


@given(st.text(max_size=60))
def test_safe_names_become_paths_that_bundles_accept(name: str) -> None:
    if not names.unsafe_reason(name):
        check_paths([f"content/{names.fitting_path(names.clean_path(name))}"])


@given(st.text(min_size=1, max_size=3).flatmap(lambda t: st.just(t * 120)))
def test_long_names_become_paths_that_bundles_accept(name: str) -> None:
    if not names.unsafe_reason(name):
        check_paths([f"content/{names.fitting_path(names.clean_path(name))}"])
