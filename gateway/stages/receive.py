"""The receive leg of one link: fetches what peers left for us, hands receipts on, and clears the mailbox once we
have custody."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from gateway.bundle.envelope import ENVELOPE_MAX, parse_envelope
from gateway.bundle.names import Kind, bundle_name, parse
from gateway.domain.clock import Clock
from gateway.domain.errors import GatewayError, Scope, SecurityError, TransientError
from gateway.domain.ids import BundleId, LinkName, WireName, bundle_id
from gateway.domain.lifecycle import Event, State
from gateway.domain.oplog import OpsLog
from gateway.domain.records import Facts, Offer, Stage, Step, Transfer, known
from gateway.folders import disk
from gateway.folders.space import SMALL_BYTES
from gateway.folders.spool import Spool
from gateway.ledger.store import Ledger
from gateway.stages.gate import Gate
from gateway.stages.recording import Recorder
from gateway.stages.shortage import LOOK_SECONDS, OPENING, Shortage
from gateway.stages.suspects import QuarantineDesk, Suspect
from gateway.stages.watching import STOPPING, Watching
from gateway.transport.api import Entry, Transport

LISTED = 4096
"""Names looked at in one step, smallest first: small urgent exchanges do not wait behind a mountain."""
BATCH = 128
"""Bundles fetched in one step, so that receipts and removals get their turn."""
RECORD_BYTES = 16 * 2**20
"""After this much was fetched the record is written, so that a cut repeats little."""


@dataclass(frozen=True, slots=True)
class Paper:
    """A kind of small file in a mailbox. `most`: bytes; `take`: applies it, and may be repeated; `word`: begins what is
    said of one that is refused or has to wait; `too_large`: the code of one that is too large."""

    most: int
    take: Callable[[bytes], object]
    word: str
    too_large: str


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


class _NoRoomError(Exception):
    """There is no room for a bundle; `error`: what the guard of our disk said."""

    def __init__(self, error: TransientError) -> None:
        super().__init__(error.code)
        self.error = error


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
        quarantine: QuarantineDesk,
        gate: Gate,
        recorder: Recorder,
        watching: Watching,
        clock: Clock,
        ops: OpsLog,
        poll_seconds: float,
    ) -> None:
        """papers: the small files that are taken in, by kind; other kinds are left alone."""
        self._link = link
        self._ledger = ledger
        self._spool = spool
        self._shortage = shortage
        self._lacking: list[int] = []
        """Sizes of what was listed last and did not fit."""
        self._transport = transport
        self._papers = papers
        self._quarantine = quarantine
        self._gate = gate
        self._recorder = recorder
        self._watching = watching
        self._clock = clock
        self._ops = ops
        self._poll_seconds = poll_seconds
        self._fetched: set[BundleId] = set()
        """Fetched in this run and not yet taken out of the mailbox: seeing them listed again is no news."""

    def step(self) -> float | None:
        """Look into the mailbox once; return the seconds until the next look."""
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

    def _look(self) -> bool:
        """Handle what is listed; return whether more is waiting that can be handled at once."""
        papers: dict[Kind, list[Entry]] = {kind: [] for kind in self._papers}
        bundles: dict[BundleId, Entry] = {}
        listing = sorted(self._transport.listing(), key=lambda entry: entry.size)
        for entry in listing[:LISTED]:
            match parse(entry.name):
                case (Kind.BUNDLE, text):
                    bundles[bundle_id(text)] = entry
                case (kind, _) if kind in papers:
                    papers[kind].append(entry)
        self._take(papers, Kind.RECEIPTS)
        offers = [Offer(self._link, identifier, entry.size) for identifier, entry in bundles.items()]
        transfers = self._ledger.offered(offers) if offers else []
        # After the offers: what an inventory says is missing may stand beside it.
        for kind in self._papers.keys() - {Kind.RECEIPTS}:
            self._take(papers, kind)
        now = self._clock.now()
        wanted = [t for t in transfers if t.state is State.OFFERED and t.hold_code is None and t.next_attempt_at <= now]
        self._fetch(wanted[:BATCH], bundles)
        self._clear([t for t in transfers if t.state in _HAVE_CUSTODY], bundles)
        self._reconsider([t for t in transfers if t.state is State.QUARANTINED])
        more = len(wanted) > BATCH and not self._lacking
        return more or (len(listing) > LISTED and any(papers.values()))

    # -- bundles ------------------------------------------------------------------------------------------------------

    def _fetch(self, wanted: Sequence[Transfer], entries: dict[BundleId, Entry]) -> None:
        """Fetch `wanted`, smallest first, into the spool and record it; what does not fit is left where it is."""
        done: list[Step] = []
        pending = 0
        self._lacking = []
        lacking: TransientError | None = None
        try:
            for transfer in wanted:
                try:
                    step = self._fetch_one(transfer, entries[known(transfer.bundle_id)])
                except _NoRoomError as error:
                    self._lacking.append(transfer.size)
                    lacking = lacking or error.error
                    continue
                if step is None:
                    continue
                done.append(step)
                pending += transfer.size
                if pending >= RECORD_BYTES:
                    self._record(done)
                    done, pending = [], 0
        finally:
            self._record(done)
            self._shortage.waits(f"receive {self._link}", self._lacking, lacking)

    def _fetch_one(self, transfer: Transfer, entry: Entry) -> Step | None:
        """Fetch one bundle; None if that failed for reasons of its own. Raises _NoRoomError if it does not fit.

        It is accepted whole or not at all: with the room in which it will be opened.
        """
        started = self._clock.now()
        with ExitStack() as held:
            try:
                part = self._spool.fetching(self._link, known(transfer.bundle_id))
                have = self._spool.size_of(part)
            except GatewayError as error:
                self._recorder.fail(transfer, Stage.RECEIVE, error, started)
                return None
            try:
                needed = (1 + OPENING) * entry.size - have
                room = held.enter_context(self._shortage.space.accept(needed, small=entry.size <= SMALL_BYTES))
            except TransientError as error:
                raise _NoRoomError(error) from error
            try:
                shown = held.enter_context(self._watching(transfer, Stage.RECEIVE, entry.size))

                def progress(done: int) -> None:
                    shown(done)
                    room.written(done - have)

                self._transport.fetch(entry.name, part, entry.size, progress)
            except GatewayError as error:
                if error.scope is Scope.LINK or error.code == STOPPING:
                    raise
                if error.code == "disk-full":
                    self._spool.give_room(part, SMALL_BYTES)
                self._recorder.fail(transfer, Stage.RECEIVE, error, started)
                return None
        return Step(transfer, Event.FETCHED, Stage.RECEIVE, Facts(size=entry.size), started_at=started)

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
            else:
                self._again(transfer, entries[known(transfer.bundle_id)])
            gone.append(bundle_name(known(transfer.bundle_id)))
        if gone:
            self._transport.remove(gone)

    def _again(self, transfer: Transfer, entry: Entry) -> None:
        """A bundle we already have was deposited once more: our receipt was lost, or somebody reuses its name."""
        try:
            same = parse_envelope(self._transport.head(entry.name, ENVELOPE_MAX)).header_hash == transfer.header_hash
        except SecurityError:
            same = False
        if not same:
            self._ops.alert("equivocation", transfer=transfer.id, link=self._link)
            self._set_aside(entry, "equivocation")
        elif transfer.state in _OWES_NOTHING:
            self._ledger.advance(Step(transfer, Event.RECEIPT_ASKED, Stage.RECEIVE, Facts(note="bundle arrived again")))

    def _set_aside(self, entry: Entry, code: str) -> None:
        """Keep untrusted bytes of the mailbox for a person to look at."""
        part = self._spool.letter(self._link, entry.name)
        # Evidence is never pieced together from two attempts.
        self._spool.drop(part)
        self._transport.fetch(entry.name, part, entry.size)
        self._quarantine.take(part, Suspect(entry.name, self._link, code))

    def _reconsider(self, quarantined: Sequence[Transfer]) -> None:
        """Bytes that were set aside as damaged are fetched anew when they are offered again."""
        for transfer in quarantined:
            if known(transfer.bundle_id) in self._fetched:
                self._fetched.discard(known(transfer.bundle_id))
                self._transport.remove([bundle_name(known(transfer.bundle_id))])
            else:
                self._ledger.advance(Step(transfer, Event.OFFERED_AGAIN, Stage.RECEIVE))

    # -- papers -------------------------------------------------------------------------------------------------------

    def _take(self, entries: Mapping[Kind, Sequence[Entry]], kind: Kind) -> None:
        """Read papers of one kind, apply what they prove, then remove them; one that cannot be read, or is bad, holds
        up nothing else."""
        paper = self._papers[kind]
        for entry in entries[kind]:
            try:
                self._take_one(entry, paper)
            except GatewayError as error:
                if error.scope is not Scope.TRANSFER:
                    raise
                self._ops.warn(f"{paper.word}-waits", link=self._link, code=error.code, detail=error.detail)

    def _take_one(self, entry: Entry, paper: Paper) -> None:
        part = self._spool.letter(self._link, entry.name)
        if entry.size > paper.most:
            self._ops.alert(paper.too_large, link=self._link, size=entry.size)
            self._set_aside(entry, paper.too_large)
        else:
            self._transport.fetch(entry.name, part, entry.size)
            self._apply(part, entry, paper)
        self._transport.remove([entry.name])

    def _apply(self, part: Path, entry: Entry, paper: Paper) -> None:
        with disk.mapped(part.parent):
            body = part.read_bytes()
        try:
            paper.take(body)
        except SecurityError as error:
            self._ops.alert(f"{paper.word}-refused", link=self._link, code=error.code)
            self._quarantine.take(part, Suspect(entry.name, self._link, error.code))
        self._spool.drop(part)
