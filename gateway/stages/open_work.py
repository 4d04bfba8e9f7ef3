"""The part of receiving that runs in a worker process: open verified bundles into the staging area, write imports."""

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from gateway.bundle.envelope import Envelope
from gateway.bundle.keys import NodeKeys, PublicKeys
from gateway.bundle.manifest import Manifest
from gateway.bundle.unseal import Front, open_front
from gateway.domain.errors import GatewayError, PermanentError, Scope, SecurityError, TransientError
from gateway.domain.ids import BundleId, RouteName, TransferId, UnitCode, bundle_id
from gateway.domain.matter import Matter
from gateway.domain.records import Facts, known
from gateway.folders import deliver, disk, rounds, sharing, trees
from gateway.folders.space import OPENING
from gateway.folders.spool import NOTE, Staging
from gateway.packing import Packet, Party
from gateway.plugins import load_packer
from gateway.stages import layout
from gateway.stages.admission import Admission
from gateway.stages.routes import InboundRoute
from gateway.stages.scanning import Scanning
from gateway.stages.sharing import lacks
from gateway.stages.unpacking import unpack
from gateway.standard import matter as matters
from gateway.standard.dates import day_at
from gateway.standard.loading import StandardPlace, load_standard
from gateway.standard.package import MAX_CASE_PACKAGE_BYTES, CasePackage
from gateway.standard.pseudonyms import PseudonymKey

_MEMBERS = 6
"""Files and folders of an opened bundle at the least: its own, what is published with its content and case package, the
note."""


@dataclass(frozen=True, slots=True)
class Early:
    """What was opened of a bundle while it arrived: the folder with its members, and the fingerprint of the manifest
    that those have (see Front). `durable`: how many files were forced to the disk since, all of them or 0."""

    members: Path
    fingerprint: bytes
    durable: int


@dataclass(frozen=True, slots=True)
class OpenOrder:
    """One bundle whose envelope was verified. `staging` is its own, and not there yet."""

    transfer: TransferId
    bundle: Path
    size: int
    staging: Staging
    envelope: Envelope
    signer: PublicKeys
    origin: UnitCode
    floor: int
    """Bytes of our disk that must stay free whatever the bundle grows to."""
    admission: Admission
    sender: Party
    receiver: Party
    """Both by the codes that the roster knows; a writer takes those of its own scheme."""
    unscanned: bool = False
    """A person lets it pass although not all of it could be scanned for viruses."""
    early: Early | None = None


@dataclass(frozen=True, slots=True)
class Proven:
    """What a verified envelope taught about a transfer, for the ledger and the receipt."""

    envelope: Envelope
    origin: UnitCode
    sequence: int | None
    admission: Admission

    def facts(self, unit: UnitCode, note: str = "") -> Facts:
        return Facts(
            origin=self.origin,
            recipient=unit,
            header_hash=self.envelope.header_hash,
            epoch=self.envelope.epoch,
            sequence=self.sequence,
            priority=self.admission.priority,
            note=note,
        )


@dataclass(frozen=True, slots=True)
class OpenBatch:
    """Orders that one worker does in one go, our keys, and where deliveries may go."""

    orders: tuple[OpenOrder, ...]
    keys: tuple[NodeKeys, ...]
    routes: tuple[InboundRoute, ...]
    standard: StandardPlace
    pseudonyms: PseudonymKey
    scanning: Scanning | None
    """None where no virus scanner is configured."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """What the staging folder of a verified bundle holds, ready to be published."""

    route: RouteName
    name: str
    entries: tuple[str, ...]
    flow: str
    case_no: str
    folder: Path
    """The inbound folder of the route when the bundle was opened."""
    access: str
    """What its users may do with the entries, see `sharing.access_of`; empty if that was not known."""
    corrects: BundleId | None = None
    """The bundle whose delivery this one corrects, by its sender's word."""
    matter: Matter | None = None


@dataclass(frozen=True, slots=True)
class OpenOutcome:
    """What became of one order: its import lies in the staging folder, or there was an error."""

    transfer: TransferId
    error: GatewayError | None = None


def open_bundles(batch: OpenBatch, progress: Callable[[int], None]) -> tuple[OpenOutcome, ...]:
    """Open every bundle of `batch` into its staging folder; one that fails does not touch its neighbours. May be
    repeated, with fresh staging folders.

    Nothing of it counts before all of it is on the disk: all is written, then all is synced, then the outcomes are
    returned, and recorded by the caller.
    """
    with disk.mapped(spool := batch.orders[0].bundle.parent), rounds.Stretch(os.fspath(spool)) as stretch:
        lasting: trees.Lasting | None = None if stretch.is_sound else {}
        outcomes = tuple(_opened(order, batch, lasting, progress) for order in batch.orders)
        well = {one.transfer for one in outcomes if one.error is None}
        opened = [order for order in batch.orders if order.transfer in well]
        errors = _synced(stretch, opened, lasting)
    synced = {one.transfer: OpenOutcome(one.transfer, error) for one, error in zip(opened, errors, strict=True)}
    return tuple(synced.get(one.transfer, one) for one in outcomes)


def read_delivery(imports: Path) -> Delivery:
    """Return the delivery that the staging folder `imports` was prepared for; PermanentError `staging-missing` if there
    is none, TransientError `local-io` if our disk has damaged what is said of it."""
    try:
        with disk.mapped(imports):
            raw = disk.read_small(f"{imports}/{NOTE}")
    except PermanentError as error:
        if error.code != "folder-missing":
            raise
        raise PermanentError("staging-missing", "the opened bundle is gone from the staging folder") from error
    try:
        found = json.loads(raw)
        corrects = found["corrects"]
        return Delivery(
            RouteName(found["route"]),
            found["name"],
            tuple(found["entries"]),
            found["flow"],
            found["case_no"],
            Path(found["folder"]),
            found["access"],
            bundle_id(corrects) if corrects else None,
            matters.from_bytes(found["matter"].encode()),
        )
    except (ValueError, LookupError, TypeError) as error:
        raise TransientError("local-io", "what is known of an opened bundle cannot be read") from error


def _synced(
    stretch: rounds.Stretch, opened: Sequence[OpenOrder], lasting: trees.Lasting | None
) -> Sequence[GatewayError | None]:
    """Force what was made of `opened` in this stretch to the disk; return in their order what could not be."""
    made = [order.staging.imports for order in opened]
    folders = list(dict.fromkeys(one.parent for one in made))
    # What was opened while it arrived was written before, by another process: in a stretch of its own, or in none.
    early = [order.early.durable for order in opened if order.early is not None]
    if made and all(early):
        try:
            with disk.mapped(folders[0]):
                size = sum(order.size for order in opened if order.early is None)
                members = _MEMBERS * len(made) + sum(early)
                if stretch.force(f"{made[-1]}/{NOTE}", [os.fspath(one) for one in folders], members, size):
                    return [None] * len(made)
        except GatewayError as error:
            return [error] * len(made)
    return trees.fsync_own_trees(made, folders, f"{made[-1]}/{NOTE}", lasting) if made else []


def _opened(
    order: OpenOrder, batch: OpenBatch, lasting: trees.Lasting | None, progress: Callable[[int], None]
) -> OpenOutcome:
    try:
        with disk.mapped(order.staging.imports):
            _stage(order, batch, lasting, progress)
    except GatewayError as error:
        return OpenOutcome(order.transfer, error)
    return OpenOutcome(order.transfer)


def _stage(order: OpenOrder, batch: OpenBatch, lasting: trees.Lasting | None, progress: Callable[[int], None]) -> None:
    """`lasting` gets what need not be forced to the disk again; None where one order forces out everything."""
    opened, made = order.staging.members, order.staging.imports
    is_scanned = batch.scanning is not None
    order.staging.make()
    with order.bundle.open("rb", buffering=0) as source:
        front = open_front(source, order.size, envelope=order.envelope, keys=batch.keys, signer=order.signer)
        manifest = front.manifest
        is_open = _is_open(order.early, front, opened)
        require_room(made, manifest, copies=OPENING - is_open, floor=order.floor)
        order.admission.check(str(manifest.meta.get(layout.FLOW, "")))
        route = route_of(manifest, order.origin, batch.routes)
        if is_open:
            content, raw = _written_early(opened)
            if lasting is not None and order.early is not None and order.early.durable:
                lasting |= trees.lasting_in(content, made.stat())
        else:
            content, raw = opened, unpack(source, front, opened, read_again=is_scanned, progress=progress)
    if batch.scanning is not None:
        batch.scanning.require_clean(content, raw or b"", progress, waived=order.unscanned)
    package = _case_package(raw, manifest)
    # By the day of its sealing, which its sender signed; of a flow that was new then at least its first edition.
    standard = load_standard(batch.standard).on(day_at(order.envelope.created), date.max)
    if code := lacks(package, standard):
        raise SecurityError(code, "what was shared lacks what its flow demands", facts={"flow": package.flow})
    corrects = _corrects(manifest)
    raw_names = {
        f.path.removeprefix(layout.CONTENT): f.raw
        for f in manifest.files
        if f.raw is not None and f.path.startswith(layout.CONTENT)
    }
    packet = Packet(
        package,
        content,
        raw_names,
        _name(package.case_no, order.envelope.bundle_id),
        standard,
        sender=order.sender,
        receiver=order.receiver,
        corrects=_name(package.case_no, corrects) if corrects is not None else "",
        raw=known(raw),
    )
    # Names that no import may have are found here, where a packer's bug takes no other delivery along.
    entries = deliver.checked(load_packer(route.packer).write(packet, made))
    matter = matters.matter_of(package, standard, batch.pseudonyms)
    if layout.FOREMOST in manifest.meta and not _is_foremost(manifest, batch.keys):
        matter = replace(matter, copy="1")
    note = {
        "route": route.name,
        "name": entries[0],
        "entries": entries,
        "flow": package.flow,
        "case_no": package.case_no,
        "folder": os.fspath(route.folder),
        "access": _give_access(made, entries, route.folder),
        "corrects": corrects or "",
        "matter": matters.to_bytes(matter).decode(),
    }
    (made / NOTE).write_bytes(json.dumps(note).encode())
    disk.remove_private(opened)


def _give_access(made: Path, entries: Sequence[str], folder: Path) -> str:
    """Give the users of the inbound `folder` access to the import; return what they got, nothing if the folder is away,
    which is told by who publishes there."""
    try:
        model = folder.stat()
    except OSError:
        return ""
    for name in entries:
        sharing.adopt_access(made / name, model)
    return sharing.access_of(model)


def _is_open(early: Early | None, front: Front, opened: Path) -> bool:
    """Make what was written while it arrived the members of a bundle in `opened`, an empty folder, if it is those that
    its sender has signed; else remove it. Return whether it is."""
    if early is None:
        return False
    if early.fingerprint != front.fingerprint:
        disk.remove_private(early.members)
        return False
    early.members.rename(opened)
    return True


def require_room(folder: Path, manifest: Manifest, *, copies: int, floor: int) -> None:
    """Raise `disk-space-low` if the members would not fit so many times on the disk of `folder` and leave `floor` bytes
    free: texts grow when they are opened, and only the manifest says how much."""
    needed = copies * sum(file.size for file in manifest.files)
    found = os.statvfs(folder)
    free = found.f_bavail * found.f_frsize
    if free - needed < floor:
        facts = {"free": free, "needed": needed, "floor": floor, "missing": needed + floor - free}
        raise TransientError("disk-space-low", "the opened bundle would not fit", scope=Scope.NODE, facts=facts)


def route_of(manifest: Manifest, origin: UnitCode, routes: tuple[InboundRoute, ...]) -> InboundRoute:
    """Return where a bundle of this flow from `origin` is delivered; PermanentError `not-permitted` if nowhere."""
    flow = str(manifest.meta.get(layout.FLOW, ""))
    for route in routes:
        if route.takes(origin, flow):
            return route
    raise PermanentError("not-permitted", "no inbound route takes this flow from this unit", facts={"flow": flow})


def _written_early(members: Path) -> tuple[Path, bytes | None]:
    """Return the folder of the content among members that were written while they arrived, and the case package, None
    if there is none that may be read."""
    content = members / layout.CONTENT
    content.mkdir(exist_ok=True)
    try:
        raw = disk.read_small(members / layout.CASE_PACKAGE, MAX_CASE_PACKAGE_BYTES + 1)
    except FileNotFoundError:
        return content, None
    return content, raw if len(raw) <= MAX_CASE_PACKAGE_BYTES else None


def _case_package(raw: bytes | None, manifest: Manifest) -> CasePackage:
    """Return the case package member; SecurityError if it is missing or says another flow than the manifest."""
    if raw is None:
        raise SecurityError("case-package-malformed", "the bundle holds no case package that may be read")
    package = CasePackage.from_json(raw)
    if package.flow != manifest.meta.get(layout.FLOW):
        raise SecurityError("case-package-malformed", "case package and manifest name different flows")
    return package


def _is_foremost(manifest: Manifest, keys: tuple[NodeKeys, ...]) -> bool:
    """Whether a bundle with several recipients is for us, who hold `keys`, and not a copy of what is for another."""
    return manifest.meta[layout.FOREMOST] in {one.public.encrypt_key_id.hex() for one in keys}


def _corrects(manifest: Manifest) -> BundleId | None:
    """Return the bundle that this one says it corrects, None for most; SecurityError if that is no bundle id."""
    stated = manifest.meta.get(layout.CORRECTS)
    if stated is None:
        return None
    try:
        return bundle_id(str(stated))
    except ValueError as error:
        raise SecurityError("manifest-malformed", "what is corrected is not named by a bundle id") from error


def _name(case_no: str, bundle: BundleId) -> str:
    """Return the deterministic name of a delivery: what an operator looks for first, then what makes it unique.

    A correction has the case number of what it corrects, so the name of that delivery follows from its bundle.
    """
    safe = case_no if case_no.isascii() and case_no.isalnum() and len(case_no) <= 40 else "case"
    return f"{safe}_{bundle}"
