"""The roster on disk: the last file that was accepted, replaced whole once a newer one is proven to the last check."""

import os
import shutil
from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path

from gateway.bundle.aloud import is_heard
from gateway.bundle.keys import PublicKeys
from gateway.domain.errors import ConfigError, PermanentError, Scope, SecurityError
from gateway.roster import codec, logic
from gateway.roster.file import FILE_MAX, RosterFile, malformed, split
from gateway.roster.glance import FILE_NAME, SCRATCH
from gateway.roster.records import check_ours, writing
from gateway.roster.roster import Roster

_SCRATCH_SECONDS = 3600.0
"""So old a scratch folder is nobody's any more."""

Stamp = tuple[int, int, int]
"""By which a file is known to be the same: its number, size and time; only ever compared with itself."""


@dataclass(frozen=True, slots=True)
class Trusted:
    """The accepted roster. Times are seconds since 1970 UTC; `raw` is its file.

    expires_at: from then on nothing new is trusted on its word.
    """

    roster: Roster
    raw: bytes
    root_version: int
    expires_at: int
    root_expires_at: int
    stamp: Stamp | None = field(default=None, compare=False)

    @property
    def version(self) -> int:
        """Version of the roster."""
        return self.roster.content.version

    def fingerprint(self) -> str:
        """Return the digits of the newest root, to be read aloud; takes some 60 ms."""
        from gateway.roster.proving import fingerprint

        return fingerprint(split(self.raw).roots[-1])


class Came(StrEnum):
    """What a roster file turned out to be, beside the accepted one."""

    NEWER = "newer"  # it has taken its place
    SAME = "same"
    OLDER = "older"  # its sender lacks what we have


class RosterStore:
    """The accepted roster in `folder`, which need not exist; one writer at a time, over all processes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def folder(self) -> Path:
        """Where the accepted file lies, and what else is remembered about rosters."""
        return self._folder

    @property
    def path(self) -> Path:
        """The accepted file."""
        return self._folder / FILE_NAME

    def load(self) -> Trusted | None:
        """Return the accepted roster with its signatures verified again; None if there never was one.

        Raises ConfigError `roster-damaged`, `roster-unusable`, `peers-exposed`.
        """
        # Taken first: what comes in between is seen as a change afterwards.
        stamp = self.stamp()
        raw = self._read()
        if raw is None:
            return None
        try:
            file = split(raw)
            # What was accepted before counts as far as it counts; its expiry is for its reader to look at.
            return replace(_trusted(raw, file, file.roots[-1], self._folder, None), stamp=stamp)
        except (SecurityError, PermanentError) as error:
            path = str(self.path)
            raise ConfigError(
                "roster-damaged", f"{path}: {error.detail}", scope=Scope.NODE, facts={"path": path}
            ) from error

    def stamp(self) -> Stamp | None:
        """Return what changes whenever another roster is accepted; None before the first."""
        try:
            found = self.path.stat()
        except OSError:
            return None
        return found.st_ino, found.st_size, found.st_mtime_ns

    def trust(self, raw: bytes, confirmed: str, *, now: float, replace: bool = False) -> Trusted:
        """Accept the roster file `raw`, whose newest root a person has confirmed; may be repeated.

        confirmed: the root's fingerprint, as the person has it from the authority over another way.
        replace: give up the authority trusted before, e.g. after its keys were stolen.
        Raises SecurityError `fingerprint-mismatch`, what `proving.prove` and `logic.check` raise, and ConfigError
        `roster-trusted` if a roster is accepted already.
        """
        from gateway.roster.proving import fingerprint

        file = split(raw)
        if not is_heard(confirmed, fingerprint(file.roots[-1])):
            raise SecurityError(
                "roster-fingerprint-mismatch", "the fingerprint is not that of this roster's root", scope=Scope.NODE
            )
        with writing(self._folder):
            self._sweep(now)
            if not replace and (held := self._read()) is not None and held != raw:
                path = str(self.path)
                raise ConfigError("roster-trusted", f"{path} is there", scope=Scope.NODE, facts={"path": path})
            trusted = first(raw, self._folder, now=now)
            self._write(raw)
        return trusted

    def take(self, raw: bytes, *, now: float) -> tuple[Came, Trusted]:
        """Look at a roster file that came in and return what it is and the roster that counts from now on.

        Nothing is changed unless it is newer and proven. Raises PermanentError `roster-untrusted` before the first
        trust, `roster-expired`, `roster-unsound`; SecurityError as `proving.prove` says.
        """
        with writing(self._folder):
            self._sweep(now)
            held = self.load()
            if held is None:
                raise PermanentError("roster-untrusted", "no roster was ever trusted here", scope=Scope.NODE)
            came = compare(raw, held)
            if came is not Came.NEWER:
                return came, held
            trusted = examine(raw, held, self._folder, now=now)
            self._write(raw)
        return Came.NEWER, trusted

    def _sweep(self, now: float) -> None:
        """Remove what processes that were killed while they proved something have left."""
        for path in self._folder.glob(f"{SCRATCH}*"):
            with suppress(OSError):
                if path.stat().st_mtime < now - _SCRATCH_SECONDS:
                    shutil.rmtree(path)

    def _read(self) -> bytes | None:
        try:
            check_ours(self._folder, self._folder.lstat())
            descriptor = os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            with os.fdopen(descriptor, "rb") as stream:
                found = os.fstat(descriptor)
                check_ours(self.path, found)
                return stream.read(min(found.st_size, FILE_MAX) + 1)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._unusable(error) from error

    def _write(self, raw: bytes) -> None:
        temp = self._folder / f".{FILE_NAME}.new"
        try:
            temp.unlink(missing_ok=True)
            descriptor = os.open(temp, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(raw)
                stream.flush()
                os.fsync(descriptor)
            temp.replace(self.path)
            folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:
            raise self._unusable(error) from error

    def _unusable(self, error: OSError) -> ConfigError:
        reason = error.strerror or type(error).__name__
        facts = {"path": str(self.path), "reason": reason}
        return ConfigError("roster-unusable", f"{self.path}: {reason}", scope=Scope.NODE, facts=facts)


def compare(raw: bytes, held: Trusted) -> Came:
    """Return what `raw` claims to be beside `held`; SecurityError `roster-malformed`, `roster-mixed`."""
    from gateway.roster.proving import versions

    if raw == held.raw:
        return Came.SAME
    file = split(raw)
    version, root_version = versions(file)
    if (root_version, version) == (held.root_version, held.version):
        if file.roster == split(held.raw).roster:
            return Came.SAME  # another officer signed it as well
        raise SecurityError("roster-mixed", "two rosters of one version", scope=Scope.NODE, facts={"why": "version"})
    # A new root may come with an older version: so a version forged by stolen keys is taken back.
    is_newer = root_version > held.root_version or (root_version == held.root_version and version > held.version)
    return Came.NEWER if is_newer else Came.OLDER


def examine(raw: bytes, held: Trusted, scratch: Path, *, now: float) -> Trusted:
    """Return the roster in `raw` if it may take the place of `held`. Raises as `RosterStore.take` says."""
    file, before = split(raw), split(held.raw)
    if file.roots[: len(before.roots)] != before.roots:
        raise SecurityError(
            "roster-foreign",
            "its roots are not those of the trusted authority",
            scope=Scope.NODE,
            facts={"why": "roots"},
        )
    trusted = _trusted(raw, file, before.roots[-1], scratch, now, before)
    logic.check(trusted.roster.content, held.roster.content)
    return trusted


def first(raw: bytes, scratch: Path, *, now: float | None) -> Trusted:
    """Return the roster in `raw` as one who confirmed its newest root would find it; its expiry aside if `now` is None.

    Raises as `RosterStore.trust` says, the fingerprint aside.
    """
    file = split(raw)
    trusted = _trusted(raw, file, file.roots[0], scratch, now)
    logic.check(trusted.roster.content)
    return trusted


def _trusted(  # noqa: PLR0917 - the three ways to believe a file differ in these alone
    raw: bytes, file: RosterFile, anchor: bytes, scratch: Path, at: float | None, before: RosterFile | None = None
) -> Trusted:
    # The library takes time to load, and most commands and most nodes without a roster never need it.
    from gateway.roster.proving import prove

    proven = prove(file, anchor, scratch, at, before)
    try:
        # Whether the keys are sound is asked once, by `logic.check`, when a roster is taken in.
        content = codec.decode(proven.content, PublicKeys.checked_before)
    except ValueError as error:
        raise malformed(str(error)) from error
    if content.version != proven.version:
        raise SecurityError("roster-mixed", "content of another version", scope=Scope.NODE, facts={"why": "content"})
    return Trusted(Roster(content), raw, proven.root_version, proven.expires_at, proven.root_expires_at)
