"""The receive leg of one link: fetches what peers left for us, the large beside the small, hands receipts on, and
clears the mailbox once we have custody."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from itertools import groupby

from gateway.bundle.convoy import FILE_MAX as CONVOY_MAX
from gateway.bundle.envelope import ENVELOPE_MAX, parse_envelope
from gateway.bundle.names import Kind, bundle_name, parse
from gateway.domain.clock import Clock
from gateway.domain.errors import GatewayError, Scope, SecurityError, TransientError
from gateway.domain.ids import BundleId, Digest, LinkName, WireName, bundle_id
from gateway.domain.lanes import is_large, rank
from gateway.domain.lifecycle import Event, State
from gateway.domain.oplog import OpsLog
from gateway.domain.records import Facts, Offer, Stage, Step, Transfer, known
from gateway.folders.space import OPENING, SMALL_BYTES
from gateway.folders.spool import Spool
from gateway.ledger.store import Ledger
from gateway.stages.aside import EQUIVOCATION
from gateway.stages.bulk import BulkLane
from gateway.stages.gate import Gate
from gateway.stages.papers import Paper, PaperDesk
from gateway.stages.precedence import Precedence
from gateway.stages.recording import Recorder
from gateway.stages.refusals import waits_for_person
from gateway.stages.shortage import LOOK_SECONDS, Shortage
from gateway.stages.unloading import Unloading
from gateway.stages.watching import STOPPING, Watching
from gateway.transport.api import Entry, Progress, Transport

LISTED = 4096
"""Names looked at in one step, smallest first: small urgent exchanges do not wait behind a mountain."""
BATCH = 128
"""Bundles fetched in one step, so that receipts and removals get their turn."""
CONVOYS = 16
"""Convoys taken in one step."""
RECORD_BYTES = 16 * 2**20
"""After this much was fetched the record is written, so that a cut repeats little, and the mailbox is listed anew:
something more urgent may have come."""

_HAVE_CUSTODY = frozenset(
    {
        State.CHECKED,
        State.SETTLED,
        State.VERIFIED,
        State.DELIVERED,
        State.CONFIRMED,
        State.COLLECTED,
        State.REJECTED,
        State.DISMISSED,
        State.CLOSED,
    }
)
_OWES_NOTHING = frozenset({State.SETTLED, State.CONFIRMED, State.COLLECTED, State.DISMISSED})
"""States in which the receipts of an arrival were sent: that it comes again is the sign that they were lost."""


class ReceiveStage:
    """Fetches bundles and receipts of one link."""

    def __init__(
        self,
        *,
        link: LinkName,
        ledger: Ledger,
        spool: Spool,
        shortage: Shortage,
        transport: Transport,
        papers: Mapping[Kind, Paper],
        unloading: Unloading,
        desk: PaperDesk,
        lacks: Callable[[BundleId, Digest], bool],
        gate: Gate,
        precedence: Precedence,
        bulk: BulkLane,
        recorder: Recorder,
        watching: Watching,
        clock: Clock,
        ops: OpsLog,
        poll_seconds: float,
    ) -> None:
        """papers: the small files that are taken in, by kind; other kinds are left alone.

        lacks: whether we have lost the bytes of a bundle that we passed on, and somebody still needs them.
        """
        self._link = link
        self._ledger = ledger
        self._spool = spool
        self._shortage = shortage
        self._lacking: list[int] = []
        """Sizes of what was listed last and did not fit."""
        self._first_lack: TransientError | None = None
        self._transport = transport
        self._papers = papers
        self._convoys = Paper(
            CONVOY_MAX, lambda raw: unloading.take(raw, self._came_again), "convoy", "convoy-too-large"
        )
        self._desk = desk
        self._lacks = lacks
        self._gate = gate
        self._precedence = precedence
        self._bulk = bulk
        self._recorder = recorder
        self._watching = watching
        self._clock = clock
        self._ops = ops
        self._poll_seconds = poll_seconds
        self._fetched: set[BundleId] = set()
        """Fetched in this run and not yet taken out of the mailbox: seeing them listed again is no news."""

    def step(self) -> float | None:
        """Look into the mailbox once; return the seconds until the next look."""
        self._take_note()
        if pause := self._gate.enter():
            return pause
        try:
            more = self._look()
        except GatewayError as error:
            if not self._gate.failed(error):
                raise
            return self._gate.wait()
        self._gate.succeeded()
        if self._lacking:
            return min(self._poll_seconds, LOOK_SECONDS)
        return 0.0 if more else self._poll_seconds

    def close(self) -> None:
        """Cut off what is large and moves, and record what of it is here."""
        self._bulk.close()
        self._take_note()

    def _look(self) -> bool:
        """Handle what is listed; return whether more is waiting that can be handled at once."""
        papers: dict[Kind, list[Entry]] = {kind: [] for kind in self._papers}
        convoys: list[Entry] = []
        bundles: dict[BundleId, Entry] = {}
        listing = sorted(self._transport.listing(), key=lambda entry: entry.size)
        for entry in listing[:LISTED]:
            match parse(entry.name):
                case (Kind.BUNDLE, text):
                    bundles[bundle_id(text)] = entry
                case (Kind.CONVOY, _):
                    convoys.append(entry)
                case (kind, _) if kind in papers:
                    papers[kind].append(entry)
        self._desk.take(papers[Kind.RECEIPTS], self._papers[Kind.RECEIPTS])
        self._lacking, self._first_lack = [], None
        more = self._take_convoys(convoys)
        transfers = self._offered(bundles) if bundles else []
        # After the offers: what an inventory says is missing may stand beside it.
        for kind in self._papers.keys() - {Kind.RECEIPTS}:
            self._desk.take(papers[kind], self._papers[kind])
        now = self._clock.now()
        wanted = [t for t in transfers if t.state is State.OFFERED and t.hold_code is None and t.next_attempt_at <= now]
        small = sorted((t for t in wanted if not is_large(t.size)), key=lambda t: (t.priority, t.size))
        more |= self._fetch(small[:BATCH], bundles) or len(small) > BATCH
        more |= self._begin_large([t for t in wanted if is_large(t.size)], bundles)
        self._take_note()
        self._clear([t for t in transfers if t.state in _HAVE_CUSTODY], bundles)
        self._reconsider([t for t in transfers if t.state is State.QUARANTINED], bundles)
        return (more and not self._lacking) or (len(listing) > LISTED and any(papers.values()))

    # -- bundles ------------------------------------------------------------------------------------------------------

    def _offered(self, entries: Mapping[BundleId, Entry]) -> Sequence[Transfer]:
        """Return the transfer of each bundle that lies in the mailbox, made now where there is none."""
        if self._fetched.issuperset(entries):
            # A look to clear the mailbox: nothing is to be written, while others write what came of these.
            found = self._ledger.arrived(self._link, entries.keys())
            if len(found) == len(entries):
                return list(found.values())
        return self._ledger.offered([Offer(self._link, one, entry.size) for one, entry in entries.items()])

    def _fetch(self, wanted: Sequence[Transfer], entries: dict[BundleId, Entry]) -> bool:
        """Fetch small bundles in this thread and record it; what does not fit is left where it is. Return whether
        some are left that would."""
        done: list[Step] = []
        fetched = 0
        try:
            for urgency, transfers in groupby(wanted, key=lambda t: rank(t.priority, t.size)):
                with self._precedence.moving(urgency):
                    for transfer in transfers:
                        if fetched >= RECORD_BYTES:
                            return True
                        step = self._fetch_one(transfer, entries[known(transfer.bundle_id)])
                        if step is not None:
                            done.append(step)
                            fetched += transfer.size
        finally:
            self._record(done)
        return False

    def _fetch_one(self, transfer: Transfer, entry: Entry) -> Step | None:
        """Fetch one bundle; None if there is no room for it, or that failed for reasons of its own."""
        started = self._clock.now()
        with ExitStack() as held:
            fetch = self._prepared(transfer, entry, held, started)
            if fetch is None:
                return None
            try:
                with self._watching(transfer, Stage.RECEIVE, entry.size) as progress:
                    fetch(progress)
            except GatewayError as error:
                if not self._failed(transfer, error, started):
                    raise
                return None
        return self._step(transfer, entry.size, started)

    def _begin_large(self, wanted: Sequence[Transfer], entries: dict[BundleId, Entry]) -> bool:
        """Begin to fetch what is large and has a place, what was offered first before the others; return whether there
        is a place for another one that waits."""
        for transfer in sorted(wanted, key=lambda t: (t.priority, t.id)):
            if not self._bulk.has_place_for(transfer):
                continue
            entry = entries[known(transfer.bundle_id)]
            with ExitStack() as held:
                fetch = self._prepared(transfer, entry, held, self._clock.now())
                if fetch is not None:
                    self._bulk.start([transfer], entry.size, fetch, held.pop_all())
                    break
        self._shortage.waits(f"receive {self._link}", self._lacking, self._first_lack)
        return self._bulk.has_place and not self._bulk.under_way.issuperset(t.id for t in wanted)

    def _prepared(
        self, transfer: Transfer, entry: Entry, held: ExitStack, started: float
    ) -> Callable[[Progress], None] | None:
        """Return what fetches one bundle into the spool, its room `held` meanwhile; None if there is none (it is left
        where it is), or our disk fails (recorded).

        It is accepted whole or not at all: with the room in which it will be opened.
        """
        try:
            part = self._spool.fetching(self._link, known(transfer.bundle_id))
            have = self._spool.size_of(part)
        except GatewayError as error:
            self._recorder.fail(transfer, Stage.RECEIVE, error, started)
            return None
        try:
            needed = (1 + OPENING) * entry.size - have
            room = held.enter_context(self._shortage.space.accept(needed, small=not is_large(entry.size)))
        except TransientError as error:
            self._lacking.append(transfer.size)
            self._first_lack = self._first_lack or error
            return None

        def fetch(shown: Progress) -> None:
            def progress(done: int) -> None:
                shown(done)
                room.written(done - have)

            self._transport.fetch(entry.name, part, entry.size, progress)

        return fetch

    def _take_note(self) -> None:
        """Record what is large and has ended. What a stop cut off is owed as before."""
        for ended in self._bulk.finished():
            error, (transfer,) = ended.error, ended.transfers
            if error is None:
                self._record([self._step(transfer, ended.size, ended.started_at)])
            elif (
                error.code != STOPPING
                and not self._failed(transfer, error, ended.started_at)
                and not self._gate.wait()
                and not self._gate.failed(error)
            ):
                # Where the gate rests already, this thread has met the same trouble and told of it.
                raise error

    def _failed(self, transfer: Transfer, error: GatewayError, started: float) -> bool:
        """Record a failure that is the bundle's own; False if it is the link's, or a stop."""
        if error.scope is Scope.LINK or error.code == STOPPING:
            return False
        if error.code == "disk-full":
            self._spool.give_room(self._spool.fetching(self._link, known(transfer.bundle_id)), SMALL_BYTES)
        self._recorder.fail(transfer, Stage.RECEIVE, error, started)
        return True

    def _step(self, transfer: Transfer, size: int, started: float) -> Step:
        return Step(transfer, Event.FETCHED, Stage.RECEIVE, Facts(size=size), started_at=started)

    def _record(self, done: list[Step]) -> None:
        if not done:
            return
        bundles = [known(step.transfer.bundle_id) for step in done]
        self._spool.keep_fetched(self._link, bundles)
        self._recorder.advance(done)
        self._fetched.update(bundles)

    def _clear(self, held: Sequence[Transfer], entries: dict[BundleId, Entry]) -> None:
        """Take out of the mailbox what is in our custody; what we had taken out before has come again."""
        gone: list[WireName] = []
        for transfer in held:
            if known(transfer.bundle_id) in self._fetched:
                self._fetched.discard(known(transfer.bundle_id))
            elif transfer.state is State.SETTLED and self._lacks(
                known(transfer.bundle_id), known(transfer.header_hash)
            ):
                self._ledger.advance(Step(transfer, Event.OFFERED_AGAIN, Stage.RECEIVE))
                continue  # it is left where it is, and fetched like any other
            elif not self._again(transfer, entries[known(transfer.bundle_id)]):
                continue
            gone.append(bundle_name(known(transfer.bundle_id)))
        if gone:
            self._transport.remove(gone)

    def _again(self, transfer: Transfer, entry: Entry) -> bool:
        """Look at a bundle that we already have and that was deposited once more; return whether it may be removed."""
        try:
            head = self._transport.head(entry.name, ENVELOPE_MAX)
            self._came_again(transfer, head, lambda: self._desk.set_aside(entry, EQUIVOCATION))
        except GatewayError as error:
            if error.scope is not Scope.TRANSFER:
                raise
            self._ops.warn("repetition-waits", link=self._link, code=error.code, detail=error.detail)
            return False
        return True

    def _came_again(self, transfer: Transfer, head: bytes, set_aside: Callable[[], None]) -> None:
        """Our receipt for what begins with `head` was lost, or somebody reuses its name."""
        try:
            same = parse_envelope(head).header_hash == transfer.header_hash
        except SecurityError:
            same = False
        if not same:
            set_aside()
            self._ops.alert(EQUIVOCATION, transfer=transfer.id, link=self._link)
        elif transfer.state in _OWES_NOTHING:
            self._ledger.advance(Step(transfer, Event.RECEIPT_ASKED, Stage.RECEIVE, Facts(note="bundle arrived again")))

    def _reconsider(self, quarantined: Sequence[Transfer], entries: Mapping[BundleId, Entry]) -> None:
        """What was set aside is fetched anew when it is offered again: it may be whole this time. But what waits for a
        person only is in our custody already."""
        for transfer in quarantined:
            bundle = known(transfer.bundle_id)
            if bundle in self._fetched:
                self._fetched.discard(bundle)
            elif not waits_for_person(transfer):
                self._ledger.advance(Step(transfer, Event.OFFERED_AGAIN, Stage.RECEIVE))
                continue
            elif not self._again(transfer, entries[bundle]):
                continue
            self._transport.remove([bundle_name(bundle)])

    # -- convoys ------------------------------------------------------------------------------------------------------

    def _take_convoys(self, entries: Sequence[Entry]) -> bool:
        """Take convoys apart, each whole; what does not fit is left where it is. Return whether some are left that
        would."""
        fetched = 0
        for number, entry in enumerate(entries):
            if number == CONVOYS or fetched >= RECORD_BYTES:
                return True
            with ExitStack() as held:
                try:
                    # The convoy, its bundles, and what they will need while they are opened.
                    held.enter_context(self._shortage.space.accept((2 + OPENING) * entry.size, small=True))
                except TransientError as error:
                    self._lacking.append(entry.size)
                    self._first_lack = self._first_lack or error
                else:
                    self._desk.take([entry], self._convoys)
                    fetched += entry.size
        return False
