"""Early opening: a large bundle is opened while it still arrives, and what came of it waits for the real one."""

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import CancelledError, Future, wait
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path

from gateway.bundle import policy
from gateway.bundle.envelope import ENVELOPE_MAX, Envelope
from gateway.bundle.herald import Herald
from gateway.bundle.keys import NodeKeys
from gateway.domain.clock import Clock
from gateway.domain.errors import GatewayError, Scope, SecurityError, TransientError
from gateway.domain.ids import BundleId, LinkName, TransferId, UnitCode
from gateway.domain.lanes import is_large
from gateway.domain.oplog import OpsLog
from gateway.domain.records import Transfer
from gateway.folders import disk
from gateway.folders.growing import head_of
from gateway.folders.space import OPENING, Reservation, SpaceGuard
from gateway.folders.spool import Spool
from gateway.ledger.store import Ledger
from gateway.roster.directory import Directory
from gateway.stages.admission import Admissions
from gateway.stages.crew import Crew
from gateway.stages.early_work import EarlyOrder, EarlyOutcome, open_early
from gateway.stages.envelopes import proven_herald
from gateway.stages.lanes import CLOSE_SECONDS, Bulk
from gateway.stages.open_work import Early
from gateway.stages.routes import InboundRoute
from gateway.stages.watching import STOPPING

PATIENCE_SECONDS = 30.0
"""What was opened waits so long for its bundle; then its room is given back."""
TELL_SECONDS = 60.0
"""Between two lines about what was lost on one link: a peer can begin as often as it likes what it never ends."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """The mailbox of a link that we host: whose it is, and where what the peer sends while it seals it grows."""

    peer: UnitCode
    growing: Path


@dataclass(slots=True)
class _Losses:
    """What was lost on one link: when that was told last, and how often it came to nothing since."""

    told_at: float
    untold: int = 0


@dataclass(slots=True, eq=False)
class _Opening:
    """One bundle that is opened early, or was."""

    link: LinkName
    herald: Herald
    members: Path
    room: Reservation
    held: ExitStack = field(default_factory=ExitStack)
    future: "Future[EarlyOutcome] | None" = None
    opened: Early | None = None
    opened_at: float = 0.0
    is_given_up: bool = False

    def give_up(self) -> None:
        """Have the worker stop at its next sign, or not begin. Any thread."""
        self.is_given_up = True
        if self.future is not None:
            self.future.cancel()

    def progress(self, done: int) -> None:
        """Heard from the worker; in a thread of the crew."""
        if done:
            self.room.written(done)
        if self.is_given_up:
            raise TransientError(STOPPING, "the worker is needed elsewhere", scope=Scope.NODE)


class EarlyOpening:
    """Used by the thread of the open stage, but for `heard`. One bundle a link at a time, in a place for big things
    that nobody else needs. Nothing of it is recorded: what is lost of it is opened in the ordinary way."""

    def __init__(
        self,
        *,
        unit: UnitCode,
        incoming: Mapping[LinkName, Incoming],
        routes: Sequence[InboundRoute],
        ledger: Ledger,
        spool: Spool,
        space: SpaceGuard,
        crew: Crew,
        bulk: Bulk,
        keys: tuple[NodeKeys, ...],
        directory: Directory,
        skew: policy.SkewLimits,
        size_limit: int,
        is_scanning: bool,
        ring: Callable[[], None],
        clock: Clock,
        ops: OpsLog,
    ) -> None:
        """incoming: the links whose bundles may be opened early.     ring: wakes the open stage."""
        self._incoming = incoming
        self._routes = tuple(routes)
        self._ledger = ledger
        self._spool = spool
        self._space = space
        self._crew = crew
        self._bulk = bulk
        self._keys = keys
        self._directory = directory
        self._admissions = Admissions(directory.roster, unit)
        self._skew = skew
        self._size_limit = size_limit
        self._is_scanning = is_scanning
        self._ring = ring
        self._clock = clock
        self._ops = ops
        self._lock = threading.Lock()
        self._heard: set[LinkName] = set()
        self._openings: dict[LinkName, _Opening] = {}
        self._handed_on: dict[TransferId, _Opening] = {}
        self._losses: dict[LinkName, _Losses] = {}

    def heard(self, link: LinkName) -> None:
        """Something has begun to grow in the mailbox of `link`. Any thread."""
        if link in self._incoming:
            with self._lock:
                self._heard.add(link)
            self._ring()

    def step(self) -> None:
        """Take note of what has ended, forget what nobody came for, and begin what was heard of."""
        for one in list(self._openings.values()):
            if one.future is not None and one.future.done():
                self._ended(one, one.future)
            elif one.future is None and self._patience(one) <= 0:
                self._lose(one, "not-arrived")
        with self._lock:
            heard = self._heard - self._openings.keys()
        for link in heard:
            # Where no place is free now it is looked at again in the next step.
            if self._bulk.has_free:
                with self._lock:
                    self._heard.discard(link)
                self._begin(link, self._incoming[link])

    def is_opening(self, transfer: Transfer) -> bool:
        """Whether the bundle of `transfer` is being opened; the end of that rings."""
        one = self._of(transfer)
        return one is not None and one.future is not None

    def take(self, transfer: Transfer, envelope: Envelope) -> Early | None:
        """Return what was opened of the fetched bundle of `transfer`, whose `envelope` was verified, and give back its
        place and room; None if nothing was opened. May be repeated until it is `handed_on`."""
        one = self._of(transfer)
        if one is None or one.opened is None:
            return None
        if not one.herald.announces(envelope):
            self._lose(one, "other-bundle")
            return None
        one.held.close()
        return one.opened

    def handed_on(self, transfers: Sequence[Transfer]) -> None:
        """What was taken for `transfers` is in the hands of a worker."""
        for transfer in transfers:
            one = self._of(transfer)
            if one is not None and one.opened is not None:
                self._handed_on[transfer.id] = self._openings.pop(one.link)

    def over(self, transfer: TransferId) -> None:
        """The worker has ended; what it left of what it was handed is removed."""
        one = self._handed_on.pop(transfer, None)
        if one is not None:
            _remove(one.members)

    def pause(self, wait: float | None) -> float | None:
        """Return `wait`, or what is left until something is to be forgotten if that is sooner."""
        waits = [max(0.0, self._patience(one)) for one in self._openings.values() if one.future is None]
        return min([*waits, *(() if wait is None else (wait,))], default=None)

    def close(self) -> None:
        """Give up everything, and wait until nobody writes; nothing that was handed on is under way any more."""
        for one in self._openings.values():
            one.give_up()
        futures = [one.future for one in self._openings.values() if one.future is not None]
        wait([future for future in futures if not future.done()], CLOSE_SECONDS)
        for one in list(self._openings.values()):
            self._drop(one)
        for transfer in list(self._handed_on):
            self.over(transfer)

    # -- beginning ----------------------------------------------------------------------------------------------------

    def _begin(self, link: LinkName, incoming: Incoming) -> None:
        with ExitStack() as held:
            try:
                order = self._order(link, incoming)
                size = order.herald.envelope.size
                # What follows needs room as if nothing had been opened.
                self._space.may_accept((1 + 2 * OPENING) * size)
                room = held.enter_context(self._space.accept(OPENING * size))
            except FileNotFoundError:
                return  # taken back already, or arrived
            except (GatewayError, OSError) as error:
                self._tell_lost(link, error.code if isinstance(error, GatewayError) else "local-io")
                return
            one = _Opening(link, order.herald, order.members, room)
            if not self._bulk.borrow(one.give_up):
                return
            held.callback(self._bulk.returned, one.give_up)
            one.held = held.pop_all()
        self._openings[link] = one
        one.future = self._crew.run(open_early, order, one.progress, is_large=True)
        one.future.add_done_callback(lambda _future: self._ring())

    def _order(self, link: LinkName, incoming: Incoming) -> EarlyOrder:
        """Ask of a herald what is asked of an envelope, as far as it can be answered; raises the error of what fails,
        or OSError."""
        herald, signer = proven_herald(head_of(incoming.growing, ENVELOPE_MAX), self._directory)
        envelope, now = herald.envelope, self._clock.now()
        if signer.unit != incoming.peer:
            raise SecurityError("unknown-sender", "a herald comes from its sender and by no other way")
        policy.check_not_expired(envelope, now)
        policy.check_key_valid(envelope, signer.not_before, signer.not_after)
        policy.check_suite_accepted(envelope, {key.suite for key in self._keys})
        policy.check_not_too_large(envelope, self._size_limit)
        members = self._spool.early(link, envelope.bundle_id)
        if (
            len(envelope.recipients) > 1  # each of them knows K
            or not is_large(envelope.size)
            or policy.clock_skew(envelope, now, self._skew) is policy.Skew.HOLD
            or self._ledger.resync.standing().doubtful
            or self._ledger.seen(signer.unit, envelope.bundle_id) is not None
            or any(one.members == members for one in self._handed_on.values())
        ):
            raise SecurityError("not-permitted", "it is not opened before all of it is here")
        return EarlyOrder(
            incoming.growing,
            herald,
            members,
            self._keys,
            self._routes,
            signer.unit,
            self._admissions.of(signer.unit, envelope.routing_class),
            self._space.floor(small=False),
            self._is_scanning,
        )

    # -- ending -------------------------------------------------------------------------------------------------------

    def _of(self, transfer: Transfer) -> _Opening | None:
        one = None if transfer.link is None else self._openings.get(transfer.link)
        return one if one is not None and one.herald.envelope.bundle_id == transfer.bundle_id else None

    def _patience(self, one: _Opening) -> float:
        return one.opened_at + PATIENCE_SECONDS - self._clock.monotonic()

    def _ended(self, one: _Opening, future: "Future[EarlyOutcome]") -> None:
        one.future, one.opened_at = None, self._clock.monotonic()
        try:
            outcome = future.result()
        except CancelledError:
            outcome = EarlyOutcome(None, STOPPING)
        except GatewayError as error:
            outcome = EarlyOutcome(None, error.code)
        if outcome.fingerprint is None:
            self._lose(one, outcome.code)
        else:
            one.opened = Early(one.members, outcome.fingerprint, outcome.durable)

    def _lose(self, one: _Opening, code: str) -> None:
        self._tell_lost(one.link, code, one.herald.envelope.bundle_id)
        self._drop(one)

    def _drop(self, one: _Opening) -> None:
        del self._openings[one.link]
        one.held.close()
        _remove(one.members)

    def _tell_lost(self, link: LinkName, code: str, bundle: BundleId | None = None) -> None:
        if code == "not-a-bundle":  # a sender that sends no heralds, or its bundle is whole
            return
        now = self._clock.monotonic()
        losses = self._losses.setdefault(link, _Losses(now - TELL_SECONDS))
        losses.untold += 1
        if now - losses.told_at >= TELL_SECONDS:
            self._ops.info("early-opening-lost", link=link, code=code, bundle=bundle or "", times=losses.untold)
            self._losses[link] = _Losses(now)


def _remove(members: Path) -> None:
    with suppress(GatewayError):
        disk.remove_private(members)
