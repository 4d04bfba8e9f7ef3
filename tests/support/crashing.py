"""Dying or failing at every durable effect in turn: each rename, fsync, creation and removal is one point."""

import os
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from gateway.folders import disk

_CALLS = ("fsync", "rename", "replace", "mkdir", "unlink", "rmdir", "symlink", "utime", "chmod")
_DIED, _FAILED = 77, 78


@contextmanager
def interrupted(at: int, happen: Callable[[], None]) -> Iterator[list[str]]:
    """Call `happen` just before effect number `at` (from 0); yields the names of the effects met so far."""
    met: list[str] = []
    saved = {name: getattr(os, name) for name in _CALLS}
    saved_open, saved_rename = os.open, disk._rename_noreplace

    def count(name: str) -> None:
        met.append(name)
        if len(met) == at + 1:
            happen()

    def counted(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            count(name)
            return call(*args, **kwargs)

        return wrapper

    def counted_open(path: Any, flags: int, *args: Any, **kwargs: Any) -> int:
        if flags & os.O_CREAT:
            count("create")
        return saved_open(path, flags, *args, **kwargs)

    try:
        for name, call in saved.items():
            setattr(os, name, counted(name, call))
        os.open = counted_open
        disk._rename_noreplace = counted("rename-new", saved_rename)
        yield met
    finally:
        for name, call in saved.items():
            setattr(os, name, call)
        os.open = saved_open
        disk._rename_noreplace = saved_rename


def dies_at(at: int, action: Callable[[], object]) -> bool:
    """Run `action` in a child process that is killed just before effect `at`; False if it ended before that effect.

    The child is forked, so it sees the test's objects; it dies without running any clean-up, as by SIGKILL.
    """
    child = os.fork()
    if child == 0:
        status = _FAILED
        try:
            with interrupted(at, lambda: os._exit(_DIED)):
                action()
            status = 0
        except Exception:  # noqa: BLE001 - whatever it is, the child must end here and not in the test runner
            traceback.print_exc()
        finally:
            os._exit(status)
    _, ended = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(ended)
    assert code in {0, _DIED}, f"the child failed by itself at effect {at}"
    return code == _DIED


def fails_at(at: int, error: OSError, action: Callable[[], object]) -> bool:
    """Run `action` with effect `at` raising `error`; False if there was none. What `action` raises is passed on."""

    def happen() -> None:
        raise error

    with interrupted(at, happen) as met:
        action()
    return len(met) > at
