"""What a file is, seen from its bytes in any portions."""

import struct

import pytest

from gateway.standard.content import Content, ContentWatch, Trouble
from tests.support.exports import JPEG, ZipItem, pdf, zip_bytes

OFD = zip_bytes([ZipItem(b"OFD.xml", b"<OFD/>"), ZipItem(b"Doc_0/Document.xml", b"x" * 5000)])


def box(kind: bytes, length: int = 16, *, wide: bool = False) -> bytes:
    if wide:
        return struct.pack(">L4sQ", 1, kind, 16 + length) + bytes(length)
    return struct.pack(">L4s", 8 + length, kind) + bytes(length)


CASES = [
    ("pdf", pdf("x"), Content("pdf")),
    ("PDF", pdf("x"), Content("pdf")),
    ("pdf", b"\xef\xbb\xbf" + pdf("x") + b"\r\n" * 9, Content("pdf")),
    ("pdf", pdf("x")[:-20], Content("pdf", Trouble.INCOMPLETE)),
    ("pdf", b"", Content("unknown", Trouble.EMPTY)),
    ("pdf", JPEG, Content("jpg", Trouble.OTHER_TYPE)),
    ("pdf", OFD, Content("zip", Trouble.OTHER_TYPE)),
    ("pdf", pdf("x").replace(b"/Root", b"/Encrypt 9 0 R /Root"), Content("pdf", Trouble.PASSWORD)),
    ("pdf", pdf("x").replace(b"/Root", b"/Encrypt<</V 1>> /Root"), Content("pdf", Trouble.PASSWORD)),
    ("pdf", pdf("about /EncryptMetadata true"), Content("pdf")),
    ("ofd", OFD, Content("zip")),
    ("ofd", OFD[:-30], Content("zip", Trouble.INCOMPLETE)),
    ("ofd", zip_bytes([ZipItem(b"x", b"y")]), Content("zip", Trouble.INCOMPLETE)),
    ("ofd", pdf("x"), Content("pdf", Trouble.OTHER_TYPE)),
    ("jpg", JPEG, Content("jpg")),
    ("jpg", b"text", Content("unknown", Trouble.OTHER_TYPE)),
    ("mp4", box(b"ftyp") + box(b"mdat", 9000) + box(b"moov"), Content("mp4")),
    ("mp4", box(b"ftyp") + box(b"mdat", 9000, wide=True) + box(b"moov", wide=True), Content("mp4")),
    ("mp4", box(b"ftyp") + box(b"mdat", 9000), Content("mp4", Trouble.UNPLAYABLE)),
    ("mp4", box(b"ftyp") + struct.pack(">L4s", 0, b"mdat") + box(b"moov"), Content("mp4", Trouble.UNPLAYABLE)),
    ("mp4", box(b"ftyp") + struct.pack(">L4s", 4, b"mdat") + box(b"moov"), Content("mp4", Trouble.UNPLAYABLE)),
    ("mp4", box(b"ftyp") + box(b"moov")[:-1], Content("mp4", Trouble.UNPLAYABLE)),
    ("mp4", box(b"ftyp") + box(b"moov") + struct.pack(">L4s", 0, b"mdat") + b"x", Content("mp4")),
    ("mp4", box(b"ftyp") + b"moov" * 4, Content("mp4", Trouble.UNPLAYABLE)),
    ("dav", b"DHAV", Content("dav", Trouble.PROPRIETARY)),
    ("xyz", b"anything", Content("unknown")),
    ("doc", b"{\\rtf1", Content("rtf")),
]


@pytest.mark.parametrize(("suffix", "data", "wanted"), CASES, ids=range(len(CASES)))
@pytest.mark.parametrize("step", [1, 13, 1 << 20])
def test_content(suffix: str, data: bytes, wanted: Content, step: int) -> None:
    watch = ContentWatch(suffix)
    for at in range(0, len(data), step):
        watch.feed(data[at : at + step])
    assert watch.result() == wanted
