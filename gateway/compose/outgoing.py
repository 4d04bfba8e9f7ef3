"""Builds the legs by which exports leave the case software: claiming, reading and sealing."""

import secrets
from collections.abc import Callable, Mapping, Sequence

from gateway.bundle.keys import NodeKeys
from gateway.compose.desks import Desks
from gateway.compose.scanning import scanning_of
from gateway.compose.sharing import rulebook_of
from gateway.compose.territory import outbound_route, survey_territory
from gateway.domain.errors import Scope
from gateway.domain.ids import ClaimToken, LinkName, RouteName
from gateway.domain.records import Order, Stage
from gateway.folders.watch import OutboundWatch
from gateway.plugins import load_packer
from gateway.settings.routes import OutboundRoute as RouteSettings
from gateway.stages.claim import ClaimStage, WatchedRoute
from gateway.stages.drift import DriftDesk
from gateway.stages.headstart import HeadStarts
from gateway.stages.pack import PackStage
from gateway.stages.reminding import Reminders
from gateway.stages.repeats import RepeatDesk
from gateway.stages.routes import OutboundRoute
from gateway.stages.trend import DriftRules
from gateway.standard.loading import load_standard


def claim_stage(desks: Desks, outbound: Sequence[RouteSettings]) -> ClaimStage:
    """Return what claims exports of the routes `outbound`."""
    ground, timing = desks.ground, desks.settings.timing
    watched = [
        WatchedRoute(
            route.name,
            route.folder,
            OutboundWatch(
                route.folder,
                load_packer(route.packer),
                ground.clock,
                stable_scans=route.stable_scans or timing.stable_scans,
                spacing=timing.scan_every / 2,
                sentinel=route.sentinel,
            ),
            desks.gates.one(Scope.ROUTE, route.name),
            route.order is not Order.NONE,
        )
        for route in outbound
    ]
    return ClaimStage(
        routes=watched,
        shelf=ground.shelf,
        quarantine=desks.quarantine,
        shortage=ground.shortage,
        reminders=Reminders(desks.telling, ground.clock),
        ledger=ground.ledger,
        # Its second first, as in the id of a bundle.
        new_token=lambda: ClaimToken(f"{int(ground.clock.now()) % 2**32:08x}{secrets.token_hex(12)}"),
        clock=ground.clock,
        ops=ground.ops,
        scan_seconds=timing.scan_every,
    )


def pack_stage(
    desks: Desks,
    outbound: Sequence[RouteSettings],
    keys: NodeKeys,
    head_starts: Callable[[LinkName], HeadStarts | None],
    now: float,
) -> PackStage:
    """Return what seals exports of the routes `outbound` with `keys`.

    head_starts: those of a link, None if it has none. now: seconds since 1970 UTC, for which keys of peers count.
    """
    ground = desks.ground
    known = {RouteName(route.name): outbound_route(route) for route in outbound}
    return PackStage(
        routes=known,
        territory=survey_territory(
            desks.settings,
            desks.identity.directory,
            [keys.suite],
            now,
            ground.ops,
            standard=load_standard(desks.identity.standard),
        ),
        reader_of=desks.identity.directory.unit_of,
        ledger=ground.ledger,
        recorder=desks.recorder,
        spool=ground.spool,
        shelf=ground.shelf,
        lanes=desks.lanes(Stage.PACK, PackStage.name, takes=1),
        keys=keys,
        standard=desks.identity.standard,
        rulebook=rulebook_of(desks.identity),
        scanning=scanning_of(desks.settings),
        scanner=desks.scanner,
        quarantine=desks.quarantine,
        telling=desks.telling,
        head_starts=head_starts,
        repeats=RepeatDesk(
            ledger=ground.ledger,
            spool=ground.spool,
            telling=desks.telling,
            recorder=desks.recorder,
            ops=ground.ops,
        ),
        replies=desks.replies,
        drift=_drift(desks, known),
        clock=ground.clock,
        ops=ground.ops,
        sealed_before=ground.sealed_before,
    )


def _drift(desks: Desks, known: Mapping[RouteName, OutboundRoute]) -> DriftDesk:
    ground, rules = desks.ground, desks.settings.drift
    return DriftDesk(
        rules=DriftRules(rules.window, rules.exports, rules.baseline, rules.drop / 100),
        routes=known,
        ledger=ground.ledger,
        spool=ground.spool,
        telling=desks.telling,
        recorder=desks.recorder,
        field_name=desks.field_name,
        clock=ground.clock,
        ops=ground.ops,
    )
