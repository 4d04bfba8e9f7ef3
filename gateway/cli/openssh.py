"""`caseferry openssh`: what an administrator installs and checks where OpenSSH serves the mailboxes."""

import os
from pathlib import Path

from gateway.cli.terminal import EXIT_FAILED, Terminal, cell
from gateway.cli.trust import ask_passphrase
from gateway.compose.identity import load_keyring
from gateway.compose.openssh import Places, guests_of, sshd_config, sysusers, tmpfiles
from gateway.compose.openssh_check import Finding, check_openssh
from gateway.domain.errors import ConfigError, Scope
from gateway.folders import disk
from gateway.settings.load import Settings
from gateway.settings.node import ServerMode
from gateway.transport.accounts import account_of
from gateway.words.templates import mark


def config(terminal: Terminal, settings: Settings, places: Places) -> None:
    """Print the sshd's configuration."""
    _require_mode(settings)
    terminal.out.file.write(sshd_config(settings, places))


def accounts(terminal: Terminal, settings: Settings, places: Places, *, folders: bool) -> None:
    """Print sysusers.d lines, or tmpfiles.d lines."""
    _require_mode(settings)
    terminal.out.file.write((tmpfiles if folders else sysusers)(settings, places))
    for unit in guests_of(settings):
        terminal.warn(
            mark("Tell {unit} to write in its link: sftp: user: {account}"), unit=unit, account=account_of(unit)
        )


def host_key(terminal: Terminal, settings: Settings, out: Path) -> None:
    """Write the private host key that peers know from this node's card to `out`, for the sshd."""
    _require_mode(settings)
    keyring = load_keyring(settings, os.environ, ask_passphrase(terminal))
    disk.write_durably(out, keyring.ssh_host.to_openssh(), mode=0o600)
    terminal.say(
        mark("Wrote the host key to {path}. It must be root's alone; it opens no bundle and signs none."), path=out
    )


def check(terminal: Terminal, settings: Settings, places: Places, file: Path) -> int:
    """Look at everything and return 0, or 1 if something is not as it should be."""
    _require_mode(settings)
    found = check_openssh(settings, places, file)
    wrong = [one for one in found if one.wrong is not None]
    if terminal.as_json:
        told = [{"subject": one.subject, "wrong": _text(terminal, one)} for one in found]
        terminal.emit({"ok": not wrong, "results": told})
        return EXIT_FAILED if wrong else 0
    for one in wrong:
        terminal.line(f"{cell(one.subject)}: {_text(terminal, one)}", style="bold red")
    if wrong:
        terminal.say(
            mark("{count} of {all} things are not as they should be; docs/openssh.md says how."),
            count=len(wrong),
            all=len(found),
        )
        return EXIT_FAILED
    if os.geteuid() != 0:
        terminal.say(mark("sshd itself was not asked: that takes root."))
    terminal.say(mark("All {all} things are as they should be."), all=len(found))
    return 0


def _text(terminal: Terminal, one: Finding) -> str:
    return "" if one.wrong is None else cell(terminal.words.text(one.wrong.text, **one.wrong.facts))


def _require_mode(settings: Settings) -> None:
    if settings.server.mode is not ServerMode.OPENSSH:
        raise ConfigError("openssh-unused", "server.mode is embedded", scope=Scope.NODE)
