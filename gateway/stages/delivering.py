"""Publishing what was opened: all that goes into one inbound folder together."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gateway.domain.errors import GatewayError, PermanentError, SecurityError
from gateway.domain.ids import RouteName
from gateway.domain.records import Facts, Transfer, known
from gateway.folders import deliveries, disk, sharing
from gateway.folders.deliver import publish
from gateway.folders.delivered import Delivered, DeliveryJournal
from gateway.folders.deliveries import Import, publish_together
from gateway.folders.space import SpaceGuard
from gateway.folders.spool import Spool
from gateway.ledger.deliverybook import DeliveryBook
from gateway.ledger.resync import Standing
from gateway.ledger.streams import Named, Seen
from gateway.stages.answers import ReplyDesk, Way
from gateway.stages.elsewhere import Elsewhere
from gateway.stages.open_work import Delivery, read_delivery
from gateway.stages.routes import InboundRoute

REJECTED_REPLY = "reply-rejected"
"""A person has refused a reply that answers nothing of ours."""
REPLAYED = "replayed"
"""It was delivered when it had come another way."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A verified import about to be published, and what the ledger is told once it is."""

    transfer: Transfer
    imports: Path
    delivery: Delivery
    note: str

    @property
    def is_reply(self) -> bool:
        """Whether it answers something."""
        return self.delivery.matter is not None and bool(self.delivery.matter.request)

    def facts(self) -> Facts:
        """Return what its delivery taught."""
        one = self.delivery
        return Facts(
            route=one.route,
            export_name=one.name,
            flow=one.flow,
            case_no=one.case_no,
            earlier=one.corrects,
            matter=one.matter,
            note=self.note,
        )


@dataclass(slots=True)
class Outcome:
    """What became of a batch; what is in neither waits where it is."""

    published: list[Arrival] = field(default_factory=list)
    failed: list[tuple[Transfer, GatewayError]] = field(default_factory=list)


class Publisher:
    """Makes verified imports visible; whatever it did may be repeated until the ledger says delivered."""

    def __init__(
        self,
        *,
        routes: Sequence[InboundRoute],
        spool: Spool,
        journal: DeliveryJournal,
        book: DeliveryBook,
        standing: Standing,
        elsewhere: Elsewhere,
        replies: ReplyDesk,
    ) -> None:
        self._by_name = {route.name: route for route in routes}
        self._spool = spool
        self._journal = journal
        self._book = book
        self._standing = standing
        self._elsewhere = elsewhere
        self._replies = replies

    def publish(self, verified: Sequence[Transfer], started: float) -> Outcome:
        """Publish `verified`, those for one inbound folder together. Left out is what waits for what it answers, for
        room on the disk of its folder, or for the same that came another way.

        What was published lasts once it is written down in the journal of deliveries, which must be next.
        """
        outcome = Outcome()
        waiting: dict[RouteName, list[Arrival]] = {}
        # When they were proven, the same may have been under way to its delivery.
        seen = self._book.seen_among(map(_named, verified))
        first = {(one.origin, one.bundle_id): one for one in reversed(verified)}
        for transfer in verified:
            if first[transfer.origin, transfer.bundle_id] is not transfer:
                continue
            try:
                _check_new(transfer, seen)
                arrival = self._arrival(transfer, started)
            except GatewayError as error:
                outcome.failed.append((transfer, error))
                continue
            if arrival is not None and self._was_delivered(transfer):
                outcome.published.append(arrival)
            elif arrival is not None:
                waiting.setdefault(arrival.delivery.route, []).append(arrival)
        for name, arrivals in waiting.items():
            self._publish(self._by_name[name], arrivals, outcome)
        return outcome

    def _arrival(self, transfer: Transfer, started: float) -> Arrival | None:
        """Return what waits in the staging folder of `transfer`; None if it waits for what it answers."""
        imports = self._spool.staging(known(transfer.link), known(transfer.bundle_id)).imports
        delivery = read_delivery(imports)
        if delivery.route not in self._by_name:
            raise PermanentError("route-gone", "the route of this delivery is no longer configured")
        ruling = self._replies.rule(transfer, delivery.matter, started)
        if ruling.way is Way.REFUSE:
            raise PermanentError(REJECTED_REPLY, "a person has rejected this reply")
        return None if ruling.way is Way.WAIT else Arrival(transfer, imports, delivery, ruling.note)

    def _was_delivered(self, transfer: Transfer) -> bool:
        """Whether our ledger was put back, and it was delivered before."""
        return self._standing.restored_at is not None and self._journal.has(delivered(transfer))

    def _publish(self, route: InboundRoute, arrivals: Sequence[Arrival], outcome: Outcome) -> None:
        fitting = arrivals
        if (space := self._elsewhere.space_of(route.folder)) is not None:
            fitting = [one for one in arrivals if self._has_room(one, space, outcome)]
        access = _access(route.folder)
        together: dict[Path, list[Arrival]] = {}
        for one in fitting:
            if deliveries.is_begun(one.imports):
                # What was begun goes on to where it began.
                together.setdefault(one.delivery.folder, []).append(one)
            elif (one.delivery.folder, one.delivery.access) == (route.folder, access):
                together.setdefault(route.folder, []).append(one)
            else:
                _note(outcome, one, _published_alone(one, route))
        for folder, group in together.items():
            sentinel = route.sentinel if folder == route.folder else None
            imports = [Import(one.imports, one.delivery.entries) for one in group]
            errors = publish_together(imports, folder, sentinel=sentinel, written_down_in=self._journal.folder)
            for one, error in zip(group, errors, strict=True):
                _note(outcome, one, error)

    def _has_room(self, one: Arrival, space: SpaceGuard, outcome: Outcome) -> bool:
        """Whether there is room for an import on the disk of its folder; what cannot be told holds up no other."""
        try:
            return self._elsewhere.has_room(one.imports, one.delivery.entries, space)
        except GatewayError as error:
            _note(outcome, one, error)
            return False


def delivered(transfer: Transfer) -> Delivered:
    """Return how the journal of deliveries names a proven `transfer`."""
    return known(transfer.origin), known(transfer.bundle_id), known(transfer.header_hash)


def _named(transfer: Transfer) -> Named:
    return Named(known(transfer.origin), known(transfer.bundle_id), known(transfer.epoch), transfer.sequence)


def _check_new(transfer: Transfer, seen: Seen) -> None:
    """Raise SecurityError `replayed` or `equivocation` if what was delivered since it was proven leaves it no place."""
    named = _named(transfer)
    header = seen.as_named(named)
    if header == transfer.header_hash:
        raise SecurityError(REPLAYED, "this bundle was delivered when it had come another way")
    if header is not None or seen.as_numbered(named) not in (None, named.bundle_id):
        raise SecurityError("equivocation", "the sender gave one id or one number to two bundles")


def _access(folder: Path) -> str:
    try:
        with disk.mapped(folder):
            return sharing.access_of(folder.stat())
    except GatewayError:
        return ""  # a folder that is away is told by who publishes there


def _published_alone(one: Arrival, route: InboundRoute) -> GatewayError | None:
    """Publish what was made for another folder, or other access rights, than the route has by now."""
    try:
        publish(one.imports, one.delivery.entries, route.folder, sentinel=route.sentinel)
    except GatewayError as error:
        return error
    return None


def _note(outcome: Outcome, one: Arrival, error: GatewayError | None) -> None:
    if error is None:
        outcome.published.append(one)
    else:
        outcome.failed.append((one.transfer, error))
