"""Times and sizes as people write and read them at the command line."""

import re
from datetime import UTC, datetime
from types import MappingProxyType

from gateway.domain.errors import ConfigError, Scope

_UNITS = MappingProxyType({"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400})
_AGO = re.compile(r"(\d{1,9})([smhdw])")
_SIZES = ("B", "KiB", "MiB", "GiB", "TiB")


def moment(text: str, now: float) -> float:
    """Return the time (seconds since 1970 UTC) that `text` means: `2h` or `3d` before `now`, or an ISO date or time.

    A time without a zone is local. Raises ConfigError `time-malformed`.
    """
    ago = _AGO.fullmatch(text.strip().lower())
    if ago:
        return now - int(ago[1]) * _UNITS[ago[2]]
    try:
        return datetime.fromisoformat(text.strip()).timestamp()
    except (ValueError, OverflowError, OSError) as error:
        raise ConfigError(
            "time-malformed", f"{text!r} is no time", scope=Scope.NODE, facts={"text": text[:60]}
        ) from error


def clock_text(seconds: float | None) -> str:
    """Return a time as `2026-03-10 15:30:12`, local; empty for None."""
    if seconds is None:
        return ""
    return datetime.fromtimestamp(seconds, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def span_text(seconds: float) -> str:
    """Return a duration in at most two units, such as `0.8 s`, `42 s`, `3 min 5 s`, `2 h 10 min`, `4 d 3 h`."""
    if seconds < 10:
        return f"{max(0.0, seconds):.1f} s"
    whole = round(seconds)
    parts: list[str] = []
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min"), (1, "s")):
        count, whole = divmod(whole, size)
        if count or parts:
            parts.append(f"{count} {unit}" if count else "")
        if len(parts) == 2:
            break
    return " ".join(filter(None, parts))


def size_text(size: float) -> str:
    """Return a number of bytes as `512 B`, `4.5 KiB`, `60.2 MiB`."""
    step = 0
    while size >= 1024 and step < len(_SIZES) - 1:
        size /= 1024
        step += 1
    return f"{size:.0f} {_SIZES[step]}" if step == 0 else f"{size:.1f} {_SIZES[step]}"
