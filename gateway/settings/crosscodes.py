"""What no single value of a code file shows: titles and codes claimed twice, laws that are not there, odd holidays."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Final

from gateway.settings.complaints import Complaint, misspelling, shown
from gateway.settings.crosscheck import Placed
from gateway.settings.marks import Document, Trail
from gateway.settings.standard import ChargesFile, HolidaysFile, TablesFile
from gateway.settings.standard_kinds import Dated, law_of

_SATURDAY: Final = 5
_DAYS_LEAST: Final = ((2025, 13), (0, 11))
"""From which year on how many days are off by 全国年节及纪念日放假办法, moved weekends not counted."""
_DAYS_MOST: Final = 24
"""No autonomous region adds more than eleven days of its own."""

Row = Placed[Any]
"""One row of a code file, and where it stands."""


def rows(files: Sequence[Placed[Dated]], name: str) -> dict[str, Row]:
    """Return the rows of all files of one name; of two rows of one slug the later file's counts."""
    found: dict[str, Row] = {}
    for file in files:
        found |= {slug: Placed(one, file.document, (name, slug)) for slug, one in getattr(file.value, name).items()}
    return found


def codes_of(files: Sequence[Placed[Dated]]) -> dict[tuple[str, str], Row]:
    """Return the codes of all tables, by table and slug; of two codes of one slug the later file's counts."""
    found: dict[tuple[str, str], Row] = {}
    for file in files:
        if isinstance(file.value, TablesFile):
            for table, codes in file.value.tables.items():
                found |= {
                    (table, one): Placed(code, file.document, ("tables", table, one)) for one, code in codes.items()
                }
    return found


def check_codes(
    codes: Mapping[str, Sequence[Placed[Dated]]],
    *,
    issuers: Collection[str] | None,
    laws: Collection[str] | None,
    fields: Collection[str] | None,
) -> Iterator[Complaint]:
    """Yield every complaint that takes more than one value of the code files.

    issuers, laws, fields: the slugs that exist; None where they could not be read.
    """
    yield from _documents(rows(codes.get("documents", ()), "documents"), issuers)
    for check in rows(codes.get("checks", ()), "checks").values():
        for n, quoted in enumerate(check.value.basis):
            yield from _unknown(check, ("basis", n), "law-unknown", law_of(quoted), laws)
    for profile in rows(codes.get("profiles", ()), "profiles").values():
        for one in profile.value.rules:
            yield from _unknown(profile, ("rules", one), "field-unknown", one, fields)
    yield from _tables(codes_of(codes.get("tables", ())))
    yield from _charges(codes.get("charges", ()))
    yield from _holidays(codes.get("holidays", ()))


def _unknown(row: Row, below: Trail, code: str, name: str, known: Collection[str] | None) -> Iterator[Complaint]:
    if known is not None and name not in known:
        said, facts = misspelling(code, name, known)
        yield row.document.at_value(row.at(*below), said, **facts)


Claim = tuple[str, str, Row, Trail]
"""A text, who claims it, and where: a row, and the trail below it."""


def _claimed(claims: Iterable[Claim], code: str, form: str = "") -> Iterator[Complaint]:
    """Yield where a second kind claims a text."""
    seen: dict[str, tuple[str, str]] = {}
    for text, kind, row, below in claims:
        place = row.place(*below)
        first, other = seen.setdefault(text, (kind, place))
        if first != kind:
            facts = {"text": shown(text), "kind": first, "other": other, "form": form}
            yield row.document.at_value(row.at(*below), code, **facts)


def _documents(kinds: Mapping[str, Row], issuers: Collection[str] | None) -> Iterator[Complaint]:
    claims: list[Claim] = []
    for name, row in kinds.items():
        yield from _unknown(row, ("issuer",), "role-unknown", row.value.issuer, issuers)
        claims.append((row.value.zh, name, row, ("zh",)))
        claims += [(one, name, row, ("aliases", n)) for n, one in enumerate(row.value.aliases)]
    yield from _claimed(claims, "title-twice")


def _tables(codes: Mapping[tuple[str, str], Row]) -> Iterator[Complaint]:
    claims: dict[str, list[Claim]] = {}
    for (table, name), row in codes.items():
        claims.setdefault(f"{table}.zh", []).append((row.value.zh, name, row, ("zh",)))
        for scheme, listed in (row.value.__pydantic_extra__ or {}).items():
            claims.setdefault(f"{table}.{scheme}", []).extend(
                (one, name, row, (scheme, n)) for n, one in enumerate(listed)
            )
    for form, some in claims.items():
        yield from _claimed(some, "code-twice", form)


def _charges(files: Sequence[Placed[Dated]]) -> Iterator[Complaint]:
    found: dict[str, Row] = {}
    for file in files:
        if not isinstance(file.value, ChargesFile):
            continue
        listed = [Placed(one, file.document, ("charges", n)) for n, one in enumerate(file.value.charges)]
        # In one file two rows of one id are a mistake; a later file's row takes the place of an earlier one's.
        yield from _claimed(((one.value.id, one.place(), one, ("id",)) for one in listed), "code-twice", "charges.id")
        found |= {one.value.id: one for one in listed}
    claims: dict[str, list[Claim]] = {}
    for name, row in found.items():
        claims.setdefault("zh", []).append((row.value.zh, name, row, ("zh",)))
        for scheme, code in row.value.codes.items():
            claims.setdefault(scheme, []).append((code, name, row, ("codes", scheme)))
        approval, age = row.value.with_approval, row.value.age
        if approval is not None and approval >= age:
            yield row.document.at_value(row.at("with_approval"), "age-order", text=str(approval), value=str(age))
    for scheme, some in claims.items():
        yield from _claimed(some, "code-twice", f"charges.{scheme}")


def _holidays(files: Sequence[Placed[Dated]]) -> Iterator[Complaint]:
    told = [(one.value.hours, one.document) for one in files if isinstance(one.value, HolidaysFile)]
    for hours, document in told:
        span = [] if hours is None else [*hours.morning, *hours.afternoon]
        if span != sorted(set(span)):
            yield document.at_key(("hours",), "hours-order")
    if told and all(hours is None for hours, _document in told):
        yield told[0][1].at_key((), "key-missing", key="hours")
    seen: dict[date, str] = {}
    for name, row in rows(files, "years").items():
        if not (len(name) == 4 and name.isascii() and name.isdigit()):
            yield row.document.at_key(row.trail, "year-malformed", text=shown(name))
            continue
        yield from _days(int(name), row, seen)
        off = sum(one.weekday() < _SATURDAY for span in row.value.off for one in span)
        worked = sum(len(span) for span in row.value.worked)
        least = next(days for since, days in _DAYS_LEAST if int(name) >= since)
        facts = {"off": str(off), "worked": str(worked), "left": str(off - worked)}
        if off - worked < least:
            yield row.document.at_key(row.trail, "holidays-few", least=str(least), **facts)
        elif off - worked > _DAYS_MOST:
            yield row.document.at_key(row.trail, "holidays-many", most=str(_DAYS_MOST), **facts)


def _days(year: int, row: Row, seen: dict[date, str]) -> Iterator[Complaint]:
    off = {one for span in row.value.off for one in span}
    for part, spans in (("off", row.value.off), ("worked", row.value.worked)):
        for n, span in enumerate(spans):
            for one in span:
                if (said := _wrong(one, year, part, off)) is not None:
                    yield _said(row, part, n, said[0], text=one.isoformat(), **said[1])
                elif one in seen:
                    yield _said(row, part, n, "days-twice", text=one.isoformat(), other=seen[one])
                seen.setdefault(one, row.place(part, n))


def _said(row: Row, part: str, n: int, code: str, **facts: str) -> Complaint:
    document: Document = row.document
    return document.at_value(row.at(part, n), code, **facts)


def _wrong(one: date, year: int, part: str, off: Collection[date]) -> tuple[str, dict[str, str]] | None:
    # A holiday of the new year may begin in the last days of the old one.
    if one.year != year and not (one.year == year - 1 and one.month == 12):
        return "day-of-other-year", {"value": str(year)}
    if part == "worked" and one in off:
        return "day-both", {}
    if part == "worked" and one.weekday() < _SATURDAY:
        return "day-worked-weekday", {}
    return None
