"""Commands that end or renew trust: peer remove, key rotate, key switch."""

import os
from collections.abc import Callable
from functools import cache
from pathlib import Path

import typer

from gateway.bundle.card import fingerprint, parse_card
from gateway.cli.terminal import Terminal
from gateway.cli.times import clock_text
from gateway.compose.identity import load_directory, new_umask
from gateway.domain.clock import Clock
from gateway.domain.errors import ConfigError
from gateway.domain.ids import unit_code
from gateway.folders import disk
from gateway.keyring.keyring import Keyring
from gateway.keyring.passphrase import passphrase_source
from gateway.roster.peers import PeerBook
from gateway.settings.load import Settings
from gateway.words.templates import mark

OVERLAP_SECONDS = 30 * 86400
"""So long old keys still open what was sealed to them: peers renew their copy of the card in that time."""


def remove_peer(terminal: Terminal, settings: Settings, unit: str, clock: Clock) -> None:
    """Revoke a peer: it may no longer log in, send, or be sent to."""
    try:
        code = unit_code(unit)
    except ValueError as error:
        raise ConfigError("unit-malformed", str(error), facts={"unit": unit}) from error
    new_umask()
    peer = PeerBook.open(settings.paths.peers).remove(code, now=clock.now())
    if terminal.as_json:
        terminal.emit({"unit": peer.unit, "revoked_at": peer.revoked_at})
        return
    terminal.say(mark("Revoked {unit}; its old receipts still verify."), unit=peer.unit)
    terminal.say(mark("A running gateway lets it in until the next reload: systemctl reload caseferry"))


def rotate_keys(terminal: Terminal, settings: Settings, out: Path | None, clock: Clock, *, ssh: bool) -> None:
    """Draw new keys beside the present ones, and say what the peers need."""
    new_umask()
    passphrase = _asked_once(terminal)
    keyring = Keyring.load(settings.paths.keys, passphrase)
    renewed = keyring.renew(
        settings.paths.keys,
        None if keyring.is_clear else passphrase(),
        # A card counts as the newer one by the second in which its newest key was made.
        now=max(clock.now(), keyring.pairs[0].not_before + 1.0),
        overlap_seconds=OVERLAP_SECONDS,
        ssh=ssh,
    )
    card = renewed.card(settings.node.unit, settings.node.name)
    shown = fingerprint(parse_card(card))
    if out is not None:
        disk.write_durably(out, card, mode=0o644)
    old_until = clock_text(clock.now() + OVERLAP_SECONDS)
    if terminal.as_json:
        terminal.emit({"unit": settings.node.unit, "fingerprint": shown, "card": str(out) if out else None})
        return
    terminal.say(mark("New keys are made; the old ones open bundles until {time}."), time=old_until)
    terminal.say(mark("1. Reload the gateway: systemctl reload caseferry"))
    terminal.say(mark("2. Send the new card to every peer before then: caseferry peer card --out FILE"))
    terminal.say(
        mark("3. Each peer adds it: caseferry peer add FILE. The old keys signed it: nothing to be read aloud.")
    )
    terminal.say(mark("Where a roster is in use, send the card to its authority instead: caseferry roster add."))
    if ssh:
        terminal.say(
            mark(
                "4. Once a roster with the new SSH keys is in use here: caseferry key switch, then restart the gateway."
            )
        )


def switch_ssh(terminal: Terminal, settings: Settings) -> None:
    """Use the SSH keys that were drawn before, once the roster tells everybody of them."""
    new_umask()
    passphrase = _asked_once(terminal)
    keyring = Keyring.load(settings.paths.keys, passphrase)
    roster = load_directory(settings).roster
    ours = None if roster is None else roster.units.get(settings.node.unit)
    if ours is not None and keyring.next_ssh is not None:
        host, user = keyring.next_ssh.host.public_text, keyring.next_ssh.user.public_text
        if host not in (ours.ssh_host_key, *ours.ssh_host_keys_also) or user not in ours.ssh_user_keys:
            raise ConfigError("ssh-keys-unlisted", "not in the roster in use", facts={"unit": settings.node.unit})
    keyring.switch_ssh(settings.paths.keys, None if keyring.is_clear else passphrase())
    terminal.say(mark("The new SSH keys are in use from the next start on: systemctl restart caseferry"))


def _asked_once(terminal: Terminal) -> Callable[[], bytes]:
    """Return what asks for the passphrase once: the file is read with it and written anew with it."""
    prompt = terminal.words.text(mark("Passphrase of the key file"))
    return cache(passphrase_source(os.environ, lambda: typer.prompt(prompt, hide_input=True, err=True)))
