"""Files that are ours alone: checked when read, written so that a power cut leaves the old or the new one."""

import os
import secrets
import shlex
import stat
from pathlib import Path

from gateway.domain.errors import ConfigError, Scope

FILE_MODE = 0o600
FOLDER_MODE = 0o700
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def make_folder(folder: Path) -> None:
    """Create `folder`, and its parents, for our account only; an existing one is checked. Raises as `check_folder`."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=FOLDER_MODE, exist_ok=True)
    except OSError as error:
        raise unusable(folder, error) from error
    check_folder(folder)


def check_folder(folder: Path) -> None:
    """Raise ConfigError `keys-missing` or `keys-exposed` unless `folder` is ours and nobody else may enter."""
    try:
        found = folder.lstat()
    except FileNotFoundError as error:
        raise missing(folder) from error
    except OSError as error:
        raise unusable(folder, error) from error
    if stat.S_ISLNK(found.st_mode):
        raise exposed(folder, "is a symbolic link", "put the folder itself there")
    if not stat.S_ISDIR(found.st_mode):
        raise exposed(folder, "is no folder", "remove it")
    _check_owner(folder, found, FOLDER_MODE)


def read_private(path: Path, limit: int) -> bytes:
    """Return the at most `limit` bytes of `path`, which must be a plain file of ours that nobody else may read.

    Raises ConfigError `keys-missing`, `keys-exposed`, `keys-malformed` (too long) or `keys-unusable`.
    """
    raw, found = _read(path, limit)
    _check_owner(path, found, FILE_MODE)
    return raw


def read_credential(path: Path, limit: int) -> bytes:
    """Return the bytes of a systemd credential; its folder is the unit's own, so only access by everybody is refused.

    systemd may grant access by an ACL, whose mask shows as group permission (systemd.exec(5), Credentials).
    Raises as `read_private`.
    """
    raw, found = _read(path, limit)
    if found.st_mode & stat.S_IRWXO:
        raise exposed(path, "can be read by everybody", f"run: chmod o= {shlex.quote(str(path))}")
    return raw


def write_new(path: Path, raw: bytes) -> None:
    """Write `path` durably; ConfigError `keys-exist` if the name is taken, whatever it is."""
    try:
        temp = _write_temp(path, raw)
        try:
            # A link fails if the name is taken, where a rename would overwrite.
            os.link(temp, path)
        finally:
            temp.unlink()
        _fsync_folder(path.parent)
    except FileExistsError as error:
        raise exists(path) from error
    except OSError as error:
        raise unusable(path, error) from error


def replace(path: Path, raw: bytes) -> None:
    """Put `raw` durably in the place of `path`."""
    try:
        temp = _write_temp(path, raw)
        try:
            temp.replace(path)
        except OSError:
            temp.unlink(missing_ok=True)
            raise
        _fsync_folder(path.parent)
    except OSError as error:
        raise unusable(path, error) from error


def missing(path: Path) -> ConfigError:
    """Return `keys-missing` for `path`."""
    return ConfigError(
        "keys-missing", f"{path} is not there; run: caseferry init", scope=Scope.NODE, facts={"path": str(path)}
    )


def exists(path: Path) -> ConfigError:
    """Return `keys-exist` for `path`."""
    return ConfigError(
        "keys-exist",
        f"{path} is already there; keys are never overwritten: move them away by hand if they are to go",
        scope=Scope.NODE,
        facts={"path": str(path)},
    )


def exposed(path: Path, why: str, do: str) -> ConfigError:
    """Return `keys-exposed` for `path`; `do` says how to mend it."""
    return ConfigError(
        "keys-exposed",
        f"{path} {why}; {do}",
        scope=Scope.NODE,
        facts={"path": str(path), "why": why, "do": do},
    )


def unusable(path: Path, error: OSError) -> ConfigError:
    """Return `keys-unusable`: the operating system refused."""
    reason = error.strerror or type(error).__name__
    return ConfigError(
        "keys-unusable", f"{path}: {reason}", scope=Scope.NODE, facts={"path": str(path), "reason": reason}
    )


def _read(path: Path, limit: int) -> tuple[bytes, os.stat_result]:
    try:
        if stat.S_ISLNK(path.lstat().st_mode):
            raise exposed(path, "is a symbolic link", "put the file itself there")
        # The descriptor is checked, not the name, which could be exchanged in between; a FIFO must not block us.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as stream:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                raise exposed(path, "is no plain file", "remove it")
            raw = stream.read(limit + 1)
    except FileNotFoundError as error:
        raise missing(path) from error
    except OSError as error:
        raise unusable(path, error) from error
    if len(raw) > limit:
        raise ConfigError(
            "keys-malformed", f"{path} is too long to be a key file", scope=Scope.NODE, facts={"path": str(path)}
        )
    return raw, found


def _check_owner(path: Path, found: os.stat_result, mode: int) -> None:
    quoted = shlex.quote(str(path))
    if found.st_uid != os.geteuid():
        raise exposed(
            path, f"belongs to user {found.st_uid}, not {os.geteuid()}", f"run: chown {os.geteuid()} {quoted}"
        )
    if found.st_mode & _OTHERS:
        shown = f"{stat.S_IMODE(found.st_mode):04o}"
        raise exposed(path, f"is open to others (mode {shown})", f"run: chmod {mode:o} {quoted}")


def _write_temp(path: Path, raw: bytes) -> Path:
    temp = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(temp, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, FILE_MODE)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(raw)
            stream.flush()
            os.fsync(descriptor)
    except OSError:
        temp.unlink(missing_ok=True)
        raise
    return temp


def _fsync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
