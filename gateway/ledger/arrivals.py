"""How transfers are born: claimed exports and offered bundles, each recorded once however often it is seen."""

from collections.abc import Hashable, Iterable, Sequence
from typing import Any, TypeVar

from sqlalchemy import Connection, Insert, Select

from gateway.domain.errors import PermanentError
from gateway.domain.ids import BundleId, ClaimToken, LinkName
from gateway.domain.lifecycle import FIRST, Direction, Event, State
from gateway.domain.records import Facts, FoundExport, Offer, Priority, Stage, Step, Transfer
from gateway.ledger.change import Change, adding
from gateway.ledger.changes import advance, born
from gateway.ledger.prepared import listed, rows_among, write_many
from gateway.ledger.rows import select_transfers, storable, to_transfer
from gateway.ledger.schema import INTEGER_MAX, transfers

K = TypeVar("K", bound=Hashable)


def found(change: Change, exports: Sequence[FoundExport]) -> list[Transfer]:
    """Return the transfer of each claim, made now where the claim was unknown."""
    rows = {
        export.claim: row(
            change,
            Direction.OUTBOUND,
            size=export.size,
            found_at=export.found_at,
            claim=export.claim,
            route=export.route,
            export_name=storable(export.export_name),
            origin=change.unit,
        )
        for export in exports
    }
    known = _by_claim(change, rows)
    new = [claim for claim in rows if claim not in known]
    if new:
        _insert(change, [rows[claim] for claim in new])
        known |= _record(change, _by_claim(change, new), Stage.PACK)
    return [known[export.claim] for export in exports]


def offered(change: Change, offers: Sequence[Offer]) -> list[Transfer]:
    """Return the transfer of each (link, bundle), made now where it was unknown."""
    rows = {
        (offer.link, offer.bundle_id): row(
            change,
            Direction.INBOUND,
            size=offer.size,
            found_at=change.now,
            link=offer.link,
            bundle_id=offer.bundle_id,
        )
        for offer in offers
    }
    known = _by_offer(change.connection, rows)
    new = [key for key in rows if key not in known]
    if new:
        _insert(change, [rows[key] for key in new])
        known |= _record(change, _by_offer(change.connection, new), Stage.RECEIVE)
    return [known[offer.link, offer.bundle_id] for offer in offers]


def fetched(change: Change, offers: Sequence[Offer], started_at: float) -> list[Transfer]:
    """Return the transfer of each bundle whose bytes are here, moved on to fetched unless it was further; made now
    where it was unknown."""
    found = offered(change, offers)
    steps = [
        Step(transfer, Event.FETCHED, Stage.RECEIVE, Facts(size=offer.size), started_at=started_at)
        for transfer, offer in zip(found, offers, strict=True)
        if transfer.state is State.OFFERED
    ]
    moved = {transfer.id: transfer for transfer in advance(change, steps)}
    return [moved.get(transfer.id, transfer) for transfer in found]


def arrived(connection: Connection, link: LinkName, bundles: Iterable[BundleId]) -> dict[BundleId, Transfer]:
    """Return the inbound transfers of `link` among `bundles`."""
    found = _by_offer(connection, ((link, bundle) for bundle in bundles))
    return {bundle: transfer for (_, bundle), transfer in found.items()}


def row(change: Change, direction: Direction, *, size: int, found_at: float, **known: Any) -> dict[str, Any]:
    """Return the row of a new transfer in its first state, unless `known` says more."""
    if not 0 <= size <= INTEGER_MAX:
        raise PermanentError("number-out-of-range", "size does not fit 63 bits", facts={"fact": "size"})
    return {
        "version": 1,
        "direction": direction,
        "state": FIRST[direction],
        "flow": "",
        "case_no": "",
        "export_name": "",
        "verdict": "",
        "priority": Priority.NORMAL,
        "size": size,
        "found_at": found_at,
        "changed_at": change.now,
        "owed_since": change.now,
        "attempts": 0,
        "next_attempt_at": change.now,
        **known,
    }


def _insert(change: Change, rows: Sequence[dict[str, Any]]) -> None:
    write_many(change.connection, _new, rows, tuple(rows[0]))


def _new(names: tuple[str, ...]) -> Insert:
    return adding(transfers, names)


def _by_claim(change: Change, claims: Iterable[ClaimToken]) -> dict[ClaimToken, Transfer]:
    made = map(to_transfer, rows_among(change.connection, _claimed, "claim", claims))
    return {one.claim: one for one in made if one.claim is not None}


def _claimed(length: int) -> Select[*tuple[Any, ...]]:
    c = transfers.c
    return select_transfers().where(c.copy == 0, c.claim.in_(listed("claim", length)))


def _by_offer(
    connection: Connection, keys: Iterable[tuple[LinkName, BundleId]]
) -> dict[tuple[LinkName, BundleId], Transfer]:
    wanted = set(keys)
    bundles = sorted({bundle_id for _, bundle_id in wanted})
    made = map(to_transfer, rows_among(connection, _offered, "bundle", bundles))
    by_key = {(one.link, one.bundle_id): one for one in made if one.link is not None and one.bundle_id is not None}
    return {key: one for key, one in by_key.items() if key in wanted}


def _offered(length: int) -> Select[*tuple[Any, ...]]:
    c = transfers.c
    return select_transfers().where(c.direction == Direction.INBOUND, c.bundle_id.in_(listed("bundle", length)))


def _record(change: Change, made: dict[K, Transfer], stage: Stage) -> dict[K, Transfer]:
    for transfer in made.values():
        born(change, transfer, stage)
    return made
