"""Carries out what people decided at the command line: the keys are here, and nobody else moves these bytes."""

from collections.abc import Callable, Mapping

from gateway.bundle.envelope import ENVELOPE_MAX, parse_envelope
from gateway.bundle.names import Kind
from gateway.bundle.receipt import FILE_MAX
from gateway.domain.clock import Clock
from gateway.domain.errors import GatewayError, PermanentError, SecurityError, TransientError
from gateway.domain.ids import LinkName, TransferId
from gateway.domain.lifecycle import Event, State
from gateway.domain.oplog import OpsLog
from gateway.domain.records import Action, Decision, Facts, Stage, Step, Transfer, known
from gateway.folders import disk
from gateway.folders.quarantine import Quarantine
from gateway.folders.spool import Spool
from gateway.ledger.store import Ledger
from gateway.stages.aside import SetAside, one
from gateway.stages.deciding import check, moved_on
from gateway.stages.hub_refusals import HubRefusals
from gateway.stages.intake import ReceiptIntake
from gateway.stages.refusals import persons_code
from gateway.stages.source_decisions import ACTIONS, SourceDecisions
from gateway.stages.statements import ReceiptPen

BATCH = 64
"""Decisions carried out in one step."""
LOOK_SECONDS = 60.0
"""A bell that nobody heard costs so long."""
AGAIN_SECONDS = 10.0
"""What failed for reasons that pass is done again after this."""
BEING_SET_BACK = "being-set-back"
"""Holds a transfer while its bytes are on their way back from quarantine."""


class DecideStage:
    """Carries out decisions, oldest first; each step of each may be repeated until the decision is marked as done."""

    name = "decide"

    def __init__(
        self,
        *,
        ledger: Ledger,
        spool: Spool,
        quarantine: Quarantine,
        intakes: Mapping[LinkName, ReceiptIntake],
        pen: ReceiptPen,
        refusals: HubRefusals | None,
        sources: SourceDecisions,
        knock: Callable[[LinkName], None],
        clock: Clock,
        ops: OpsLog,
    ) -> None:
        """refusals: at a hub, what answers bundles that are for others."""
        self._ledger = ledger
        self._spool = spool
        self._quarantine = quarantine
        self._intakes = intakes
        self._pen = pen
        self._refusals = refusals
        self._sources = sources
        self._knock = knock
        self._clock = clock
        self._ops = ops

    def step(self) -> float | None:
        """Carry out what was decided; return the seconds until the next look."""
        undone = self._ledger.decisions.undone(BATCH)
        wait = LOOK_SECONDS if len(undone) < BATCH else 0.0
        waiting: set[TransferId | None] = set()
        for decision in undone:
            if decision.transfer is not None and decision.transfer in waiting:
                continue  # in the order in which they were taken
            try:
                self._carry_out(decision)
            except TransientError as error:
                self._ops.warn("decision-waits", decision=decision.id, action=decision.action, code=error.code)
                waiting.add(decision.transfer)
                wait = AGAIN_SECONDS
            except GatewayError as error:
                self._ledger.decisions.decided(decision, error.code)
                self._ops.error("decision-failed", decision=decision.id, action=decision.action, code=error.code)
        return wait

    def _carry_out(self, decision: Decision) -> None:
        if decision.action is Action.RETRY:
            if decision.link is not None:
                self._knock(decision.link)
            self._ledger.decisions.decided(decision)
            return
        if decision.action in ACTIONS:
            self._sources.carry_out(decision)
            return
        transfer = None if decision.transfer is None else self._ledger.get(decision.transfer)
        if transfer is None:
            self._take_receipts(decision)
        elif transfer.hold_code == BEING_SET_BACK:
            self._set_back(decision, transfer)
        else:
            aside = one(self._quarantine, self._ledger, known(decision.thing))
            check(aside, decision.action)
            if decision.action is Action.REJECT:
                self._reject(decision, transfer, aside)
            else:
                self._set_back(decision, self._released(decision, transfer, aside))
        self._ops.info(
            "decision-done",
            decision=decision.id,
            action=decision.action,
            transfer=decision.transfer,
            actor=decision.actor,
        )

    # -- bundles ------------------------------------------------------------------------------------------------------

    def _reject(self, decision: Decision, transfer: Transfer, aside: SetAside) -> None:
        code = persons_code(decision.code)
        if self._refusals is not None and transfer.recipient is None:
            with disk.mapped(aside.thing.path.parent), aside.thing.path.open("rb") as source:
                envelope = parse_envelope(source.read(ENVELOPE_MAX))
            record = self._refusals.keep(transfer, envelope, known(transfer.origin), code, decision.code)
        else:
            record = self._pen.sign(transfer, code, (decision.code,), self._clock.now())
        facts = Facts(note=decision.why, code=decision.code)
        step = Step(transfer, Event.REJECTED, Stage.OPEN, facts, record, actor=decision.actor)
        self._ledger.decisions.decided(decision, steps=[step])

    def _released(self, decision: Decision, transfer: Transfer, aside: SetAside) -> Transfer:
        """Move the transfer on before its bytes are moved, held so that nobody looks for them yet: whatever comes next
        finds a transfer that expects them."""
        if transfer.state is not State.QUARANTINED:
            raise moved_on(transfer)
        waived = decision.code if decision.action is Action.RELEASE else ""
        facts = Facts(size=aside.thing.note.size, hold_code=BEING_SET_BACK, note=decision.why, code=waived)
        return self._ledger.advance(Step(transfer, Event.RELEASED, Stage.OPEN, facts, actor=decision.actor))

    def _set_back(self, decision: Decision, transfer: Transfer) -> None:
        link, bundle = known(transfer.link), known(transfer.bundle_id)
        self._spool.fetching(link, bundle)  # makes the folder
        self._quarantine.give_back(known(decision.thing), self._spool.inbound_bundle(link, bundle))
        self._ledger.decisions.decided(decision, set_back=transfer)

    # -- receipts -----------------------------------------------------------------------------------------------------

    def _take_receipts(self, decision: Decision) -> None:
        """Apply a receipt file anew; what fails again stays where it is, under its new code."""
        thing = known(decision.thing)
        aside = one(self._quarantine, self._ledger, thing)
        check(aside, decision.action)
        intake = None if decision.link is None else self._intakes.get(decision.link)
        if aside.kind is not Kind.RECEIPTS or intake is None:
            raise PermanentError("quarantine-not-recheckable", "it belongs to no transfer")
        with disk.mapped(aside.thing.path.parent), aside.thing.path.open("rb") as source:
            body = source.read(FILE_MAX + 1)
        try:
            intake.take(body)
        except SecurityError as error:
            self._quarantine.note_again(thing, error.code)
            raise
        self._ledger.decisions.decided(decision)
        self._quarantine.remove(thing)  # if that does not come about, retention does it
