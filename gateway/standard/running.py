"""From what a node has seen of a case to the terms that run in it: pure, and the same whenever it is asked."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo
from functools import partial
from types import MappingProxyType
from typing import Final

from gateway.domain.deadlines import CASE, Note, Outcome, RunningTerm, SeenPackage, TermKind
from gateway.domain.matter import Matter
from gateway.standard import casefile, fields
from gateway.standard.calendars import Calendar
from gateway.standard.casefile import CaseFile, Moment
from gateway.standard.catalogue import Deadline, Flow, Standard
from gateway.standard.conditions import holds, names
from gateway.standard.dates import day_at
from gateway.standard.terms import Reckoning, reckon

CUSTODY: Final = frozenset({"detained", "arrested", "liuzhi"})
"""Coercive measures that take a person's liberty."""
NOT_SEEN: Final = "not-seen"
NOT_STATED: Final = "not-stated"
"""Why a term cannot be counted here: its event passes no node, or nobody stated the day it counts from."""

_MAIN_PACKAGES: Final = frozenset({"prosecution-transfer", "supervision-case-transfer", "first-instance-prosecution"})
_RETURNED_BY: Final = MappingProxyType(
    {
        "prosecution-transfer": ("supplementary-investigation",),
        "supervision-case-transfer": ("supplementary-investigation",),
    }
)
"""What sends a case back, so that its term begins anew when it comes again (刑诉法 175.3)."""
_SUPPLEMENT: Final = "evidence-supplement"


@dataclass(frozen=True, slots=True)
class _Begun:
    """A deadline that begins with one package. `flow`: whose deadline it is."""

    root: SeenPackage
    flow: Flow
    deadline: Deadline
    is_ours: bool
    is_foreign: bool
    """It began with a package of another flow than its own."""


def terms_in(seen: Sequence[SeenPackage], standard: Standard, zone: tzinfo) -> tuple[RunningTerm, ...]:
    """Return every term of one case, by what began it; in which order the packages were given makes no difference.

    seen: what passed here of the case. zone: of the node; days begin and end there.
    """
    file = CaseFile(tuple(sorted(seen, key=lambda one: (one.at, one.transfer))), standard, zone)
    found: list[RunningTerm] = []
    for one in file.seen:
        begun = () if one.is_copy else tuple(_begun(one, file))
        for position in _positions(one) if begun else ():
            found += _of_person([each for each in begun if _is_for(each, position)], position, file)
    return tuple(found)


def rule_of(term: RunningTerm, standard: Standard, now: float) -> tuple[Flow | None, Deadline | None]:
    """Return the flow and the deadline behind a term, in the edition that counted when it began, else today's.

    standard: in all its editions. now: seconds since 1970 UTC; an edition that is to come rules nothing yet.
    """
    today = day_at(now)
    begun = today if term.started_at is None else min(day_at(term.started_at), today)
    flows = [found for day in (begun, today) if (found := standard.flow(term.flow, day)) is not None]
    for flow in flows:
        for deadline in flow.deadlines:
            if deadline.id == term.deadline:
                return flow, deadline
    return (flows[-1] if flows else None), None


def _begun(one: SeenPackage, file: CaseFile) -> Iterator[_Begun]:
    day = datetime.fromtimestamp(one.at, file.zone).date()
    own = file.standard.flow(one.matter.flow, day)
    for deadline in own.deadlines if own is not None else ():
        is_ours = one.is_outbound is (deadline.owner == "sender")
        # Where the sending ends it, that has happened: only the sender is told how it stood.
        is_told = is_ours or (deadline.kind != TermKind.SEND and not deadline.clock.startswith("event:"))
        if own is not None and deadline.owner in ("sender", "receiver") and is_told and _is_own(deadline.clock):
            yield _Begun(one, own, deadline, is_ours, is_foreign=False)
    clocks = _clocks(one.matter)
    for flow in file.standard.flows(day):
        for deadline in flow.deadlines:
            if deadline.clock in clocks and (by := _starter(deadline, flow, one)) is not None:
                yield _Begun(one, flow, deadline, one.is_outbound is (by == "sender"), is_foreign=True)


def _clocks(matter: Matter) -> frozenset[str]:
    """Return the only clocks that a package with `matter` may start, see `_starter`: most deadlines have another."""
    receipts = (f"receipt:{what}" for what in (matter.flow, *matter.documents))
    events = (
        f"{matter.flow}.receipt",
        f"{matter.request}.accepted",
        "main-package.sent",
        matter.fact(casefile.STAGE_CODE),
    )
    return frozenset((*receipts, *(f"event:{what}" for what in events)))


def _is_own(clock: str) -> bool:
    """Whether a clock counts from the flow's own package, or from an event that no package of another flow tells of."""
    if clock.startswith("event:"):
        return not (clock == "event:main-package.sent" or clock.endswith((".accepted", ".receipt")))
    return not clock.startswith("receipt:")


def _starter(deadline: Deadline, flow: Flow, one: SeenPackage) -> str | None:
    """Return which side of `one` must act because of it: `sender`, `receiver`, or None if it starts nothing."""
    kind, _, what = deadline.clock.partition(":")
    matter = one.matter
    if kind == "receipt" and what:
        # A document that goes with several answers starts what is owed to its own request alone.
        is_its = deadline.kind != TermKind.REPLY or matter.request == flow.code
        return "receiver" if what == matter.flow or (what in matter.documents and is_its) else None
    if kind != "event":
        return None
    if what.endswith(".receipt"):
        return "receiver" if matter.flow == what.removesuffix(".receipt") else None
    if what.endswith(".accepted"):
        is_so = "acceptance-notice" in matter.documents or matter.fact("court-acceptance-date")
        return "sender" if matter.request == what.removesuffix(".accepted") and is_so else None
    if what == "main-package.sent":
        return "sender" if matter.flow in _MAIN_PACKAGES and matter.fact("seized-property") else None
    noticed = matter.flow == casefile.STAGE_FLOW and matter.fact(casefile.STAGE_CODE) == what
    return "sender" if noticed else None


def _positions(one: SeenPackage) -> Sequence[int]:
    return (CASE, *range(len(one.matter.persons)))


def _is_for(begun: _Begun, position: int) -> bool:
    """Whether a deadline is counted for `position`: for each person where the flow or its answer is of persons, or
    where it hangs on something of a person's; else for the case."""
    return (position != CASE) is (bool(begun.root.matter.persons) and _is_of_persons(begun))


def _is_of_persons(begun: _Begun) -> bool:
    flow, deadline = begun.flow, begun.deadline
    asked = set(names(deadline.when)) | {deadline.clock.partition(":")[2]}
    return (
        flow.unit in ("person", "batch")
        or (flow.reply is not None and flow.reply.per == "person")
        or deadline.calendar == Calendar.NATURAL_AUTO
        or any(name in fields.OF_PERSON or name in fields.OF_LISTS for name in asked)
    )


def _of_person(begun: Sequence[_Begun], position: int, file: CaseFile) -> Iterator[RunningTerm]:
    """Return the terms of one person. Of deadlines that exclude each other, and of which nobody says which one counts,
    the one that ends first counts."""
    unsure: dict[tuple[object, ...], list[RunningTerm]] = {}
    sure: set[tuple[object, ...]] = set()
    for one in begun:
        counts = holds(one.deadline.when, partial(file.fact, of=one.root, position=position))
        if counts is False:
            continue
        rivals: tuple[object, ...] = (one.flow.code, one.deadline.kind, one.deadline.clock, names(one.deadline.when))
        term = _term(one, position, file)
        if term is None:
            continue
        if counts:
            sure.add(rivals)
            yield term
        else:
            unsure.setdefault(rivals, []).append(replace(term, notes=(*term.notes, Note.ASSUMED)))
    for rivals, terms in unsure.items():
        if rivals not in sure:
            yield min(terms, key=lambda one: (one.due_at is None, one.due_at or 0.0))


def _term(begun: _Begun, position: int, file: CaseFile) -> RunningTerm | None:
    """Return the term as it stands; None while what begins it has not happened yet."""
    root, deadline = begun.root, begun.deadline
    term = RunningTerm(
        transfer=root.transfer,
        flow=begun.flow.code,
        deadline=deadline.id,
        position=position,
        kind=TermKind(deadline.kind),
        is_ours=begun.is_ours,
        peer=root.peer,
        case_no=root.case_no,
        shown=root.matter.persons[position].shown if position != CASE else "",
        limit=deadline.limit,
    )
    start, notes, why_not = _start(begun, position, file)
    term = _ended(term, begun, position, file)
    if why_not:
        return replace(term, why_not=why_not)
    if start is None:
        return None
    return _counted(replace(term, notes=notes), start, begun, position, file)


def _start(begun: _Begun, position: int, file: CaseFile) -> tuple[Moment | None, tuple[Note, ...], str]:
    root, clock = begun.root, begun.deadline.clock
    kind, _, what = clock.partition(":")
    if kind in ("field", "before"):
        later = (*file.answers(root, position), *file.notices(root, position, outbound=root.is_outbound))
        stated = file.moment(file.fact(what, root, position, later))
        if stated is None:
            return None, (), NOT_STATED
        is_bare = stated.is_day and begun.deadline.calendar == Calendar.HOURS
        return stated, (Note.HOUR_ASSUMED,) if is_bare else (), ""
    if kind == "event" and not begun.is_foreign:
        return None, (), NOT_SEEN
    if kind == "event" and not what.endswith(".receipt"):
        day = file.moment(root.matter.fact("court-acceptance-date")) if what.endswith(".accepted") else None
        return day or _moment(root.at, file), (), ""
    if root.arrived_at is None:
        return None, (), ""
    bounded = max(root.at, min(root.arrived_at, root.heard_at or root.arrived_at))
    return _moment(bounded, file), (Note.CLOCK_BOUNDED,) if bounded != root.arrived_at else (), ""


def _moment(at: float, file: CaseFile) -> Moment:
    return Moment(datetime.fromtimestamp(at, file.zone), is_day=False)


def _counted(term: RunningTerm, start: Moment, begun: _Begun, position: int, file: CaseFile) -> RunningTerm:
    deadline = begun.deadline
    notes = list(term.notes)
    measure = file.fact("coercive-measure", begun.root, position)
    if not measure and position != CASE and deadline.calendar == Calendar.NATURAL_AUTO:
        notes.append(Note.CUSTODY_ASSUMED)
    paused, is_paused = _pauses(begun, position, file)
    since = start.at + timedelta(days=paused)
    if paused:
        notes.append(Note.INTERRUPTED)
    measured = partial(
        reckon,
        since,
        deadline,
        file.standard.holidays,
        in_custody=measure in CUSTODY or (not measure and deadline.calendar == Calendar.NATURAL_AUTO),
        back=deadline.clock.startswith("before:"),
    )
    limit = _extension(begun, position, file, measured, notes)
    found: Reckoning = measured(limit=limit)
    if found.end.moved:
        notes.append(Note.MOVED)
    if found.end.unknown:
        notes.append(Note.HOLIDAYS_UNKNOWN)
    term = replace(term, started_at=start.at.timestamp(), limit=limit or deadline.limit)
    if is_paused:
        return replace(term, notes=(*notes, Note.SUSPENDED))
    amber, red, due = (one.timestamp() for one in (found.amber, found.red, found.end.at))
    return replace(
        term,
        amber_at=amber,
        red_at=red,
        due_at=due,
        overdue_at=max(due, min(amber, red)),
        last_day=found.end.last_day.isoformat(),
        notes=tuple(notes),
    )


def _pauses(begun: _Begun, position: int, file: CaseFile) -> tuple[int, bool]:
    """Return the days that a term stood still by notice of who must act, and whether it does now."""
    days, since = 0, None
    for one in file.notices(begun.root, position, outbound=begun.is_ours):
        code, day = one.matter.fact(casefile.STAGE_CODE), datetime.fromtimestamp(one.at, file.zone).date()
        if code == casefile.SUSPENDED and since is None:
            since = day
        elif code == casefile.RESUMED and since is not None:
            days, since = days + (day - since).days, None
    return days, since is not None


def _extension(
    begun: _Begun, position: int, file: CaseFile, measured: Callable[..., Reckoning], notes: list[Note]
) -> str:
    """Return the longer limit that was allowed, empty for none.

    A tier that names its case counts where that is stated. One that does not needs a notice of who must act, with its
    legal basis; what the notice says beyond the longest tier does not count.
    """
    root, deadline = begun.root, begun.deadline
    limit, open_tiers = "", []
    notices = tuple(file.notices(root, position, outbound=begun.is_ours))
    later = (*file.answers(root, position), *notices)
    for tier in deadline.extensions:
        if not tier.when:
            open_tiers.append(tier.limit)
        elif holds(tier.when, partial(file.fact, of=root, position=position, later=later)) is True:
            limit = tier.limit
    wanted = [one for one in notices if _is_extension(one)] if open_tiers else []
    granted = [one for one in wanted if one.matter.fact(casefile.BASIS)]
    if wanted and not granted:
        notes.append(Note.BASELESS)
    for one in granted:
        until = file.moment(one.matter.fact(casefile.STAGE_DUE))
        limit = open_tiers[0]
        if until is not None:
            enough = [tier for tier in open_tiers if measured(limit=tier).end.last_day >= until.at.date()]
            limit = enough[0] if enough else open_tiers[-1]
            if not enough:
                notes.append(Note.CAPPED)
    if limit:
        notes.append(Note.EXTENDED)
    return limit


def _is_extension(one: SeenPackage) -> bool:
    return one.matter.flow == casefile.CUSTODY_FLOW or one.matter.fact(casefile.STAGE_CODE) == casefile.EXTENDED


def _ended(term: RunningTerm, begun: _Begun, position: int, file: CaseFile) -> RunningTerm:
    """Return the term with what ended it, whichever came first."""
    root, deadline = begun.root, begun.deadline
    ends: list[tuple[SeenPackage, Outcome]] = []
    if (withdrawn := file.withdrawal(root)) is not None:
        ends.append((withdrawn, Outcome.WITHDRAWN))
    if deadline.kind == TermKind.SEND:
        if not begun.is_foreign:
            return replace(term, outcome=Outcome.SENT, ended_at=root.at, ended_by=root.transfer)
        ends += (
            (one, Outcome.SENT) for one in file.sendings((begun.flow.code,), root, position, outbound=begun.is_ours)
        )
    elif begun.is_foreign:
        flows = (begun.flow.code, _SUPPLEMENT)
        ends += ((one, Outcome.SENT) for one in file.sendings(flows, root, position, outbound=begun.is_ours))
    else:
        back = _RETURNED_BY.get(begun.flow.code, ())
        its = file.answers(root, position, interim=deadline.interim)
        ends += ((one, Outcome.ANSWERED) for one in its)
        ends += ((one, Outcome.ANSWERED) for one in file.sendings(back, root, position, outbound=not root.is_outbound))
    ends += (
        (one, Outcome.CLOSED)
        for one in file.notices(root, position, outbound=begun.is_ours)
        if one.matter.fact(casefile.STAGE_CODE) == casefile.CLOSED
    )
    if not ends:
        return term
    by, outcome = min(ends, key=lambda one: (one[0].at, one[0].transfer))
    return replace(term, outcome=outcome, ended_at=by.at, ended_by=by.transfer)
