"""The node's own account of itself, in a small file that `status` reads: who runs since when, which links rest and
why."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TypeVar

from gateway.folders import disk

FILE_NAME = "health.json"
"""Name of the file inside the state folder."""
T = TypeVar("T")

MAX_BYTES = 4 << 20
"""A reader takes no more; 500 links that all rest make 200 KiB."""


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


def write_health(state: Path, health: Health) -> None:
    """Write the file; durable or not is of no matter, whole or not at all is. Raises as `disk.failure` says."""
    disk.write_durably(state / FILE_NAME, json.dumps(asdict(health), ensure_ascii=False).encode())


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
            found["pid"],
            found["started_at"],
            found["port"],
            _each(Trouble, found["troubles"]),
            _each(Waiting, found["waiting"]),
            tuple(found["deaf"]),
            found["deaths"],
        )
    except (OSError, ValueError, KeyError, TypeError):
        return Health()


def _each(kind: type[T], found: Sequence[Mapping[str, object]]) -> tuple[T, ...]:
    return tuple(kind(**one) for one in found)
