"""The case package: one case as every agency understands it, each value with the place in the export it came from.

Values are text as the export has them, except that dates and times are ISO 8601 (`2026-03-10`, `2026-03-02T10:20:00`,
local time) and identity numbers are in capitals and half width; where that changed the text, `Origin.text` keeps what
stood there. An empty string means that the export says nothing.
"""

from dataclasses import dataclass, field

from gateway.standard import canonical
from gateway.standard.findings import Finding, Verdict

UNCLASSIFIED = "unclassified"
"""The flow of an export whose meaning no packer knows."""

MAX_CASE_PACKAGE_BYTES = 32 << 20
"""Ten times the largest dossier catalogue met (100,000 entries); a bigger one is an attack on the reader's memory."""

MAX_CASE_PACKAGE_VALUES = 4 << 20
"""Half as much again as 32 MiB of the smallest rows can hold; nests of empty lists take thirty times their length."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value stood. `value` names it (`persons[0].id_no`), `tag` is the element's path, `line` counts from 1."""

    value: str
    label: str
    """Chinese name of the field, as its handlers call it."""
    tag: str
    file: str
    line: int = 0
    text: str = ""
    """The text as it stood there, where the value is not that text."""


@dataclass(frozen=True, slots=True)
class UnknownValue:
    """An element or attribute that the packer has no name for, kept so that nothing is lost."""

    name: str
    value: str
    file: str
    line: int = 0


@dataclass(frozen=True, slots=True)
class CaseNumber:
    """One number under which an agency knows the case. `scheme` is a field of the standard: `platform-case-no`,
    `police-case-no`, `proc-unified-no`, `proc-dept-no`, `court-case-no`, `prison-business-no`, `property-case-no`."""

    scheme: str
    number: str


@dataclass(frozen=True, slots=True)
class Value:
    """One value of the field dictionary for which the case package has no place of its own, by the field's slug."""

    field: str
    value: str


@dataclass(frozen=True, slots=True)
class Charge:
    """One offence: code in the sender's scheme, name, article of the Criminal Law (`264`)."""

    code: str = ""
    name: str = ""
    article: str = ""


@dataclass(frozen=True, slots=True)
class Measure:
    """One coercive measure. `kind`: of the table `coercive-measure`, the sender's own code where that has none.

    extension_basis: the number of days the sender claims: 3, 7 or 30.
    """

    kind: str = ""
    name: str = ""
    start: str = ""
    end: str = ""
    extension_basis: str = ""
    place: str = ""
    inmate_no: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided about one person. `kind`: of a table of the standard such as `arrest-decision`, and `name` as
    the sender writes it; `document`: the member that states it."""

    kind: str = ""
    name: str = ""
    day: str = ""
    document: str = ""


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence with its execution. `kind`: of the table `sentence-kind`; `term` and `probation` as the sender
    writes them (`七年六个月`, read by gateway/standard/sentences.py); days are ISO 8601.

    additional: penalties beside it, a sum of money with its unit: `罚金2000元；剥夺政治权利一年`.
    custody_start: first day of custody before it.   credit_days: custody that counts towards it.
    """

    kind: str = ""
    term: str = ""
    probation: str = ""
    additional: str = ""
    start: str = ""
    end: str = ""
    custody_start: str = ""
    credit_days: str = ""
    executor: str = ""
    court: str = ""
    court_case_no: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """A change of the sentence that is proposed or decided. `kind`: of the table `change-kind`."""

    kind: str = ""
    proposal: str = ""
    proposed_end: str = ""
    prior_changes: str = ""
    property_penalty: str = ""
    procuratorial_opinion: str = ""
    materials: str = ""
    """The folder of this person's documents in a batch."""


@dataclass(frozen=True, slots=True, repr=False)
class Person:
    """One suspect, defendant or prisoner. The flags are `1`, `0` or empty; codes are those of the standard's tables,
    else the sender's (GB/T 2261.1, GA/T 2000.156)."""

    ordinal: str = ""
    person_no: str = ""
    name: str = ""
    alias: str = ""
    sex: str = ""
    birth_date: str = ""
    ethnicity: str = ""
    nationality: str = ""
    id_type: str = ""
    id_no: str = ""
    id_missing_reason: str = ""
    household_region: str = ""
    household_address: str = ""
    residence_address: str = ""
    education: str = ""
    occupation: str = ""
    special_identity: str = ""
    plea: str = ""
    juvenile: str = ""
    sealed: str = ""
    """Whether this person's record of an offence as a minor is sealed."""
    charges: tuple[Charge, ...] = ()
    measures: tuple[Measure, ...] = ()
    decisions: tuple[Decision, ...] = ()
    sentences: tuple[Sentence, ...] = ()
    changes: tuple[Change, ...] = ()
    values: tuple[Value, ...] = ()

    def __repr__(self) -> str:
        # Values end up in logs and tracebacks; persons must not.
        return f"Person(ordinal={self.ordinal!r})"


@dataclass(frozen=True, slots=True)
class PropertyItem:
    """One thing of the property in the case. `value` in yuan as written."""

    ordinal: str = ""
    name: str = ""
    quantity: str = ""
    unit: str = ""
    value: str = ""
    place: str = ""
    owner: str = ""
    proposal: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True)
class Document:
    """One legal document of the list. `path` is the member's path; `pages` 0 and `signed` empty where not stated."""

    title: str
    path: str
    number: str = ""
    pages: int = 0
    signed: str = ""
    person: str = ""
    """The person named by the file name, where it names one."""
    person_no: str = ""
    """The number of the person whose it is, where the export says so."""
    kind: str = ""
    """Slug of the document's kind in the standard; empty where its title is none of the standard's."""
    ordinal: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True)
class DossierEntry:
    """One file of a volume under its catalogue title."""

    title: str
    path: str
    pages: int = 0
    ordinal: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True)
class Volume:
    """One volume of the electronic dossier; `kind` in the sender's codes."""

    kind: str
    title: str
    entries: tuple[DossierEntry, ...] = ()
    ordinal: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True)
class Handler:
    """The person in charge at the sender."""

    name: str = ""
    phone: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """What the export was. `size` in bytes; `sha256` hexadecimal of its container, empty where there is none."""

    format: str
    name: str
    size: int = 0
    sha256: str = ""
    system: str = ""
    version: str = ""
    declared_encoding: str = ""
    encoding: str = ""
    """The encoding that its text really had."""
    name_encoding: str = ""
    """The encoding of its member names: `utf-8` or `gb18030`."""


@dataclass(frozen=True, slots=True)
class Renamed:
    """A member that travels under a shorter or cleaner path than its name in the export."""

    path: str
    name: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A finding that travels with the case package (`fix`, `warn`); `value` is masked."""

    code: str
    verdict: str
    file: str = ""
    line: int = 0
    column: int = 0
    field: str = ""
    value: str = ""
    expected: str = ""

    @classmethod
    def of(cls, finding: Finding) -> "Mark":
        """Return the mark that says what `finding` says."""
        place = finding.place
        return cls(
            code=finding.code,
            verdict=finding.verdict.value,
            file=place.file,
            line=place.line,
            column=place.column,
            field=place.field,
            value=finding.value,
            expected=finding.expected,
        )


@dataclass(frozen=True, slots=True, repr=False)
class CasePackage:
    """One case, or one batch. `flow` is the slug of a flow or reply; codes of units are of the export's scheme."""

    source: Source
    flow: str = UNCLASSIFIED
    business: str = ""
    """The sender's own code for the flow."""
    business_name: str = ""
    sender_code: str = ""
    sender_name: str = ""
    handling_unit: str = ""
    receiver_code: str = ""
    receiver_name: str = ""
    case_no: str = ""
    case_name: str = ""
    case_numbers: tuple[CaseNumber, ...] = ()
    related_package: str = ""
    """The bundle that this one answers or withdraws, where the export names it."""
    batch_no: str = ""
    category: str = ""
    filing_date: str = ""
    offence_start: str = ""
    offence_end: str = ""
    offence_region: str = ""
    offence_place: str = ""
    request_date: str = ""
    exported_at: str = ""
    """When the sender's system wrote the export, by the export's own word."""
    secrecy: str = ""
    person_count: str = ""
    handler: Handler = field(default_factory=Handler)
    brief: str = ""
    grant: str = ""
    """The grant of the sharing catalogue under which this is sent."""
    profile: str = ""
    """The masking profile that was applied; empty for what left as it is."""
    values: tuple[Value, ...] = ()
    persons: tuple[Person, ...] = ()
    documents: tuple[Document, ...] = ()
    volumes: tuple[Volume, ...] = ()
    property: tuple[PropertyItem, ...] = ()
    origins: tuple[Origin, ...] = ()
    unknown: tuple[UnknownValue, ...] = ()
    renamed: tuple[Renamed, ...] = ()
    dropped: tuple[str, ...] = ()
    """Names of leftovers of editors and systems that do not travel."""
    marks: tuple[Mark, ...] = ()
    v: int = 1

    def __repr__(self) -> str:
        return f"CasePackage(flow={self.flow!r}, persons={len(self.persons)}, documents={len(self.documents)})"

    def number(self, scheme: str) -> str:
        """Return the case's number in `scheme`, empty if it has none there."""
        return next((one.number for one in self.case_numbers if one.scheme == scheme), "")

    def to_json(self) -> bytes:
        """Return the canonical form: UTF-8, sorted keys, no spaces. The same value always gives the same bytes."""
        return canonical.dump(self)

    @classmethod
    def from_json(cls, raw: bytes) -> "CasePackage":
        """Return the case package that `raw` is the canonical form of.

        Raises SecurityError `case-package-malformed` for anything else: beyond what `is_readable` allows, another
        version, a missing, doubled or unknown name, a value of another type, or other bytes for the same value.
        """
        package = canonical.load(cls, raw, MAX_CASE_PACKAGE_BYTES, MAX_CASE_PACKAGE_VALUES)
        if package.v != 1:
            raise canonical.malformed("is of an unknown version")
        return package


def is_readable(raw: bytes) -> bool:
    """Whether the recipient takes a case package of this size; whoever makes one asks before it travels."""
    return canonical.is_within(raw, MAX_CASE_PACKAGE_BYTES, MAX_CASE_PACKAGE_VALUES)


def marks_of(findings: tuple[Finding, ...]) -> tuple[Mark, ...]:
    """Return the marks that travel: what was normalised, and what the recipient is to know."""
    return tuple(Mark.of(f) for f in findings if f.verdict in {Verdict.FIX, Verdict.WARN})
