"""Builds what compares streams with others: inventories and statements of each link, rounds of reconciliation."""

from collections.abc import Callable
from functools import cached_property

from gateway.bundle.inventory import INVENTORY_MAX, sign_life
from gateway.bundle.names import Kind
from gateway.bundle.statement import STATEMENT_MAX
from gateway.compose.ground import Ground
from gateway.compose.identity import Identity
from gateway.compose.relaying import custody_of, onward_of
from gateway.domain.holdings import Life
from gateway.domain.ids import LinkName, UnitCode
from gateway.settings.boundaries import Receipts
from gateway.settings.kinds import seconds_of_day
from gateway.settings.links import LinkSettings, TransportKind
from gateway.stages.courier import Courier
from gateway.stages.enquire import EnquireStage
from gateway.stages.gate import Gate
from gateway.stages.inventories import InventoryIntake
from gateway.stages.legs import Leg, out_leg
from gateway.stages.papers import Paper
from gateway.stages.reconcile import ReconcileStage
from gateway.stages.reconcile_report import Reports
from gateway.stages.recording import Recorder
from gateway.stages.resync import ResyncStage, TalksWatch
from gateway.stages.stating import StatementIntake
from gateway.stages.wayfinding import Ways
from gateway.transport.api import Transport
from gateway.words.catalogue import Words

REPORTS_FOLDER = "reports"
"""Folder in the state folder; for the node's own account only."""
MEDIA_RESYNC = 86400.0
"""Seconds between inventories by media at least: what would be said every hour waits for the next trip anyhow."""


class Comparing:
    """Makes the parts of one configuration that talk about streams; they share one courier."""

    def __init__(self, identity: Identity, ground: Ground, recorder: Recorder) -> None:
        settings = identity.settings
        self._settings = settings
        self._directory = identity.directory
        self._ground = ground
        self._unit = settings.node.unit
        self._keys = identity.keyring.signing_keys(ground.clock.now())
        self._own_key = {keys.sign_key_id: keys.public for keys in identity.keyring.node_keys()}.get
        self._onward = onward_of(identity)
        self._custody = custody_of(ground, recorder)
        neighbours = [link.peer for link in settings.links if link.enabled]
        self._links = frozenset(LinkName(link.name) for link in settings.links if link.enabled)
        self._ways = Ways(self._unit, neighbours, identity.directory)
        self._courier = Courier(
            onward=self._onward,
            outbox=ground.outbox,
            ring=lambda link: ground.bells.ring(out_leg(link)),
            relays=settings.relay.enabled and self._directory.is_hub(self._unit),
            ops=ground.ops,
        )

    @cached_property
    def _life(self) -> bytes:
        """The token of this start of the node, the same on every link."""
        ledger = self._ground.ledger
        return sign_life(Life(self._unit, ledger.epoch, ledger.resync.life), self._keys)

    def legs(self, link: LinkSettings, transport: Transport, gate: Gate) -> tuple[Leg, ...]:
        """Return what states and asks by one link."""
        if link.receipts is Receipts.NEVER:
            return ()  # whatever is asked, no answer comes by any way
        ground, timing = self._ground, self._settings.timing
        name = LinkName(link.name)
        is_hub = self._directory.is_hub(link.peer)
        resync = ResyncStage(
            link=name,
            unit=self._unit,
            # Between a hub and who is behind it there are mostly no streams, and where there are, they speak of them.
            neighbour=None if is_hub or self._courier.relays else link.peer,
            leads_to=lambda unit: self._onward.next_link(unit) == name,
            ledger=ground.ledger,
            spool=ground.spool,
            transport=transport,
            gate=gate,
            keys=self._keys,
            life=self._life,
            clock=ground.clock,
            ops=ground.ops,
            every=_every(link, timing.resync_every),
            patience=timing.gap_patience,
        )
        if not is_hub:
            return (resync,)
        enquire = EnquireStage(
            link=name,
            unit=self._unit,
            hub=link.peer,
            ledger=ground.ledger,
            spool=ground.spool,
            transport=transport,
            gate=gate,
            keys=self._keys,
            clock=ground.clock,
            ops=ground.ops,
            every=_every(link, timing.resync_every),
        )
        return enquire, resync  # in this order: the second takes a person's wish off the list

    def papers(self, link: LinkSettings, take_receipts: Callable[[bytes], object]) -> dict[Kind, Paper]:
        """Return what takes in the inventories and statements that come by one link.

        take_receipts: applies a receipt file, for receipts that another unit gives back.
        """
        ground = self._ground
        name = LinkName(link.name)
        inventories = InventoryIntake(
            link=name,
            links=self._links,
            unit=self._unit,
            own_key=self._own_key,
            peer=link.peer,
            ledger=ground.ledger,
            directory=self._directory,
            courier=self._courier,
            standstill=ground.standstill,
            ring=self._ring,
            ops=ground.ops,
        )
        statements = StatementIntake(
            link=name,
            unit=self._unit,
            peer=link.peer,
            keys=self._keys,
            ledger=ground.ledger,
            directory=self._directory,
            courier=self._courier,
            custody=self._custody,
            take_receipts=take_receipts,
            ring=ground.bells.ring,
            round_worker=ReconcileStage.name,
            out_leg=self._leg_to,
            clock=ground.clock,
            ops=ground.ops,
        )
        return {
            Kind.INVENTORY: Paper(INVENTORY_MAX, inventories.take, "inventory", "inventory-too-large"),
            Kind.STATEMENT: Paper(STATEMENT_MAX, statements.take, "statement", "statement-too-large"),
        }

    def watch(self) -> TalksWatch:
        """Return what wakes the links behind which something is open."""
        bells = self._ground.bells
        return TalksWatch(self._ground.ledger, ring_link=lambda link: bells.ring(out_leg(link)), ring_unit=self._ring)

    def rounds(self, words: Words) -> ReconcileStage:
        """Return what reconciles every night and on command."""
        ground, timing = self._ground, self._settings.timing
        reports = Reports(
            self._settings.paths.state / REPORTS_FOLDER,
            unit=self._unit,
            words=words,
            clock=ground.clock,
            zone=None,
            keep=timing.keep_reports,
        )
        return ReconcileStage(
            unit=self._unit,
            ledger=ground.ledger,
            ways=self._ways,
            courier=self._courier,
            keys=self._keys,
            report=reports.write,
            ring=self._ring,
            is_unconfirmed=self._is_unconfirmed,
            at=seconds_of_day(timing.reconcile_at),
            zone=None,
            clock=ground.clock,
            ops=ground.ops,
        )

    def _is_unconfirmed(self, unit: UnitCode) -> bool:
        link = self._onward.next_link(unit)
        found = next((one for one in self._settings.links if one.name == link), None)
        return found is not None and found.receipts is not Receipts.EXPECTED

    def _leg_to(self, unit: UnitCode) -> str | None:
        link = self._onward.next_link(unit)
        return None if link is None else out_leg(link)

    def _ring(self, unit: UnitCode) -> None:
        leg = self._leg_to(unit)
        if leg is not None:
            self._ground.bells.ring(leg)


def _every(link: LinkSettings, seconds: float) -> float:
    return max(seconds, MEDIA_RESYNC) if link.transport is TransportKind.MEDIA else seconds
