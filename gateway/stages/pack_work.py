"""The part of packing that runs in a worker process: read untrusted exports and prepare their bundles."""

import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO

from gateway.bundle.keys import NodeKeys, PublicKeys
from gateway.bundle.seal import Begun, SealMember, begin, conclude
from gateway.bundle.shared import depth_for
from gateway.domain.errors import GatewayError, TransientError, disk_fault
from gateway.domain.ids import TransferId
from gateway.domain.lanes import is_large
from gateway.packing import Reading, checked
from gateway.plugins import load_packer
from gateway.stages import layout
from gateway.stages.contents import ContentHash, read_content
from gateway.stages.crew import Report
from gateway.stages.hands import lent
from gateway.stages.headstart import Placed
from gateway.stages.packed import PackBatch, PackOrder, PackOutcome
from gateway.stages.routes import Recipient
from gateway.stages.routing import Decision, decide
from gateway.stages.sharing import Leaving, leaving
from gateway.stages.sides import context_of
from gateway.standard.business import business_key, is_of_case
from gateway.standard.dates import day_at, day_of_export
from gateway.standard.findings import Finding, Place, Verdict, worst
from gateway.standard.loading import load_standard
from gateway.standard.looks import look_of
from gateway.standard.matter import matter_of
from gateway.standard.package import MAX_CASE_PACKAGE_VALUES, is_readable

SENDABLE = frozenset({Verdict.PASS, Verdict.FIX, Verdict.WARN})


@dataclass(frozen=True, slots=True)
class _Begun:
    """An export whose bundle is written but for what waits to be signed; `outcome`: what becomes of it, once it is said
    what was `prepared`."""

    order: PackOrder
    outcome: Callable[..., PackOutcome]
    out: BinaryIO
    bundle: Begun


def pack_exports(batch: PackBatch, progress: Report) -> tuple[PackOutcome, ...]:
    """Read and prepare every export of `batch`; one that fails does not touch its neighbours. May be repeated.

    The lists of contents of a batch are signed together, and so will be its headers: each still proves alone.
    """
    depth = depth_for(len(batch.orders))
    with ExitStack() as files:
        done = [_pack(order, batch, depth, files, progress) for order in batch.orders]
        statements = [one.bundle.statement for one in done if isinstance(one, _Begun)]
        signatures = iter(batch.keys.sign_all("inner", statements, depth))
        return tuple(_concluded(one, next(signatures)) if isinstance(one, _Begun) else one for one in done)


@contextmanager
def local_io() -> Iterator[None]:
    """Map the operating system's errors on our own files to TransientError `disk-full` or `local-io`."""
    try:
        yield
    except OSError as error:
        raise disk_fault(error, "our own disk") from error


def examined(reading: Reading, decision: Decision) -> tuple[Finding, ...]:
    """Return all findings of `reading`, those of where it goes added."""
    if worst(reading.findings) is Verdict.REJECT:
        return reading.findings  # who cannot be read is not told where it would have gone
    return (*reading.findings, *decision.findings)


def _pack(order: PackOrder, batch: PackBatch, depth: int, files: ExitStack, progress: Report) -> PackOutcome | _Begun:
    """Do one order up to what is signed; `files` closes the bundle that is written until then."""
    keys = batch.keys
    try:
        infected = _scanned(order, batch, progress)
        if worst(infected) is Verdict.REJECT:
            return PackOutcome(order.transfer, order.out, infected, Verdict.REJECT)
        whole, today = load_standard(batch.standard), day_at(order.created)
        with local_io(), load_packer(order.route.packer).read(order.parts, whole.on(today)) as read:
            standard = whole.on(day_of_export(read.package.exported_at, today), today)
            territory = batch.territory.with_lane(read.package.flow, whole.on(today))
            flow, receiver = read.package.flow, read.package.receiver_code  # no check changes them
            decision = decide(order.route, territory, flow, receiver, order.created)
            reading = checked(read, standard, context_of(decision, territory, order.created))
            findings = examined(reading, decision)
            left = leaving(
                reading,
                findings,
                decision,
                route=order.route,
                territory=territory,
                standard=standard,
                rulebook=batch.rulebook,
                at=order.created,
                progress=progress,
            )
            findings, package = (*infected, *findings, *left.findings), reading.package
            if batch.scanning is not None and order.sealed is None and worst(findings) is not Verdict.REJECT:
                findings += batch.scanning.of_members(left.members, progress)
            # What was sealed before had passed; whatever a person decided then may have been forgotten.
            verdict = worst(findings) if order.sealed is None else Verdict.PASS
            outcome = PackOutcome(
                order.transfer,
                order.out,
                findings,
                verdict,
                package.flow,
                package.case_no,
                decision.recipients,
                decision.priority,
                matter_of(package, standard, batch.rulebook.key),
                look_of(package, findings, verdict, standard),
                bool(order.halted) and package.source.system in order.halted,
            )
            stays = outcome.is_halted and not outcome.is_forbidden
            waved = verdict in SENDABLE or (verdict is Verdict.HOLD and order.waived)
            if stays or not waved or outcome.recipient is None:
                return outcome
            key, *copy_keys = (
                business_key(package, one.unit, order.route.name, standard) for one in outcome.recipients
            )
            done = partial(replace, outcome, business_key=key, copy_keys=tuple(copy_keys), corrects=order.corrects)
            if order.sealed is not None or (key in order.sent and order.corrects is None):
                content = read_content(reading.members, keys.suite, progress)
                if order.sealed is not None or is_of_case(key) or content == order.sent[key]:
                    return done(content_hash=content)
            readers = _readers(outcome.recipients)
            case_package = left.package.to_json()
            if not is_readable(case_package):
                return done(findings=(*findings, _too_much(reading)), verdict=Verdict.REJECT)
            with ExitStack() as file:
                out, found = file.enter_context(_new_file(order.out)), ContentHash()
                bundle = _begin(
                    out,
                    case_package,
                    left,
                    readers,
                    decision.routing_class,
                    order=order,
                    keys=keys,
                    depth=depth,
                    found=found,
                    progress=progress,
                    placed=_placing(outcome, key, progress),
                    is_announced=depth == 0 and _is_announced(outcome),
                )
                files.push(file.pop_all())
            # What was masked is compared by what it was made of: of that, everything says what is in it.
            content = found.digest() if left.profile.is_full else read_content(reading.members, keys.suite, progress)
            return _Begun(order, partial(done, content_hash=content), out, bundle)
    except GatewayError as error:
        return _failed(order.transfer, order.out, error)


def _new_file(path: Path) -> BinaryIO:
    """Return a new file at `path`, in the place of what an earlier sealing left: who holds that one open never sees
    bytes of this. Unbuffered, since all of it is written in large pieces. OSError."""
    try:
        return path.open("x+b", buffering=0)
    except FileExistsError:
        path.unlink()
        return path.open("x+b", buffering=0)


def _concluded(one: _Begun, signature: bytes) -> PackOutcome:
    try:
        with local_io(), one.out as out:
            return one.outcome(prepared=conclude(out, one.bundle, signature))
    except GatewayError as error:
        return _failed(one.order.transfer, one.order.out, error)


def _failed(transfer: TransferId, out: Path, error: GatewayError) -> PackOutcome:
    with suppress(OSError):
        out.unlink(missing_ok=True)  # half a bundle keeps room from whatever would still fit
    return PackOutcome(transfer, out, error=error)


def _scanned(order: PackOrder, batch: PackBatch, progress: Callable[[int], None]) -> tuple[Finding, ...]:
    """Return what the virus scanner says of an export before anything reads it; what was sealed has been scanned."""
    if batch.scanning is None or order.sealed is not None:
        return ()
    with local_io():
        return batch.scanning.of_parts(order.parts, progress)


def _readers(recipients: Sequence[Recipient]) -> list[PublicKeys]:
    """Return the keys of all recipients; TransientError with the code of what one of them lacks.

    Once a card is confirmed or a link is there they go by themselves: nobody should have to release a thousand exports.
    """
    readers: list[PublicKeys] = []
    for one in recipients:
        if one.keys is None or one.link is None:
            raise TransientError(one.lacking, f"unit {one.unit} cannot be sent to now", facts={"unit": one.unit})
        readers.append(one.keys)
    return readers


def _placing(outcome: PackOutcome, key: str, report: Report) -> Callable[[int, int, int], None]:
    """Return what tells our parent where a large bundle for one recipient grows, so that it may leave meanwhile.

    By now everything has been said that the export itself gives cause for; what may still keep it here is what the
    ledger knows of others.
    """

    def placed(offset: int, size: int, herald: int) -> None:
        recipient = outcome.recipient
        if not is_large(size) or len(outcome.recipients) != 1 or recipient is None or recipient.link is None:
            return
        report.tell(
            Placed(
                recipient.link,
                outcome.priority,
                offset,
                size,
                herald=herald,
                business_key=key,
                look=outcome.look,
            )
        )

    return placed


def _is_announced(outcome: PackOutcome) -> bool:
    """Whether a herald is made of a large bundle: whoever gets it first is its one recipient, and it answers nothing.

    An answer that nobody asked for may be one that was misled.
    """
    recipient = outcome.recipient
    is_reply = outcome.matter is not None and bool(outcome.matter.request)
    return len(outcome.recipients) == 1 and recipient is not None and recipient.is_neighbour and not is_reply


def _too_much(reading: Reading) -> Finding:
    """Say that the list of what is inside is longer than any recipient takes."""
    place = Place(file=reading.package.source.name)
    return Finding("FS-LIMIT", Verdict.REJECT, place, facts={"limit": MAX_CASE_PACKAGE_VALUES})


def _begin(
    out: BinaryIO,
    case_package: bytes,
    left: Leaving,
    readers: Sequence[PublicKeys],
    routing_class: int,
    *,
    order: PackOrder,
    keys: NodeKeys,
    depth: int,
    found: ContentHash,
    progress: Callable[[int], None],
    placed: Callable[[int, int, int], None],
    is_announced: bool,
) -> Begun:
    members = [SealMember(layout.CASE_PACKAGE, None, len(case_package), lambda: io.BytesIO(case_package))]
    members += [SealMember(layout.CONTENT + m.path, m.raw, m.size, m.open) for m in left.members]
    meta = {
        layout.FLOW: left.package.flow,
        layout.CASE_NO: left.package.case_no,
        layout.EXPORT_NAME: left.package.source.name,
        layout.RECEIVER_CODE: left.package.receiver_code,
    }
    if order.corrects is not None:
        meta[layout.CORRECTS] = order.corrects
    if len(readers) > 1:
        # The others have copies: what the first is asked they need not answer, and what it is answered is not theirs.
        meta[layout.FOREMOST] = readers[0].encrypt_key_id.hex()
    seal = partial(
        begin,
        out,
        members,
        meta=meta,
        keys=keys,
        recipients=readers,
        routing_class=routing_class,
        created=order.created,
        expires=order.created + order.route.expires_seconds,
        epoch=order.epoch,
        depth=depth,
        listed=found.listed,
        placed=placed,
    )
    if not is_large(sum(member.size for member in members)):
        return seal(progress=progress)
    # Without a name, so that nothing is left of it whatever happens, and on the disk that has room set aside.
    with (
        TemporaryFile(dir=order.out.parent) as spill,
        TemporaryFile(dir=order.out.parent) as other,
        lent(out, progress) as hands,
    ):
        return seal(progress=hands.told, beside=hands.beside, spills=(spill, other), herald=is_announced)
