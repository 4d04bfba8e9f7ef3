"""What a command opens beside, or instead of, the daemon: settings, the ledger to read or to change, and the bell."""

import os
import pwd
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.domain.clock import Clock
from gateway.domain.errors import ConfigError, PermanentError, Scope
from gateway.settings.links import LinkSettings
from gateway.settings.load import NODE_FILE, Settings, load

if TYPE_CHECKING:
    from gateway.ledger.store import Ledger

BELL_FOLDER = "bell"
"""Folder in the state folder; whoever changes the ledger from outside drops a file there, and every worker looks."""
BELL_FILE = "rung"
"""Always the same name: however often it is rung, one empty file lies there."""


def read_settings(config: Path) -> Settings:
    """Return the checked settings in `config`; ConfigError with every complaint otherwise.

    Whether the packers that routes name are installed, and the units that they name within reach, is left to
    `caseferry check` and to the start: asking costs as much time as all the rest of a short command.
    """
    return load(config, beyond=None)


def is_configured(config: Path) -> bool:
    """Whether there is a node configuration in `config`; tools that can do without one ask first."""
    return (config / NODE_FILE).is_file()


def ledger_to_read(settings: Settings, clock: Clock) -> "Ledger":
    """Return the node's ledger for reading; ConfigError `ledger-missing` before the first start."""
    return _open(settings, clock, read_only=True)


def ledger_to_change(settings: Settings, clock: Clock) -> "Ledger":
    """Return the node's ledger for an operator's change; never makes one: `ledger-missing` before the first start."""
    ledger_to_read(settings, clock).close()
    return _open(settings, clock, read_only=False)


def link_named(settings: Settings, name: str) -> LinkSettings:
    """Return the link that a person named; ConfigError `link-unknown`."""
    found = next((one for one in settings.links if one.name == name), None)
    if found is None:
        known = ", ".join(sorted(one.name for one in settings.links))
        facts: dict[str, str | int] = {"peer": name[:60], "known": known}
        raise ConfigError("link-unknown", "no link is called that", scope=Scope.LINK, facts=facts)
    return found


def ring_bell(settings: Settings) -> None:
    """Let a running daemon look at the ledger at once; without one, or without the right to ring, nothing happens.

    The change itself is already durable: a daemon that does not hear finds it at its next look.
    """
    try:
        # Opening for writing and closing is what the daemon hears; nothing is added to the folder.
        (settings.paths.state / BELL_FOLDER / BELL_FILE).write_bytes(b"")
    except OSError:
        return


def login_name() -> str:
    """Return who is at the terminal: the login that the kernel knows, also below sudo; else the account's name."""
    try:
        return os.getlogin()
    except OSError:
        try:
            return pwd.getpwuid(os.getuid()).pw_name
        except KeyError:
            return f"uid-{os.getuid()}"


def missing(path: Path) -> PermanentError:
    """Return `file-not-there` for a file or folder that a person named."""
    return PermanentError("file-not-there", f"{path} is not there", facts={"path": str(path)})


def not_empty(path: Path) -> ConfigError:
    """Return `folder-not-empty` for a folder that something is to be written into."""
    return ConfigError("folder-not-empty", f"{path} is not empty", scope=Scope.NODE, facts={"path": str(path)})


def _open(settings: Settings, clock: Clock, *, read_only: bool) -> "Ledger":
    from gateway.ledger.store import Ledger

    def no_epoch() -> int:
        raise AssertionError("a command makes no ledger")

    return Ledger.open(
        settings.ledger_path, unit=settings.node.unit, clock=clock, new_epoch=no_epoch, read_only=read_only
    )
