"""What all checks share: the case under check, where each of its values stood, and findings made at those places."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from gateway.standard.content import Content
from gateway.standard.findings import Finding, Place, Verdict
from gateway.standard.package import CasePackage, Origin
from gateway.standard.tables import FlowRule, Tables


@dataclass(frozen=True, slots=True)
class PresentFile:
    """A file of the export. `name` as it stands there, `path` as it travels; `content` None if nobody looked."""

    path: str
    name: str
    content: Content | None = None


@dataclass(slots=True)
class Case:
    """A case package with its files while it is checked; collects findings."""

    package: CasePackage
    files: Sequence[PresentFile]
    tables: Tables
    sender_role: str
    findings: list[Finding] = field(default_factory=list)
    _origins: Mapping[str, Origin] = field(init=False)

    def __post_init__(self) -> None:
        self._origins = {o.value: o for o in self.package.origins}

    @property
    def rule(self) -> FlowRule | None:
        """What the case's flow requires; None for a flow that has no rules here."""
        return self.tables.flows.get(self.package.flow)

    def label(self, value: str) -> str:
        """Return the Chinese name and tag of a value: `案件编号(AJBH)`."""
        origin = self._origins.get(value)
        return f"{origin.label}({origin.tag.rpartition('/')[2]})" if origin else value

    def place(self, value: str) -> Place:
        """Return where a value stood."""
        origin = self._origins.get(value)
        return Place(origin.file, origin.line, 0, self.label(value)) if origin else Place(field=value)

    def add(
        self,
        code: str,
        verdict: Verdict,
        place: Place | str,
        facts: Mapping[str, str | int] | None = None,
        *,
        value: str = "",
        expected: str = "",
        mender: str = "handler",
        alarm: bool = False,
    ) -> None:
        """Record a finding at `place`, or at the place of the value of that name."""
        at = self.place(place) if isinstance(place, str) else place
        known: dict[str, str | int] = {"file": at.file, "field": at.field, "value": value, "expected": expected}
        self.findings.append(
            Finding(code, verdict, at, value, expected, mender, alarm, facts={**known, **(facts or {})})
        )
