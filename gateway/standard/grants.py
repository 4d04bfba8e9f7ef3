"""Grants of the sharing catalogue: who may give what to whom until when, and what a shared case package breaks."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from gateway.standard.catalogue import Standard
from gateway.standard.fields import values
from gateway.standard.findings import Finding, Place, Verdict
from gateway.standard.masking import Terms
from gateway.standard.package import CasePackage
from gateway.standard.profiles import Profile, flow_behind

GRANT: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._/-]{0,62}[A-Za-z0-9])?")
"""The form of a grant's id, and of a number of the sharing catalogue."""
SEALED_CHECK: Final = "juvenile-sealed"
SEALED: Final = "JUV-SEALED"
SHOWN: Final = 12
"""Fields that one finding names."""
_LEVEL_OF_SHARING: Final = 2
"""Profiles from this level on serve sharing and statistics, and no case."""
_ENVELOPE: Final = frozenset(
    {"share-catalogue-id", "share-purpose", "handler", "secrecy-level", "batch-no", "case-name"}
)
"""Fields of every shared package that no grant need list: masking takes out of them whom they name."""


@dataclass(frozen=True, slots=True)
class Side:
    """Who gives, or who takes: one unit, or every unit of a role."""

    unit: str = ""
    role: str = ""

    def fits(self, unit: str, roles: Sequence[str]) -> bool:
        """Whether the unit, which acts in `roles`, is meant."""
        return unit == self.unit if self.unit else self.role in roles


@dataclass(frozen=True, slots=True)
class Grant:
    """One grant. `catalogue`: number of the entry of the sharing catalogue; `since` and `until` are its first and last
    day."""

    id: str
    catalogue: str
    giver: Side
    taker: Side
    flows: frozenset[str]
    fields: frozenset[str]
    profile: str
    purpose: str
    since: date
    until: date
    approved_by: str

    def is_named(self, text: str) -> bool:
        """Whether an export that names `text` means this grant."""
        return text in (self.id, self.catalogue)


@dataclass(frozen=True, slots=True)
class Exchange:
    """Between whom something is shared, and when: our unit and the recipients, each with the roles it acts in."""

    giver: tuple[str, tuple[str, ...]]
    takers: tuple[tuple[str, tuple[str, ...]], ...]
    day: date


@dataclass(frozen=True, slots=True)
class Granted:
    """What became of the question for a grant. `grant`: the one that counts, where there is one."""

    grant: Grant | None = None
    findings: tuple[Finding, ...] = field(default=())


def is_granted_only(standard: Standard, flow: str) -> bool:
    """Whether the flow or reply may only leave under a grant."""
    found = flow_behind(standard, flow)
    return found is not None and found.grant


def grant_of(package: CasePackage, grants: Sequence[Grant], exchange: Exchange, standard: Standard) -> Granted:
    """Return the grant under which `package` may leave, or why there is none; nothing where its flow asks for none."""
    if not is_granted_only(standard, package.flow):
        return Granted()
    named = [one for one in grants if one.is_named(package.grant)]
    if not named:
        return _refused("SHARE-CATALOGUE", package.grant)
    fitting = [one for one in named if _fits(one, package.flow, exchange)]
    if not fitting:
        return _refused("SHARE-PARTY", package.grant)
    valid = [one for one in fitting if one.since <= exchange.day <= one.until]
    if not valid:
        last = max(fitting, key=lambda one: one.until)
        return _refused("SHARE-ENDED", package.grant, since=last.since.isoformat(), until=last.until.isoformat())
    return Granted(valid[0])


def beyond(package: CasePackage, terms: Terms, standard: Standard) -> tuple[Finding, ...]:
    """Return the refusal of fields that say something of persons and that neither the flow nor its grant lists."""
    found = [
        kind
        for name, kind in standard.fields.items()
        if kind.pii > 0 and name not in terms.asked | _ENVELOPE and terms.profile.rule(kind) != "drop"
        if any(one.value for one in values(package, name))
    ]
    if not found:
        return ()
    listed = "、".join(kind.zh for kind in found[:SHOWN]) + ("…" if len(found) > SHOWN else "")
    facts: dict[str, str | int] = {"grant": package.grant, "fields": listed, "count": len(found)}
    return (Finding("SHARE-FIELDS", Verdict.REJECT, Place(field=listed), mender="handler", facts=facts),)


def sealed(package: CasePackage, profile: Profile, standard: Standard) -> tuple[Finding, ...]:
    """D82: sealed records of offences as a minor are given to nobody by sharing or statistics (刑诉法 286)."""
    flow = flow_behind(standard, package.flow)
    is_asked = flow is not None and (flow.grant or SEALED_CHECK in flow.checks)
    if not (is_asked or profile.level >= _LEVEL_OF_SHARING):
        return ()
    held = [n for n, person in enumerate(package.persons) if person.sealed == "1"]
    return tuple(Finding(SEALED, Verdict.REJECT, Place(field=f"persons[{n}].sealed")) for n in held)


def _fits(grant: Grant, flow: str, exchange: Exchange) -> bool:
    return (
        flow in grant.flows
        and grant.giver.fits(*exchange.giver)
        and all(grant.taker.fits(*one) for one in exchange.takers)
    )


def _refused(code: str, named: str, **facts: str) -> Granted:
    known: dict[str, str | int] = {"grant": named[:64] or "-", **facts}
    place = Place(field="共享目录编号")
    return Granted(findings=(Finding(code, Verdict.REJECT, place, named[:64], mender="operator", facts=known),))
