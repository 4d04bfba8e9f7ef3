"""What the content of documents says beyond its kind: locks, marks of secrecy, what signatures cover, recordings."""

import hashlib
import struct

import pytest
from cryptography.hazmat.decrepit.ciphers.algorithms import ARC4
from cryptography.hazmat.primitives.ciphers import Cipher

from gateway.standard.content import Content, ContentWatch, Trouble
from gateway.standard.content_seal import Seal
from tests.support.exports import ZipItem, pdf, zip_bytes

PAD = bytes.fromhex("28BF4E5E4E758A4164004E56FFFA01082E2E00B6D0683E802F0CA9FE6453697A")
IDENT = bytes(range(16))


def read(suffix: str, data: bytes, step: int = 1 << 16) -> Content:
    watch = ContentWatch(suffix)
    for at in range(0, len(data), step):
        watch.feed(data[at : at + step])
    return watch.result()


def rc4(key: bytes, data: bytes) -> bytes:
    return Cipher(ARC4(key), mode=None).encryptor().update(data)


def locked(password: bytes, revision: int) -> bytes:
    """Return a PDF that opens with `password` (ISO 32000-1, 7.6.3): revision 2 (40 bits), 3 or 4 (128 bits), or 5."""
    owner, permissions = bytes(range(100, 132)), -3904
    if revision == 5:
        salt = b"saltsalt"
        user = hashlib.sha256(password + salt).digest() + salt + b"keysalt!"
        body = b"/V 5 /R 5 /Length 256"
    else:
        padded = (password + PAD)[:32]
        length = 5 if revision == 2 else 16
        key = hashlib.md5(padded + owner + struct.pack("<i", permissions) + IDENT).digest()
        for _ in range(50 if revision > 2 else 0):
            key = hashlib.md5(key[:length]).digest()
        if revision == 2:
            user = rc4(key[:length], PAD)
        else:
            user = hashlib.md5(PAD + IDENT).digest()
            for n in range(20):
                user = rc4(bytes(b ^ n for b in key[:length]), user)
            user += bytes(16)
        body = b"/V %d /R %d%s" % (1 if revision == 2 else 2, revision, b"" if revision == 2 else b" /Length 128")
    lock = b"8 0 obj\n<< /Filter /Standard %s /O <%s> /U <%s> /P %d >>\nendobj\n" % (
        body,
        owner.hex().encode(),
        user.hex().encode(),
        permissions,
    )
    whole = pdf("locked").replace(b"xref\n", lock + b"xref\n", 1)
    ident = IDENT.hex().encode()
    return whole.replace(b"/Root 1 0 R", b"/Root 1 0 R /Encrypt 8 0 R /ID [<%s> <%s>]" % (ident, ident))


@pytest.mark.parametrize("revision", [2, 3, 4, 5])
@pytest.mark.parametrize("step", [7, 1 << 16])
def test_restrictions_are_no_password(revision: int, step: int) -> None:
    assert read("pdf", locked(b"", revision), step).trouble is Trouble.RESTRICTED
    assert read("pdf", locked(b"geheim", revision), step).trouble is Trouble.PASSWORD


def test_what_cannot_be_told_counts_as_a_password() -> None:
    assert read("pdf", locked(b"", 3).replace(b"/R 3", b"/R 6")).trouble is Trouble.PASSWORD
    assert read("pdf", locked(b"", 3).replace(b"/U <", b"/X <")).trouble is Trouble.PASSWORD


@pytest.mark.parametrize(
    ("entry", "is_marked"),
    [
        (b"/Title <FEFF" + "机密★10年".encode("utf-16-be").hex().encode() + b">", True),
        (b"/Title (" + b"\xfe\xff" + "绝密".encode("utf-16-be") + b")", True),
        (b"/Keywords (" + "秘密★".encode("gb18030") + b")", True),
        (b"/Subject (" + "（机密）报告".encode() + b")", True),
        (b"/Title (" + "侵犯商业秘密罪".encode() + b")", False),
        (b"/Title (" + "工作报告".encode() + b")", False),
    ],
)
@pytest.mark.parametrize("step", [5, 1 << 16])
def test_the_title_of_a_pdf_may_mark_it(entry: bytes, is_marked: bool, step: int) -> None:
    found = read("pdf", pdf("x").replace(b"/Root 1 0 R", b"/Root 1 0 R " + entry), step)
    assert (found.is_marked, found.trouble) == (is_marked, None)


@pytest.mark.parametrize("method", [0, 8])
@pytest.mark.parametrize("step", [3, 1 << 16])
def test_the_title_of_an_ofd_may_mark_it(method: int, step: int) -> None:
    def titled(text: str) -> bytes:
        root = f"<ofd:OFD><ofd:DocInfo><ofd:Title>{text}</ofd:Title></ofd:DocInfo></ofd:OFD>".encode()
        return zip_bytes([ZipItem(b"OFD.xml", root, method=method), ZipItem(b"Doc_0/Document.xml", b"x" * 500)])

    assert read("ofd", titled("关于某案的报告 机密★5年"), step).is_marked
    assert read("ofd", titled("批准逮捕决定书"), step) == Content("zip")


@pytest.mark.parametrize("name", [b"Encryptions.xml", b"encryptinfo.dat"])
def test_an_encrypted_ofd(name: bytes) -> None:
    data = zip_bytes([ZipItem(b"OFD.xml", b"<OFD/>"), ZipItem(name, b"x")])
    assert read("ofd", data).trouble is Trouble.PASSWORD
    flagged = zip_bytes([ZipItem(b"OFD.xml", b"<OFD/>", flags=1)])
    assert read("ofd", flagged).trouble is Trouble.PASSWORD


def signed(more: bytes = b"") -> bytes:
    """Return a PDF whose signature covers all of it but its own place, as one that signs writes it; then `more`."""
    whole = pdf("signed").replace(
        b"%%EOF", b"/ByteRange [0 AAAAAAAAAA BBBBBBBBBB CCCCCCCCCC] /Contents <00ff00ff>\n%%EOF"
    )
    start, end = whole.index(b"<00ff"), whole.index(b"00ff>") + 5
    for mark, number in ((b"A" * 10, start), (b"B" * 10, end), (b"C" * 10, len(whole) - end)):
        whole = whole.replace(mark, b"%010d" % number)
    return whole + more


@pytest.mark.parametrize("step", [11, 1 << 16])
def test_what_a_signature_covers(step: int) -> None:
    assert read("pdf", pdf("x"), step).seal is Seal.NONE
    assert read("pdf", signed(), step).seal is Seal.PRESENT
    assert read("pdf", signed(b"\r\n"), step).seal is Seal.PRESENT
    assert read("pdf", signed(b"\n9 0 obj <<>> endobj\nstartxref\n0\n%%EOF\n"), step).seal is Seal.APPENDED
    assert read("pdf", signed().replace(b"/ByteRange [0 0", b"/ByteRange [9 0"), step).seal is Seal.MALFORMED


def film(duration: int, *, fragments: bool = False, version: int = 0) -> bytes:
    header = bytes([version, 0, 0, 0]) + (
        struct.pack(">QQLQ", 0, 0, 1000, duration) if version else struct.pack(">4L", 0, 0, 1000, duration)
    )
    mvhd = struct.pack(">L4s", 8 + len(header) + 80, b"mvhd") + header + bytes(80)
    moov = struct.pack(">L4s", 8 + len(mvhd), b"moov") + mvhd
    rest = struct.pack(">L4s", 16, b"moof") + bytes(8) if fragments else b""
    return struct.pack(">L4s", 16, b"ftyp") + bytes(8) + moov + rest + struct.pack(">L4s", 16, b"mdat") + bytes(8)


@pytest.mark.parametrize("version", [0, 1])
@pytest.mark.parametrize("step", [1, 1 << 16])
def test_a_recording_of_no_length_did_not_end_properly(version: int, step: int) -> None:
    assert read("mp4", film(9000, version=version), step).trouble is None
    assert read("mp4", film(0, version=version), step).trouble is Trouble.UNPLAYABLE
    assert read("mp4", film(0, version=version, fragments=True), step).trouble is None
