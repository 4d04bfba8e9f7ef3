"""What case handlers get to see of their exports: why one was not sent, and the receipt of one that was."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

from gateway.bundle.receipt import Receipt
from gateway.domain.clock import Clock
from gateway.domain.errors import GatewayError
from gateway.domain.ids import RouteName, TransferId, UnitCode
from gateway.domain.lifecycle import State
from gateway.domain.oplog import OpsLog
from gateway.domain.records import ReceiptCode, ReceiptRecord, Transfer, known
from gateway.domain.sources import Source
from gateway.folders.claim import ClaimShelf
from gateway.folders.feedback import (
    REJECT,
    AckLine,
    Acknowledgement,
    AnswerLine,
    Feedback,
    FeedbackDesk,
    FeedbackLine,
)
from gateway.ledger.store import Ledger
from gateway.stages.blocking import is_blocked
from gateway.standard.defects import SYSTEMATIC, rows_of
from gateway.standard.findings import SECRET, Finding, Verdict, by_mender
from gateway.words.catalogue import Words
from gateway.words.templates import mark

_DELIVERED = mark("The export {export} has reached the recipient and was verified there.")
_REPEATED = mark(
    "The export {export} had been sent and delivered before; it is not sent again. This is the receipt of that time."
)
_IN_CUSTODY = mark("A hub has taken the export {export} into its custody and carries it on.")
_AWAITED = mark("No receipt of {unit} has come yet.")
_COLLECTED = mark("The recipient's case software has taken the export {export}.")
_REFUSED_HERE = mark("The export {export} was not sent; the original is in the folder reject beside it.")
_REFUSED_THERE = mark("The recipient refused the export {export}; the original is in the folder reject beside it.")
_REFUSED_BY_ONE = mark(
    "Recipient {unit} refused the export {export}. It went to others as well: the original is kept until all answered."
)
_REFUSED_BY_HUB = mark("A hub on the way refused the export {export}; the original is in the folder reject beside it.")
_INFECTED = mark("The export {export} was not sent: the virus scanner found something in it; it is in quarantine.")
_BLOCKED = mark(
    "The export {export} was blocked: it holds material marked as a state secret. Nothing of it is kept here and no "
    "copy lies in the folder reject; only this record remains."
)
_HELD = mark("The export {export} is held and was not sent; the original is kept.")
_UNCLAIMED = mark("The export {export} could not be taken for half an hour and lies where it was.")
_WAITS = mark("The export {export} answers a request that is not known here, and waits for it until {until}.")
_TIE = mark(
    "It goes on by itself when the request comes. If its number was changed, or it went by another way, have a named "
    "person tie it: caseferry reply tie {id} REQUEST"
)
_REPORT = mark(
    "Take the marked material off this network by the rules on secrecy and tell the security administrator, who has "
    "been alarmed; export again without it."
)
_MEND = mark("Mend what is listed in the case software and export again.")
_SYSTEMATIC = mark(
    "The exports of this source have a fault that was mended without loss and that probably each of them has; this "
    "one, for example: {export}. It is told once a day."
)
_ASK_VENDOR = mark("Nothing is held up. Ask the vendor of the case software to mend it.")
_CALL = mark("Do not export it again before the security administrator has looked at the exporting machine.")
_TAKEN_THEN = mark("Mend what is listed; it is then taken by itself, and this report vanishes once it was sent.")
_PAUSED = mark("The exports of this case software look different from before; sending them has been stopped.")
_KEPT = mark(
    "Every export is kept as it came, and nothing is lost. Ask the vendor whether the software was updated, "
    "then call the operator: caseferry source show {id}"
)
_RELEASE = mark("Mend what is listed and export again, or have a named person release it: caseferry release {id}")


class SourceTelling:
    """Writes into `err/` and `ack/` of the outbound folders. A folder that is away never stops an exchange: the
    ledger is the truth. What the ledger raises is raised: whoever tells and then records tries both again."""

    def __init__(
        self,
        *,
        desks: Mapping[RouteName, FeedbackDesk],
        shelf: ClaimShelf,
        ledger: Ledger,
        words: Words,
        clock: Clock,
        ops: OpsLog,
    ) -> None:
        self._desks = desks
        self._shelf = shelf
        self._ledger = ledger
        self._words = words
        self._clock = clock
        self._ops = ops

    def refused(self, transfer: Transfer, findings: Sequence[Finding]) -> None:
        """Say that our own checks refused the export, with every finding."""
        is_secret = any(finding.code == SECRET for finding in findings)
        heading, advice = (_BLOCKED, _REPORT) if is_secret else (_REFUSED_HERE, _MEND)
        self._report(transfer, Verdict.REJECT, heading, self._lines(findings), advice)

    def infected(self, transfer: Transfer, findings: Sequence[Finding]) -> None:
        """Say that the virus scanner found something in the export, which is not given back."""
        self._report(transfer, Verdict.REJECT, _INFECTED, self._lines(findings), _CALL)

    def held(self, transfer: Transfer, findings: Sequence[Finding]) -> None:
        """Say that the export waits for a person, with every finding."""
        self._report(transfer, Verdict.HOLD, _HELD, self._lines(findings), _RELEASE)

    def waits(self, transfer: Transfer, findings: Sequence[Finding], until: float) -> None:
        """Say that a reply waits for its request until then (seconds since 1970 UTC)."""
        self._report(transfer, Verdict.WAIT, _WAITS, self._lines(findings), _TIE, until=_iso(until))

    def answered(self, request: Transfer) -> None:
        """Show in the receipt of `request` what it was answered; nothing where it had none yet: that will show it."""
        if request.bundle_id is not None and self._ledger.receipts(request.bundle_id):
            self._acknowledge([request], {})

    def unclaimed(self, route: RouteName, export: str, code: str) -> None:
        """Say that an export lies in its folder and cannot be taken, and why."""
        lines = (FeedbackLine(code, Verdict.WAIT, str(self._words.error_code(code))),)
        heading = self._words.text(_UNCLAIMED, export=export)
        feedback = Feedback(
            export, Verdict.WAIT, _iso(self._clock.now()), heading, lines, self._words.text(_TAKEN_THEN)
        )
        try:
            if (desk := self._desks.get(route)) is not None:
                desk.report(feedback)
        except GatewayError as error:
            self._ops.warn("source-not-told", route=route, code=error.code, detail=error.detail)

    def paused(self, source: Source, findings: Sequence[Finding]) -> None:
        """Say once, beside the exports, that nothing of a source is sent any more, and why."""
        name = _note_of(source)
        feedback = Feedback(
            name,
            Verdict.HOLD,
            _iso(self._clock.now()),
            self._words.text(_PAUSED),
            tuple(self._lines(findings)),
            self._words.text(_KEPT, id=source.id),
        )
        with self._desk_of(source) as desk:
            if desk is not None:
                desk.report(feedback)

    def goes_on(self, source: Source) -> None:
        """Withdraw what was said about a source that was paused."""
        with self._desk_of(source) as desk:
            if desk is not None:
                desk.withdraw(_note_of(source))

    def receipted(self, receipts: Sequence[tuple[Transfer, Receipt, bytes]]) -> None:
        """Show verified receipts to the source; `bytes` is the signed receipt, verbatim."""
        news = {transfer.id: _record(receipt, raw) for transfer, receipt, raw in receipts}
        self._acknowledge([one for one, receipt, _raw in receipts if receipt.code.startswith("1")], news)
        for transfer, receipt, _raw in receipts:
            if not receipt.code.startswith("1"):
                self._refused_there(transfer, receipt, news)

    def repeated(self, transfer: Transfer, earlier: Transfer, receipt: ReceiptRecord) -> None:
        """Show the receipt of `earlier`, as it was signed, under the name of an export that only repeats it; withdraw
        what was said about one of that name before."""
        meaning = self._words.text(_REPEATED, export=transfer.export_name)
        line = AckLine(receipt.issuer, receipt.code, meaning, _iso(receipt.issued_at), receipt.raw)
        shown = Acknowledgement(
            transfer.export_name, receipt.bundle_id, receipt.header_hash, earlier.case_no, earlier.flow, (line,)
        )
        with self._desk(transfer) as desk:
            if desk is not None:
                desk.acknowledge([shown])
                desk.withdraw(transfer.export_name)

    def sealed(self, transfer: Transfer) -> None:
        """Withdraw what was said about an earlier export of the same name."""
        with self._desk(transfer) as desk:
            if desk is not None:
                desk.withdraw(transfer.export_name)

    def mended(self, transfer: Transfer, findings: Sequence[Finding]) -> None:
        """Tell the source what was mended in its export and comes with every other: once a day and not each time
        (catalogue, principle 5). One report a code, in the place of that of the day before; may be repeated."""
        found = {one.code: one for one in findings if one.code in SYSTEMATIC}
        if not found:
            return
        now = _iso(self._clock.now())
        with self._desk(transfer) as desk:
            for code, finding in found.items():
                name = f"_{code}"
                if desk is None or finding.verdict is not Verdict.FIX or desk.told_at(name)[:10] == now[:10]:
                    continue
                heading = self._words.text(_SYSTEMATIC, export=transfer.export_name)
                lines = tuple(self._lines([finding]))
                desk.report(Feedback(name, Verdict.FIX, now, heading, lines, self._words.text(_ASK_VENDOR)))
                self._ops.warn("source-systematic", route=transfer.route, code=code)

    def give_back(self, transfer: Transfer) -> None:
        """Put the original of a refused export into `reject/` beside its outbound folder; may be repeated.

        One that was blocked for marked material is removed instead: no copy of it may stay, not even there.
        One that went to several is given back only once nobody is left who has it or may still get it.
        """
        claim = known(transfer.claim)
        if not is_over(self._ledger.of_claim(claim)):
            return
        is_secret = is_blocked(self._ledger, transfer)
        with self._desk(transfer):
            if not self._shelf.is_held(claim):
                return
            if is_secret:
                self._shelf.discard(claim)
            else:
                self._shelf.release(claim, self._shelf.get(claim).root / REJECT)

    def _acknowledge(self, transfers: Sequence[Transfer], news: Mapping[TransferId, ReceiptRecord]) -> None:
        """Write what there is of receipts for each of `transfers`, all of one folder together; where that fails, each
        alone, so that one does not keep back the others'."""
        by_route: dict[RouteName, list[Transfer]] = {}
        for one in transfers:
            if one.route is not None:
                by_route.setdefault(one.route, []).append(one)
        for route, of_route in by_route.items():
            if (desk := self._desks.get(route)) is None:
                continue
            shown = self._acknowledgements(of_route, news)
            try:
                desk.acknowledge(shown)
            except GatewayError:
                for transfer, alone in zip(of_route, shown, strict=True):
                    with self._desk(transfer):
                        desk.acknowledge([alone])

    def _acknowledgements(
        self, transfers: Sequence[Transfer], news: Mapping[TransferId, ReceiptRecord]
    ) -> list[Acknowledgement]:
        several = self._ledger.several.with_copies({one.claim for one in transfers if one.claim is not None})
        copies = self._ledger.several.of_claim(several) if several else {}
        requests = self._ledger.several.awaiting([one.id for one in transfers])
        return [
            Acknowledgement(
                one.export_name,
                known(one.bundle_id),
                known(one.header_hash),
                one.case_no,
                one.flow,
                tuple(self._ack_lines(one, copies.get(one.claim, ()) if one.claim is not None else (), news)),
                tuple(self._answer_lines(one)) if one.id in requests else (),
            )
            for one in transfers
        ]

    def _answer_lines(self, transfer: Transfer) -> Iterator[AnswerLine]:
        """Yield how far each person of a request is answered; nothing where nobody was answered yet."""
        view = self._ledger.answers.of_request(transfer.id)
        for one in view.persons if view is not None and view.answers else ():
            found = one.answer
            meaning = self._words.answer(found.kind if found is not None else "open")
            if found is None:
                yield AnswerLine(one.shown, "", "", "", "", "", meaning)
                continue
            result, at = found.name or found.result, _iso(found.at)
            yield AnswerLine(one.shown, found.kind, result, found.day, found.bundle or "", at, meaning)

    def _ack_lines(
        self, transfer: Transfer, copies: Sequence[Transfer], news: Mapping[TransferId, ReceiptRecord]
    ) -> Iterator[AckLine]:
        """Yield one line for each recipient of the export: what has just come, else what had come before."""
        receipts = self._ledger.receipts(known(transfer.bundle_id)) if len(copies) > 1 or not news else []
        for one in copies if len(copies) > 1 else [transfer]:
            unit = known(one.recipient)
            signed = [found for found in receipts if found.issuer == unit and not found.code.startswith("4")]
            last = news.get(one.id) or max(signed, key=lambda found: found.code, default=None)
            yield self._ack_line(one, last, unit)

    def _copies(self, transfer: Transfer) -> Sequence[Transfer]:
        return self._ledger.of_claim(transfer.claim) if transfer.claim is not None else ()

    def _ack_line(self, transfer: Transfer, receipt: ReceiptRecord | None, unit: UnitCode) -> AckLine:
        if receipt is None and transfer.state is State.IN_CUSTODY:
            meaning = self._words.text(_IN_CUSTODY, export=transfer.export_name)
            return AckLine(unit, ReceiptCode.CUSTODY, meaning, "")
        if receipt is None:
            return AckLine(unit, "", self._words.text(_AWAITED, unit=unit), "")
        texts = {ReceiptCode.COLLECTED: _COLLECTED, ReceiptCode.CUSTODY: _IN_CUSTODY, ReceiptCode.DELIVERED: _DELIVERED}
        text = texts.get(receipt.code)
        export = transfer.export_name
        meaning = self._words.receipt(receipt.code) if text is None else self._words.text(text, export=export)
        return AckLine(unit, receipt.code, meaning, _iso(receipt.issued_at), receipt.raw)

    def _refused_there(self, transfer: Transfer, receipt: Receipt, news: Mapping[TransferId, ReceiptRecord]) -> None:
        lines = [FeedbackLine(code, Verdict.REJECT, str(self._words.error_code(code))) for code in receipt.reasons]
        lines.insert(0, FeedbackLine(receipt.code, Verdict.REJECT, self._words.receipt(receipt.code)))
        has_copies = len(self._copies(transfer)) > 1
        heading = _REFUSED_THERE if receipt.recipient in (None, receipt.issuer) else _REFUSED_BY_HUB
        self._report(transfer, Verdict.REJECT, _REFUSED_BY_ONE if has_copies else heading, lines, _MEND)
        if has_copies:
            self._acknowledge([transfer], news)

    def _lines(self, findings: Sequence[Finding]) -> list[FeedbackLine]:
        return [
            FeedbackLine(
                finding.code,
                finding.verdict,
                str(self._words.finding(finding)),
                finding.place.file,
                finding.place.line,
                finding.place.column,
                finding.place.field,
                finding.value,
                finding.expected,
                self._words.mender(finding.mender),
                rows_of(finding.code),
                finding.alarm,
            )
            for finding in by_mender(findings)
        ]

    def _report(
        self,
        transfer: Transfer,
        verdict: Verdict,
        heading: str,
        lines: Sequence[FeedbackLine],
        advice: str,
        *,
        until: str = "",
    ) -> None:
        feedback = Feedback(
            transfer.export_name,
            verdict,
            _iso(self._clock.now()),
            self._words.text(heading, export=transfer.export_name, unit=transfer.recipient or "-", until=until),
            tuple(lines),
            self._words.text(advice, id=transfer.id),
            transfer.claim or "",
        )
        with self._desk(transfer) as desk:
            if desk is not None:
                desk.report(feedback)

    @contextmanager
    def _desk_of(self, source: Source) -> Iterator[FeedbackDesk | None]:
        try:
            yield self._desks.get(source.route)
        except GatewayError as error:
            self._ops.warn("source-not-told", route=source.route, code=error.code, detail=error.detail)

    @contextmanager
    def _desk(self, transfer: Transfer) -> Iterator[FeedbackDesk | None]:
        """Yield the desk of the transfer's route; trouble with that folder is logged and goes no further."""
        try:
            yield self._desks.get(transfer.route) if transfer.route is not None else None
        except GatewayError as error:
            self._ops.warn("source-not-told", transfer=transfer.id, code=error.code, detail=error.detail)


def _note_of(source: Source) -> str:
    return f"SOURCE-UPGRADE-{source.id}"


def _record(receipt: Receipt, raw: bytes) -> ReceiptRecord:
    return ReceiptRecord(receipt.bundle_id, receipt.header_hash, receipt.code, receipt.issuer, receipt.issued_at, raw)


def is_over(copies: Sequence[Transfer]) -> bool:
    """Whether an export that went to these recipients reached none and will reach none: it may be given back."""
    return all(one.state in (State.REFUSED, State.CLOSED) for one in copies)


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).astimezone().isoformat(timespec="seconds")
