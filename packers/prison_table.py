"""Turns the table of a prison batch into a case package: one person a row, each value with its line, nothing lost."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from typing import Any

from gateway.standard.catalogue import Standard
from gateway.standard.findings import Finding, Place, Verdict
from gateway.standard.identity import RESIDENT_CARD, normal_number, read_number
from gateway.standard.package import (
    UNCLASSIFIED,
    CaseNumber,
    CasePackage,
    Change,
    Charge,
    Handler,
    Measure,
    Origin,
    Person,
    Sentence,
    Source,
    UnknownValue,
    Value,
)
from packers import prison_fields as tags
from packers.bounds import MAX_REPORTED
from packers.csvtext import Row, Table
from packers.sheetdates import SCIENTIFIC, Certainty, read_day

_HOMES = (tags.PERSON, tags.SENTENCE, tags.CHANGE, tags.CHARGE, tags.MEASURE)
_PAROLE = "parole"
_SHOWN = 5
"""Examples in one finding about many cells."""


@dataclass(slots=True)
class _Dates:
    """The cells of one column of dates that were not written as agreed."""

    line: int = 0
    clear: list[str] = field(default_factory=list)
    prose: list[tuple[Row, str]] = field(default_factory=list)


@dataclass(slots=True)
class TableReader:
    """Reads one table, once. `file`: its name in the export."""

    file: str
    standard: Standard
    findings: list[Finding] = field(default_factory=list)
    _origins: list[Origin] = field(default_factory=list)
    _unknown: list[UnknownValue] = field(default_factory=list)
    _case: dict[str, str] = field(default_factory=dict)
    _dates: dict[str, _Dates] = field(default_factory=dict)
    _bad_dates: int = 0
    _seen: dict[str, list[tuple[Row, str]]] = field(default_factory=dict)
    _repeated: set[str] = field(default_factory=set)

    def read(self, table: Table, source: Source) -> CasePackage:
        """Return the case package of the rows that have the heading's columns; without a heading, an empty one."""
        missing = [name for name in tags.REQUIRED if name not in table.heading]
        if missing:
            facts: dict[str, str | int] = {"file": self.file, "names": "、".join(missing)}
            place = Place(self.file, 1)
            self.findings.append(Finding("CSV-HEADING", Verdict.REJECT, place, mender="vendor", facts=facts))
            return CasePackage(source)
        self._check_heading(table.heading)
        rows = [row for row in table.rows if len(row.cells) == len(table.heading)]
        persons = tuple(self._person(n, row, table.heading) for n, row in enumerate(rows))
        self._tell_dates()
        self._tell_repeated()
        return self._package(source, persons)

    def _package(self, source: Source, persons: tuple[Person, ...]) -> CasePackage:
        case = self._case
        business = case.get("business", "")
        flow = self.standard.flow_of(tags.FORM, business) or (business if business in self.standard.names() else "")
        numbers = tuple(CaseNumber(scheme, case[scheme]) for scheme in tags.NUMBERS if case.get(scheme))
        return CasePackage(
            source,
            flow=flow or UNCLASSIFIED,
            business=business,
            business_name=case.get("business_name", ""),
            sender_code=case.get("sender_code", ""),
            sender_name=case.get("sender_name", ""),
            receiver_code=case.get("receiver_code", ""),
            case_no=next((one.number for one in numbers), ""),
            case_name=case.get("case_name", ""),
            case_numbers=numbers,
            batch_no=case.get("batch_no", ""),
            secrecy=case.get("secrecy", ""),
            handler=Handler(case.get("handler", "")),
            values=tuple(Value(name, case[name]) for name in tags.CASE_VALUES if case.get(name)),
            persons=persons,
            origins=tuple(self._origins),
            unknown=tuple(self._unknown),
        )

    def _check_heading(self, heading: Iterable[str]) -> None:
        seen: set[str] = set()
        for name in heading:
            if name in seen and name in tags.KNOWN:
                self._hold_repeated(name, 1)
            seen.add(name)

    def _person(self, n: int, row: Row, heading: tuple[str, ...]) -> Person:
        found: dict[str, dict[str, str]] = {home: {} for home in _HOMES}
        values: list[Value] = []
        taken: set[str] = set()
        for name, text in zip(heading, row.cells, strict=True):
            column = tags.KNOWN.get(name)
            if column is None or name in taken:
                if text:
                    self._unknown.append(UnknownValue(name, text, self.file, row.line))
                continue
            taken.add(name)
            if not text:
                continue
            value = self._value(column, name, text, row)
            if column.home == tags.CASE:
                self._of_case(column.name, name, value, text, row)
                continue
            if column.home == tags.VALUE:
                place = f"persons[{n}].values[{len(values)}].value"
                values.append(Value(column.name, value))
            else:
                place = f"persons[{n}].{_place(column)}"
                found[column.home][column.name] = value
            self._note(place, name, row, text if text != value else "")
        return self._finished(n, row, found, tuple(values))

    def _finished(self, n: int, row: Row, found: dict[str, dict[str, str]], values: tuple[Value, ...]) -> Person:
        person: dict[str, Any] = {**found[tags.PERSON]}
        if person.get("id_no") and not person.get("id_type") and read_number(person["id_no"]) is not None:
            person["id_type"] = RESIDENT_CARD  # the table has no column for it; only these numbers have this shape
        number = person.get("person_no", "")
        if number:
            self._seen.setdefault(number, []).append((row, person.get("name", "")))
        change = found[tags.CHANGE]
        if change.get("kind") == _PAROLE and not change.get("proposal"):
            # What is proposed is parole itself (dictionary, `proposal`); there is no measure of it to state.
            change["proposal"] = self.standard.table("change-kind").name_of(_PAROLE)
        crimes, articles = (found[tags.CHARGE].get(name, "").split(tags.BETWEEN) for name in ("name", "article"))
        measure = found[tags.MEASURE]
        made = Person(
            **person,
            charges=tuple(
                Charge(name=one.strip(), article=article.strip())
                for one, article in zip_longest(crimes, articles, fillvalue="")
                if one.strip()
            ),
            measures=(Measure(**measure),) if measure else (),
            sentences=(Sentence(**found[tags.SENTENCE]),) if found[tags.SENTENCE] else (),
            changes=(Change(**change),) if change else (),
            values=values,
        )
        return replace(made, birth_date=self._born(made, row)) if made.birth_date else made

    def _value(self, column: tags.Column, name: str, text: str, row: Row) -> str:
        if column.table:
            return self.standard.table(column.table).read(tags.FORM, text)
        if column.is_code and SCIENTIFIC.fullmatch(text):
            facts: dict[str, str | int] = {"file": self.file, "row": row.number, "line": row.line, "field": name}
            self._add(Finding("CSV-EXCEL-SCI", Verdict.REJECT, Place(self.file, row.line, 0, name), text, facts=facts))
        if column.name == "id_no":
            number = normal_number(text)
            if number != text:
                shown: dict[str, str | int] = {"file": self.file, "field": name, "person": ""}
                self._add(Finding("ID-LOWERCASE-X", Verdict.FIX, Place(self.file, row.line, 0, name), facts=shown))
            return number
        return self._day(name, text, row) if column.is_date else text

    def _day(self, name: str, text: str, row: Row) -> str:
        day = read_day(text)
        dates = self._dates.setdefault(name, _Dates())
        if day.certainty is Certainty.CLEAR:
            dates.clear.append(day.iso)
        elif day.certainty is Certainty.PROSE:
            dates.prose.append((row, day.iso))
        elif day.certainty is Certainty.NONE:
            self._bad_dates += 1
            if self._bad_dates <= MAX_REPORTED:
                facts: dict[str, str | int] = {"file": self.file, "row": row.number, "field": name, "value": text[:20]}
                place = Place(self.file, row.line, 0, name)
                self.findings.append(Finding("CSV-DATE", Verdict.REJECT, place, text[:20], "2026-01-31", facts=facts))
        if day.certainty is not Certainty.AGREED and not dates.line:
            dates.line = row.line
        return day.iso

    def _born(self, person: Person, row: Row) -> str:
        """Return the day of birth; one in Chinese numerals is clear where the identity number says the same."""
        dates = self._dates.get("出生日期")
        if dates is None or not dates.prose or dates.prose[-1] != (row, person.birth_date):
            return person.birth_date
        number = read_number(person.id_no)
        if number is not None and number.birth is not None and number.birth.isoformat() == person.birth_date:
            dates.prose.pop()
            dates.clear.append(person.birth_date)
        return person.birth_date

    def _tell_dates(self) -> None:
        for name, dates in self._dates.items():
            if dates.clear:
                facts: dict[str, str | int] = {
                    "file": self.file,
                    "field": name,
                    "count": len(dates.clear),
                    "days": "、".join(dates.clear[:_SHOWN]),
                }
                place = Place(self.file, dates.line, 0, name)
                self.findings.append(Finding("CSV-DATE", Verdict.FIX, place, mender="vendor", facts=facts))
            for row, iso in dates.prose[:MAX_REPORTED]:
                asked: dict[str, str | int] = {"file": self.file, "row": row.number, "field": name, "value": iso}
                place = Place(self.file, row.line, 0, name)
                self.findings.append(Finding("CSV-DATE", Verdict.HOLD, place, iso, "2026-01-31", facts=asked))

    def _tell_repeated(self) -> None:
        """D68: whose material is whose, nobody can say."""
        for number, rows in self._seen.items():
            if len(rows) > 1:
                persons = "、".join(name for _, name in rows[:_SHOWN])
                facts: dict[str, str | int] = {"file": self.file, "number": number, "persons": persons}
                place = Place(self.file, rows[1][0].line, 0, "罪犯编号")
                self._add(Finding("CSV-DUP-PRISONER", Verdict.HOLD, place, number, facts=facts))

    def _of_case(self, name: str, heading: str, value: str, text: str, row: Row) -> None:
        if name not in self._case:
            self._case[name] = value
            self._note(_case_place(name), heading, row, text if text != value else "")
        elif self._case[name] != value:
            self._unknown.append(UnknownValue(heading, text, self.file, row.line))
            self._hold_repeated(heading, row.line)

    def _hold_repeated(self, heading: str, line: int) -> None:
        if heading not in self._repeated:
            self._repeated.add(heading)
            facts: dict[str, str | int] = {"file": self.file, "field": heading}
            self.findings.append(
                Finding(
                    "FIELD-REPEATED", Verdict.HOLD, Place(self.file, line, 0, heading), mender="vendor", facts=facts
                )
            )

    def _note(self, value: str, heading: str, row: Row, text: str) -> None:
        self._origins.append(Origin(value, heading, heading, self.file, row.line, text))

    def _add(self, finding: Finding) -> None:
        """Record a finding; who has more of one kind than MAX_REPORTED has one cause."""
        if sum(1 for one in self.findings if one.code == finding.code) < MAX_REPORTED:
            self.findings.append(finding)


def _place(column: tags.Column) -> str:
    match column.home:
        case tags.SENTENCE:
            return f"sentences[0].{column.name}"
        case tags.CHANGE:
            return f"changes[0].{column.name}"
        case tags.MEASURE:
            return f"measures[0].{column.name}"
        case tags.CHARGE:
            return "charges[0]" if column.name == "name" else f"charges[0].{column.name}"
    return column.name


def _case_place(name: str) -> str:
    if name in tags.NUMBERS:
        return "case_no"
    return "handler.name" if name == "handler" else name
