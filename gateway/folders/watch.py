"""Scanning an outbound folder: which exports are settled, which still wait and why."""

import errno
import os
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType

from gateway.domain.clock import Clock
from gateway.domain.errors import GatewayError, Scope, TransientError
from gateway.folders import disk, entries
from gateway.packing import Candidate, Entry, Packer, Settled

OWN_NAMES = frozenset({"err", "ack", "reject"})
"""Folders that this program keeps inside an outbound folder; compared without regard to case, as shares do."""

REMIND_AFTER = 1800.0
"""Seconds an export may wait before somebody is told (defects D1, D55, D70: 30 minutes)."""

_SHARE_GONE = frozenset(
    {
        errno.ENOENT,
        errno.ENOTDIR,
        errno.ESTALE,
        errno.ENOTCONN,
        errno.EHOSTDOWN,
        errno.EHOSTUNREACH,
        errno.ENODEV,
        errno.ENXIO,
        errno.ETIMEDOUT,
    }
)


class Why(StrEnum):
    """Why an export waits; the first three are codes of the defects catalogue."""

    NO_MARKER = "FS-NO-MARKER"  # complete by the look of it, but the completion mark is missing
    INCOMPLETE = "FS-INCOMPLETE"  # a folder without its completion mark
    GROWING = "FS-GROWING"  # size, time or children changed since the scan before
    SETTLING = "settling"  # unchanged, but not yet for enough scans


@dataclass(frozen=True, slots=True)
class Waiting:
    """An export that is not yet to be claimed. Seconds are counted by this process."""

    candidate: Candidate
    why: Why
    seconds: float
    """Since it was first seen."""
    newest_ns: int
    """The newest modification time of its parts."""

    def wants_reminder(self) -> bool:
        """Whether it has waited so long that a person should hear of it."""
        return self.seconds >= REMIND_AFTER


@dataclass(frozen=True, slots=True)
class Problem:
    """One entry that could not be looked at; its neighbours are not affected."""

    name: str
    error: GatewayError


@dataclass(frozen=True, slots=True)
class ScanResult:
    """What one scan saw. `entries`: the parts of the settled exports as seen, for `ClaimShelf.claim(seen=...)`."""

    settled: tuple[Candidate, ...]
    waiting: tuple[Waiting, ...]
    problems: tuple[Problem, ...]
    entries: Mapping[str, Entry]


@dataclass(slots=True)
class _History:
    """What the watch remembers of one export between scans."""

    look: tuple[Entry, ...]
    first_seen: float
    counted_at: float
    scans: int = 1
    is_growing: bool = False


class OutboundWatch:
    """One outbound folder. Not for several threads at once.

    root:         the folder in which case software drops exports.
    packer:       groups entries into exports and knows the completion rule.
    stable_scans: scans in a row, at least 1, that must see an export unchanged where the format has no completion mark.
    spacing:      seconds that must lie between two scans for the later one to count: a burst of events proves nothing.
    sentinel:     name of a file that is always in `root` while its share is mounted; None where there is no share.
    """

    def __init__(
        self,
        root: Path,
        packer: Packer,
        clock: Clock,
        *,
        stable_scans: int = 3,
        spacing: float = 1.0,
        sentinel: str | None = None,
    ) -> None:
        if stable_scans < 1:
            raise ValueError("stable_scans must be at least 1")
        self._root = root
        # Put together once: a node with hundreds of folders looks at each every two seconds.
        self._above = root / ".."
        self._packer = packer
        self._clock = clock
        self._stable_scans = stable_scans
        self._spacing = spacing
        self._sentinel = sentinel
        self._mark = None if sentinel is None else root / sentinel
        self._device: int | None = None
        self._is_mount = False
        self._histories: dict[str, _History] = {}

    @property
    def root(self) -> Path:
        """The outbound folder."""
        return self._root

    def scan(self) -> ScanResult:
        """Look at every entry once and say what is settled; claims nothing, changes nothing on disk.

        Raises `mount-missing` (transient, route) if the folder or its share is away, `folder-denied` (permanent, route)
        or `local-io` (transient): then nothing is concluded, least of all that exports are gone.
        """
        self._require_mount()
        seen, problems = self._list()
        if seen or problems or self._histories:
            # A share that went away during the listing must not look like an empty folder: where nothing was and
            # nothing is, it may, until the next scan.
            self._require_mount()
        now = self._clock.monotonic()
        settled: list[Candidate] = []
        waiting: list[Waiting] = []
        histories: dict[str, _History] = {}
        for candidate in self._packer.candidates(list(seen.values())):
            look = tuple(seen[part] for part in candidate.parts)
            history = self._remember(candidate.name, look, now)
            histories[candidate.name] = history
            why = self._why(candidate, history, look)
            if why is None:
                settled.append(candidate)
            else:
                waiting.append(_waiting(candidate, why, history, now))
        self._histories = histories
        parts = {part: seen[part] for candidate in settled for part in candidate.parts}
        return ScanResult(tuple(settled), tuple(waiting), tuple(problems), MappingProxyType(parts))

    def _list(self) -> tuple[dict[str, Entry], list[Problem]]:
        try:
            with os.scandir(self._root) as found:
                names = sorted(entry.name for entry in found)
        except OSError as error:
            raise self._fault(error) from error
        seen: dict[str, Entry] = {}
        problems: list[Problem] = []
        for name in names:
            if name.startswith(".") or name.casefold() in OWN_NAMES or name == self._sentinel:
                continue
            try:
                seen[name] = entries.look(f"{self._root}/{name}")
            except FileNotFoundError:
                continue  # taken away since it was listed
            except GatewayError as error:
                problems.append(Problem(name, error))
            except OSError as error:
                problems.append(Problem(name, _locked(error, self._root)))
        return seen, problems

    def _remember(self, name: str, look: tuple[Entry, ...], now: float) -> _History:
        history = self._histories.get(name)
        if history is None:
            return _History(look, first_seen=now, counted_at=now)
        if history.look != look:
            return _History(look, history.first_seen, counted_at=now, is_growing=True)
        if now - history.counted_at >= self._spacing:
            history.scans += 1
            history.counted_at = now
            history.is_growing = False
        return history

    def _why(self, candidate: Candidate, history: _History, look: Sequence[Entry]) -> Why | None:
        if candidate.settled is Settled.COMPLETE:
            return None
        if history.is_growing:
            return Why.GROWING
        if candidate.settled is Settled.INCOMPLETE:
            if history.scans < self._stable_scans:
                return Why.SETTLING
            return Why.INCOMPLETE if any(entry.is_folder for entry in look) else Why.NO_MARKER
        return None if history.scans >= self._stable_scans else Why.SETTLING

    def _require_mount(self) -> None:
        try:
            status = self._root.stat()
            if not stat.S_ISDIR(status.st_mode):
                raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
            is_mount = status.st_dev != self._above.stat().st_dev
            if self._mark is not None:
                self._mark.lstat()
        except OSError as error:
            raise self._fault(error) from error
        if self._device is not None and status.st_dev != self._device:
            # With the sentinel there, or a filesystem again at this very place, the share was mounted anew.
            if self._sentinel is None and not (is_mount and self._is_mount):
                raise self._missing("another filesystem is at this place than before")
            self._histories = {}
        self._device, self._is_mount = status.st_dev, is_mount

    def _fault(self, error: OSError) -> GatewayError:
        if error.errno in _SHARE_GONE:
            return self._missing("the folder, its share or its sentinel file is not there")
        return disk.failure(error, self._root)

    def _missing(self, detail: str) -> GatewayError:
        return TransientError(
            "mount-missing", detail, scope=Scope.ROUTE, facts={"folder": disk.printable(str(self._root))}
        )


def _waiting(candidate: Candidate, why: Why, history: _History, now: float) -> Waiting:
    newest = max(entry.mtime_ns for entry in history.look)
    return Waiting(candidate, why, now - history.first_seen, newest)


def _locked(error: OSError, root: Path) -> GatewayError:
    if error.errno in {errno.EACCES, errno.EPERM, errno.EBUSY, errno.ETXTBSY}:
        name = errno.errorcode[error.errno]
        code = "export-unreadable" if error.errno in {errno.EACCES, errno.EPERM} else "export-locked"
        detail = f"an entry of the outbound folder cannot be read ({name})"
        return TransientError(code, detail, facts={"folder": disk.printable(str(root)), "errno": name})
    return disk.failure(error, root)
