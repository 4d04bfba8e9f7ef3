"""Counts the terms that run in each case as packages and receipts pass, and alerts when one is near or past."""

from collections.abc import Callable, Sequence
from datetime import datetime, tzinfo
from typing import Final

from gateway.alerts.addressing import Addresses
from gateway.domain.alerts import Alert, AlertKind, Severity
from gateway.domain.clock import Clock
from gateway.domain.deadlines import RunningTerm
from gateway.domain.oplog import OpsLog
from gateway.ledger.alerts import Addressed
from gateway.ledger.store import Ledger
from gateway.ledger.term_cases import Case
from gateway.ledger.terms import Known, level
from gateway.stages.alerting import sink_worker
from gateway.standard.catalogue import Deadline, Flow
from gateway.standard.loading import StandardPlace, load_standard
from gateway.standard.running import rule_of, terms_in

PAUSE_SECONDS: Final = 1.0
"""Between two counts: terms are in hours and days, and a wave of packages is counted together."""
LOOK_SECONDS: Final = 3600.0
"""At the latest; a clock that was set is noticed by then."""
AT_ONCE: Final = 200
"""Terms alerted in one commit."""


class TermStage:
    """Keeps the ledger's terms as they follow from what passed. Whatever is cut off is done again to the same end."""

    name = "terms"

    def __init__(
        self,
        *,
        standard: StandardPlace,
        zone: tzinfo,
        addresses: Addresses,
        ledger: Ledger,
        clock: Clock,
        ops: OpsLog,
        ring: Callable[..., None],
    ) -> None:
        """zone: of the node; days begin and end there."""
        self._standard = standard
        self._zone = zone
        self._addresses = addresses
        self._ledger = ledger
        self._clock = clock
        self._ops = ops
        self._ring = ring
        # Who counts by another standard or zone begins at the beginning.
        self._reader = f"terms {standard.digest} {zone}"
        self._counted_at: float | None = None

    def step(self) -> float | None:
        """Count what moved, alert what is due; return the seconds until the next term reaches a level."""
        since = None if self._counted_at is None else self._clock.monotonic() - self._counted_at
        if since is not None and 0 <= since < PAUSE_SECONDS:
            return PAUSE_SECONDS - since
        self._counted_at = self._clock.monotonic()
        if self._count():
            return PAUSE_SECONDS
        if self._alert():
            return PAUSE_SECONDS
        following = self._ledger.terms.next_at()
        return LOOK_SECONDS if following is None else min(LOOK_SECONDS, max(0.0, following - self._clock.now()))

    def _count(self) -> bool:
        """Count the cases that moved; return whether there may be more."""
        terms = self._ledger.terms
        event, moved = terms.news(self._reader)
        if event is None:
            return False
        standard = load_standard(self._standard)
        counted: list[tuple[Case, Sequence[RunningTerm]]] = []
        for case in terms.cases(moved):
            try:
                counted.append((case, terms_in(case.seen, standard, self._zone)))
            except (ArithmeticError, ValueError):
                # One case that cannot be reckoned keeps nobody from counting the others.
                self._ops.alert("terms-uncounted", transfer=case.seen[-1].transfer)
        terms.keep(counted, self._clock.now(), reader=self._reader, event=event)
        return True

    def _alert(self) -> bool:
        now = self._clock.now()
        found = self._ledger.terms.to_alert(now, AT_ONCE)
        if not found:
            return False
        new = self._ledger.terms.alerted([self._addressed(one, now) for one in found])
        self._ops.info("terms-alerted", count=new)
        self._ring(*(sink_worker(rule.name) for rule in self._addresses.rules))
        return len(found) == AT_ONCE

    def _addressed(self, known: Known, now: float) -> tuple[RunningTerm, int, Addressed]:
        term = known.term
        reached = level(term, now)
        flow, deadline = rule_of(term, load_standard(self._standard), now)
        subject = " ".join(map(str, ("term", *term.key, term.last_day, reached)))
        facts = facts_of(term, flow, deadline, self._zone)
        name = f"{term.flow}/{term.deadline}"
        alert = Alert(now, AlertKind.DEADLINE, Severity(reached), subject, name, facts)
        return term, reached, Addressed(alert, self._addresses.of(alert))


def facts_of(
    term: RunningTerm, flow: Flow | None, deadline: Deadline | None, zone: tzinfo
) -> dict[str, str | int | bool | None]:
    """Return what an alert says of a term."""
    due = None if term.due_at is None else datetime.fromtimestamp(term.due_at, zone).isoformat(timespec="minutes")
    return {
        "transfer": term.transfer,
        "case_no": term.case_no,
        "unit": term.peer,
        "is_ours": term.is_ours,
        "person": term.shown,
        "flow": term.flow,
        "flow_zh": flow.zh if flow is not None else term.flow,
        "flow_en": flow.en if flow is not None else term.flow,
        "term_zh": deadline.zh if deadline is not None else term.deadline,
        "term_en": deadline.en if deadline is not None else term.deadline,
        "basis": " ".join(deadline.basis) if deadline is not None else "",
        "limit": term.limit,
        "last_day": term.last_day,
        "due": due,
        "notes": " ".join(term.notes),
    }
