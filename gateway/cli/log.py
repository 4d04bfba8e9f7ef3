"""`caseferry log`: the transfer log, newest first."""

from collections.abc import Callable
from dataclasses import dataclass

from gateway.cli.replies import persons_text, view_json
from gateway.cli.shapes import peer_of, title_of, transfer_json
from gateway.cli.terminal import Terminal, cell
from gateway.cli.times import clock_text, moment, size_text
from gateway.compose.offline import ledger_to_read
from gateway.compose.outlook import is_unconfirmed
from gateway.domain.clock import Clock
from gateway.domain.errors import ConfigError, Scope
from gateway.domain.ids import LinkName, unit_code
from gateway.domain.lifecycle import Direction, State
from gateway.domain.records import Transfer
from gateway.ledger.queries import TransferFilter
from gateway.settings.load import Settings
from gateway.words.catalogue import Words
from gateway.words.templates import mark


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was asked for, as typed; empty texts ask for everything."""

    case: str = ""
    flow: str = ""
    peer: str = ""
    link: str = ""
    state: str = ""
    direction: str = ""
    text: str = ""
    since: str = ""
    until: str = ""
    held: bool = False
    failing: bool = False
    limit: int = 50
    offset: int = 0


_BOUNDED = mark(
    "Very many case numbers begin so: transfers before No. {number} were not looked at. Give more of the case number."
)


def log(terminal: Terminal, settings: Settings, wanted: Wanted, clock: Clock) -> int:
    """Show the transfers that were asked for and return the exit code."""
    chosen = _filter(wanted, clock.now())
    with ledger_to_read(settings, clock) as ledger:
        # One more than is shown tells whether there are more.
        looked = ledger.look_for(chosen, wanted.limit + 1, wanted.offset)
        found = list(looked.transfers)
        asked = [ledger.answers.of_request(one.id) for one in found[: wanted.limit]] if wanted.case else []
    views = [view for view in asked if view is not None]
    shown = found[: wanted.limit]
    more = len(found) > wanted.limit
    if terminal.as_json:
        terminal.emit(
            {
                "transfers": [transfer_json(transfer) for transfer in shown],
                "requests": [view_json(view, terminal.words) for view in views],
                "limit": wanted.limit,
                "offset": wanted.offset,
                "more": more,
                "looked_back_to": looked.looked_back_to,
            }
        )
        return 0
    if looked.looked_back_to is not None:
        terminal.say(_BOUNDED, number=looked.looked_back_to)
    if not shown:
        terminal.say(mark("No transfer is like that."))
        return 0
    _print(terminal, shown, settings)
    for view in views:
        persons = cell(persons_text(view, terminal.words))
        terminal.say(mark("Answers to {id}: {persons}"), id=view.asked.transfer, persons=persons)
    if more:
        terminal.say(mark("There are more: --offset {offset}"), offset=wanted.offset + wanted.limit)
    return 0


def _print(terminal: Terminal, transfers: list[Transfer], settings: Settings) -> None:
    words = terminal.words
    columns = [column for column in _columns(words, settings) if column.is_vital or not terminal.is_narrow]
    table = terminal.table(
        *(column.title for column in columns),
        right=[number for number, column in enumerate(columns) if column.is_number],
        folded=[number for number, column in enumerate(columns) if column.may_fold],
        whole=[number for number, column in enumerate(columns) if column.is_name],
    )
    for transfer in transfers:
        table.add_row(*(cell(column.value(transfer)) for column in columns))
    terminal.show(table)


@dataclass(frozen=True, slots=True)
class _Column:
    """One column of the log; those that are not vital are left out on a narrow terminal."""

    title: str
    value: Callable[[Transfer], object]
    is_vital: bool = True
    is_number: bool = False
    may_fold: bool = False
    is_name: bool = False


def _columns(words: Words, settings: Settings) -> tuple[_Column, ...]:
    return (
        _Column(words.text(mark("No.")), lambda t: t.id, is_number=True),
        _Column(words.text(mark("Time")), lambda t: clock_text(t.found_at)),
        _Column(words.text(mark("Way")), lambda t: words.direction(t.direction), is_vital=False),
        _Column(
            words.text(mark("Case number, or export")),
            title_of,
            may_fold=True,
            is_name=True,
        ),
        _Column(words.text(mark("Flow")), lambda t: t.flow, is_vital=False, may_fold=True),
        _Column(words.text(mark("Peer")), lambda t: peer_of(t) or t.link),
        _Column(words.text(mark("Size")), lambda t: size_text(t.size), is_vital=False, is_number=True),
        _Column(words.text(mark("State")), lambda t: _state(t, words, settings), may_fold=True),
        _Column(words.text(mark("Seconds")), _seconds, is_vital=False, is_number=True),
        _Column(words.text(mark("Verdict")), lambda t: words.verdict(t.verdict), is_vital=False, may_fold=True),
        _Column(words.text(mark("Held, or last error")), lambda t: _trouble(t, words), may_fold=True),
    )


def _state(transfer: Transfer, words: Words, settings: Settings) -> str:
    if is_unconfirmed(transfer, settings):
        return words.text(mark("sent, unconfirmed"))
    return words.state(transfer.state)


def _seconds(transfer: Transfer) -> str:
    settled = transfer.settled_at
    return "" if settled is None else f"{settled - transfer.found_at:.1f}"


def _trouble(transfer: Transfer, words: Words) -> str:
    if transfer.hold_code:
        return words.text(mark("held: {code}"), code=transfer.hold_code)
    return transfer.last_error or ""


def _filter(wanted: Wanted, now: float) -> TransferFilter:
    try:
        peer = unit_code(wanted.peer) if wanted.peer else None
    except ValueError as error:
        raise ConfigError("unit-malformed", str(error), scope=Scope.NODE, facts={"unit": wanted.peer}) from error
    return TransferFilter(
        case=wanted.case,
        flow=wanted.flow,
        peer=peer,
        link=LinkName(wanted.link) if wanted.link else None,
        direction=Direction(wanted.direction) if wanted.direction else None,
        state=State(wanted.state) if wanted.state else None,
        held=True if wanted.held else None,
        failing=True if wanted.failing else None,
        since=moment(wanted.since, now) if wanted.since else None,
        until=moment(wanted.until, now) if wanted.until else None,
        text=wanted.text,
    )
