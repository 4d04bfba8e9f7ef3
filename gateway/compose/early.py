"""Which bundles this node opens while they arrive: those that peers leave in mailboxes of its own server."""

from collections.abc import Sequence

from gateway.bundle.keys import NodeKeys
from gateway.bundle.policy import SkewLimits
from gateway.compose.ground import Ground
from gateway.compose.identity import Identity
from gateway.domain.ids import LinkName
from gateway.settings.load import Settings
from gateway.settings.node import ServerMode
from gateway.stages.early import EarlyOpening, Incoming
from gateway.stages.lanes import Bulk
from gateway.stages.open import OpenStage
from gateway.stages.routes import InboundRoute
from gateway.transport.hosted import growing


def early_opening(
    identity: Identity, ground: Ground, bulk: Bulk, keys: tuple[NodeKeys, ...], routes: Sequence[InboundRoute]
) -> EarlyOpening:
    """Return what opens bundles early; keys: all of ours that may still be used, the present ones first."""
    settings = identity.settings
    return EarlyOpening(
        unit=settings.node.unit,
        incoming=_incoming(settings),
        routes=routes,
        ledger=ground.ledger,
        spool=ground.spool,
        space=ground.shortage.space,
        crew=ground.crew,
        bulk=bulk,
        keys=keys,
        directory=identity.directory,
        skew=SkewLimits(settings.timing.clock_skew_warn, settings.timing.clock_skew_hold),
        size_limit=settings.limits.bundle,
        is_scanning=settings.malware is not None,
        ring=lambda: ground.bells.ring(OpenStage.name),
        clock=ground.clock,
        ops=ground.ops,
    )


def _incoming(settings: Settings) -> dict[LinkName, Incoming]:
    """Our own server tells what grows in its mailboxes, OpenSSH does not. A worker that is the only one would keep what
    is urgent waiting for as long as a large bundle takes to arrive."""
    if settings.server.mode is ServerMode.OPENSSH or settings.workers.processes < 2:
        return {}
    return {
        LinkName(link.name): Incoming(link.peer, growing(settings.paths.mailboxes, link.peer))
        for link in settings.links
        if link.enabled and link.hosts_mailbox and not link.calls_to_collect
    }
