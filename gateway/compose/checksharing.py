"""What `caseferry check` says of grants and of the virus scanner."""

from collections.abc import Iterator
from datetime import UTC, datetime

from gateway.compose.scanning import ask, scanner_at
from gateway.domain.errors import ConfigError, GatewayError, TransientError
from gateway.settings.load import Settings
from gateway.stages.expiry import DAYS_BEFORE


def look_at_grants(settings: Settings, now: float) -> Iterator[tuple[str, GatewayError | None]]:
    """Yield each grant by its number, with what is wrong with it at `now` (seconds since 1970 UTC)."""
    today = datetime.fromtimestamp(now, UTC).astimezone().date()
    for one in settings.grants:
        left = one.days_left(today)
        facts: dict[str, str | int] = {"grant": one.id, "until": one.until.isoformat(), "days": left}
        code = "grant-ended" if left < 0 else "grant-ending" if left <= DAYS_BEFORE[0] else ""
        yield one.id, ConfigError(code, f"{left} days left", facts=facts) if code else None


def look_at_scanner(settings: Settings) -> tuple[str, GatewayError | None]:
    """Return where the scanner is and what it says of itself, or what is wrong with it."""
    if settings.malware is None:
        return "-", ConfigError("scanner-none", "no section malware")
    place = str(scanner_at(settings.malware))
    try:
        return f"{place} {ask(settings.malware)}", None
    except TransientError as error:
        return place, error
