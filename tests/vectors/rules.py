"""Judges JSON, paths and zstd frames for the second reader by sections 5, 6 and 8 of docs/bundle-format.md."""

import io
import json
import re
import unicodedata
from collections.abc import Callable
from typing import Any

import zstandard

Json = dict[str, Any]
TOP = 2**53 - 1
HEX32 = re.compile(r"[0-9a-f]{32}")
HEX64 = re.compile(r"[0-9a-f]{64}")
_HEX = re.compile(r"(?:[0-9a-f]{2})*")
_META = re.compile(r"[a-z][a-z0-9_-]{0,63}")
_UNIT = re.compile(r"[0-9A-Z]{4,24}")
_DEVICE = re.compile(
    r"(?:[Cc][Oo][Nn](?:[Ii][Nn]\$|[Oo][Uu][Tt]\$)?|[Pp][Rr][Nn]|[Aa][Uu][Xx]|[Nn][Uu][Ll]|[Cc][Ll][Oo][Cc][Kk]\$"
    r"|(?:[Cc][Oo][Mm]|[Ll][Pp][Tt])[0-9\u00b9\u00b2\u00b3])\x20*(?:\.[\s\S]*)?"
)
_REASON = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_BIDI = {0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)}
_CODES = {"100", "110", "120", "201", "202", "203", "204", "301", "302", "303", "304", "305", "401", "402", "403"}
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r"}
_TO_ESCAPE = re.compile(r'[\x00-\x1f"\\]')
MEMBER_MAX = 2**46
ZSTD_MAX = 67108864


class BrokenError(Exception):
    """A rule is broken; the caller knows which code that has."""


def check(is_kept: bool) -> None:
    """Raise BrokenError unless the rule is kept."""
    if not is_kept:
        raise BrokenError


def canonical(value: object) -> bytes:
    """The canonical JSON of section 5; BrokenError for what has none."""
    try:
        return _encode(value).encode("utf-8")
    except (UnicodeEncodeError, RecursionError) as error:
        raise BrokenError from error


def parse(text: bytes) -> Any:
    """The value of canonical JSON, or BrokenError."""
    try:
        value = json.loads(text.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise BrokenError from error
    check(canonical(value) == text)
    return value


def _encode(value: object) -> str:
    if isinstance(value, str):
        return '"' + _TO_ESCAPE.sub(lambda found: _ESCAPES.get(found[0]) or f"\\u{ord(found[0]):04x}", value) + '"'
    if isinstance(value, int) and not isinstance(value, bool):
        check(0 <= value <= TOP)
        return str(value)
    if isinstance(value, list):
        return "[" + ",".join(map(_encode, value)) + "]"
    check(isinstance(value, dict))
    assert isinstance(value, dict)
    check(all(key.isascii() for key in value))
    return "{" + ",".join(f"{_encode(key)}:{_encode(value[key])}" for key in sorted(value)) + "}"


def unframe(plain: bytes, signature_length: int) -> tuple[bytes, bytes]:
    """JSON and inner signature from the plaintext of MANIFEST."""
    check(len(plain) >= 4)
    length = int.from_bytes(plain[:4], "big")
    check(len(plain) == 4 + length + signature_length)
    return plain[4 : 4 + length], plain[4 + length :]


def padme(total: int) -> int:
    """The padded length of section 5."""
    if total < 2:
        return total
    exponent = total.bit_length() - 1
    step = 1 << (exponent - exponent.bit_length())
    return -(-total // step) * step


def manifest_of(text: bytes) -> Json:
    """The manifest, after every rule of section 5 that needs nothing but its JSON."""
    check(sum(text.count(mark) for mark in (b",", b"[", b"{")) <= 1600000)
    manifest = parse(text)
    _keys(manifest, {"files": list, "meta": dict, "pad": int, "total": int, "v": int})
    check(manifest["v"] == 1)
    _meta(manifest["meta"])
    check(1 <= len(manifest["files"]) <= 100000)
    for entry in manifest["files"]:
        _file(entry)
    total = sum(entry["stored"] for entry in manifest["files"])
    check(manifest["total"] == total and manifest["pad"] == padme(total) - total)
    return manifest


def _keys(value: object, types: dict[str, type]) -> None:
    check(isinstance(value, dict))
    assert isinstance(value, dict)
    check(value.keys() == types.keys())
    check(all(type(value[key]) is wanted for key, wanted in types.items()))


def _meta(meta: Json) -> None:
    check(len(meta) <= 64)
    for key, value in meta.items():
        check(bool(_META.fullmatch(key)))
        if isinstance(value, list):
            check(len(value) <= 1024 and all(isinstance(item, str) and len(item) <= 4096 for item in value))
        else:
            check(isinstance(value, int) or (isinstance(value, str) and len(value) <= 4096))


def _file(entry: object) -> None:
    _keys(entry, {"coding": str, "hash": str, "path": str, "raw": str, "size": int, "stored": int})
    assert isinstance(entry, dict)
    size, stored, raw = entry["size"], entry["stored"], entry["raw"]
    check(len(entry["path"]) <= 4096 and bool(HEX64.fullmatch(entry["hash"])) and size <= MEMBER_MAX)
    check(bool(_HEX.fullmatch(raw)) and len(raw) <= 2 * 4096)
    if entry["coding"] == "identity":
        check(stored == size)
    else:
        check(entry["coding"] == "zstd" and size <= ZSTD_MAX and 10 * stored < 9 * size)


def check_paths(paths: list[str]) -> None:
    """Section 6: each path alone, then all together."""
    keys = set()
    for path in paths:
        _path(path)
        key = unicodedata.normalize("NFC", path.casefold())
        check(key not in keys)
        keys.add(key)
    for key in keys:
        parts = key.split("/")
        check(not any("/".join(parts[:depth]) in keys for depth in range(1, len(parts))))


def _path(path: str) -> None:
    check(unicodedata.is_normalized("NFC", path))
    parts = path.split("/")
    check(len(parts) <= 32 and not any(part in {"", ".", ".."} or len(part.encode()) > 255 for part in parts))
    check(len(path.encode()) <= 2048)
    check(not any(part.endswith((".", " ")) or _DEVICE.fullmatch(part) for part in parts))
    check(not any(c in ":\\" or unicodedata.category(c) == "Cc" or ord(c) in _BIDI for c in path))


def check_frame(frame: bytes, size: int) -> bytes:
    """The member of a zstd frame of section 5, with at most `size` bytes ever decoded."""
    check(frame[:4] == b"\x28\xb5\x2f\xfd" and len(frame) > 4)
    descriptor = frame[4]
    is_single, at = bool(descriptor & 0x20), 5
    check(descriptor & 0x0F == 0)  # reserved bit, checksum flag, dictionary id
    size_bytes = {0: 1 if is_single else 0, 1: 2, 2: 4, 3: 8}[descriptor >> 6]
    check(size_bytes > 0)
    window = size
    if not is_single:
        check(len(frame) > at)
        base = 1 << (10 + (frame[at] >> 3))
        window, at = base + base // 8 * (frame[at] & 7), at + 1
    check(len(frame) >= at + size_bytes)
    content = int.from_bytes(frame[at : at + size_bytes], "little") + (256 if size_bytes == 2 else 0)
    check(content == size and window <= 8 << 20)
    _blocks(frame, at + size_bytes)
    try:
        with zstandard.ZstdDecompressor(max_window_size=8 << 20).stream_reader(io.BytesIO(frame)) as decoder:
            member = decoder.read(size)
            check(len(member) == size and not decoder.read(1))
    except zstandard.ZstdError as error:
        raise BrokenError from error
    return member


def _blocks(frame: bytes, at: int) -> None:
    while True:
        check(len(frame) >= at + 3)
        head = int.from_bytes(frame[at : at + 3], "little")
        kind, length = head >> 1 & 3, head >> 3
        check(kind != 3 and length <= 128 << 10)
        at += 3 + (1 if kind == 1 else length)
        if head & 1:
            check(at == len(frame))
            return


_RECEIPT: dict[str, Callable[[Any], object]] = {
    "v": lambda v: v == 1,
    "bundle_id": HEX32.fullmatch,
    "header_hash": HEX64.fullmatch,
    "size": lambda v: v <= 2**47,
    "code": lambda v: v in _CODES,
    "issuer": _UNIT.fullmatch,
    "origin": lambda v: not v or _UNIT.fullmatch(v),
    "recipient": lambda v: not v or _UNIT.fullmatch(v),
    "epoch": lambda v: True,
    "sequence": lambda v: True,
    "issued_at": lambda v: True,
    "reasons": lambda v: len(v) <= 256 and all(isinstance(slug, str) and _REASON.fullmatch(slug) for slug in v),
    "findings": lambda v: _HEX.fullmatch(v) and len(v) <= 2 * 98304,
    "checkpoint": lambda v: len(v) <= 4096,
}
_NUMBERS = {"v", "size", "epoch", "sequence", "issued_at"}


def receipt_of(text: bytes) -> Json:
    """The JSON of a receipt, after every rule of section 8."""
    receipt = parse(text)
    _keys(receipt, {key: int if key in _NUMBERS else list if key == "reasons" else str for key in _RECEIPT})
    check(all(rule(receipt[key]) for key, rule in _RECEIPT.items()))
    check(receipt["findings"] == "" or receipt["code"] == "204")
    return receipt
