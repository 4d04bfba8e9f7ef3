"""All checks of a case package, in one call that reports everything at once (defects catalogue, principle 2).

Which checks a case undergoes is data: its flow names them by slug, and every slug has one function here.
"""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from gateway.standard import (
    check_ages,
    check_charges,
    check_dates,
    check_documents,
    check_form,
    check_organisations,
    check_persons,
    check_procedure,
    check_security,
    check_sentences,
)
from gateway.standard.catalogue import Standard
from gateway.standard.checking import Case, Context, PresentFile
from gateway.standard.findings import Finding
from gateway.standard.package import CasePackage
from gateway.standard.registry import ELSEWHERE, Check

CHECKS: Final[Mapping[str, Check]] = MappingProxyType(
    {
        **check_security.CHECKS,
        **check_persons.CHECKS,
        **check_ages.CHECKS,
        **check_charges.CHECKS,
        **check_dates.CHECKS,
        **check_sentences.CHECKS,
        **check_organisations.CHECKS,
        **check_procedure.CHECKS,
        **check_documents.CHECKS,
    }
)
"""Slug -> what it does, in the order in which people read the findings."""

ANSWERED: Final = frozenset({*CHECKS, *ELSEWHERE})
"""Every slug that a flow may name."""

ALWAYS: Final = frozenset({"secrecy-level"})
"""Asked of everything, named or not: no flow is a way for marked material."""

OF_REPLIES: Final = frozenset(
    {
        "volume-type-allowed",
        "doc-required",
        "doc-listed-present",
        "doc-readable",
        "doc-final-form",
        "doc-signed",
        "doc-number",
        "doc-names-person",
        "id-checksum",
        "id-region-plausible",
        "id-birth-match",
        "id-sex-match",
        "id-missing-reason",
        "id-duplicate-person",
        "name-charset",
        "person-count",
        "date-plausible",
        "date-order",
        "date-not-future",
        "juvenile-sealed",
        "protected-witness",
        "tech-investigation",
    }
)
"""What holds of a request's answer as of the request: papers, identities, dates, what must not go this way. Who was to
be charged with what, by whom, and within which term was asked of the request, and is not asked again."""


def check_case_package(
    package: CasePackage,
    files: Sequence[PresentFile],
    standard: Standard,
    *,
    sender_role: str,
    has_lists: bool = True,
    context: Context | None = None,
    unsaid: frozenset[str] = frozenset(),
) -> tuple[Finding, ...]:
    """Return everything that is wrong with `package` and its `files`; pure, the same input gives the same findings.

    sender_role: as in the offences' table (`police`, `supervision`, ...).
    unsaid:      fields that the export's format has no place for; nobody is asked for them.
    has_lists:   false where the files are not complete anyway, so that comparing them with the lists says nothing.
    """
    severities = dict(_chosen(package.flow, standard))
    case = Case(
        package,
        files,
        standard,
        sender_role,
        context or Context(),
        unsaid,
        has_lists,
        checks=frozenset(severities),
    )
    for slug, check in CHECKS.items():
        if slug in severities and slug in standard.checks:
            case.begin(standard.checks[slug], severities[slug])
            check(case)
    check_form.check_fields(case)
    check_form.check_court_number(case)
    return tuple(case.findings)


def unanswered(standard: Standard) -> tuple[str, ...]:
    """Return the slugs that the standard knows, or a flow names, and that nobody checks."""
    named = {slug for flow in standard.editions for slug in flow.checks}
    return tuple(sorted((named | set(standard.checks)) - ANSWERED))


def _chosen(code: str, standard: Standard) -> Iterator[tuple[str, str | None]]:
    """Yield the checks that a case of this flow undergoes, with the severity that the flow gives them.

    A reply undergoes those of its request that are in OF_REPLIES; what is of no flow of the standard all of these.
    """
    reply = standard.reply(code)
    flow = standard.flow(code if reply is None else reply.request)
    for slug in ALWAYS:
        yield slug, None
    if flow is None:
        yield from ((slug, None) for slug in sorted(OF_REPLIES))
    else:
        for slug in flow.checks:
            if slug not in ALWAYS and (reply is None or slug in OF_REPLIES):
                yield slug, flow.severities.get(slug)
