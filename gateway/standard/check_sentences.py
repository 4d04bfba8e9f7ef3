"""Checks of sentences and their execution: arithmetic, effect, the way of a short rest, commutations."""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from types import MappingProxyType
from typing import Final

from gateway.standard.checking import Case
from gateway.standard.dates import When, read_when
from gateway.standard.fields import values
from gateway.standard.numerals import read_digits
from gateway.standard.package import Person, Sentence
from gateway.standard.registry import Check
from gateway.standard.sentences import FIXED, read_term
from gateway.standard.terms import term_end

_SHORT_MONTHS = 3
"""刑诉法 264: a rest of three months or less is served where the prisoner is."""
_NONE: Final = frozenset({"", "0", "无", "零"})
_SURVEILLANCE: Final = "管制"


def check_arithmetic(case: Case) -> None:
    """D58 (法释〔2021〕1号 202): the end follows from beginning, term and the custody that counts towards it.

    A sentence that was shortened before ends by the rulings of that time, which are not in the export.
    """
    for n, person, m, one in _sentences(case):
        start, end, term = read_when(one.start), read_when(one.end), read_term(one.term)
        if start is None or end is None or term is None or term.kind != FIXED or _was_changed(person):
            continue
        credit = _credit(one, start)
        expected = {term_end(start.first, term.years, term.months, term.days, credit)}
        begun = read_when(one.custody_start)
        if begun is not None and _factor(one) == 1 and credit == (start.first - begun.first).days:
            # Custody without a gap: counted from its first day, which near the end of a month may be another day.
            expected.add(term_end(begun.first, term.years, term.months, term.days))
        if end.first not in expected:
            best = min(expected)
            facts: dict[str, str | int] = {
                "person": person.name,
                "days": credit,
                "stated": end.iso[:10],
                "reckoned": best.isoformat(),
            }
            place = case.place(f"persons[{n}].sentences[{m}].end", "sentence-end")
            case.add("TERM-ARITHMETIC", place, facts, value=end.iso, expected=best.isoformat())


_CREDIT_MAX = 36_525
"""Days; a hundred years, so that no day before the first is reckoned."""


def _credit(one: Sentence, start: When) -> int:
    """Return the days of custody that count: as stated, else those from the first day of custody."""
    stated = read_digits(one.credit_days)
    if stated is not None:
        return min(stated, _CREDIT_MAX)
    begun = read_when(one.custody_start)
    return max((start.first - begun.first).days, 0) * _factor(one) if begun is not None else 0


def _factor(one: Sentence) -> int:
    """刑法 41: a day of custody counts for two of public surveillance."""
    return 2 if _SURVEILLANCE in (one.kind, one.term[:2]) or one.kind == "control" else 1


def _was_changed(person: Person) -> bool:
    return any(change.prior_changes not in _NONE for change in person.changes)


def check_effective(case: Case) -> None:
    """D59: what is executed has taken effect, and not after the export was written."""
    found = [one for one in values(case.package, "effective-date") if one.value]
    if not found:
        case.add("EXEC-BEFORE-EFFECTIVE", case.place("effective_date", "effective-date"))
    for one in found:
        when = read_when(one.value)
        if when is not None and case.written is not None and when.first > case.written:
            place = case.place(one.place, "effective-date")
            case.add("EXEC-BEFORE-EFFECTIVE", place, value=when.iso, expected=f"<= {case.written.isoformat()}")


def check_rest(case: Case) -> None:
    """刑诉法 264: three months or less are not served in a prison."""
    receiver = case.context.receiver
    if receiver is None or receiver.role != "prison":
        return
    for n, person, m, one in _sentences(case):
        end = read_when(one.end)
        day = read_when(case.package.exported_at) or read_when(one.start)
        if end is not None and day is not None and end.last <= _months_after(day.first):
            place = case.place(f"persons[{n}].sentences[{m}].end", "sentence-end")
            case.add("REMAINING-TERM", place, {"person": person.name}, value=end.iso)


def _months_after(day: date) -> date:
    return term_end(day, months=_SHORT_MONTHS) + timedelta(days=1)


def check_commutation(case: Case) -> None:
    """D66: a commuted sentence ends earlier than before."""
    for n, person in enumerate(case.package.persons):
        ends = [when for one in person.sentences if (when := read_when(one.end)) is not None]
        for m, change in enumerate(person.changes):
            proposed = read_when(change.proposed_end)
            if proposed is not None and ends and proposed.first >= ends[-1].last:
                place = case.place(f"persons[{n}].changes[{m}].proposed_end", "sentence-end")
                facts: dict[str, str | int] = {"person": person.name}
                case.add(
                    "COMMUTATION-ORDER",
                    place,
                    facts,
                    value=proposed.iso,
                    expected=f"< {ends[-1].iso}",
                    mender="handler",
                )


def check_batch(case: Case) -> None:
    """D65: every person of a batch has the folder of materials that its row names."""
    if not case.has_lists:
        return
    present = {folder for file in case.files for folder in file.path.split("/")[:-1]}
    for n, person in enumerate(case.package.persons):
        for m, change in enumerate(person.changes):
            if change.materials and change.materials not in present:
                facts: dict[str, str | int] = {"person": person.name, "folder": change.materials}
                place = case.place(f"persons[{n}].changes[{m}].materials", "")
                case.add("BATCH-MATERIALS", place, facts, value=change.materials)


def _sentences(case: Case) -> Iterator[tuple[int, Person, int, Sentence]]:
    for n, person in enumerate(case.package.persons):
        for m, one in enumerate(person.sentences):
            yield n, person, m, one


CHECKS: Final[Mapping[str, Check]] = MappingProxyType(
    {
        "term-arithmetic": check_arithmetic,
        "effective-before-execution": check_effective,
        "remaining-term-route": check_rest,
        "commutation-order": check_commutation,
        "batch-rows": check_batch,
    }
)
