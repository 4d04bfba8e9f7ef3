"""Builds what makes a node a hub: the ways onward by the roster, and the leg that takes bundles into custody."""

from collections.abc import Callable

from gateway.bundle.keys import NodeKeys
from gateway.bundle.policy import SkewLimits
from gateway.compose.ground import Ground
from gateway.compose.identity import Identity
from gateway.compose.territory import links_of
from gateway.domain.errors import ConfigError, Scope
from gateway.domain.ids import LinkName, UnitCode
from gateway.domain.oplog import OpsLog
from gateway.roster.directory import Directory
from gateway.roster.roster import Roster
from gateway.settings.load import Settings
from gateway.stages.custody import Custody
from gateway.stages.hub_refusals import HubRefusals
from gateway.stages.lanes import Lanes
from gateway.stages.onward import Onward
from gateway.stages.recording import Recorder
from gateway.stages.relay import RelayStage
from gateway.stages.relay_checks import RelayChecks
from gateway.stages.relay_work import RelayOutcome
from gateway.stages.statements import ReceiptPen
from gateway.stages.suspects import QuarantineDesk


def onward_of(identity: Identity) -> Onward:
    """Return the ways from this node to every unit, over the links that are switched on and bring things out."""
    settings = identity.settings
    return Onward(settings.node.unit, links_of(settings), identity.directory)


def check_hub(settings: Settings, directory: Directory) -> Roster | None:
    """Return the roster by which this node is a hub, None if it is to carry nothing for others.

    A roster alone makes nobody carry things, and settings alone let nobody: ConfigError `relay-without-roster` or
    `relay-not-hub` where they disagree.
    """
    if not settings.relay.enabled:
        return None
    unit = settings.node.unit
    if directory.roster is None:
        raise ConfigError("relay-without-roster", "relay.enabled is true, and there is no roster", scope=Scope.NODE)
    if not directory.is_hub(unit):
        raise ConfigError(
            "relay-not-hub",
            f"relay.enabled is true, and the roster does not name {unit} a hub",
            scope=Scope.NODE,
            facts={"unit": unit},
        )
    return directory.roster


def hub_roster(settings: Settings, directory: Directory, ops: OpsLog) -> Roster | None:
    """As `check_hub`; where settings and roster disagree the node goes on as no hub, and somebody is told.

    A newer roster may take the role away at any time: refusing it would keep its revocations out.
    """
    try:
        return check_hub(settings, directory)
    except ConfigError as error:
        ops.alert("relaying-off", code=error.code, detail=error.detail)
        return None


def custody_of(ground: Ground, recorder: Recorder) -> Custody:
    """Return what knows whether a hub still has what it signed for."""
    return Custody(ledger=ground.ledger, spool=ground.spool, recorder=recorder, clock=ground.clock)


def unit_of(identity: Identity) -> Callable[[bytes], UnitCode | None]:
    """Return who can open what is wrapped to an encryption key; our own keys are known before the roster lists them."""
    own = {keys.public.encrypt_key_id for keys in identity.keyring.node_keys()}
    unit = identity.settings.node.unit
    return lambda key_id: unit if key_id in own else identity.directory.unit_of(key_id)


def hub_refusals(identity: Identity, ground: Ground, keys: NodeKeys) -> HubRefusals:
    """Return what signs refusals for others' bundles."""
    pen = ReceiptPen(identity.settings.node.unit, keys)
    return HubRefusals(
        unit=identity.settings.node.unit,
        ledger=ground.ledger,
        pen=pen,
        onward=onward_of(identity),
        unit_of=unit_of(identity),
        clock=ground.clock,
    )


def relay_stage(
    identity: Identity,
    ground: Ground,
    roster: Roster,
    keys: NodeKeys,
    *,
    lanes: Lanes[tuple[RelayOutcome, ...]],
    quarantine: QuarantineDesk,
    recorder: Recorder,
) -> RelayStage:
    """Return the relay leg of a hub."""
    settings = identity.settings
    checks = RelayChecks(
        unit=settings.node.unit,
        peers={LinkName(link.name): link.peer for link in settings.links},
        roster=roster,
        directory=identity.directory,
        onward=onward_of(identity),
        unit_of=unit_of(identity),
        ledger=ground.ledger,
        size_limit=settings.limits.bundle,
    )
    return RelayStage(
        checks=checks,
        ledger=ground.ledger,
        spool=ground.spool,
        quarantine=quarantine,
        lanes=lanes,
        pen=ReceiptPen(settings.node.unit, keys),
        refusals=hub_refusals(identity, ground, keys),
        refuse_unasked=settings.limits.refuse_unasked,
        skew=SkewLimits(settings.timing.clock_skew_warn, settings.timing.clock_skew_hold),
        clocks=ground.clocks,
        directory=identity.directory,
        custody=custody_of(ground, recorder),
        recorder=recorder,
        clock=ground.clock,
        ops=ground.ops,
    )
