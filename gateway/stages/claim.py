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
"""Exports claimed before the ledger is told: one commit for many, and little to adopt after a power cut."""


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

        Called once before the first step: a claim that stands in the spool is ours to lose even if power was cut
        before its record.
        """
        recovery = self._shelf.recover()
        for problem in recovery.problems:
            self._ops.error("claim-damaged", code=problem.code, detail=problem.detail)
        orphans = []
        for claim in recovery.claims:
            copies = self._ledger.of_claim(claim.token)
            if not copies:
                orphans.append(claim)
            elif all(one.state in (State.REFUSED, State.CLOSED) for one in copies):
                self._finish(claim, copies)
        # The ledger numbers them as they are told; nothing claimed before them is unrecorded.
        self._record(sorted(orphans, key=lambda claim: (claim.newest_ns, claim.name)))
        for watched in self._routes:
            for _stranded in self._shelf.orphans(watched.folder):
                self._ops.alert("claim-stranded", route=watched.name)
        return len(orphans)

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
        """Claim one batch of the route's settled exports, small ones first; return whether more can be claimed at once.

        One that changes, is locked or does not fit on the disk waits for a later scan; its neighbours go on, unless
        the route keeps order.
        """
        scan = watched.watch.scan()
        claims: list[Claim] = []
        failing = {problem.name: problem.error.code for problem in scan.problems}
        takes = self._takes(watched) if scan.settled else 0
        waiting = _in_order(scan) if watched.keeps_order else _small_first(scan)
        try:
            for number, candidate in enumerate(waiting):
                if len(claims) == BATCH:
                    return True
                size = _size(candidate, scan)
                try:
                    # The ledger does not know the claims of this batch yet.
                    needed = takes * size + sum(claim.size for claim in claims)
                    self._shortage.space.may_accept(needed, small=size <= SMALL_BYTES)
                except TransientError as error:
                    # What is larger than this one does not fit either, and what was dropped later must wait for it.
                    lacking = [_size(one, scan) for one in waiting[number:]]
                    self._shortage.waits(f"claim {watched.name}", lacking, error)
                    break
                try:
                    claims.append(
                        self._shelf.claim(watched.folder, candidate, watched.name, self._new_token(), seen=scan.entries)
                    )
                except GatewayError as error:
                    if error.scope is Scope.ROUTE:
                        raise
                    failing[candidate.name] = error.code
                    if watched.keeps_order:
                        break
            else:
                self._shortage.waits(f"claim {watched.name}", ())
        finally:
            self._record(claims)
        self._reminders.seen(watched.name, scan.waiting, failing)
        self._complain(watched.name, frozenset(failing.values()))
        watched.gate.succeeded()
        return False

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
