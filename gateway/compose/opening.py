"""Opening one bundle offline with this node's keys: refused like the daemon would, shown only after the last check."""

from dataclasses import dataclass
from pathlib import Path

from gateway.bundle import policy
from gateway.bundle.envelope import ENVELOPE_MAX, Envelope
from gateway.bundle.manifest import Manifest
from gateway.bundle.unseal import open_bundle
from gateway.compose.identity import Identity
from gateway.compose.offline import missing, not_empty
from gateway.domain.errors import SecurityError, TransientError
from gateway.domain.ids import UnitCode
from gateway.folders import disk, trees
from gateway.folders.members import MemberFiles
from gateway.roster.peers import Signer
from gateway.stages import layout
from gateway.stages.envelopes import proven_envelope
from gateway.standard.package import CasePackage


@dataclass(frozen=True, slots=True)
class Opened:
    """A bundle that passed every check, and where its members now lie."""

    envelope: Envelope
    origin: UnitCode
    package: CasePackage
    manifest: Manifest
    into: Path


def open_offline(bundle: Path, into: Path, identity: Identity, now: float) -> Opened:
    """Open the file `bundle` into the new or empty folder `into`; the bundle itself stays as it is.

    Every check of the daemon is made, in its order and with its codes, but those that ask the ledger (a bundle may be
    opened again) and the routes (nothing is delivered). May be repeated with another folder.
    Raises what `verify_envelope`, `policy` and `open_bundle` raise; TransientError `clock-skew`, SecurityError
    `case-package-malformed`, PermanentError `file-not-there`, ConfigError `folder-not-empty`.
    """
    if not bundle.is_file():
        raise missing(bundle)
    into = into.absolute()
    with disk.mapped(into.parent):
        if disk.exists(into) and (not into.is_dir() or any(into.iterdir())):
            raise not_empty(into)
    opening = into.with_name(f".{into.name}.opening")
    disk.remove_tree(opening)
    disk.owner_only(opening)
    try:
        opened = _open(bundle, opening, identity, now)
        trees.fsync_tree(opening)
        disk.rename_durably(opening, into)
    finally:
        disk.remove_tree(opening)
    return Opened(opened.envelope, opened.origin, opened.package, opened.manifest, into)


def _open(bundle: Path, opening: Path, identity: Identity, now: float) -> Opened:
    keys = identity.keyring.node_keys()
    with disk.mapped(bundle.parent), bundle.open("rb") as source, MemberFiles(opening) as files:
        size = bundle.stat().st_size
        head = source.read(ENVELOPE_MAX)
        envelope, signer = proven_envelope(head, identity.directory)
        _check_policy(envelope, signer, identity, size=size, now=now)
        manifest = open_bundle(
            source,
            size,
            envelope=envelope,
            keys=keys,
            signer=signer.public,
            sink=lambda member: files.create(member.path, member.size),
            beside=files.beside,
        )
    package = _case_package(opening, manifest)
    return Opened(envelope, signer.unit, package, manifest, opening)


def _check_policy(envelope: Envelope, signer: Signer, identity: Identity, *, size: int, now: float) -> None:
    policy.check_not_expired(envelope, now)
    policy.check_key_valid(envelope, signer.not_before, signer.not_after)
    policy.check_suite_accepted(envelope, {key.suite for key in identity.keyring.node_keys()})
    policy.check_not_too_large(envelope, identity.settings.limits.bundle)
    policy.check_size(envelope, size)
    timing = identity.settings.timing
    limits = policy.SkewLimits(timing.clock_skew_warn, timing.clock_skew_hold)
    if policy.clock_skew(envelope, now, limits) is policy.Skew.HOLD:
        raise TransientError("clock-skew", "the bundle is dated too far into our future")


def _case_package(root: Path, manifest: Manifest) -> CasePackage:
    path = root / layout.CASE_PACKAGE
    if not path.is_file():
        raise SecurityError("case-package-malformed", "the bundle holds no case package")
    package = CasePackage.from_json(path.read_bytes())
    if package.flow != manifest.meta.get(layout.FLOW):
        raise SecurityError("case-package-malformed", "case package and manifest name different flows")
    return package
