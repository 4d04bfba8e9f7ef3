"""The kinds of text that the files of the exchange standard hold: slugs, days, terms, conditions, clocks, laws."""

import re
from datetime import date, timedelta
from enum import StrEnum
from typing import Annotated, LiteralString

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from gateway.settings.kinds import Section
from gateway.standard.calendars import read_duration
from gateway.standard.conditions import CONDITION_MAX, parse

_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,62}", re.ASCII)
_SCHEME = re.compile(r"[a-z][a-z0-9-]{0,62}", re.ASCII)
_SPAN = re.compile(r"(\d{4}-\d{2}-\d{2})(?:\.\.(\d{4}-\d{2}-\d{2}))?", re.ASCII)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_OCLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d", re.ASCII)
_CLOCK = re.compile(
    r"receipt|(?:receipt|event):[a-z][a-z0-9.-]{0,62}|(?:field|before):[a-z][a-z0-9-]{0,62}(?:\.(?:start|end))?"
)
_BASIS = re.compile(r"(?P<law>[a-z][a-z-]*):\S{1,60}")
_TYPE = re.compile(r"(?:string(?:\(\d{1,4}\))?|text|date|datetime|bool|int|enum|code|list|range|object)")
_SPAN_MAX = 31
"""Days; the longest holiday of the State Council's tables had nine."""


class Group(StrEnum):
    """Part of the proceedings to which a flow belongs."""

    INVESTIGATION = "investigation"
    PROSECUTION = "prosecution"
    TRIAL = "trial"
    CUSTODY = "custody"
    PROPERTY = "property"
    SUPERVISION = "supervision"
    EXECUTION = "execution"
    DEFENCE = "defence"
    PLATFORM = "platform"


class Unit(StrEnum):
    """What one export of a flow is about."""

    CASE = "case"
    PERSON = "person"
    BATCH = "batch"


class Lane(StrEnum):
    """Priority of a flow on the links."""

    CUSTODY = "custody"
    HIGH = "high"
    NORMAL = "normal"
    BULK = "bulk"
    AV = "av"


class SizeClass(StrEnum):
    """How large an export of a flow usually is."""

    TINY = "tiny"
    SMALL = "small"
    MEDIUM = "medium"
    DOSSIER = "dossier"
    AV = "av"


class Kind(StrEnum):
    """Whose act a term bounds."""

    REPLY = "reply"
    SEND = "send"
    STAGE = "stage"


class Severity(StrEnum):
    """What a check does when it strikes."""

    WARN = "warn"
    HOLD = "hold"
    REJECT = "reject"


class Signed(StrEnum):
    """Whether a document bears an electronic seal."""

    REQUIRED = "required"
    EXPECTED = "expected"
    NONE = "none"


class Evidence(StrEnum):
    """How the wording of a law is known."""

    TEXT_READ = "text-read"
    SECONDARY = "secondary"
    KNOWLEDGE = "knowledge"
    PROPOSAL = "proposal"


class Per(StrEnum):
    """What is answered by itself."""

    PERSON = "person"


class Mask(StrEnum):
    """How a masked field is written."""

    SURNAME_STAR = "surname-star"
    ID_3_2 = "id-3-2"
    YEAR_ONLY = "year-only"
    TO_COUNTY = "to-county"
    DROP = "drop"
    HASH = "hash"
    REPLACE_NAMES = "replace-names"
    PHONE_3_4 = "phone-3-4"


class Investigator(StrEnum):
    """Who usually transfers cases of an offence."""

    POLICE = "police"
    SUPERVISION = "supervision"
    CUSTOMS = "customs"
    PROCURATORATE = "procuratorate"
    STATE_SECURITY = "state-security"
    PRISON = "prison"
    MIXED = "mixed"


def _matching(pattern: re.Pattern[str], code: LiteralString) -> AfterValidator:
    def check(text: str) -> str:
        if not pattern.fullmatch(text):
            raise PydanticCustomError(code, "malformed")
        return text

    return AfterValidator(check)


def _day(value: object) -> date:
    if isinstance(value, str) and _DAY.fullmatch(value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    raise PydanticCustomError("day-malformed", "not a day")


def _span(value: object) -> tuple[date, ...]:
    match = _SPAN.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise PydanticCustomError("days-malformed", "neither a day nor a span of days")
    first = _day(match[1])
    last = _day(match[2]) if match[2] else first
    if not timedelta(0) <= last - first < timedelta(days=_SPAN_MAX):
        raise PydanticCustomError("days-implausible", "ends before it begins, or is too long", {"most": str(_SPAN_MAX)})
    return tuple(first + timedelta(days=n) for n in range((last - first).days + 1))


def _term(text: str) -> str:
    try:
        read_duration(text)
    except ValueError:
        raise PydanticCustomError("term-malformed", "not an ISO 8601 duration") from None
    return text


def _condition(text: str) -> str:
    try:
        parse(text)
    except ValueError:
        raise PydanticCustomError("condition-malformed", "not in the language of conditions") from None
    return text


def _check_use(value: object) -> tuple[str, str]:
    if isinstance(value, str) and _SLUG.fullmatch(value):
        return value, ""
    if isinstance(value, dict) and len(value) == 1:
        ((name, severity),) = value.items()
        if isinstance(name, str) and severity in set(Severity):
            return name, str(severity)
    raise PydanticCustomError("check-use-malformed", "neither a check nor `check: severity`")


def law_of(basis: str) -> str:
    """Return the slug of the law that the quotation `basis` (cpl:91.3) names."""
    return basis.partition(":")[0]


def _schema(pattern: re.Pattern[str]) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": f"^({pattern.pattern.replace('(?P<law>', '(')})$"})


Slug = Annotated[str, _matching(_SLUG, "slug-malformed"), _schema(_SLUG)]
Scheme = Annotated[str, _matching(_SCHEME, "slug-malformed"), _schema(_SCHEME)]
Text = Annotated[str, Field(min_length=1, max_length=400)]
Prose = Annotated[str, Field(min_length=1, max_length=2000)]
Day = Annotated[date, BeforeValidator(_day), WithJsonSchema({"type": "string", "format": "date"})]
DaySpan = Annotated[tuple[date, ...], PlainValidator(_span), _schema(_SPAN)]
Term = Annotated[
    str, AfterValidator(_term), WithJsonSchema({"type": "string", "examples": ["P7D", "P1M", "PT48H", "-P3D"]})
]
Condition = Annotated[str, AfterValidator(_condition), WithJsonSchema({"type": "string", "maxLength": CONDITION_MAX})]
Clock = Annotated[str, _matching(_CLOCK, "clock-malformed"), _schema(_CLOCK)]
Basis = Annotated[str, _matching(_BASIS, "basis-malformed"), _schema(_BASIS)]
FieldType = Annotated[str, _matching(_TYPE, "type-malformed"), _schema(_TYPE)]
OClock = Annotated[str, _matching(_OCLOCK, "hour-malformed"), _schema(_OCLOCK)]
CheckUse = Annotated[
    tuple[str, str],
    PlainValidator(_check_use),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": f"^({_SLUG.pattern})$"},
                {
                    "type": "object",
                    "minProperties": 1,
                    "maxProperties": 1,
                    "additionalProperties": {"enum": [str(one) for one in Severity]},
                },
            ]
        }
    ),
]


class Dated(Section):
    """What every file of the standard begins with."""

    version: Text = Field(description="version of this file, in quotes")
    effective_from: Day = Field(description="first day on which it counts")
