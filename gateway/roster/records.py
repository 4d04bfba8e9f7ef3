"""One peer on disk: all its cards ever accepted, in one file that is replaced whole."""

import fcntl
import os
import shlex
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from gateway.bundle import canonical
from gateway.bundle.card import CARD_MAX, Card, parse_card
from gateway.domain.errors import ConfigError, Scope, SecurityError
from gateway.domain.ids import UnitCode, unit_code

ENDING = ".cfpeer"
CARDS_MAX = 256
"""Cards of one peer; a renewal every 90 days fills them in sixty years."""
FILE_MAX = 64 << 20
"""Bytes; bounds a planted file."""

_VERSION = 1
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


class How(StrEnum):
    """Why a card was accepted."""

    CONFIRMED = "confirmed"  # a person compared its fingerprint
    RENEWED = "renewed"  # the keys of the card before it signed it


@dataclass(frozen=True, slots=True)
class Accepted:
    """One card, when (seconds since 1970 UTC) and why it was accepted; `raw` is its file."""

    card: Card
    raw: bytes
    how: How
    at: int


@dataclass(frozen=True, slots=True)
class Record:
    """What is kept of a peer: its cards, oldest first, and when it was revoked (None while it is not)."""

    unit: UnitCode
    cards: tuple[Accepted, ...]
    revoked_at: int | None

    def to_json(self) -> bytes:
        """Return the file's bytes."""
        cards = [{"card": one.raw.hex(), "how": one.how.value, "at": one.at} for one in self.cards]
        return canonical.encode({"v": _VERSION, "unit": self.unit, "cards": cards, "revoked_at": self.revoked_at})


def from_json(raw: bytes) -> Record:
    """Undo `Record.to_json`, every card verified anew; ValueError or SecurityError for anything else."""
    decoded = canonical.decode(raw, limit=FILE_MAX, values_limit=8 * CARDS_MAX)
    whole = canonical.fields(decoded, "v", "unit", "cards", "revoked_at")
    canonical.integer(whole["v"], "v", least=_VERSION, most=_VERSION)
    unit = unit_code(canonical.text(whole["unit"], "unit", limit=24))
    cards = tuple(_accepted(one) for one in canonical.items(whole["cards"], "cards", limit=CARDS_MAX))
    if not cards or any(one.card.unit != unit for one in cards):
        raise ValueError("no cards, or a card of another unit")
    revoked_at = whole["revoked_at"]
    return Record(unit, cards, None if revoked_at is None else canonical.integer(revoked_at, "revoked_at"))


def _accepted(value: object) -> Accepted:
    one = canonical.fields(value, "card", "how", "at")
    raw = canonical.hexadecimal(one["card"], "card", most=CARD_MAX)
    how = How(canonical.text(one["how"], "how", limit=20))
    return Accepted(parse_card(raw), raw, how, canonical.integer(one["at"], "at"))


def read_all(folder: Path) -> list[Record]:
    """Return all peers in `folder`, by unit; none if it is not there.

    Raises ConfigError `peers-exposed` if others may change them, `peers-malformed`, `peers-unusable`.
    """
    try:
        check_ours(folder, folder.lstat())
        paths = sorted(path for path in folder.iterdir() if path.name.endswith(ENDING) and path.name[0] != ".")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise _unusable(folder, error) from error
    return [_read(path) for path in paths]


def _read(path: Path) -> Record:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as stream:
            found = os.fstat(descriptor)
            check_ours(path, found)
            # Reading reserves what it asks for, so no more is asked for than there is.
            raw = stream.read(min(found.st_size, FILE_MAX) + 1)
        record = from_json(raw)
        if path.name != record.unit + ENDING:
            raise ValueError("the file is named after another unit")
    except OSError as error:
        raise _unusable(path, error) from error
    except (ValueError, SecurityError) as error:
        raise ConfigError(
            "peers-malformed",
            f"{path} is damaged ({error}); restore it from a backup, or remove it and add the peer's card anew",
            scope=Scope.NODE,
            facts={"path": str(path)},
        ) from error
    return record


def write(folder: Path, record: Record) -> None:
    """Put `record` durably in the place of what is kept of its unit; ConfigError `peers-unusable`."""
    path = folder / (record.unit + ENDING)
    temp = folder / f".{record.unit}{ENDING}.new"
    try:
        # One writer at a time holds `writing`, so a temp file that is still there is a dead writer's.
        temp.unlink(missing_ok=True)
        descriptor = os.open(temp, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(record.to_json())
            stream.flush()
            os.fsync(descriptor)
        temp.replace(path)
        folder_descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(folder_descriptor)
        finally:
            os.close(folder_descriptor)
    except OSError as error:
        raise _unusable(path, error) from error


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Be the only one who changes `folder`, over all processes; makes it if it is not there."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise _unusable(folder, error) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def check_ours(path: Path, found: os.stat_result) -> None:
    """Raise ConfigError `peers-exposed` if others may change what was `found` at `path`."""
    quoted = shlex.quote(str(path))
    if stat.S_ISLNK(found.st_mode):
        raise _exposed(path, "is a symbolic link", "put the folder itself there")
    if found.st_uid != os.geteuid():
        raise _exposed(path, f"belongs to user {found.st_uid}", f"run: chown {os.geteuid()} {quoted}")
    if found.st_mode & _OTHERS_WRITE:
        raise _exposed(path, "can be changed by others", f"run: chmod go-w {quoted}")


def _exposed(path: Path, why: str, do: str) -> ConfigError:
    facts = {"path": str(path), "why": why, "do": do}
    return ConfigError("peers-exposed", f"{path} {why}; {do}", scope=Scope.NODE, facts=facts)


def _unusable(path: Path, error: OSError) -> ConfigError:
    reason = error.strerror or type(error).__name__
    facts = {"path": str(path), "reason": reason}
    return ConfigError("peers-unusable", f"{path}: {reason}", scope=Scope.NODE, facts=facts)
