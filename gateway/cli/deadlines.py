"""`caseferry deadlines`: which terms run, for whom, until when, and how that was counted."""

from collections.abc import Sequence
from datetime import datetime, tzinfo
from types import MappingProxyType

from gateway.cli.terminal import Terminal, cell
from gateway.cli.times import span_text
from gateway.compose.offline import ledger_to_read
from gateway.compose.survey import Deadlines
from gateway.domain.clock import Clock
from gateway.domain.deadlines import CASE, Note, Outcome, RunningTerm
from gateway.domain.errors import ConfigError, Scope
from gateway.domain.ids import UnitCode, unit_code
from gateway.ledger.terms import TermFilter, level
from gateway.settings.load import Settings
from gateway.settings.zones import zone_named
from gateway.standard.catalogue import Deadline, Standard
from gateway.standard.running import NOT_SEEN, NOT_STATED, rule_of
from gateway.words.catalogue import Words
from gateway.words.templates import mark

SHOWN_MAX = 200
"""Terms that one call shows, what ends first first."""
RED = 2

_LEVELS = MappingProxyType({0: mark("open"), 1: mark("amber"), 2: mark("red"), 3: mark("overdue")})
_OUTCOMES = MappingProxyType(
    {
        Outcome.RUNNING: mark("running"),
        Outcome.ANSWERED: mark("answered"),
        Outcome.SENT: mark("sent"),
        Outcome.CLOSED: mark("closed by notice"),
        Outcome.WITHDRAWN: mark("withdrawn"),
    }
)
_NOTES = MappingProxyType(
    {
        Note.ASSUMED: mark("which limit counts is not stated, so the shortest one was taken"),
        Note.CUSTODY_ASSUMED: mark("nobody says whether the person is in custody, so it was taken to be so"),
        Note.HOUR_ASSUMED: mark("only a day is stated, so it counts from its beginning"),
        Note.MOVED: mark("the last day was a holiday and moved to the next working day"),
        Note.HOLIDAYS_UNKNOWN: mark("the table of holidays does not cover the year, so weekends alone count"),
        Note.EXTENDED: mark("extended"),
        Note.CAPPED: mark("the notice wanted more than the law allows"),
        Note.BASELESS: mark("a notice of extension without a legal basis was left aside"),
        Note.SUSPENDED: mark("stands still by notice"),
        Note.INTERRUPTED: mark("stood still for a time by notice"),
        Note.CLOCK_BOUNDED: mark("the recipient's clock cannot be right, so ours bounds it"),
    }
)
_WHY_NOT = MappingProxyType(
    {
        NOT_SEEN: mark("not countable here: what it counts from passes no node"),
        NOT_STATED: mark("not countable here: the day it counts from is not stated"),
    }
)


def deadlines(
    terminal: Terminal, settings: Settings, clock: Clock, *, standard: Standard, red: bool, peer: str, flow: str
) -> int:
    """Show the running terms; red: only those that are red or overdue. ConfigError `unit-malformed`."""
    wanted = TermFilter(peer=_unit(peer), flow=flow)
    now = clock.now()
    with ledger_to_read(settings, clock) as ledger:
        found = [one.term for one in ledger.terms.search(wanted, SHOWN_MAX)]
        counts = ledger.terms.counts(now)
    if red:
        found = [one for one in found if level(one, now) >= RED]
    if terminal.as_json:
        shown = [term_json(one, standard, now) for one in found]
        terminal.emit({"amber": counts[1], "red": counts[2], "overdue": counts[3], "deadlines": shown})
        return 0
    terminal.line(counts_text(counts[1], counts[2], counts[3], terminal.words))
    if found:
        print_terms(terminal, found, standard, now, zone_named(settings.node.zone))
    return 0


def _unit(peer: str) -> UnitCode | None:
    try:
        return unit_code(peer) if peer else None
    except ValueError as error:
        raise ConfigError("unit-malformed", str(error), scope=Scope.NODE, facts={"unit": peer}) from error


def counts_text(amber: int, red: int, overdue: int, words: Words) -> str:
    """Return how many terms stand where."""
    said = mark("Deadlines: {overdue} overdue, {red} red, {amber} amber.")
    return words.text(said, amber=amber, red=red, overdue=overdue)


def print_deadlines(terminal: Terminal, found: Deadlines | None, now: float, zone: tzinfo) -> None:
    """Print what `status` shows of the terms; nothing where none is near."""
    if found is None:
        return
    if found.amber or found.red or found.overdue:
        terminal.line(counts_text(found.amber, found.red, found.overdue, terminal.words))
    if found.urgent:
        print_terms(terminal, found.urgent, None, now, zone)
    for sink, (count, error) in found.untaken.items():
        if error:
            said = mark("Alert sink {sink} has not taken {count} alerts: {error}")
            terminal.say(said, sink=sink, count=count, error=error)


def print_terms(
    terminal: Terminal, found: Sequence[RunningTerm], standard: Standard | None, now: float, zone: tzinfo
) -> None:
    """Print a table of terms; with a standard by their names."""
    words = terminal.words
    table = terminal.table(
        words.text(mark("Case number, or export")),
        words.text(mark("Person")),
        words.text(mark("Deadline")),
        words.text(mark("Who must act")),
        words.text(mark("Last day")),
        words.text(mark("Left")),
        words.text(mark("Level")),
        folded=(0, 2),
        whole=(0,),
    )
    for one in found:
        table.add_row(
            cell(one.case_no),
            cell(one.shown),
            cell(name_of(one, standard, now, words)),
            words.text(mark("we")) if one.is_ours else cell(one.peer),
            cell(last_text(one, zone)),
            left_text(one, now, words),
            words.text(_LEVELS[level(one, now)]),
        )
    terminal.show(table)


def name_of(term: RunningTerm, standard: Standard | None, now: float, words: Words) -> str:
    """Return what a term is called; by its slugs without a standard."""
    _flow, found = rule_of(term, standard, now) if standard is not None else (None, None)
    if found is None:
        return f"{term.flow}/{term.deadline}"
    return f"{found.en if words.language == 'en' else found.zh} ({term.flow}/{term.deadline})"


def last_text(term: RunningTerm, zone: tzinfo) -> str:
    """Return the last day, or the last minute of a term in hours."""
    if term.due_at is None:
        return ""
    end = datetime.fromtimestamp(term.due_at, zone)
    return term.last_day if end.hour == end.minute == 0 else f"{end:%Y-%m-%d %H:%M}"


def left_text(term: RunningTerm, now: float, words: Words) -> str:
    """Return how long is left, or since when it is past."""
    if term.due_at is None:
        return ""
    if term.due_at > now:
        return span_text(term.due_at - now)
    return words.text(mark("{time} past"), time=span_text(now - term.due_at))


def explained_terms(
    found: Sequence[RunningTerm], standard: Standard, now: float, zone: tzinfo, words: Words
) -> list[str]:
    """Return the lines that `explain` says of the terms that one transfer began."""
    lines = []
    for one in found:
        _flow, deadline = rule_of(one, standard, now)
        whose = one.shown if one.position != CASE else words.text(mark("the case"))
        basis = " ".join(deadline.basis) if deadline is not None else ""
        lines.append(
            words.text(
                mark("Deadline: {name}; {whose}; {basis}: {how}"),
                name=name_of(one, standard, now, words),
                whose=whose,
                basis=basis,
                how=_how(one, deadline, now, zone, words),
            )
        )
    return lines


def _how(term: RunningTerm, deadline: Deadline | None, now: float, zone: tzinfo, words: Words) -> str:
    ended = term.outcome is not Outcome.RUNNING
    if term.why_not:
        return words.text(_WHY_NOT[term.why_not])
    begun = datetime.fromtimestamp(term.started_at, zone) if term.started_at is not None else None
    counted = words.text(
        mark("{limit} from {start} ({clock}), counted as {calendar}, until the end of {last}"),
        limit=term.limit,
        start=f"{begun:%Y-%m-%d %H:%M}" if begun is not None else "-",
        clock=deadline.clock if deadline is not None else "-",
        calendar=deadline.calendar if deadline is not None else "-",
        last=last_text(term, zone) or "-",
    )
    stands = words.text(_OUTCOMES[term.outcome]) if ended else words.text(_LEVELS[level(term, now)])
    if ended and term.ended_by is not None:
        stands = words.text(mark("{outcome} by transfer {id}"), outcome=stands, id=term.ended_by)
    parts = [counted, stands, *(words.text(_NOTES[one]) for one in term.notes)]
    if not ended and term.due_at is not None:
        parts.append(words.text(mark("left: {time}"), time=left_text(term, now, words)))
    return "; ".join(parts)


def term_json(term: RunningTerm, standard: Standard | None, now: float) -> dict[str, object]:
    """Return a term. Times are seconds since 1970 UTC; `left` seconds, below zero once it is past."""
    _flow, deadline = rule_of(term, standard, now) if standard is not None else (None, None)
    return {
        "transfer": term.transfer,
        "case_no": term.case_no,
        "flow": term.flow,
        "deadline": term.deadline,
        "zh": deadline.zh if deadline is not None else "",
        "en": deadline.en if deadline is not None else "",
        "basis": list(deadline.basis) if deadline is not None else [],
        "clock": deadline.clock if deadline is not None else "",
        "calendar": deadline.calendar if deadline is not None else "",
        "position": None if term.position == CASE else term.position,
        "person": term.shown,
        "kind": term.kind,
        "ours": term.is_ours,
        "peer": term.peer,
        "limit": term.limit,
        "started_at": term.started_at,
        "amber_at": term.amber_at,
        "red_at": term.red_at,
        "due_at": term.due_at,
        "last_day": term.last_day,
        "left": None if term.due_at is None else round(term.due_at - now),
        "level": ("open", "amber", "red", "overdue")[level(term, now)],
        "outcome": term.outcome,
        "ended_at": term.ended_at,
        "ended_by": term.ended_by,
        "notes": list(term.notes),
        "why_not": term.why_not,
    }
