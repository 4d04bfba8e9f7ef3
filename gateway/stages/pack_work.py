"""The part of packing that runs in a worker process: read untrusted exports and prepare their bundles."""

import io
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from gateway.bundle.keys import NodeKeys, PublicKeys
from gateway.bundle.seal import Prepared, SealMember, prepare
from gateway.domain.errors import GatewayError, TransientError, disk_fault
from gateway.domain.ids import BundleId, Digest, TransferId
from gateway.domain.records import Facts
from gateway.packing import Reading
from gateway.plugins import load_packer
from gateway.stages import layout
from gateway.stages.contents import ContentHash, read_content
from gateway.stages.routes import OutboundRoute, Recipient
from gateway.standard.business import business_key, is_of_case
from gateway.standard.findings import Finding, Place, Verdict, worst
from gateway.standard.package import MAX_CASE_PACKAGE_VALUES, is_readable
from gateway.standard.tables import load_tables

SENDABLE = frozenset({Verdict.PASS, Verdict.FIX, Verdict.WARN})


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
    sealed: Path | None = None
    """The bundle that this export was sealed into before our ledger was put back; it is only read once more."""


@dataclass(frozen=True, slots=True)
class PackBatch:
    """Orders that one worker does in one go."""

    orders: tuple[PackOrder, ...]
    keys: NodeKeys


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
    recipient: Recipient | None = None
    business_key: str | None = None
    content_hash: Digest | None = None
    corrects: BundleId | None = None
    prepared: Prepared | None = None
    error: GatewayError | None = None

    def codes(self) -> str:
        """Return the codes of all findings, once each, in the order found."""
        return " ".join(dict.fromkeys(finding.code for finding in self.findings))

    def facts(self) -> Facts:
        """Return what was read of the export, whatever becomes of it."""
        return Facts(
            flow=self.flow,
            case_no=self.case_no,
            verdict=self.verdict,
            business_key=self.business_key,
            content_hash=self.content_hash,
            note=self.codes(),
        )


def pack_exports(batch: PackBatch, progress: Callable[[int], None]) -> tuple[PackOutcome, ...]:
    """Read and prepare every export of `batch`; one that fails does not touch its neighbours. May be repeated."""
    return tuple(_pack(order, batch.keys, progress) for order in batch.orders)


@contextmanager
def local_io() -> Iterator[None]:
    """Map the operating system's errors on our own files to TransientError `disk-full` or `local-io`."""
    try:
        yield
    except OSError as error:
        raise disk_fault(error, "our own disk") from error


def examine(reading: Reading, route: OutboundRoute) -> tuple[tuple[Finding, ...], Recipient | None]:
    """Return all findings of `reading`, the route's own added, and the recipient if the route knows it."""
    recipient = route.recipient(reading.package.receiver_code)
    findings = reading.findings
    stopped = worst(findings) is Verdict.REJECT
    if recipient is None and not stopped:
        findings += (
            Finding(
                "ORG-UNKNOWN",
                Verdict.REJECT,
                Place(field="接收单位"),
                value=reading.package.receiver_code,
                facts={"code": reading.package.receiver_code},
            ),
        )
    if not route.permits(reading.package.flow) and not stopped:
        findings += (
            Finding(
                "ROUTE-MISMATCH",
                Verdict.REJECT,
                Place(field="业务类型"),
                value=reading.package.flow,
                facts={"flow": reading.package.flow, "route": route.name},
            ),
        )
    return findings, recipient


def _pack(order: PackOrder, keys: NodeKeys, progress: Callable[[int], None]) -> PackOutcome:
    try:
        with local_io(), load_packer(order.route.packer).read(order.parts) as reading:
            findings, recipient = examine(reading, order.route)
            # What was sealed before had passed; whatever a person decided then may have been forgotten.
            verdict = worst(findings) if order.sealed is None else Verdict.PASS
            outcome = PackOutcome(
                order.transfer,
                order.out,
                findings,
                verdict,
                reading.package.flow,
                reading.package.case_no,
                recipient,
            )
            waved = verdict in SENDABLE or (verdict is Verdict.HOLD and order.waived)
            if not waved or recipient is None:
                return outcome
            key = business_key(reading.package, recipient.unit, order.route.name, load_tables())
            outcome = replace(outcome, business_key=key, corrects=order.corrects)
            if order.sealed is not None or (key in order.sent and order.corrects is None):
                content = read_content(reading.members, keys.suite, progress)
                if order.sealed is not None or is_of_case(key) or content == order.sent[key]:
                    return replace(outcome, content_hash=content)
            if recipient.keys is None:
                # Once a card is confirmed they go by themselves: nobody should have to release a thousand exports.
                detail = f"no encryption key of unit {recipient.unit} counts now"
                raise TransientError(recipient.lacking, detail, facts={"unit": recipient.unit})
            case_package = reading.package.to_json()
            if not is_readable(case_package):
                return replace(outcome, findings=(*findings, _too_much(reading)), verdict=Verdict.REJECT)
            with order.out.open("w+b") as out:
                found = ContentHash()
                prepared = _prepare(
                    out, case_package, reading, recipient.keys, order=order, keys=keys, found=found, progress=progress
                )
            return replace(outcome, content_hash=found.digest(), prepared=prepared)
    except GatewayError as error:
        with suppress(OSError):
            order.out.unlink(missing_ok=True)  # half a bundle keeps room from whatever would still fit
        return PackOutcome(order.transfer, order.out, error=error)


def _too_much(reading: Reading) -> Finding:
    """Say that the list of what is inside is longer than any recipient takes."""
    place = Place(file=reading.package.source.name)
    return Finding("FS-LIMIT", Verdict.REJECT, place, facts={"limit": MAX_CASE_PACKAGE_VALUES})


def _prepare(
    out: BinaryIO,
    case_package: bytes,
    reading: Reading,
    recipient: PublicKeys,
    *,
    order: PackOrder,
    keys: NodeKeys,
    found: ContentHash,
    progress: Callable[[int], None],
) -> Prepared:
    members = [SealMember(layout.CASE_PACKAGE, None, len(case_package), lambda: io.BytesIO(case_package))]
    members += [SealMember(layout.CONTENT + m.path, m.raw, m.size, m.open) for m in reading.members]
    meta = {
        layout.FLOW: reading.package.flow,
        layout.CASE_NO: reading.package.case_no,
        layout.EXPORT_NAME: reading.package.source.name,
        layout.RECEIVER_CODE: reading.package.receiver_code,
    }
    if order.corrects is not None:
        meta[layout.CORRECTS] = order.corrects
    return prepare(
        out,
        members,
        meta=meta,
        keys=keys,
        recipients=[recipient],
        created=order.created,
        expires=order.created + order.route.expires_seconds,
        epoch=order.epoch,
        progress=progress,
        listed=found.listed,
    )
