"""What a file of links.d may say about a boundary: gap devices, diodes, windows, bandwidth and lanes."""

import re
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field, Strict, WithJsonSchema
from pydantic_core import PydanticCustomError

from gateway.settings.kinds import Section
from gateway.settings.quantities import Duration, Size

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
STEM_LEAST = 8
"""Characters of a name before its ending: fewer would not tell enough files apart."""

_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]|24:00", re.ASCII)
_ENDING = re.compile(r"\.[A-Za-z0-9]{1,8}", re.ASCII)
_CRON_MAX = 100
_CRON = ((0, 59), (0, 23), (1, 31), (1, 12))
"""Least and most of the first four fields; the fifth names days, since numbers of days mean two things."""
_PIECE = re.compile(r"(\*|([0-9]{1,2})(-([0-9]{1,2}))?)(/([1-9][0-9]?))?", re.ASCII)
_DAY = "|".join(DAYS)
_DAY_PIECE = re.compile(rf"\*|({_DAY})(-({_DAY}))?", re.ASCII)


def _cron(text: str) -> str:
    fields = text.split()
    if len(text) > _CRON_MAX or len(fields) != 5 or not all(map(_is_field, fields[:4], _CRON)):
        raise PydanticCustomError("cron-malformed", "not a cron expression")
    if not all(map(_is_days, fields[4].split(","))):
        raise PydanticCustomError("cron-malformed", "not days of the week")
    return " ".join(fields)


def _is_field(field: str, bounds: tuple[int, int]) -> bool:
    least, most = bounds
    for piece in field.split(","):
        found = _PIECE.fullmatch(piece)
        if not found or (found[6] and int(found[6]) > most) or (found[6] and found[2] and not found[4]):
            return False
        ends = [int(found[group]) for group in (2, 4) if found[group]]
        if ends != sorted(ends) or any(not least <= end <= most for end in ends):
            return False
    return True


def _is_days(piece: str) -> bool:
    found = _DAY_PIECE.fullmatch(piece)
    return found is not None and (not found[3] or DAYS.index(found[1]) <= DAYS.index(found[3]))


def _time(text: str) -> str:
    if not _TIME.fullmatch(text):
        raise PydanticCustomError("time-malformed", "not a time of day")
    return text


def _ending(text: str) -> str:
    if not _ENDING.fullmatch(text):
        raise PydanticCustomError("ending-malformed", "not an ending")
    return text


Cron = Annotated[str, AfterValidator(_cron), WithJsonSchema({"type": "string", "maxLength": _CRON_MAX})]
TimeOfDay = Annotated[str, AfterValidator(_time), WithJsonSchema({"type": "string", "pattern": f"^({_TIME.pattern})$"})]
Ending = Annotated[
    str, AfterValidator(_ending), WithJsonSchema({"type": "string", "pattern": f"^({_ENDING.pattern})$"})
]


def minutes(text: str) -> int:
    """Return the minutes after midnight of a time of day that was checked."""
    hours, _, rest = text.partition(":")
    return int(hours) * 60 + int(rest)


class NameLetters(StrEnum):
    """Of which characters file names may be made, besides the ending."""

    LOWER = "lower"
    UPPER = "upper"
    DIGITS = "digits"


class GapSettings(Section):
    """What the device lets through of what we leave; what it brings is understood whatever the peer has set."""

    max_file: Annotated[int, Size("64 KiB", "64 TiB")] | None = Field(
        default=None, description="its largest file; a larger bundle crosses in parts"
    )
    max_files: Annotated[int, Strict(), Field(ge=1, le=1_000_000)] | None = Field(
        default=None, description="most files that may lie in its folder at a time; more wait"
    )
    ending: Ending = Field(default=".dat", description="ending of every file name, one that the device lets through")
    letters: NameLetters = Field(
        default=NameLetters.LOWER,
        description="characters of file names: lower (digits and small letters), upper (digits and capitals), digits",
    )
    longest: Annotated[int, Strict(), Field(ge=10, le=100)] = Field(
        default=100, description="longest file name, ending included; 12 for 8.3"
    )
    leftovers: Annotated[float, Duration("1m", "3650d")] = Field(
        default=7 * 86400.0, description="parts of a file that never became whole are removed after this time"
    )


class Receipts(StrEnum):
    """Whether receipts come back for what leaves by a link."""

    EXPECTED = "expected"
    LATE = "late"
    NEVER = "never"


class RepeatSettings(Section):
    """Sending again without being asked, for links that lose things and tell nobody."""

    times: Annotated[int, Strict(), Field(ge=1, le=20)] = Field(
        default=1, description="how often a bundle is sent once more while no receipt has come"
    )
    every: Annotated[float, Duration("1s", "30d")] = Field(default=3600.0, description="time between two sendings")


class WindowSettings(Section):
    """One span of time in which the link may be used."""

    opens: Cron = Field(
        description='when it opens: minute, hour, day, month, day of the week by name, e.g. "0 22 * * mon-fri"'
    )
    lasts: Annotated[float, Duration("1m", "7d")] = Field(description="how long it stays open")


class BandwidthSettings(Section):
    """How many bytes a second the link may carry at some time of day."""

    begin: TimeOfDay = Field(description='from this time of day on, in quotes, e.g. "08:00"')
    end: TimeOfDay = Field(description='until this time of day, "24:00" at most; earlier than begin: over midnight')
    rate: Annotated[int, Size("16 KiB", "1 TiB")] = Field(description="bytes a second, each way")


class Lane(StrEnum):
    """Lanes of bundles, the most urgent first."""

    CUSTODY = "custody"
    HIGH = "high"
    NORMAL = "normal"
    BULK = "bulk"
    AV = "av"
