"""The manifest.json of the procuratorate's folders: each file with its size and SHA-256, compared with the folder."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gateway.standard.findings import Finding, Place, Verdict
from packers.bounds import MAX_REPORTED
from packers.jsontext import JsonList, JsonObject, JsonText, JsonValue

MANIFEST = "manifest.json"
_DIGEST = re.compile(r"[0-9a-fA-F]{64}")
_SIZE = re.compile(r"[0-9]{1,18}")


@dataclass(frozen=True, slots=True)
class Listed:
    """One file of the list: `path` as written, size in bytes (-1: none stated), SHA-256 in lower case (empty: none)."""

    path: str
    size: int
    sha256: str
    line: int = 0


@dataclass(frozen=True, slots=True)
class Seen:
    """What a file that is there really has."""

    size: int
    sha256: str


def read_manifest(root: JsonObject) -> tuple[Listed, ...] | None:
    """Return the files that the list names; None if it is no such list. Other names in it count for nothing."""
    files = _member(root, "files")
    if not isinstance(files, JsonList):
        return None
    found = []
    for one in files.items:
        if not isinstance(one, JsonObject) or not (path := _text(one, "path")):
            return None
        size, digest = _text(one, "size"), _text(one, "sha256")
        found.append(
            Listed(
                path,
                int(size) if _SIZE.fullmatch(size) else -1,
                digest.lower() if _DIGEST.fullmatch(digest) else "",
                one.line,
            )
        )
    return tuple(found)


def compare(listed: Iterable[Listed], present: Mapping[str, Seen], known: Iterable[str]) -> tuple[Finding, ...]:
    """Return where the list and the files differ: D41, D42 and D2. At most MAX_REPORTED findings of each kind.

    present: by path, everything that the list has to name. known: further paths that it may name or leave out.
    """
    absent, other, unlisted = list[Finding](), list[Finding](), list[Finding]()
    free = {*known}
    named: set[str] = set()
    for one in listed:
        named.add(one.path)
        seen = present.get(one.path)
        place = Place(MANIFEST, one.line, 0, "files[].path")
        if seen is None:
            if one.path not in free:
                facts: dict[str, str | int] = {"file": one.path, "title": one.path}
                absent.append(Finding("DOC-LISTED-ABSENT", Verdict.REJECT, place, one.path, facts=facts))
        elif (one.size, one.sha256) != (seen.size, seen.sha256):
            stated: dict[str, str | int] = {"file": one.path, "stated": one.size, "actual": seen.size}
            other.append(
                Finding("FS-MARKER-MISMATCH", Verdict.HOLD, place, one.sha256, seen.sha256, "vendor", facts=stated)
            )
    for path in sorted(present.keys() - named):
        unlisted.append(Finding("DOC-UNLISTED", Verdict.HOLD, Place(path), facts={"file": path}))
    return (*absent[:MAX_REPORTED], *other[:MAX_REPORTED], *unlisted[:MAX_REPORTED])


def manifest_bytes(files: Iterable[Listed]) -> bytes:
    """Return the list as the procuratorate's system writes it: UTF-8, indented by one, no line break at the end."""
    rows = [{"path": one.path, "size": one.size, "sha256": one.sha256} for one in files]
    return json.dumps({"files": rows}, ensure_ascii=False, indent=1).encode()


def _member(value: JsonObject, name: str) -> JsonValue | None:
    return next((one for key, one in value.members.items() if key.lower() == name), None)


def _text(value: JsonObject, name: str) -> str:
    found = _member(value, name)
    return found.text.strip() if isinstance(found, JsonText) else ""
