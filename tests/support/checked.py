"""Single checks of the flow catalogue, asked of cases made in code."""

from collections.abc import Sequence

from gateway.standard.checking import Case, Context, PresentFile, Unit
from gateway.standard.checks import CHECKS
from gateway.standard.package import CasePackage, Document, Person, Source
from tests.support.standard import STANDARD

NOBODY = Context()
COUNTY_POLICE = Unit("police", "county", "990102", "测试市公安局甲区分局")
COUNTY_COURT = Unit("court", "county", "990102", "测试市甲区人民法院")
CITY_COURT = Unit("court", "city", "990100", "测试市中级人民法院")
PRISON = Unit("prison", "province", "990000", "测试省第一监狱")


def case_of(flow: str, *persons: Person, **more: object) -> CasePackage:
    """Return a case of `flow`; `more`: further values of the package."""
    return CasePackage(Source("police", "x"), flow, persons=persons, **more)  # type: ignore[arg-type]  # by name


def files(*paths: str) -> tuple[PresentFile, ...]:
    return tuple(PresentFile(path, path) for path in paths)


def documents(*titles: str) -> tuple[Document, ...]:
    return tuple(Document(title, f"文书/{title}.pdf") for title in titles)


def strike(
    slug: str,
    package: CasePackage,
    present: Sequence[PresentFile] = (),
    context: Context = NOBODY,
    *,
    severity: str | None = None,
    also: frozenset[str] = frozenset(),
) -> list[tuple[str, str]]:
    """Return code and verdict of what the check `slug` finds; `also`: the other checks that the flow names."""
    case = Case(package, present, STANDARD, "police", context, checks=frozenset({slug}) | also)
    case.begin(STANDARD.checks[slug], severity)
    CHECKS[slug](case)
    return [(one.code, one.verdict.value) for one in case.findings]
