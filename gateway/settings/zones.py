"""Time zones by their name in the IANA database."""

from datetime import UTC, timedelta, timezone, tzinfo
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

CHINA: Final = "Asia/Shanghai"
"""The one zone of the country; without summer time since 1992."""


def zone_named(name: str) -> tzinfo:
    """Return the zone `name`; ValueError if there is none. China's is known on a machine without the database."""
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, OSError, ValueError) as error:
        if name == CHINA:
            return timezone(timedelta(hours=8), name)
        raise ValueError(f"{name!r} is no time zone") from error
