"""What several legs of one configuration share: the desks where they record, tell, and set things aside."""

from dataclasses import dataclass
from typing import TypeVar

from gateway.compose.gates import Gates
from gateway.compose.ground import Ground, watching
from gateway.compose.identity import Identity
from gateway.domain.records import Stage
from gateway.folders.feedback import FeedbackDesk
from gateway.settings.load import Settings
from gateway.stages.answers import ReplyDesk
from gateway.stages.backoff import Backoff
from gateway.stages.lanes import Bulk, Lanes
from gateway.stages.recording import Recorder
from gateway.stages.scanning import ScannerWatch
from gateway.stages.suspects import QuarantineDesk
from gateway.stages.telling import SourceTelling
from gateway.standard.loading import load_standard
from gateway.words.catalogue import Words

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Desks:
    """Made once for each configuration, see `desks_of`."""

    identity: Identity
    ground: Ground
    gates: Gates
    recorder: Recorder
    quarantine: QuarantineDesk
    telling: SourceTelling
    replies: ReplyDesk
    scanner: ScannerWatch
    bulk: Bulk

    @property
    def settings(self) -> Settings:
        """The configuration."""
        return self.identity.settings

    def lanes(self, stage: Stage, worker: str, *, takes: int) -> Lanes[R]:
        """Return where the work of `stage` goes, whose end rings `worker`; takes: see Lanes."""
        ground = self.ground
        return Lanes(
            stage,
            crew=ground.crew,
            # One piece waits in the crew, so that nobody there idles while a stage records what was finished.
            width=self.settings.workers.processes + 1,
            bulk=self.bulk,
            shortage=ground.shortage,
            takes=takes,
            watching=watching(ground),
            clock=ground.clock,
            ring=lambda: ground.bells.ring(worker),
        )

    def field_name(self, field: str) -> str:
        """Return what people call a field of the standard; the slug where it has no name."""
        kind = load_standard(self.identity.standard).fields.get(field)
        return f"{kind.zh} ({field})" if kind is not None else field


def desks_of(identity: Identity, ground: Ground, words: Words) -> Desks:
    """Return the desks of one configuration."""
    settings, malware = identity.settings, identity.settings.malware
    timing = settings.timing
    backoff = Backoff(timing.retry_first, timing.retry_most)
    recorder = Recorder(ground.ledger, backoff, ground.clock, ground.ops)
    telling = SourceTelling(
        desks={route.name: FeedbackDesk(route.folder, route.feedback_encoding) for route in settings.outbound},
        shelf=ground.shelf,
        ledger=ground.ledger,
        words=words,
        clock=ground.clock,
        ops=ground.ops,
    )
    replies = ReplyDesk(
        ledger=ground.ledger,
        spool=ground.spool,
        telling=telling,
        recorder=recorder,
        clock=ground.clock,
        ops=ground.ops,
        patience=timing.orphan_patience,
    )
    return Desks(
        identity,
        ground,
        Gates(backoff, ground.clock, ground.ops, ground.bells),
        recorder,
        QuarantineDesk(ground.quarantine, ground.clock),
        telling,
        replies,
        ScannerWatch(ground.clock, ground.ops, malware.alarm_after if malware is not None else 0.0),
        Bulk(settings.workers.processes),
    )
