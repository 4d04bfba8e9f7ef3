"""What the ledger remembers about reconciliation: rounds, who was asked what, and the statements that answered."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, delete, exists, func, insert, select, update

from gateway.domain.holdings import ranges
from gateway.domain.ids import BundleId, LinkName, UnitCode
from gateway.domain.lifecycle import Direction, Event, State
from gateway.domain.reconciling import OwnNumber, Word, is_lost
from gateway.domain.records import Facts, ReceiptCode, Stage, Step, Transfer
from gateway.domain.statements import Fate, Question, Statement, Tally, in_parts
from gateway.ledger import changes, holdings, tallies
from gateway.ledger.change import Change
from gateway.ledger.doors import Doors
from gateway.ledger.rows import fetch, select_transfers, to_transfer
from gateway.ledger.schema import receipts, transfers
from gateway.ledger.schema_rounds import enquiries, rounds

ENQUIRIES_MAX: Final = 16
"""Enquiries outside of a round that are remembered, of each party."""
_ONWARD: Final = (Direction.OUTBOUND, Direction.RELAY)
_DEPOSITED: Final = (State.SENT, State.IN_CUSTODY, State.FORWARDED)


@dataclass(frozen=True, slots=True)
class Round:
    """One reconciliation. Times are seconds since 1970 UTC, None: not yet; wait: seconds that answers are waited for.

    outcome: `balanced`, `differences` or `silent`, empty until it is done.
    """

    id: int
    wanted_at: float
    why: str
    wait: float
    asked_at: float | None
    done_at: float | None
    outcome: str
    differences: int
    silent: int


@dataclass(frozen=True, slots=True)
class Asked:
    """One enquiry of a round. `raw`: the statement that answered it, None so far."""

    party: UnitCode
    at: float
    answered_at: float | None
    raw: bytes | None


@dataclass(frozen=True, slots=True)
class Carried:
    """One stream between others that we carry as a hub: how many of its bundles, and what has become of them."""

    origin: UnitCode
    recipient: UnitCode
    epoch: int
    fates: Mapping[Fate, int]


class ReconcileBook:
    """The part of the ledger that serves reconciliation. Errors and threads as the ledger's own methods."""

    def __init__(self, doors: Doors, unit: UnitCode) -> None:
        self._doors = doors
        self._unit = unit

    # -- stating to others --------------------------------------------------------------------------------------------

    def tallies(self, questions: Sequence[Question]) -> tuple[Tally, ...]:
        """Return what this node knows of the streams that are asked about, of one moment of the ledger."""
        with self._doors.reading() as connection:
            return tallies.tallies(connection, self._unit, questions)

    def in_hand(self, link: LinkName) -> tuple[BundleId, ...]:
        """Return the bundles that came over `link` and have no number on record yet."""
        with self._doors.reading() as connection:
            return tallies.in_hand(connection, link)

    def receipt_again(self, questions: Sequence[Question]) -> int:
        """Owe our receipts once more for what a sender counts as open and we have answered; return for how many. What
        is more than one commit takes is found when it asks again."""

        def work(change: Change) -> int:
            here = [one for one in questions if one.recipient == self._unit]
            found = holdings.answered_and_open(change.connection, here)
            for one in questions:
                if one.recipient != self._unit and len(found) < holdings.AT_ONCE:
                    found += tallies.carried_and_open(change.connection, one, holdings.AT_ONCE - len(found))
            note = Facts(note="the sender has no receipt")
            changes.advance(change, [Step(one, Event.RECEIPT_ASKED, Stage.RESYNC, note) for one in found])
            return len(found)

        return self._doors.change(work)

    # -- our own streams ----------------------------------------------------------------------------------------------

    def own_streams(self) -> list[tuple[UnitCode, int, int]]:
        """Return (recipient, epoch, last number given out) of every stream of ours."""
        with self._doors.reading() as connection:
            return tallies.own_streams(connection)

    def own_numbers(self, recipient: UnitCode, epoch: int, last: int) -> tuple[OwnNumber, ...]:
        """Return each of the newest numbers of a stream of ours with what our record says of it."""
        with self._doors.reading() as connection:
            return tallies.own_numbers(connection, recipient, epoch, last)

    def held_at(self, link: LinkName) -> tuple[Question, ...]:
        """Return what to ask the hub at the other end of `link`: the bundles that it, by its receipts, has of us, and
        no final receipt has come for; of our own streams and of those that we carry."""
        c = holdings.on_link(link, _ONWARD, (State.IN_CUSTODY, State.FORWARDED)).c
        query = select(c.origin, c.recipient, c.epoch, c.sequence).order_by(c.sequence)
        found: dict[tuple[str, str, int], list[int]] = {}
        with self._doors.reading() as connection:
            for origin, recipient, epoch, number in connection.execute(query):
                if number is not None:
                    found.setdefault((origin or self._unit, recipient, epoch), []).append(number)
        questions = (
            Question(UnitCode(origin), UnitCode(recipient), epoch, numbers[0], numbers[-1], ranges(numbers))
            for (origin, recipient, epoch), numbers in found.items()
        )
        return tuple(next(in_parts(questions), ()))

    def send_again(self, lost: Sequence[Transfer]) -> int:
        """Let what was lost on the way be sent again; return how many have not moved on meanwhile."""

        def work(change: Change) -> int:
            now = fetch(change.connection, [one.id for one in lost])
            again = [now[one.id] for one in lost if one.id in now and now[one.id].version == one.version]
            for one in again:
                changes.send_again(change, one)
            return len(again)

        return self._doors.change(work)

    # -- enquiries and answers ----------------------------------------------------------------------------------------

    def asked(self, party: UnitCode, name: str) -> None:
        """Record that an enquiry of no round is being sent. Before it is: the answer may be quick."""

        def work(change: Change) -> None:
            e = enquiries.c
            change.connection.execute(insert(enquiries), {"party": party, "name": name, "at": change.now})
            kept = select(e.id).where(e.party == party, e.round.is_(None)).order_by(e.id.desc())
            stale = (e.party == party, e.round.is_(None), e.id.not_in(kept.limit(ENQUIRIES_MAX)))
            change.connection.execute(delete(enquiries).where(*stale))

        self._doors.change(work)

    def last_asked(self, party: UnitCode) -> float | None:
        """Return when a party was last asked outside of a round; None if never."""
        e = enquiries.c
        with self._doors.reading() as connection:
            query = select(func.max(e.at)).where(e.party == party, e.round.is_(None))
            return connection.execute(query).scalar()

    def hear(self, statement: Statement, raw: bytes, link: LinkName) -> int | None:
        """Take in a verified statement; return how many bundles are sent again because it shows that the hub at the
        other end of `link` has lost them; None if it answers nothing that we asked. May be repeated.
        """

        def work(change: Change) -> int | None:
            e = enquiries.c
            its = (e.party == statement.issuer, e.name == statement.answers)
            asked = change.connection.execute(select(e.at, e.round).where(*its)).first()
            if asked is None:
                return None
            change.connection.execute(update(enquiries).where(*its).values(answered_at=change.now, raw=raw))
            # In a round what was lost is named before it is mended.
            lost = _lost_at(change.connection, statement, link, asked.at) if asked.round is None else []
            for one in lost:
                changes.send_again(change, one)
            return len(lost)

        return self._doors.change(work)

    # -- rounds -------------------------------------------------------------------------------------------------------

    def want(self, why: str, wait: float) -> Round:
        """Have a reconciliation made soon; one that is wanted and not begun yet is returned as it is.

        wait: seconds that the parties' answers are waited for.
        """

        def work(change: Change) -> Round:
            r = rounds.c
            idle = (r.done_at.is_(None), r.asked_at.is_(None), r.why == why)
            ahead = change.connection.execute(select(*r).where(*idle)).first()
            if ahead is not None:
                return Round(**ahead._mapping)
            row = {"wanted_at": change.now, "why": why, "wait": wait}
            empty: dict[str, Any] = {"outcome": "", "differences": 0, "silent": 0}
            made = change.connection.execute(insert(rounds).returning(r.id), row | empty).scalar_one()
            return Round(made, change.now, why, wait, None, None, "", 0, 0)

        return self._doors.change(work)

    def under_way(self) -> Round | None:
        """Return the reconciliation that is wanted or under way, the newest; None if there is none.

        A person who asks does not wait for the night's round; the newer one ends the older with it.
        """
        r = rounds.c
        with self._doors.reading() as connection:
            row = connection.execute(select(*r).where(r.done_at.is_(None)).order_by(r.id.desc()).limit(1)).first()
        return None if row is None else Round(**row._mapping)

    def last_done(self) -> Round | None:
        """Return the reconciliation that ended last; None if there never was one."""
        r = rounds.c
        with self._doors.reading() as connection:
            row = connection.execute(select(*r).where(r.done_at.is_not(None)).order_by(r.id.desc()).limit(1)).first()
        return None if row is None else Round(**row._mapping)

    def get(self, round_id: int) -> Round | None:
        """Return one reconciliation; None if there is no such."""
        with self._doors.reading() as connection:
            row = connection.execute(select(*rounds.c).where(rounds.c.id == round_id)).first()
        return None if row is None else Round(**row._mapping)

    def last_wanted(self, why: str) -> float | None:
        """Return when a reconciliation was last wanted for this reason; None if never."""
        r = rounds.c
        with self._doors.reading() as connection:
            return connection.execute(select(func.max(r.wanted_at)).where(r.why == why)).scalar()

    def begin(self, round_id: int, asks: Sequence[tuple[UnitCode, str]]) -> None:
        """Record that (party, name of the enquiry) are asked from now on. Before they are: an answer may be quick."""

        def work(change: Change) -> None:
            change.connection.execute(update(rounds).where(rounds.c.id == round_id).values(asked_at=change.now))
            if asks:
                rows = [{"round": round_id, "party": party, "name": name, "at": change.now} for party, name in asks]
                change.connection.execute(insert(enquiries), rows)

        self._doors.change(work)

    def answers(self, round_id: int) -> list[Asked]:
        """Return who was asked in a round, and what answered."""
        e = enquiries.c
        with self._doors.reading() as connection:
            rows = connection.execute(
                select(e.party, e.at, e.answered_at, e.raw).where(e.round == round_id).order_by(e.id)
            ).all()
        return [Asked(UnitCode(party), at, answered_at, raw) for party, at, answered_at, raw in rows]

    def finish(self, round_id: int, outcome: str, *, differences: int, silent: int) -> None:
        """Record how a reconciliation ended, and with it those that were begun before; the statements of earlier ones
        are forgotten, their figures are kept."""

        def work(change: Change) -> None:
            ended = {"done_at": change.now, "outcome": outcome, "differences": differences, "silent": silent}
            over = (rounds.c.id <= round_id, rounds.c.done_at.is_(None))
            change.connection.execute(update(rounds).where(*over).values(ended))
            change.connection.execute(delete(enquiries).where(enquiries.c.round < round_id))

        self._doors.change(work)

    def carried(self) -> tuple[Carried, ...]:
        """Return every stream between others that we carry as a hub, and what has become of its bundles."""
        c = transfers.c
        with self._doors.reading() as connection:
            streams = connection.execute(
                select(c.origin, c.recipient, c.epoch)
                .where(c.direction == Direction.RELAY)
                .distinct()
                .order_by(c.origin, c.recipient, c.epoch)
            ).all()
            found = []
            for origin, recipient, epoch in streams:
                counts: Counter[Fate] = Counter()
                for tally in tallies.all_of(connection, self._unit, UnitCode(origin), UnitCode(recipient), epoch):
                    for fate, among in tally.fates:
                        counts[fate] += sum(final - first + 1 for first, final in among)
                found.append(Carried(UnitCode(origin), UnitCode(recipient), epoch, counts))
        return tuple(found)


def _lost_at(connection: Connection, statement: Statement, link: LinkName, asked_at: float) -> list[Transfer]:
    """Return what went by `link`, was signed for by the issuer, and is unknown to it by its own word."""
    c, r = transfers.c, receipts.c
    deposited = holdings.on_link(link, _ONWARD, _DEPOSITED)
    its = (r.transfer_id == c.id, r.issuer == statement.issuer, r.code == ReceiptCode.CUSTODY)
    query = select_transfers().where(c.id.in_(select(deposited.c.id)), exists().where(*its))
    said: dict[tuple[str, str], dict[int, Tally]] = {}
    for tally in statement.streams:
        said.setdefault((tally.origin, tally.recipient), {})[tally.epoch] = tally
    found = []
    for one in map(to_transfer, connection.execute(query.order_by(c.id))):
        word = Word(asked_at, said.get((one.origin or "", one.recipient or ""), {}), frozenset(statement.in_hand))
        if is_lost(word, one.epoch or 0, one.sequence or 0, one.bundle_id, one.changed_at):
            found.append(one)
            if len(found) == holdings.AT_ONCE:
                break
    return found
