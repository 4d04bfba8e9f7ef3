"""Backup and restore of a node: what it must not forget in one folder, and the way back to a ledger that is honest."""

import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from gateway.compose import sums
from gateway.compose.identity import new_epoch, new_umask, open_ledger, roster_store
from gateway.compose.node import JOURNAL_FOLDER
from gateway.compose.offline import ledger_to_read, missing, not_empty
from gateway.daemon.lock import StateLock
from gateway.domain.clock import Clock
from gateway.domain.errors import ConfigError, GatewayError, PermanentError, Scope
from gateway.domain.records import Action, Decision
from gateway.folders import disk, notes, trees
from gateway.folders.delivered import DeliveryJournal
from gateway.ledger.store import Ledger
from gateway.settings.load import GRANTS_FOLDER, LINKS_FOLDER, NODE_FILE, ROUTES_FOLDER, Settings
from gateway.standard.loading import FOLDERS

NOTE = "backup.json"
LEDGER = "ledger.db"
CONFIG, PEERS, ROSTER = "config", "peers", "roster"
UNFINISHED = "restore-unfinished"
"""Why a node stands still whose ledger was about to be replaced."""
_PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class Backup:
    """One backup. `made_at`: seconds since 1970 UTC; `size`: bytes of all files together."""

    folder: Path
    unit: str
    epoch: int
    made_at: int
    files: int
    size: int


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore did. `kept`: the ledger as it was before, None if there was none; `brought`: files of the
    configuration and of the peers that were missing and are back; `doubtful`: bundles that peers sent before the
    restore wait for a person, because it cannot be told which were delivered."""

    backup: Backup
    epoch: int
    kept: Path | None
    brought: tuple[str, ...]
    doubtful: bool


def back_up(settings: Settings, config: Path, to: Path, clock: Clock) -> Backup:
    """Write ledger, confirmed peers and configuration into the new or empty folder `to`; the daemon may go on.

    However many files there are: each is copied and listed by itself, and all are forced to the disk in one round.
    Neither keys (they are backed up once, apart) nor the spool (its content changes by the second) are in it.
    Raises ConfigError `folder-not-empty`, `ledger-missing`, or as `disk.failure` says.
    """
    new_umask()
    to = to.absolute()
    with disk.mapped(to.parent):
        if disk.exists(to) and (not to.is_dir() or any(to.iterdir())):
            raise not_empty(to)
    making = to.with_name(f".{to.name}.making")
    disk.remove_tree(making)
    disk.owner_only(making)
    try:
        with ledger_to_read(settings, clock) as ledger:
            ledger.copy_to(making / LEDGER)
            epoch = ledger.epoch
        with sums.Sums(making) as made:
            made.add(LEDGER)
            for source, name in _papers(settings, config):
                _copy(source, making / name)
                made.add(name)
        note: dict[str, notes.Json] = {
            "v": 1,
            "unit": settings.node.unit,
            "epoch": epoch,
            "made_at": int(clock.now()),
            "files": made.count,
            "size": made.size,
            "sha256": made.digest,
        }
        disk.write_durably(making / NOTE, notes.encode(note))
        trees.fsync_tree(making)
        disk.rename_durably(making, to)
    finally:
        disk.remove_tree(making)
    return read_backup(to)


def read_backup(folder: Path) -> Backup:
    """Return what a backup says of itself, every file checked against its digest.

    Raises PermanentError `file-not-there`, `backup-damaged`.
    """
    note = notes.read(folder / NOTE)
    if note is None:
        raise missing(folder / NOTE)
    if _digest(folder / sums.FILE)[0] != note.text("sha256"):
        raise _damaged(folder / sums.FILE)
    count = size = 0
    for name, digest in _listed(folder):
        found, held = _digest(folder / name)
        if found != digest:
            raise _damaged(folder / name)
        count, size = count + 1, size + held
    if (count, size) != (note.number("files"), note.number("size")):
        raise _damaged(folder / sums.FILE)
    return Backup(folder, note.text("unit"), note.number("epoch"), note.number("made_at"), count, size)


@dataclass(frozen=True, slots=True)
class By:
    """Who decided it (a login name), and why, for the record."""

    actor: str
    why: str


def restore(settings: Settings, config: Path, folder: Path, by: By, clock: Clock) -> Restored:
    """Put the ledger of a backup in the place of the present one, under a new epoch; the daemon must not run.

    The present ledger is kept beside it. Configuration and peers come back only where they are missing: what is there
    is newer. May be repeated. Raises ConfigError `already-running`, `backup-foreign`, PermanentError `backup-damaged`,
    `file-not-there`, what opening a ledger raises, or as `disk.failure` says.
    """
    new_umask()
    backup = read_backup(folder)
    if backup.unit != settings.node.unit:
        facts: dict[str, str | int] = {"recorded": backup.unit, "unit": settings.node.unit}
        raise ConfigError("backup-foreign", f"a backup of {backup.unit}", scope=Scope.NODE, facts=facts)
    disk.owner_only(settings.paths.state)
    lock = StateLock.take(settings.paths.state)
    try:
        journal = DeliveryJournal(settings.paths.state / JOURNAL_FOLDER)
        since = journal.since()
        # Only a journal that was kept from before the backup knows every delivery that the backup does not.
        doubtful = since is None or since > backup.made_at
        wanted = _decision(Action.RESTORE, by, backup.folder.name)
        prepared, epoch = _prepare(settings, folder, wanted, clock, doubtful=doubtful)
        kept = _set_aside(settings, clock)
        disk.rename_durably(prepared, settings.ledger_path)
        brought = tuple(_bring_back(settings, config, folder))
    finally:
        lock.release()
    return Restored(backup, epoch, kept, brought, doubtful)


def renew_epoch(settings: Settings, by: By, clock: Clock) -> int:
    """Begin a new epoch without a backup, after a standstill; return it. The daemon must not run.

    Raises ConfigError `already-running`, `ledger-missing`, and what opening a ledger raises.
    """
    lock = StateLock.take(settings.paths.state)
    try:
        ledger_to_read(settings, clock).close()
        epoch = new_epoch()
        with open_ledger(settings, clock) as ledger:
            ledger.resync.renew_epoch(epoch, _decision(Action.RENEW_EPOCH, by, ""))
    finally:
        lock.release()
    return epoch


def _papers(settings: Settings, config: Path) -> Iterator[tuple[Path, str]]:
    """Yield the files of configuration and trust, each with its name in the backup."""
    yield config / NODE_FILE, f"{CONFIG}/{NODE_FILE}"
    for part in (LINKS_FOLDER, ROUTES_FOLDER, GRANTS_FOLDER, *FOLDERS):
        for path in sorted((config / part).glob("*.yaml")):
            yield path, f"{CONFIG}/{part}/{path.name}"
    with suppress(FileNotFoundError):
        for path in sorted(settings.paths.peers.iterdir()):
            if path.is_file() and not path.name.startswith("."):
                yield path, f"{PEERS}/{path.name}"
    if (roster := roster_store(settings).path).is_file():
        yield roster, f"{ROSTER}/{roster.name}"


def _copy(source: Path, target: Path) -> None:
    """Copy a file of ours; not fsynced."""
    disk.owner_only(target.parent)
    with disk.mapped_at(source):
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as out, source.open("rb") as incoming:
            shutil.copyfileobj(incoming, out, _PIECE)


def _decision(action: Action, by: By, subject: str) -> Decision:
    return Decision(0, 0.0, by.actor, action, None, subject, None, None, "", by.why)


def _prepare(settings: Settings, folder: Path, wanted: Decision, clock: Clock, *, doubtful: bool) -> tuple[Path, int]:
    """Return a copy of the backup's ledger beside the present one that begins a new epoch, and that epoch."""
    path = settings.ledger_path
    disk.owner_only(path.parent)
    prepared = path.with_name(f".{path.name}.restoring")
    for ending in ("", "-wal", "-shm"):
        disk.remove_tree(Path(f"{prepared}{ending}"))
    with disk.mapped(path.parent), (folder / LEDGER).open("rb") as source:
        descriptor = os.open(prepared, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as target:
            while piece := source.read(_PIECE):
                target.write(piece)
    epoch = new_epoch()
    with Ledger.open(prepared, unit=settings.node.unit, clock=clock, new_epoch=new_epoch) as ledger:
        ledger.check()
        ledger.resync.renew_epoch(epoch, wanted, doubtful=doubtful)
    disk.fsync_file(prepared)
    return prepared, epoch


def _set_aside(settings: Settings, clock: Clock) -> Path | None:
    """Keep the present ledger under another name; it stays in its place too, at a standstill, until it is replaced."""
    path = settings.ledger_path
    if not disk.exists(path):
        return None
    with suppress(GatewayError), open_ledger(settings, clock) as ledger:
        # Should the power go now, a daemon must not start with it; closing it leaves one whole file.
        ledger.resync.stand_still(UNFINISHED)
    kept = path.with_name(f"{path.stem}-before-{int(clock.now())}{path.suffix}")
    with disk.mapped(path.parent):
        for ending in ("-wal", "-shm"):
            beside = Path(f"{path}{ending}")
            if disk.exists(beside):
                beside.replace(f"{kept}{ending}")
        disk.remove_tree(kept)
        os.link(path, kept)
    disk.fsync_folder(path.parent)
    return kept


def _bring_back(settings: Settings, config: Path, folder: Path) -> Iterator[str]:
    """Copy what the backup has and the node lacks; yield its names."""
    places = {
        CONFIG: (config, 0o644),
        PEERS: (settings.paths.peers, 0o600),
        ROSTER: (roster_store(settings).folder, 0o600),
    }
    for name, _digest_of_it in _listed(folder):
        part, _, below = name.partition("/")
        if part not in places or not below:
            continue
        home, mode = places[part]
        target = home / below
        if not disk.exists(target):
            with disk.mapped(target.parent):
                target.parent.mkdir(mode=0o755 if part == CONFIG else 0o700, parents=True, exist_ok=True)
            disk.write_durably(target, (folder / name).read_bytes(), mode=mode)
            yield name


def _listed(folder: Path) -> Iterator[tuple[str, str]]:
    try:
        yield from sums.listed(folder)
    except (OSError, ValueError) as error:
        raise _damaged(folder / sums.FILE) from error


def _digest(path: Path) -> tuple[str, int]:
    try:
        return sums.digest_of(path)
    except GatewayError as error:
        raise _damaged(path) from error


def _damaged(path: Path) -> PermanentError:
    return PermanentError(
        "backup-damaged", "a file of the backup is missing or changed", facts={"path": disk.printable(str(path))}
    )
