"""The roster at its authority: draw keys, edit the draft, sign, and publish what enough officers have signed."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import typer

from gateway.bundle.aloud import is_heard
from gateway.bundle.card import Card, fingerprint, parse_card
from gateway.cli.roster_words import say_difference
from gateway.cli.terminal import Terminal
from gateway.cli.times import clock_text, moment
from gateway.cli.trust import CARD_FILE_MAX
from gateway.compose.authority import (
    AuthorityFolder,
    Plan,
    Signing,
    draw_key,
    public_path,
    read_public,
    sign_file,
)
from gateway.compose.identity import new_umask
from gateway.domain.clock import Clock
from gateway.domain.errors import ConfigError, PermanentError, SecurityError
from gateway.domain.ids import UnitCode, unit_code
from gateway.domain.records import Priority
from gateway.folders import disk
from gateway.keyring.officer import OfficerKey
from gateway.keyring.passphrase import passphrase_source
from gateway.roster import drafting
from gateway.roster.authority import Officers
from gateway.roster.content import FlowClass, Level, Permission, RosterContent, RosterUnit, UnitName
from gateway.words.templates import mark


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is said of a unit beside its card; empty leaves it as it is. `codes`: each `SCHEME=CODE`."""

    role: str
    level: str
    region: str
    parent: str
    hubs: tuple[str, ...]
    codes: tuple[str, ...]


def draw(terminal: Terminal, out: Path) -> None:
    """Draw an officer's key."""
    new_umask()
    question = terminal.words.text(mark("New passphrase for the key file"))
    ask = passphrase_source(os.environ, lambda: typer.prompt(question, hide_input=True, confirmation_prompt=True))
    public = draw_key(out, ask)
    terminal.say(
        mark("Made {path}; keep it offline. Its public half, for the others, is {public}:"),
        path=out,
        public=public_path(out),
    )
    terminal.line(public.hex())


def begin(
    terminal: Terminal, folder: Path, *, province: str, officers: Sequence[Path], threshold: int, days: int
) -> None:
    """Make the authority's folder."""
    from gateway.domain.clock import SystemClock

    new_umask()
    plan = Plan(Officers(tuple(map(read_public, officers)), threshold), days)
    AuthorityFolder.create(folder, province, plan, SystemClock())
    terminal.say(
        mark("Made {folder}: {threshold} of {count} officers must sign."),
        folder=folder,
        threshold=threshold,
        count=len(officers),
    )
    terminal.say(
        mark("Next: caseferry roster add {folder} CARD --role ... for each unit, then caseferry roster sign."),
        folder=folder,
    )


def change_officers(terminal: Terminal, folder: Path, *, officers: Sequence[Path], threshold: int) -> None:
    """Let others sign from the next version on."""
    authority = AuthorityFolder(folder)
    plan = replace(authority.plan(), officers=Officers(tuple(map(read_public, officers)), threshold))
    authority.set_plan(plan)
    terminal.say(
        mark("From the next version on {threshold} of {count} must sign; that one needs the officers before as well."),
        threshold=threshold,
        count=len(officers),
    )


def add(terminal: Terminal, folder: Path, file: Path, wanted: Wanted, *, confirmed: str | None, clock: Clock) -> None:
    """Put a unit into the draft, or its renewed card."""
    authority = AuthorityFolder(folder)
    content, card = authority.draft(), _read_card(file)
    terminal.say(mark("Card of {unit}, {name}."), unit=card.unit, name=card.name)
    known = next((unit for unit in content.units if unit.unit == card.unit), None)
    if known is None or not _is_vouched(card, known):
        _confirm(terminal, card, confirmed)
    entry = _entry(content, card, known, wanted, int(clock.now()))
    authority.save(drafting.put(content, entry))
    said = (
        mark("Added {unit} to the draft.")
        if known is None
        else mark("Renewed {unit} in the draft; its earlier keys count until they end.")
    )
    terminal.say(said, unit=card.unit)


def revoke(
    terminal: Terminal, folder: Path, unit: str, *, key_id: str, at: str, clock: Clock, compromised: bool
) -> None:
    """Revoke keys of a unit in the draft."""
    authority = AuthorityFolder(folder)
    only = _key_id(unit, key_id) if key_id else None
    time = int(moment(at, clock.now()) if at else clock.now())
    authority.save(drafting.revoke(authority.draft(), _unit(unit), time, only, compromised=compromised))
    terminal.say(
        mark("Revoked in the draft from {time} on; it takes effect once the roster is signed and sent."),
        time=clock_text(time),
    )


def forget_ssh(terminal: Terminal, folder: Path, unit: str) -> None:
    """Leave a unit its newest SSH keys alone, in the draft."""
    authority = AuthorityFolder(folder)
    content = authority.draft()
    authority.save(drafting.put(content, drafting.without_old_ssh(drafting.get(content, unit))))
    terminal.say(mark("Only the newest SSH keys of {unit} are left in the draft."), unit=unit)


def close(terminal: Terminal, folder: Path, unit: str, *, successor: str, at: str, clock: Clock) -> None:
    """Close a unit in the draft."""
    authority = AuthorityFolder(folder)
    time = int(moment(at, clock.now()) if at else clock.now())
    follows = _unit(successor) if successor else None
    authority.save(drafting.close(authority.draft(), _unit(unit), time, follows))
    terminal.say(mark("Closed {unit} in the draft."), unit=unit)


def allow(
    terminal: Terminal, folder: Path, flow: str, sender: str, receiver: str, *, withdraw: bool, number: int, lane: str
) -> None:
    """Add a rule to the draft, or take it out; with a `number` the flow gets that class, in that lane."""
    if lane.upper() not in Priority.__members__:
        known = ", ".join(one.name.lower() for one in Priority)
        raise PermanentError("roster-lane-unknown", f"no lane {lane[:40]}", facts={"lane": lane[:40], "known": known})
    authority = AuthorityFolder(folder)
    rule = Permission(flow, sender, receiver)
    content = authority.draft()
    if withdraw and rule not in content.permissions:
        facts: dict[str, str | int] = {"flow": flow, "sender": sender, "receiver": receiver}
        raise PermanentError("roster-rule-unknown", f"no rule {rule}", facts=facts)
    content = drafting.allow(content, rule, withdraw=withdraw)
    if number and not withdraw:
        content = drafting.classify(content, FlowClass(number, flow, Priority[lane.upper()]))
    authority.save(content)
    said = (
        mark("Withdrawn: {flow} from {sender} to {receiver}.")
        if withdraw
        else mark("Allowed: {flow} from {sender} to {receiver}.")
    )
    terminal.say(said, flow=flow, sender=sender, receiver=receiver)


def sign(terminal: Terminal, what: Path, key_file: Path, others: Sequence[Path], clock: Clock) -> None:
    """Sign a draft or a proposal, and say what is still missing."""
    new_umask()
    question = terminal.words.text(mark("Passphrase of the key file"))
    key = OfficerKey.load(
        key_file, passphrase_source(os.environ, lambda: typer.prompt(question, hide_input=True, err=True))
    )
    done = AuthorityFolder(what).sign(key, others, clock) if what.is_dir() else sign_file(what, key)
    if terminal.as_json:
        terminal.emit(_signing_json(done))
        return
    if done.change is not None:
        say_difference(terminal, done.change)
    terminal.say(
        mark("Version {version}: signed by {count}, {missing} missing."),
        version=done.version,
        count=len(done.signed.keys),
        missing=done.signed.missing,
    )
    if done.published is None:
        terminal.say(
            mark(
                "Carry {path} to the next officer: caseferry roster sign FILE --key KEY, and bring it back with --with."
            )
            if done.signed.missing
            else mark(
                "Enough have signed. Take {path} back to the authority's folder; "
                "`roster sign --with` publishes it there."
            ),
            path=done.path,
        )
        return
    terminal.say(
        mark("Published: {path}, good until {time}."), path=done.path, time=clock_text(done.published.expires_at)
    )
    terminal.say(
        mark("Give it to any node: caseferry roster import FILE. Fingerprint, for nodes that trust no roster yet:")
    )
    terminal.line(done.published.fingerprint(), style="bold")


def _signing_json(done: Signing) -> dict[str, object]:
    published = done.published
    return {
        "path": str(done.path),
        "version": done.version,
        "signed_by": [key.hex() for key in done.signed.keys],
        "missing": done.signed.missing,
        "published": published is not None,
        "expires_at": None if published is None else published.expires_at,
        "fingerprint": None if published is None else published.fingerprint(),
    }


def _read_card(file: Path) -> Card:
    with disk.mapped(file.parent), file.open("rb") as source:
        return parse_card(source.read(CARD_FILE_MAX + 1))


def _is_vouched(card: Card, known: RosterUnit) -> bool:
    """Whether the newest keys of the unit, none of them revoked, signed this card."""
    newest = {key.public.suite: key for key in sorted(known.keys, key=lambda key: key.not_before)}
    return all(key.revoked_at is None and key.public.sign_key_id in card.signers() for key in newest.values())


def _confirm(terminal: Terminal, card: Card, confirmed: str | None) -> None:
    if confirmed is None:
        terminal.say(mark("Call the unit on a number you already know, and type the fingerprint that is read to you."))
        confirmed = typer.prompt(terminal.words.text(mark("Fingerprint")))
    if not is_heard(confirmed, fingerprint(card)):
        raise SecurityError("fingerprint-mismatch", "not that of this card", facts={"unit": card.unit})


def _entry(content: RosterContent, card: Card, known: RosterUnit | None, wanted: Wanted, now: int) -> RosterUnit:
    names = tuple(_name(one, now) for one in wanted.codes)
    if known is None:
        missing = [
            option
            for option, value in (("--role", wanted.role), ("--level", wanted.level), ("--region", wanted.region))
            if not value
        ]
        if missing:
            raise ConfigError("roster-unit-incomplete", f"{missing}", facts={"options": ", ".join(missing)})
        return drafting.unit_of_card(
            card,
            role=wanted.role,
            level=_level(wanted.level),
            region=wanted.region,
            parent=_unit(wanted.parent) if wanted.parent else None,
            hubs=tuple(map(_unit, wanted.hubs)),
            names=names,
            since=now,
        )
    renewed = drafting.renewed(known, card)
    ended = {name.scheme for name in names}
    kept = tuple(
        replace(name, until=now) if name.scheme in ended and name.until is None else name for name in known.names
    )
    return replace(
        renewed,
        role=wanted.role or known.role,
        level=_level(wanted.level) if wanted.level else known.level,
        region=wanted.region or known.region,
        parent=_unit(wanted.parent) if wanted.parent else known.parent,
        hubs=tuple(map(_unit, wanted.hubs)) or known.hubs,
        names=(*kept, *names),
    )


def _name(written: str, now: int) -> UnitName:
    scheme, equals, code = written.partition("=")
    if not (scheme and equals and code):
        raise ConfigError("roster-unit-incomplete", written, facts={"options": "--code SCHEME=CODE"})
    return UnitName(scheme, code, now)


def _level(written: str) -> Level:
    try:
        return Level(written)
    except ValueError as error:
        raise ConfigError("roster-unit-incomplete", written, facts={"options": "--level"}) from error


def _unit(written: str) -> UnitCode:
    try:
        return unit_code(written)
    except ValueError as error:
        raise ConfigError("unit-malformed", str(error), facts={"unit": written}) from error


def _key_id(unit: str, written: str) -> bytes:
    try:
        return bytes.fromhex(written)
    except ValueError as error:
        raise PermanentError("roster-key-unknown", written[:80], facts={"unit": unit}) from error
