"""What all checks share: the case under check, where each of its values stood, and findings made at those places."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from gateway.standard import facts
from gateway.standard.catalogue import Flow, Reply, Standard
from gateway.standard.content import Content
from gateway.standard.findings import Finding, Place, Verdict
from gateway.standard.package import CasePackage, Origin


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
    standard: Standard
    sender_role: str
    findings: list[Finding] = field(default_factory=list)
    _origins: Mapping[str, Origin] = field(init=False)

    def __post_init__(self) -> None:
        self._origins = {o.value: o for o in self.package.origins}

    @property
    def flow(self) -> Flow | None:
        """The case's flow; None for a reply, or a flow that is not in the standard."""
        return self.standard.flow(self.package.flow)

    @property
    def reply(self) -> Reply | None:
        """The reply that the case is; None if it is none."""
        return self.standard.reply(self.package.flow)

    def ask(self, name: str, person: int | None = None) -> str:
        """Return what a condition of the catalogue asks for, of one person or of the case; empty if nobody says."""
        return facts.of(self.package, name, person) or facts.of(self.package, name)

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
