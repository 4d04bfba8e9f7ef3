"""What was sent before: the same again is answered with the receipt that is there, another version waits for a
person."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from gateway.domain.errors import PermanentError, TransientError
from gateway.domain.ids import BundleId
from gateway.domain.lifecycle import Event, State
from gateway.domain.oplog import OpsLog
from gateway.domain.records import Facts, ReceiptCode, Stage, Step, Transfer, known
from gateway.folders.spool import Spool
from gateway.ledger.repeats import SENT_BEFORE
from gateway.ledger.store import Ledger
from gateway.stages.packed import PackOutcome
from gateway.stages.recording import Recorder
from gateway.stages.telling import SourceTelling
from gateway.stages.waivers import was_released
from gateway.standard.business import DIFFERENT, SAME, is_of_case, other_content
from gateway.standard.findings import Finding

CONTENT_DIFFERS: Final = "content-differs"
"""Hold code of another version of something that was sent before; its release makes it a correction."""

_UNDER_WAY: Final = frozenset({State.SEALED, State.SENT, State.IN_CUSTODY})
_ARRIVED: Final = frozenset({ReceiptCode.DELIVERED, ReceiptCode.COLLECTED})


class RepeatDesk:
    """Compares exports with what was sent under the same business key, and settles those that are not to be sealed."""

    def __init__(
        self, *, ledger: Ledger, spool: Spool, telling: SourceTelling, recorder: Recorder, ops: OpsLog
    ) -> None:
        self._ledger = ledger
        self._spool = spool
        self._telling = telling
        self._recorder = recorder
        self._ops = ops

    def correction(self, transfer: Transfer) -> BundleId | None:
        """Return the bundle that a named person lets this export correct; None if nobody has said so, or if it is no
        longer the last one sent: they were shown another."""
        if transfer.earlier is None or transfer.business_key is None:
            return None
        last = self._ledger.last_sent(transfer.business_key)
        is_shown = last is not None and last.bundle_id == transfer.earlier
        return transfer.earlier if is_shown and was_released(self._ledger, transfer, CONTENT_DIFFERS) else None

    def is_new(self, business_key: str) -> bool:
        """Whether nothing that counts was sent under `business_key`; may be called from any thread."""
        return self._ledger.last_sent(business_key) is None

    def settles(self, transfer: Transfer, started_at: float) -> bool:
        """Whether what is on record of an export, from an earlier attempt, ends or stops it; recorded if so."""
        if transfer.business_key is None or transfer.content_hash is None:
            return False
        facts = Facts(business_key=transfer.business_key, content_hash=transfer.content_hash)
        last = self._ledger.last_sent(transfer.business_key)
        return self._settles(transfer, last, facts, (), self.correction(transfer), started_at=started_at)

    def sift(
        self, outcomes: Sequence[tuple[Transfer, PackOutcome]], started_at: float
    ) -> list[tuple[Transfer, PackOutcome]]:
        """Return those of one batch that may be sealed; the others are recorded, and what was written of them dropped.

        Of several under one key only the first goes on: the others are compared with it once it is sealed.
        """
        going: dict[str, tuple[Transfer, PackOutcome]] = {}
        # Whatever is sealed meanwhile is found by the commit that seals.
        sent = self._ledger.several.last_sent({known(outcome.business_key) for _, outcome in outcomes})
        for transfer, outcome in outcomes:
            key, facts = known(outcome.business_key), outcome.facts()
            if key in going:
                self._wait(transfer, facts, started_at)
            elif not self._settles(
                transfer, sent.get(key), facts, outcome.findings, outcome.corrects, started_at=started_at
            ):
                if outcome.prepared is not None:
                    going[key] = transfer, outcome
                    continue
                self._wait(transfer, facts, started_at)  # what it repeats was refused while it was compared
            self._spool.drop(outcome.out)
        return list(going.values())

    def _settles(
        self,
        transfer: Transfer,
        last: Transfer | None,
        facts: Facts,
        findings: tuple[Finding, ...],
        corrects: BundleId | None,
        *,
        started_at: float,
    ) -> bool:
        if last is not None and last.content_hash == facts.content_hash:
            if last.state in _UNDER_WAY:
                self._wait(transfer, facts, started_at)
            else:
                self._end(transfer, last, facts, started_at)
        elif last is not None and is_of_case(known(facts.business_key)) and last.bundle_id != corrects:
            self._hold(transfer, last, facts, findings, started_at)
        elif last is None and corrects is not None:
            self._wait(transfer, facts, started_at)  # what it was to correct has been refused since: it is sealed anew
        else:
            return False
        return True

    def _wait(self, transfer: Transfer, facts: Facts, started_at: float) -> None:
        error = TransientError(SENT_BEFORE, "another of the same business key is under way")
        self._recorder.fail(transfer, Stage.PACK, error, started_at, facts)

    def _end(self, transfer: Transfer, last: Transfer, facts: Facts, started_at: float) -> None:
        """Show the source the receipt that is there, then record that nothing is owed: each may be repeated."""
        receipts = self._ledger.receipts(known(last.bundle_id))
        arrived = [r for r in receipts if r.code in _ARRIVED and r.issuer == last.recipient]
        self._telling.repeated(transfer, last, arrived[-1])
        facts = replace(
            facts,
            link=last.link,
            recipient=last.recipient,
            flow=last.flow,
            case_no=last.case_no,
            earlier=last.bundle_id,
            note=f"{facts.note} {SAME} transfer {last.id}".lstrip(),
        )
        step = Step(transfer, Event.DELIVERED_BEFORE, Stage.PACK, facts, started_at=started_at)
        for ended in self._recorder.advance([step]):
            self._ops.info("export-repeated", transfer=ended.id, earlier=last.id)

    def _hold(
        self, transfer: Transfer, last: Transfer, facts: Facts, findings: tuple[Finding, ...], started_at: float
    ) -> None:
        found = different(self._ledger, last, transfer.export_name)
        self._telling.held(transfer, (*findings, found))
        error = PermanentError(CONTENT_DIFFERS, f"{facts.note} {DIFFERENT}".lstrip())
        self._recorder.fail(transfer, Stage.PACK, error, started_at, replace(facts, earlier=last.bundle_id))


def different(ledger: Ledger, last: Transfer, export: str) -> Finding:
    """Return the finding about `export`, another version of `last`: when that was sent and whether it arrived."""
    return other_content(export, sent_time(ledger, last), _local(last.settled_at), known(last.bundle_id))


def sent_time(ledger: Ledger, last: Transfer) -> str:
    """Return when `last` was first put into the mailbox, as people read it; `-` if it was not yet."""
    return _local(next((e.at for e in ledger.timeline(last.id) if e.kind == "event" and e.what == Event.SENT), None))


def _local(at: float | None) -> str:
    return "-" if at is None else f"{datetime.fromtimestamp(at, UTC).astimezone():%Y-%m-%d %H:%M}"
