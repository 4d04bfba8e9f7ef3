"""Builds the workers of a node from its settings: one for each leg that all share, two for each link."""

import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from gateway.bundle.keys import NodeKeys
from gateway.bundle.policy import SkewLimits
from gateway.compose.gates import Gates, patience
from gateway.compose.identity import Identity
from gateway.compose.links import Transports
from gateway.daemon.errand import Crew
from gateway.daemon.progress import ProgressBoard
from gateway.daemon.worker import Bells, Worker
from gateway.domain.clock import Clock
from gateway.domain.errors import GatewayError, Scope, TransientError
from gateway.domain.ids import ClaimToken, LinkName, RouteName, UnitCode
from gateway.domain.oplog import OpsLog
from gateway.domain.records import Stage, Transfer
from gateway.folders.claim import ClaimShelf
from gateway.folders.delivered import DeliveryJournal
from gateway.folders.feedback import FeedbackDesk
from gateway.folders.quarantine import Quarantine
from gateway.folders.space import SpaceGuard
from gateway.folders.spool import Spool
from gateway.folders.watch import OutboundWatch
from gateway.ledger.store import Ledger
from gateway.plugins import load_packer
from gateway.settings.links import LinkSettings, TransportKind
from gateway.settings.routes import OutboundRoute as RouteSettings
from gateway.stages import routes
from gateway.stages.acknowledge import AcknowledgeStage
from gateway.stages.backoff import Backoff
from gateway.stages.claim import ClaimStage, WatchedRoute
from gateway.stages.decide import DecideStage
from gateway.stages.gate import Gate
from gateway.stages.intake import ReceiptIntake
from gateway.stages.inventories import InventoryIntake
from gateway.stages.lanes import Bulk, Lanes
from gateway.stages.legs import InLeg, OutLeg, out_leg
from gateway.stages.open import OpenStage
from gateway.stages.pack import PackStage
from gateway.stages.receive import ReceiveStage
from gateway.stages.recording import Recorder
from gateway.stages.refusals import ReceiptPen
from gateway.stages.resync import ResyncStage
from gateway.stages.retain import RetainStage
from gateway.stages.send import SendStage
from gateway.stages.standstill import Halting, Standstill
from gateway.stages.suspects import QuarantineDesk
from gateway.stages.telling import SourceTelling
from gateway.stages.watching import STOPPING, Watching
from gateway.transport.api import Progress
from gateway.words.catalogue import Words

R = TypeVar("R")

RETAIN_EVERY = 3600.0
"""Seconds between looks at what retention has ended."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What outlives a reload: everything that holds state."""

    ledger: Ledger
    spool: Spool
    shelf: ClaimShelf
    space: SpaceGuard
    quarantine: Quarantine
    journal: DeliveryJournal
    standstill: Standstill
    sealed_before: Mapping[ClaimToken, Path]
    """Sealed bundles of an earlier epoch that the ledger has forgotten (see `sweep`)."""
    crew: Crew
    board: ProgressBoard
    bells: Bells
    is_stopping: Callable[[], bool]
    clock: Clock
    ops: OpsLog


@dataclass(frozen=True, slots=True)
class Plan:
    """The workers of one configuration, and what the node itself must know of them."""

    workers: tuple[Worker, ...]
    claim: ClaimStage
    gates: tuple[Gate, ...]
    outbound_folders: tuple[Path, ...]
    mail_folders: Mapping[Path, LinkName]
    """Folders that a gap device or a share fills for us, and the link of each."""
    link_of: Mapping[UnitCode, LinkName]


class Planner:
    """Turns one identity into workers over one ground."""

    def __init__(self, identity: Identity, ground: Ground, words: Words) -> None:
        self._settings = identity.settings
        self._keyring = identity.keyring
        self._peers = identity.peers
        self._ground = ground
        timing = self._settings.timing
        self._backoff = Backoff(timing.retry_first, timing.retry_most)
        self._recorder = Recorder(ground.ledger, self._backoff, ground.clock, ground.ops)
        self._quarantine = QuarantineDesk(ground.quarantine, ground.clock)
        desks = {route.name: FeedbackDesk(route.folder, route.feedback_encoding) for route in self._settings.outbound}
        self._telling = SourceTelling(desks, ground.shelf, words, ground.clock, ground.ops)
        self._intakes: dict[LinkName, ReceiptIntake] = {}
        self._gates = Gates(self._backoff, ground.clock, ground.ops, ground.bells)
        self._bulk = Bulk(self._settings.workers.processes)

    def plan(self) -> Plan:
        """Return the workers; raises GatewayError if a peer's card or a key that the configuration needs is missing."""
        now = self._ground.clock.now()
        links = [link for link in self._settings.links if link.enabled]
        outbound = [route for route in self._settings.outbound if route.enabled]
        claim = self._claim(outbound)
        keys = self._keyring.signing_keys(now)
        workers: list[Worker] = [
            claim,
            self._pack(outbound, keys, now),
            self._open(keys),
            self._decide(keys),
            patience(self._settings, self._ground.ledger, self._ground.clock, self._ground.ops),
            self._retain(),
        ]
        for link in links:
            workers += self._legs_or_none(link)
        standstill = self._ground.standstill
        return Plan(
            (*(Halting(worker, standstill) for worker in workers), self._ground.board),
            claim,
            self._gates.all,
            tuple(route.folder for route in outbound),
            {
                link.folder.collect: LinkName(link.name)
                for link in links
                if link.folder is not None and link.transport is TransportKind.FOLDER
            },
            {link.peer: LinkName(link.name) for link in links},
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
            )
            for route in outbound
        ]
        return ClaimStage(
            routes=watched,
            shelf=ground.shelf,
            space=ground.space,
            ledger=ground.ledger,
            new_token=lambda: ClaimToken(secrets.token_hex(16)),
            clock=ground.clock,
            ops=ground.ops,
            scan_seconds=timing.scan_every,
        )

    def _pack(self, outbound: Sequence[RouteSettings], keys: NodeKeys, now: float) -> PackStage:
        ground = self._ground
        return PackStage(
            routes={RouteName(route.name): self._route(route, keys, now) for route in outbound},
            ledger=ground.ledger,
            recorder=self._recorder,
            spool=ground.spool,
            shelf=ground.shelf,
            lanes=self._lanes(Stage.PACK, PackStage.name),
            keys=keys,
            telling=self._telling,
            clock=ground.clock,
            ops=ground.ops,
            sealed_before=ground.sealed_before,
        )

    def _route(self, route: RouteSettings, keys: NodeKeys, now: float) -> routes.OutboundRoute:
        receivers = {}
        for code, unit in route.receivers.items():
            link = self._settings.link_to(unit)
            if link is None:
                continue  # settings complain of a receiver without a link before we get here
            public, lacking = None, ""
            try:
                public = self._peers.recipient_keys(unit, now, [keys.suite])
            except GatewayError as error:
                lacking = error.code
                self._ground.ops.error("recipient-without-keys", unit=unit, code=error.code)
            receivers[code] = routes.Recipient(unit, LinkName(link.name), public, lacking)
        return routes.OutboundRoute(
            RouteName(route.name), route.folder, route.packer, receivers, frozenset(route.flows), int(route.expires)
        )

    def _open(self, keys: NodeKeys) -> OpenStage:
        ground = self._ground
        inbound = [
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
        return OpenStage(
            unit=self._settings.node.unit,
            routes=inbound,
            ledger=ground.ledger,
            recorder=self._recorder,
            spool=ground.spool,
            journal=ground.journal,
            quarantine=self._quarantine,
            lanes=self._lanes(Stage.OPEN, OpenStage.name),
            keys=(keys, *(other for other in self._keyring.node_keys() if other is not keys)),
            size_limit=self._settings.limits.bundle,
            refuse_unasked=self._settings.limits.refuse_unasked,
            skew=SkewLimits(self._settings.timing.clock_skew_warn, self._settings.timing.clock_skew_hold),
            peers=self._peers,
            clock=ground.clock,
            ops=ground.ops,
        )

    def _decide(self, keys: NodeKeys) -> DecideStage:
        ground = self._ground
        return DecideStage(
            ledger=ground.ledger,
            spool=ground.spool,
            quarantine=ground.quarantine,
            intakes=self._intakes,
            pen=ReceiptPen(self._settings.node.unit, keys),
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
            aside_seconds=self._settings.timing.keep_quarantine,
            every_seconds=RETAIN_EVERY,
        )

    # -- links --------------------------------------------------------------------------------------------------------

    def _legs_or_none(self, link: LinkSettings) -> tuple[Worker, ...]:
        """Return the link's workers; none if this one link cannot work, which must not keep the others from working."""
        try:
            return self._legs(link)
        except GatewayError as error:
            self._gates.one(Scope.LINK, link.name).failed(error)
            return ()

    def _legs(self, link: LinkSettings) -> tuple[Worker, Worker]:
        ground, timing = self._ground, self._settings.timing
        name = LinkName(link.name)
        out_gate, back_gate = self._gates.of_link(link)
        transports = Transports(self._settings, self._keyring, self._peers, ground.clock)
        out, back = transports.to(link), transports.to(link)
        own_key = {keys.sign_key_id: keys.public for keys in self._keyring.node_keys()}.get
        acknowledge = AcknowledgeStage(
            link=name,
            unit=self._settings.node.unit,
            ledger=ground.ledger,
            spool=ground.spool,
            transport=out,
            gate=out_gate,
            recorder=self._recorder,
            clock=ground.clock,
        )
        resync = ResyncStage(
            link=name,
            unit=self._settings.node.unit,
            peer=link.peer,
            ledger=ground.ledger,
            spool=ground.spool,
            transport=out,
            gate=out_gate,
            keys=self._keyring.signing_keys(ground.clock.now()),
            clock=ground.clock,
            ops=ground.ops,
            every=timing.resync_every,
            patience=timing.gap_patience,
        )
        send = SendStage(
            link=name,
            peer=link.peer,
            ledger=ground.ledger,
            spool=ground.spool,
            transport=out,
            gate=out_gate,
            recorder=self._recorder,
            watching=self._watching(),
            clock=ground.clock,
            receipt_seconds=link.receipt_timeout or timing.receipt_timeout,
        )
        intake = self._intakes[name] = ReceiptIntake(
            link=name,
            unit=self._settings.node.unit,
            own_key=own_key,
            ledger=ground.ledger,
            spool=ground.spool,
            peers=self._peers,
            telling=self._telling,
            ops=ground.ops,
        )
        receive = ReceiveStage(
            link=name,
            ledger=ground.ledger,
            spool=ground.spool,
            space=ground.space,
            transport=back,
            intake=intake,
            inventories=InventoryIntake(
                link=name,
                unit=self._settings.node.unit,
                own_key=own_key,
                peer=link.peer,
                ledger=ground.ledger,
                peers=self._peers,
                standstill=ground.standstill,
                ring=lambda: ground.bells.ring(out_leg(name)),
                ops=ground.ops,
            ),
            quarantine=self._quarantine,
            gate=back_gate,
            recorder=self._recorder,
            watching=self._watching(),
            clock=ground.clock,
            ops=ground.ops,
            poll_seconds=link.poll_every or timing.poll_every,
        )
        return OutLeg(name, acknowledge, resync, send, out), InLeg(name, receive, back)

    # -- small parts --------------------------------------------------------------------------------------------------

    def _lanes(self, stage: Stage, worker: str) -> Lanes[R]:
        ground = self._ground
        return Lanes(
            stage,
            crew=ground.crew,
            width=self._settings.workers.processes,
            bulk=self._bulk,
            watching=self._watching(),
            clock=ground.clock,
            ring=lambda: ground.bells.ring(worker),
        )

    def _watching(self) -> Watching:
        """Show transfers on the board; while the node is being stopped, cut them off instead."""
        board, is_stopping = self._ground.board, self._ground.is_stopping

        @contextmanager
        def watching(transfer: Transfer, stage: Stage, total: int) -> Iterator[Progress]:
            with board.track(transfer.id, stage, total) as shown:

                def progress(done: int) -> None:
                    if is_stopping():
                        raise TransientError(STOPPING, "the node is being stopped", scope=Scope.NODE)
                    shown(done)

                yield progress

        return watching
