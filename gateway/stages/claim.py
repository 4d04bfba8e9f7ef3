"""The first leg: settled exports move out of the outbound folders into the spool, and the ledger learns of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.domain.clock import Clock
from gateway.domain.errors import GatewayError, Scope, TransientError
from gateway.domain.ids import ClaimToken, RouteName
from gateway.domain.lifecycle import State
from gateway.domain.oplog import OpsLog
from gateway.domain.records import FoundExport, Transfer
from gateway.folders import disk
from gateway.folders.claim import Claim, ClaimShelf
from gateway.folders.feedback import REJECT
from gateway.folders.space import SMALL_BYTES
from gateway.folders.watch import OutboundWatch, ScanResult, Why
from gateway.ledger.store import Ledger
from gateway.packing import Candidate
from gateway.stages.blocking import is_blocked, is_infected, set_apart
from gateway.stages.gate import Gate
from gateway.stages.reminding import Overdue, Reminders
from gateway.stages.shortage import Shortage
from gateway.stages.suspects import QuarantineDesk

BATCH = 64
"""Exports claimed together before the ledger is told: one round of syncs and one commit for many, and little to adopt
after a power cut."""
DISK_FULL = "disk-full"
_OVER = frozenset({State.REFUSED, State.CLOSED})
"""States of an export that reached nobody and never will."""
LOOK_AGAIN = 1.0
"""Seconds after which the folder is looked at again although the last look is not used up: something small may have
come since."""
LOOK_SHARE = 20
"""So many times as long as the last look took is claimed before the next: a folder of thousands takes long to look
at."""


@dataclass(frozen=True, slots=True)
class WatchedRoute:
    """A route together with the eye on its folder and its health."""

    name: RouteName
    folder: Path
    watch: OutboundWatch
    gate: Gate
    keeps_order: bool = False
    """Exports are claimed in the order in which they were dropped: that of their newest change, then of their names."""


class ClaimStage:
    """Scans every outbound folder and claims what is settled. One for the node: claims are cheap."""

    name = "claim"

    def __init__(
        self,
        *,
        routes: Sequence[WatchedRoute],
        shelf: ClaimShelf,
        quarantine: QuarantineDesk,
        shortage: Shortage,
        reminders: Reminders,
        ledger: Ledger,
        new_token: Callable[[], ClaimToken],
        clock: Clock,
        ops: OpsLog,
        scan_seconds: float,
    ) -> None:
        self._routes = routes
        self._shelf = shelf
        self._quarantine = quarantine
        self._shortage = shortage
        self._reminders = reminders
        self._ledger = ledger
        self._new_token = new_token
        self._clock = clock
        self._ops = ops
        self._scan_seconds = scan_seconds
        self._complaints: dict[RouteName, frozenset[str]] = {}
        self._unrecorded: list[Claim] = []

    def adopt(self) -> int:
        """Finish interrupted claims and make known to the ledger what it has not recorded; return how many there were.
        What cannot be finished is told, and stops nothing.

        Called once before the first step: a claim that stands in the spool is ours to lose even if power was cut
        before its record.
        """
        recovery = self._shelf.recover(self._under_way())
        for problem in recovery.problems:
            self._ops.error("claim-damaged", code=problem.code, detail=problem.detail)
        orphans = []
        states = self._ledger.several.states_of_claim([claim.token for claim in recovery.claims])
        for claim in recovery.claims:
            if not states[claim.token]:
                orphans.append(claim)
            elif states[claim.token] <= _OVER:
                try:
                    self._finish(claim, self._ledger.of_claim(claim.token))
                except GatewayError as error:
                    # The original stays on the shelf until the next start: no other export waits for it.
                    self._ops.error("claim-damaged", code=error.code, detail=error.detail)
        # The ledger numbers them as they are told; nothing claimed before them is unrecorded.
        self._record(sorted(orphans, key=lambda claim: (claim.newest_ns, claim.name)))
        for watched in self._routes:
            for _stranded in self._shelf.orphans(watched.folder):
                self._ops.alert("claim-stranded", route=watched.name)
        return len(orphans)

    def _under_way(self) -> set[ClaimToken]:
        """Return the claims that are recorded and still owed or retained: all that is to be told of them was told."""
        states = self._ledger.several.states_of_claim([ClaimToken(name) for name in self._shelf.tokens()])
        return {token for token, of_copies in states.items() if of_copies and not of_copies <= _OVER}

    def _finish(self, claim: Claim, copies: Sequence[Transfer]) -> None:
        """Do with the original of what is over what was cut off: throw it away, set it apart, or give it back."""
        if any(is_blocked(self._ledger, one) for one in copies):
            self._shelf.discard(claim.token)
        elif any(is_infected(self._ledger, one) for one in copies):
            set_apart(copies[0], self._shelf, self._quarantine)
        else:
            self._shelf.release(claim.token, claim.root / REJECT)

    def step(self) -> float | None:
        """Scan every folder once, claim what is settled; return the seconds until the next scan."""
        self._record(())
        again = False
        for watched in self._routes:
            if watched.gate.wait():
                continue
            try:
                again |= self._claim_settled(watched)
            except GatewayError as error:
                if not watched.gate.failed(error):
                    raise
        return 0.0 if again else self._scan_seconds

    def overdue(self) -> list[Overdue]:
        """Return what waits in the outbound folders for longer than it should, as the last scans saw it. Any thread."""
        return self._reminders.overdue()

    def _claim_settled(self, watched: WatchedRoute) -> bool:
        """Claim the route's settled exports, small ones first; return whether more can be claimed at once.

        A scan looks at everything in the folder, so what one found settled is claimed batch by batch without another.
        One that changes, is locked or does not fit on the disk waits for a later scan; its neighbours go on, unless
        the route keeps order.
        """
        began = self._clock.monotonic()
        scan = watched.watch.scan()
        looked = self._clock.monotonic()
        until = looked + max(LOOK_AGAIN, LOOK_SHARE * (looked - began))
        failing = {problem.name: problem.error.code for problem in scan.problems}
        waiting = _in_order(scan) if watched.keeps_order else _small_first(scan)
        takes = self._takes(watched) if waiting else 0
        at, has_claimed = 0, False
        while at < len(waiting):
            if has_claimed and self._clock.monotonic() >= until:
                return True
            batch = self._fitting(watched, waiting[at:], scan, takes)
            if not batch:
                break
            failed = self._claim_batch(watched, batch, scan)
            failing |= failed
            has_claimed |= len(failed) < len(batch)
            if failed and (watched.keeps_order or DISK_FULL in failed.values()):
                break  # no other fits either where the disk gives no more than it says it has: a quota, its inodes
            at += len(batch)
        else:
            self._shortage.waits(f"claim {watched.name}", ())
        self._reminders.seen(watched.name, scan.waiting, failing)
        self._complain(watched.name, frozenset(failing.values()))
        watched.gate.succeeded()
        return False

    def _fitting(
        self, watched: WatchedRoute, waiting: Sequence[Candidate], scan: ScanResult, takes: int
    ) -> Sequence[Candidate]:
        """Return the next of `waiting` that are claimed together, one alone where room is scarce; none: there is none.

        What is large goes alone: no small one should wait for it.
        """
        sizes = [_size(candidate, scan) for candidate in waiting[:BATCH]]
        small = next((at for at, size in enumerate(sizes) if size > SMALL_BYTES), len(sizes))
        for count in (small, 1) if small > 1 else (1,):
            try:
                # The ledger does not know the claims of this batch yet.
                self._shortage.space.may_accept(takes * sum(sizes[:count]), small=sizes[0] <= SMALL_BYTES)
            except TransientError as error:
                if count == 1:
                    # What is larger than this one does not fit either, and what was dropped later must wait for it.
                    lacking = [_size(one, scan) for one in waiting]
                    self._shortage.waits(f"claim {watched.name}", lacking, error)
            else:
                return waiting[:count]
        return ()

    def _claim_batch(self, watched: WatchedRoute, batch: Sequence[Candidate], scan: ScanResult) -> dict[str, str]:
        """Claim `batch` and tell the ledger; return the codes of what could not be claimed, by name.

        Where order is kept, one must be ours before the next is touched.
        """
        claims: list[Claim] = []
        failures: dict[str, str] = {}
        try:
            for group in [[one] for one in batch] if watched.keeps_order else [batch]:
                wanted = {self._new_token(): candidate for candidate in group}
                made, failed = self._shelf.claim_all(watched.folder, list(wanted.items()), watched.name, scan.entries)
                claims += made
                failures |= {wanted[token].name: error.code for token, error in failed.items()}
                for error in failed.values():
                    if error.scope is Scope.ROUTE:
                        raise error
                if failed:
                    break
        finally:
            self._record(claims)
        return failures

    def _takes(self, watched: WatchedRoute) -> int:
        """Return what an export will take of our disk, as a multiple of its size: its bundle as much again, and the
        original where it comes from another disk."""
        return 1 if disk.device(watched.folder) == disk.device(self._shortage.space.root) else 2

    def _complain(self, route: RouteName, codes: frozenset[str]) -> None:
        """Log what keeps exports of a route waiting, once, until it is something else."""
        if codes != self._complaints.get(route, frozenset()):
            self._complaints[route] = codes
            self._ops.warn("exports-wait", route=route, codes=" ".join(sorted(codes)))

    def _record(self, claims: Sequence[Claim]) -> None:
        """Make known to the ledger what was claimed, and what it could not take before: nobody else knows of it."""
        self._unrecorded += claims
        if not self._unrecorded:
            return
        now = self._clock.now()
        self._ledger.found([FoundExport(c.token, c.route, c.name, c.size, now) for c in self._unrecorded])
        told, self._unrecorded = self._unrecorded, []
        self._ops.info("exports-claimed", count=len(told), bytes=sum(c.size for c in told))


def _size(candidate: Candidate, scan: ScanResult) -> int:
    return sum(scan.entries[part].size for part in candidate.parts)


def _small_first(scan: ScanResult) -> list[Candidate]:
    return sorted(scan.settled, key=lambda one: _size(one, scan))


def _in_order(scan: ScanResult) -> list[Candidate]:
    """Return the settled exports in the order in which they were dropped, up to the first that is still to settle.

    What lacks its mark is not dropped yet. What could not be looked at may be older than all others.
    """
    if any(isinstance(problem.error, TransientError) for problem in scan.problems):
        return []
    dropped = {c.name: (max(scan.entries[part].mtime_ns for part in c.parts), c.name) for c in scan.settled}
    unsettled = (Why.SETTLING, Why.GROWING)
    first = min(((one.newest_ns, one.candidate.name) for one in scan.waiting if one.why in unsettled), default=None)
    ready = [one for one in scan.settled if first is None or dropped[one.name] < first]
    return sorted(ready, key=lambda one: dropped[one.name])
