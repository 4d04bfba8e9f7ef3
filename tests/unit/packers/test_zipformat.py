"""The strict zip reader: what the zip library writes it reads, and every lie is found."""

import io
import os
import random
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from packers.container import Limits, open_container
from packers.zipformat import DamageError, MemberStream, read_directory
from packers.zipwriter import ZipWriter
from tests.support.exports import PoliceExport, ZipItem, zip_bytes


def directory_error(data: bytes, tmp_path: Path, max_members: int = 100) -> tuple[str, str]:
    path = tmp_path / "x.zip"
    path.write_bytes(data)
    with path.open("rb") as stream, pytest.raises(DamageError) as caught:
        read_directory(stream.fileno(), len(data), max_members)
    return caught.value.code, caught.value.what


def read_all(data: bytes, tmp_path: Path) -> dict[bytes, bytes]:
    path = tmp_path / "x.zip"
    path.write_bytes(data)
    with path.open("rb") as stream:
        fd = stream.fileno()
        return {r.name: io.BufferedReader(MemberStream(fd, r)).read() for r in read_directory(fd, len(data), 100)}


def content_error(item: ZipItem, tmp_path: Path) -> tuple[str, str]:
    with pytest.raises(DamageError) as caught:
        read_all(zip_bytes([item]), tmp_path)
    return caught.value.code, caught.value.what


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_reads_what_the_zip_library_writes(method: int, tmp_path: Path) -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as out:
        out.writestr("a.txt", b"x" * 100_000)
        out.writestr("empty", b"")
        out.comment = b"PK\x05\x06 a comment that looks like an end"
    assert read_all(made.getvalue(), tmp_path) == {b"a.txt": b"x" * 100_000, b"empty": b""}


def test_reads_streamed_zips_with_data_descriptors(tmp_path: Path) -> None:
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

        def tell(self) -> int:
            raise OSError

    made = Pipe()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as out, out.open("a", "w", force_zip64=True) as member:
        member.write(b"y" * 1000)
    assert read_all(made.getvalue(), tmp_path) == {b"a": b"y" * 1000}


@pytest.mark.parametrize("step", [1, 7, 4096])
def test_member_is_the_same_read_in_any_steps(step: int, tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    data = os.urandom(5000) + bytes(5000)
    path.write_bytes(zip_bytes([ZipItem(b"a", data)]))
    with path.open("rb") as stream:
        (record,) = read_directory(stream.fileno(), path.stat().st_size, 1)
        member = MemberStream(stream.fileno(), record)
        parts = []
        while part := member.read(step):
            parts.append(part)
        assert member.read(step) == b""
    assert b"".join(parts) == data


def test_bytes_that_are_no_zip(tmp_path: Path) -> None:
    assert directory_error(b"%PDF-1.4", tmp_path) == ("ZIP-NOT-ZIP", "PDF")
    assert directory_error(b"PK", tmp_path) == ("ZIP-NOT-ZIP", "unknown")


def _patched(data: bytes, at: int, new: bytes) -> bytes:
    return data[:at] + new + data[at + len(new) :]


_ONE = zip_bytes([ZipItem(b"name", b"data" * 10)])
_CENTRAL = _ONE.index(b"PK\x01\x02")
_END = _ONE.index(b"PK\x05\x06")


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (_ONE[:10] + b"x" + _ONE[10:], "directory-offset"),
        (_patched(_ONE, _END + 4, b"\x01\x00"), "several-disks"),
        (_patched(_ONE, _END + 8, b"\x02\x00\x02\x00"), "directory-short"),
        (_patched(_ONE, _END + 8, b"\x00\x00\x00\x00"), "directory-long"),
        (_patched(_ONE, _CENTRAL, b"XX"), "directory-record"),
        (_patched(_ONE, _CENTRAL + 28, b"\xff\xff"), "directory-record"),
        (_patched(_ONE, _CENTRAL + 42, struct.pack("<L", 60)), "member-outside"),
        (_patched(_ONE, _CENTRAL + 24, b"\xff\xff\xff\xff"), "zip64-extra"),
    ],
)
def test_directory_that_contradicts_itself(data: bytes, what: str, tmp_path: Path) -> None:
    assert directory_error(data, tmp_path) == ("ZIP-MALFORMED", what)


def test_every_truncation_is_found(tmp_path: Path) -> None:
    for length in range(4, len(_ONE)):
        assert directory_error(_ONE[:length], tmp_path)[0] == "ZIP-TRUNCATED"


def test_trailing_bytes_are_found(tmp_path: Path) -> None:
    assert directory_error(_ONE + b"x", tmp_path)[0] == "ZIP-TRUNCATED"


def test_too_many_members(tmp_path: Path) -> None:
    data = zip_bytes([ZipItem(b"%d" % n) for n in range(5)])
    assert directory_error(data, tmp_path, max_members=4) == ("ZIP-LIMIT", "members")


@pytest.mark.parametrize(
    ("item", "error"),
    [
        (ZipItem(b"a", b"data", crc=0), ("ZIP-CRC", "crc")),
        (ZipItem(b"a", b"data", method=0, crc=0), ("ZIP-CRC", "crc")),
        (ZipItem(b"a", b"data" * 9, size=3), ("ZIP-BOMB", "more-than-declared")),
        (ZipItem(b"a", b"data" * 9, size=3, method=0), ("ZIP-BOMB", "more-than-declared")),
        (ZipItem(b"a", b"data", size=99), ("ZIP-CRC", "short")),
        (ZipItem(b"a", b"data", size=99, method=0), ("ZIP-CRC", "short")),
        (ZipItem(b"a", b"data", packed_data=b"\xff\xff"), ("ZIP-CRC", "inflate")),
        (ZipItem(b"a", b"data", packed_data=b""), ("ZIP-CRC", "short")),
        (ZipItem(b"a", b"data", local_name=b"b"), ("ZIP-MALFORMED", "local-name")),
        (ZipItem(b"a", b"data", local_name=b"bb"), ("ZIP-MALFORMED", "local-header")),
    ],
)
def test_member_that_lies(item: ZipItem, error: tuple[str, str], tmp_path: Path) -> None:
    assert content_error(item, tmp_path) == error


def findings_of(data: bytes, tmp_path: Path, limits: Limits | None = None) -> list[tuple[str, str]]:
    path = tmp_path / "x.zip"
    path.write_bytes(data)
    with open_container(path, limits or Limits()) as container:
        container.sweep(lambda _entry: None)
        return [(f.code, str(f.facts.get("why", ""))) for f in container.findings]


def test_overlapping_members_are_a_bomb(tmp_path: Path) -> None:
    one = zip_bytes([ZipItem(b"a", bytes(2000)), ZipItem(b"b", b"x")])
    second = one.index(b"PK\x01\x02", one.index(b"PK\x01\x02") + 4)
    assert ("ZIP-BOMB", "overlap") in findings_of(_patched(one, second + 42, struct.pack("<L", 0)), tmp_path)


def test_many_members_below_the_floor_are_a_bomb_together(tmp_path: Path) -> None:
    data = zip_bytes([ZipItem(b"%d" % n, bytes(100_000)) for n in range(20)])
    limits = Limits(total_ratio_floor=1_000_000)
    assert findings_of(data, tmp_path, limits) == [("ZIP-BOMB", "ratio")]
    assert findings_of(data, tmp_path) == []


def test_absolute_limit(tmp_path: Path) -> None:
    data = zip_bytes([ZipItem(b"a", os.urandom(3000))])
    assert findings_of(data, tmp_path, Limits(inflated=2000)) == [("ZIP-BOMB", "absolute")]


def test_blank_scans_are_no_bomb(tmp_path: Path) -> None:
    noise = random.Random(1)
    page = b"".join(bytes(150) + noise.randbytes(2) for _ in range(50_000))
    assert findings_of(zip_bytes([ZipItem(b"scan.tif", page)]), tmp_path) == []


def test_other_methods_are_refused(tmp_path: Path) -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_BZIP2) as out:
        out.writestr("a", b"x")
    assert findings_of(made.getvalue(), tmp_path) == [("ZIP-METHOD", "")]


def test_folder_entries_are_no_members(tmp_path: Path) -> None:
    assert findings_of(zip_bytes([ZipItem(b"a/", method=0), ZipItem(b"a/b", b"x")]), tmp_path) == []
    assert findings_of(zip_bytes([ZipItem(b"a/", b"x")]), tmp_path) == [("ZIP-MALFORMED", "folder-with-content")]


def source(data: bytes) -> Callable[[], io.BytesIO]:
    return lambda: io.BytesIO(data)


def test_writer_is_read_by_the_zip_library() -> None:
    out = io.BytesIO()
    writer = ZipWriter(out)
    writer.add("案件信息.xml".encode("gbk"), source(b"<a/>"), size=4)
    writer.add("文书/a.pdf".encode(), source(b"x" * 70_000), size=70_000, utf8=True)
    writer.close()
    with zipfile.ZipFile(out) as made:
        assert made.testzip() is None
        first, second = made.infolist()
        assert (first.orig_filename.encode("cp437"), first.flag_bits) == ("案件信息.xml".encode("gbk"), 0)
        assert (second.filename, second.flag_bits) == ("文书/a.pdf", 0x800)
        assert made.read(second) == b"x" * 70_000


def test_writer_deflates_what_shrinks_and_stores_large_members_that_do_not() -> None:
    noise = random.Random(5).randbytes(300_000)
    members = {b"text": b"line\n" * 60_000, b"scan": noise, b"small scan": noise[:1000]}
    out = io.BytesIO()
    writer = ZipWriter(out)
    for name, text in members.items():
        writer.add(name, source(text), size=len(text))
    writer.close()
    with zipfile.ZipFile(out) as made:
        assert made.testzip() is None
        assert {one.filename.encode(): made.read(one) for one in made.infolist()} == members
        methods = [one.compress_type for one in made.infolist()]
    assert methods == [zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]


def test_writer_marks_large_members_as_zip64() -> None:
    out = io.BytesIO()
    writer = ZipWriter(out)
    writer.add(b"big", source(b"pretended"), size=1 << 33)
    writer.close()
    with zipfile.ZipFile(out) as made:
        assert made.read("big") == b"pretended"


def test_writer_needs_zip64_for_many_members(tmp_path: Path) -> None:
    path = tmp_path / "many.zip"
    with path.open("w+b") as out:
        writer = ZipWriter(out, level=0)
        for n in range(65_536):
            writer.add(b"%d" % n, source(b""), size=0)
        writer.close()
        out.flush()
        records = read_directory(out.fileno(), out.tell(), 100_000)
    assert len(records) == 65_536
    with zipfile.ZipFile(path) as made:
        assert len(made.infolist()) == 65_536


def test_honest_export_of_the_builder_is_a_sound_zip() -> None:
    with zipfile.ZipFile(io.BytesIO(PoliceExport().zip())) as made:
        assert made.testzip() is None


@pytest.mark.parametrize("lie", ["", "locator", "end", "extra"])
def test_zip64_is_read_and_checked(lie: str, tmp_path: Path) -> None:
    data = b"content of a member"
    name, crc = b"a", zlib.crc32(data)
    extra = struct.pack("<2H3Q", 1 if lie != "extra" else 9, 24, len(data), len(data), 0)
    wide = 0xFFFFFFFF
    local = struct.pack("<4s5H3L2H", b"PK\3\4", 45, 0, 0, 0, 0x21, crc, wide, wide, 1, 20)
    local += name + struct.pack("<2H2Q", 1, 16, len(data), len(data)) + data
    central = struct.pack("<4s6H3L5H2L", b"PK\1\2", 45, 45, 0, 0, 0, 0x21, crc, wide, wide, 1, 28, 0, 0, 0, 0, wide)
    central += name + extra
    size, start = len(central), len(local)
    end64 = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 1 if lie == "end" else 0, 0, 1, 1, size, start)
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, start + size + (lie == "locator"), 1)
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, wide, wide, 0)
    whole = local + central + end64 + locator + end
    if lie:
        assert directory_error(whole, tmp_path)[0] == "ZIP-MALFORMED"
    else:
        assert read_all(whole, tmp_path) == {b"a": data}
