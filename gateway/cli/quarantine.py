"""`caseferry quarantine list` and `show`: what was set aside, by its note and its outside; nothing is opened."""

from collections.abc import Iterator

from gateway.cli.decisions import action_text, outcome_text
from gateway.cli.shapes import decision_json, explained, told, transfer_json
from gateway.cli.terminal import Terminal, cell
from gateway.cli.times import clock_text, size_text
from gateway.cli.verify import bundle_json, bundle_lines, receipt_json
from gateway.compose.asides import SHOWN, Outside, look_at
from gateway.compose.offline import ledger_to_read
from gateway.compose.proving import BundleProof, ConvoyProof
from gateway.domain.clock import Clock
from gateway.domain.errors import ConfigError
from gateway.folders.quarantine import Quarantine
from gateway.settings.load import Settings
from gateway.stages.aside import SetAside, everything
from gateway.words.catalogue import Words
from gateway.words.templates import mark


def list_quarantine(terminal: Terminal, settings: Settings, clock: Clock) -> None:
    """Show what is in quarantine, oldest first."""
    found = _everything(settings, clock)
    words = terminal.words
    if terminal.as_json:
        terminal.emit({"quarantine": [_listed(one, words) for one in found]})
        return
    if not found:
        terminal.say(mark("Nothing is in quarantine."))
        return
    table = terminal.table(
        words.text(mark("Id")),
        words.text(mark("Time")),
        words.text(mark("Link")),
        words.text(mark("Name")),
        words.text(mark("Transfer")),
        words.text(mark("Size")),
        words.text(mark("Why")),
        words.text(mark("Decision")),
        right=(4, 5),
        folded=(3, 6, 7),
    )
    for one in found:
        note = one.thing.note
        table.add_row(
            one.thing.id[:SHOWN],
            clock_text(note.at),
            cell(note.link),
            cell(note.subject),
            cell(one.transfer.id if one.transfer else None),
            size_text(note.size),
            cell(f"{note.code}: {told(note.code, words).what}"),
            cell(_decision(one, words)),
        )
    terminal.show(table)
    if any(one.decided_at is None for one in found):
        terminal.say(mark("What may be decided about one of them: caseferry quarantine show ID"))


def show_one(terminal: Terminal, settings: Settings, beginning: str, clock: Clock) -> None:
    """Show everything that is known of the thing whose id begins so."""
    with ledger_to_read(settings, clock) as ledger:
        found = look_at(settings, ledger, beginning)
    words = terminal.words
    if terminal.as_json:
        terminal.emit(_shown(found, words, clock.now()))
        return
    one = found.aside
    note = one.thing.note
    for label, value in (
        (words.text(mark("Id")), one.thing.id),
        (words.text(mark("Name")), note.subject),
        (words.text(mark("Link")), note.link),
        (words.text(mark("Time")), clock_text(note.at)),
        (words.text(mark("Size")), size_text(note.size)),
        (words.text(mark("SHA-256")), note.sha256),
        (words.text(mark("Why")), f"{note.code}: {told(note.code, words)}"),
        (words.text(mark("Decision")), _decision(one, words)),
    ):
        if value:
            terminal.line(f"  {label}: {cell(value)}")
    for line in _outside(found, words):
        terminal.line(f"  {line}")
    for transfer in found.transfers:
        held = f" ({transfer.hold_code})" if transfer.hold_code else ""
        state = f"{words.state(transfer.state)}{held}"
        terminal.say(mark("  Transfer {id}: {state}"), id=transfer.id, state=state)
    for decision in found.decisions:
        terminal.line(
            f"  {clock_text(decision.at)} [{cell(decision.actor)}] {action_text(decision.action, words)}: "
            f"{cell(decision.why)} ({outcome_text(decision.done_at, decision.outcome, words)})"
        )
    if found.commands:
        terminal.say(mark("What may be decided:"))
    for command in found.commands:
        terminal.line(f"      {command}")


def _everything(settings: Settings, clock: Clock) -> list[SetAside]:
    quarantine = Quarantine(settings.paths.quarantine)
    try:
        with ledger_to_read(settings, clock) as ledger:
            return everything(quarantine, ledger)
    except ConfigError as error:
        if error.code != "ledger-missing":
            raise
    return [SetAside(thing, None, None, None) for thing in quarantine.listing()]


def _listed(one: SetAside, words: Words) -> dict[str, object]:
    note = one.thing.note
    return {
        "id": one.thing.id,
        "at": note.at,
        "link": note.link,
        "subject": note.subject,
        "code": note.code,
        "what": told(note.code, words).what,
        "size": note.size,
        "sha256": note.sha256,
        "transfer": one.transfer.id if one.transfer else None,
        "decided_at": one.decided_at,
        "decision": None if one.decision is None else decision_json(one.decision),
    }


def _shown(found: Outside, words: Words, now: float) -> dict[str, object]:
    one = found.aside
    note, proof = one.thing.note, found.proof
    return {
        "id": one.thing.id,
        "at": note.at,
        "link": note.link,
        "subject": note.subject,
        **explained(note.code, words),
        "size": note.size,
        "sha256": note.sha256,
        "decided_at": one.decided_at,
        "bundle": bundle_json(proof, found.trust, now, words) if isinstance(proof, BundleProof) else None,
        "receipts": [receipt_json(each, words) for each in proof] if isinstance(proof, tuple) else [],
        "transfers": [transfer_json(transfer) for transfer in found.transfers],
        "decisions": [decision_json(decision) for decision in found.decisions],
        "commands": list(found.commands),
    }


def _outside(found: Outside, words: Words) -> Iterator[str]:
    proof = found.proof
    if isinstance(proof, BundleProof):
        if proof.error is None:
            yield words.text(mark("The envelope is signed by a key that is trusted today."))
        else:
            yield words.text(mark("The envelope does not verify today: {code}"), code=proof.error.code)
        for label, value in bundle_lines(proof, found.trust, words):
            yield f"{label}: {cell(value)}"
    if isinstance(proof, ConvoyProof):
        for bundle in proof.bundles:
            name = "-" if bundle.envelope is None else bundle.envelope.bundle_id
            verdict = words.text(mark("genuine")) if bundle.error is None else bundle.error.code
            yield words.text(mark("Bundle {bundle}: {verdict}"), bundle=name, verdict=verdict)
    for each in proof if isinstance(proof, tuple) else ():
        code = "" if each.receipt is None else f"{each.receipt.code} {each.receipt.issuer} {each.receipt.bundle_id}"
        verdict = words.text(mark("genuine")) if each.error is None else each.error.code
        yield words.text(mark("Receipt {code}: {verdict}"), code=code, verdict=verdict)


def _decision(one: SetAside, words: Words) -> str:
    if one.decision is not None and (
        one.is_pending or one.decided_at is None or one.decided_at == one.decision.done_at
    ):
        decision = one.decision
        outcome = outcome_text(decision.done_at, decision.outcome, words)
        return f"{action_text(decision.action, words)} [{decision.actor}]: {outcome}"
    if one.decided_at is not None and one.transfer is not None:
        return words.state(one.transfer.state)
    return words.text(mark("wanted"))
