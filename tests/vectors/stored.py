"""Loads the stored test vectors: what a reader is given, what it knows, and what must come of it."""

import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tests.vectors.reader import Ring, Signer

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Case:
    """One vector of the index; `data` is None where the input is forged when it is needed."""

    name: str
    kind: str
    says: str
    suite: int
    code: str
    members: Mapping[str, str]
    sha256: str
    data: bytes | None
    ring: Ring


@cache
def load() -> tuple[Case, ...]:
    """All vectors in the order of the index."""
    index = json.loads((HERE / "index.json").read_text(encoding="utf-8"))
    with zipfile.ZipFile(HERE / "inputs.zip") as archive:
        inputs = {name.rpartition(".")[0]: archive.read(name) for name in archive.namelist()}
    return tuple(_case(entry, index, inputs) for entry in index["vectors"])


def _case(entry: Mapping[str, Any], index: Mapping[str, Any], inputs: Mapping[str, bytes]) -> Case:
    known = {key: entry.get(key, value) for key, value in index["usual"].items()}
    ring = Ring(
        tuple(_signer(trust, index["keys"]) for trust in known["trusted"]),
        tuple(
            (index["keys"][name]["suite"], bytes.fromhex(index["keys"][name]["encrypt_seed"])) for name in known["own"]
        ),
        known["now"],
        known["limit"],
        tuple(known["suites"]),
    )
    named = {key: entry[key] for key in ("name", "kind", "says", "suite", "code", "sha256")}
    return Case(**named, members=entry.get("members", {}), data=inputs.get(entry["name"]), ring=ring)


def _signer(trust: Mapping[str, Any], keys: Mapping[str, Any]) -> Signer:
    key = keys[trust["key"]]
    public = bytes.fromhex(key["sign_public"])
    return Signer(key["suite"], public, trust["unit"], trust["revoked"], trust["since"], trust["until"])
