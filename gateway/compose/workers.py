"""Builds the workers of a node from its settings: one for each leg that all share, and those of the links."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gateway.bundle.keys import NodeKeys
from gateway.compose.alerting import alerting
from gateway.compose.desks import desks_of
from gateway.compose.gates import Gates, patience
from gateway.compose.ground import Ground
from gateway.compose.identity import Identity
from gateway.compose.incoming import collect_stage, open_stage
from gateway.compose.linklegs import LinkLegs
from gateway.compose.links import mail_folders
from gateway.compose.outgoing import claim_stage, pack_stage
from gateway.compose.reconciling import Comparing
from gateway.compose.relaying import hub_refusals, hub_roster, relay_stage
from gateway.compose.sharing import grants_of
from gateway.compose.sources import expectations
from gateway.daemon.worker import Worker
from gateway.domain.ids import LinkName, UnitCode
from gateway.domain.records import Stage
from gateway.stages.claim import ClaimStage
from gateway.stages.decide import DecideStage
from gateway.stages.expiry import ExpiryStage
from gateway.stages.legs import out_leg
from gateway.stages.open import OpenStage
from gateway.stages.relay import RelayStage
from gateway.stages.retain import RetainStage
from gateway.stages.silence import SilenceStage
from gateway.stages.source_decisions import SourceDecisions
from gateway.stages.standstill import Halting
from gateway.stages.statements import ReceiptPen
from gateway.words.catalogue import Words

RETAIN_EVERY = 3600.0
"""Seconds between looks at what retention has ended."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The workers of one configuration, and what the node itself must know of them."""

    workers: tuple[Worker, ...]
    claim: ClaimStage
    open: OpenStage
    gates: Gates
    outbound_folders: tuple[Path, ...]
    mail_folders: Mapping[Path, LinkName]
    """Folders that somebody else than our own server fills for us, and the link of each."""
    link_of: Mapping[UnitCode, LinkName]
    orderly: tuple[str, ...]
    """The workers that carry out what routes with an order send."""


class Planner:
    """Turns one identity into workers over one ground."""

    def __init__(self, identity: Identity, ground: Ground, words: Words) -> None:
        self._identity = identity
        self._settings = identity.settings
        self._ground = ground
        self._words = words
        self._roster = hub_roster(identity.settings, identity.directory, ground.ops)
        """The roster by which this node is a hub, None if it is none."""
        self._desks = desks_of(identity, ground, words)
        self._comparing = Comparing(identity, ground, self._desks.recorder)
        self._legs = LinkLegs(
            identity,
            ground,
            gates=self._desks.gates,
            recorder=self._desks.recorder,
            quarantine=self._desks.quarantine,
            telling=self._desks.telling,
            comparing=self._comparing,
        )

    def plan(self) -> Plan:
        """Return the workers; raises GatewayError if a peer's card or a key that the configuration needs is missing."""
        now = self._ground.clock.now()
        links = [link for link in self._settings.links if link.enabled]
        outbound = [route for route in self._settings.outbound if route.enabled]
        claim = claim_stage(self._desks, outbound)
        keys = self._identity.keyring.signing_keys(now)
        opening = open_stage(self._desks, keys, relays=self._roster is not None)
        workers: list[Worker] = [
            claim,
            pack_stage(self._desks, outbound, keys, self._legs.head_starts.get, now),
            opening,
            *self._relay(keys),
            collect_stage(self._desks, keys),
            self._decide(keys),
            patience(self._settings, self._ground.ledger, self._ground.clock, self._ground.ops),
            self._retain(),
            ExpiryStage(grants_of(self._settings.grants), self._ground.clock, self._ground.ops),
            self._comparing.rounds(self._words),
            self._comparing.watch(),
            SilenceStage(
                ledger=self._ground.ledger,
                expected=expectations(self._settings),
                clock=self._ground.clock,
                ops=self._ground.ops,
            ),
        ]
        workers += self._legs.of(links)
        standstill = self._ground.standstill
        return Plan(
            (
                *(Halting(worker, standstill) for worker in workers),
                *alerting(self._identity, self._ground),
                self._ground.board,
            ),
            claim,
            opening,
            self._desks.gates,
            tuple(route.folder for route in outbound),
            mail_folders(self._settings, links),
            {link.peer: LinkName(link.name) for link in links},
            tuple(out_leg(LinkName(link.name)) for link in self._settings.orderly_links()),
        )

    def _relay(self, keys: NodeKeys) -> tuple[Worker, ...]:
        if self._roster is None:
            return ()
        return (
            relay_stage(
                self._identity,
                self._ground,
                self._roster,
                keys,
                lanes=self._desks.lanes(Stage.RELAY, RelayStage.name, takes=0),
                quarantine=self._desks.quarantine,
                recorder=self._desks.recorder,
            ),
        )

    def _decide(self, keys: NodeKeys) -> DecideStage:
        ground = self._ground
        return DecideStage(
            ledger=ground.ledger,
            spool=ground.spool,
            quarantine=ground.quarantine,
            intakes=self._legs.intakes,
            pen=ReceiptPen(self._settings.node.unit, keys),
            refusals=None if self._roster is None else hub_refusals(self._identity, ground, keys),
            sources=SourceDecisions(
                ledger=ground.ledger,
                telling=self._desks.telling,
                recorder=self._desks.recorder,
                field_name=self._desks.field_name,
                ops=ground.ops,
            ),
            knock=self._desks.gates.knock,
            clock=ground.clock,
            ops=ground.ops,
        )

    def _retain(self) -> RetainStage:
        ground = self._ground
        return RetainStage(
            ledger=ground.ledger,
            recorder=self._desks.recorder,
            spool=ground.spool,
            shelf=ground.shelf,
            quarantine=ground.quarantine,
            clock=ground.clock,
            ops=ground.ops,
            keep_seconds=self._settings.timing.keep_originals,
            relay_seconds=self._settings.relay.keep,
            aside_seconds=self._settings.timing.keep_quarantine,
            every_seconds=RETAIN_EVERY,
        )
