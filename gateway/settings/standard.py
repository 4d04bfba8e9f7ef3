"""What the files of the exchange standard may say: flows, dictionaries, checks, laws, codes, offences, holidays."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated

from pydantic import ConfigDict, Field, Strict

from gateway.settings.kinds import Section
from gateway.settings.standard_kinds import (
    Basis,
    CheckUse,
    Clock,
    Condition,
    Dated,
    Day,
    DaySpan,
    Evidence,
    FieldType,
    Group,
    Investigator,
    Kind,
    Lane,
    Mask,
    OClock,
    Per,
    Prose,
    Scheme,
    Severity,
    Signed,
    SizeClass,
    Slug,
    Term,
    Text,
    Unit,
)
from gateway.standard.calendars import Calendar
from gateway.standard.catalogue import REPLY_CLASSES

Pii = Annotated[int, Strict(), Field(ge=0, le=3)]
Truth = Annotated[bool, Strict()]
Age = Annotated[int, Strict(), Field(ge=0, le=100)]
Article = Annotated[int, Strict(), Field(ge=1, le=1000)]
Slugs = tuple[Slug, ...]
Business = Mapping[Scheme, Annotated[tuple[Text, ...], Field(min_length=1)]]


class RequiredIfSection(Section):
    """Documents that are required under a condition."""

    when: Condition = Field(description="the condition, such as person.coercive-measure == detained")
    docs: Annotated[Slugs, Field(min_length=1)] = Field(description="documents, by their slugs")
    severity: Severity = Field(default=Severity.REJECT, description="what their lack does")


class DocumentsSection(Section):
    """Documents of a flow or reply, by their slugs in codes/documents.yaml."""

    required: Slugs = Field(default=(), description="documents without which it is returned")
    required_if: tuple[RequiredIfSection, ...] = Field(default=(), description="documents required under a condition")
    one_of: tuple[Slugs, ...] = Field(default=(), description="sets of which exactly one must be whole")
    optional: Slugs = Field(default=(), description="documents that may be there")


class FieldsSection(Section):
    """Fields of a flow, by their slugs in codes/fields.yaml."""

    required: Annotated[Slugs, Field(min_length=1)] = Field(description="fields that must be filled")
    optional: Slugs = Field(default=(), description="fields that may be filled")


class ReplySection(Section):
    """The business answer to the flow, itself a case package under a flow of its own."""

    code: Slug = Field(description="slug of the reply")
    zh: Text = Field(description="Chinese name")
    en: Text = Field(description="English name")
    lane: Lane = Field(description="priority on the links")
    docs: DocumentsSection = Field(description="its documents")
    fields: Slugs = Field(description="its fields")
    per: Per | None = Field(default=None, description="person: each person is answered by itself")
    business: Business = Field(default={}, description="export format: its own codes for the reply")
    cc: Slugs = Field(default=(), description="roles that get a copy")
    notify: Slugs = Field(default=(), description="roles that must learn of it besides")
    nodes: tuple[Text, ...] = Field(default=(), description="steps of the answer, where it has several")
    returns: Slugs = Field(default=(), description="documents by which the request is sent back to be completed")


class ExtensionSection(Section):
    """A longer term that the law allows, once notice of it has come."""

    limit: Term = Field(description="ISO 8601 duration from the same clock")
    when: Condition = Field(default="", description="only under this condition")


class DeadlineSection(Section):
    """One term."""

    id: Slug = Field(description="name of the term within the flow")
    zh: Text = Field(description="Chinese name")
    en: Text = Field(description="English name")
    kind: Kind = Field(description="reply: the other side answers; send: this side sends; stage: shown only")
    owner: Slug = Field(description="sender or receiver of the request, or a role")
    clock: Clock = Field(
        description="receipt, receipt:<flow, reply or document>, field:<field>, before:<field> or event:<event>"
    )
    when: Condition = Field(default="", description="only under this condition")
    limit: Term = Field(description="ISO 8601 duration from the clock; negative ones count back from it")
    calendar: Calendar = Field(description="how it is counted")
    amber: Term = Field(description="when it is near, from the clock")
    red: Term = Field(description="when it is due, from the clock")
    extension: tuple[ExtensionSection, ...] = Field(default=(), description="longer terms that the law allows")
    basis: Annotated[tuple[Basis, ...], Field(min_length=1)] = Field(description="quotations of law, such as cpl:91.3")
    interim: Truth = Field(
        default=False,
        description="whether an answer after which the decision is still owed ends it, as acceptance does",
    )
    note: Prose | None = Field(default=None, description="remark, in Chinese")
    note_en: Prose | None = Field(default=None, description="remark, in English")


class FlowFile(Dated):
    """One edition of one business flow: what it must hold, who may send it to whom, by when it is answered."""

    effective_until: Day | None = Field(
        default=None, description="first day on which it counts no more; left out: until the next edition begins"
    )
    code: Slug = Field(description="slug of the flow, with which its file's name begins")
    zh: Text = Field(description="Chinese name")
    en: Text = Field(description="English name")
    aliases: tuple[Text, ...] = Field(default=(), description="other Chinese names")
    group: Group = Field(description="part of the proceedings")
    unit: Unit = Field(description="what one export is about")
    class_: Annotated[int, Strict(), Field(ge=1, le=REPLY_CLASSES - 1)] = Field(
        alias="class", description="number of its routing class, which never changes its meaning"
    )
    lane: Lane = Field(description="priority on the links")
    profile: Slug = Field(description="masking profile: how much of a case may travel")
    size_class: SizeClass = Field(description="how large an export usually is")
    trigger: Text = Field(description="when it arises, in Chinese")
    trigger_en: Text | None = Field(default=None, description="when it arises, in English")
    senders: Annotated[Slugs, Field(min_length=1)] = Field(description="roles that may send it")
    receivers: Annotated[Slugs, Field(min_length=1)] = Field(description="roles that may receive it")
    cc: Slugs = Field(default=(), description="roles that may get a copy")
    business: Business = Field(default={}, description="export format: its own codes for the flow")
    key: Annotated[tuple[str, ...], Field(min_length=1)] = Field(
        description="what makes two exports versions of one thing: case_no, persons, document_number, ..."
    )
    docs: DocumentsSection = Field(description="its documents")
    fields: FieldsSection = Field(description="its fields")
    checks: tuple[CheckUse, ...] = Field(description="its checks; `check: severity` where it differs")
    reply: ReplySection | None = Field(default=None, description="the business answer")
    deadlines: tuple[DeadlineSection, ...] = Field(default=(), description="its terms")
    grant: Truth = Field(default=False, description="true: exports must name a grant of the sharing catalogue")
    notes: Prose | None = Field(default=None, description="remark, in Chinese")
    notes_en: Prose | None = Field(default=None, description="remark, in English")
    reference_count: Annotated[int, Strict(), Field(ge=0, le=10**9)] = Field(
        default=0, description="how many the reference province sent in a year"
    )


class RoleSection(Section):
    """Who a unit is in the exchange."""

    zh: Text = Field(description="Chinese name")
    en: Text = Field(description="English name")
    network: Text | None = Field(default=None, description="network on which such units are")


class DocumentSection(Section):
    """One kind of legal document."""

    zh: Text = Field(description="title as it is written")
    en: Text = Field(description="English name")
    issuer: Slug = Field(description="role that issues it, or any")
    signed: Signed = Field(description="whether it bears an electronic seal")
    pii: Pii = Field(description="personal data: 0 none, 1 ordinary, 2 sensitive, 3 highly sensitive")
    aliases: tuple[Text, ...] = Field(default=(), description="other titles under which it is written")


class FieldSection(Section):
    """One field of the dictionary."""

    zh: Text = Field(description="Chinese name")
    en: Text = Field(description="English name")
    type: FieldType = Field(description="type of its values")
    pii: Pii = Field(description="personal data: 0 none, 1 ordinary, 2 sensitive, 3 highly sensitive")
    mask: Mask | None = Field(default=None, description="how a masking profile writes it; left out: as it is")
    codes: Text | None = Field(default=None, description="whose codes its values are")


class CheckSection(Section):
    """One check."""

    severity: Severity = Field(description="what it does where the flow says nothing else")
    rule: Prose = Field(description="what it finds, in Chinese")
    rule_en: Prose = Field(description="what it finds, in English")
    basis: tuple[Basis, ...] = Field(default=(), description="quotations of law")


class LawSection(Section):
    """One legal text that `basis` quotes."""

    zh: Text = Field(description="Chinese title")
    en: Text = Field(description="English title")
    version: Text = Field(description="which version was read")
    evidence: Evidence = Field(description="how its wording is known")
    watch: Prose | None = Field(default=None, description="what must be checked before going live, in Chinese")
    watch_en: Prose | None = Field(default=None, description="what must be checked before going live, in English")


class CodeSection(Section):
    """One value of a code table; every other key is an export format, or a standard, with its codes for it."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Annotated[tuple[Text, ...], Field(min_length=1)]]

    zh: Text = Field(description="Chinese name")
    en: Text = Field(description="English name")


class ChapterSection(Section):
    """One chapter of the special part of the Criminal Law."""

    zh: Text = Field(description="Chinese name")
    en: Text = Field(description="English name")
    first: Article = Field(description="number of its first article")
    last: Article = Field(description="number of its last article")


class ChargeSection(Section):
    """One offence. Ages in full years."""

    id: Slug = Field(description="slug of the offence")
    zh: Text = Field(description="full name")
    former: tuple[Text, ...] = Field(default=(), description="names from before an amendment")
    article: Text = Field(description="articles of the Criminal Law, in quotes")
    age: Age = Field(description="age of responsibility")
    by: Investigator = Field(description="who usually transfers such a case")
    with_approval: Age | None = Field(default=None, description="age from which on it is prosecuted with approval")
    severe: Truth = Field(default=False, description="true: life imprisonment or death is within the range")
    privacy: Truth = Field(default=False, description="true: it concerns a victim's privacy")
    since: Day | None = Field(default=None, description="in force since")
    codes: Mapping[Scheme, Text] = Field(default={}, description="export format: its code for the offence")
    note: Prose | None = Field(default=None, description="remark")


class HoursSection(Section):
    """Hours of a working day, each from and to."""

    morning: Annotated[tuple[OClock, ...], Field(min_length=2, max_length=2)] = Field(description="from, to")
    afternoon: Annotated[tuple[OClock, ...], Field(min_length=2, max_length=2)] = Field(description="from, to")


class YearSection(Section):
    """One year of the State Council's table."""

    off: tuple[DaySpan, ...] = Field(description="holidays: days, or first..last")
    worked: tuple[DaySpan, ...] = Field(description="days of a weekend that are worked instead")


class ProfileSection(Section):
    """One masking profile."""

    zh: Text = Field(description="Chinese name")
    en: Text = Field(description="English name")
    level: Annotated[int, Strict(), Field(ge=0, le=9)] = Field(description="of two profiles the greater is stricter")
    masks_from: Annotated[int, Strict(), Field(ge=0, le=4)] = Field(
        description="fields of this pii and above are masked; 4: none"
    )
    documents_to: Pii = Field(description="optional documents travel if their pii is at most this")
    asked_only: Truth = Field(default=False, description="true: only fields that the flow lists travel")
    looks_inside: Truth = Field(default=False, description="true: texts are searched for numbers and names")
    rules: Mapping[Slug, Mask] = Field(default={}, description="field: how it is written instead")


class RolesFile(Dated):
    """codes/roles.yaml: who takes part."""

    roles: Mapping[Slug, RoleSection] = Field(description="roles by slug")


class DocumentsFile(Dated):
    """codes/documents.yaml: the dictionary of documents."""

    documents: Mapping[Slug, DocumentSection] = Field(description="documents by slug")


class FieldsFile(Dated):
    """codes/fields.yaml: the dictionary of fields."""

    fields: Mapping[Slug, FieldSection] = Field(description="fields by slug")


class ChecksFile(Dated):
    """codes/checks.yaml: what the checks of flows mean."""

    checks: Mapping[Slug, CheckSection] = Field(description="checks by slug")


class LawsFile(Dated):
    """codes/laws.yaml: the legal texts that are quoted."""

    laws: Mapping[Slug, LawSection] = Field(description="laws by slug")


class TablesFile(Dated):
    """codes/tables.yaml: code tables, with their codes in each export format."""

    tables: Mapping[Slug, Mapping[Slug, CodeSection]] = Field(description="tables by slug, codes by slug")


class ChaptersFile(Dated):
    """codes/chapters.yaml: chapters of the Criminal Law, by which statistics count."""

    chapters: Mapping[Slug, ChapterSection] = Field(description="chapters by slug")


class ChargesFile(Dated):
    """codes/charges.yaml: offences."""

    charges: tuple[ChargeSection, ...] = Field(description="offences")


class HolidaysFile(Dated):
    """codes/holidays.yaml: days off and days worked, and the hours of work."""

    hours: HoursSection | None = Field(
        default=None, description="hours of a working day; a file that only adds years leaves it out"
    )
    years: Mapping[str, YearSection] = Field(description="years, in quotes")


class ProfilesFile(Dated):
    """codes/profiles.yaml: masking profiles."""

    profiles: Mapping[Slug, ProfileSection] = Field(description="profiles by slug")


CODE_FILES: Mapping[str, type[Dated]] = MappingProxyType(
    {
        "chapters": ChaptersFile,
        "charges": ChargesFile,
        "checks": ChecksFile,
        "documents": DocumentsFile,
        "fields": FieldsFile,
        "holidays": HolidaysFile,
        "laws": LawsFile,
        "profiles": ProfilesFile,
        "roles": RolesFile,
        "tables": TablesFile,
    }
)
"""Name of a file in codes/ -> what it may say."""
