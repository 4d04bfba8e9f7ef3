"""What a check says about an export: a code of the defects catalogue, a verdict, a place; never the whole value."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Verdict(StrEnum):
    """The six answers, mildest first; `alarm` of a finding is a separate flag (docs/catalogue.md, principle 1)."""

    PASS = "pass"  # noqa: S105  a verdict, no password
    FIX = "fix"
    WARN = "warn"
    WAIT = "wait"
    HOLD = "hold"
    REJECT = "reject"


_ORDER = tuple(Verdict)

MENDERS = ("handler", "vendor", "operator", "security")
"""Who can mend a finding."""

SECRET = "SEC-LEVEL"  # noqa: S105  a code, no password
"""The code of material that must not be on this network at all."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where: `file` as named in the export; line and column from 1, 0 for none; `field` is Chinese name and tag."""

    file: str = ""
    line: int = 0
    column: int = 0
    field: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing a check found.

    code:    as in the defects catalogue, e.g. `ZIP-CRC`.
    value:   the present value, already masked (ID numbers show first 3 and last 2 characters).
    expected: what it should be.
    mender:  who can mend it: `handler`, `vendor`, `operator`, `security`.
    facts:   values for the translated message of `code`.
    """

    code: str
    verdict: Verdict
    place: Place = field(default_factory=Place)
    value: str = ""
    expected: str = ""
    mender: str = "handler"
    alarm: bool = False
    facts: Mapping[str, str | int] = field(default_factory=dict)


def worst(findings: Iterable[Finding]) -> Verdict:
    """Return the gravest verdict of `findings`, PASS if there are none."""
    return max((f.verdict for f in findings), key=_ORDER.index, default=Verdict.PASS)


def by_mender(findings: Iterable[Finding]) -> list[Finding]:
    """Return `findings` by who mends them (whoever handles the case first), each group in its order."""
    return sorted(findings, key=lambda one: MENDERS.index(one.mender) if one.mender in MENDERS else len(MENDERS))


def milder(one: Verdict, other: Verdict) -> Verdict:
    """Return the less grave of two verdicts."""
    return min(one, other, key=_ORDER.index)


def masked(number: str) -> str:
    """Return an identity number with only its first 3 and last 2 characters shown; shorter than 8: all hidden."""
    return "*" * len(number) if len(number) < 8 else number[:3] + "*" * (len(number) - 5) + number[-2:]
