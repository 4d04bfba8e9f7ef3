"""Takes in enquiries after streams and answers them, takes in statements, and receipts that were given back to us."""

from collections.abc import Callable

from gateway.bundle.keys import NodeKeys
from gateway.bundle.names import Kind, inventory_id
from gateway.bundle.receipt import join_receipts
from gateway.bundle.statement import sign_paper, statement_key_id, verify_paper
from gateway.domain.clock import Clock
from gateway.domain.errors import SecurityError
from gateway.domain.ids import LinkName, UnitCode
from gateway.domain.oplog import OpsLog
from gateway.domain.statements import Enquiry, Question, Returned, Statement
from gateway.ledger.store import Ledger
from gateway.roster.directory import Directory
from gateway.roster.peers import Standing
from gateway.stages.courier import Courier
from gateway.stages.custody import Custody


class StatementIntake:
    """Applies the papers under the ending of statements that come by one link."""

    def __init__(
        self,
        *,
        link: LinkName,
        unit: UnitCode,
        peer: UnitCode,
        keys: NodeKeys,
        ledger: Ledger,
        directory: Directory,
        courier: Courier,
        custody: Custody,
        take_receipts: Callable[[bytes], object],
        ring: Callable[[str], None],
        round_worker: str,
        out_leg: Callable[[UnitCode], str | None],
        clock: Clock,
        ops: OpsLog,
    ) -> None:
        """peer: the unit at the other end.     take_receipts: applies a receipt file.     ring: wakes a worker by name.
        round_worker: the one that waits for statements.     out_leg: the one that carries things to a unit."""
        self._link = link
        self._unit = unit
        self._peer = peer
        self._keys = keys
        self._ledger = ledger
        self._directory = directory
        self._courier = courier
        self._custody = custody
        self._take_receipts = take_receipts
        self._ring = ring
        self._round_worker = round_worker
        self._out_leg = out_leg
        self._clock = clock
        self._ops = ops

    def take(self, raw: bytes) -> None:
        """Apply one paper; may be repeated.

        Raises what `verify_paper` raises, SecurityError `revoked-sender`, `statement-misdirected`: then nothing was
        done.
        """
        signer = self._directory.signer_of(statement_key_id(raw))
        if signer is not None and signer.standing is Standing.REVOKED:
            raise SecurityError("revoked-sender", "the key that signed the statement was revoked")
        issuer = self._peer if signer is None else signer.unit
        paper = verify_paper(raw, lambda _key_id: None if signer is None else signer.public, issuer)
        if paper.to != self._unit and self._courier.relays and paper.issuer != self._unit:
            self._courier.pass_on(raw, Kind.STATEMENT, to=paper.to, came_by=self._link)
            return
        if paper.to != self._unit or not (issuer == self._peer or self._directory.is_hub(self._peer)):
            raise SecurityError("statement-misdirected", f"a paper of {paper.issuer} to {paper.to}")
        match paper:
            case Enquiry():
                self._answer(paper, raw)
            case Statement():
                self._hear(paper, raw)
            case Returned():
                self._take_receipts(join_receipts(list(paper.receipts)))

    def _answer(self, enquiry: Enquiry, raw: bytes) -> None:
        allowed = [one for one in enquiry.streams if self._may_ask(enquiry.issuer, one)]
        if len(allowed) < len(enquiry.streams):
            refused = len(enquiry.streams) - len(allowed)
            self._ops.warn("enquiry-not-permitted", peer=enquiry.issuer, streams=refused)
        gone = self._custody.look(allowed) if self._courier.relays else 0
        again = self._ledger.reconciling.receipt_again([one for one in allowed if one.origin == enquiry.issuer])
        statement = Statement(
            issuer=self._unit,
            to=enquiry.issuer,
            issued_at=int(self._clock.now()),
            epoch=self._ledger.epoch,
            answers=inventory_id(raw),
            streams=self._ledger.reconciling.tallies(allowed),
            in_hand=self._ledger.reconciling.in_hand(self._link) if enquiry.issuer == self._peer else (),
        )
        body = sign_paper(statement, self._keys)
        is_sent = self._courier.send(body, Kind.STATEMENT, to=enquiry.issuer)
        self._ops.info(
            "statement-sent" if is_sent else "statement-undeliverable",
            to=enquiry.issuer,
            streams=len(statement.streams),
            receipts=again,
            size=len(body),
            gone=gone,
        )

    def _may_ask(self, issuer: UnitCode, question: Question) -> bool:
        """Whether a unit may hear of a stream: its two ends may, and the hubs, which carry it anyway."""
        is_party = issuer in (question.origin, question.recipient) or self._directory.is_hub(issuer)
        return is_party and (question.recipient == self._unit or self._courier.relays)

    def _hear(self, statement: Statement, raw: bytes) -> None:
        lost = self._ledger.reconciling.hear(statement, raw, self._link)
        if lost is None:
            self._ops.info("statement-unasked", peer=statement.issuer)
            return
        if lost:
            self._ops.warn("hub-lost-bundles", hub=statement.issuer, link=self._link, count=lost)
            leg = self._out_leg(statement.issuer)
            if leg is not None:
                self._ring(leg)
        self._ring(self._round_worker)
