"""Terms of sentences as judgments write them (七年六个月, 无期徒刑), as numbers to reckon with."""

import re
from dataclasses import dataclass
from typing import Final

from gateway.standard.numerals import NUMERAL, read_numeral

LIFE: Final = "life"
DEATH: Final = "death"
DEATH_SUSPENDED: Final = "death-suspended"
FIXED: Final = "fixed"

_MAX_LENGTH: Final = 60
_KIND = re.compile(r"^(?:判处|减为)?(?:有期徒刑|拘役|管制)?")
_TERM = re.compile(
    rf"(?:(?P<years>{NUMERAL})年)?[零又]?(?:(?P<months>{NUMERAL})个?月)?[零又]?(?:(?P<days>{NUMERAL})[日天])?"
)


@dataclass(frozen=True, slots=True)
class Term:
    """One term. kind: `fixed` with years, months and days as they are written; `life`, `death` and `death-suspended`
    have none that can be reckoned with (刑法 45, 46, 48)."""

    kind: str
    years: int = 0
    months: int = 0
    days: int = 0


def read_term(text: str) -> Term | None:
    """Return what `text` (at most 60 characters) says, with or without the kind before it; None if it is no term."""
    plain = "".join(text.split())
    if not plain or len(plain) > _MAX_LENGTH:
        return None
    if "死刑" in plain or "死缓" in plain:
        return Term(DEATH_SUSPENDED if "缓" in plain else DEATH)
    if "无期徒刑" in plain:
        return Term(LIFE)
    rest = _KIND.sub("", plain)
    match = _TERM.fullmatch(rest)
    if match is None or not rest:
        return None
    numbers = {name: read_numeral(found) if found else 0 for name, found in match.groupdict().items()}
    years, months, days = numbers["years"], numbers["months"], numbers["days"]
    if years is None or months is None or days is None or not (years or months or days):
        return None
    return Term(FIXED, years, months, days)
