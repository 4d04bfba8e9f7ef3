"""The lock on a state folder: two daemons never share one, and other processes can tell whether one runs."""

import contextlib
import fcntl
import os
import threading
from pathlib import Path

from gateway.domain.errors import ConfigError, Scope

FILE_NAME = "daemon.lock"
"""Name of the lock file inside the state folder; holds the process id of the daemon."""

_TRIES = 10
_PAUSE_SECONDS = 0.05
"""A `status` that is just looking holds the lock for an instant; it must not keep a daemon from starting."""


class StateLock:
    """Held by the daemon for as long as it lives; the kernel gives it back even after SIGKILL."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @classmethod
    def take(cls, state: Path) -> "StateLock":
        """Take the lock of folder `state`.

        Raises ConfigError `already-running` (fact `pid`) if another process holds it, `state-unwritable` if the
        folder is missing or not ours.
        """
        path = state / FILE_NAME
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise ConfigError(
                "state-unwritable", f"{path}: {error.strerror}", scope=Scope.NODE, facts={"path": str(path)}
            ) from error
        try:
            if not _locked(descriptor, fcntl.LOCK_EX, _TRIES):
                pid = _pid(descriptor)
                raise ConfigError(
                    "already-running",
                    f"{path}: process {pid} uses this state folder",
                    scope=Scope.NODE,
                    facts={"path": str(state), "pid": pid},
                )
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        except BaseException:
            os.close(descriptor)
            raise
        return cls(descriptor)

    def release(self) -> None:
        """Give the lock back. May be repeated."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)


def running_pid(state: Path) -> int | None:
    """Return the process id of the daemon that uses folder `state`; None = nobody, 0 = it cannot be told who."""
    try:
        descriptor = os.open(state / FILE_NAME, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return None if _locked(descriptor, fcntl.LOCK_SH, 1) else _pid(descriptor)
    finally:
        os.close(descriptor)


def _locked(descriptor: int, how: int, tries: int) -> bool:
    for last in (*(False,) * (tries - 1), True):
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(descriptor, how | fcntl.LOCK_NB)
            return True
        if not last:
            threading.Event().wait(_PAUSE_SECONDS)
    return False


def _pid(descriptor: int) -> int:
    text = os.pread(descriptor, 20, 0).strip()
    return int(text) if text.isdigit() else 0
