"""Commands that end or renew trust: peer remove, key rotate."""

import os
from functools import cache
from pathlib import Path

import typer

from gateway.bundle.card import fingerprint, parse_card
from gateway.cli.terminal import Terminal
from gateway.cli.times import clock_text
from gateway.compose.identity import new_umask
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


def rotate_keys(terminal: Terminal, settings: Settings, out: Path | None, clock: Clock) -> None:
    """Draw new keys beside the present ones, and say what the peers need."""
    new_umask()
    prompt = terminal.words.text(mark("Passphrase of the key file"))
    # Asked once for both: the file is read with it and written anew with it.
    passphrase = cache(passphrase_source(os.environ, lambda: typer.prompt(prompt, hide_input=True, err=True)))
    keyring = Keyring.load(settings.paths.keys, passphrase)
    renewed = keyring.renew(
        settings.paths.keys,
        None if keyring.is_clear else passphrase(),
        # A card counts as the newer one by the second in which its newest key was made.
        now=max(clock.now(), keyring.pairs[0].not_before + 1.0),
        overlap_seconds=OVERLAP_SECONDS,
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
