"""Lists the vectors that aim at SEGS and DATA: chunks, segments, member hashes, zstd frames and padding."""

from collections.abc import Callable
from typing import Any

from tests.vectors import primitives as prim
from tests.vectors.forge import (
    RAW,
    RESERVED,
    RLE,
    Draft,
    Edit,
    File,
    block,
    borders,
    drawn,
    flip,
    forge,
    put,
    zeros_frame,
    zstd_frame,
)  # fmt: skip
from tests.vectors.vector import Vector, bundle, edited, made

CHUNK = prim.CHUNK + prim.TAG
SEG = 1 << 20
COMPRESSED = 2
CHECKSUM = bytes.fromhex("2a06715d")
"""The last four bytes of XXH64 over 200 times x, as a frame with a checksum ends with them."""


def vectors() -> list[Vector]:
    """All of them."""
    return [*_lengths(), *_chunks(), *_segments(), *_members(), *_frames(), *_padding()]


def _three() -> tuple[File, ...]:
    """Members that fill three chunks: DATA is 56 + 2 full chunks and a last one."""
    return (File("a", drawn("a", 20_000)), File("b", drawn("b", 20_000)))


def _large() -> tuple[File, ...]:
    """Members that fill more than two segments; the first ends in the first segment."""
    return (File("a", drawn("a", 1000)), File("b", drawn("large", 2 * SEG + 4096)))


def _lengths() -> list[Vector]:
    out = [
        bundle(f"length-{n}", f"A member of {n} bytes.", "accepted", files=(File("a", bytes(n)),))
        for n in (0, 1, 2, 16_383)
    ]
    for suite in (1, 3):
        out += [
            bundle(f"length-16384-{suite}", "The text of DATA fills one chunk, so the last one is empty.", "accepted",
                   files=(File("a", drawn("n", 16_384)),), suite=suite),
            bundle(f"length-three-chunks-{suite}", "DATA has three chunks.", "accepted", files=_three(), suite=suite),
        ]  # fmt: skip
    return [
        *out,
        bundle("many-members", "500 members, every second one empty.", "accepted",
               files=tuple(File(f"content/{n:03}", b"x" * (n % 2)) for n in range(500))),
        bundle("only-empty-members", "All members are empty, and so is the text of DATA.", "accepted",
               files=(File("a", b""), File("b", b""))),
        bundle("three-segments", "DATA has three segments; a chunk lies across their borders.", "accepted",
               files=_large()),
        made("hub-three-segments", "A hub finds three segments sound.", "accepted",
             lambda: forge(Draft(files=_large())), kind="hub"),
    ]  # fmt: skip


def _chunks() -> list[Vector]:
    """DATA changed by its own sender, so that SEGS, hashes and signatures are true of the change."""

    def data(name: str, says: str, edit: Edit, code: str = "content-auth-failed", **draft: Any) -> Vector:
        return bundle(f"chunk-{name}", says, code, data=edit, **({"files": _three()} | draft))

    def cut(raw: bytes) -> tuple[bytes, bytes, bytes, bytes]:
        return raw[:56], raw[56 : 56 + CHUNK], raw[56 + CHUNK : 56 + 2 * CHUNK], raw[56 + 2 * CHUNK :]

    def dealt(order: Callable[[bytes, bytes, bytes, bytes], bytes]) -> Edit:
        return lambda raw: order(*cut(raw))

    two = {"files": (File("a", drawn("a", 16_384)), File("b", drawn("b", 3616)))}
    return [
        data("swapped", "The first two chunks are swapped.", dealt(lambda h, a, b, z: h + b + a + z)),
        data("twice", "The first chunk stands in the place of the second too.",
             dealt(lambda h, a, b, z: h + a + a + z)),
        data("dropped", "The first chunk is missing, and the manifest agrees with the length.",
             dealt(lambda h, a, b, z: h + b + z), manifest=_shorter),
        data("dropped-middle", "The second chunk is missing, and the manifest agrees with the length.",
             dealt(lambda h, a, b, z: h + a + z), manifest=_shorter),
        data("last-cut", "The last chunk is cut to its tag, and the manifest agrees.",
             lambda raw: raw[: 56 + CHUNK] + raw[-16:], files=two["files"], manifest=_one_chunk),
        data("early-last", "The second chunk is cut short as if it were the last.",
             lambda raw: raw[: 56 + CHUNK + 3072 + prim.TAG], manifest=_two_chunks),
        data("of-other-bundle", "DATA of another bundle with the same K.",
             lambda _: _data_of(Draft(files=_three(), bundle="other", key=drawn("K bundle", 32)))),
        data("under-manifest-label", "DATA is encrypted in the context of MANIFEST.", lambda raw: raw,
             data_label="manifest"),
        data("salt", "One bit of the salt is flipped.", flip(3)),
        data("commitment", "One bit of the commitment is flipped.", flip(30)),
        data("first", "One bit of the first chunk is flipped.", flip(60)),
        data("middle", "One bit of the second chunk is flipped.", flip(56 + CHUNK + 5)),
        data("last", "One bit of the last chunk is flipped.", flip(-20)),
        data("tag", "One bit of the last tag is flipped.", flip(-1)),
        data("tag-gm", "One bit of a tag is flipped in suite 3.", flip(-1), suite=3),
        data("swapped-gm", "Two chunks are swapped in suite 3.", dealt(lambda h, a, b, z: h + b + a + z), suite=3),
        data("pq", "One bit of DATA is flipped in suite 2.", flip(60), suite=2),
    ]  # fmt: skip


def _data_of(draft: Draft) -> bytes:
    raw = forge(draft)
    return raw[borders(raw)["segs"] :]


def _set(manifest: dict[str, Any], text: int) -> None:
    """Make the manifest claim one identity member whose padded length is `text`."""
    entry = manifest["files"][0] | {"size": text, "stored": text}
    manifest.update(files=[entry], total=text, pad=0)


def _shorter(manifest: dict[str, Any]) -> None:
    _set(manifest, manifest["total"] + manifest["pad"] - prim.CHUNK)


def _one_chunk(manifest: dict[str, Any]) -> None:
    _set(manifest, prim.CHUNK)


def _two_chunks(manifest: dict[str, Any]) -> None:
    _set(manifest, prim.CHUNK + 3072)


def _segments() -> list[Vector]:
    large = Draft(files=_large())
    start = 168 + 120 + 64

    def in_data(edit: Edit) -> Edit:
        return lambda raw: raw[: borders(raw)["segs"]] + edit(raw[borders(raw)["segs"] :])

    def swapped(data: bytes) -> bytes:
        return data[SEG : 2 * SEG] + data[:SEG] + data[2 * SEG :]

    def on(name: str, says: str, code: str, edit: Edit, **known: Any) -> Vector:
        return made(name, says, code, lambda: edit(forge(large)), **known)

    bad_first: dict[str, Any] = {"manifest": lambda m: m["files"][0].update(hash="0" * 64), "files": _large()}
    return [
        edited("segs-flip", "One bit of SEGS is flipped.", "segment-list-corrupt",
               lambda b: flip(borders(b)["manifest"])(b)),
        edited("segs-flip-resigned-hash", "SEGS follows a changed DATA, and so does the header, without a signature.",
               "bad-signature", put(128, bytes(32))),
        edited("data-flip-first", "One bit of DATA's salt is flipped.", "segment-corrupt",
               lambda b: flip(borders(b)["segs"])(b)),
        edited("data-flip-last", "One bit of the last byte is flipped.", "segment-corrupt", flip(-1)),
        edited("hub-data-flip", "A hub notices a changed DATA.", "segment-corrupt", flip(-1), kind="hub"),
        edited("hub-segs-flip", "A hub notices a changed SEGS.", "segment-list-corrupt",
               lambda b: flip(borders(b)["manifest"])(b), kind="hub"),
        on("segment-second-flip", "One bit of the second segment is flipped.", "segment-corrupt",
           in_data(flip(SEG + 5))),
        on("segments-swapped", "Two segments are swapped.", "segment-corrupt", in_data(swapped)),
        on("segments-swapped-hub", "A hub notices swapped segments.", "segment-corrupt", in_data(swapped), kind="hub"),
        on("segs-swapped", "Two entries of SEGS are swapped.", "segment-list-corrupt",
           lambda b: _swap_segs(b, borders(b)["manifest"])),
        on("segment-cut", "The last segment is missing.", "truncated", lambda b: b[: borders(b)["segs"] + 2 * SEG]),
        on("segment-cut-in-manifest", "The file ends inside MANIFEST, with many segments promised.", "truncated",
           lambda b: b[: start + 10]),
        bundle("segments-swapped-signed", "Two segments and their hashes are swapped by the sender.",
               "content-auth-failed",
               files=_large(), data=swapped),
        bundle("segs-of-other-data", "SEGS speaks of other contents, truly signed; nothing else fails.", "accepted",
               segs=lambda s: bytes(len(s))),
        bundle("segs-of-other-data-two", "SEGS speaks of other contents, truly signed, and there are two recipients.",
               "segment-corrupt", to=("bob", "mallory"), segs=lambda s: bytes(len(s))),
        bundle("order-B4-C8-two", "There are two recipients; a chunk does not verify, and its segment is corrupt.",
               "segment-corrupt", to=("bob", "mallory"), data=flip(100), segs=lambda s: bytes(len(s))),
        bundle("segs-of-other-data-hub", "A hub notices that SEGS speaks of other contents.", "segment-corrupt",
               segs=lambda s: bytes(len(s)), kind="hub"),
        bundle("segs-short", "SEGS has one entry too few, truly signed.", "truncated", files=_large(),
               segs=lambda s: s[:-32]),
        bundle("segs-long", "SEGS has one entry too many, truly signed.", "trailing-bytes",
               segs=lambda s: s + bytes(32)),
        bundle("order-C9-later-segment",
               "A member in the first segment has a wrong hash, and the second segment is corrupt.",
               "file-hash-mismatch", segs=lambda s: s[:32] + bytes(32) + s[64:], **bad_first),
        bundle("order-B4-C9", "A member in the first segment has a wrong hash, and this segment is corrupt.",
               "segment-corrupt", segs=lambda s: bytes(32) + s[32:], **bad_first),
        bundle("order-B4-C8", "A chunk does not verify, and a later segment is corrupt.", "content-auth-failed",
               files=_large(), data=flip(100), segs=lambda s: s[:64] + bytes(32)),
    ]  # fmt: skip


def _swap_segs(raw: bytes, at: int) -> bytes:
    return raw[:at] + raw[at + 32 : at + 64] + raw[at : at + 32] + raw[at + 64 :]


def _members() -> list[Vector]:
    def wrong(index: int, **values: Any) -> Callable[[dict[str, Any]], None]:
        return lambda manifest: manifest["files"][index].update(values)

    pair = (File("a", b"first"), File("b", b"other"))
    empty_first = (File("a", b""), File("b", b"text"))
    return [
        bundle("hash-wrong", "A member's hash is wrong.", "file-hash-mismatch", manifest=wrong(0, hash="0" * 64)),
        bundle("hash-last-wrong", "The last member's hash is wrong.", "file-hash-mismatch",
               manifest=wrong(2, hash="0" * 64)),
        bundle("hash-empty-wrong", "The hash of an empty member is wrong.", "file-hash-mismatch",
               manifest=wrong(1, hash="0" * 64)),
        bundle("hash-empty-wrong-last", "The hash of an empty last member is wrong.", "file-hash-mismatch",
               files=empty_first[::-1], manifest=wrong(1, hash="0" * 64)),
        bundle("hash-of-sha256-in-gm", "Suite 3 with SHA-256 hashes of members.", "file-hash-mismatch", suite=3,
               manifest=wrong(0, hash=File("a", b"").entry(1)["hash"])),
        bundle("contents-swapped", "Two members' contents are swapped.", "file-hash-mismatch", files=pair,
               plain=lambda p: p[5:10] + p[:5] + p[10:]),
        bundle("border-moved", "The border between two members is moved by a byte.", "file-hash-mismatch", files=pair,
               manifest=lambda m: (m["files"][0].update(size=4, stored=4), m["files"][1].update(size=6, stored=6))),
    ]  # fmt: skip


def _frames() -> list[Vector]:
    """All frames are put together by hand, so that no library's version decides what they are."""
    text = b"x" * 200
    raw = block(RAW, b"x" * 20, 20, is_last=False) + block(RLE, b"x", 180, is_last=True)
    true = zstd_frame(200, raw)
    digit = block(RLE, b"x", 200, is_last=True)

    def zstd(name: str, says: str, stored: bytes, code: str = "file-hash-mismatch", text: bytes = text) -> Vector:
        return bundle(f"zstd-{name}", says, code, files=(File("a", text, stored), File("b", b"after")))

    big = b"x" * (131072 + 8)
    return [
        zstd("good", "A raw and a repeated block.", true, "accepted"),
        zstd("single-segment", "A frame in one segment.", zstd_frame(200, raw, window=None), "accepted"),
        zstd("size-8-bytes", "The content size has eight bytes.",
             b"\x28\xb5\x2f\xfd\xc0\x50" + (200).to_bytes(8, "little") + raw, "accepted"),
        zstd("size-1-byte", "The content size has one byte.", b"\x28\xb5\x2f\xfd\x20\xc8" + raw, "accepted"),
        zstd("size-2-bytes", "The content size has two bytes, which begin at 256.",
             b"\x28\xb5\x2f\xfd\x60" + (44).to_bytes(2, "little") + block(RLE, b"x", 300, is_last=True), "accepted",
             b"x" * 300),
        zstd("empty-block", "An empty block stands between two others.",
             zstd_frame(200, raw[:23] + block(RAW, b"", 0, is_last=False) + raw[23:]), "accepted"),
        zstd("window-8-mib", "A window of 8 MiB.", zstd_frame(200, raw, window=13 << 3), "accepted"),
        zstd("window-9-mib", "A window of 9 MiB.", zstd_frame(200, raw, window=13 << 3 | 1)),
        zstd("window-3-tib", "The greatest window that can be written.", zstd_frame(200, raw, window=255)),
        zstd("single-segment-9-mib", "A frame in one segment of 9 MiB, so its window is 9 MiB.",
             zeros_frame(9 << 20, window=None), text=bytes(9 << 20)),
        zstd("64-mib", "64 MiB from 2 KiB, the most that is permitted.", zeros_frame(64 << 20), "accepted",
             bytes(64 << 20)),
        zstd("bomb", "A frame that claims 200 bytes and holds 64 MiB.",
             zstd_frame(200, zeros_frame(64 << 20)[10:])[:170]),
        zstd("bomb-whole", "A frame that claims its file's 2400 bytes and holds 64 MiB.",
             zstd_frame(2400, zeros_frame(64 << 20)[10:]), text=b"x" * 2400),
        zstd("size-missing", "The frame does not tell its content size.", b"\x28\xb5\x2f\xfd\x00\x50" + raw),
        zstd("size-more", "The frame's content size is one more than the file's.", zstd_frame(201, digit)),
        zstd("size-less", "The frame's content size is one less than the file's.", zstd_frame(199, digit)),
        zstd("content-more", "The blocks hold one byte more than the frame says.",
             zstd_frame(200, block(RLE, b"x", 201, is_last=True))),
        zstd("content-less", "The blocks hold one byte less than the frame says.",
             zstd_frame(200, block(RLE, b"x", 199, is_last=True))),
        zstd("checksum", "The frame has a checksum, and it is right.",
             zstd_frame(200, digit + CHECKSUM, descriptor=0x84)),
        zstd("dictionary", "The frame names a dictionary.", zstd_frame(200, digit, descriptor=0x81, extra=b"\x07")),
        zstd("dictionary-0", "The frame has a dictionary id that is 0.",
             zstd_frame(200, digit, descriptor=0x81, extra=b"\x00")),
        zstd("unused-bit", "The unused bit of the frame is set, which says nothing.",
             zstd_frame(200, digit, descriptor=0x90), "accepted"),
        zstd("reserved-bit", "The reserved bit of the frame is set.", zstd_frame(200, digit, descriptor=0x88)),
        zstd("reserved-block", "A block of the reserved kind.",
             zstd_frame(200, block(RESERVED, b"x", 200, is_last=True))),
        zstd("block-too-long", "A raw block of 128 KiB and eight bytes.",
             zstd_frame(len(big) * 2,
                        block(RAW, big, len(big), is_last=False) + block(RLE, b"x", len(big), is_last=True)),
             text=big * 2),
        zstd("repeat-too-long", "A repeated block of 128 KiB and eight bytes.",
             zstd_frame(len(big), block(RLE, b"x", len(big), is_last=True)), text=big),
        zstd("compressed-garbage", "A compressed block of garbage.",
             zstd_frame(200, block(COMPRESSED, b"\xff" * 20, 20, is_last=True))),
        zstd("compressed-empty", "A compressed block without a byte.",
             zstd_frame(200, block(COMPRESSED, b"", 0, is_last=True))),
        zstd("trailing", "A byte follows the last block.", true + b"\x00"),
        zstd("two-frames", "Two frames, each of half the content.",
             zstd_frame(100, block(RLE, b"x", 100, is_last=True)) + zstd_frame(100,
                                                                               block(RLE, b"x", 100, is_last=True))),
        zstd("then-empty-frame", "An empty frame follows.", true + zstd_frame(0, block(RAW, b"", 0, is_last=True))),
        zstd("skippable", "A skippable frame stands first.",
             b"\x50\x2a\x4d\x18\x04\x00\x00\x00abcd" + zstd_frame(200, digit)),
        zstd("cut", "The last byte of the frame is missing.", true[:-1]),
        zstd("cut-header", "The frame ends inside its header.", true[:6]),
        zstd("no-last-block", "No block is marked as the last.", zstd_frame(200, block(RLE, b"x", 200, is_last=False))),
        zstd("nothing", "No byte is stored.", b""),
        zstd("legacy", "The magic of zstd 0.7.", b"\x27" + true[1:]),
        zstd("gzip", "A gzip stream.", b"\x1f\x8b\x08\x00" + bytes(20)),
    ]  # fmt: skip


def _padding() -> list[Vector]:
    odd = (File("a", b"x" * 1025),)  # padded to 1056

    def pad(name: str, says: str, edit: Edit, code: str = "padding-not-zero", **draft: Any) -> Vector:
        return bundle(f"padding-{name}", says, code, plain=edit, **({"files": odd} | draft))

    return [
        pad("good", "31 zero bytes follow.", lambda p: p, "accepted"),
        pad("first", "The first byte of padding is not zero.", put(1025, b"\x01")),
        pad("last", "The last byte of padding is not zero.", put(-1, b"\x80")),
        pad("hidden-text", "The padding holds a text.", put(-20, b"a hidden message")),
        pad("order-C9-C10", "A member's hash is wrong, and padding is not zero.", put(-1, b"\x80"),
            "file-hash-mismatch",
            manifest=lambda m: m["files"][0].update(hash="0" * 64)),
        pad("order-last-C10", "Padding in the last chunk is not zero, and the last chunk does not verify.",
            put(-1, b"\x01"), "content-auth-failed", files=(File("a", drawn("a", 40_000)),), data=flip(-1)),
    ]  # fmt: skip
