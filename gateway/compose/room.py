"""Builds the guard of our disk and what is told of it, over the ledger that remembers what was promised."""

from gateway.domain.clock import Clock
from gateway.domain.oplog import OpsLog
from gateway.folders.space import SMALL_BYTES, SpaceGuard, small_floor_of
from gateway.ledger.store import Ledger
from gateway.settings.load import Settings
from gateway.stages.shortage import Shortage, promised, try_again
from gateway.transport.floors import Floors


def guarded(settings: Settings, floor: int, ledger: Ledger, clock: Clock, ops: OpsLog) -> Shortage:
    """Return what waits for room in the spool: nothing yet. What failed for want of room is tried again when it ends.

    floor: bytes of the spool's disk that stay free of ordinary work; the ledger's disk keeps room for small things.
    """
    space = SpaceGuard(
        settings.paths.spool,
        floor_bytes=floor,
        keeping=(settings.ledger_path.parent,),
        promised=lambda: promised(ledger, SMALL_BYTES),
    )
    return Shortage(space, clock, ops, lambda: try_again(ledger))


def mailbox_floors(settings: Settings) -> Floors:
    """Return what deposits into the mailboxes that we host leave free, from either side."""
    ordinary = settings.limits.free_space
    return Floors(ordinary, small_floor_of(ordinary), SMALL_BYTES)
