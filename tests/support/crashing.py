"""Dying or failing at every durable effect in turn: each rename, sync, creation and removal is one point."""

import os
import signal
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.calls import Call, met

_COUNTED = frozenset(
    {"create", "fsync", "syncfs", "settle", "conclude", "rename", "replace", "rename-new", "mkdir"}
    | {"unlink", "rmdir", "symlink", "utime", "chmod"}
)
_FAILED = 78


@contextmanager
def interrupted(at: int, happen: Callable[[], object]) -> Iterator[list[str]]:
    """Call `happen` just before effect number `at` (from 0); yields the names of the effects met so far."""
    names: list[str] = []

    def around(call: Call) -> Any:
        if call.name in _COUNTED:
            names.append(call.name)
            if len(names) == at + 1:
                happen()
        return call.go()

    with met(around):
        yield names


def die() -> None:
    """End this process by SIGKILL: no clean-up runs, nothing is flushed."""
    os.kill(os.getpid(), signal.SIGKILL)


def freeze() -> None:
    """Stop this process for whoever waits for it to look at, and to kill."""
    os.kill(os.getpid(), signal.SIGSTOP)


def in_child(
    action: Callable[[], object], failed: Path | None = None, frozen: Callable[[int], object] | None = None
) -> bool:
    """Run `action` in a forked process; whether it was killed by SIGKILL. AssertionError if it failed by itself.

    failed: where its traceback goes, to be quoted by the AssertionError; else it goes to stderr.
    frozen: told of the process when it has frozen itself; after that it is killed.

    The child sees the caller's objects, and what it changes of them stays its own.
    """
    child = os.fork()
    if child == 0:
        status = _FAILED
        try:
            action()
            status = 0
        except BaseException:  # noqa: BLE001 - whatever it is, the child must end here and not in the test runner
            if failed is None:
                traceback.print_exc()
            else:
                failed.write_text(traceback.format_exc(), "utf-8")
        finally:
            os._exit(status)
    _, ended = os.waitpid(child, os.WUNTRACED)
    if os.WIFSTOPPED(ended):
        try:
            if frozen is not None:
                frozen(child)
        finally:
            os.kill(child, signal.SIGKILL)
            _, ended = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(ended)
    said = failed.read_text("utf-8") if failed is not None and failed.exists() else ""
    assert code in {0, -signal.SIGKILL}, f"the child failed by itself: {said}"
    return code != 0


def dies_at(at: int, action: Callable[[], object]) -> bool:
    """Run `action` in a child process that is killed just before effect `at`; False if it ended before that effect."""

    def mortal() -> None:
        with interrupted(at, die):
            action()

    return in_child(mortal)


def fails_at(at: int, error: OSError, action: Callable[[], object]) -> bool:
    """Run `action` with effect `at` raising `error`; False if there was none. What `action` raises is passed on."""

    def happen() -> None:
        raise error

    with interrupted(at, happen) as names:
        action()
    return len(names) > at
