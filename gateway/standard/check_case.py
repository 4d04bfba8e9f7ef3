"""Checks of the case as a whole: required values, secrecy, dates in order, number of persons."""

import re
from collections.abc import Collection
from datetime import date, timedelta
from types import MappingProxyType

from gateway.standard.checking import Case
from gateway.standard.dates import When, read_when
from gateway.standard.fields import values
from gateway.standard.findings import Place, Verdict

DETENTION = "detained"
_SECRET = re.compile("秘密|机密|绝密")
_SECRET_FOLDER = re.compile("^(?:秘密|机密|绝密)(?:级|卷|件|材料|文件|$)|[秘机绝]密★")
_WORK_LEVEL = "工作秘密"
"""A grade below state secrets that may travel on this network."""
_FLAGRANT = timedelta(days=1)
"""刑诉法 82: who is caught in the act is detained first; the case is then filed within the day."""
_LIMITS = MappingProxyType({"": 3, "3": 3, "7": 7, "30": 30})
"""刑诉法 91: days from detention to the request, by the basis of extension that the sender states."""


def check_secrecy(case: Case) -> None:
    """D47: marked material must not enter this network at all."""
    level = case.package.secrecy
    if _SECRET.search(level) and level != _WORK_LEVEL:
        case.add("SEC-LEVEL", Verdict.REJECT, "secrecy", value=level, mender="security", alarm=True)
    for file in case.files:
        if any(_SECRET_FOLDER.search(folder) for folder in file.path.split("/")[:-1]):
            case.add("SEC-LEVEL", Verdict.REJECT, Place(file.name), mender="security", alarm=True)


def check_required(case: Case, unsaid: Collection[str]) -> None:
    """D24: every required value that is missing, one finding each, of the case and of each person. unsaid: fields that
    the export's format has no place for."""
    if case.flow is not None:
        required = case.flow.required
    elif case.reply is not None:
        required = case.reply.fields
    else:
        return
    package = case.package
    if not package.persons:
        case.add("FIELD-MISSING", Verdict.REJECT, "persons")
    for name in required:
        for one in values(package, name) if name not in unsaid else ():
            if one.value or (name == "id-no" and one.person is not None):
                continue  # who has no number is asked for the reason by the checks of identity
            whose = {} if one.person is None else {"person": package.persons[one.person].name}
            case.add("FIELD-MISSING", Verdict.REJECT, one.place, whose)


def check_person_count(case: Case) -> None:
    """D49: the number stated is the number of persons."""
    stated, present = case.package.person_count, len(case.package.persons)
    if stated and stated != str(present):
        case.add(
            "PERSON-COUNT", Verdict.HOLD, "person_count", {"present": present}, value=stated, expected=str(present)
        )


def check_dates(case: Case) -> None:
    """D34 to D36 and the readability of every date."""
    whens = _read_all(case)
    _check_order(case, whens)
    _check_future(case, whens)
    _check_detention(case, whens)


def _read_all(case: Case) -> dict[str, When]:
    package = case.package
    texts = {name: getattr(package, name) for name in ("filing_date", "offence_start", "offence_end", "request_date")}
    for n, person in enumerate(package.persons):
        texts[f"persons[{n}].birth_date"] = person.birth_date
        for m, measure in enumerate(person.measures):
            texts[f"persons[{n}].measures[{m}].start"] = measure.start
            texts[f"persons[{n}].measures[{m}].end"] = measure.end
    whens = {}
    for name, text in texts.items():
        when = read_when(text) if text else None
        if when is not None:
            whens[name] = when
        elif text:
            case.add("FIELD-FORMAT", Verdict.REJECT, name, value=text[:20])
    return whens


def _check_order(case: Case, whens: dict[str, When]) -> None:
    chain = ["offence_start", "offence_end", "filing_date", "request_date"]
    for n, first in enumerate(chain):
        for second in chain[n + 1 :]:
            _check_pair(case, whens, first, second, Verdict.HOLD)
    for name in whens:
        if name.endswith(".start"):
            _check_pair(case, whens, name, "request_date", Verdict.HOLD)
            _check_pair(case, whens, name, name.removesuffix("start") + "end", Verdict.HOLD)
            _check_detained_after_filing(case, whens, name)


def _check_pair(case: Case, whens: dict[str, When], first: str, second: str, verdict: Verdict) -> None:
    if first in whens and second in whens and whens[first].first > whens[second].last:
        _report_order(case, whens, first, second, verdict)


def _check_detained_after_filing(case: Case, whens: dict[str, When], start: str) -> None:
    filed = whens.get("filing_date")
    if filed is not None and whens[start].last < filed.first:
        flagrant = filed.first - whens[start].last <= _FLAGRANT
        _report_order(case, whens, "filing_date", start, Verdict.WARN if flagrant else Verdict.HOLD)


def _report_order(case: Case, whens: dict[str, When], first: str, second: str, verdict: Verdict) -> None:
    facts: dict[str, str | int] = {
        "earlier": case.label(second),
        "earlier_date": whens[second].iso[:10],
        "later": case.label(first),
        "later_date": whens[first].iso[:10],
    }
    case.add("DATE-ORDER", verdict, second, facts, value=whens[second].iso, expected=f">= {whens[first].iso}")


def _check_future(case: Case, whens: dict[str, When]) -> None:
    # The export's own time is the measure: no verdict may rest on this machine's clock (lessons, 19).
    exported = read_when(case.package.exported_at)
    if exported is None:
        return
    limit = exported.last + timedelta(days=1)
    for name, when in whens.items():
        if when.first > limit and not name.endswith(".end"):
            case.add("DATE-FUTURE", Verdict.HOLD, name, value=when.iso, expected=f"<= {limit.isoformat()}")


def _check_detention(case: Case, whens: dict[str, When]) -> None:
    requested = whens.get("request_date")
    if requested is None or case.package.flow != "arrest-request":
        return
    for n, person in enumerate(case.package.persons):
        for m, measure in enumerate(person.measures):
            start = whens.get(f"persons[{n}].measures[{m}].start")
            limit = _LIMITS.get(measure.extension_basis)
            if measure.kind != DETENTION or start is None or limit is None:
                continue
            days = _days(start.last, requested.first)
            if days > limit:
                facts: dict[str, str | int] = {"person": person.name, "days": days, "limit": limit}
                place = f"persons[{n}].measures[{m}].start"
                case.add("DETENTION-LIMIT", Verdict.WARN, place, facts, value=str(days), expected=f"<= {limit}")


def _days(start: date, end: date) -> int:
    return (end - start).days
