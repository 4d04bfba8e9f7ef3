"""The ledger: the truth about every transfer, and the only door through which a state changes."""

from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TypeVar

from sqlalchemy import Connection

from gateway.domain.clock import Clock
from gateway.domain.errors import GatewayError, PermanentError, Scope
from gateway.domain.ids import BundleId, ClaimToken, LinkName, TransferId, UnitCode
from gateway.domain.lifecycle import Direction, Event
from gateway.domain.records import Facts, FoundExport, Offer, ReceiptRecord, Stage, Step, TimelineEntry, Transfer
from gateway.ledger import (
    arrivals,
    asking,
    casesearch,
    changes,
    copies,
    decisions,
    histories,
    queries,
    state_counts,
)
from gateway.ledger.casesearch import Found
from gateway.ledger.change import Change, Touched
from gateway.ledger.database import damage, locate
from gateway.ledger.opening import Connections
from gateway.ledger.queries import Counts, TransferFilter
from gateway.ledger.questions import Questions

T = TypeVar("T")

NO_FACTS: Final = Facts()
BATCH = 500
"""Transfers changed in one commit where an operator means many, so that nobody waits long behind it."""


class Ledger(Questions):
    """The database of transfers. Every method may be called from any thread; what returned from a change is durable.

    Errors: gateway/ledger/faults.py. An `IllegalStepError` or `ValueError` out of `advance` is a bug of the caller;
    like every error it leaves that caller's whole change undone and nobody else's.
    """

    def __init__(self, connections: Connections, unit: UnitCode, clock: Clock) -> None:
        """Use `open`."""
        self._connections = connections
        self._unit = unit
        self._clock = clock
        self._listeners: tuple[Callable[[Touched], None], ...] = ()
        super().__init__(self, unit, connections.epoch)

    @classmethod
    def open(
        cls,
        location: Path | str,
        *,
        unit: UnitCode,
        clock: Clock,
        new_epoch: Callable[[], int],
        read_only: bool = False,
        durable: bool = True,
    ) -> Self:
        """Open the ledger at a path or `sqlite:///` URL, making or migrating it unless `read_only`.

        new_epoch: asked once, when the ledger is made; at most 2^63 - 1.
        read_only: for another process than the daemon's; makes nothing, migrates nothing, changes nothing.
        durable:   False leaves it to the system when a commit reaches the disk; for simulations only.
        Raises ConfigError `ledger-newer`, `ledger-older`, `ledger-missing`, `ledger-exposed`, `ledger-foreign`,
        `ledger-unsupported`, PermanentError `ledger-damaged`, `ledger-denied`, TransientError `ledger-busy`,
        `disk-full`, `ledger-io`. Opening creates the file with mode 0600, and its folder with 0700 if missing.
        """
        if read_only:
            return cls(Connections.to_read(locate(location), unit), unit, clock)
        return cls(Connections.to_write(locate(location), unit, clock, new_epoch, durable=durable), unit, clock)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Finish the commit that is under way and let the file go; may be repeated."""
        self._connections.close()

    def lengthen_log(self) -> None:
        """Give commits room in advance, so that each waits for the disk once and not for the file system as well.

        For a daemon, which keeps its ledger open: closing gives the room back.
        """
        self._connections.lengthen_log()

    @property
    def epoch(self) -> int:
        """This node's epoch."""
        return self._connections.epoch

    def on_change(self, listener: Callable[[Touched], None]) -> None:
        """Have `listener` called after each commit with the states that transfers entered, or were changed in.

        It runs in the thread that committed, must be quick and must not raise. Changes by other processes are not told.
        """
        self._listeners = (*self._listeners, listener)

    # Changes

    def found(self, exports: Sequence[FoundExport]) -> list[Transfer]:
        """Record claimed exports as outbound transfers, in one commit; a claim already known is returned as it is."""
        return self.change(lambda change: arrivals.found(change, exports))

    def offered(self, offers: Sequence[Offer]) -> list[Transfer]:
        """Record listed bundles as inbound transfers, in one commit; a known (link, bundle) is returned as it is."""
        return self.change(lambda change: arrivals.offered(change, offers))

    def fetched(self, offers: Sequence[Offer], started_at: float) -> list[Transfer]:
        """Record bundles that are durable in our spool as fetched, in one commit, whether they were offered before or
        not; what is further is returned as it is. `started_at`: seconds since 1970 UTC."""
        return self.change(lambda change: arrivals.fetched(change, offers, started_at)) if offers else []

    def advance(self, step: Step) -> Transfer:
        """Move one transfer on and return it; calls from several threads share commits.

        Raises IllegalStepError; TransientError `transfer-moved-on`, `sequence-conflict`; PermanentError
        `already-delivered`, `fact-fixed`, `number-out-of-range`; SecurityError `equivocation`, `sequence-reused`,
        `receipt-mismatch`. ValueError unless outbound `sealed` has recipient, bundle_id, header_hash and sequence,
        inbound `delivered` with origin, bundle_id, header_hash, epoch and sequence, `...-receipted` with its receipt.
        """
        return self.change(lambda change: copies.advance(change, [step]))[0]

    def advance_many(self, steps: Sequence[Step]) -> list[Transfer]:
        """Move several transfers on in one transaction, in the order given: all of them, or none and an error."""
        return self.change(lambda change: copies.advance(change, steps))

    def fail(
        self,
        transfer: Transfer,
        stage: Stage,
        error: GatewayError,
        *,
        started_at: float,
        retry_at: float | None,
        facts: Facts = NO_FACTS,
    ) -> Transfer:
        """Record a failed attempt that began at `started_at`; `retry_at` None holds the transfer with `error.code`.

        facts: what the attempt taught all the same; its note is left out.
        """
        return self.change(
            lambda change: changes.fail(
                change, transfer, stage, error, started_at=started_at, retry_at=retry_at, facts=facts
            )
        )

    def hold(self, transfer: Transfer, code: str, actor: str, why: str) -> Transfer:
        """Hold a transfer; PermanentError `transfer-ended` if it owes nothing any more."""
        return self.change(lambda change: changes.hold(change, transfer, code, actor, why))

    def release(self, transfer: Transfer, actor: str, why: str) -> Transfer:
        """Take the hold off and try at once; what is not held is returned as it is."""
        return self.change(lambda change: changes.release(change, transfer, actor, why))

    def retry_now(self, transfer: Transfer, actor: str, why: str = "") -> Transfer:
        """Cut the backoff short, and have a resting link try at once; PermanentError `transfer-held`,
        `transfer-ended`."""

        def work(change: Change) -> Transfer:
            decisions.decide(change, decisions.retry(actor, transfer.link, transfer, why), done=transfer.link is None)
            return changes.retry_now(change, transfer, actor, why)

        return self.change(work)

    def retry_link(self, link: LinkName, actor: str, why: str = "") -> int:
        """Have `link` try at once, and with it what waits on it for the end of a backoff; return how many those are."""
        number = 0
        while found := self.change(lambda change: changes.retry_link(change, link, actor, why, BATCH)):
            number += found
        self.change(lambda change: decisions.decide(change, decisions.retry(actor, link, None, why), done=False))
        return number

    def give_up(
        self,
        before: float,
        *,
        link: LinkName | None = None,
        others: Collection[LinkName] = (),
        expects: bool = True,
        limit: int,
    ) -> list[Transfer]:
        """Hold what has owed the same effect since `before` (seconds since 1970 UTC) and return it.

        On `link`; or, if that is None, on no link yet and on every link but `others`. At most `limit` in one commit.
        expects: whether receipts are expected there; if not, what only awaits one is left alone.
        """
        return self.change(
            lambda change: changes.give_up(change, before, link=link, others=others, expects=expects, limit=limit)
        )

    def close_transfer(self, transfer: Transfer, actor: str, why: str) -> Transfer:
        """End a transfer by a person's decision; IllegalStepError where the lifecycle does not allow it."""
        return self.advance(Step(transfer, Event.CLOSED, Stage.OPERATE, Facts(note=why), actor=actor))

    def keep_receipt(self, transfer: Transfer, receipt: ReceiptRecord) -> None:
        """Keep a receipt that moves nothing (a warning, a repetition); may be repeated; else as `advance`."""
        self.change(lambda change: changes.keep_receipt(change, transfer, receipt))

    # The operators' questions

    def get(self, transfer_id: TransferId) -> Transfer:
        """Return one transfer as it is now; PermanentError `no-such-transfer`."""
        with self.reading() as connection:
            for transfer in asking.by_id(connection, transfer_id):
                return transfer
        raise changes.no_such(transfer_id)

    def by_bundle(self, bundle_id: BundleId, direction: Direction | None = None) -> list[Transfer]:
        """Return the transfers of one bundle: outbound one per recipient, inbound one per link it came over."""
        with self.reading() as connection:
            return asking.by_bundle(connection, bundle_id, direction)

    def by_claim(self, claim: ClaimToken) -> Transfer | None:
        """Return the transfer of a claimed export; None if it is not recorded."""
        return next(iter(self.of_claim(claim)), None)

    def of_claim(self, claim: ClaimToken) -> list[Transfer]:
        """Return the transfers of a claimed export, one to each recipient of its bundle, the export's own first."""
        with self.reading() as connection:
            return asking.by_claim(connection, claim)

    def search(self, wanted: TransferFilter, limit: int = 50, offset: int = 0) -> list[Transfer]:
        """Return what the filter lets through, newest first, as far as `look_for` looks."""
        return [*self.look_for(wanted, limit, offset).transfers]

    def look_for(self, wanted: TransferFilter, limit: int, offset: int) -> Found:
        """Return what the filter lets through, newest first, and how far back was looked: all the way, but for the
        beginning of a case number that very many have, with nothing beside it that few have."""
        with self.reading() as connection:
            return casesearch.search(connection, wanted, limit, offset)

    def timeline(self, transfer_id: TransferId) -> list[TimelineEntry]:
        """Return a transfer's history, oldest first; empty if there is no such transfer."""
        with self.reading() as connection:
            return histories.timeline(connection, transfer_id)

    def receipts(self, bundle_id: BundleId) -> list[ReceiptRecord]:
        """Return what was signed about a bundle, oldest first."""
        with self.reading() as connection:
            return histories.receipts_of(connection, bundle_id)

    def owed_and_held(self) -> tuple[int, int]:
        """Return how many transfers owe something, and how many of all are held."""
        with self.reading() as connection:
            return queries.owed_and_held(connection)

    def counts(self) -> Counts:
        """Return the ledger at a glance."""
        with self.reading() as connection:
            return queries.counts(connection)

    def copy_to(self, path: Path) -> None:
        """Write one moment of the ledger to the new file `path`, whole and fsynced, while others go on using it."""
        self._connections.copy_to(path)

    def check(self) -> None:
        """Read the whole file; PermanentError `ledger-damaged` with the first complaint. Takes seconds per GiB."""
        with self.reading() as connection:
            complaints = damage(connection) or state_counts.complaints(connection)
        if complaints:
            raise PermanentError(
                "ledger-damaged", complaints[0], scope=Scope.NODE, facts={"complaints": len(complaints)}
            )

    # The doors of this room's other parts

    def reading(self) -> AbstractContextManager[Connection]:
        """Lend a connection that sees one moment of the ledger and cannot write."""
        return self._connections.reading()

    def change(self, work: Callable[[Change], T]) -> T:
        """Run `work` as one caller's part of a transaction; what it returns is durable."""
        touched: Touched = set()

        def run(connection: Connection) -> T:
            change = Change(connection, self._unit, self.epoch, self._clock.now(), touched)
            result = work(change)
            state_counts.move(change.connection, change.counted)
            return result

        def announce() -> None:
            for listener in self._listeners if touched else ():
                listener(touched)

        return self._connections.change(run, announce)
