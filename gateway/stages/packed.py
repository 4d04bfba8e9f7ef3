"""What packing asks of a worker process, and what that answers of each export."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gateway.bundle.keys import NodeKeys
from gateway.bundle.seal import Prepared
from gateway.domain.errors import GatewayError
from gateway.domain.ids import BundleId, Digest, TransferId
from gateway.domain.matter import Matter
from gateway.domain.records import Facts, Priority
from gateway.domain.sources import Look
from gateway.stages.routes import OutboundRoute, Recipient
from gateway.stages.routing import Territory
from gateway.stages.scanning import MALWARE, Scanning
from gateway.stages.sharing import Rulebook
from gateway.standard.findings import SECRET, Finding, Verdict
from gateway.standard.loading import StandardPlace

FORBIDDEN = frozenset({SECRET, MALWARE})
"""Codes of what must not lie in this spool."""


@dataclass(frozen=True, slots=True)
class PackOrder:
    """One claimed export to be read and prepared. Times are unix seconds; `out` is where the unsigned bundle goes."""

    transfer: TransferId
    route: OutboundRoute
    parts: tuple[Path, ...]
    out: Path
    created: int
    epoch: int
    waived: bool
    """A named person has released the holds of this export; rejections stand."""
    sent: Mapping[str, Digest]
    """Business key -> content of what was sent before under this name: what is only the same again is not sealed."""
    corrects: BundleId | None
    """The bundle that a named person lets this export correct."""
    halted: frozenset[str] = frozenset()
    """Case systems of whose exports nothing is sealed now (gateway/stages/drift.py)."""
    sealed: Path | None = None
    """The bundle that this export was sealed into before our ledger was put back; it is only read once more."""


@dataclass(frozen=True, slots=True)
class PackBatch:
    """Orders that one worker does in one go."""

    orders: tuple[PackOrder, ...]
    keys: NodeKeys
    territory: Territory
    standard: StandardPlace
    rulebook: Rulebook
    scanning: Scanning | None
    """None where no virus scanner is configured."""


@dataclass(frozen=True, slots=True)
class PackOutcome:
    """What became of one order. `content_hash` is there only if the export may travel by itself, `prepared` only if it
    was worth sealing; `error` only if our own disk or code failed."""

    transfer: TransferId
    out: Path
    findings: tuple[Finding, ...] = ()
    verdict: Verdict = Verdict.PASS
    flow: str = ""
    case_no: str = ""
    recipients: tuple[Recipient, ...] = ()
    """Whom the bundle is sealed to: the recipient first, then its copies; none if the export is refused."""
    priority: Priority = Priority.NORMAL
    matter: Matter | None = None
    look: Look | None = None
    is_halted: bool = False
    """It was only read, because its source is paused."""
    business_key: str | None = None
    copy_keys: tuple[str, ...] = ()
    """The business keys of the copies, in their order."""
    content_hash: Digest | None = None
    corrects: BundleId | None = None
    prepared: Prepared | None = None
    error: GatewayError | None = None

    @property
    def recipient(self) -> Recipient | None:
        """The unit that the export is for."""
        return self.recipients[0] if self.recipients else None

    @property
    def is_forbidden(self) -> bool:
        """Whether the export may not be on this network, or in this spool, at all."""
        return any(finding.code in FORBIDDEN for finding in self.findings)

    def codes(self) -> str:
        """Return the codes of all findings, once each, in the order found."""
        return " ".join(dict.fromkeys(finding.code for finding in self.findings))

    def signature(self) -> str:
        """Return the name of what the virus scanner found, empty for nothing."""
        return next((str(one.facts["signature"]) for one in self.findings if one.code == MALWARE), "")

    def facts(self) -> Facts:
        """Return what was read of the export, whatever becomes of it."""
        return Facts(
            flow=self.flow,
            case_no=self.case_no,
            verdict=self.verdict,
            business_key=self.business_key,
            content_hash=self.content_hash,
            priority=self.priority,
            matter=self.matter if self.prepared is not None else None,
            look=self.look,
            note=self.codes(),
        )
