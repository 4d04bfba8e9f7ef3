"""Builds the workers of a node from its settings: one for each leg that all share, and those of the links."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from gateway.bundle.keys import NodeKeys
from gateway.bundle.policy import SkewLimits
from gateway.compose.alerting import alerting
from gateway.compose.early import early_opening
from gateway.compose.gates import Gates, patience
from gateway.compose.ground import Ground, watching
from gateway.compose.identity import Identity
from gateway.compose.linklegs import LinkLegs
from gateway.compose.links import mail_folders
from gateway.compose.reconciling import Comparing
from gateway.compose.relaying import hub_refusals, hub_roster, onward_of, relay_stage
from gateway.compose.scanning import scanning_of
from gateway.compose.sharing import grants_of, rulebook_of
from gateway.compose.sources import expectations
from gateway.compose.territory import outbound_route, survey_territory
from gateway.daemon.worker import Worker
from gateway.domain.errors import Scope
from gateway.domain.ids import ClaimToken, LinkName, RouteName, UnitCode
from gateway.domain.records import Order, Stage
from gateway.folders.feedback import FeedbackDesk
from gateway.folders.space import OPENING
from gateway.folders.watch import OutboundWatch
from gateway.plugins import load_packer
from gateway.settings.routes import OutboundRoute as RouteSettings
from gateway.stages import routes
from gateway.stages.answers import ReplyDesk
from gateway.stages.backoff import Backoff
from gateway.stages.claim import ClaimStage, WatchedRoute
from gateway.stages.collect import CollectStage
from gateway.stages.decide import DecideStage
from gateway.stages.drift import DriftDesk
from gateway.stages.expiry import ExpiryStage
from gateway.stages.lanes import Bulk, Lanes
from gateway.stages.legs import out_leg
from gateway.stages.open import OpenStage
from gateway.stages.pack import PackStage
from gateway.stages.recording import Recorder
from gateway.stages.relay import RelayStage
from gateway.stages.reminding import Reminders
from gateway.stages.repeats import RepeatDesk
from gateway.stages.retain import RetainStage
from gateway.stages.scanning import ScannerWatch
from gateway.stages.silence import SilenceStage
from gateway.stages.source_decisions import SourceDecisions
from gateway.stages.standstill import Halting
from gateway.stages.statements import ReceiptPen
from gateway.stages.suspects import QuarantineDesk
from gateway.stages.telling import SourceTelling
from gateway.stages.trend import DriftRules
from gateway.standard.loading import load_standard
from gateway.words.catalogue import Words

R = TypeVar("R")

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
        self._roster = hub_roster(identity.settings, identity.directory, ground.ops)
        """The roster by which this node is a hub, None if it is none."""
        self._settings = identity.settings
        self._keyring = identity.keyring
        self._directory = identity.directory
        self._ground = ground
        timing = self._settings.timing
        self._backoff = Backoff(timing.retry_first, timing.retry_most)
        self._recorder = Recorder(ground.ledger, self._backoff, ground.clock, ground.ops)
        self._quarantine = QuarantineDesk(ground.quarantine, ground.clock)
        desks = {route.name: FeedbackDesk(route.folder, route.feedback_encoding) for route in self._settings.outbound}
        self._telling = SourceTelling(
            desks=desks, shelf=ground.shelf, ledger=ground.ledger, words=words, clock=ground.clock, ops=ground.ops
        )
        self._replies = ReplyDesk(
            ledger=ground.ledger,
            spool=ground.spool,
            telling=self._telling,
            recorder=self._recorder,
            clock=ground.clock,
            ops=ground.ops,
            patience=timing.orphan_patience,
        )
        self._gates = Gates(self._backoff, ground.clock, ground.ops, ground.bells)
        self._words = words
        malware = self._settings.malware
        self._scanner = ScannerWatch(ground.clock, ground.ops, malware.alarm_after if malware is not None else 0.0)
        self._comparing = Comparing(identity, ground, self._recorder)
        self._legs = LinkLegs(
            identity,
            ground,
            gates=self._gates,
            recorder=self._recorder,
            quarantine=self._quarantine,
            telling=self._telling,
            comparing=self._comparing,
        )
        self._bulk = Bulk(self._settings.workers.processes)
        self._onward = onward_of(identity)

    def plan(self) -> Plan:
        """Return the workers; raises GatewayError if a peer's card or a key that the configuration needs is missing."""
        now = self._ground.clock.now()
        links = [link for link in self._settings.links if link.enabled]
        outbound = [route for route in self._settings.outbound if route.enabled]
        claim = self._claim(outbound)
        keys = self._keyring.signing_keys(now)
        opening = self._open(keys)
        workers: list[Worker] = [
            claim,
            self._pack(outbound, keys, now),
            opening,
            *self._relay(keys),
            self._collect(keys),
            self._decide(keys),
            patience(self._settings, self._ground.ledger, self._ground.clock, self._ground.ops),
            self._retain(),
            ExpiryStage(grants_of(self._settings.grants), self._ground.clock, self._ground.ops),
            self._comparing.rounds(self._words),
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
            self._gates,
            tuple(route.folder for route in outbound),
            mail_folders(self._settings, links),
            {link.peer: LinkName(link.name) for link in links},
            tuple(out_leg(LinkName(link.name)) for link in self._settings.orderly_links()),
        )

    # -- the legs that all share --------------------------------------------------------------------------------------

    def _claim(self, outbound: Sequence[RouteSettings]) -> ClaimStage:
        ground, timing = self._ground, self._settings.timing
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
                self._gates.one(Scope.ROUTE, route.name),
                route.order is not Order.NONE,
            )
            for route in outbound
        ]
        return ClaimStage(
            routes=watched,
            shelf=ground.shelf,
            quarantine=self._quarantine,
            shortage=ground.shortage,
            reminders=Reminders(self._telling, ground.clock),
            ledger=ground.ledger,
            # Its second first, as in the id of a bundle.
            new_token=lambda: ClaimToken(f"{int(ground.clock.now()) % 2**32:08x}{secrets.token_hex(12)}"),
            clock=ground.clock,
            ops=ground.ops,
            scan_seconds=timing.scan_every,
        )

    def _pack(self, outbound: Sequence[RouteSettings], keys: NodeKeys, now: float) -> PackStage:
        ground = self._ground
        known = {RouteName(route.name): outbound_route(route) for route in outbound}
        return PackStage(
            routes=known,
            territory=survey_territory(
                self._settings,
                self._directory,
                [keys.suite],
                now,
                ground.ops,
                standard=load_standard(self._identity.standard),
            ),
            reader_of=self._directory.unit_of,
            ledger=ground.ledger,
            recorder=self._recorder,
            spool=ground.spool,
            shelf=ground.shelf,
            lanes=self._lanes(Stage.PACK, PackStage.name, takes=1),
            keys=keys,
            standard=self._identity.standard,
            rulebook=rulebook_of(self._identity),
            scanning=scanning_of(self._settings),
            scanner=self._scanner,
            quarantine=self._quarantine,
            telling=self._telling,
            head_starts=self._legs.head_starts.get,
            repeats=RepeatDesk(
                ledger=ground.ledger,
                spool=ground.spool,
                telling=self._telling,
                recorder=self._recorder,
                ops=ground.ops,
            ),
            replies=self._replies,
            drift=self._drift(known),
            clock=ground.clock,
            ops=ground.ops,
            sealed_before=ground.sealed_before,
        )

    def _drift(self, known: Mapping[RouteName, routes.OutboundRoute]) -> DriftDesk:
        ground, rules = self._ground, self._settings.drift
        return DriftDesk(
            rules=DriftRules(rules.window, rules.exports, rules.baseline, rules.drop / 100),
            routes=known,
            ledger=ground.ledger,
            spool=ground.spool,
            telling=self._telling,
            recorder=self._recorder,
            field_name=self._field_name,
            clock=ground.clock,
            ops=ground.ops,
        )

    def _field_name(self, field: str) -> str:
        kind = load_standard(self._identity.standard).fields.get(field)
        return f"{kind.zh} ({field})" if kind is not None else field

    def _open(self, keys: NodeKeys) -> OpenStage:
        ground, inbound = self._ground, self._inbound()
        every = (keys, *(other for other in self._keyring.node_keys() if other is not keys))
        return OpenStage(
            unit=self._settings.node.unit,
            routes=inbound,
            ledger=ground.ledger,
            recorder=self._recorder,
            spool=ground.spool,
            journal=ground.journal,
            quarantine=self._quarantine,
            lanes=self._lanes(Stage.OPEN, OpenStage.name, takes=OPENING),
            early=early_opening(self._identity, ground, self._bulk, every, inbound),
            shortage=ground.shortage,
            keys=every,
            standard=self._identity.standard,
            pseudonyms=self._identity.pseudonyms,
            scanning=scanning_of(self._settings),
            scanner=self._scanner,
            size_limit=self._settings.limits.bundle,
            refuse_unasked=self._settings.limits.refuse_unasked,
            relays=self._roster is not None,
            skew=SkewLimits(self._settings.timing.clock_skew_warn, self._settings.timing.clock_skew_hold),
            clocks=ground.clocks,
            directory=self._directory,
            replies=self._replies,
            clock=ground.clock,
            ops=ground.ops,
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
                lanes=self._lanes(Stage.RELAY, RelayStage.name, takes=0),
                quarantine=self._quarantine,
                recorder=self._recorder,
            ),
        )

    def _inbound(self) -> list[routes.InboundRoute]:
        return [
            routes.InboundRoute(
                RouteName(route.name),
                route.folder,
                route.packer,
                route.sentinel,
                frozenset(route.senders),
                frozenset(route.flows),
            )
            for route in self._settings.inbound
            if route.enabled
        ]

    def _collect(self, keys: NodeKeys) -> CollectStage:
        ground = self._ground
        return CollectStage(
            unit=self._settings.node.unit,
            routes=self._inbound(),
            ledger=ground.ledger,
            recorder=self._recorder,
            pen=ReceiptPen(self._settings.node.unit, keys),
            clock=ground.clock,
            ops=ground.ops,
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
                telling=self._telling,
                recorder=self._recorder,
                field_name=self._field_name,
                ops=ground.ops,
            ),
            knock=self._gates.knock,
            clock=ground.clock,
            ops=ground.ops,
        )

    def _retain(self) -> RetainStage:
        ground = self._ground
        return RetainStage(
            ledger=ground.ledger,
            recorder=self._recorder,
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

    # -- small parts --------------------------------------------------------------------------------------------------

    def _lanes(self, stage: Stage, worker: str, *, takes: int) -> Lanes[R]:
        ground = self._ground
        return Lanes(
            stage,
            crew=ground.crew,
            # One piece waits in the crew, so that nobody there idles while a stage records what was finished.
            width=self._settings.workers.processes + 1,
            bulk=self._bulk,
            shortage=ground.shortage,
            takes=takes,
            watching=watching(self._ground),
            clock=ground.clock,
            ring=lambda: ground.bells.ring(worker),
        )
