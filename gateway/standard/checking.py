"""What all checks share: the case under check, what is known besides it, and findings made at its values' places."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from gateway.standard import facts
from gateway.standard.catalogue import CheckKind, Documents, Flow, Reply, Standard
from gateway.standard.content import Content
from gateway.standard.dates import read_when
from gateway.standard.findings import Finding, Place, Verdict, milder
from gateway.standard.package import CasePackage, Origin


@dataclass(frozen=True, slots=True)
class PresentFile:
    """A file of the export. `name` as it stands there, `path` as it travels; `content` None if nobody looked."""

    path: str
    name: str
    content: Content | None = None


@dataclass(frozen=True, slots=True)
class Unit:
    """One side of the exchange as the roster lists it. level: `county`, `city` or `province`; region: six digits."""

    role: str = ""
    level: str = ""
    region: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class Context:
    """What a check may know besides the case; None where nobody knows it.

    today: the day of packing by this node's own clock; only what is a mere mark may rest on it (lessons, 19).
    """

    sender: Unit | None = None
    receiver: Unit | None = None
    today: date | None = None


@dataclass(slots=True)
class Case:
    """A case package with its files while it is checked; collects findings.

    unsaid: fields of the dictionary that the export's format has no place for, and which nobody can be asked for.
    """

    package: CasePackage
    files: Sequence[PresentFile]
    standard: Standard
    sender_role: str
    context: Context = Context()
    unsaid: frozenset[str] = frozenset()
    has_lists: bool = True
    findings: list[Finding] = field(default_factory=list)
    checks: frozenset[str] = frozenset()
    """Slugs of all checks that this case undergoes."""
    _origins: Mapping[str, Origin] = field(init=False)
    _own: Verdict = field(init=False, default=Verdict.REJECT)
    _flow_says: Verdict | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self._origins = {o.value: o for o in self.package.origins}

    def begin(self, kind: CheckKind, severity: str | None) -> None:
        """From now on findings are of the check `kind`; `severity`: what the flow says instead of the check's own.

        A legal question is for a person (catalogue, principle 5): a flow cannot make it refuse.
        """
        self._own = Verdict(kind.severity)
        self._flow_says = Verdict(severity) if severity else None
        if self._flow_says is Verdict.REJECT and kind.is_legal:
            self._flow_says = Verdict.HOLD

    @property
    def flow(self) -> Flow | None:
        """The case's flow; None for a reply, or a flow that is not in the standard."""
        return self.standard.flow(self.package.flow)

    @property
    def reply(self) -> Reply | None:
        """The reply that the case is; None if it is none."""
        return self.standard.reply(self.package.flow)

    @property
    def documents(self) -> Documents:
        """The documents that its flow or reply asks for."""
        kind = self.flow or self.reply
        return kind.documents if kind is not None else Documents()

    @property
    def written(self) -> date | None:
        """The day on which the export was written, by its own word."""
        found = read_when(self.package.exported_at)
        return found.last if found else None

    def ask(self, name: str, person: int | None = None) -> str:
        """Return what a condition of the catalogue asks for, of one person or of the case; empty if nobody says."""
        return facts.of(self.package, name, person) or facts.of(self.package, name)

    def label(self, value: str, field: str = "") -> str:
        """Return the Chinese name and tag of a value: `案件编号(AJBH)`; that of the dictionary's `field` else."""
        origin = self._origins.get(value)
        if origin:
            return f"{origin.label}({origin.tag.rpartition('/')[2]})"
        kind = self.standard.fields.get(field)
        return f"{kind.zh}({field})" if kind else value

    def place(self, value: str, field: str = "") -> Place:
        """Return where a value stood."""
        origin = self._origins.get(value)
        label = self.label(value, field)
        return Place(origin.file, origin.line, 0, label) if origin else Place(field=label)

    def add(
        self,
        code: str,
        place: Place | str,
        facts: Mapping[str, str | int] | None = None,
        *,
        verdict: Verdict | None = None,
        value: str = "",
        expected: str = "",
        mender: str = "handler",
        alarm: bool = False,
    ) -> None:
        """Record a finding at `place`, or at the place of the value of that name.

        verdict: where it differs from the check's own; a flow that makes the check milder makes this milder too.
        """
        at = self.place(place) if isinstance(place, str) else place
        known: dict[str, str | int] = {"file": at.file, "field": at.field, "value": value, "expected": expected}
        self.findings.append(
            Finding(code, self._verdict(verdict), at, value, expected, mender, alarm, facts={**known, **(facts or {})})
        )

    def _verdict(self, own: Verdict | None) -> Verdict:
        if self._flow_says is None:
            return own or self._own
        if own is None:
            return self._flow_says
        return milder(own, self._flow_says) if milder(self._own, self._flow_says) is self._flow_says else own
