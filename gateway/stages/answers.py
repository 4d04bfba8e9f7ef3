"""Business answers on their way: each is tied to its request, waits for it, or waits for a person."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from types import MappingProxyType
from typing import Final

from gateway.domain.answers import Fit, Outcome, Word
from gateway.domain.clock import Clock
from gateway.domain.errors import PermanentError, TransientError
from gateway.domain.ids import UnitCode
from gateway.domain.lifecycle import Direction, Event
from gateway.domain.matter import Matter
from gateway.domain.oplog import OpsLog
from gateway.domain.records import Facts, Priority, Stage, Step, Transfer
from gateway.folders.spool import Spool
from gateway.ledger.answer_rows import peer_of
from gateway.ledger.answer_waking import REPLY_ORPHAN, REPLY_TWICE, REPLY_UNCLEAR
from gateway.ledger.store import Ledger
from gateway.stages.packed import PackOutcome
from gateway.stages.recording import Recorder
from gateway.stages.telling import SourceTelling
from gateway.stages.waivers import was_released
from gateway.standard.findings import Finding, Place, Verdict

ORPHAN: Final = "CORR-ORPHAN"
UNCLEAR: Final = "CORR-UNCLEAR"
TWICE: Final = "CORR-TWICE"
STRANGER: Final = "CORR-STRANGER"
WITHDRAWN: Final = "CORR-WITHDRAWN"
NUMBERS_SHOWN: Final = 3

_CODES: Final = MappingProxyType(
    {
        Outcome.ORPHAN: (ORPHAN, REPLY_ORPHAN),
        Outcome.UNCLEAR: (UNCLEAR, REPLY_UNCLEAR),
        Outcome.TWICE: (TWICE, REPLY_TWICE),
    }
)


class Way(Enum):
    """What becomes of a reply that came in."""

    DELIVER = "deliver"
    WAIT = "wait"  # recorded
    REFUSE = "refuse"  # by a person's word


@dataclass(frozen=True, slots=True)
class Ruling:
    """How a reply that came in goes on. note: codes of what is to be known of it."""

    way: Way
    note: str = ""


class ReplyDesk:
    """Asks the ledger what each reply answers. `patience`: seconds that one waits for its request before a person is
    asked (docs/replies.md)."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        spool: Spool,
        telling: SourceTelling,
        recorder: Recorder,
        clock: Clock,
        ops: OpsLog,
        patience: float,
    ) -> None:
        self._ledger = ledger
        self._spool = spool
        self._telling = telling
        self._recorder = recorder
        self._clock = clock
        self._ops = ops
        self._patience = patience

    # -- replies that leave -------------------------------------------------------------------------------------------

    def sift(
        self, outcomes: Sequence[tuple[Transfer, PackOutcome]], started_at: float
    ) -> list[tuple[Transfer, PackOutcome]]:
        """Return those that may be sealed now; the others are recorded, and what was written of them dropped."""
        going = []
        for transfer, outcome in outcomes:
            found = self._ruled(transfer, outcome, started_at)
            if found is None:
                self._spool.drop(outcome.out)
            else:
                going.append((transfer, found))
        return going

    def _ruled(self, transfer: Transfer, outcome: PackOutcome, started_at: float) -> PackOutcome | None:
        matter, recipient = outcome.matter, outcome.recipient
        if matter is None or not matter.request or recipient is None:
            return outcome
        word = self._ledger.answers.said(transfer.id)
        if word is Word.REJECT:
            self._give_back(transfer, outcome, matter, started_at)
            return None
        fit = self._ledger.answers.fit(transfer, recipient.unit, matter, outcome.corrects)
        marks = _marks(fit, transfer.export_name)
        if fit.outcome in _CODES and word is not Word.RELEASE:
            code, hold = _CODES[fit.outcome]
            if not was_released(self._ledger, transfer, hold):
                finding = _finding(code, fit, matter, transfer.export_name)
                self._stop(
                    transfer,
                    recipient.unit,
                    matter,
                    facts=outcome.facts(),
                    findings=(*outcome.findings, finding),
                    started_at=started_at,
                )
                return None
            marks = (*marks, _finding(code, fit, matter, transfer.export_name))
        return replace(outcome, findings=(*outcome.findings, *marks))

    def _stop(
        self,
        transfer: Transfer,
        peer: UnitCode,
        matter: Matter,
        *,
        facts: Facts,
        findings: tuple[Finding, ...],
        started_at: float,
    ) -> None:
        """Tell the source, then record that the reply waits for its request or for a person: both repeatable."""
        codes = next(pair for pair in _CODES.values() if pair[0] == findings[-1].code)
        until = self._until(transfer) if codes[0] == ORPHAN else None
        if until is None:
            self._telling.held(transfer, findings)
        else:
            self._telling.waits(transfer, findings, until)
        self._record(
            transfer, peer, matter, stage=Stage.PACK, codes=codes, until=until, started_at=started_at, facts=facts
        )

    def _give_back(self, transfer: Transfer, outcome: PackOutcome, matter: Matter, started_at: float) -> None:
        finding = replace(_finding(ORPHAN, Fit(Outcome.ORPHAN), matter, transfer.export_name), verdict=Verdict.REJECT)
        self._telling.refused(transfer, (*outcome.findings, finding))
        facts = replace(outcome.facts(), matter=None, note=f"{outcome.codes()} {ORPHAN}".lstrip())
        step = Step(transfer, Event.EXPORT_REFUSED, Stage.PACK, facts, started_at=started_at)
        for refused in self._recorder.advance([step]):
            self._telling.give_back(refused)
            self._ops.warn("export-refused", transfer=refused.id, codes=ORPHAN)

    # -- replies that come --------------------------------------------------------------------------------------------

    def rule(self, transfer: Transfer, matter: Matter | None, started_at: float) -> Ruling:
        """Return how the verified `transfer` goes on; waiting is recorded. May be repeated.

        What is about a case of ours, or about somebody's custody, is never kept from the case software (ADR 0035).
        """
        peer = peer_of(transfer)
        if matter is None or not matter.request or matter.copy or peer is None:
            return Ruling(Way.DELIVER)
        word = self._ledger.answers.said(transfer.id)
        if word is Word.REJECT:
            return Ruling(Way.REFUSE, ORPHAN)
        fit = self._ledger.answers.fit(transfer, peer, matter)
        codes = [finding.code for finding in _marks(fit, "")]
        if fit.outcome in _CODES:
            codes.append(_CODES[fit.outcome][0])
        if fit.outcome is Outcome.ORPHAN and not self._goes_on(transfer, matter, word):
            until = self._until(transfer)
            orphan = _CODES[Outcome.ORPHAN]
            self._record(
                transfer,
                peer,
                matter,
                stage=Stage.DELIVER,
                codes=orphan,
                until=until,
                started_at=started_at,
                facts=Facts(),
            )
            return Ruling(Way.WAIT)
        return Ruling(Way.DELIVER, " ".join(codes))

    def _goes_on(self, transfer: Transfer, matter: Matter, word: Word | None) -> bool:
        if word is Word.RELEASE or was_released(self._ledger, transfer, REPLY_ORPHAN):
            return True
        if matter.lane == Priority.CUSTODY.name.lower():
            return True
        return self._ledger.answers.knows_case(matter, transfer.id)

    def gone(self, transfers: Sequence[Transfer]) -> None:
        """Tell of replies that were just sealed or delivered: to the source of the request that one answers, and to
        the operators if one answers none."""
        for transfer in transfers:
            matter = self._ledger.matters.get(transfer.id)
            if matter is None or not matter.request or matter.copy:
                continue
            views = self._ledger.answers.requests_of(transfer.id)
            for view in views:
                owed = view.asked.open
                self._ops.info("reply-tied", transfer=transfer.id, request=view.asked.transfer, owed=owed)
                if any(one.twice and one.reply == transfer.id for one in view.answers):
                    self._ops.alert("reply-differs", transfer=transfer.id, request=view.asked.transfer)
                if transfer.direction is Direction.INBOUND:
                    self._telling.answered(self._ledger.get(view.asked.transfer))
            if not views and (matter.numbers or matter.persons or matter.related):
                self._ops.alert("reply-untied", transfer=transfer.id, flow=matter.flow)

    # -- both ---------------------------------------------------------------------------------------------------------

    def _until(self, transfer: Transfer) -> float | None:
        """Return until when an orphan waits by itself; None if that is over, and a person is asked."""
        since = self._ledger.answers.waits_since(transfer.id)
        until = (self._clock.now() if since is None else since) + self._patience
        return until if until > self._clock.now() else None

    def _record(
        self,
        transfer: Transfer,
        peer: UnitCode,
        matter: Matter,
        *,
        stage: Stage,
        codes: tuple[str, str],
        until: float | None,
        started_at: float,
        facts: Facts,
    ) -> None:
        finding, hold = codes
        detail = f"{facts.note} {finding}".lstrip()
        error = PermanentError(hold, detail) if until is None else TransientError(hold, detail)
        try:
            self._ledger.answers.wait(
                transfer, peer, matter, stage, error, started_at=started_at, retry_at=until, facts=facts
            )
        except TransientError as late:
            if late.code != "transfer-moved-on":
                raise
            return
        event = "transfer-held" if until is None else "reply-waits"
        self._ops.warn(event, transfer=transfer.id, stage=stage, code=hold, detail=detail)


def _marks(fit: Fit, export: str) -> tuple[Finding, ...]:
    """Return what is to be known of a reply that goes."""
    found = []
    if fit.ties and fit.strangers:
        found.append(Finding(STRANGER, Verdict.WARN, Place(export), facts={"count": len(fit.strangers)}))
    if fit.withdrawn:
        found.append(Finding(WITHDRAWN, Verdict.WARN, Place(export)))
    return tuple(found)


def _finding(code: str, fit: Fit, matter: Matter, export: str) -> Finding:
    numbers = " ".join(number for _scheme, number in matter.numbers[:NUMBERS_SHOWN])
    candidates = " ".join(str(one) for one in fit.candidates) or "-"
    facts: dict[str, str | int] = {"flow": matter.request, "candidates": candidates, "numbers": numbers or "-"}
    return Finding(code, Verdict.HOLD, Place(export), value=numbers, mender="operator", facts=facts)
