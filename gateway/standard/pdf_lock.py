"""Whether an encrypted PDF opens without a password: the standard security handler with an empty user password.

No password is ever guessed: the empty one is what every reader tries, and what is only restricted opens with it.
"""

import hashlib
import re
from types import MappingProxyType
from typing import Final

_PAD: Final = bytes.fromhex("28BF4E5E4E758A4164004E56FFFA01082E2E00B6D0683E802F0CA9FE6453697A")
_NUMBER: Final = rb"\s*(-?\d{1,12})"
_STRING: Final = rb"\s*(?:\(((?:[^()\\]|\\.|\([^()\\]{0,64}\))*)\)|<([0-9A-Fa-f\s]*)>)"
_ID: Final = re.compile(rb"/ID\s*\[" + _STRING, re.DOTALL)
_ESCAPE: Final = re.compile(rb"\\([0-7]{1,3}|\r\n|.)", re.DOTALL)
_ESCAPES: Final = MappingProxyType(
    {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f", b"\r\n": b"", b"\n": b"", b"\r": b""}
)
_OCTAL: Final = tuple(b"%d" % n for n in range(8))
_OLD: Final = frozenset({2, 3, 4})
_RANDOM_KEY: Final = 5


def opens_without_password(lock: bytes, around: bytes) -> bool:
    """Return whether the encryption dictionary within `lock` lets anybody read (ISO 32000-1, 7.6.3, algorithms 4-6).

    around: bytes of the file that hold its /ID. Revision 6 (AES-256 of PDF 2.0) cannot be told here: no.
    """
    lock = _own(lock)
    revision, permissions = _number(lock, b"R"), _number(lock, b"P")
    owner, user = _string(lock, b"O"), _string(lock, b"U")
    if revision is None or permissions is None or owner is None or user is None:
        return False
    if revision == _RANDOM_KEY:
        return hashlib.sha256(user[32:40]).digest() == user[:32]
    if revision not in _OLD:
        return False
    match = _ID.search(around)
    ident = _literal(match[1], match[2]) if match is not None else b""
    length = {2: 5, 4: 16}.get(revision, (_number(lock, b"Length") or 40) // 8)
    if not 5 <= length <= 16:
        return False
    plain = b"/EncryptMetadata false" in lock and revision == 4
    key = _md5(_PAD + owner[:32] + (permissions & 0xFFFFFFFF).to_bytes(4, "little") + ident + b"\xff" * 4 * plain)
    if revision == 2:
        return _rc4(key[:length], _PAD) == user[:32]
    for _ in range(50):
        key = _md5(key[:length])
    mixed = _md5(_PAD + ident)
    for step in range(20):
        mixed = _rc4(bytes(byte ^ step for byte in key[:length]), mixed)
    return mixed == user[:16]


def _own(lock: bytes) -> bytes:
    """Return the encryption dictionary without the objects before and after it."""
    at = lock.find(b"/Standard")
    start = max(lock.rfind(word, 0, at) for word in (b"endobj", b"endstream", b"trailer", b"\nxref"))
    end = lock.find(b"endobj", at)
    return lock[max(start, 0) : end if end >= 0 else None]


def _number(lock: bytes, name: bytes) -> int | None:
    match = re.search(rb"/" + name + rb"(?![A-Za-z])" + _NUMBER, lock)
    return int(match[1]) if match is not None else None


def _string(lock: bytes, name: bytes) -> bytes | None:
    match = re.search(rb"/" + name + rb"(?![A-Za-z])" + _STRING, lock, re.DOTALL)
    return _literal(match[1], match[2]) if match is not None else None


def _literal(text: bytes | None, digits: bytes | None) -> bytes:
    if digits is not None:
        packed = b"".join(digits.split())
        return bytes.fromhex((packed + b"0" * (len(packed) % 2)).decode("ascii"))
    return _ESCAPE.sub(_unescaped, text or b"")


def _unescaped(match: re.Match[bytes]) -> bytes:
    found = match[1]
    return bytes([int(found, 8) & 0xFF]) if found[:1] in _OCTAL else _ESCAPES.get(found, found)


def _md5(raw: bytes) -> bytes:
    return hashlib.md5(raw, usedforsecurity=False).digest()


def _rc4(key: bytes, raw: bytes) -> bytes:
    """What the format prescribes; nothing is kept secret by it here."""
    state, j = list(range(256)), 0
    for i in range(256):
        j = (j + state[i] + key[i % len(key)]) & 0xFF
        state[i], state[j] = state[j], state[i]
    i = j = 0
    out = bytearray()
    for byte in raw:
        i = (i + 1) & 0xFF
        j = (j + state[i]) & 0xFF
        state[i], state[j] = state[j], state[i]
        out.append(byte ^ state[(state[i] + state[j]) & 0xFF])
    return bytes(out)
