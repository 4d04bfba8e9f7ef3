"""The post leg of one link: papers of the outbox go into the peer's mailbox, each as it is."""

from gateway.domain.errors import GatewayError
from gateway.domain.ids import LinkName, wire_name
from gateway.domain.oplog import OpsLog
from gateway.folders.outbox import Outbox
from gateway.stages.gate import Gate
from gateway.transport.api import Transport

TRY_AGAIN_SECONDS = 10.0
"""After a paper could not be deposited for a reason of its own."""


class PostStage:
    """Deposits what waits for one link; whoever puts something into the outbox rings the link's worker."""

    def __init__(self, *, link: LinkName, outbox: Outbox, transport: Transport, gate: Gate, ops: OpsLog) -> None:
        self._link = link
        self._outbox = outbox
        self._transport = transport
        self._gate = gate
        self._ops = ops

    def step(self) -> float | None:
        """Deposit what waits; return the seconds until the link may be tried again, None if nothing waits."""
        if pause := self._gate.wait():
            return pause
        waiting = self._outbox.waiting(self._link)
        if waiting and (pause := self._gate.enter()):
            return pause
        for path in waiting:
            try:
                self._transport.deposit(path, wire_name(path.name))
            except GatewayError as error:
                if self._gate.failed(error):
                    return self._gate.wait()
                self._ops.warn("paper-waits", link=self._link, code=error.code)
                return TRY_AGAIN_SECONDS
            self._gate.succeeded()
            self._outbox.drop(path)
        return None
