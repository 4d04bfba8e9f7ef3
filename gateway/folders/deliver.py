"""Delivery: making a finished import visible in the inbound folder, once, whole and in order."""

import stat
from collections.abc import Sequence
from pathlib import Path

from gateway.domain.errors import GatewayError, PermanentError, Scope, TransientError
from gateway.folders import disk, moving


def publish(staging: Path, entries: Sequence[str], inbound: Path, *, sentinel: str | None = None) -> None:
    """Rename `entries` of the private folder `staging` into `inbound`, in order, the completion mark last; durable.

    Idempotent after a crash at any point: once the journal in `staging` stands, an entry that has left it was
    published, even if the case software has taken it away since. Keep `staging` until the delivery is recorded.
    sentinel: name of a file that is in `inbound` while its share is mounted.

    Raises `name-taken-inbound` (permanent, route; nothing is overwritten or lost), `staging-missing` (permanent,
    transfer) if an entry was never there, `mount-missing` (transient, route), or as `disk.failure` says.
    """
    names = checked(entries)
    require_mount(inbound, sentinel)
    try:
        _publish(staging, names, inbound)
    except PermanentError as error:
        if (better := explained(error, inbound, sentinel)) is error:
            raise
        raise better from error
    require_mount(inbound, sentinel)


def require_mount(inbound: Path, sentinel: str | None) -> None:
    """Raise unless the inbound folder is there: `mount-missing` (transient, route), `folder-missing` (permanent,
    route), or as `disk.failure` says."""
    if sentinel is not None and not disk.exists(inbound / sentinel):
        raise _unmounted(inbound)
    facts = {"folder": disk.printable(str(inbound))}
    with disk.mapped(inbound):
        if not stat.S_ISDIR(inbound.stat().st_mode):
            raise PermanentError("folder-missing", "the inbound folder is a file", scope=Scope.ROUTE, facts=facts)


def checked(entries: Sequence[str]) -> list[str]:
    """Return `entries`; ValueError (a bug of a packer) unless they are distinct visible names without a separator."""
    names = list(entries)
    safe = all(name and not name.startswith(".") and "/" not in name and "\0" not in name for name in names)
    if not names or not safe or len(set(names)) != len(names):
        raise ValueError("entries must be distinct visible names without a separator")
    return names


def explained(error: GatewayError, inbound: Path, sentinel: str | None) -> GatewayError:
    """Return what `error`, met while publishing into `inbound`, means: that the folder is missing although its sentinel
    was there a moment ago says that the share has gone since."""
    return _unmounted(inbound) if sentinel is not None and error.code == "folder-missing" else error


def missing() -> PermanentError:
    """Return the error that says that an entry was never there."""
    return PermanentError("staging-missing", "an entry of the import is not in the staging folder")


def taken(inbound: Path) -> PermanentError:
    """Return the error that says that a stranger's file has the name of an entry."""
    detail = "a file of that name is already in the inbound folder and is not ours"
    facts = {"folder": disk.printable(str(inbound))}
    return PermanentError("name-taken-inbound", detail, scope=Scope.ROUTE, facts=facts)


def _publish(staging: Path, names: Sequence[str], inbound: Path) -> None:
    if moving.journal_of(staging) is None:
        if any(not disk.exists(staging / name) for name in names):
            raise missing()
        if any(disk.exists(inbound / name) for name in names):
            raise taken(inbound)
    if moving.carry(staging, [moving.Move(name, name) for name in names], inbound, adopt=True) is not None:
        raise taken(inbound)


def _unmounted(inbound: Path) -> GatewayError:
    detail = "the inbound folder's share or its sentinel file is not there"
    facts = {"folder": disk.printable(str(inbound))}
    return TransientError("mount-missing", detail, scope=Scope.ROUTE, facts=facts)
