"""All checks of a case package, in one call that reports everything at once (defects catalogue, principle 2)."""

from collections.abc import Collection, Sequence

from gateway.standard import check_case, check_documents, check_persons
from gateway.standard.catalogue import Standard
from gateway.standard.checking import Case, PresentFile
from gateway.standard.findings import Finding
from gateway.standard.package import CasePackage


def check_case_package(
    package: CasePackage,
    files: Sequence[PresentFile],
    standard: Standard,
    *,
    sender_role: str,
    has_lists: bool = True,
    unsaid: Collection[str] = (),
) -> tuple[Finding, ...]:
    """Return everything that is wrong with `package` and its `files`; pure, the same input gives the same findings.

    sender_role: as in the offences' table (`police`, `supervision`, ...).
    unsaid:      fields that the export's format has no place for; nobody is asked for them.
    has_lists:   false where the files are not complete anyway, so that comparing them with the lists says nothing.
    """
    case = Case(package, files, standard, sender_role)
    check_case.check_secrecy(case)
    check_case.check_required(case, unsaid)
    check_case.check_person_count(case)
    check_case.check_dates(case)
    check_persons.check_names(case)
    check_persons.check_identity(case)
    check_persons.check_ages(case)
    check_persons.check_charges(case)
    if has_lists:
        check_documents.check_lists(case)
        check_documents.check_required_documents(case)
    check_documents.check_contents(case)
    check_documents.check_volumes(case)
    check_documents.check_named_persons(case)
    return tuple(case.findings)
