"""Terms of imprisonment as judgments write them: 七年六个月, 有期徒刑一年, 十个月十五日."""

import re
from dataclasses import dataclass
from typing import Final

_DIGITS: Final = {digit: n for n, digit in enumerate("〇一二三四五六七八九")} | {"零": 0, "两": 2}
_NUMBER: Final = "[〇零一二两三四五六七八九十0-9]{1,4}"
_TERM: Final = re.compile(
    rf"(?:有期徒刑|拘役|管制)?(?:(?P<years>{_NUMBER})年)?(?:零?(?P<months>{_NUMBER})个?月)?"
    rf"(?P<half>半)?(?:零?(?P<days>{_NUMBER})[日天])?"
)
HALF_MONTH: Final = 15
"""法释〔2021〕1号 202: half a month is always fifteen days."""


@dataclass(frozen=True, slots=True)
class Term:
    """So many years, months and days."""

    years: int
    months: int
    days: int


def read_term(text: str) -> Term | None:
    """Return the term that `text` writes; None for 无期徒刑, 死刑 and what is no term."""
    match = _TERM.fullmatch("".join(text.split()))
    if match is None:
        return None
    years, months, days = (_number(match[name] or "") for name in ("years", "months", "days"))
    if None in (years, months, days):
        return None
    term = Term(years or 0, months or 0, (days or 0) + (HALF_MONTH if match["half"] else 0))
    return term if term != Term(0, 0, 0) else None


def _number(text: str) -> int | None:
    """Return a number below a hundred as Chinese or Arabic digits write it; 0 for nothing, None for nonsense."""
    if not text:
        return 0
    if text.isdigit() and text.isascii():
        return int(text)
    tens, ten, ones = text.partition("十")
    if not ten:
        return _DIGITS.get(text)
    high, low = _DIGITS.get(tens, 1 if not tens else None), _DIGITS.get(ones, 0 if not ones else None)
    return None if high is None or low is None else high * 10 + low
