"""Builds the two workers of each link: what leaves by it, and what arrives."""

from collections.abc import Sequence
from contextlib import suppress

from gateway.bundle.names import Kind, paper_name
from gateway.bundle.receipt import FILE_MAX as RECEIPTS_FILE_MAX
from gateway.compose.gates import Gates
from gateway.compose.ground import Ground, cut_off, watching
from gateway.compose.identity import Identity, roster_store
from gateway.compose.links import Transports
from gateway.compose.pacing import carrying, paced
from gateway.compose.reconciling import Comparing
from gateway.compose.relaying import custody_of
from gateway.daemon.worker import Worker
from gateway.domain.errors import GatewayError, Scope
from gateway.domain.ids import LinkName
from gateway.domain.records import Stage
from gateway.roster.file import FILE_MAX as ROSTER_FILE_MAX
from gateway.roster.told import Told
from gateway.settings.links import LinkSettings
from gateway.stages.acknowledge import AcknowledgeStage
from gateway.stages.bulk import BulkLane
from gateway.stages.convoying import Convoying
from gateway.stages.forerunner import Forerunner
from gateway.stages.headstart import HeadStarts
from gateway.stages.intake import ReceiptIntake
from gateway.stages.legs import InLeg, Leg, OutLeg, in_leg, out_leg
from gateway.stages.papers import Paper, PaperDesk
from gateway.stages.post import PostStage
from gateway.stages.precedence import PaperTransport, Precedence
from gateway.stages.receive import ReceiveStage
from gateway.stages.recording import Recorder
from gateway.stages.rosters import RosterIntake, RosterStage
from gateway.stages.send import SendStage
from gateway.stages.suspects import QuarantineDesk
from gateway.stages.telling import SourceTelling
from gateway.stages.unheard import UnheardStage
from gateway.stages.unloading import Unloading
from gateway.transport.api import Transport, sending_ahead


class LinkLegs:
    """Makes legs that share one recorder, one quarantine, one way to tell the sources, and the node's gates."""

    def __init__(
        self,
        identity: Identity,
        ground: Ground,
        *,
        gates: Gates,
        recorder: Recorder,
        quarantine: QuarantineDesk,
        telling: SourceTelling,
        comparing: Comparing,
    ) -> None:
        self._settings = identity.settings
        self._keyring = identity.keyring
        self._directory = identity.directory
        self._store = roster_store(identity.settings)
        trusted = identity.directory.trusted
        # Once for all links: it is the digest of a file of megabytes.
        self._roster_name = None if trusted is None else paper_name(trusted.raw, Kind.ROSTER)
        self._transports = Transports(self._settings, self._keyring, self._directory, ground.clock)
        self._ground = ground
        self._gates = gates
        self._recorder = recorder
        self._quarantine = quarantine
        self._telling = telling
        self._comparing = comparing
        # Once for all links: a public key is checked when it is made, and the table of orders has a row for each route.
        self._own_key = {keys.sign_key_id: keys.public for keys in identity.keyring.node_keys()}.get
        self._orders = identity.settings.orders
        self.intakes: dict[LinkName, ReceiptIntake] = {}
        """What takes in the receipts of each link, for receipts that a person wants looked at again."""

        self.head_starts: dict[LinkName, HeadStarts] = {}
        """Where what is still being sealed may begin to leave, by link."""

    def of(self, links: Sequence[LinkSettings]) -> list[Worker]:
        """Return the workers of `links`; one that cannot work has none."""
        legs = {link.name: self._legs_or_none(link) for link in links}
        with suppress(GatewayError):  # whoever uses a mailbox asks again
            self._transports.keep_mailboxes()
        return [worker for its in legs.values() for worker in its]

    def _legs_or_none(self, link: LinkSettings) -> tuple[Worker, ...]:
        """Return the link's workers; none if this one link cannot work, which must not keep the others from working."""
        try:
            return self._legs(link)
        except GatewayError as error:
            self._gates.one(Scope.LINK, link.name).failed(error)
            return ()

    def _legs(self, link: LinkSettings) -> tuple[Worker, ...]:
        ground, timing = self._ground, self._settings.timing
        name = LinkName(link.name)
        out_gate, back_gate = self._gates.of_link(link)
        out, back = (paced(self._transports.to(link), link, ground.clock, ground.is_stopping) for _leg in range(2))
        # Both directions share the line.
        precedence = Precedence()
        papers_out = PaperTransport(out, precedence)
        acknowledge = AcknowledgeStage(
            link=name,
            unit=self._settings.node.unit,
            ledger=ground.ledger,
            spool=ground.spool,
            transport=papers_out,
            gate=out_gate,
            recorder=self._recorder,
            relays=self._settings.relay.enabled,
            clock=ground.clock,
        )
        comparing = self._comparing.legs(link, papers_out, out_gate)
        bulk = self._bulk(Stage.SEND, link, precedence, out_leg(name))
        carried = carrying(link, timing)
        send = SendStage(
            link=name,
            ledger=ground.ledger,
            spool=ground.spool,
            transport=out,
            gate=out_gate,
            precedence=precedence,
            bulk=bulk,
            recorder=self._recorder,
            watching=watching(self._ground),
            clock=ground.clock,
            carrying=carried,
            convoying=Convoying(name, ground.spool, out, ground.clock, carried.convoy),
            orders=self._orders,
            forerunner=self._forerunner(link, out, bulk),
            hears=link.hears,
        )
        intake = self.intakes[name] = ReceiptIntake(
            link=name,
            unit=self._settings.node.unit,
            own_key=self._own_key,
            ledger=ground.ledger,
            spool=ground.spool,
            directory=self._directory,
            telling=self._telling,
            clocks=ground.clocks,
            skew_warn=timing.clock_skew_warn,
            custody_seconds=timing.custody_timeout,
            clock=ground.clock,
            ops=ground.ops,
        )
        told = Told(self._store.folder)
        rosters = RosterIntake(
            link=name,
            store=self._store,
            told=told,
            ring=lambda: ground.bells.ring(out_leg(name)),
            clock=ground.clock,
            ops=ground.ops,
        )
        lacks = custody_of(ground, self._recorder).lacks
        receive = ReceiveStage(
            link=name,
            ledger=ground.ledger,
            spool=ground.spool,
            shortage=ground.shortage,
            transport=back,
            papers={
                Kind.RECEIPTS: Paper(RECEIPTS_FILE_MAX, intake.take, "receipt", "receipt-file-too-large"),
                **self._comparing.papers(link, intake.take),
                Kind.ROSTER: Paper(ROSTER_FILE_MAX, rosters.take, "roster", "roster-too-large"),
            },
            unloading=Unloading(
                link=name,
                ledger=ground.ledger,
                spool=ground.spool,
                quarantine=self._quarantine,
                lacks=lacks,
                clock=ground.clock,
                ops=ground.ops,
            ),
            desk=PaperDesk(
                link=name,
                spool=ground.spool,
                space=ground.shortage.space,
                transport=back,
                quarantine=self._quarantine,
                precedence=precedence,
                progress=cut_off(ground),
                ops=ground.ops,
            ),
            lacks=lacks,
            gate=back_gate,
            precedence=precedence,
            bulk=self._bulk(Stage.RECEIVE, link, precedence, in_leg(name)),
            recorder=self._recorder,
            watching=watching(self._ground),
            clock=ground.clock,
            ops=ground.ops,
            poll_seconds=link.poll_every or timing.poll_every,
        )
        post = PostStage(link=name, outbox=ground.outbox, transport=papers_out, gate=out_gate, ops=ground.ops)
        roster = RosterStage(
            link=name,
            trusted=self._directory.trusted,
            name=self._roster_name,
            store=self._store,
            told=told,
            transport=papers_out,
            gate=out_gate,
            ops=ground.ops,
        )
        # A receipt is small and somebody waits for it; bundles come last.
        outward: tuple[Leg, ...] = (acknowledge, *comparing, post, roster, send)
        if not link.sends:
            outward = (self._unheard(name),)
        return OutLeg(name, outward, out), *((InLeg(name, receive, back),) if link.hears else ())

    def _unheard(self, link: LinkName) -> UnheardStage:
        ground = self._ground
        return UnheardStage(
            link=link, ledger=ground.ledger, outbox=ground.outbox, recorder=self._recorder, clock=ground.clock
        )

    def _forerunner(self, link: LinkSettings, out: Transport, bulk: BulkLane) -> Forerunner | None:
        """Return what carries bundles while they are sealed; None unless we call the peer's SFTP server for it."""
        if link.sftp is None or not link.calls_to_deposit or not link.sends:
            return None
        ground, name = self._ground, LinkName(link.name)
        starts = self.head_starts[name] = HeadStarts(lambda: ground.bells.ring(out_leg(name)), ground.clock)
        return Forerunner(
            starts,
            transport=sending_ahead(out),
            bulk=bulk,
            carrying=carrying(link, self._settings.timing),
            ops=ground.ops,
        )

    def _bulk(self, stage: Stage, link: LinkSettings, precedence: Precedence, worker: str) -> BulkLane:
        ground = self._ground
        return BulkLane(
            stage,
            porters=ground.porters,
            precedence=precedence,
            watching=watching(ground),
            pausing=lambda transfer, stage: ground.board.pausing(transfer.id, stage),
            # One place is always that of the small ones.
            places=max(1, link.max_parallel - 1),
            clock=ground.clock,
            ring=lambda: ground.bells.ring(worker),
        )
