"""What the ledger remembers about resync: this node's lives, what each peer has said, and what a restore has undone."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

from sqlalchemy import Connection, Select, delete, insert, select, update

from gateway.domain.errors import Scope, SecurityError
from gateway.domain.holdings import LIVES_MAX, Inventory, Life
from gateway.domain.ids import LinkName, UnitCode
from gateway.domain.lifecycle import Direction, Event
from gateway.domain.records import Decision, Facts, ReceiptRecord, Stage, Step, Transfer
from gateway.ledger import changes, decisions, gaps, holdings, rebuilding, streams, talks
from gateway.ledger.change import Change
from gateway.ledger.doors import Doors
from gateway.ledger.prepared import row
from gateway.ledger.schema import asks, lives, node, resyncs
from gateway.ledger.schema import streams as stream_table
from gateway.ledger.talks import PeerWord

if TYPE_CHECKING:
    from gateway.bundle.receipt import Receipt

T = TypeVar("T")

CONFLICT: Final = "identity-conflict"
"""Why a node stands still: another one speaks for this unit, or an older copy of its ledger was put back by hand."""
UNKNOWN_NUMBERS: Final = "numbers-unknown"
"""Why nothing is sent to one peer: by its word, which proves nothing, it holds numbers that we never gave out."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What this node knows of its own past. `restored_at`: seconds since 1970 UTC, None if its ledger never was put
    back; `doubtful`: what was delivered between backup and restore cannot be told; `standstill`: code of why nothing
    goes on."""

    restored_at: float | None
    doubtful: bool
    standstill: str | None


@dataclass(frozen=True, slots=True)
class Heard:
    """What a peer's inventory led to: receipts to be sent again, bundles to be sent again, and whether it answered."""

    receipts: int = 0
    bundles: int = 0
    is_answer: bool = False
    halted: str = ""
    """Why nothing is sent to the peer any more, if that was found just now."""


class ResyncBook:
    """The part of the ledger that serves resync. Errors and threads as the ledger's own methods."""

    def __init__(self, doors: Doors, unit: UnitCode, epoch: int) -> None:
        self._doors = doors
        self._unit = unit
        self._epoch = epoch
        self.life = ""
        """The life that this process has begun; empty before."""

    def begin_life(self, life: str) -> None:
        """Record that the node has started: `life` is 32 random hexadecimal digits. Before it speaks to anybody."""
        self._doors.change(lambda change: _note_life(change, self._unit, self._epoch, life))
        self.life = life

    def standing(self) -> Standing:
        """Return what this node knows of its own past."""
        with self._doors.reading() as connection:
            restored_at, doubtful, standstill = row(connection, _standing, {})
        return Standing(restored_at, bool(doubtful), standstill)

    def stand_still(self, code: str) -> None:
        """Record why nothing may go on; a reason that stands already stays."""
        self._doors.change(lambda change: _stand_still(change, code))

    def word(self, peer: UnitCode) -> PeerWord:
        """Return where the talk with `peer` stands."""
        with self._doors.reading() as connection:
            return talks.word(connection, peer)

    def pressing(self) -> list[PeerWord]:
        """Return the talks in which an inventory is wanted, an answer is owed or numbers are missing."""
        with self._doors.reading() as connection:
            return talks.pressing(connection)

    def open_to(self, link: LinkName) -> list[UnitCode]:
        """Return the recipients of what goes by `link` and has no final receipt."""
        with self._doors.reading() as connection:
            return holdings.open_to(connection, link)

    def open_links(self) -> list[LinkName]:
        """Return the links by which something goes that has no final receipt."""
        with self._doors.reading() as connection:
            return holdings.open_links(connection)

    def peers(self) -> list[UnitCode]:
        """Return every unit that there is a stream with, or that we have talked with."""
        with self._doors.reading() as connection:
            return talks.peers(connection)

    def closed_to(self, *, asks_first: bool) -> frozenset[UnitCode]:
        """Return the recipients that nothing may be sent to: those whose talk is halted and, after a restore
        (`asks_first`), those that have not said yet what they have of us."""
        with self._doors.reading() as connection:
            return talks.closed_to(connection, asks_first=asks_first)

    def halted(self) -> list[PeerWord]:
        """Return the talks that have led to nothing being sent any more."""
        with self._doors.reading() as connection:
            return talks.halted(connection)

    def want(self, peer: UnitCode, why: str) -> None:
        """Have an inventory sent to `peer` soon; a wish that is there already stays."""

        def work(change: Change) -> None:
            if talks.word(change.connection, peer).wanted_at is None:
                talks.note(change.connection, peer, wanted_at=change.now, why=why)

        self._doors.change(work)

    def asked(self, peer: UnitCode, ask: str) -> None:
        """Record that an inventory named `ask` is being sent that asks for an answer."""
        self._doors.change(lambda change: talks.ask(change.connection, peer, ask, change.now))

    def sent(self, peer: UnitCode, *, asked: bool, answered: str) -> None:
        """Record that an inventory has reached the mailbox.

        asked: a wish for one is fulfilled by it; answered: the name of the peer's that it answers, else empty.
        """

        def work(change: Change) -> None:
            facts: dict[str, Any] = {"wanted_at": None} if asked else {}
            if answered and talks.word(change.connection, peer).owed == answered:
                facts["owed"] = ""
            talks.note(change.connection, peer, **facts)
            # What was looked through for this inventory need not be for the next.
            gaps.look_through(change.connection, peer)

        self._doors.change(work)

    def gap_looked_at(self, peer: UnitCode, *, since: float | None) -> None:
        """Record that the gaps of the peer's streams were asked for, and since when they count anew; None: closed."""
        self._doors.change(lambda change: talks.note(change.connection, peer, gap_since=since))

    def inventory(
        self, peer: UnitCode, link: LinkName, *, token: bytes, issued_at: float, asks: bool, answers: str
    ) -> Inventory:
        """Return what this node has to state to `peer`, of one moment of the ledger; `token` is that of our life."""
        with self._doors.reading() as connection:
            return Inventory(
                issuer=self._unit,
                to=peer,
                issued_at=int(issued_at),
                epoch=self._epoch,
                life=self.life,
                token=token,
                asks=asks,
                answers=answers,
                heard=_tokens_of(connection, peer),
                sent=holdings.sent(connection, peer),
                got=holdings.got(connection, peer),
                pending=holdings.pending(connection, peer, link),
            )

    def has_gaps(self, peer: UnitCode) -> bool:
        """Whether numbers of the peer's streams are missing below one that arrived."""
        with self._doors.reading() as connection:
            return any(one.lacking for one in holdings.got(connection, peer))

    def receipts_to_return(self, peer: UnitCode, theirs: Inventory) -> list[bytes]:
        """Return the receipts by `peer` that it has lost itself, at most so many as one commit takes."""
        with self._doors.reading() as connection:
            return holdings.receipts_to_return(connection, peer, theirs.got)

    def hear(
        self,
        theirs: Inventory,
        raw: bytes,
        name: str,
        ours: Sequence[Life],
        *,
        links: Collection[LinkName],
        is_neighbour: bool = True,
    ) -> Heard:
        """Take in a verified inventory: what it lacks is owed again, what it knows of us is compared.

        raw: as it was signed; name: by which an answer names it. links: those in use; by others nothing can be
        receipted. is_neighbour: no hub stands between us; what the
        peer lacks may else be on its way, and the hub's statement says what is lost.
        ours: the lives of ours that it repeats, each proven by our own signature. May be repeated.
        Raises SecurityError `identity-conflict` (scope node) if one of them is of our present epoch and this ledger
        does not know it: then the standstill is on record, and nothing else was done.
        """
        with self._doors.reading() as connection:
            known = _lives_of(connection, self._unit, self._epoch)
        if any(one.epoch == self._epoch and one.life not in known for one in ours):
            self.stand_still(CONFLICT)
            detail = f"{theirs.issuer} has heard another node sign with our keys"
            raise SecurityError(CONFLICT, detail, scope=Scope.NODE, facts={"unit": theirs.issuer})
        return self._doors.change(lambda change: _hear(change, theirs, raw, name, links, is_neighbour=is_neighbour))

    def doubtful_up_to(self, peer: UnitCode, epoch: int) -> int:
        """Return the last number of a stream of which it is not known whether it was delivered before the restore."""
        with self._doors.reading() as connection:
            c = stream_table.c
            query = select(c.doubtful).where(c.peer == peer, c.direction == Direction.INBOUND, c.epoch == epoch)
            return connection.execute(query).scalar() or 0

    def rebuild(self, receipt: "Receipt", raw: bytes, link: LinkName) -> Transfer | None:
        """Make the record of a transfer that a restore has forgotten from its receipt; None if nothing was to be made.

        receipt: verified; by a peer about a bundle of ours, or by ourselves about one of a peer. May be repeated.
        """
        record = ReceiptRecord(
            receipt.bundle_id, receipt.header_hash, receipt.code, receipt.issuer, float(receipt.issued_at), raw
        )
        return self._doors.change(lambda change: rebuilding.rebuild(change, receipt, record, link))

    def renew_epoch(self, epoch: int, wanted: Decision, *, doubtful: bool = False) -> None:
        """Begin a new epoch: the standstill ends, and every peer is asked before anything is sent.

        For a ledger that no daemon uses. wanted: who decided it and why; doubtful: what was delivered since the backup
        cannot be told.
        """

        def work(change: Change) -> None:
            facts = {"epoch": epoch, "restored_at": change.now, "standstill": None}
            change.connection.execute(update(node).values({**facts, "doubtful": 1} if doubtful else facts))
            change.connection.execute(delete(resyncs))
            change.connection.execute(delete(asks))
            decisions.decide(change, wanted, done=True)

        self._doors.change(work)


def _standing() -> Select[Any]:
    return select(node.c.restored_at, node.c.doubtful, node.c.standstill)


def _hear(
    change: Change, theirs: Inventory, raw: bytes, name: str, links: Collection[LinkName], *, is_neighbour: bool
) -> Heard:
    peer = theirs.issuer
    has_started = _note_life(change, peer, theirs.epoch, theirs.life, theirs.token)
    word = talks.word(change.connection, peer)
    asked_at = talks.answered(change.connection, peer, theirs.answers)
    is_answer = asked_at is not None
    facts: dict[str, Any] = {"theirs": raw}
    halted = UNKNOWN_NUMBERS if not word.halted and _knows_more(change, theirs) else ""
    if halted:
        facts["halted"] = halted
    if theirs.asks:
        facts["owed"] = name
    if has_started and word.wanted_at is None and (word.heard_at or 0.0) >= (word.asked_at or 0.0):
        # Whatever it lost with its disk, only its answer to a question of ours brings to light.
        facts |= {"wanted_at": change.now, "why": "peer-started"}
    if is_answer:
        facts["heard_at"] = change.now
        if word.heard_at is None:
            _doubt(change, theirs)
    talks.note(change.connection, peer, **facts)
    owed = holdings.to_be_receipted_again(change.connection, peer, theirs.sent)
    again = [one for one in owed if one.link in links]
    note = Facts(note="the sender has no receipt")
    changes.advance(change, [Step(one, Event.RECEIPT_ASKED, Stage.RESYNC, note) for one in again])
    lost: list[Transfer] = []
    if is_neighbour:
        lost = holdings.lost_on_the_way(change.connection, peer, theirs.got, theirs.pending, asked_at)
    for transfer in lost:
        changes.send_again(change, transfer)
    return Heard(len(again), len(lost), is_answer, halted)


def _doubt(change: Change, theirs: Inventory) -> None:
    """After a restore that lost the journal of deliveries too: whatever the peer had sent may have been delivered."""
    if not change.connection.execute(select(node.c.doubtful)).scalar():
        return
    for one in theirs.sent:
        streams.doubt(change.connection, theirs.issuer, one.epoch, one.last)


def _stand_still(change: Change, code: str) -> None:
    change.connection.execute(update(node).where(node.c.standstill.is_(None)).values(standstill=code))


def _knows_more(change: Change, theirs: Inventory) -> bool:
    given = streams.last(change.connection, theirs.issuer, Direction.OUTBOUND, change.epoch)
    return any(one.epoch == change.epoch and one.last > given for one in theirs.got)


def _note_life(change: Change, unit: UnitCode, epoch: int, life: str, token: bytes | None = None) -> bool:
    """Record that a life was heard now; return whether it was new."""
    c = lives.c
    its = (c.unit == unit, c.epoch == epoch, c.life == life)
    if change.connection.execute(update(lives).where(*its).values(at=change.now, token=token)).rowcount:
        return False
    born = {"unit": unit, "epoch": epoch, "life": life, "at": change.now, "token": token}
    change.connection.execute(insert(lives), born)
    return True


def _lives_of(connection: Connection, unit: UnitCode, epoch: int) -> set[str]:
    return set(connection.execute(select(lives.c.life).where(lives.c.unit == unit, lives.c.epoch == epoch)).scalars())


def _tokens_of(connection: Connection, peer: UnitCode) -> tuple[bytes, ...]:
    """Return the tokens of the peer's lives that were heard last, in its newest epoch."""
    c = lives.c
    ours = (c.unit == peer, c.token.is_not(None))
    epoch = connection.execute(select(c.epoch).where(*ours).order_by(c.id.desc()).limit(1)).scalar()
    query = select(c.token).where(*ours, c.epoch == epoch).order_by(c.at.desc(), c.id.desc()).limit(LIVES_MAX)
    return tuple(connection.execute(query).scalars())
