"""Which request a reply answers, for each of its persons: asked of the ledger, guessed by nobody."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import Connection, Select, and_, or_, select

from gateway.domain.answers import RANK, STRANGER, WHOLE, By, Fit, Kind, Outcome, Tie
from gateway.domain.ids import TransferId, UnitCode
from gateway.domain.lifecycle import Direction, State
from gateway.domain.matter import Matter, PersonMatter
from gateway.ledger.prepared import parts
from gateway.ledger.schema import transfers
from gateway.ledger.schema_answers import answers, asked
from gateway.ledger.schema_matters import matter_numbers, matter_persons, matters
from gateway.standard.casenumbers import normal_number

CANDIDATES_MAX: Final = 64
"""Requests that one reply is compared with; a case whose number more of them share is a mistake of its source."""
_OTHER: Final = MappingProxyType({Direction.OUTBOUND: Direction.INBOUND, Direction.INBOUND: Direction.OUTBOUND})


@dataclass(frozen=True, slots=True)
class Seeker:
    """A reply that looks for its request. peer: the unit at the other end; transfer: its own, if it has one yet.

    corrects: replies that it takes the place of; said: the request that a person tied it to.
    """

    matter: Matter
    peer: UnitCode
    direction: Direction
    transfer: TransferId | None = None
    corrects: tuple[TransferId, ...] = ()
    said: TransferId | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A request that may be meant. ranks: of each person's answers so far, as in RANK; numbers: scheme -> numbers."""

    transfer: TransferId
    at: float
    withdrawn: bool
    persons: tuple[PersonMatter, ...]
    whole: int
    ranks: dict[int, int]

    def rank(self, position: int) -> int:
        """Return how far the person at `position` is answered; 0: not at all."""
        return max(self.whole, self.ranks.get(position, 0)) if len(self.persons) < 2 else self.ranks.get(position, 0)


def find(connection: Connection, seeker: Seeker) -> Fit:
    """Return what fits `seeker`. Asked anew it says the same as long as nothing was recorded in between."""
    matter = seeker.matter
    persons = [one for one in matter.persons if one.number_key or one.name_key]
    if not (matter.numbers or matter.related or persons) and seeker.said is None:
        return Fit(Outcome.UNJUDGED)
    found, by = _candidates(connection, seeker)
    loose: tuple[TransferId, ...] = ()
    if not found and by is None:
        found, loose = _by_person(connection, seeker)
        by = By.PERSON
    fit = _choose(matter, persons, found, by or By.NUMBER, loose)
    return _settled(connection, seeker, fit, found)


def marks_of(matter: Matter, bundles: Iterable[str]) -> set[str]:
    """Return what a request and its replies have in common: marks to find either by the other."""
    marks = {f"b:{bundle}" for bundle in bundles if bundle}
    marks |= {f"n:{scheme}:{normal_number(number)}" for scheme, number in matter.numbers}
    for one in matter.persons:
        marks |= {f"{kind}:{key}" for kind, key in (("p", one.number_key), ("m", one.name_key)) if key}
    return marks


# -- candidates -------------------------------------------------------------------------------------------------------


def _candidates(connection: Connection, seeker: Seeker) -> tuple[list[Candidate], By | None]:
    """Return the requests that the best evidence names, and which that is; None if there is none but persons."""
    matter = seeker.matter
    if seeker.said is not None:
        return _load(connection, [seeker.said]), By.HAND
    if matter.related:
        query = _asked(seeker).join(transfers, transfers.c.id == asked.c.transfer_id)
        named = _ids(connection, query.where(transfers.c.bundle_id == matter.related.removesuffix(".cfb").lower()))
        if named:
            return _load(connection, named), By.BUNDLE
    if seeker.corrects:
        tied = select(answers.c.request_id).where(answers.c.reply_id.in_(seeker.corrects))
        known = list(connection.execute(tied.where(answers.c.position != STRANGER).distinct()).scalars())
        if before := list(dict.fromkeys(latest(connection, TransferId(one)) for one in known)):
            return _load(connection, before), By.CORRECTION
    n = matter_numbers.c
    same = [and_(n.scheme == s, n.number == normal_number(number)) for s, number in matter.numbers]
    if same:
        query = _asked(seeker).join(matter_numbers, n.transfer_id == asked.c.transfer_id).where(or_(*same))
        if numbered := _ids(connection, query):
            return _load(connection, numbered), By.NUMBER
    return [], None


def _by_person(connection: Connection, seeker: Seeker) -> tuple[list[Candidate], tuple[TransferId, ...]]:
    """Return the requests about the same persons; and those which bear other numbers than the reply, so that only a
    person can tell whether a number was changed."""
    matter, p = seeker.matter, matter_persons.c
    numbers = [one.number_key for one in matter.persons if one.number_key]
    names = [one.name_key for one in matter.persons if one.name_key]
    ids: dict[TransferId, None] = {}
    for column, keys in ((p.number_key, numbers), (p.name_key, names)):
        for some in parts(keys, 100):
            query = _asked(seeker).join(matter_persons, p.transfer_id == asked.c.transfer_id)
            ids |= dict.fromkeys(_ids(connection, query.where(column.in_(some))))
    found = _load(connection, list(ids)[:CANDIDATES_MAX])
    bound = _bound(connection, [one.transfer for one in found])
    agreeing: list[Candidate] = []
    other: list[Candidate] = []
    for one in found:
        theirs = bound[one.transfer]
        if not _is_same_person(matter, replace(theirs, persons=one.persons)):
            continue
        (other if _contradict(matter, theirs) else agreeing).append(one)
    if agreeing:
        return agreeing, ()
    return [], tuple(one.transfer for one in other)


def _is_same_person(reply: Matter, request: Matter) -> bool:
    """Whether some person of both has one identity number; or one name, and both the same charge."""
    charged = bool(set(reply.charges) & set(request.charges))
    for one in reply.persons:
        for other in request.persons:
            if one.number_key and one.number_key == other.number_key:
                return True
            is_named = bool(one.name_key) and one.name_key == other.name_key
            if is_named and charged and not (one.number_key and other.number_key):
                return True
    return False


def _contradict(reply: Matter, request: Matter) -> bool:
    """Whether both bear numbers of one scheme, and none in common."""
    theirs: dict[str, set[str]] = {}
    for scheme, number in request.numbers:
        theirs.setdefault(scheme, set()).add(normal_number(number))
    return any(scheme in theirs and normal_number(number) not in theirs[scheme] for scheme, number in reply.numbers)


def _asked(seeker: Seeker) -> Select[Any]:
    """Select the ids of what `seeker` may answer: asked by that peer, or of it; neither corrected nor refused since."""
    t = transfers.alias()
    return (
        select(asked.c.transfer_id)
        .join(t, t.c.id == asked.c.transfer_id)
        .where(asked.c.flow == seeker.matter.request, asked.c.peer == seeker.peer)
        .where(asked.c.direction == _OTHER[seeker.direction])
        .where(t.c.state != State.REFUSED)
    )


def _ids(connection: Connection, query: Select[Any]) -> list[TransferId]:
    """Return what `query` selects, the newest first, the latest version of each."""
    newest = query.distinct().order_by(asked.c.transfer_id.desc()).limit(CANDIDATES_MAX)
    found = list(connection.execute(newest).scalars())
    return list(dict.fromkeys(latest(connection, TransferId(one)) for one in found))


def latest(connection: Connection, request: TransferId) -> TransferId:
    """Return the request that has taken the place of `request`, itself if none has."""
    for _step in range(CANDIDATES_MAX):
        by = connection.execute(select(asked.c.corrected).where(asked.c.transfer_id == request)).scalar()
        if by is None or by == request:
            return request
        request = TransferId(by)
    return request


def _load(connection: Connection, ids: Sequence[TransferId]) -> list[Candidate]:
    if not ids:
        return []
    a, p, w = asked.c, matter_persons.c, answers.c
    persons: dict[TransferId, list[PersonMatter]] = {}
    for row in connection.execute(select(*p).where(p.transfer_id.in_(ids)).order_by(p.transfer_id, p.position)):
        one = PersonMatter(row.position, row.number_key, row.name_key, row.shown)
        persons.setdefault(row.transfer_id, []).append(one)
    ranks: dict[TransferId, dict[int, int]] = {}
    query = select(w.request_id, w.position, w.kind).where(w.request_id.in_(ids), w.void.is_(None))
    for row in connection.execute(query):
        its = ranks.setdefault(row.request_id, {})
        its[row.position] = max(its.get(row.position, 0), RANK[Kind(row.kind)])
    return [
        Candidate(
            row.transfer_id,
            row.at,
            row.withdrawn is not None,
            tuple(persons.get(row.transfer_id, ())),
            ranks.get(row.transfer_id, {}).get(WHOLE, 0),
            ranks.get(row.transfer_id, {}),
        )
        for row in connection.execute(select(*a).where(a.transfer_id.in_(ids)).order_by(a.at, a.transfer_id))
    ]


def _bound(connection: Connection, ids: Sequence[TransferId]) -> dict[TransferId, Matter]:
    """Return of each request what binds a reply beside its persons: numbers and charges. Read without proof of the
    canonical form: it is our own, and namesakes are many."""
    m = matters.c
    return {
        row.transfer_id: Matter(
            row.flow, numbers=tuple((s, n) for s, n in said["numbers"]), charges=tuple(said["charges"])
        )
        for row in connection.execute(select(m.transfer_id, m.flow, m.raw).where(m.transfer_id.in_(ids)))
        for said in (json.loads(row.raw),)
    }


# -- choosing ---------------------------------------------------------------------------------------------------------


def _choose(
    matter: Matter, persons: Sequence[PersonMatter], found: Sequence[Candidate], by: By, loose: tuple[TransferId, ...]
) -> Fit:
    live = [one for one in found if not one.withdrawn] or list(found)
    if not live:
        return Fit(Outcome.UNCLEAR if loose else Outcome.ORPHAN, unclear=(WHOLE,) if loose else (), candidates=loose)
    if not persons:
        return _whole(live, by)
    ties: list[Tie] = []
    strangers: list[int] = []
    unclear: list[int] = []
    for one in persons:
        having = [(request, at) for request in live if (at := _position(request, one)) is not None]
        chosen = _one_of(having)
        if chosen is not None:
            ties.append(Tie(chosen[0].transfer, chosen[1], one.position, by))
        else:
            (unclear if having else strangers).append(one.position)
    bases = {tie.request for tie in ties} or {one.transfer for one in live if by is not By.PERSON}
    if strangers and len(bases) == 1:
        ties += [Tie(next(iter(bases)), STRANGER, position, by) for position in strangers]
    elif strangers and bases and not unclear:
        unclear, strangers = strangers, []
    outcome = Outcome.UNCLEAR if unclear else Outcome.TIED if ties else Outcome.ORPHAN
    return Fit(outcome, tuple(ties), tuple(strangers), tuple(unclear), candidates=tuple(one.transfer for one in live))


def _whole(live: Sequence[Candidate], by: By) -> Fit:
    """Tie a reply that names nobody to the one request that fits; of several, to the one that is still open."""
    ranked = [(one, 0 if len(one.persons) == 1 else WHOLE) for one in live]
    chosen = _one_of(ranked)
    candidates = tuple(one.transfer for one in live)
    if chosen is None:
        return Fit(Outcome.UNCLEAR, unclear=(WHOLE,), candidates=candidates)
    return Fit(Outcome.TIED, (Tie(chosen[0].transfer, chosen[1], WHOLE, by),), candidates=candidates)


def _one_of(having: Sequence[tuple[Candidate, int]]) -> tuple[Candidate, int] | None:
    """Return the only one; of several the only one that awaits an answer, else the only one that was sent back."""
    if len(having) < 2:
        return next(iter(having), None)
    for ranks in ((0, RANK[Kind.INTERIM]), (RANK[Kind.RETURNED],)):
        fitting = [one for one in having if one[0].rank(one[1]) in ranks]
        if fitting:
            return fitting[0] if len(fitting) == 1 else None
    return None


def _position(request: Candidate, person: PersonMatter) -> int | None:
    """Return where `person` is in `request`; WHOLE if it names nobody; None if it names others, or two of that name."""
    if not request.persons:
        return WHOLE
    numbered = [one.position for one in request.persons if person.number_key and one.number_key == person.number_key]
    if numbered:
        return numbered[0]
    named = [
        one.position
        for one in request.persons
        if person.name_key and one.name_key == person.name_key and not (one.number_key and person.number_key)
    ]
    return named[0] if len(named) == 1 else None


def _settled(connection: Connection, seeker: Seeker, fit: Fit, found: Sequence[Candidate]) -> Fit:
    """Add to `fit` whom of its persons another reply has answered finally, and otherwise; and what was withdrawn."""
    w = answers.c
    said = {one.position: (one.answer, one.result) for one in seeker.matter.persons}
    said[WHOLE] = (seeker.matter.answer, seeker.matter.result)
    own = {one for one in (seeker.transfer, *seeker.corrects) if one is not None}
    twice = []
    for tie in fit.ties:
        kind, result = said[tie.reply_position]
        if kind != Kind.FINAL or tie.position == STRANGER:
            continue
        query = select(w.reply_id, w.result).where(w.request_id == tie.request, w.position == tie.position)
        rows = connection.execute(query.where(w.kind == Kind.FINAL, w.void.is_(None)))
        if any(row.reply_id not in own and row.result != result for row in rows):
            twice.append(tie)
    withdrawn = {one.transfer for one in found if one.withdrawn}
    return Fit(
        Outcome.TWICE if twice and fit.outcome is Outcome.TIED else fit.outcome,
        fit.ties,
        fit.strangers,
        fit.unclear,
        tuple(twice),
        fit.candidates,
        any(tie.request in withdrawn for tie in fit.ties),
    )
