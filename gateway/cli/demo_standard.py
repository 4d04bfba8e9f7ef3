"""What the demo shows of the exchange standard: a case that was entered once, in whose format it arrived, who is
answered, which deadlines run."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType

from gateway.cli.deadlines import last_text, name_of
from gateway.cli.demo_map import BY_KEY
from gateway.cli.demo_rows import Row
from gateway.cli.demo_samples import Sample
from gateway.cli.flow_words import chosen
from gateway.cli.replies import persons_text
from gateway.cli.terminal import Terminal, cell
from gateway.domain.answers import AskedView
from gateway.domain.deadlines import RunningTerm
from gateway.domain.lifecycle import Direction
from gateway.ledger.queries import TransferFilter
from gateway.ledger.store import Ledger
from gateway.ledger.terms import TermFilter
from gateway.settings.zones import zone_named
from gateway.standard.loading import packaged_standard
from gateway.words.catalogue import Words
from gateway.words.templates import mark

ASKED = "arrest-request"
ASKER, DECIDER = "police", "procuratorate"
"""By their keys; so their outbound routes and their packers are called too."""
_FORMATS = MappingProxyType(
    {ASKER: mark("a zip of the police's system"), DECIDER: mark("a folder of the procuratorate's system 2.0")}
)
_ZONE = "Asia/Shanghai"
"""In which the demo's nodes count days: the default."""
_MAX = 100


@dataclass(frozen=True, slots=True)
class Request:
    """One request for arrest, as the police's node knows it. deadlines: those that still run, as sentences."""

    case_no: str
    open: int
    persons: str
    deadlines: tuple[str, ...]


def decisions(samples: Path) -> list[Sample]:
    """Return what the procuratorate's system answers with, once it has got what is asked."""
    folders = sorted(path for path in (samples / DECIDER).glob("*") if path.is_dir())
    return [Sample(path.name, (path,), DECIDER, DECIDER, "delivered", "") for path in folders]


def is_counted(ledger: Ledger) -> bool:
    """Whether the police's node has counted the deadlines of all that it asked for and has no answer to."""
    counted = {one.term.transfer for one in ledger.terms.search(TermFilter(flow=ASKED), _MAX)}
    return {one.asked.transfer for one in ledger.answers.open(flow=ASKED, limit=_MAX)} == counted


def requests(ledger: Ledger, words: Words, now: float) -> list[Request]:
    """Return every request for arrest that the police's node has sent, from its ledger, as at `now` (unix seconds)."""
    terms = [one.term for one in ledger.terms.search(TermFilter(flow=ASKED), _MAX)]
    sent = ledger.search(TransferFilter(direction=Direction.OUTBOUND, flow=ASKED), _MAX)
    views = [ledger.answers.of_request(one.id) for one in sent]
    return [_request(view, terms, words, now) for view in views if view is not None]


def for_machines(found: Sequence[Request]) -> list[dict[str, object]]:
    """Return the requests as JSON has them."""
    return [asdict(one) for one in found]


def say(terminal: Terminal, rows: Sequence[Row], found: Sequence[Request]) -> None:
    """Print the few lines that the closing report has for it."""
    words = terminal.words
    for row in rows:
        if row.read_as not in _FORMATS or row.written_as not in _FORMATS or row.read_as == row.written_as:
            continue
        what, sender, receiver = _called(row.flow, words), BY_KEY[row.sender].name, BY_KEY[row.receiver].name
        entered = mark("{what}: entered once at {sender}, exported as {form} {export},")
        arrived = mark("arrived at {receiver} as {form} {delivery}")
        exported, written = words.text(_FORMATS[row.read_as]), words.text(_FORMATS[row.written_as])
        terminal.line(words.text(entered, what=what, sender=sender, form=exported, export=cell(row.export)))
        terminal.line("  " + words.text(arrived, receiver=receiver, form=written, delivery=cell(row.delivery)))
    for one in found:
        said = mark("Case {case} is answered: {persons}") if not one.open else mark("Case {case} is open: {persons}")
        terminal.line(words.text(said, case=cell(one.case_no), persons=cell(one.persons)))
        for text in one.deadlines:
            terminal.line(f"  {text}")


def _request(view: AskedView, terms: Sequence[RunningTerm], words: Words, now: float) -> Request:
    asked = view.asked
    running = tuple(_deadline(one, words, now) for one in terms if one.transfer == asked.transfer)
    return Request(view.case_no, asked.open, persons_text(view, words), running)


def _deadline(term: RunningTerm, words: Words, now: float) -> str:
    said = mark("{person}: {deadline}, until the end of {day}")
    name = name_of(term, packaged_standard(), now, words)
    return words.text(said, person=term.shown, deadline=name, day=last_text(term, zone_named(_ZONE)))


def _called(flow: str, words: Words) -> str:
    """Return what a flow, or the answer to one, is called."""
    standard = packaged_standard()
    for one in standard.flows():
        if one.code == flow:
            return chosen(one.zh, one.en, words)
        if one.reply is not None and one.reply.code == flow:
            return chosen(one.reply.zh, one.reply.en, words)
    return flow
