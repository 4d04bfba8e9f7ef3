"""What every test gets: a fixed locale and zone, hypothesis profiles, and a named reason for each test left out."""

import os
import shutil
import subprocess
import time

import pytest
from hypothesis import HealthCheck, settings

# Deterministic by default: the same commit gives the same verdict. `make fuzz` looks for new ground.
settings.register_profile("default", derandomize=True, deadline=None, database=None, print_blob=True)
settings.register_profile(
    "fuzz", max_examples=3000, deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))

_SBIN = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"))
_NEEDS = {
    "needs_sshd": ("sshd", "OpenSSH's sshd is not installed (apt package openssh-server)"),
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


def pytest_configure(config: pytest.Config) -> None:
    """Make the words a test sees independent of the machine it runs on."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG", "LANGUAGE", "CASEFERRY_LANGUAGE"):
        os.environ.pop(name, None)
    os.environ["TZ"] = "UTC"
    time.tzset()


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
