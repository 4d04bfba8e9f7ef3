"""Builds the legs by which bundles reach the case software: opening and delivering, and seeing what was taken away."""

from gateway.bundle.keys import NodeKeys
from gateway.bundle.policy import SkewLimits
from gateway.compose.desks import Desks
from gateway.compose.early import early_opening
from gateway.compose.scanning import scanning_of
from gateway.domain.ids import RouteName
from gateway.domain.records import Stage
from gateway.folders.space import OPENING
from gateway.settings.load import Settings
from gateway.stages.collect import CollectStage
from gateway.stages.open import OpenStage
from gateway.stages.routes import InboundRoute
from gateway.stages.statements import ReceiptPen


def open_stage(desks: Desks, keys: NodeKeys, *, relays: bool) -> OpenStage:
    """Return what opens and delivers; keys: those that sign now. relays: see OpenStage."""
    ground, inbound = desks.ground, _routes(desks.settings)
    every = (keys, *(other for other in desks.identity.keyring.node_keys() if other is not keys))
    return OpenStage(
        unit=desks.settings.node.unit,
        routes=inbound,
        ledger=ground.ledger,
        recorder=desks.recorder,
        spool=ground.spool,
        journal=ground.journal,
        quarantine=desks.quarantine,
        lanes=desks.lanes(Stage.OPEN, OpenStage.name, takes=OPENING),
        early=early_opening(desks.identity, ground, desks.bulk, every, inbound),
        shortage=ground.shortage,
        keys=every,
        standard=desks.identity.standard,
        pseudonyms=desks.identity.pseudonyms,
        scanning=scanning_of(desks.settings),
        scanner=desks.scanner,
        size_limit=desks.settings.limits.bundle,
        refuse_unasked=desks.settings.limits.refuse_unasked,
        relays=relays,
        skew=SkewLimits(desks.settings.timing.clock_skew_warn, desks.settings.timing.clock_skew_hold),
        clocks=ground.clocks,
        directory=desks.identity.directory,
        replies=desks.replies,
        clock=ground.clock,
        ops=ground.ops,
    )


def collect_stage(desks: Desks, keys: NodeKeys) -> CollectStage:
    """Return what notices that case software took deliveries away, and says so signed with `keys`."""
    ground = desks.ground
    return CollectStage(
        unit=desks.settings.node.unit,
        routes=_routes(desks.settings),
        ledger=ground.ledger,
        recorder=desks.recorder,
        pen=ReceiptPen(desks.settings.node.unit, keys),
        clock=ground.clock,
        ops=ground.ops,
    )


def _routes(settings: Settings) -> list[InboundRoute]:
    return [
        InboundRoute(
            RouteName(route.name),
            route.folder,
            route.packer,
            route.sentinel,
            frozenset(route.senders),
            frozenset(route.flows),
        )
        for route in settings.inbound
        if route.enabled
    ]
