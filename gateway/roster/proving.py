"""Verifies a roster file by The Update Framework: python-tuf decides, and is handed only the parts and the time."""

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn, TypeVar

from tuf.api.exceptions import (
    BadVersionNumberError,
    DownloadError,
    DownloadHTTPError,
    ExpiredMetadataError,
    LengthOrHashMismatchError,
    RepositoryError,
    UnsignedMetadataError,
)
from tuf.api.metadata import Metadata, Root, Snapshot, Targets, Timestamp
from tuf.ngclient import FetcherInterface, Updater, UpdaterConfig

from gateway.bundle.aloud import aloud
from gateway.domain.errors import GatewayError, PermanentError, Scope, SecurityError
from gateway.roster.file import METADATA_MAX, ROOT_MAX, ROOTS_MAX, RosterFile, malformed
from gateway.roster.glance import SCRATCH

TARGET = "roster.json"
"""The one target."""
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)
"""The time at which nothing has expired."""
_URL = "file:///"

S = TypeVar("S", Root, Timestamp, Snapshot, Targets)


@dataclass(frozen=True, slots=True)
class Proven:
    """What the signatures say. `expires_at`: seconds since 1970 UTC; `version`: of all metadata and of the content."""

    version: int
    root_version: int
    expires_at: int
    root_expires_at: int
    content: bytes


def metadata(raw: bytes, kind: type[S]) -> Metadata[S]:
    """Return `raw` as metadata of `kind`, unverified; SecurityError `roster-malformed` if it is none, or none that
    could be signed."""
    try:
        found: Metadata[S] = Metadata.from_bytes(raw)
        _ = found.signed_bytes  # made from what was read, and not everything that is read can be written
    except (RepositoryError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise malformed("its metadata cannot be read") from error
    if not isinstance(found.signed, kind):
        raise malformed("its metadata is of another kind")
    return found


def fingerprint(root: bytes) -> str:
    """Return the 40 digits of a root, to be read aloud; SecurityError `roster-malformed`. Takes some 60 ms."""
    return aloud("roster root fingerprint", metadata(root, Root).signed_bytes)


def versions(file: RosterFile) -> tuple[int, int]:
    """Return (version of the roster, version of its root) as the file claims them.

    Raises SecurityError `roster-mixed` if the parts claim different versions, `roster-malformed`.
    """
    claimed = {
        metadata(file.timestamp, Timestamp).signed.version,
        metadata(file.snapshot, Snapshot).signed.version,
        metadata(file.targets, Targets).signed.version,
    }
    roots = [metadata(root, Root).signed.version for root in file.roots]
    if len(claimed) != 1 or roots != list(range(1, len(roots) + 1)):
        raise _mixed("its parts are of different versions")
    return claimed.pop(), roots[-1]


def prove(file: RosterFile, anchor: bytes, scratch: Path, at: float | None, before: RosterFile | None = None) -> Proven:
    """Return what `file` proves to somebody who trusts the root `anchor`.

    anchor: a root whose version is 1 to that of the newest root in `file`.
    scratch: a folder of ours, in which files are made for the while of the call.
    at: seconds since 1970 UTC, against which expiry counts; None: nothing expires, for what was accepted before.
    before: the roster file that was accepted before, below which no version may fall.
    Raises SecurityError `roster-malformed`, `roster-mixed`, `roster-unsigned`, `roster-foreign`, `roster-older`;
    PermanentError `roster-expired`.
    """
    claimed, root_version = versions(file)
    now = _NEVER if at is None else datetime.fromtimestamp(at, UTC)
    with tempfile.TemporaryDirectory(dir=scratch, prefix=SCRATCH) as folder:
        kept, targets = Path(folder, "metadata"), Path(folder, "targets")
        kept.mkdir()
        targets.mkdir()
        if before is not None:
            for name, part in _top(before).items():
                (kept / name).write_bytes(part)
        try:
            updater = _DatedUpdater(kept, targets, _FileFetcher(file), anchor, now)
            updater.refresh()
            updater.check_complete(kept, file)
            target = updater.get_targetinfo(TARGET)
            if target is None:
                raise _mixed(f"the metadata names no {TARGET}")
            content = Path(updater.download_target(target)).read_bytes()
        except (RepositoryError, DownloadError, ValueError, KeyError, TypeError) as error:
            _refuse(error)
        expiries = updater.expiries()
    return Proven(claimed, root_version, min(expiries), expiries[0], content)


class _FileFetcher(FetcherInterface):
    """Reads from a roster file what the library would download."""

    def __init__(self, file: RosterFile) -> None:
        self._parts = {
            **{f"{number}.root.json": root for number, root in enumerate(file.roots, 1)},
            **_top(file),
            TARGET: file.roster,
        }

    def _fetch(self, url: str) -> Iterator[bytes]:
        part = self._parts.get(url.removeprefix(_URL))
        if part is None:
            raise DownloadHTTPError("not in the roster file", 404)
        return iter((part,))


class _DatedUpdater(Updater):
    """The library's updater at a time that it is told; by itself it reads the system's clock."""

    def __init__(self, kept: Path, targets: Path, fetcher: FetcherInterface, anchor: bytes, now: datetime) -> None:
        config = UpdaterConfig(
            max_root_rotations=ROOTS_MAX,
            max_delegations=1,
            root_max_length=ROOT_MAX,
            timestamp_max_length=METADATA_MAX,
            snapshot_max_length=METADATA_MAX,
            targets_max_length=METADATA_MAX,
            prefix_targets_with_hash=False,
        )
        super().__init__(str(kept), _URL, str(targets), _URL, fetcher, config, bootstrap=anchor)
        self._trusted_set.reference_time = now

    def expiries(self) -> tuple[int, int]:
        """Return when the root, and when the first of all the rest, expires."""
        trusted = self._trusted_set
        rest = min(trusted.timestamp.expires, trusted.snapshot.expires, trusted.targets.expires)
        return int(trusted.root.expires.timestamp()), int(rest.timestamp())

    def check_complete(self, kept: Path, file: RosterFile) -> None:
        """Raise `roster-mixed` if anything but the parts of `file` was believed, e.g. what was accepted before."""
        if any((kept / name).read_bytes() != part for name, part in _top(file).items()):
            raise _mixed("it differs from the accepted roster of the same version")
        if self._trusted_set.root.version != len(file.roots):
            raise _foreign("a root in it is not signed by the one before it")


def _top(file: RosterFile) -> Mapping[str, bytes]:
    return {"timestamp.json": file.timestamp, "snapshot.json": file.snapshot, "targets.json": file.targets}


def _refuse(error: Exception) -> NoReturn:
    raise _meaning(error) from error


def _meaning(error: Exception) -> GatewayError:
    """Return what a refusal of the library means."""
    match error:
        case ExpiredMetadataError():
            return PermanentError("roster-expired", str(error), scope=Scope.NODE)
        case UnsignedMetadataError():
            return SecurityError("roster-unsigned", str(error), scope=Scope.NODE)
        case BadVersionNumberError():
            return SecurityError("roster-older", str(error), scope=Scope.NODE)
        case LengthOrHashMismatchError():
            return _mixed(str(error))
        case _:
            return malformed(str(error))


def _mixed(why: str) -> SecurityError:
    return SecurityError("roster-mixed", why, scope=Scope.NODE, facts={"why": why})


def _foreign(why: str) -> SecurityError:
    return SecurityError("roster-foreign", why, scope=Scope.NODE, facts={"why": why})
