"""Who may log in to the mailboxes here, written where the server of this node's mode reads it."""

from pathlib import Path

from gateway.domain.errors import ConfigError, GatewayError, Scope
from gateway.folders import disk
from gateway.roster.directory import Directory
from gateway.settings.load import Settings
from gateway.settings.node import ServerMode
from gateway.transport.accounts import public_blob, save_accounts

ACCOUNTS_FILE = "accounts.json"
ACCOUNTS_FOLDER = ".accounts"
"""Folder among the mailboxes in which sshd's command finds the file; no unit's code begins with a dot."""


def accounts_path(settings: Settings) -> Path:
    """Return where the accounts file is: among our state, or, for OpenSSH, where another account may read it."""
    if settings.server.mode is ServerMode.OPENSSH:
        return settings.paths.mailboxes / ACCOUNTS_FOLDER / ACCOUNTS_FILE
    return settings.paths.state / ACCOUNTS_FILE


def save_guests(settings: Settings, directory: Directory) -> None:
    """Let in exactly the peers whose link needs a mailbox here; ConfigError `openssh-unprepared` if root has not made
    the folders for OpenSSH yet."""
    guests = {link.peer for link in settings.links if link.enabled and link.hosts_mailbox}
    accounts = {
        unit: [public_blob(key) for key in keys] for unit, keys in directory.accounts().items() if unit in guests
    }
    path = accounts_path(settings)
    is_shared = settings.server.mode is ServerMode.OPENSSH
    try:
        with disk.mapped(path.parent):
            # It holds public keys only; sshd's command reads it under an account that may read nothing else of ours.
            save_accounts(path, accounts, mode=0o644 if is_shared else 0o600)
    except GatewayError as error:
        if not is_shared:
            raise
        raise ConfigError(
            "openssh-unprepared", error.detail, scope=Scope.NODE, facts={"folder": str(path.parent)}
        ) from error
