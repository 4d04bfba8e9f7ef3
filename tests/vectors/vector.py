"""Names what a test vector is: one input, what its reader knows, and exactly one outcome."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.vectors.forge import CREATED, Draft, forge

KINDS = {
    "bundle": "cfb",  # steps A1 to A12, A15, B1 to B3, C
    "hub": "cfb",  # steps A1 to A9, B
    "herald": "cfh",  # the herald of a bundle; its members are what it promises
    "convoy": "cfc",  # a convoy, none of its bundles looked at
    "receipts": "cfr",  # a receipt file
    "receipt": "receipt",  # one receipt
    "findings": "receipt",  # one receipt, then its findings opened
    "key": "key",  # signing and encryption public key, to be enrolled
}


@dataclass(frozen=True, slots=True)
class Trust:
    """A signing key that the reader trusts, by its owner in the vectors, and what it knows of it."""

    who: str
    suite: int
    is_revoked: bool = False
    since: int = 0
    until: int = 2**53


@dataclass(frozen=True, slots=True)
class Vector:
    """One input and its outcome; `says` is one sentence."""

    name: str
    kind: str
    says: str
    code: str
    make: Callable[[], bytes]
    trusted: Sequence[Trust] = tuple(Trust(who, suite) for who in ("alice", "bob", "mallory") for suite in (1, 2, 3))
    own: Sequence[tuple[str, int]] = (("bob", 1), ("bob", 2), ("bob", 3))
    now: int = CREATED + 3600
    limit: int = 2**47
    suites: Sequence[int] = (1, 2, 3)
    suite: int = 1
    members: Mapping[str, bytes] = field(default_factory=dict)


def bundle(name: str, says: str, code: str, **draft_or_input: Any) -> Vector:
    """A vector forged from a draft; what is no field of a draft is a field of the vector."""
    known = {key: draft_or_input.pop(key) for key in list(draft_or_input) if key in Vector.__dataclass_fields__}
    known = {key: value for key, value in known.items() if key != "suite"} | {"suite": known.get("suite", 1)}
    draft = Draft(**draft_or_input, suite=known["suite"])
    if code == "accepted":
        known.setdefault("members", {file.path: file.text for file in draft.files})
    return Vector(name, known.pop("kind", "bundle"), says, code, lambda: forge(draft), **known)


def made(name: str, says: str, code: str, make: Callable[[], bytes], **known: Any) -> Vector:
    """A vector whose bundle is put together in another way."""
    return Vector(name, known.pop("kind", "bundle"), says, code, make, **known)


def edited(name: str, says: str, code: str, edit: Callable[[bytes], bytes], **known: Any) -> Vector:
    """A vector that is a good bundle changed without any key."""
    draft = Draft(suite=known.get("suite", 1))
    return made(name, says, code, lambda: edit(forge(draft)), **known)
