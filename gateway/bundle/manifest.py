"""The manifest: the encrypted list of what a bundle holds, in canonical JSON (docs/bundle-format.md, manifest)."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from gateway.bundle import canonical
from gateway.bundle.canonical import NotCanonicalError
from gateway.bundle.envelope import DATA_MAX, MANIFEST_MAX
from gateway.bundle.suites import HASH_LENGTH
from gateway.domain.errors import SecurityError

VERSION = 1
FILES_MAX = 100_000
"""A scanned dossier has tens of thousands of pages; more is a mistake or an attack on memory."""
VALUES_MAX = 16 * FILES_MAX
"""Twice what FILES_MAX files need, for commas and brackets in names."""
RAW_MAX = 4096
_CODING_MAX = 16
META_MAX = 64
META_TEXT_MAX = 4096
META_LIST_MAX = 1024
ZSTD_MEMBER_MAX = 64 * 2**20
"""Only members up to this size may be compressed, so that a sender can know the stored length beforehand."""

BLANK = bytes(HASH_LENGTH)
"""In the place of a hash that is not known yet."""
_BLANK_FIELD = b'"hash":"%b"' % BLANK.hex().encode()

MetaValue = str | int | list[str]
_META_KEY = re.compile(r"[a-z][a-z0-9_-]{0,63}")


class Coding(StrEnum):
    """How a member's bytes are stored in DATA."""

    IDENTITY = "identity"
    ZSTD = "zstd"


_CODINGS = MappingProxyType({coding.value: coding for coding in Coding})


@dataclass(frozen=True, slots=True)
class ManifestFile:
    """One member.

    path:   relative POSIX path, NFC.
    raw:    the original name's bytes where they were not that UTF-8 text; else None.
    size:   bytes of the member; `hash`: their H.
    stored: bytes it takes in DATA, in this `coding`.
    """

    path: str
    raw: bytes | None
    size: int
    hash: bytes
    coding: Coding
    stored: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a bundle holds. `meta` is the sender's; `total`: stored bytes of all files; `pad`: zeros after them."""

    meta: Mapping[str, MetaValue]
    files: tuple[ManifestFile, ...]
    total: int
    pad: int


def padding_for(total: int) -> int:
    """Return how many zeros follow `total` bytes (Padmé: hides all but the magnitude, costs at most 12%).

    Nikitin et al., Reducing Metadata Leakage from Encrypted Files, PETS 2019, section 4.
    """
    if total < 2:
        return 0
    exponent = total.bit_length() - 1
    free = exponent - exponent.bit_length()
    return -total % (1 << free)


def may_be_zstd(size: int, stored: int) -> bool:
    """Say whether the format allows a member of `size` bytes to be stored as `stored` bytes of zstd."""
    return size <= ZSTD_MEMBER_MAX and 10 * stored < 9 * size


def build(meta: Mapping[str, MetaValue], files: Sequence[ManifestFile]) -> Manifest:
    """Return the manifest of `files` in this order."""
    total = sum(file.stored for file in files)
    return Manifest(meta, tuple(files), total, padding_for(total))


def encode(manifest: Manifest) -> bytes:
    """Return the canonical JSON of `manifest`; SecurityError `manifest-malformed` if it has no UTF-8 form."""
    try:
        return canonical.encode(_plain(manifest))
    except NotCanonicalError as error:
        raise SecurityError("manifest-malformed", str(error)) from error


def encode_checked(manifest: Manifest) -> bytes:
    """Return the canonical JSON of `manifest`; SecurityError `manifest-malformed` unless `decode` would take it.

    Every rule is applied to the values that are written, which costs half of reading them out of the JSON again.
    """
    value = _plain(manifest)
    try:
        raw = canonical.encode(value)
        canonical.check_bounds(raw, limit=MANIFEST_MAX, values_limit=VALUES_MAX)
        _manifest(value)
    except NotCanonicalError as error:
        raise SecurityError("manifest-malformed", str(error)) from error
    return raw


def filled(draft: bytes, hashes: Sequence[bytes]) -> bytes:
    """Return the JSON of a manifest out of that of its draft, which differs in that all of its files' hashes are BLANK.

    hashes: one for each file. ValueError if `draft` has not so many blanks.
    """
    # Keys are in order, so what follows upon the files is not looked at; and a quote within a name has a stroke before.
    first, *others = draft.split(_BLANK_FIELD, len(hashes))
    if len(others) != len(hashes):
        raise ValueError("a draft has a blank for each of its files")
    return first + b"".join(
        [b'"hash":"%b"%b' % (one.hex().encode(), rest) for one, rest in zip(hashes, others, strict=True)]
    )


def _plain(manifest: Manifest) -> dict[str, object]:
    return {
        "v": VERSION,
        "meta": dict(manifest.meta),
        "files": [
            {
                "path": file.path,
                "raw": (file.raw or b"").hex(),
                "size": file.size,
                "hash": file.hash.hex(),
                "coding": file.coding.value,
                "stored": file.stored,
            }
            for file in manifest.files
        ],
        "total": manifest.total,
        "pad": manifest.pad,
    }


def decode(raw: bytes) -> Manifest:
    """Parse canonical JSON; SecurityError `manifest-malformed` unless every rule of the format holds.

    Paths are only bounded here; whether they are safe is a check of its own (`paths.check_paths`).
    """
    try:
        return _manifest(canonical.decode(raw, limit=MANIFEST_MAX, values_limit=VALUES_MAX))
    except NotCanonicalError as error:
        raise SecurityError("manifest-malformed", str(error)) from error


def _manifest(value: object) -> Manifest:
    found = canonical.fields(value, "v", "meta", "files", "total", "pad")
    canonical.integer(found["v"], "v", least=VERSION, most=VERSION)
    files = tuple(_file(item) for item in canonical.items(found["files"], "files", limit=FILES_MAX))
    manifest = build(_meta(found["meta"]), files)
    if not files:
        raise NotCanonicalError("no files")
    stated = (canonical.integer(found["total"], "total"), canonical.integer(found["pad"], "pad"))
    if stated != (manifest.total, manifest.pad):
        raise NotCanonicalError("total or pad do not follow from the files")
    return manifest


def _file(value: object) -> ManifestFile:
    found = canonical.fields(value, "path", "raw", "size", "hash", "coding", "stored")
    size = canonical.integer(found["size"], "size", most=DATA_MAX)
    stored = canonical.integer(found["stored"], "stored", most=DATA_MAX)
    coding = _coding(found["coding"])
    if not (stored == size if coding is Coding.IDENTITY else may_be_zstd(size, stored)):
        raise NotCanonicalError("stored length does not fit size and coding")
    return ManifestFile(
        path=canonical.text(found["path"], "path", limit=RAW_MAX),
        raw=canonical.hexadecimal(found["raw"], "raw", most=RAW_MAX) or None,
        size=size,
        hash=canonical.hexadecimal(found["hash"], "hash", least=32, most=32),
        coding=coding,
        stored=stored,
    )


def _coding(value: object) -> Coding:
    coding = _CODINGS.get(canonical.text(value, "coding", limit=_CODING_MAX))
    if coding is None:
        raise NotCanonicalError("unknown coding")
    return coding


def _meta(value: object) -> dict[str, MetaValue]:
    if not isinstance(value, dict) or len(value) > META_MAX:
        raise NotCanonicalError("meta must be an object of bounded size")
    return {_meta_key(key): _meta_value(item) for key, item in value.items()}


def _meta_key(key: str) -> str:
    if not _META_KEY.fullmatch(key):
        raise NotCanonicalError(f"meta keys must match {_META_KEY.pattern}")
    return key


def _meta_value(value: object) -> MetaValue:
    if isinstance(value, list):
        texts = canonical.items(value, "meta list", limit=META_LIST_MAX)
        return [canonical.text(item, "meta list item", limit=META_TEXT_MAX) for item in texts]
    if isinstance(value, str):
        return canonical.text(value, "meta text", limit=META_TEXT_MAX)
    return canonical.integer(value, "meta number")
