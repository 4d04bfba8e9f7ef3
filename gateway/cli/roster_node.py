"""The roster at a node: show it, verify and compare files, trust one for the first time, take in a newer one."""

import tempfile
from pathlib import Path

import typer

from gateway.bundle.aloud import is_heard
from gateway.cli.roster_words import difference_json, say_difference, show_units, unit_json
from gateway.cli.terminal import Terminal
from gateway.cli.times import clock_text
from gateway.compose.authority import AuthorityFolder, read_roster
from gateway.compose.identity import new_umask, roster_store
from gateway.compose.offline import ring_bell
from gateway.domain.clock import Clock
from gateway.domain.errors import PermanentError, Scope, SecurityError
from gateway.roster import codec
from gateway.roster.comparing import compare
from gateway.roster.content import RosterContent
from gateway.roster.file import split
from gateway.roster.roster import Roster
from gateway.roster.store import Came, Trusted, examine, first
from gateway.settings.load import Settings
from gateway.words.templates import mark


def show(terminal: Terminal, settings: Settings, unit: str, clock: Clock) -> None:
    """Show the accepted roster, or one unit of it."""
    trusted = roster_store(settings).load()
    if trusted is None:
        raise _untrusted()
    _show(terminal, trusted.roster, unit, clock.now(), trusted)


def show_file(terminal: Terminal, file: Path, unit: str, clock: Clock) -> None:
    """Show what a file claims; nobody has verified it."""
    terminal.warn(mark("This is what the file claims; caseferry roster verify says whether it is genuine."))
    _show(terminal, Roster(_content(file)), unit, clock.now(), None)


def verify(terminal: Terminal, settings: Settings, file: Path, confirmed: str | None, clock: Clock) -> None:
    """Say whether a file is genuine: by the roster trusted here, or by its root's fingerprint."""
    from gateway.roster.proving import fingerprint

    raw, held = read_roster(file), roster_store(settings).load()
    with tempfile.TemporaryDirectory(prefix="caseferry-roster-") as scratch:
        if confirmed is not None:
            if not is_heard(confirmed, fingerprint(split(raw).roots[-1])):
                raise SecurityError("roster-fingerprint-mismatch", "another root", scope=Scope.NODE)
            trusted = first(raw, Path(scratch), now=clock.now())
        elif held is None:
            raise _untrusted()
        elif raw == held.raw:
            trusted = held
        else:
            trusted = examine(raw, held, Path(scratch), now=clock.now())
    if terminal.as_json:
        terminal.emit({"genuine": True, **_head_json(trusted, clock.now())})
        return
    terminal.say(
        mark("Genuine: version {version} of {province}, good until {time}."),
        version=trusted.version,
        province=trusted.roster.content.province,
        time=clock_text(trusted.expires_at),
    )


def diff(terminal: Terminal, old: Path, new: Path) -> None:
    """Show what differs between two files, or a file and a draft."""
    found = compare(_content(old), AuthorityFolder(new).draft() if new.is_dir() else _content(new))
    if terminal.as_json:
        terminal.emit(difference_json(found))
    else:
        say_difference(terminal, found)


def trust(
    terminal: Terminal, settings: Settings, file: Path, confirmed: str | None, clock: Clock, *, replace: bool
) -> None:
    """Begin to go by a roster once the fingerprint of its root, heard from the authority, has been typed in."""
    new_umask()
    raw = read_roster(file)
    content = _content(file)
    terminal.say(
        mark("Roster of {province}, version {version}, {count} units."),
        province=content.province,
        version=content.version,
        count=len(content.units),
    )
    if confirmed is None:
        terminal.say(
            mark("Call the authority on a number you already know, and type the fingerprint that is read to you.")
        )
        confirmed = typer.prompt(terminal.words.text(mark("Fingerprint")))
    trusted = roster_store(settings).trust(raw, confirmed, now=clock.now(), replace=replace)
    ring_bell(settings)
    terminal.say(
        mark("This node goes by version {version} now, until {time}."),
        version=trusted.version,
        time=clock_text(trusted.expires_at),
    )


def take(terminal: Terminal, settings: Settings, file: Path, clock: Clock) -> None:
    """Take in a newer roster."""
    new_umask()
    came, trusted = roster_store(settings).take(read_roster(file), now=clock.now())
    if came is Came.NEWER:
        ring_bell(settings)
    if terminal.as_json:
        terminal.emit({"taken": came is Came.NEWER, **_head_json(trusted, clock.now())})
        return
    said = {
        Came.NEWER: mark("This node goes by version {version} now, until {time}."),
        Came.SAME: mark("This is the version in use: {version}, good until {time}."),
        Came.OLDER: mark("The file is older than version {version}, which stays in use until {time}."),
    }[came]
    terminal.say(said, version=trusted.version, time=clock_text(trusted.expires_at))


def _show(terminal: Terminal, roster: Roster, unit: str, now: float, trusted: Trusted | None) -> None:
    content = roster.content
    units = content.units
    if unit:
        found = roster.resolve(None, unit, now)
        if found is None:
            near = ", ".join(f"{one.unit} {one.name}" for one in roster.near(unit))
            raise PermanentError("roster-unit-unknown", near, scope=Scope.NODE, facts={"unit": unit})
        units = (found.unit,)
    if terminal.as_json:
        head: dict[str, object] = {"version": content.version} if trusted is None else _head_json(trusted, now)
        terminal.emit(
            {
                **head,
                "province": content.province,
                "issued_at": content.issued_at,
                "units": [unit_json(one) for one in units],
                "rules": len(content.permissions),
                "classes": len(content.classes),
            }
        )
        return
    terminal.say(
        mark("Roster of {province}, version {version}, {count} units."),
        province=content.province,
        version=content.version,
        count=len(content.units),
    )
    if trusted is not None:
        terminal.say(
            mark("Good until {time}; fingerprint of its root: {digits}"),
            time=clock_text(trusted.expires_at),
            digits=trusted.fingerprint(),
        )
    show_units(terminal, roster, units)


def _head_json(trusted: Trusted, now: float) -> dict[str, object]:
    return {
        "version": trusted.version,
        "root_version": trusted.root_version,
        "expires_at": trusted.expires_at,
        "expired": trusted.expires_at <= now,
        "fingerprint": trusted.fingerprint(),
    }


def _content(file: Path) -> RosterContent:
    from gateway.roster.file import malformed

    try:
        return codec.decode(split(read_roster(file)).roster)
    except ValueError as error:
        raise malformed(str(error)) from error


def _untrusted() -> PermanentError:
    return PermanentError("roster-untrusted", "no roster was ever trusted here", scope=Scope.NODE)
