"""Carries head starts in the bulk lane of a link, and tells the send leg what came of those that it had released."""

import traceback
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path

from gateway.bundle.names import bundle_name
from gateway.domain.errors import GatewayError
from gateway.domain.oplog import OpsLog
from gateway.domain.records import Transfer, known
from gateway.stages.bulk import BulkLane, Ended
from gateway.stages.carrying import Carrying
from gateway.stages.headstart import Due, HeadStart, HeadStarts
from gateway.stages.watching import STOPPING
from gateway.transport.api import AheadTransport, Progress


class Forerunner:
    """Used by the thread of the send leg. A head start that fails, be it of a bug, costs nothing but its bytes: the
    ordinary deposit does the whole, and what it meets is recorded; nothing that befell a head start is."""

    def __init__(
        self, starts: HeadStarts, *, transport: AheadTransport, bulk: BulkLane, carrying: Carrying, ops: OpsLog
    ) -> None:
        self._starts = starts
        self._transport = transport
        self._bulk = bulk
        self._carrying = carrying
        self._ops = ops

    @property
    def is_waiting(self) -> bool:
        """Whether a bundle has begun to grow that nobody carries yet."""
        return self._starts.is_offered

    def begin(self) -> None:
        """Carry what has begun to grow, if the lane has a place for it."""
        start = self._starts.offered()
        if start is None or not self._bulk.has_place_for(start.transfer):
            return
        try:
            self._carrying.require(start.transfer)
        except GatewayError:
            # The link does not carry it; once it is sealed that is said of the transfer.
            self._starts.settle(start.transfer.id, is_sealed=False)
            return
        if self._starts.begin(start):
            self._bulk.start([start.transfer], start.size, partial(self._move, start), ExitStack())

    def release(self, transfer: Transfer, path: Path) -> None:
        """The sealed bundle at `path` may go: if it has a head start, that is carried to its end."""
        start = self._starts.of(transfer.id)
        if start is not None:
            start.release(Due((transfer,), path, bundle_name(known(transfer.bundle_id))))

    def noted(self, ended: Ended) -> Ended | None:
        """Return what is to be recorded of `ended`: as it is unless it was a head start, None if nothing."""
        start = self._starts.of(ended.transfers[0].id)
        if start is None:
            return ended
        due = start.due
        self._starts.ended(start)
        if due is None or not start.is_carried:
            return None
        return replace(ended, transfers=due.parcel)

    def open(self) -> None:
        """Take on what is offered, again after `close` as well."""
        self._starts.open()

    def close(self) -> None:
        """Take nothing on any more; the lane was closed before."""
        self._starts.close()

    def _move(self, start: HeadStart, progress: Progress) -> None:
        """Carry one; in a thread of the porters."""
        code = "not-sealed"
        try:
            if self._transport.deposit_ahead(start, progress):
                start.is_carried = True
                return
        except GatewayError as error:
            if error.code == STOPPING:
                raise
            code = error.code
        except Exception as error:  # noqa: BLE001 - a bug of what only saves time must not keep the leg from its work
            code = "bug"
            place = traceback.extract_tb(error.__traceback__)[-1]
            at = f"{Path(place.filename).name}:{place.lineno}"
            self._ops.alert("head-start-died", transfer=start.transfer.id, kind=type(error).__name__, at=at)
        due = start.end()
        self._ops.info("head-start-lost", transfer=start.transfer.id, code=code)
        if due is not None:
            start.is_carried = True
            self._transport.deposit(due.path, due.name, progress)
