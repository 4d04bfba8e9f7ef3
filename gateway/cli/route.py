"""`caseferry route explain`: by which rule, way and permission a flow goes from one unit to another."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

from gateway.cli.shapes import explained, told
from gateway.cli.terminal import EXIT_FAILED, Terminal, cell
from gateway.compose.identity import load_directory
from gateway.compose.routeasking import NOBODY, Answer, Outcome, Question, Reached, View, explain_route
from gateway.domain.clock import Clock
from gateway.domain.records import Priority
from gateway.settings.load import Settings
from gateway.stages.routing import How
from gateway.standard.loading import load_standard, place_of
from gateway.words.catalogue import Words
from gateway.words.templates import mark

_SENTENCES: Mapping[tuple[View, Outcome], str] = MappingProxyType(
    {
        (View.ORIGIN, Outcome.GOES): mark("It would be sent."),
        (View.ORIGIN, Outcome.WAITS): mark("It would wait here, and go by itself once what it lacks is there."),
        (View.ORIGIN, Outcome.REFUSED): mark("It would be refused and given back."),
        (View.HUB, Outcome.GOES): mark("This hub would carry it on."),
        (View.HUB, Outcome.REFUSED): mark("This hub would refuse it."),
        (View.RECIPIENT, Outcome.GOES): mark("It would be delivered here."),
        (View.RECIPIENT, Outcome.REFUSED): mark("It would be refused here."),
    }
)
_HOW: Mapping[str, str] = MappingProxyType(
    {
        How.NAMED: mark("named by the export, known to the route"),
        How.ANY: mark("stands for every other code"),
        How.ROSTER: mark("named by the export, known to the roster"),
        How.RULE: mark("found by a rule"),
        How.CC: mark("gets a copy"),
    }
)
LANES: Mapping[Priority, str] = MappingProxyType(
    {
        Priority.CUSTODY: mark("custody, before everything else"),
        Priority.HIGH: mark("high"),
        Priority.NORMAL: mark("normal"),
        Priority.BULK: mark("bulk"),
        Priority.AV: mark("recordings, when nothing else waits"),
    }
)


def explain(terminal: Terminal, settings: Settings, config: Path, clock: Clock, question: Question) -> int:
    """Show what would become of what is asked about; return 0 if it would go, 1 if not."""
    answer = explain_route(settings, load_directory(settings), clock.now(), question, load_standard(place_of(config)))
    if terminal.as_json:
        terminal.emit(_json(answer, terminal.words))
    else:
        for line in _lines(answer, terminal.words):
            terminal.line(line)
    return 0 if answer.outcome is Outcome.GOES else EXIT_FAILED


def _json(answer: Answer, words: Words) -> dict[str, object]:
    return {
        "view": answer.view,
        "outcome": answer.outcome,
        "flow": answer.flow,
        "from": answer.sender,
        "to": answer.receiver,
        "route": answer.route,
        "class": answer.routing_class,
        "lane": answer.priority.name.lower(),
        "recipients": [_reached_json(one) for one in answer.reached],
        **explained(answer.code, words, dict(answer.facts)),
        "findings": [
            {"code": one.code, "verdict": one.verdict, "value": one.value, "expected": one.expected}
            | {"what": found.what, "why": found.why, "do": found.do}
            for one, found in ((finding, words.finding(finding)) for finding in answer.findings)
        ],
    }


def _reached_json(one: Reached) -> dict[str, object]:
    permission = one.permission
    return {
        "unit": one.unit,
        "name": one.name,
        "role": one.role,
        "how": one.how,
        "rule": one.place,
        "permission": None
        if permission is None
        else {"flow": permission.flow, "sender": permission.sender, "receiver": permission.receiver},
        "way": list(one.way),
        "link": one.link,
    }


def _lines(answer: Answer, words: Words) -> Iterator[str]:
    yield words.text(_SENTENCES[answer.view, answer.outcome])
    receiver = words.text(mark("no receiver named")) if answer.receiver == NOBODY else answer.receiver
    rows = [
        (words.text(mark("Flow")), answer.flow),
        (words.text(mark("From, to")), f"{answer.sender} > {receiver}"),
        (words.text(mark("Route")), answer.route or "-"),
    ]
    for one in answer.reached:
        rows += _rows(one, words)
    number = str(answer.routing_class) if answer.routing_class else words.text(mark("0, hubs are told nothing"))
    rows += [(words.text(mark("Class")), number), (words.text(mark("Lane")), words.text(LANES[answer.priority]))]
    yield from (f"  {label}: {cell(value)}" for label, value in rows)
    for finding in answer.findings:
        found = words.finding(finding)
        yield f"{finding.code}  {words.verdict(finding.verdict)}"
        shown = "  ->  ".join(filter(None, (finding.value, finding.expected)))
        yield from (f"   {text}" for text in (found.what, found.why, shown, found.do) if text)
    if answer.code:
        found = told(answer.code, words, dict(answer.facts))
        yield from (text for text in (found.what, found.why, found.do) if text)


def _rows(one: Reached, words: Words) -> Iterator[tuple[str, str]]:
    role = f"({one.role})" if one.role else ""
    yield words.text(mark("Recipient")), " ".join(filter(None, (one.unit, one.name, role)))
    if one.how:
        yield words.text(mark("Because")), f"{words.text(_HOW[one.how])}: {one.place}"
    yield words.text(mark("Way")), " > ".join(one.way) or "-"
    if one.link is not None:
        yield words.text(mark("First link")), one.link
    permission = one.permission
    shown = words.text(mark("the roster does not name both: their confirmed cards decide"))
    if permission is not None:
        shown = f"{permission.flow}: {permission.sender} > {permission.receiver}"
    yield words.text(mark("Permission")), shown
