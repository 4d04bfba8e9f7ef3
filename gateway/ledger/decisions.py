"""What people decided that the daemon carries out, and the one record of all that people did."""

from collections.abc import Collection
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import Connection, Row, func, insert, select, update

from gateway.domain.errors import PermanentError
from gateway.domain.ids import LinkName, QuarantineId, TransferId
from gateway.domain.records import Action, Decision, Deed, Transfer
from gateway.ledger.change import Change
from gateway.ledger.changes import DETAIL_MAX
from gateway.ledger.prepared import AT_ONCE
from gateway.ledger.rows import storable
from gateway.ledger.schema import BY_PERSON, decisions, events, transfers

_SAID: Final = MappingProxyType({"held": "hold", "released": "release", "closed": "close", "tied": "tie"})
"""How the timeline calls what a person did to a transfer -> the command. `retry` is a decision."""


def decide(change: Change, wanted: Decision, *, done: bool) -> Decision:
    """Record a decision, `done` where nothing is left to be carried out; id and times are given here.

    Raises PermanentError `decision-pending` if another about the same thing has not been carried out yet.
    """
    c = decisions.c
    if wanted.thing is not None:
        waiting = select(c.action).where(c.thing == wanted.thing, c.done_at.is_(None))
        earlier = change.connection.execute(waiting).scalar()
        if earlier is not None:
            raise PermanentError(
                "decision-pending", f"{earlier} was decided and is not carried out yet", facts={"action": earlier}
            )
    values = {
        "at": change.now,
        "actor": storable(wanted.actor),
        "action": wanted.action,
        "thing": wanted.thing,
        "subject": storable(wanted.subject),
        "link": wanted.link,
        "transfer_id": wanted.transfer,
        "code": wanted.code,
        "why": storable(wanted.why)[:DETAIL_MAX],
        "done_at": change.now if done else None,
        "outcome": "",
    }
    key = change.connection.execute(insert(decisions), values).inserted_primary_key
    row = change.connection.execute(select(*c).where(c.id == (key[0] if key else None))).one()
    return _decision(row)


def done(change: Change, decision: Decision, outcome: str) -> None:
    """Record that a decision was carried out, or with which code it could not be. May be repeated."""
    c = decisions.c
    change.connection.execute(
        update(decisions)
        .where(c.id == decision.id, c.done_at.is_(None))
        .values({"done_at": change.now, "outcome": outcome})
    )


def undone(connection: Connection, limit: int) -> list[Decision]:
    """Return what is to be carried out, oldest first."""
    c = decisions.c
    return [
        _decision(row) for row in connection.execute(select(*c).where(c.done_at.is_(None)).order_by(c.id).limit(limit))
    ]


def about(connection: Connection, thing: QuarantineId) -> list[Decision]:
    """Return what was decided about one thing in quarantine, oldest first."""
    c = decisions.c
    return [_decision(row) for row in connection.execute(select(*c).where(c.thing == thing).order_by(c.id))]


def latest(connection: Connection, things: Collection[QuarantineId]) -> dict[QuarantineId, Decision]:
    """Return the last decision about each of `things`; those about which nothing was decided are left out."""
    c = decisions.c
    wanted = sorted(things)
    found: dict[QuarantineId, Decision] = {}
    for start in range(0, len(wanted), AT_ONCE):
        last = select(func.max(c.id)).where(c.thing.in_(wanted[start : start + AT_ONCE])).group_by(c.thing)
        for row in connection.execute(select(*c).where(c.id.in_(last))):
            decision = _decision(row)
            if decision.thing is not None:
                found[decision.thing] = decision
    return found


def deeds(connection: Connection, since: float | None, limit: int) -> list[Deed]:
    """Return what people did, newest first: decisions, and what they did to transfers at once."""
    c, e, t = decisions.c, events.c, transfers.c
    decided = select(*c).order_by(c.at.desc(), c.id.desc()).limit(limit)
    acted = (
        select(e.id, e.at, e.actor, e.what, e.transfer_id, e.code, e.note, t.link, t.export_name, t.bundle_id)
        .join(transfers, t.id == e.transfer_id)
        .where(BY_PERSON, e.stage == "operate", e.what.in_(sorted(_SAID)))
        .order_by(e.at.desc(), e.id.desc())
        .limit(limit)
    )
    if since is not None:
        decided, acted = decided.where(c.at >= since), acted.where(e.at >= since)
    found = [_of_decision(_decision(row)) for row in connection.execute(decided)]
    found += [
        Deed(
            row.at,
            row.actor,
            _SAID[row.what],
            TransferId(row.transfer_id),
            None,
            row.export_name or row.bundle_id or "",
            None if row.link is None else LinkName(row.link),
            row.code,
            row.note,
            row.at,
            "",
        )
        for row in connection.execute(acted)
    ]
    return sorted(found, key=lambda deed: -deed.at)[:limit]


def retry(actor: str, link: LinkName | None, transfer: Transfer | None, why: str) -> Decision:
    """Return the decision, not yet recorded, to try a transfer or all of a link at once."""
    subject = str(link or "") if transfer is None else transfer.export_name or transfer.bundle_id or ""
    return Decision(
        0, 0.0, actor, Action.RETRY, None, subject, link, None if transfer is None else transfer.id, "", why
    )


def _of_decision(one: Decision) -> Deed:
    return Deed(
        one.at,
        one.actor,
        one.action,
        one.transfer,
        one.thing,
        one.subject,
        one.link,
        one.code,
        one.why,
        one.done_at,
        one.outcome,
    )


def _decision(row: Row[*tuple[Any, ...]]) -> Decision:
    r = row._mapping
    return Decision(
        id=r["id"],
        at=r["at"],
        actor=r["actor"],
        action=Action(r["action"]),
        thing=None if r["thing"] is None else QuarantineId(r["thing"]),
        subject=r["subject"],
        link=None if r["link"] is None else LinkName(r["link"]),
        transfer=None if r["transfer_id"] is None else TransferId(r["transfer_id"]),
        code=r["code"],
        why=r["why"],
        done_at=r["done_at"],
        outcome=r["outcome"],
    )
