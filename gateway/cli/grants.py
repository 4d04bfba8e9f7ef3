"""`caseferry grants`: what this node may share with whom, and until when."""

from datetime import UTC, date, datetime

from gateway.cli.terminal import EXIT_FAILED, Terminal, cell
from gateway.domain.clock import Clock
from gateway.settings.grants import GrantSettings, Side
from gateway.settings.load import Settings
from gateway.stages.expiry import DAYS_BEFORE
from gateway.words.templates import mark

_COUNTS = mark("counts")
_ENDING = mark("ends in {days} days")
_ENDED = mark("has ended")
_LATER = mark("counts from {since}")


def grants(terminal: Terminal, settings: Settings, clock: Clock) -> int:
    """List the grants; return 0, or 1 if one has ended or ends within a month."""
    today = datetime.fromtimestamp(clock.now(), UTC).astimezone().date()
    if terminal.as_json:
        terminal.emit({"grants": [_json(one, today) for one in settings.grants]})
    elif not settings.grants:
        terminal.line(terminal.words.text(mark("This node has no grants: no flow that demands one can leave.")))
    else:
        _print(terminal, settings.grants, today)
    return EXIT_FAILED if any(one.days_left(today) <= DAYS_BEFORE[0] for one in settings.grants) else 0


def _json(one: GrantSettings, today: date) -> dict[str, object]:
    return one.model_dump(mode="json") | {"days_left": one.days_left(today), "counts": one.since <= today <= one.until}


def _print(terminal: Terminal, found: tuple[GrantSettings, ...], today: date) -> None:
    words = terminal.words
    heads = (mark("Grant"), mark("Catalogue"), mark("From"), mark("To"), mark("Flows"), mark("Profile"), mark("State"))
    table = terminal.table(*map(words.text, heads), folded=(2, 3, 4, 6))
    for one in found:
        shown = (one.id, one.catalogue, _side(one.giver), _side(one.taker), " ".join(one.flows), one.profile)
        table.add_row(*map(cell, (*shown, _state(terminal, one, today))))
    terminal.show(table)


def _state(terminal: Terminal, one: GrantSettings, today: date) -> str:
    left = one.days_left(today)
    if left < 0:
        return terminal.words.text(_ENDED)
    if today < one.since:
        return terminal.words.text(_LATER, since=one.since.isoformat())
    return terminal.words.text(_ENDING if left <= DAYS_BEFORE[0] else _COUNTS, days=left)


def _side(side: Side) -> str:
    return str(side.unit or side.role or "-")
