"""`caseferry replies` and `caseferry reply`: which requests are open, which replies wait, and what a person says of
them."""

from collections.abc import Sequence
from types import MappingProxyType

from gateway.cli.act import checked_reason
from gateway.cli.shapes import peer_of, title_of, transfer_json
from gateway.cli.terminal import Terminal, cell
from gateway.cli.times import clock_text, span_text
from gateway.compose.acting import Operator
from gateway.compose.offline import ledger_to_read, login_name
from gateway.domain.answers import STRANGER, Answer, AskedView, Standing, Word
from gateway.domain.clock import Clock, SystemClock
from gateway.domain.errors import ConfigError, Scope
from gateway.domain.ids import TransferId, UnitCode, unit_code
from gateway.domain.lifecycle import Direction
from gateway.domain.records import Transfer
from gateway.settings.load import Settings
from gateway.words.catalogue import Words
from gateway.words.templates import mark

PERSONS_SHOWN = 12
"""Persons of a request that are named in one line; a batch has hundreds."""

_SAID = MappingProxyType(
    {
        Word.TIE: mark("Transfer {id} now answers transfer {request}."),
        Word.RELEASE: mark("Transfer {id} goes on without a request."),
        Word.REJECT: mark("Transfer {id} is sent back."),
    }
)
_WAYS = MappingProxyType({Direction.OUTBOUND: mark("we asked"), Direction.INBOUND: mark("we were asked")})


def replies(terminal: Terminal, settings: Settings, clock: Clock, *, peer: str, flow: str, limit: int) -> None:
    """Show what is open and what waits, the oldest first; ConfigError `unit-malformed`."""
    unit = _unit(peer)
    now = clock.now()
    with ledger_to_read(settings, clock) as ledger:
        found = ledger.answers.open(peer=unit, flow=flow, limit=limit)
        waiting = [] if flow else [one for one in ledger.answers.waiting(limit) if peer_of(one) == peer or not peer]
    if terminal.as_json:
        terminal.emit(
            {
                "open": [view_json(one, terminal.words) for one in found],
                "waiting": [transfer_json(one) for one in waiting],
            }
        )
        return
    if not (found or waiting):
        terminal.say(mark("No request is open, and no reply waits."))
        return
    if found:
        _print_open(terminal, found, now)
    if waiting:
        terminal.say(mark("Replies that wait for their request:"))
        _print_waiting(terminal, waiting)


def say(
    terminal: Terminal, settings: Settings, word: Word, transfer: int, *, why: str, request: int | None = None
) -> None:
    """Record what a person says of a reply; as `AnswerBook.say`, and ConfigError `reason-missing`."""
    operator = Operator(settings, login_name(), SystemClock())
    about = None if request is None else TransferId(request)
    changed = operator.say(word, TransferId(transfer), checked_reason(why), about)
    if terminal.as_json:
        terminal.emit({"transfer": transfer_json(changed), "request": request})
    else:
        terminal.say(_SAID[word], id=transfer, request=request or "")


def view_json(view: AskedView, words: Words) -> dict[str, object]:
    """Return a request with its answers for machines."""
    asked = view.asked
    return {
        "id": asked.transfer,
        "direction": asked.direction,
        "peer": asked.peer,
        "flow": asked.flow,
        "reply": asked.reply,
        "case_no": view.case_no,
        "since": asked.at,
        "open": asked.open,
        "withdrawn_by": asked.withdrawn,
        "corrected_by": asked.corrected,
        "persons": [_standing_json(one, words) for one in view.persons],
        "answers": [_answer_json(one) for one in view.answers],
    }


def persons_text(view: AskedView, words: Words) -> str:
    """Return how far everybody is answered: `张*: 批准逮捕 2026-03-16, 李*: not answered yet`."""
    shown = ", ".join(standing_text(one, words) for one in view.persons[:PERSONS_SHOWN])
    rest = len(view.persons) - PERSONS_SHOWN
    return shown if rest <= 0 else words.text(mark("{persons}, and {count} more"), persons=shown, count=rest)


def standing_text(one: Standing, words: Words) -> str:
    """Return how far one person, or the whole request, is answered."""
    found = one.answer
    if found is None:
        said = words.answer("open")
    else:
        what = found.name or found.result
        said = " ".join(filter(None, (what or words.answer(found.kind), found.day)))
        if what and found.kind != "final":
            said = f"{said} ({words.answer(found.kind)})"
    return f"{one.shown}: {said}" if one.shown else said


def answer_lines(view: AskedView, words: Words) -> Sequence[str]:
    """Return what else is to be known of the answers of a request: who is in none, what counts no more, and why."""
    lines = []
    for one in view.answers:
        facts = {"id": one.reply, "person": one.shown, "result": one.name or one.result}
        if one.void:
            lines.append(words.text(mark("Transfer {id} ({person} {result}) was corrected or withdrawn."), **facts))
        elif one.position == STRANGER:
            lines.append(words.text(mark("Transfer {id} answers for {person}, who is not in the request."), **facts))
        elif one.twice:
            lines.append(
                words.text(mark("Transfer {id} says otherwise of {person} than an answer before: {result}."), **facts)
            )
    return lines


def _standing_json(one: Standing, words: Words) -> dict[str, object]:
    return {
        "position": one.position,
        "person": one.shown,
        "open": one.is_open,
        "said": standing_text(one, words),
        "answer": None if one.answer is None else _answer_json(one.answer),
    }


def _answer_json(one: Answer) -> dict[str, object]:
    return {
        "transfer": one.reply,
        "bundle_id": one.bundle,
        "position": one.position,
        "person": one.shown,
        "by": one.by,
        "kind": one.kind,
        "result": one.result,
        "name": one.name,
        "day": one.day,
        "at": one.at,
        "differs": one.twice,
        "void": one.void,
    }


def _print_open(terminal: Terminal, found: Sequence[AskedView], now: float) -> None:
    words = terminal.words
    table = terminal.table(
        words.text(mark("No.")),
        words.text(mark("Way")),
        words.text(mark("Case number")),
        words.text(mark("Flow")),
        words.text(mark("Peer")),
        words.text(mark("Since")),
        words.text(mark("Open")),
        words.text(mark("Answers")),
        right=(0, 6),
        folded=(3, 7),
        whole=(2,),
    )
    for view in found:
        asked = view.asked
        since = f"{clock_text(asked.at)} ({span_text(now - asked.at)})"
        way = words.text(_WAYS[asked.direction])
        persons = cell(persons_text(view, words))
        table.add_row(
            str(asked.transfer), way, cell(view.case_no), asked.flow, asked.peer, since, str(asked.open), persons
        )
    terminal.show(table)


def _print_waiting(terminal: Terminal, waiting: Sequence[Transfer]) -> None:
    words = terminal.words
    table = terminal.table(
        words.text(mark("No.")),
        words.text(mark("Way")),
        words.text(mark("Case number, or export")),
        words.text(mark("Flow")),
        words.text(mark("Peer")),
        words.text(mark("Until")),
        right=(0,),
        folded=(3,),
        whole=(2,),
    )
    for one in waiting:
        until = words.text(mark("a person")) if one.hold_code else clock_text(one.next_attempt_at)
        table.add_row(
            str(one.id), words.direction(one.direction), cell(title_of(one)), one.flow, cell(peer_of(one)), until
        )
    terminal.show(table)


def _unit(peer: str) -> UnitCode | None:
    try:
        return unit_code(peer) if peer else None
    except ValueError as error:
        raise ConfigError("unit-malformed", str(error), scope=Scope.NODE, facts={"unit": peer}) from error
