"""`caseferry explain`: what happened to one case, why it waits, when it is tried again, what to do."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from gateway.cli.deadlines import explained_terms, term_json
from gateway.cli.replies import answer_lines, persons_text, view_json
from gateway.cli.shapes import (
    entry_json,
    explained,
    facts_of,
    outlook_json,
    peer_of,
    percent,
    title_of,
    told,
    transfer_json,
)
from gateway.cli.terminal import Terminal, cell
from gateway.cli.times import clock_text, size_text, span_text
from gateway.compose.offline import ledger_to_read
from gateway.compose.outlook import Outlook, Wait, look_at_daemon, outlook
from gateway.compose.relations import Kin, Relation, relations
from gateway.domain.answers import AskedView
from gateway.domain.clock import Clock
from gateway.domain.deadlines import RunningTerm
from gateway.domain.errors import GatewayError, PermanentError
from gateway.domain.ids import TransferId, bundle_id
from gateway.domain.lifecycle import Event
from gateway.domain.records import ReceiptRecord, TimelineEntry, Transfer
from gateway.ledger.queries import TransferFilter
from gateway.ledger.store import Ledger
from gateway.ledger.terms import TermFilter
from gateway.settings.load import Settings
from gateway.settings.zones import zone_named
from gateway.standard.catalogue import Standard
from gateway.standard.loading import packaged_standard
from gateway.words.catalogue import Words
from gateway.words.findings import FINDINGS
from gateway.words.templates import mark

TERMS_MAX = 200
"""Terms that one transfer shows; a batch has some for each of its persons."""
SHOWN_MAX = 20
"""Transfers that one call explains; a case has rarely more than five."""

_WAITS = MappingProxyType(
    {
        Wait.NOTHING: mark("It is finished and waits for nothing."),
        Wait.PERSON: mark("It is held and waits for a person."),
        Wait.DECISION: mark("It is in quarantine and waits for a decision."),
        Wait.DAEMON: mark("It waits because the gateway is not running."),
        Wait.UNDER_WAY: mark("It is under way now: {stage}, {percent} %, {rate}/s."),
        Wait.ORDER: mark(
            "It waits for transfer {behind}, which was dropped before it and has no final receipt yet: its route keeps "
            "order."
        ),
        Wait.LINK: mark("It waits because link {link} does not work; next try at {until}."),
        Wait.LINK_OFF: mark("It waits because link {link} is switched off in links.d."),
        Wait.WINDOW: mark("It waits because link {link} is outside its hours; the next ones begin at {until}."),
        Wait.SPACE: mark("It waits for room on the disk, or for its turn; small ones go first."),
        Wait.RETRY: mark("The last attempt failed; it is tried again at {until}."),
        Wait.RECEIPT: mark("It waits for the receipt of {peer}; without one it is sent again at {until}."),
        Wait.CUSTODY: mark("A hub holds it; it waits for the receipt of {peer} and is not sent again."),
        Wait.UNCONFIRMED: mark(
            "It was sent, unconfirmed: link {link} brings receipts late or never. One that comes by any way settles it."
        ),
        Wait.TURN: mark("It is next in line."),
    }
)
_HAPPENED = MappingProxyType(
    {
        "found": mark("was taken from the outbound folder"),
        "offered": mark("was offered in the mailbox"),
        "held": mark("was held"),
        "released": mark("the hold was taken off"),
        "retry": mark("was told to try again at once"),
        "failed": mark("attempt failed"),
        "corrected": mark("a later one corrects it"),
        "request-found": mark("the request that it answers has come"),
        "tied": mark("was tied to its request"),
    }
)
_STANDS = MappingProxyType(
    {
        Kin.CORRECTS: mark("It corrects transfer {id} (bundle {bundle})."),
        Kin.CORRECTED_BY: mark("It was corrected by transfer {id} (bundle {bundle})."),
        Kin.REPEATS: mark("It repeats transfer {id} (bundle {bundle}), which counts."),
        Kin.REPEATED_BY: mark("Transfer {id} was the same once more and was not sent."),
        Kin.DIFFERS: mark("Transfer {id} is another version of it."),
    }
)


@dataclass(frozen=True, slots=True)
class Story:
    """Everything the ledger knows of one transfer."""

    transfer: Transfer
    timeline: Sequence[TimelineEntry]
    receipts: Sequence[ReceiptRecord]
    relations: Sequence[Relation]
    outlook: Outlook
    terms: Sequence[RunningTerm]
    """What it began, or what waits here for it."""
    asked: AskedView | None = None
    """With its answers, where it is a request."""
    answered: Sequence[AskedView] = ()
    """The requests that it answers, where it is a reply."""


def explain(
    terminal: Terminal, settings: Settings, key: str, clock: Clock, standard: Callable[[], Standard] = packaged_standard
) -> int:
    """Explain the transfers that `key` names: a number, a case number, a bundle id, or the beginning of a name.

    standard: returns the exchange standard of the node; asked only where terms run.
    """
    now = clock.now()
    daemon = look_at_daemon(settings, now)
    with ledger_to_read(settings, clock) as ledger:
        found = find(ledger, key.strip())
        stories = [
            Story(
                transfer,
                ledger.timeline(transfer.id),
                ledger.receipts(transfer.bundle_id) if transfer.bundle_id else (),
                relations(ledger, transfer),
                outlook(transfer, settings, daemon, now, ledger.goes_before(transfer, settings.orders)),
                terms_of(ledger, transfer.id),
                ledger.answers.of_request(transfer.id),
                ledger.answers.requests_of(transfer.id),
            )
            for transfer in found[:SHOWN_MAX]
        ]
    if terminal.as_json:
        known = standard() if any(story.terms for story in stories) else None
        terminal.emit({"stories": [_json(story, terminal.words, known, now) for story in stories]})
        return 0
    for story in stories:
        _print(terminal, story)
        zone = zone_named(settings.node.zone)
        for text in explained_terms(story.terms, standard(), now, zone, terminal.words) if story.terms else ():
            terminal.line(f"  {text}")
    if len(found) > SHOWN_MAX:
        terminal.say(mark("There are more; see them with: caseferry log --case or --text"))
    return 0


def terms_of(ledger: Ledger, transfer: TransferId) -> Sequence[RunningTerm]:
    """Return the terms that a transfer began, ended ones too."""
    wanted = TermFilter(transfers=(transfer,), running=False)
    return tuple(one.term for one in ledger.terms.search(wanted, TERMS_MAX))


def find(ledger: Ledger, key: str) -> list[Transfer]:
    """Return the transfers that `key` names, oldest first; PermanentError `nothing-found`.

    Tried in this order, the first that gives something counts: number, bundle id, whole case number, beginning of a
    case number, beginning of an export's name or of a bundle id.
    """
    for found in (
        _by_number(ledger, key),
        _by_bundle(ledger, key),
        ledger.search(TransferFilter(case=key, exact=True), SHOWN_MAX + 1) if key else [],
        ledger.search(TransferFilter(case=key), SHOWN_MAX + 1) if key else [],
        ledger.search(TransferFilter(text=key), SHOWN_MAX + 1) if key else [],
    ):
        if found:
            return sorted(found, key=lambda transfer: (transfer.found_at, transfer.id))
    raise PermanentError("nothing-found", "no transfer by that number, case, bundle or export", facts={"key": key[:60]})


def _by_number(ledger: Ledger, key: str) -> list[Transfer]:
    if not (key.isascii() and key.isdigit() and len(key) < 19):
        return []
    try:
        return [ledger.get(TransferId(int(key)))]
    except GatewayError as error:
        if error.code != "no-such-transfer":
            raise
        return []


def _by_bundle(ledger: Ledger, key: str) -> list[Transfer]:
    try:
        return ledger.by_bundle(bundle_id(key.removesuffix(".cfb").lower()))
    except ValueError:
        return []


def _json(story: Story, words: Words, standard: Standard | None, now: float) -> dict[str, object]:
    return {
        "transfer": transfer_json(story.transfer),
        "outlook": outlook_json(story.outlook, story.transfer, words),
        "related": [
            {
                "kin": relation.kin,
                "id": relation.transfer.id,
                "bundle_id": relation.transfer.bundle_id,
                "state": relation.transfer.state,
            }
            for relation in story.relations
        ],
        "asked": None if story.asked is None else view_json(story.asked, words),
        "answers": [{"id": one.asked.transfer, "flow": one.asked.flow} for one in story.answered],
        "deadlines": [term_json(one, standard, now) for one in story.terms],
        "timeline": [entry_json(entry) for entry in story.timeline],
        "findings": [explained(code, words) for code in findings_of(story)],
        "receipts": [
            {
                "code": receipt.code,
                "means": words.receipt(receipt.code),
                "issuer": receipt.issuer,
                "issued_at": receipt.issued_at,
            }
            for receipt in story.receipts
        ],
    }


def _print(terminal: Terminal, story: Story) -> None:
    words, transfer = terminal.words, story.transfer
    heading = words.text(
        mark("Transfer {id}, {way}: {name}"),
        id=transfer.id,
        way=words.direction(transfer.direction),
        name=title_of(transfer),
    )
    terminal.line(heading, style="bold")
    for label, value in (
        (words.text(mark("Flow")), transfer.flow),
        (words.text(mark("Export")), transfer.export_name),
        (words.text(mark("Peer")), " ".join(filter(None, (peer_of(transfer), transfer.link and f"({transfer.link})")))),
        (words.text(mark("Bundle")), transfer.bundle_id),
        (words.text(mark("Size")), size_text(transfer.size)),
        (words.text(mark("Verdict")), words.verdict(transfer.verdict) if transfer.verdict else ""),
        (words.text(mark("State")), words.state(transfer.state)),
    ):
        if value:
            terminal.line(f"  {label}: {cell(value)}")
    for relation in story.relations:
        other = relation.transfer
        terminal.line(f"  {words.text(_STANDS[relation.kin], id=other.id, bundle=other.bundle_id or '-')}")
    for text in _answer_texts(story, words):
        terminal.line(f"  {cell(text)}")
    for text in outlook_texts(story.outlook, transfer, words):
        terminal.line(f"  {text}")
    for command in story.outlook.commands:
        terminal.line(f"      {command}")
    _print_timeline(terminal, story)
    for code in findings_of(story):
        terminal.line(f"  {code}: {told(code, words)}")


def _answer_texts(story: Story, words: Words) -> Sequence[str]:
    """Return how far a request is answered, or what a reply answers."""
    texts = [
        words.text(mark("It answers transfer {id} ({flow})."), id=one.asked.transfer, flow=one.asked.flow)
        for one in story.answered
    ]
    if story.asked is None:
        return texts
    asked = story.asked.asked
    if asked.withdrawn is not None:
        texts.append(words.text(mark("It was withdrawn by transfer {id}; no answer is awaited."), id=asked.withdrawn))
    elif asked.corrected is None:
        texts.append(words.text(mark("Answers: {persons}"), persons=persons_text(story.asked, words)))
    return [*texts, *answer_lines(story.asked, words)]


def findings_of(story: Story) -> Sequence[str]:
    """Return the codes that checks gave to this export, once each; the ledger keeps them in the notes of its events."""
    noted = (code for entry in story.timeline for code in entry.note.split())
    return tuple(dict.fromkeys(code for code in noted if code in FINDINGS))


def outlook_texts(found: Outlook, transfer: Transfer, words: Words) -> Sequence[str]:
    """Return why it waits, then what the code means and what to do."""
    progress = found.progress
    waits = words.text(
        _WAITS[found.wait],
        link=transfer.link or "",
        peer=peer_of(transfer) or transfer.link or "",
        until=clock_text(found.until),
        behind=found.behind or "",
        stage=words.stage(progress.stage) if progress else "",
        percent=f"{percent(progress):.1f}" if progress else "",
        rate=size_text(progress.rate) if progress else "",
    )
    if not found.code:
        return (waits,)
    return (waits, f"{found.code}: {told(found.code, words, facts_of(transfer))}")


def _print_timeline(terminal: Terminal, story: Story) -> None:
    words = terminal.words
    table = terminal.table(
        words.text(mark("Time")),
        words.text(mark("After")),
        words.text(mark("What happened")),
        words.text(mark("Took")),
        words.text(mark("Details")),
        right=(1, 3),
        folded=(2, 4),
    )
    before: float | None = None
    for entry in story.timeline:
        table.add_row(
            clock_text(entry.at),
            "" if before is None else span_text(entry.at - before),
            cell(happened(entry, words)),
            "" if entry.seconds is None else span_text(entry.seconds),
            cell(_details(entry, story, words)),
        )
        before = entry.at
    terminal.show(table)


def happened(entry: TimelineEntry, words: Words) -> str:
    """Return what one line of a timeline says happened."""
    if entry.kind == "receipt":
        issuer = entry.what.rpartition(" ")[2]
        return words.text(mark("receipt {code} by {issuer}"), code=entry.code, issuer=issuer)
    what = words.text(_HAPPENED[entry.what]) if entry.what in _HAPPENED else _event(entry.what, words)
    return f"{words.stage(entry.stage)}: {what}" if entry.kind == "attempt" else what


def _event(what: str, words: Words) -> str:
    return words.event(what) if what in set(Event) else what


def _details(entry: TimelineEntry, story: Story, words: Words) -> str:
    if entry.kind == "receipt":
        return words.receipt(entry.code)
    parts = [entry.actor and f"[{entry.actor}]", entry.code, entry.note if entry.note != entry.code else ""]
    if entry.kind == "attempt" and entry.code:
        parts.append(told(entry.code, words, facts_of(story.transfer)).what)
    return " ".join(filter(None, parts))
