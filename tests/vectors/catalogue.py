"""Collects all test vectors; `python -m tests.vectors.catalogue` writes them to index.json and inputs.zip."""

import hashlib
import io
import json
import zipfile
from pathlib import Path
from typing import Any

from tests.vectors import (
    attacks_convoys,
    attacks_data,
    attacks_envelope,
    attacks_heralds,
    attacks_json,
    attacks_manifest,
    attacks_receipts,
    attacks_shared,
)
from tests.vectors import primitives as prim
from tests.vectors.forge import UNITS, keys_of
from tests.vectors.vector import KINDS, Trust, Vector

HERE = Path(__file__).parent
STORED_MAX = 16384
"""Bytes up to which an input is stored; above it is forged when it is needed, if it comes out the same every time."""


def all_vectors() -> list[Vector]:
    """Every vector, in the order of the index."""
    parts = (
        attacks_envelope,
        attacks_manifest,
        attacks_json,
        attacks_data,
        attacks_shared,
        attacks_receipts,
        attacks_convoys,
        attacks_heralds,
    )
    return [vector for part in parts for vector in part.vectors()]


def is_repeatable(vector: Vector) -> bool:
    """Whether forging gives the same bytes every time: ML-KEM and ML-DSA draw their own randomness."""
    return vector.suite != prim.PQ and not vector.name.endswith("of-all-suites")


def entry_of(vector: Vector) -> dict[str, Any]:
    """The vector's entry of the index, without the digest of its input."""
    entry: dict[str, Any] = {"name": vector.name, "kind": vector.kind, "says": vector.says, "suite": vector.suite}
    entry |= {"code": vector.code}
    if vector.members:
        entry["members"] = {path: hashlib.sha256(text).hexdigest() for path, text in vector.members.items()}
    known, usual = inputs_of(vector), inputs_of(Vector("", "", "", "", bytes))
    return entry | {key: value for key, value in known.items() if value != usual[key]}


def inputs_of(vector: Vector) -> dict[str, Any]:
    """What the reader of a vector knows."""
    return {
        "trusted": [_trust(trust) for trust in vector.trusted],
        "own": [f"{who}-{suite}" for who, suite in vector.own],
        "now": vector.now,
        "limit": vector.limit,
        "suites": list(vector.suites),
    }


def _trust(trust: Trust) -> dict[str, Any]:
    named = {"key": f"{trust.who}-{trust.suite}", "unit": UNITS[trust.who]}
    return named | {"revoked": trust.is_revoked, "since": trust.since, "until": trust.until}


def keys() -> dict[str, dict[str, Any]]:
    """Everybody's keys by name, in lower-case hexadecimal."""
    out = {}
    for who in UNITS:
        for suite in prim.SUITES:
            own = keys_of(who, suite)
            raw = {
                name: getattr(own, name).hex()
                for name in ("sign_seed", "encrypt_seed", "sign_public", "encrypt_public")
            }
            out[f"{who}-{suite}"] = {"suite": suite} | raw
    return out


def write(folder: Path) -> None:
    """Write index and inputs; an input of suite 2 whose entry has not changed is kept as it is."""
    entries, inputs = [], {}
    before, kept = _before(folder)
    for vector in all_vectors():
        entry, name = entry_of(vector), f"{vector.name}.{KINDS[vector.kind]}"
        old = before.get(vector.name, {})
        is_kept = not is_repeatable(vector) and name in kept and entry.items() <= old.items()
        raw = kept[name] if is_kept else vector.make()
        if len(raw) <= STORED_MAX or not is_repeatable(vector):
            inputs[name] = raw
        entries.append(entry | {"size": len(raw), "sha256": hashlib.sha256(raw).hexdigest()})
    (folder / "inputs.zip").write_bytes(_archive(inputs))
    (folder / "index.json").write_text(_index(entries), encoding="utf-8")


def _before(folder: Path) -> tuple[dict[str, dict[str, Any]], dict[str, bytes]]:
    if not (folder / "index.json").exists():
        return {}, {}
    entries = json.loads((folder / "index.json").read_text(encoding="utf-8"))["vectors"]
    with zipfile.ZipFile(folder / "inputs.zip") as archive:
        return {entry["name"]: entry for entry in entries}, {name: archive.read(name) for name in archive.namelist()}


def _archive(inputs: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(inputs):
            archive.writestr(zipfile.ZipInfo(name), inputs[name], zipfile.ZIP_DEFLATED)
    return out.getvalue()


def _index(entries: list[dict[str, Any]]) -> str:
    """One vector to a line, so that a change shows as one."""

    def lines(values: list[str]) -> str:
        return ",\n".join(f"  {value}" for value in values)

    def text(value: object) -> str:
        return json.dumps(value, ensure_ascii=False)

    named = [f"{text(name)}: {text(value)}" for name, value in keys().items()]
    usual = text(inputs_of(Vector("", "", "", "", bytes)))
    vectors = lines([text(entry) for entry in entries])
    return f'{{\n"usual": {usual},\n"keys": {{\n{lines(named)}\n}},\n"vectors": [\n{vectors}\n]\n}}\n'


if __name__ == "__main__":
    write(HERE)
