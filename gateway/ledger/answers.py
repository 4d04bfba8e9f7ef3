"""The part of the ledger that ties business answers to their requests."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Select, delete, exists, func, insert, select

from gateway.domain.answers import (
    RANK,
    STRANGER,
    WHOLE,
    Answer,
    Asked,
    AskedView,
    By,
    Fit,
    Kind,
    ReplyCounts,
    Standing,
    Word,
)
from gateway.domain.errors import GatewayError, PermanentError
from gateway.domain.ids import BundleId, TransferId, UnitCode
from gateway.domain.lifecycle import Direction, State
from gateway.domain.matter import Matter
from gateway.domain.records import Facts, Stage, Transfer, known
from gateway.ledger import answer_rows, changes
from gateway.ledger.answer_finding import find
from gateway.ledger.answer_waking import TIED, record, wake
from gateway.ledger.change import Change
from gateway.ledger.changes import DETAIL_MAX
from gateway.ledger.doors import Doors
from gateway.ledger.prepared import param, value
from gateway.ledger.rows import fetch, storable
from gateway.ledger.schema import transfers
from gateway.ledger.schema_answers import answers, asked, reply_words, seekers
from gateway.ledger.schema_matters import matter_numbers, matter_persons, matters
from gateway.standard.casenumbers import normal_number


class AnswerBook:
    """Errors and threads as the ledger's own methods."""

    def __init__(self, doors: Doors) -> None:
        self._doors = doors

    # The stages' questions and facts

    def fit(self, transfer: Transfer, peer: UnitCode, matter: Matter, corrects: BundleId | None = None) -> Fit:
        """Return what fits the reply `transfer`, which goes to or came from `peer`; nothing is recorded.

        corrects: the bundle whose place it takes.
        """
        with self._doors.reading() as connection:
            its = replace(transfer, earlier=corrects or transfer.earlier)
            return find(connection, answer_rows.seeker(connection, its, peer, matter))

    def knows_case(self, matter: Matter, transfer: TransferId) -> bool:
        """Whether another transfer of ours is about a case that bears a number of `matter`."""
        n = matter_numbers.c
        with self._doors.reading() as connection:
            for scheme, number in matter.numbers:
                its = (n.scheme == scheme, n.number == normal_number(number), n.transfer_id != transfer)
                if connection.execute(select(exists().where(*its))).scalar():
                    return True
        return False

    def said(self, transfer: TransferId) -> Word | None:
        """Return what a person said last about a reply; None if nobody said anything."""
        with self._doors.reading() as connection:
            word = connection.execute(select(reply_words.c.word).where(reply_words.c.transfer_id == transfer)).scalar()
        return None if word is None else Word(word)

    def waits_since(self, transfer: TransferId) -> float | None:
        """Return since when a reply waits for its request (seconds since 1970 UTC); None if it does not."""
        with self._doors.reading() as connection:
            query = select(seekers.c.since).where(seekers.c.transfer_id == transfer, seekers.c.waits == 1)
            return connection.execute(query).scalar()

    def wait(
        self,
        transfer: Transfer,
        peer: UnitCode,
        matter: Matter,
        stage: Stage,
        error: GatewayError,
        *,
        started_at: float,
        retry_at: float | None,
        facts: Facts,
    ) -> Transfer:
        """Record as `Ledger.fail` that a reply waits until `retry_at`, or (None) for a person; a request that bears a
        mark of it lets it go on before."""

        def work(change: Change) -> Transfer:
            now = changes.fail(change, transfer, stage, error, started_at=started_at, retry_at=retry_at, facts=facts)
            answer_rows.seek(change.connection, change.now, now, peer, matter, waits=True)
            return now

        return self._doors.change(work)

    # What people say and ask

    def say(self, transfer: Transfer, word: Word, actor: str, why: str, request: TransferId | None = None) -> None:
        """Record what a person said about a reply; one that waits goes on at once, one that has gone is tied anew.

        Raises PermanentError `reply-not-waiting`, `reply-request-unfit`.
        """

        def work(change: Change) -> None:
            connection = change.connection
            query = select(seekers.c.request).where(seekers.c.transfer_id == transfer.id, seekers.c.waits == 1)
            wanted = connection.execute(query).scalar()
            gone = None
            if wanted is None:
                query = select(matters.c.request).where(matters.c.transfer_id == transfer.id, matters.c.request != "")
                gone = connection.execute(query).scalar()
            if (wanted or gone) is None or (wanted is None and word is not Word.TIE):
                raise _not_waiting(transfer)
            if word is Word.TIE:
                _check_request(connection, transfer, wanted or gone or "", known(request))
            connection.execute(delete(reply_words).where(reply_words.c.transfer_id == transfer.id))
            values = {
                "transfer_id": transfer.id,
                "word": word,
                "request_id": request,
                "actor": storable(actor),
                "why": storable(why)[:DETAIL_MAX],
                "at": change.now,
            }
            connection.execute(insert(reply_words), values)
            if wanted is not None:
                about = f" {request}" if request is not None else ""
                wake(change, [transfer.id], note=f"{word}{about}: {why}", actor=actor)
            else:
                answer_rows.again(connection, change.now, transfer.id)
                record(
                    change, fetch(connection, [transfer.id])[transfer.id], TIED, note=f"{request}: {why}", actor=actor
                )

        self._doors.change(work)

    def of_request(self, transfer: TransferId) -> AskedView | None:
        """Return a request with its answers; None if `transfer` is none that awaits any."""
        with self._doors.reading() as connection:
            if not value(connection, _is_asked, {"transfer": transfer}):
                return None
            row = connection.execute(select(*asked.c).where(asked.c.transfer_id == transfer)).one()
            return _view(connection, _asked(row))

    def requests_of(self, reply: TransferId) -> list[AskedView]:
        """Return the requests that a reply is tied to, each with all of its answers."""
        with self._doors.reading() as connection:
            tied = select(answers.c.request_id).where(answers.c.reply_id == reply).distinct()
            rows = connection.execute(select(*asked.c).where(asked.c.transfer_id.in_(tied)).order_by(asked.c.at))
            return [_view(connection, _asked(row)) for row in rows.all()]

    def open(
        self, *, direction: Direction | None = None, peer: UnitCode | None = None, flow: str = "", limit: int
    ) -> list[AskedView]:
        """Return the requests that still await an answer, the oldest first."""
        query = _open(select(*asked.c))
        for column, wanted in ((asked.c.direction, direction), (asked.c.peer, peer), (asked.c.flow, flow)):
            if wanted:
                query = query.where(column == wanted)
        with self._doors.reading() as connection:
            rows = connection.execute(query.order_by(asked.c.at, asked.c.transfer_id).limit(limit)).all()
            return [_view(connection, _asked(row)) for row in rows]

    def waiting(self, limit: int) -> list[Transfer]:
        """Return the replies that wait for their request, the longest first."""
        query = select(seekers.c.transfer_id).where(seekers.c.waits == 1).order_by(seekers.c.since).limit(limit)
        with self._doors.reading() as connection:
            ids = [TransferId(one) for one in connection.execute(query).scalars()]
            return list(fetch(connection, ids).values())

    def counts(self) -> ReplyCounts:
        """Return how many requests are open, and how many replies wait."""
        with self._doors.reading() as connection:
            query = _open(select(asked.c.direction, func.count())).group_by(asked.c.direction)
            open_: dict[str, int] = {row[0]: row[1] for row in connection.execute(query)}
            waiting = connection.execute(select(func.count()).where(seekers.c.waits == 1)).scalar_one()
        return ReplyCounts(open_.get(Direction.OUTBOUND, 0), open_.get(Direction.INBOUND, 0), waiting)


def _is_asked() -> Select[TransferId]:
    return select(asked.c.transfer_id).where(asked.c.transfer_id == param("transfer"))


def _open(query: Select[Any]) -> Select[Any]:
    t = transfers.alias()
    return (
        query.join(t, t.c.id == asked.c.transfer_id)
        # The sum keeps a database from walking all that was never corrected, which is nearly all that was ever asked.
        .where(asked.c.open > 0, asked.c.withdrawn.is_(None), (asked.c.corrected + 0).is_(None))
        .where(t.c.state != State.REFUSED)
    )


def _check_request(connection: Connection, reply: Transfer, flow: str, request: TransferId) -> None:
    row = connection.execute(select(asked.c.flow, asked.c.direction).where(asked.c.transfer_id == request)).first()
    if row is None or row.flow != flow or row.direction == reply.direction:
        facts: dict[str, str | int] = {"id": request, "flow": flow}
        raise PermanentError("reply-request-unfit", f"transfer {request} is no {flow} that it may answer", facts=facts)


def _not_waiting(transfer: Transfer) -> PermanentError:
    return PermanentError(
        "reply-not-waiting", f"transfer {transfer.id} is no reply that waits", facts={"id": transfer.id}
    )


def _asked(row: Any) -> Asked:
    return Asked(
        TransferId(row.transfer_id),
        Direction(row.direction),
        UnitCode(row.peer),
        row.flow,
        row.reply,
        row.per,
        row.at,
        row.open,
        None if row.withdrawn is None else TransferId(row.withdrawn),
        None if row.corrected is None else TransferId(row.corrected),
    )


def _view(connection: Connection, one: Asked) -> AskedView:
    p, w = matter_persons.c, answers.c
    persons = [
        (row.position, row.shown)
        for row in connection.execute(
            select(p.position, p.shown).where(p.transfer_id == one.transfer).order_by(p.position)
        )
    ]
    query = (
        select(*w, transfers.c.bundle_id, p.shown)
        .join(transfers, transfers.c.id == w.reply_id)
        .outerjoin(matter_persons, (p.transfer_id == w.reply_id) & (p.position == w.reply_position))
        .where(w.request_id == one.transfer)
        .order_by(w.at, w.reply_id, w.reply_position)
    )
    names = dict(persons)
    found = tuple(_answer(row, names.get(row.position) or row.shown or "") for row in connection.execute(query))
    case_no = connection.execute(select(transfers.c.case_no).where(transfers.c.id == one.transfer)).scalar() or ""
    alone = len(persons) < 2
    if not persons or one.per != "person":
        persons = [] if not alone else persons
    standings = [Standing(at, shown, _counting(found, at, alone=alone)) for at, shown in persons]
    if not standings:
        standings = [Standing(WHOLE, "", _counting(found, None, alone=True))]
    return AskedView(one, case_no, tuple(standings), found)


def _counting(found: Sequence[Answer], position: int | None, *, alone: bool) -> Answer | None:
    """Return the answer that counts for a person, or (None) for the request: the strongest, of these the latest."""
    its = [
        one
        for one in found
        if not one.void
        and one.position != STRANGER
        and (position is None or one.position == position or (alone and one.position == WHOLE))
    ]
    return max(its, key=lambda one: (RANK[one.kind], one.day, one.at, one.bundle or ""), default=None)


def _answer(row: Any, shown: str) -> Answer:
    return Answer(
        TransferId(row.reply_id),
        None if row.bundle_id is None else BundleId(row.bundle_id),
        row.position,
        shown,
        By(row.by),
        Kind(row.kind),
        row.result,
        row.name,
        row.day,
        row.at,
        bool(row.twice),
        row.void is not None,
    )
