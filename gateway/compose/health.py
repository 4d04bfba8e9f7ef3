"""The node's own account of itself, in a small file that `status` reads: who runs since when, which links rest and
why."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

from gateway.folders import disk

FILE_NAME = "health.json"
"""Name of the file inside the state folder."""
T = TypeVar("T")

MAX_BYTES = 4 << 20
"""A reader takes no more; 500 links that all rest make 200 KiB."""
NUMBER_MAX = 10**11
"""No number of the account comes near: as a time it is the year 5138. Larger ones have no calendar date."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """One link or route that rests, by its error's code. Times are seconds since 1970 UTC."""

    scope: str
    name: str
    code: str
    detail: str
    failures: int
    since: float
    next_try: float


@dataclass(frozen=True, slots=True)
class Waiting:
    """One export that waits in an outbound folder longer than it should, by its defect's code."""

    route: str
    export: str
    code: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Hearing:
    """How well the folders are heard; see folders.events.BellHealth. `heard_at`: seconds since 1970 UTC."""

    overflows: int = 0
    restarts: int = 0
    rearmed: int = 0
    heard_at: float = 0.0
    denied: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Short:
    """A disk that lacks room: since when, how much is missing, and how many pieces of which size wait for it; bytes."""

    folder: str
    since: float
    missing: int
    count: int
    size: int


@dataclass(frozen=True, slots=True)
class Skewed:
    """How far a peer's clock is ahead of ours: between `low` and `high` seconds, as measured at `at`."""

    peer: str
    low: float
    high: float
    at: float


@dataclass(frozen=True, slots=True)
class Health:
    """What the daemon said last. `pid` 0: nothing was read."""

    pid: int = 0
    started_at: float = 0.0
    port: int = 0
    troubles: tuple[Trouble, ...] = ()
    waiting: tuple[Waiting, ...] = ()
    deaf: tuple[str, ...] = ()
    """Folders that raise no events now; they are scanned all the same."""
    deaths: Mapping[str, int] = field(default_factory=dict)
    """worker -> how often it died of a bug since the start."""
    hearing: Hearing = field(default_factory=Hearing)
    space: tuple[Short, ...] = ()
    clocks: tuple[Skewed, ...] = ()


def write_health(state: Path, health: Health) -> None:
    """Write the file, whole or not at all. Nothing is synced: after a power cut nobody runs, and each sync keeps those
    of a handover waiting. Raises as `disk.failure` says."""
    temporary = state / f".{FILE_NAME}.new"
    with disk.mapped(state):
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "wb") as out:
            out.write(json.dumps(asdict(health), ensure_ascii=False).encode())
        temporary.replace(state / FILE_NAME)


def mark_alive(state: Path) -> None:
    """Say that the account still holds: its time is that of the last look. Raises as `disk.failure` says."""
    with disk.mapped(state):
        (state / FILE_NAME).touch()


def read_health(state: Path) -> Health:
    """Return what was last written; an empty account if there is nothing that can be read."""
    try:
        with (state / FILE_NAME).open("rb") as source:
            found = json.loads(source.read(MAX_BYTES))
        return Health(
            _plain(int, found["pid"]),
            _plain(float, found["started_at"]),
            _plain(int, found["port"]),
            tuple(_one(Trouble, one) for one in found["troubles"]),
            tuple(_one(Waiting, one) for one in found["waiting"]),
            tuple(_plain(str, one) for one in found["deaf"]),
            {_plain(str, name): _plain(int, count) for name, count in found["deaths"].items()},
            _hearing(found["hearing"]),
            tuple(_one(Short, one) for one in found["space"]),
            tuple(_skewed(one) for one in found["clocks"]),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return Health()


def _one(kind: type[T], found: Mapping[str, object]) -> T:
    return kind(**{part.name: _plain(part.type, found[part.name]) for part in fields(kind)})  # type: ignore[arg-type] # always a dataclass of plain values


def _hearing(found: Mapping[str, Any]) -> Hearing:
    return Hearing(
        _plain(int, found["overflows"]),
        _plain(int, found["restarts"]),
        _plain(int, found["rearmed"]),
        _plain(float, found["heard_at"]),
        tuple(_plain(str, one) for one in found["denied"]),
    )


def _skewed(found: Mapping[str, Any]) -> Skewed:
    """Return one measurement; a peer's clock may be behind ours, so these are the only numbers below zero."""
    low, high = (abs(_plain(float, abs(found[name]))) * (1 if found[name] >= 0 else -1) for name in ("low", "high"))
    return Skewed(_plain(str, found["peer"]), low, high, _plain(float, found["at"]))


def _plain(kind: object, value: object) -> Any:
    """Return `value` if it is text or a bounded number of this kind; what is shown is computed with."""
    if kind is str and isinstance(value, str):
        value.encode()  # a lone surrogate can be neither shown nor sent
        return value
    if isinstance(value, int if kind is int else (int, float)) and kind is not str and 0 <= value <= NUMBER_MAX:
        return value
    raise ValueError("another kind of value, or one beyond all bounds")
