"""The kinds of text a setting may hold: unit codes, names, folders, addresses."""

import ipaddress
import os
import re
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, ValidationInfo, WithJsonSchema
from pydantic_core import PydanticCustomError

from gateway.domain.ids import LinkName, RouteName, UnitCode, link_name, route_name, unit_code
from gateway.settings.zones import zone_named

ANY = "*"
"""Stands for every unit, flow or receiver code."""
ROSTER = "roster"
"""Stands for whom the roster says."""
OWN = "own"
SAME_CITY = "same-city"

_HOST_LABEL = "[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_HOST = re.compile(rf"(?=.{{1,253}}\Z){_HOST_LABEL}(\.{_HOST_LABEL})*", re.ASCII)
_ACCOUNT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}", re.ASCII)
_FILE_NAME = re.compile(r"\.?[A-Za-z0-9][A-Za-z0-9._-]{0,62}", re.ASCII)
_PATH_MAX = 4096 - 256
"""Bytes; PATH_MAX of Linux less the longest name that is put below."""
_NAME_MAX = 100
"""Characters of an organisation's name."""
NEVER = "never"
"""Stands for no time of day."""
_TIME_OF_DAY = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]", re.ASCII)
_UNIT = "[0-9A-Z]{4,24}"
_REGION = "([0-9]{2}){1,3}"
_LABEL = "[a-z0-9][a-z0-9-]{0,62}"
_CATALOGUE = "[A-Za-z0-9]([A-Za-z0-9._/-]{0,62}[A-Za-z0-9])?"


class Section(BaseModel):
    """A frozen group of settings that refuses unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def _unit(text: str) -> UnitCode:
    try:
        return unit_code(text)
    except ValueError:
        raise PydanticCustomError("unit-malformed", "not a unit code") from None


def _unit_or_any(text: str) -> str:
    return text if text == ANY else _unit(text)


def _unit_or_roster(text: str) -> str:
    return text if text == ROSTER else _unit(text)


def _region(text: str) -> str:
    if text not in (OWN, SAME_CITY) and not re.fullmatch(_REGION, text, re.ASCII):
        raise PydanticCustomError("region-malformed", "not a region")
    return text


def _link(text: str) -> LinkName:
    try:
        return link_name(text)
    except ValueError:
        raise PydanticCustomError("label-malformed", "not a name") from None


def _route(text: str) -> RouteName:
    try:
        return route_name(text)
    except ValueError:
        raise PydanticCustomError("label-malformed", "not a name") from None


def _label(text: str) -> str:
    return _link(text)


def _label_or_any(text: str) -> str:
    return text if text == ANY else _link(text)


def _folder(value: object, info: ValidationInfo) -> Path:
    if isinstance(value, Path):
        value = str(value)
    if not isinstance(value, str):
        raise PydanticCustomError("string_type", "not text")
    if not value or value != value.strip() or "\0" in value or value[0] == "~" or len(os.fsencode(value)) > _PATH_MAX:
        raise PydanticCustomError("path-malformed", "not a path")
    base = info.context.get("base", "") if info.context else ""
    # `..` is resolved by text, so that two spellings of one folder compare equal.
    return Path(os.path.normpath(Path(base, value)))


def _host(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        # A name of digits and dots only is a mistyped address.
        if not _HOST.fullmatch(text) or not re.search("[A-Za-z]", text):
            raise PydanticCustomError("host-malformed", "not a host") from None
    return text.lower()


def _listen(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise PydanticCustomError("listen-malformed", "not an address") from None


def _account(text: str) -> str:
    if not _ACCOUNT.fullmatch(text):
        raise PydanticCustomError("word-malformed", "not an account", {"most": "32"})
    return text


def _file_name(text: str) -> str:
    if not _FILE_NAME.fullmatch(text):
        raise PydanticCustomError("word-malformed", "not a file name", {"most": "64"})
    return text


def _title(text: str) -> str:
    stripped = text.strip()
    if not stripped or len(stripped) > _NAME_MAX:
        raise PydanticCustomError("title-malformed", "empty or too long", {"most": str(_NAME_MAX)})
    return stripped


def _time_of_day(text: str) -> str:
    if text != NEVER and not _TIME_OF_DAY.fullmatch(text):
        raise PydanticCustomError("time-of-day-malformed", "not a time of day")
    return text


def _catalogue_number(text: str) -> str:
    if not re.fullmatch(_CATALOGUE, text, re.ASCII):
        raise PydanticCustomError("number-malformed", "not a number of a catalogue")
    return text


def _zone(text: str) -> str:
    try:
        zone_named(text)
    except ValueError:
        raise PydanticCustomError("zone-unknown", "not a time zone") from None
    return text


def seconds_of_day(text: str) -> float | None:
    """Return the seconds after midnight of a `TimeOfDay`; None for `never`."""
    if text == NEVER:
        return None
    hours, minutes = text.split(":")
    return 3600.0 * int(hours) + 60.0 * int(minutes)


def _pattern(body: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": f"^({body})$"})


Unit = Annotated[UnitCode, AfterValidator(_unit), _pattern(_UNIT)]
UnitOrAny = Annotated[str, AfterValidator(_unit_or_any), _pattern(rf"{_UNIT}|\*")]
UnitOrRoster = Annotated[str, AfterValidator(_unit_or_roster), _pattern(rf"{_UNIT}|{ROSTER}")]
Region = Annotated[str, AfterValidator(_region), _pattern(rf"{OWN}|{SAME_CITY}|{_REGION}")]
LinkLabel = Annotated[LinkName, AfterValidator(_link), _pattern(_LABEL)]
RouteLabel = Annotated[RouteName, AfterValidator(_route), _pattern(_LABEL)]
Label = Annotated[str, AfterValidator(_label), _pattern(_LABEL)]
LabelOrAny = Annotated[str, AfterValidator(_label_or_any), _pattern(rf"{_LABEL}|\*")]
Folder = Annotated[Path, BeforeValidator(_folder), WithJsonSchema({"type": "string", "minLength": 1})]
TimeOfDay = Annotated[str, AfterValidator(_time_of_day), _pattern(rf"{_TIME_OF_DAY.pattern}|{NEVER}")]
CatalogueNumber = Annotated[str, AfterValidator(_catalogue_number), _pattern(_CATALOGUE)]
Zone = Annotated[str, AfterValidator(_zone), WithJsonSchema({"type": "string", "minLength": 1, "maxLength": 64})]
Account = Annotated[str, AfterValidator(_account), _pattern(_ACCOUNT.pattern)]
FileName = Annotated[str, AfterValidator(_file_name), _pattern(_FILE_NAME.pattern)]
Host = Annotated[str, AfterValidator(_host), WithJsonSchema({"type": "string", "minLength": 1, "maxLength": 253})]
Listen = Annotated[str, AfterValidator(_listen), WithJsonSchema({"type": "string", "minLength": 2, "maxLength": 45})]
Title = Annotated[
    str, AfterValidator(_title), WithJsonSchema({"type": "string", "minLength": 1, "maxLength": _NAME_MAX})
]
