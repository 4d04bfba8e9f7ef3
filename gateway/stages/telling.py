"""What case handlers get to see of their exports: why one was not sent, and the receipt of one that was."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

from gateway.bundle.receipt import Receipt
from gateway.domain.clock import Clock
from gateway.domain.errors import GatewayError
from gateway.domain.ids import RouteName
from gateway.domain.oplog import OpsLog
from gateway.domain.records import ReceiptCode, ReceiptRecord, Transfer, known
from gateway.folders.claim import ClaimShelf
from gateway.folders.feedback import REJECT, AckLine, Acknowledgement, Feedback, FeedbackDesk, FeedbackLine
from gateway.standard.findings import Finding, Verdict
from gateway.words.catalogue import Words
from gateway.words.templates import mark

_DELIVERED = mark("The export {export} has reached the recipient and was verified there.")
_REPEATED = mark(
    "The export {export} had been sent and delivered before; it is not sent again. This is the receipt of that time."
)
_COLLECTED = mark("The recipient's case software has taken the export {export}.")
_REFUSED_HERE = mark("The export {export} was not sent; the original is in the folder reject beside it.")
_REFUSED_THERE = mark("The recipient refused the export {export}; the original is in the folder reject beside it.")
_HELD = mark("The export {export} is held and was not sent; the original is kept.")
_UNCLAIMED = mark("The export {export} could not be taken for half an hour and lies where it was.")
_MEND = mark("Mend what is listed in the case software and export again.")
_TAKEN_THEN = mark("Mend what is listed; it is then taken by itself, and this report vanishes once it was sent.")
_RELEASE = mark("Mend what is listed and export again, or have a named person release it: caseferry release {id}")


class SourceTelling:
    """Writes into `err/` and `ack/` of the outbound folders. A folder that is away never stops an exchange: the
    ledger is the truth."""

    def __init__(
        self,
        desks: Mapping[RouteName, FeedbackDesk],
        shelf: ClaimShelf,
        words: Words,
        clock: Clock,
        ops: OpsLog,
    ) -> None:
        self._desks = desks
        self._shelf = shelf
        self._words = words
        self._clock = clock
        self._ops = ops

    def refused(self, transfer: Transfer, findings: Sequence[Finding]) -> None:
        """Say that our own checks refused the export, with every finding."""
        self._report(transfer, Verdict.REJECT, _REFUSED_HERE, self._lines(findings), _MEND)

    def held(self, transfer: Transfer, findings: Sequence[Finding]) -> None:
        """Say that the export waits for a person, with every finding."""
        self._report(transfer, Verdict.HOLD, _HELD, self._lines(findings), _RELEASE)

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

    def receipted(self, receipts: Sequence[tuple[Transfer, Receipt, bytes]]) -> None:
        """Show verified receipts to the source; `bytes` is the signed receipt, verbatim."""
        for transfer, receipt, raw in receipts:
            if receipt.code.startswith("1"):
                self._acknowledge(transfer, receipt, raw)
            else:
                self._refused_there(transfer, receipt)

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
                desk.acknowledge(shown)
                desk.withdraw(transfer.export_name)

    def sealed(self, transfer: Transfer) -> None:
        """Withdraw what was said about an earlier export of the same name."""
        with self._desk(transfer) as desk:
            if desk is not None:
                desk.withdraw(transfer.export_name)

    def give_back(self, transfer: Transfer) -> None:
        """Put the original of a refused export into `reject/` beside its outbound folder; may be repeated."""
        with self._desk(transfer):
            claim = known(transfer.claim)
            if self._shelf.is_held(claim):
                self._shelf.release(claim, self._shelf.get(claim).root / REJECT)

    def _acknowledge(self, transfer: Transfer, receipt: Receipt, raw: bytes) -> None:
        original = _COLLECTED if receipt.code is ReceiptCode.COLLECTED else _DELIVERED
        meaning = self._words.text(original, export=transfer.export_name)
        line = AckLine(receipt.issuer, receipt.code, meaning, _iso(receipt.issued_at), raw)
        with self._desk(transfer) as desk:
            if desk is not None:
                desk.acknowledge(
                    Acknowledgement(
                        transfer.export_name,
                        receipt.bundle_id,
                        receipt.header_hash,
                        transfer.case_no,
                        transfer.flow,
                        (line,),
                    )
                )

    def _refused_there(self, transfer: Transfer, receipt: Receipt) -> None:
        lines = [FeedbackLine(code, Verdict.REJECT, str(self._words.error_code(code))) for code in receipt.reasons]
        lines.insert(0, FeedbackLine(receipt.code, Verdict.REJECT, self._words.receipt(receipt.code)))
        self._report(transfer, Verdict.REJECT, _REFUSED_THERE, lines, _MEND)

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
            )
            for finding in findings
        ]

    def _report(
        self, transfer: Transfer, verdict: Verdict, heading: str, lines: Sequence[FeedbackLine], advice: str
    ) -> None:
        feedback = Feedback(
            transfer.export_name,
            verdict,
            _iso(self._clock.now()),
            self._words.text(heading, export=transfer.export_name),
            tuple(lines),
            self._words.text(advice, id=transfer.id),
            transfer.claim or "",
        )
        with self._desk(transfer) as desk:
            if desk is not None:
                desk.report(feedback)

    @contextmanager
    def _desk(self, transfer: Transfer) -> Iterator[FeedbackDesk | None]:
        """Yield the desk of the transfer's route; trouble with that folder is logged and goes no further."""
        try:
            yield self._desks.get(transfer.route) if transfer.route is not None else None
        except GatewayError as error:
            self._ops.warn("source-not-told", transfer=transfer.id, code=error.code, detail=error.detail)


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).astimezone().isoformat(timespec="seconds")
