"""Writes down what was asked and what was answered, inside the commit that seals or delivers it: so that any order of
arrival ends in the same ties."""

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, Delete, Insert, Select, Update, delete, func, insert, select, update

from gateway.domain.answers import RANK, STRANGER, WHOLE, By, Fit, Kind, Outcome, Word
from gateway.domain.ids import TransferId, UnitCode
from gateway.domain.lifecycle import Direction
from gateway.domain.matter import Matter
from gateway.domain.records import Transfer
from gateway.ledger.answer_finding import Seeker, find, latest, marks_of
from gateway.ledger.change import adding
from gateway.ledger.prepared import listed, param, row, rows, rows_among, value, write
from gateway.ledger.rows import fetch, storable
from gateway.ledger.schema import transfers
from gateway.ledger.schema_answers import answers, asked, reply_words, seeker_marks, seekers, withdrawals
from gateway.ledger.schema_matters import matter_persons, matters
from gateway.standard.answering import WITHDRAWAL
from gateway.standard.matter import from_bytes, to_bytes


def concerns(matter: Matter) -> bool:
    """Whether a bundle with this in it asks, answers or takes back anything."""
    return not matter.copy and bool(matter.request or matter.awaits or matter.flow == WITHDRAWAL)


def settle(connection: Connection, now: float, transfer: Transfer, matter: Matter) -> list[TransferId]:
    """Record `transfer`, just sealed or delivered, as a request, a reply or a withdrawal; return the replies that
    waited for it. May be repeated."""
    peer = peer_of(transfer)
    if peer is None or matter.copy:
        return []
    woken: list[TransferId] = []
    if matter.flow == WITHDRAWAL and matter.related:
        _withdraw(connection, transfer, peer, matter.related.removesuffix(".cfb").lower())
    if matter.request:
        _reply(connection, now, transfer, peer, matter)
        again(connection, now, *_corrections(connection, transfer.id))
    if matter.awaits:
        woken = _request(connection, now, transfer, peer, matter)
    return woken


def seek(
    connection: Connection, now: float, transfer: Transfer, peer: UnitCode, matter: Matter, *, waits: bool
) -> None:
    """Have the reply `transfer` looked for whenever a request comes that bears a mark of it."""
    known = connection.execute(select(seekers.c.since).where(seekers.c.transfer_id == transfer.id)).scalar()
    forget(connection, transfer.id)
    values = {
        "transfer_id": transfer.id,
        "direction": transfer.direction,
        "peer": peer,
        "request": matter.request,
        "waits": int(waits),
        "since": now if known is None else known,
        "raw": to_bytes(matter),
    }
    connection.execute(insert(seekers), values)
    marks = sorted(marks_of(matter, [matter.related.removesuffix(".cfb").lower()]))
    if marks:
        connection.execute(insert(seeker_marks), [{"mark": storable(m), "transfer_id": transfer.id} for m in marks])


def forget(connection: Connection, transfer: TransferId) -> None:
    """Look for the request of `transfer` no more."""
    write(connection, _no_marks, {"transfer": transfer})
    write(connection, _no_seeker, {"transfer": transfer})


def seeker(connection: Connection, transfer: Transfer, peer: UnitCode, matter: Matter) -> Seeker:
    """Return the reply `transfer` as it looks for its request: with what it corrects, and what a person said of it."""
    word = row(connection, _said, {"transfer": transfer.id})
    said = TransferId(word[1]) if word is not None and word[0] == Word.TIE and word[1] else None
    if said is not None:
        said = latest(connection, said)
    corrects = _of_bundle(connection, transfer.earlier, transfer.direction, peer)
    return Seeker(matter, peer, transfer.direction, transfer.id, tuple(corrects), said)


# -- requests ---------------------------------------------------------------------------------------------------------


def _request(
    connection: Connection, now: float, transfer: Transfer, peer: UnitCode, matter: Matter
) -> list[TransferId]:
    write(connection, _no_answers_to, {"transfer": transfer.id})
    write(connection, _not_asked, {"transfer": transfer.id})
    later = _corrector(connection, transfer)
    request = {
        "transfer_id": transfer.id,
        "direction": transfer.direction,
        "peer": peer,
        "flow": storable(matter.flow),
        "reply": matter.awaits,
        "per": matter.per,
        "at": now,
        "open": _owed(matter.per, len(matter.persons), {}),
        "withdrawn": _withdrawn(connection, transfer, peer),
        "corrected": later,
    }
    write(connection, _newly_asked, request)
    moved: list[TransferId] = []
    for earlier in _of_bundle(connection, transfer.earlier, transfer.direction, peer):
        connection.execute(update(asked).where(asked.c.transfer_id == earlier).values(corrected=transfer.id))
        moved += _tied_to(connection, earlier)
    if later is not None:
        return []
    marks = marks_of(matter, [transfer.bundle_id or "", transfer.earlier or ""])
    waiting = _found(connection, marks, matter.flow, transfer.direction, peer)
    again(connection, now, *moved, *(one for one, waits in waiting if not waits))
    return [one for one, waits in waiting if waits]


def _found(
    connection: Connection, marks: Iterable[str], flow: str, direction: Direction, peer: UnitCode
) -> list[tuple[TransferId, bool]]:
    its = {"flow": flow, "peer": peer, "direction": direction}
    some = rows_among(connection, _marked, "mark", sorted(marks), its)
    return sorted({TransferId(transfer): bool(waits) for transfer, waits in some}.items())


def _tied_to(connection: Connection, request: TransferId) -> list[TransferId]:
    query = select(answers.c.reply_id).where(answers.c.request_id == request).distinct()
    return [TransferId(one) for one in connection.execute(query).scalars()]


def _withdrawn(connection: Connection, transfer: Transfer, peer: UnitCode) -> TransferId | None:
    """Return the transfer by which the sender of `transfer` has taken it back, None if it has not."""
    its = {"bundle": transfer.bundle_id, "peer": peer, "direction": transfer.direction}
    found = value(connection, _withdrawing, its)
    return None if found is None else TransferId(found)


def _corrector(connection: Connection, transfer: Transfer) -> TransferId | None:
    """Return the transfer that corrects `transfer` and came before it, None if none did."""
    return next(iter(_corrections(connection, transfer.id)), None)


# -- replies ----------------------------------------------------------------------------------------------------------


def _reply(connection: Connection, now: float, transfer: Transfer, peer: UnitCode, matter: Matter) -> None:
    looking = seeker(connection, transfer, peer, matter)
    forget(connection, transfer.id)
    connection.execute(delete(answers).where(answers.c.reply_id == transfer.id))
    _write(connection, now, transfer, matter, find(connection, looking))
    for earlier in looking.corrects:
        _void(connection, earlier, transfer.id)
    by = _corrector(connection, transfer) or _withdrawn(connection, transfer, peer)
    if by is not None:
        _void(connection, transfer.id, by)


def again(connection: Connection, now: float, *replies: TransferId) -> None:
    """Look anew for the requests of replies that have gone, since one has come that may be meant; then for those of
    their corrections, which go where they go."""
    # By pairs, so that a ring of corrections ends, and one is asked again after what it corrects has moved.
    seen: set[tuple[TransferId | None, TransferId]] = set()
    todo: list[tuple[TransferId | None, TransferId]] = [(None, reply) for reply in replies]
    while todo:
        pair = todo.pop(0)
        if pair not in seen:
            seen.add(pair)
            _once_more(connection, now, pair[1])
            todo += [(pair[1], later) for later in _corrections(connection, pair[1])]


def _corrections(connection: Connection, reply: TransferId) -> list[TransferId]:
    """Return what corrects the reply and came before its request, or before it."""
    transfer = fetch(connection, [reply])[reply]
    its = {"bundle": transfer.bundle_id, "direction": transfer.direction, "peer": peer_of(transfer)}
    return [TransferId(one) for (one,) in rows(connection, _correcting, its)]


def _once_more(connection: Connection, now: float, reply: TransferId) -> None:
    transfer = fetch(connection, [reply])[reply]
    raw = connection.execute(select(matters.c.raw).where(matters.c.transfer_id == reply)).scalar()
    peer = peer_of(transfer)
    if raw is None or peer is None:
        return
    first = connection.execute(select(answers.c.at).where(answers.c.reply_id == reply)).scalar()
    before = list(connection.execute(select(answers.c.request_id).where(answers.c.reply_id == reply)).scalars())
    _reply(connection, now if first is None else first, transfer, peer, from_bytes(raw))
    for request in set(before):
        count(connection, TransferId(request))


def _write(connection: Connection, now: float, transfer: Transfer, matter: Matter, fit: Fit) -> None:
    said = {one.position: (one.answer, one.result, one.name, one.day) for one in matter.persons}
    said[WHOLE] = (matter.answer, matter.result, matter.name, matter.day)
    tied = [
        {
            "reply_id": transfer.id,
            "reply_position": tie.reply_position,
            "request_id": tie.request,
            "position": tie.position,
            "by": tie.by,
            "kind": said[tie.reply_position][0],
            "result": storable(said[tie.reply_position][1]),
            "name": storable(said[tie.reply_position][2]),
            "day": storable(said[tie.reply_position][3]),
            "at": now,
            "twice": int(tie in fit.twice),
            "void": None,
        }
        for tie in fit.ties
    ]
    if tied:
        connection.execute(insert(answers), tied)
    for request in {tie.request for tie in fit.ties}:
        count(connection, request)
    # What is tied by less than a number, or not whole, is tied anew when a request comes that fits better.
    is_firm = not (fit.strangers or fit.unclear) and all(tie.by not in (By.PERSON, By.CORRECTION) for tie in fit.ties)
    peer = peer_of(transfer)
    if peer is not None and fit.outcome is not Outcome.UNJUDGED and not (fit.ties and is_firm):
        seek(connection, now, transfer, peer, matter, waits=False)


def _void(connection: Connection, reply: TransferId, by: TransferId) -> None:
    """Let the answers of `reply` count no more; they stay on record."""
    connection.execute(update(answers).where(answers.c.reply_id == reply).values(void=by))
    query = select(answers.c.request_id).where(answers.c.reply_id == reply).distinct()
    for request in list(connection.execute(query).scalars()):
        count(connection, TransferId(request))


def _withdraw(connection: Connection, transfer: Transfer, peer: UnitCode, bundle: str) -> None:
    """Mark what was withdrawn, now or when it comes; nothing is deleted (flow package-withdrawal)."""
    w = withdrawals.c
    connection.execute(delete(withdrawals).where(w.transfer_id == transfer.id))
    values = {"transfer_id": transfer.id, "bundle_id": storable(bundle), "direction": transfer.direction, "peer": peer}
    connection.execute(insert(withdrawals), values)
    for one in _of_bundle(connection, bundle, transfer.direction, peer):
        connection.execute(update(asked).where(asked.c.transfer_id == one).values(withdrawn=transfer.id))
        _void(connection, one, transfer.id)


# -- counting ---------------------------------------------------------------------------------------------------------


def count(connection: Connection, request: TransferId) -> None:
    """Write anew how many answers to `request` are owed."""
    its = {"request": request}
    ranks: dict[int, int] = {}
    for position, kind in rows(connection, _counting, its):
        ranks[position] = max(ranks.get(position, 0), RANK[Kind(kind)])
    per = value(connection, _per, its) or ""
    persons = value(connection, _persons, its)
    write(connection, _open, {**its, "number": _owed(per, persons, ranks)})


def _owed(per: str, persons: int, ranks: dict[int, int]) -> int:
    """Return how many answers are owed; an interim one owes the next, what was sent back is the requester's turn."""
    enough = RANK[Kind.RETURNED]
    if per == "person" and persons > 1:
        return sum(1 for position in range(persons) if ranks.get(position, 0) < enough)
    return 0 if any(rank >= enough for rank in ranks.values()) else 1


def _of_bundle(
    connection: Connection, bundle: str | None, direction: Direction, peer: UnitCode
) -> Sequence[TransferId]:
    if not bundle:
        return []
    its = {"bundle": bundle, "direction": direction, "peer": peer}
    return [TransferId(one) for (one,) in rows(connection, _with_bundle, its)]


def peer_of(transfer: Transfer) -> UnitCode | None:
    """Return the unit at the other end of `transfer`, None while it is not known."""
    return transfer.recipient if transfer.direction is Direction.OUTBOUND else transfer.origin


# -- the statements, see prepared.py -----------------------------------------------------------------------------------


def _no_answers_to() -> Delete:
    return delete(answers).where(answers.c.request_id == param("transfer"))


def _not_asked() -> Delete:
    return delete(asked).where(asked.c.transfer_id == param("transfer"))


def _newly_asked() -> Insert:
    return adding(asked, [column.name for column in asked.c])


def _no_marks() -> Delete:
    return delete(seeker_marks).where(seeker_marks.c.transfer_id == param("transfer"))


def _no_seeker() -> Delete:
    return delete(seekers).where(seekers.c.transfer_id == param("transfer"))


def _said() -> Select[str, int | None]:
    w = reply_words.c
    return select(w.word, w.request_id).where(w.transfer_id == param("transfer"))


def _marked(length: int) -> Select[TransferId, int]:
    s, m = seekers.c, seeker_marks.c
    query = select(s.transfer_id, s.waits).join(seeker_marks, m.transfer_id == s.transfer_id)
    of = (s.request == param("flow"), s.peer == param("peer"), s.direction != param("direction"))
    return query.where(m.mark.in_(listed("mark", length)), *of).distinct()


def _withdrawing() -> Select[TransferId]:
    w = withdrawals.c
    its = (w.bundle_id == param("bundle"), w.peer == param("peer"), w.direction == param("direction"))
    return select(w.transfer_id).where(*its)


def _correcting() -> Select[TransferId]:
    t = transfers.c
    query = select(t.id).join(matters, matters.c.transfer_id == t.id).where(t.earlier == param("bundle"))
    return query.where(t.direction == param("direction"), t.peer == param("peer")).order_by(t.id)


def _with_bundle() -> Select[TransferId]:
    t = transfers.c
    # The sum keeps a database from walking all that was ever exchanged with the peer.
    its = (t.bundle_id == param("bundle"), t.direction == param("direction"), t.peer + "" == param("peer"))
    return select(t.id).where(*its)


def _counting() -> Select[int, str]:
    w = answers.c
    its = (w.request_id == param("request"), w.void.is_(None), w.position != STRANGER)
    return select(w.position, w.kind).where(*its)


def _per() -> Select[str]:
    return select(asked.c.per).where(asked.c.transfer_id == param("request"))


def _persons() -> Select[int]:
    return select(func.count()).where(matter_persons.c.transfer_id == param("request"))


def _open() -> Update:
    return update(asked).where(asked.c.transfer_id == param("request")).values(open=param("number"))
