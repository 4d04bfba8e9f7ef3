"""Commands that make a node and its trust: init, peer card, peer add, peer list."""

import base64
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import segno
import typer
from rich.table import Table

from gateway.bundle.card import fingerprint, parse_card
from gateway.cli.terminal import Terminal
from gateway.compose.identity import load_directory, load_keyring, load_settings, new_umask
from gateway.compose.setup import NewNode, init_node
from gateway.domain.clock import SystemClock
from gateway.domain.errors import ConfigError, SecurityError
from gateway.domain.ids import UnitCode, unit_code
from gateway.folders import disk
from gateway.keyring.passphrase import passphrase_source
from gateway.roster.peers import PeerBook
from gateway.words.templates import mark

CARD_FILE_MAX = 1 << 20
"""Bytes; a card has some 6 KiB."""


def init(
    terminal: Terminal, config: Path, *, unit: str, name: str, state: str, listen: str, port: int, clear_keys: bool
) -> None:
    """Make a new node and say what comes next."""
    new_umask()
    try:
        code = unit_code(unit)
    except ValueError as error:
        raise ConfigError("unit-malformed", str(error), facts={"unit": unit}) from error
    passphrase = None if clear_keys else passphrase_source(os.environ, _ask_new(terminal))()
    settings = init_node(config, NewNode(code, name, state, listen, port), passphrase, SystemClock())
    terminal.say(
        mark("Made node {unit} in {config}; its state is in {state}."),
        unit=code,
        config=config,
        state=settings.paths.state,
    )
    terminal.say(
        mark(
            "Next: send the card (caseferry peer card --out FILE) to your peers, add theirs, "
            "then write links.d and routes.d."
        )
    )


def card(terminal: Terminal, config: Path, out: Path | None, *, qr: bool) -> None:
    """Show this node's card, or write it to a file, with its fingerprint."""
    settings = load_settings(config)
    keyring = load_keyring(settings, os.environ, ask_passphrase(terminal))
    raw = keyring.card(settings.node.unit, settings.node.name)
    shown = fingerprint(parse_card(raw))
    if out is not None:
        disk.write_durably(out, raw, mode=0o644)
    if terminal.as_json:
        terminal.emit({"unit": settings.node.unit, "fingerprint": shown, "card": base64.b64encode(raw).decode("ascii")})
        return
    if out is None:
        terminal.say(mark("To hand the card over as a file: caseferry peer card --out FILE"))
    terminal.say(mark("Fingerprint, to be read aloud to the peer:"))
    terminal.out.print(shown, markup=False, style="bold")
    if qr:
        segno.make(shown, error="m").terminal(compact=True)


def add(terminal: Terminal, config: Path, file: Path, confirmed: str | None, *, replace: bool) -> None:
    """Accept a peer's card once its fingerprint, heard from the peer, has been typed in."""
    settings = load_settings(config)
    with disk.mapped(file.parent), file.open("rb") as source:
        raw = source.read(CARD_FILE_MAX + 1)
    found = parse_card(raw)
    terminal.say(mark("Card of {unit}, {name}."), unit=found.unit, name=found.name)
    book, now = PeerBook.open(settings.paths.peers), SystemClock().now()
    if confirmed is None and not replace and _is_renewal(book, found.unit, raw, now):
        terminal.say(
            mark("Renewed {unit}: its present keys signed the card. A running daemon reads it on reload (SIGHUP)."),
            unit=found.unit,
        )
        return
    if confirmed is None:
        terminal.say(mark("Call the peer on a number you already know, and type the fingerprint that is read to you."))
        confirmed = typer.prompt(terminal.words.text(mark("Fingerprint")))
    peer = book.add(raw, confirmed, now=now, replace=replace)
    terminal.say(mark("Confirmed {unit}. A running daemon reads it on reload (SIGHUP)."), unit=peer.unit)


def _is_renewal(book: PeerBook, unit: UnitCode, raw: bytes, now: float) -> bool:
    """Accept a card that the present keys of a known peer signed; then nothing has to be read aloud."""
    if book.get(unit) is None:
        return False
    try:
        book.add(raw, None, now=now)
    except SecurityError as error:
        if error.code != "card-unproven":
            raise
        return False
    return True


def list_peers(terminal: Terminal, config: Path) -> None:
    """List the confirmed peers with fingerprint and standing, and the neighbours that the roster alone speaks for."""
    settings = load_settings(config)
    directory = load_directory(settings)
    listed = {} if directory.roster is None else directory.roster.units
    cards = directory.book.peers()
    rows: list[dict[str, object]] = [
        {
            "unit": peer.unit,
            "name": peer.card.name,
            "source": "roster" if peer.unit in listed else "card",
            "fingerprint": peer.fingerprint(),
            "added_at": peer.added_at,
            "revoked_at": peer.revoked_at,
        }
        for peer in cards
    ]
    neighbours = dict.fromkeys(link.peer for link in settings.links)
    rows += [
        {
            "unit": unit.unit,
            "name": unit.name,
            "source": "roster",
            "fingerprint": None,
            "added_at": unit.since,
            "revoked_at": unit.closed_at,
        }
        for unit in (listed[code] for code in neighbours if code in listed)
        if unit.unit not in {peer.unit for peer in cards}
    ]
    if terminal.as_json:
        terminal.emit({"peers": rows})
        return
    words = terminal.words
    columns = (mark("Unit"), mark("Name"), mark("Since"), mark("Known by"), mark("Fingerprint"))
    table = Table(*map(words.text, columns))
    sources = {"card": words.text(mark("card")), "roster": words.text(mark("roster"))}
    for row in rows:
        since = datetime.fromtimestamp(float(str(row["added_at"])), UTC).astimezone().strftime("%Y-%m-%d %H:%M")
        shown = words.text(mark("revoked")) if row["revoked_at"] is not None else str(row["fingerprint"] or "")
        table.add_row(str(row["unit"]), str(row["name"]), since, sources[str(row["source"])], shown)
    terminal.show(table)


def ask_passphrase(terminal: Terminal) -> Callable[[], str]:
    """Return what asks the person at the terminal for the passphrase of the key file."""
    return lambda: typer.prompt(terminal.words.text(mark("Passphrase of the key file")), hide_input=True)


def _ask_new(terminal: Terminal) -> Callable[[], str]:
    return lambda: typer.prompt(
        terminal.words.text(mark("New passphrase for the key file")), hide_input=True, confirmation_prompt=True
    )
