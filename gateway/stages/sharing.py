"""What of an export leaves: its profile, its grant, its content masked and looked through once more before sealing."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from gateway.domain.ids import UnitCode
from gateway.packing import Member, Reading
from gateway.roster.roster import roles_of
from gateway.stages.routes import OutboundRoute
from gateway.stages.routing import Decision, Territory
from gateway.stages.search import Search, Seen
from gateway.standard.catalogue import Standard
from gateway.standard.findings import Finding, Place, Verdict, worst
from gateway.standard.grants import SEALED, Exchange, Grant, beyond, grant_of, is_granted_only, sealed
from gateway.standard.masking import Masked, mask, secrets_of, terms_of
from gateway.standard.package import CasePackage, marks_of
from gateway.standard.profiles import FULL, Profile, profile_of
from gateway.standard.pseudonyms import PseudonymKey
from gateway.standard.scrubbing import pattern_of, texts_of


@dataclass(frozen=True, slots=True)
class Rulebook:
    """What a node knows of masking and sharing besides the standard: its grants, and the key of its pseudonyms."""

    grants: tuple[Grant, ...]
    key: PseudonymKey


@dataclass(frozen=True, slots=True)
class Leaving:
    """What is sealed of an export: the case package and members as they leave."""

    profile: Profile
    package: CasePackage
    members: tuple[Member, ...]
    findings: tuple[Finding, ...] = ()


def leaving(
    reading: Reading,
    findings: Sequence[Finding],
    decision: Decision,
    *,
    route: OutboundRoute,
    territory: Territory,
    standard: Standard,
    rulebook: Rulebook,
    at: float,
    progress: Callable[[int], None],
) -> Leaving:
    """Return what of `reading` leaves by `route` at `at` (seconds since 1970 UTC); reads members where the profile
    wants them looked through. What is refused anyway is not masked.

    findings: what the checks and the route said; the marks of what travels are made of them.
    progress: told 0 for every piece read.
    """
    package, marks = reading.package, marks_of(tuple(findings))
    if (package.marks, package.profile, package.withheld) != (marks, "", ()):
        package = replace(package, marks=marks, profile="", withheld=())
    profile = profile_of(standard, package.flow, route.profiles)
    if not decision.choices:
        return Leaving(profile, package, ())
    exchange = _exchange(decision, territory, at)
    granted = grant_of(package, rulebook.grants, exchange, standard)
    fields: frozenset[str] = frozenset()
    if granted.grant is not None:
        profile = max(profile, standard.profiles[granted.grant.profile], key=lambda one: one.level)
        fields = granted.grant.fields
    terms = terms_of(standard, package.flow, profile, fields)
    # Where the flow asks for this check it was made with the others; here it is made of whatever is shared at all.
    is_known = any(one.code == SEALED for one in findings)
    found = (*granted.findings, *(() if is_known else sealed(package, profile, standard)))
    if granted.grant is not None:
        found += beyond(package, terms, standard)
    if profile.is_full or worst((*findings, *found)) is Verdict.REJECT:
        return Leaving(profile, package, tuple(reading.members), found)
    paths = [one.path for one in reading.members if not one.is_record]
    masked = mask(package, paths, standard, terms, rulebook.key)
    members = tuple(
        replace(one, path=masked.paths[one.path], raw=None) for one in reading.members if one.path in masked.paths
    )
    found += tuple(_looked_through(masked, members, secrets_of(package, terms, standard), profile, progress))
    found += tuple(_withheld(masked.package, standard))
    return Leaving(profile, masked.package, members, found)


def lacks(package: CasePackage, standard: Standard) -> str:
    """Return the code of what a case package that came to us lacks of what its flow demands; empty for nothing.

    Whether its grant is a good one only its sender can tell; that it names one, and was masked, shows.
    """
    if is_granted_only(standard, package.flow) and not package.grant:
        return "grant-missing"
    wanted = profile_of(standard, package.flow, {})
    applied = standard.profiles.get(package.profile or FULL)
    if applied is None or applied.level < wanted.level:
        return "mask-missing"
    return "sealed-record" if sealed(package, wanted, standard) else ""


def _exchange(decision: Decision, territory: Territory, at: float) -> Exchange:
    def party(unit: UnitCode) -> tuple[str, tuple[str, ...]]:
        listed = territory.listed(unit)
        return unit, () if listed is None else tuple(sorted(roles_of(listed)))

    day = datetime.fromtimestamp(at, UTC).astimezone().date()
    return Exchange(party(territory.unit), tuple(party(one.unit) for one in decision.recipients), day)


def _looked_through(
    masked: Masked,
    members: Sequence[Member],
    secrets: frozenset[str],
    profile: Profile,
    progress: Callable[[int], None],
) -> Iterator[Finding]:
    """Look for what had to go in what is about to leave, without asking how it was masked."""
    pattern = pattern_of(secrets)
    texts = [*texts_of(masked.package), *masked.paths.values()]
    if pattern is not None and any(pattern.search(text) is not None for text in texts):
        yield Finding("MASK-APPLIED", Verdict.REJECT, mender="vendor", alarm=True)
    if not profile.looks_inside:
        return
    search = Search(secrets, progress)
    for member in members:
        seen = search.in_member(member)
        place, facts = Place(file=member.path), {"file": member.path}
        if seen is Seen.FOUND:
            yield Finding("MASK-APPLIED", Verdict.REJECT, place, facts=facts)
        elif seen is Seen.UNSEEN:
            yield Finding("MASK-UNSEEN", Verdict.HOLD, place, facts=facts)


def _withheld(package: CasePackage, standard: Standard) -> Iterator[Finding]:
    """Say which documents stay at home: nobody should learn from the recipient that something is missing."""
    if package.withheld:
        kinds = [standard.documents.get(one.kind) for one in package.withheld]
        names = "、".join(dict.fromkeys(kind.zh if kind is not None else "?" for kind in kinds))
        count = sum(one.count for one in package.withheld)
        facts: dict[str, str | int] = {"count": count, "kinds": names, "profile": package.profile}
        yield Finding("MASK-WITHHELD", Verdict.WARN, mender="operator", facts=facts)
