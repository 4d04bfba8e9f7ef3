"""What every test gets: a fixed locale and zone, quick folders, hypothesis profiles, a reason where left out."""

import gc
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.database import DirectoryBasedExampleDatabase

from tests.support.examples import FUZZING, ORDINARY

# Deterministic by default: the same commit gives the same verdict. `make fuzz` looks for new ground, and must say so:
# what a profile leaves out it has from the one before it.
settings.register_profile(
    "default", max_examples=ORDINARY, derandomize=True, deadline=None, database=None, print_blob=True
)
settings.register_profile(
    "fuzz",
    max_examples=FUZZING,
    derandomize=False,
    deadline=None,
    database=DirectoryBasedExampleDatabase(".hypothesis/examples"),
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))

_SBIN = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"))
_NEEDS = {
    "needs_sshd": ("sshd", "OpenSSH's sshd is not installed (apt package openssh-server)"),
    "needs_ssh": ("ssh", "OpenSSH's client is not installed (apt package openssh-client)"),
    "needs_systemd": ("systemd-analyze", "systemd-analyze is not installed (apt package systemd)"),
    "needs_strace": ("strace", "strace is not installed (apt package strace)"),
}


def absent(mark: str) -> str:
    """Return why this machine cannot run tests of `mark`, empty if it can."""
    program, why = _NEEDS[mark]
    if shutil.which(program, path=_SBIN) is None:
        return why
    if mark == "needs_strace":
        # Containers and sandboxes often forbid what strace lives by.
        tried = subprocess.run(["strace", "-o", os.devnull, "true"], capture_output=True, text=True, check=False)
        if tried.returncode != 0:
            return f"strace may trace nothing here ({(tried.stderr.strip() or 'no reason given').splitlines()[0]})"
    return ""


_ROOT = Path(__file__).resolve().parents[1]
_MEMORY = Path("/dev/shm")
_MEMORY_LEAST = 6 << 30
"""Bytes free below which tests use the disk: a run fills two or three of them, and daemons need memory too."""


def _keep_bytecode() -> None:
    """Let the daemons of the tests find our modules compiled, also where Python is told to keep nothing.

    To compile them anew is a fifth of what a daemon's start costs, and there are some two hundred starts.
    """
    if sys.dont_write_bytecode:
        sys.dont_write_bytecode = False
        sys.pycache_prefix = os.environ["PYTHONPYCACHEPREFIX"] = str(_ROOT / ".pytest_cache" / "bytecode")
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


def memory() -> Path:
    """Return the folder for what is written for a moment: a tmpfs with room, where what is flushed need not reach a
    disk, or where TMPDIR says."""
    is_roomy = os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free >= _MEMORY_LEAST
    return _MEMORY if is_roomy and "TMPDIR" not in os.environ else Path(tempfile.gettempdir())


def _work_in_memory() -> None:
    """Put the tests' folders there, unless PYTEST_DEBUG_TEMPROOT says where."""
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(memory()))


def pytest_configure(config: pytest.Config) -> None:
    """Make the words a test sees independent of the machine it runs on, and its folders quick."""
    _keep_bytecode()
    _work_in_memory()
    for name in ("LC_ALL", "LC_MESSAGES", "LANG", "LANGUAGE", "CASEFERRY_LANGUAGE"):
        os.environ.pop(name, None)
    os.environ["TZ"] = "UTC"
    time.tzset()


def pytest_collection_finish() -> None:
    """Hide the thousands of tests from the garbage collector, which would go through all of them again and again."""
    gc.collect()
    gc.freeze()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes long; skip, by name and with the reason, what this machine cannot run."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)
    whys: dict[str, str] = {}
    for item in items:
        for mark in _NEEDS:
            if item.get_closest_marker(mark) is None:
                continue
            if mark not in whys:
                whys[mark] = absent(mark)
            if whys[mark]:
                item.add_marker(pytest.mark.skip(reason=whys[mark]))


@pytest.fixture(autouse=True)
def _own_umask() -> Iterator[None]:
    """Give every test the umask that it would have alone: commands that make keys narrow it for their whole process."""
    before = os.umask(0o022)
    yield
    os.umask(before)
