"""Checks of dates: readable, in the order of proceedings, not in the future, and the terms of custody."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from types import MappingProxyType
from typing import Final

from gateway.standard.check_ages import plausible_age
from gateway.standard.checking import Case
from gateway.standard.dates import When, read_when
from gateway.standard.fields import values
from gateway.standard.findings import Verdict
from gateway.standard.registry import Check

DETENTION = "detained"
CHAIN: Final = (
    "offence-start",
    "offence-end",
    "filing-date",
    "coercive-start",
    "arrest-request-date",
    "arrest-acceptance",
    "arrest-decision-date",
    "arrest-exec-date",
    "prosecution-transfer-date",
    "prosecution-acceptance",
    "indictment-date",
    "court-acceptance-date",
    "hearing-time",
    "judgment-date",
    "judgment-received-date",
    "effective-date",
    "admission-date",
)
"""行为≤立案≤拘留≤提捕≤受理≤决定≤执行≤移送≤受理≤起诉≤立案≤开庭≤宣判≤生效≤收监; of measures only detention."""
ACCEPTED: Final = "proc-acceptance-date"
"""When the procuratorate accepted the case: after what it was asked, before what it decided."""
COMPLETED: Final = "proc-completion-date"
"""When it was done with it."""
_ARREST: Final = frozenset({"arrest-request", "arrest-decision"})
_PROSECUTION: Final = frozenset({"prosecution-transfer", "prosecution-decision"})
"""Where what is decided about a person is whether to prosecute."""
_PLANNED: Final = frozenset(
    {"coercive-end", "sentence-end", "hearing-time", "reply-deadline", "stage-due", "release-date", "effective-date"}
)
"""Dates that may well lie ahead."""
_CUSTODY: Final = frozenset({DETENTION, "arrested"})
_AFTER_ARREST: Final = frozenset({"prosecution", "trial"})
_FLAGRANT = timedelta(days=1)
"""刑诉法 82: who is caught in the act is detained first; the case is then filed within the day."""
_LIMITS = MappingProxyType({"": 3, "3": 3, "7": 7, "30": 30})
"""刑诉法 91: days from detention to the request, by the basis of extension that the sender states."""
_SOON = 7
"""规则 309, 公安程序规定 148: days before the end of custody by which its extension is asked for."""


@dataclass(frozen=True, slots=True)
class _Dated:
    field: str
    place: str
    when: When
    person: int | None


def check_plausible(case: Case) -> None:
    """Every date is one (1900 or later), and nobody was older than anybody at the act, or not yet born."""
    for field, kind in case.standard.fields.items():
        if kind.type not in {"date", "datetime"}:
            continue
        for one in values(case.package, field):
            if one.value and read_when(one.value) is None:
                case.add("FIELD-FORMAT", case.place(one.place, field), value=one.value[:20])
    for n, person in enumerate(case.package.persons):
        age = plausible_age(case, person)
        if age is not None:
            facts: dict[str, str | int] = {"person": person.name, "age": age}
            case.add("AGE-IMPLAUSIBLE", f"persons[{n}].birth_date", facts, verdict=Verdict.HOLD)


def check_order(case: Case) -> None:
    """D34 and D54: what comes later in the proceedings is not dated before what comes first."""
    dated = list(_chain(case))
    whose: list[int | None] = [*range(len(case.package.persons))] or [None]
    told: set[tuple[str, str]] = set()
    for n in whose:
        mine = [one for one in dated if one.person in (None, n)]
        for first in mine:
            for second in mine:
                if _rank(case, first) < _rank(case, second) and first.when.first > second.when.last:
                    _report_order(case, first, second, told)
    _check_spans(case, told)


def _chain(case: Case) -> Iterator[_Dated]:
    for field in (*CHAIN, ACCEPTED, COMPLETED):
        if field == "coercive-start":
            yield from _measures(case, "start", DETENTION)
            continue
        for one in values(case.package, field):
            when = read_when(one.value)
            if when is not None:
                yield _Dated(field, one.place, when, one.person)


def _measures(case: Case, end: str, *kinds: str) -> Iterator[_Dated]:
    for n, person in enumerate(case.package.persons):
        for m, measure in enumerate(person.measures):
            when = read_when(getattr(measure, end))
            if when is not None and (not kinds or measure.kind in kinds):
                yield _Dated(f"coercive-{end}", f"persons[{n}].measures[{m}].{end}", when, n)


def _rank(case: Case, one: _Dated) -> int:
    is_arrest = case.package.flow in _ARREST
    if one.field == ACCEPTED:
        return CHAIN.index("arrest-acceptance" if is_arrest else "prosecution-acceptance")
    if one.field == COMPLETED or (one.field == "arrest-decision-date" and case.package.flow in _PROSECUTION):
        return CHAIN.index("arrest-decision-date" if is_arrest else "indictment-date")
    return CHAIN.index(one.field)


def _check_spans(case: Case, told: set[tuple[str, str]]) -> None:
    """A measure does not end before it begins, and none begins before the case was filed."""
    filed = read_when(case.package.filing_date)
    ends = {one.place: one for one in _measures(case, "end")}
    for start in _measures(case, "start"):
        end = ends.get(start.place.removesuffix("start") + "end")
        if end is not None and start.when.first > end.when.last:
            _report_order(case, start, end, told)
        if filed is not None and filed.first > start.when.last:
            _report_order(case, _Dated("filing-date", "filing_date", filed, None), start, told)


def _report_order(case: Case, first: _Dated, second: _Dated, told: set[tuple[str, str]]) -> None:
    """Report that `second`, which comes later in the proceedings, is dated before `first`."""
    if (first.place, second.place) in told:
        return
    told.add((first.place, second.place))
    is_flagrant = first.field == "filing-date" and second.field == "coercive-start"
    near = first.when.first - second.when.last <= _FLAGRANT
    case.add(
        "DATE-ORDER",
        case.place(second.place, second.field),
        {
            "earlier": case.label(second.place, second.field),
            "earlier_date": second.when.iso[:10],
            "later": case.label(first.place, first.field),
            "later_date": first.when.iso[:10],
        },
        verdict=Verdict.WARN if is_flagrant and near else None,
        value=second.when.iso,
        expected=f">= {first.when.iso}",
    )


def check_future(case: Case) -> None:
    """D35. The export's own time is the measure: no refusal may rest on this machine's clock (lessons, 19)."""
    if case.written is None:
        return
    limit = min(case.written, date.max - timedelta(days=1)) + timedelta(days=1)
    for field, kind in case.standard.fields.items():
        if kind.type not in {"date", "datetime"} or field in _PLANNED:
            continue
        for one in values(case.package, field):
            when = read_when(one.value)
            if when is not None and when.first > limit:
                place = case.place(one.place, field)
                case.add("DATE-FUTURE", place, value=when.iso, expected=f"<= {limit.isoformat()}")


def check_detention(case: Case) -> None:
    """D36."""
    requested = read_when(case.package.request_date)
    if requested is None:
        return
    for n, person in enumerate(case.package.persons):
        for m, measure in enumerate(person.measures):
            start, limit = read_when(measure.start), _LIMITS.get(measure.extension_basis)
            if measure.kind != DETENTION or start is None or limit is None:
                continue
            days = (requested.first - start.last).days
            if days > limit:
                facts: dict[str, str | int] = {"person": person.name, "days": days, "limit": limit}
                place = f"persons[{n}].measures[{m}].start"
                case.add("DETENTION-LIMIT", place, facts, value=str(days), expected=f"<= {limit}")


def check_custody(case: Case) -> None:
    """D81 (刑诉法 98): the present custody of a person has run out; by this node's clock, for it is only a mark."""
    today = case.context.today or case.written
    for n, m, end in _present_custody(case):
        if today is not None and end.last < today:
            facts: dict[str, str | int] = {"person": case.package.persons[n].name, "days": (today - end.last).days}
            place = f"persons[{n}].measures[{m}].end"
            case.add("CUSTODY-EXPIRED", place, facts, value=end.iso, expected=f">= {today.isoformat()}")


def check_extension(case: Case) -> None:
    """D80 (规则 309): the extension is asked for seven days before custody ends; later it is not accepted."""
    asked = read_when(case.package.request_date)
    day = asked.first if asked else case.written
    for n, m, end in _present_custody(case):
        days = (end.last - day).days if day is not None else _SOON
        if days < _SOON:
            facts: dict[str, str | int] = {"person": case.package.persons[n].name, "days": days}
            case.add("FLOW-EXT-LATE", f"persons[{n}].measures[{m}].end", facts, value=str(days), expected=f">= {_SOON}")


def _present_custody(case: Case) -> Iterator[tuple[int, int, When]]:
    """Yield person, measure and end of each custody that is the last measure of its person.

    Long after the request for arrest a detention is history, whatever followed it.
    """
    kinds = _CUSTODY - ({DETENTION} if case.flow is not None and case.flow.group in _AFTER_ARREST else set())
    for n, person in enumerate(case.package.persons):
        if person.measures and person.measures[-1].kind in kinds:
            end = read_when(person.measures[-1].end)
            if end is not None:
                yield n, len(person.measures) - 1, end


CHECKS: Final[Mapping[str, Check]] = MappingProxyType(
    {
        "date-plausible": check_plausible,
        "date-order": check_order,
        "date-not-future": check_future,
        "detention-limit": check_detention,
        "custody-not-expired": check_custody,
        "extension-seven-days": check_extension,
    }
)
