"""Carries out what people decided about paused sources: let them go on, read anew what was kept, or give it back."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from gateway.domain.errors import PermanentError
from gateway.domain.lifecycle import Event
from gateway.domain.oplog import OpsLog
from gateway.domain.records import Action, Decision, Facts, Stage, Step, Transfer
from gateway.domain.sources import Source, source_of
from gateway.ledger.store import BATCH, Ledger
from gateway.stages.drift import FieldNames, findings
from gateway.stages.recording import Recorder
from gateway.stages.telling import SourceTelling

ACTIONS: Final = frozenset({Action.SOURCE_RESUME, Action.SOURCE_REPLAY, Action.SOURCE_REJECT})
_WORD: Final[Mapping[Action, str]] = MappingProxyType(
    {Action.SOURCE_RESUME: "resumed", Action.SOURCE_REPLAY: "replayed", Action.SOURCE_REJECT: "rejected"}
)


class SourceDecisions:
    """Each step of each may be repeated until the decision is marked as done."""

    def __init__(
        self, *, ledger: Ledger, telling: SourceTelling, recorder: Recorder, field_name: FieldNames, ops: OpsLog
    ) -> None:
        self._ledger = ledger
        self._telling = telling
        self._recorder = recorder
        self._field_name = field_name
        self._ops = ops

    def carry_out(self, decision: Decision) -> None:
        """Do what was decided; raises PermanentError `no-such-source`."""
        wanted = source_of(decision.thing or "")
        if wanted is None:
            raise PermanentError("no-such-source", "the decision names no source", facts={"id": 0})
        source = self._ledger.sources.get(wanted)
        if decision.action is Action.SOURCE_REJECT:
            count = self._give_back(source, decision)
        else:
            self._ledger.sources.resume(source.id, anew=decision.action is Action.SOURCE_RESUME)
            self._telling.goes_on(source)
            count = 0
            while some := self._ledger.sources.release(source.id, decision.actor, decision.why, BATCH):
                count += some
        self._ops.info(
            "source-decided", source=source.id, action=_WORD[decision.action], count=count, actor=decision.actor
        )
        self._ledger.decisions.decided(decision)

    def _give_back(self, source: Source, decision: Decision) -> int:
        """Refuse what is kept, one after the other: each is told, recorded and put back beside its folder. What is
        dropped afterwards is kept as before."""
        count = after = 0
        while held := self._ledger.sources.held(source.id, BATCH, after):
            for transfer in held:
                count += self._refuse(source, transfer, decision)
            after = held[-1].id
        return count

    def _refuse(self, source: Source, transfer: Transfer, decision: Decision) -> int:
        self._telling.refused(transfer, findings(source, self._field_name))
        facts = Facts(note=decision.why, code="SOURCE-UPGRADE")
        refused = self._recorder.advance(
            [Step(transfer, Event.EXPORT_REFUSED, Stage.PACK, facts, actor=decision.actor)]
        )
        for one in refused:
            self._telling.give_back(one)
        return len(refused)
