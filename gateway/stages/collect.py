"""Notices that case software has taken a delivery out of the inbound folder, and has the origin told."""

import os
from collections.abc import Sequence

from gateway.domain.clock import Clock
from gateway.domain.errors import GatewayError
from gateway.domain.ids import RouteName, UnitCode
from gateway.domain.lifecycle import Direction, Event, State
from gateway.domain.oplog import OpsLog
from gateway.domain.records import ReceiptCode, Stage, Step, Transfer, known
from gateway.folders import disk
from gateway.folders.deliver import require_mount
from gateway.ledger.queries import TransferFilter
from gateway.ledger.store import Ledger
from gateway.stages.recording import Recorder
from gateway.stages.routes import InboundRoute
from gateway.stages.statements import ReceiptPen

EVERY_SECONDS = 60.0
"""Between two looks."""
LOOK_BACK = 30 * 86400.0
"""Seconds; what nobody has taken by then is left where it is and asked about no more."""
LOOK_MAX = 1000
"""Deliveries that one look is about, the newest first: it costs one listing of each folder, and never much memory."""


class CollectStage:
    """Looks into the inbound folders. First a receipt is owed once more, which says so; when it is in the peer's reach
    the delivery counts as collected. A folder that is away, or was exchanged, proves nothing."""

    name = "collect"

    def __init__(
        self,
        *,
        unit: UnitCode,
        routes: Sequence[InboundRoute],
        ledger: Ledger,
        recorder: Recorder,
        pen: ReceiptPen,
        clock: Clock,
        ops: OpsLog,
    ) -> None:
        self._unit = unit
        self._routes = {route.name: route for route in routes}
        self._ledger = ledger
        self._recorder = recorder
        self._pen = pen
        self._clock = clock
        self._ops = ops
        self._devices: dict[RouteName, int] = {}

    def step(self) -> float | None:
        """Look once; return the seconds until the next look."""
        since = self._clock.now() - LOOK_BACK
        wanted = TransferFilter(direction=Direction.INBOUND, state=State.CONFIRMED, since=since)
        there: dict[RouteName, frozenset[str] | None] = {}
        steps: list[Step] = []
        unsigned: list[Transfer] = []
        for transfer in self._ledger.search(wanted, LOOK_MAX):
            route = None if transfer.route is None else self._routes.get(transfer.route)
            if route is None:
                continue
            if route.name not in there:
                there[route.name] = self._listed(route)
            names = there[route.name]
            if names is not None and transfer.export_name not in names:
                if self._is_receipted(transfer):
                    steps.append(Step(transfer, Event.COLLECTED, Stage.DELIVER))
                else:
                    unsigned.append(transfer)
        receipts = self._pen.sign_all(unsigned, ReceiptCode.COLLECTED, (), self._clock.now())
        steps += [
            Step(transfer, Event.RECEIPT_ASKED, Stage.DELIVER, receipt=receipt)
            for transfer, receipt in zip(unsigned, receipts, strict=True)
        ]
        moved = self._recorder.advance(steps)
        if told := sum(transfer.state is State.COLLECTED for transfer in moved):
            self._ops.info("deliveries-collected", count=told)
        return EVERY_SECONDS

    def _is_receipted(self, transfer: Transfer) -> bool:
        """Whether we have said before that it was collected."""
        issued = self._ledger.receipts(known(transfer.bundle_id))
        says = (self._unit, ReceiptCode.COLLECTED, transfer.header_hash)
        return any((one.issuer, one.code, one.header_hash) == says for one in issued)

    def _listed(self, route: InboundRoute) -> frozenset[str] | None:
        """Return what lies in the folder; None if it cannot be trusted to show what is in it."""
        try:
            require_mount(route.folder, route.sentinel)
            with disk.mapped(route.folder):
                device = route.folder.stat().st_dev
                with os.scandir(route.folder) as found:
                    names = frozenset(entry.name for entry in found)
            require_mount(route.folder, route.sentinel)  # it may have gone away during the listing
        except GatewayError:
            return None  # a delivery into it fails as well, and is told
        if self._devices.setdefault(route.name, device) != device and route.sentinel is None:
            return None
        return names
