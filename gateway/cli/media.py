"""`caseferry media`: what people do with removable media, said and shown."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

from rich.progress import Progress

from gateway.cli.terminal import Terminal, cell
from gateway.cli.times import clock_text
from gateway.cli.trust import ask_passphrase
from gateway.compose.identity import load_identity, new_umask
from gateway.compose.media import Loaded, MediaDesk, Waiting
from gateway.compose.media import Progress as Moved
from gateway.compose.offline import login_name
from gateway.domain.clock import SystemClock
from gateway.domain.errors import GatewayError
from gateway.domain.trips import Trip, TripState, TripWay
from gateway.words.templates import mark

_STATES = MappingProxyType(
    {
        (TripWay.OUT, TripState.ASKED): mark("waits for a second person"),
        (TripWay.OUT, TripState.CONFIRMED): mark("not finished; confirm again to go on"),
        (TripWay.OUT, TripState.CARRIED): mark("on its way"),
        (TripWay.OUT, TripState.ARRIVED): mark("arrived"),
        (TripWay.OUT, TripState.LOST): mark("lost; everything goes again"),
        (TripWay.OUT, TripState.CANCELLED): mark("called off"),
        (TripWay.IN, TripState.ASKED): mark("waits for a second person"),
        (TripWay.IN, TripState.CONFIRMED): mark("not finished; confirm again to go on"),
        (TripWay.IN, TripState.CARRIED): mark("taken in"),
        (TripWay.IN, TripState.CANCELLED): mark("called off"),
    }
)
_WAYS = MappingProxyType({TripWay.OUT: mark("out"), TripWay.IN: mark("in")})


@contextmanager
def at_desk(terminal: Terminal, config: Path) -> Iterator[tuple[Terminal, MediaDesk]]:
    """Yield the desk of the person at the terminal, and the terminal in the node's language."""
    new_umask()
    identity = load_identity(config, os.environ, ask_passphrase(terminal))
    settled = terminal.speaking(identity.settings.node.language)
    try:
        yield settled, MediaDesk(identity, login_name(), SystemClock())
    except GatewayError as error:
        settled.fail(error)


def export(terminal: Terminal, desk: MediaDesk, loaded: Loaded) -> None:
    """Say what was asked for, and do it where one person is enough."""
    medium = loaded.trip.medium
    if loaded.is_beside:
        terminal.warn(
            mark(
                "{medium} lies on this server's own disk. Is the medium mounted there? If not: caseferry media cancel"
            ),
            medium=medium,
        )
    if loaded.left:
        terminal.say(mark("The medium has no room for {count} more files; they wait."), count=loaded.left)
    _go_on(terminal, desk, [loaded.trip])


def take_in(terminal: Terminal, desk: MediaDesk, medium: Path, why: str) -> int:
    """Ask for an import, and do it where one person is enough; return how many trips were refused."""
    found = desk.look(medium, why)
    for trip, error in found.refused:
        told = terminal.words.error(error)
        terminal.warn(mark("Trip {trip} is left on the medium: {what} {do}"), trip=trip, what=told.what, do=told.do)
    if found.strangers:
        terminal.warn(
            mark("{count} files among the trips belong to none of them; they were not touched."), count=found.strangers
        )
    refused = [{"trip": trip, "code": error.code} for trip, error in found.refused]
    _go_on(terminal, desk, list(found.trips), refused)
    return len(found.refused)


def _go_on(terminal: Terminal, desk: MediaDesk, trips: list[Trip], refused: list[dict[str, str]] | None = None) -> None:
    done = []
    for trip in trips:
        if desk.needs_two(trip):
            terminal.say(
                mark(
                    "Trip {id}: {files} files, {size} bytes. Nothing has moved yet: another person confirms by "
                    "{until} with: caseferry media confirm {id}"
                ),
                id=trip.id,
                files=trip.files,
                size=trip.size,
                until=clock_text(trip.confirm_by),
            )
            done.append(trip)
        else:
            done.append(_carry_out(terminal, desk, trip.id, "", None))
    if terminal.as_json:
        told: dict[str, object] = {"trips": [trip_json(trip) for trip in done]}
        if refused is not None:
            told["refused"] = refused
        terminal.emit(told)


def confirm(terminal: Terminal, desk: MediaDesk, trip: int, why: str, medium: Path | None) -> None:
    """Confirm a trip and carry it out."""
    done = _carry_out(terminal, desk, trip, why, medium)
    if terminal.as_json:
        terminal.emit({"trip": trip_json(done)})


def _carry_out(terminal: Terminal, desk: MediaDesk, trip: int, why: str, medium: Path | None) -> Trip:
    with _shown(terminal) as moved:
        done = desk.confirm(trip, why, medium, moved)
    if done.way is TripWay.OUT:
        terminal.say(
            mark(
                "Trip {id} is whole on the medium: {files} files, number {number}. Unmount it before you pull it out."
            ),
            id=done.id,
            files=done.files,
            number=done.number,
        )
    else:
        terminal.say(
            mark("Trip {id} was taken in whole: {files} files, number {number}. It stays on the medium as it is."),
            id=done.id,
            files=done.files,
            number=done.number,
        )
    return done


def cancel(terminal: Terminal, desk: MediaDesk, trip: int, why: str) -> None:
    """Call a trip off."""
    done = desk.cancel(trip, why)
    if terminal.as_json:
        terminal.emit({"trip": trip_json(done)})
    else:
        terminal.say(mark("Trip {id} is called off; what it was to carry waits again."), id=done.id)


def lose(terminal: Terminal, desk: MediaDesk, trip: int, why: str) -> None:
    """Declare a medium lost."""
    done = desk.lose(trip, why)
    if terminal.as_json:
        terminal.emit({"trip": trip_json(done)})
    else:
        terminal.say(
            mark(
                "Trip {id} is recorded as lost; its {files} files go again with the next export. "
                "Whoever has the medium can open nothing on it."
            ),
            id=done.id,
            files=done.files,
        )


def show(terminal: Terminal, desk: MediaDesk, limit: int) -> None:
    """Show the trips and what waits for the next."""
    trips, waiting = desk.listing(limit)
    if terminal.as_json:
        terminal.emit({"trips": [trip_json(one) for one in trips], "waiting": [_waiting_json(one) for one in waiting]})
        return
    for one in waiting:
        terminal.say(
            mark("Link {link}: {files} files, {size} bytes wait for the next export."),
            link=one.link,
            files=one.files,
            size=one.size,
        )
        if one.missing:
            numbers = ", ".join(str(number) for _epoch, number in one.missing)
            terminal.say(
                mark(
                    "Link {link}: trips that never came: {numbers}. Ask the peer; if they are lost, it runs there: "
                    "caseferry media lost"
                ),
                link=one.link,
                numbers=numbers,
            )
    words = terminal.words
    table = terminal.table(
        *(words.text(text) for text in (mark("Trip"), mark("Way"), mark("Link"), mark("Number"), mark("Files"))),
        *(words.text(text) for text in (mark("Asked by"), mark("Confirmed by"), mark("When"), mark("State"))),
        right=(0, 3, 4),
        folded=(8,),
    )
    for trip in trips:
        table.add_row(
            str(trip.id),
            words.text(_WAYS[trip.way]),
            cell(trip.link),
            cell(trip.number),
            str(trip.files),
            cell(trip.asked_by),
            cell(trip.confirmed_by),
            clock_text(trip.confirmed_at or trip.asked_at),
            words.text(_STATES[trip.way, trip.state]),
        )
    if trips:
        terminal.show(table)


def trip_json(trip: Trip) -> dict[str, object]:
    """Return a trip for machines."""
    return {
        "id": trip.id,
        "way": trip.way,
        "trip": trip.trip,
        "link": trip.link,
        "peer": trip.peer,
        "state": trip.state,
        "medium": trip.medium,
        "label": trip.label,
        "files": trip.files,
        "size": trip.size,
        "epoch": trip.epoch,
        "number": trip.number,
        "asked_by": trip.asked_by,
        "asked_at": trip.asked_at,
        "confirm_by": trip.confirm_by,
        "confirmed_by": trip.confirmed_by,
        "confirmed_at": trip.confirmed_at,
        "carried_at": trip.carried_at,
        "ended_at": trip.ended_at,
    }


def _waiting_json(one: Waiting) -> dict[str, object]:
    missing = [{"epoch": epoch, "number": number} for epoch, number in one.missing]
    return {"link": one.link, "files": one.files, "size": one.size, "missing": missing}


@contextmanager
def _shown(terminal: Terminal) -> Iterator[Moved]:
    """Yield what draws a bar while bytes move, if somebody looks."""
    with Progress(console=terminal.err, transient=True, disable=not terminal.err.is_terminal) as bar:
        drawn = bar.add_task("", total=None)

        def moved(done: int, total: int) -> None:
            bar.update(drawn, completed=done, total=total)

        yield moved
