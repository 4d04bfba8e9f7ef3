"""`caseferry verify` and `caseferry open`: is this bundle or receipt genuine, and what is inside."""

import os
from collections.abc import Sequence
from pathlib import Path

import typer

from gateway.cli.shapes import error_json
from gateway.cli.terminal import EXIT_FAILED, Terminal, cell
from gateway.cli.times import clock_text, size_text
from gateway.compose.identity import load_directory, load_identity, new_umask
from gateway.compose.opening import open_offline
from gateway.compose.proving import BundleProof, ConvoyProof, ReceiptProof, Trust, prove, read_card
from gateway.domain.clock import Clock
from gateway.domain.errors import ConfigError, GatewayError, Scope
from gateway.settings.load import Settings
from gateway.words.catalogue import Words
from gateway.words.templates import mark


def verify(terminal: Terminal, settings: Settings | None, file: Path, cards: Sequence[Path], clock: Clock) -> int:
    """Say whether `file` is genuine; return 0 if it is, 1 if not."""
    if settings is None and not cards:
        raise ConfigError("trust-missing", "neither a configuration nor a card was named", scope=Scope.NODE)
    directory = load_directory(settings) if settings is not None else None
    trust = Trust.of([read_card(card) for card in cards], directory)
    found = prove(file, trust)
    if isinstance(found, BundleProof):
        return _tell_bundle(terminal, found, trust, clock.now())
    if isinstance(found, ConvoyProof):
        return _tell_convoy(terminal, found, trust, clock.now())
    return _tell_receipts(terminal, found)


def open_bundle(terminal: Terminal, config: Path, bundle: Path, into: Path, clock: Clock) -> int:
    """Open `bundle` into the new folder `into` and list what is there now."""
    new_umask()
    prompt = terminal.words.text(mark("Passphrase of the key file"))
    identity = load_identity(config, os.environ, lambda: typer.prompt(prompt, hide_input=True))
    opened = open_offline(bundle, into, identity, clock.now())
    package, files = opened.package, opened.manifest.files
    if terminal.as_json:
        terminal.emit(
            {
                "bundle_id": opened.envelope.bundle_id,
                "header_hash": opened.envelope.header_hash,
                "origin": opened.origin,
                "created": opened.envelope.created,
                "flow": package.flow,
                "case_no": package.case_no,
                "into": str(opened.into),
                "files": [
                    {"path": one.path, "size": one.size, "raw": None if one.raw is None else one.raw.hex()}
                    for one in files
                ],
            }
        )
        return 0
    terminal.say(
        mark("Opened bundle {bundle} from {origin}: {flow} {case}"),
        bundle=opened.envelope.bundle_id,
        origin=opened.origin,
        flow=package.flow,
        case=package.case_no,
    )
    words = terminal.words
    table = terminal.table(words.text(mark("File")), words.text(mark("Size")), right=(1,), folded=(0,))
    for one in files:
        table.add_row(cell(one.path), size_text(one.size))
    terminal.show(table)
    terminal.say(mark("Everything is in {into}. It holds case data: remove it when you are done."), into=opened.into)
    return 0


def _tell_bundle(terminal: Terminal, found: BundleProof, trust: Trust, now: float) -> int:
    words, envelope = terminal.words, found.envelope
    expired = envelope is not None and now > envelope.expires
    if terminal.as_json:
        terminal.emit({"kind": "bundle", **bundle_json(found, trust, now, words)})
        return _code(found.error)
    _tell_answer(terminal, found.error)
    for label, value in bundle_lines(found, trust, words):
        terminal.line(f"  {label}: {cell(value)}")
    if expired:
        terminal.say(mark("  It has expired: a node no longer takes it in. That does not make it less genuine."))
    return _code(found.error)


def _tell_convoy(terminal: Terminal, found: ConvoyProof, trust: Trust, now: float) -> int:
    genuine = found.error is None and all(one.error is None for one in found.bundles)
    if terminal.as_json:
        bundles = [bundle_json(one, trust, now, terminal.words) for one in found.bundles]
        error = error_json(found.error, terminal.words)
        terminal.emit({"kind": "convoy", "genuine": genuine, "error": error, "bundles": bundles})
        return 0 if genuine else EXIT_FAILED
    if found.error is not None:
        _tell_answer(terminal, found.error)
    else:
        terminal.say(mark("A convoy: bundles that travel in one file, {count} of them."), count=len(found.bundles))
    for one in found.bundles:
        _tell_bundle(terminal, one, trust, now)
    return 0 if genuine else EXIT_FAILED


def bundle_json(found: BundleProof, trust: Trust, now: float, words: Words) -> dict[str, object]:
    """Return what a bundle states in the clear, and whether it is genuine as far as it was looked at."""
    envelope = found.envelope
    return {
        "genuine": found.error is None,
        "error": error_json(found.error, words),
        "size": found.size,
        "signer": found.signer,
        "bundle_id": envelope.bundle_id if envelope else None,
        "header_hash": envelope.header_hash if envelope else None,
        "suite": int(envelope.suite) if envelope else None,
        "epoch": envelope.epoch if envelope else None,
        "created": envelope.created if envelope else None,
        "expires": envelope.expires if envelope else None,
        "expired": envelope is not None and now > envelope.expires,
        "recipients": [
            {"unit": trust.recipient(one.key_id), "sequence": one.sequence, "key_id": one.key_id.hex()}
            for one in (envelope.recipients if envelope else ())
        ],
    }


def bundle_lines(found: BundleProof, trust: Trust, words: Words) -> Sequence[tuple[str, str]]:
    """Return label and value of what a bundle states in the clear; nothing if its envelope cannot be read."""
    envelope = found.envelope
    if envelope is None:
        return ()
    named = [trust.recipient(one.key_id) or one.key_id.hex()[:16] for one in envelope.recipients]
    return (
        (words.text(mark("Bundle")), envelope.bundle_id),
        (words.text(mark("Digest of the header")), envelope.header_hash),
        (words.text(mark("Signed by")), found.signer or words.text(mark("unknown"))),
        (words.text(mark("For")), ", ".join(named)),
        (words.text(mark("Number in the stream")), ", ".join(str(one.sequence) for one in envelope.recipients)),
        (words.text(mark("Made")), clock_text(envelope.created)),
        (words.text(mark("Valid until")), clock_text(envelope.expires)),
        (words.text(mark("Size")), size_text(found.size)),
    )


def _tell_receipts(terminal: Terminal, found: Sequence[ReceiptProof]) -> int:
    words = terminal.words
    genuine = all(one.error is None for one in found)
    if terminal.as_json:
        terminal.emit({"kind": "receipts", "genuine": genuine, "receipts": [receipt_json(one, words) for one in found]})
        return 0 if genuine else EXIT_FAILED
    for one in found:
        _tell_answer(terminal, one.error)
        receipt = one.receipt
        if receipt is None:
            continue
        for label, value in (
            (words.text(mark("States")), f"{receipt.code} {words.receipt(receipt.code)}"),
            (words.text(mark("Issued by")), receipt.issuer),
            (words.text(mark("Issued at")), clock_text(receipt.issued_at)),
            (words.text(mark("Bundle")), receipt.bundle_id),
            (words.text(mark("Digest of the header")), receipt.header_hash),
            (words.text(mark("Size")), size_text(receipt.size)),
            (words.text(mark("Sender")), receipt.origin or ""),
            (words.text(mark("Recipient")), receipt.recipient or ""),
            (words.text(mark("Number in the stream")), str(receipt.sequence)),
            (words.text(mark("Reasons")), " ".join(receipt.reasons)),
        ):
            if value:
                terminal.line(f"  {label}: {cell(value)}")
    return 0 if genuine else EXIT_FAILED


def receipt_json(one: ReceiptProof, words: Words) -> dict[str, object]:
    """Return what one receipt states, and whether it is genuine."""
    receipt = one.receipt
    return {
        "genuine": one.error is None,
        "error": error_json(one.error, words),
        "code": receipt.code if receipt else None,
        "means": words.receipt(receipt.code) if receipt else None,
        "issuer": receipt.issuer if receipt else None,
        "issued_at": receipt.issued_at if receipt else None,
        "bundle_id": receipt.bundle_id if receipt else None,
        "header_hash": receipt.header_hash if receipt else None,
        "size": receipt.size if receipt else None,
        "origin": receipt.origin if receipt else None,
        "recipient": receipt.recipient if receipt else None,
        "epoch": receipt.epoch if receipt else None,
        "sequence": receipt.sequence if receipt else None,
        "reasons": list(receipt.reasons) if receipt else [],
    }


def _tell_answer(terminal: Terminal, error: GatewayError | None) -> None:
    if error is None:
        terminal.line(terminal.words.text(mark("Genuine.")), style="bold")
        return
    terminal.line(terminal.words.text(mark("Not genuine: {code}"), code=error.code), style="bold red")
    terminal.line(f"  {terminal.words.error(error)}")
    if error.code == "unknown-sender":
        terminal.say(mark("  If you hold the sender's card and trust it: --card FILE"))


def _code(error: GatewayError | None) -> int:
    return 0 if error is None else EXIT_FAILED
