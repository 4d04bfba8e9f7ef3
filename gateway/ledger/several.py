"""Questions asked about many at once: what a batch needs to know costs one question and not one for each of it."""

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import Connection, Select, select

from gateway.domain.ids import BundleId, ClaimToken, Digest, LinkName, RouteName, TransferId
from gateway.domain.lifecycle import Direction, State
from gateway.domain.records import Transfer
from gateway.ledger import repeats
from gateway.ledger.doors import Doors
from gateway.ledger.prepared import Build, listed, rows_among
from gateway.ledger.rows import select_transfers, storable, to_transfer
from gateway.ledger.schema import transfers
from gateway.ledger.schema_answers import asked


class Several:
    """Errors and threads as the ledger's own methods."""

    def __init__(self, doors: Doors) -> None:
        self._doors = doors

    def by_bundle(self, bundles: Collection[BundleId]) -> Mapping[BundleId, list[Transfer]]:
        """Return for each of `bundles` what `Ledger.by_bundle` does."""
        found: dict[BundleId, list[Transfer]] = {one: [] for one in bundles}
        for transfer in self._transfers(_of_bundles, "bundle", found):
            if transfer.bundle_id is not None:
                found[transfer.bundle_id].append(transfer)
        return found

    def of_claim(self, claims: Collection[ClaimToken]) -> Mapping[ClaimToken, list[Transfer]]:
        """Return for each of `claims` what `Ledger.of_claim` does."""
        found: dict[ClaimToken, list[Transfer]] = {one: [] for one in claims}
        for transfer in self._transfers(_of_claims, "claim", found):
            if transfer.claim is not None:
                found[transfer.claim].append(transfer)
        return found

    def with_copies(self, claims: Collection[ClaimToken]) -> set[ClaimToken]:
        """Return those of `claims` whose exports went to more than one recipient."""
        with self._doors.reading() as connection:
            return {ClaimToken(one) for (one,) in rows_among(connection, _copied, "claim", claims, {})}

    def states_of_claim(self, claims: Collection[ClaimToken]) -> Mapping[ClaimToken, set[State]]:
        """Return the states of the transfers of each of `claims`; none of a claim that is not recorded. Of very many
        it costs a fraction of what `of_claim` does."""
        found: dict[ClaimToken, set[State]] = {one: set() for one in claims}
        with self._doors.reading() as connection:
            for claim, state in rows_among(connection, _states_of_claims, "claim", found, {}):
                found[claim].add(state)
        return found

    def sealed(self, bundles: Collection[BundleId]) -> set[BundleId]:
        """Return those of `bundles` that outbound transfers were sealed as."""
        with self._doors.reading() as connection:
            return {BundleId(one) for (one,) in rows_among(connection, _sealed, "bundle", bundles, {})}

    def to_open(self, bundles: Collection[BundleId]) -> set[tuple[LinkName, BundleId]]:
        """Return those of `bundles` that were fetched and are not delivered yet, each with the link that it came by."""
        with self._doors.reading() as connection:
            found = rows_among(connection, _to_open, "bundle", bundles, {})
            return {(LinkName(link), BundleId(bundle)) for link, bundle in found}

    def last_sent(self, keys: Collection[str]) -> Mapping[str, Transfer]:
        """Return what `Ledger.last_sent` does for each of the business keys `keys` that something was sent under."""
        with self._doors.reading() as connection:
            known = _texts(connection, _known_keys, "key", keys)
            found = {key: repeats.last_sent(connection, key) for key in known}
        return {key: one for key, one in found.items() if one is not None}

    def sent_as(self, names: Collection[tuple[RouteName, str]]) -> Mapping[tuple[RouteName, str], Mapping[str, Digest]]:
        """Return for each route and name of an export what `Ledger.sent_as` does."""
        with self._doors.reading() as connection:
            known = set(_texts(connection, _known_names, "name", {storable(name) for _, name in names}))
            return {
                (route, name): repeats.sent_as(connection, route, name) if storable(name) in known else {}
                for route, name in names
            }

    def awaiting(self, requests: Collection[TransferId]) -> set[TransferId]:
        """Return those of `requests` that await answers, or have them: only of these there is an `AskedView`."""
        with self._doors.reading() as connection:
            return {TransferId(one) for (one,) in rows_among(connection, _asked, "id", requests, {})}

    def _transfers(self, build: Build, name: str, among: Collection[Any]) -> list[Transfer]:
        with self._doors.reading() as connection:
            return [to_transfer(row) for row in rows_among(connection, build, name, among, {})]


def _texts(connection: Connection, build: Build, name: str, among: Collection[str]) -> list[str]:
    return [one for (one,) in rows_among(connection, build, name, among, {})]


def _of_bundles(length: int) -> Select[*tuple[Any, ...]]:
    return select_transfers().where(transfers.c.bundle_id.in_(listed("bundle", length))).order_by(transfers.c.id)


def _of_claims(length: int) -> Select[*tuple[Any, ...]]:
    return select_transfers().where(transfers.c.claim.in_(listed("claim", length))).order_by(transfers.c.copy)


def _copied(length: int) -> Select[ClaimToken | None]:
    return select(transfers.c.claim).where(transfers.c.claim.in_(listed("claim", length)), transfers.c.copy > 0)


def _states_of_claims(length: int) -> Select[ClaimToken | None, State]:
    return select(transfers.c.claim, transfers.c.state).where(transfers.c.claim.in_(listed("claim", length)))


def _sealed(length: int) -> Select[BundleId | None]:
    c = transfers.c
    return select(c.bundle_id).where(c.bundle_id.in_(listed("bundle", length)), c.direction == Direction.OUTBOUND)


def _to_open(length: int) -> Select[LinkName | None, BundleId | None]:
    c = transfers.c
    tests = (c.direction == Direction.INBOUND, c.state.in_([State.FETCHED, State.VERIFIED]))
    return select(c.link, c.bundle_id).where(c.bundle_id.in_(listed("bundle", length)), *tests)


def _known_keys(length: int) -> Select[str | None]:
    c = transfers.c
    sealed = (c.direction == Direction.OUTBOUND, c.bundle_id.is_not(None))
    return select(c.business_key).where(c.business_key.in_(listed("key", length)), *sealed).distinct()


def _known_names(length: int) -> Select[str]:
    c = transfers.c
    return select(c.export_name).where(c.export_name.in_(listed("name", length)), c.bundle_id.is_not(None)).distinct()


def _asked(length: int) -> Select[int]:
    return select(asked.c.transfer_id).where(asked.c.transfer_id.in_(listed("id", length)))
