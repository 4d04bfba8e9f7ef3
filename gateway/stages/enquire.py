"""The enquiry leg of a link to a hub: asks it now and then what it still holds of what it has signed for."""

import hashlib

from gateway.bundle.keys import NodeKeys
from gateway.bundle.names import Kind, inventory_id, paper_name
from gateway.bundle.statement import sign_paper
from gateway.domain.clock import Clock
from gateway.domain.errors import GatewayError
from gateway.domain.ids import LinkName, UnitCode
from gateway.domain.oplog import OpsLog
from gateway.domain.statements import Enquiry
from gateway.folders.spool import Spool
from gateway.ledger.store import Ledger
from gateway.stages.gate import Gate
from gateway.stages.letters import post
from gateway.transport.api import Transport

SPREAD = 1 / 10
"""Part of the interval by which the questions of different nodes lie apart."""


class EnquireStage:
    """Asks every `every` seconds while the hub has something of ours, and when told to (`caseferry resync HUB`).

    A hub that has lost its disk knows nothing of what it signed for; what its answer leaves out is sent again.
    """

    def __init__(
        self,
        *,
        link: LinkName,
        unit: UnitCode,
        hub: UnitCode,
        ledger: Ledger,
        spool: Spool,
        transport: Transport,
        gate: Gate,
        keys: NodeKeys,
        clock: Clock,
        ops: OpsLog,
        every: float,
    ) -> None:
        """every: seconds between enquiries."""
        self._link = link
        self._unit = unit
        self._hub = hub
        self._ledger = ledger
        self._spool = spool
        self._transport = transport
        self._gate = gate
        self._keys = keys
        self._clock = clock
        self._ops = ops
        lot = int.from_bytes(hashlib.sha256(f"{unit} {hub}".encode()).digest()[:4], "big") / 2**32
        self._every = every * (1 - SPREAD * lot)
        self._started_at = clock.now()
        self._last = ledger.reconciling.last_asked(hub)
        self._wish: float | None = None
        """When the resync was wanted that this has answered to; the inventory of the next leg fulfils the wish."""

    def step(self) -> float | None:
        """Ask if it is time; return the seconds until it may be again."""
        if pause := self._gate.wait():
            return pause
        wish = self._ledger.resync.word(self._hub).wanted_at
        is_wanted = wish is not None and wish != self._wish
        until = (self._last or self._started_at) + self._every - self._clock.now()
        if until > 0 and not is_wanted:
            return until
        asked = self._ledger.reconciling.held_at(self._link)
        if asked:
            if pause := self._gate.enter():
                return pause
            now = self._clock.now()
            number = int(now * 1000)  # no round has so high a one
            raw = sign_paper(Enquiry(self._unit, self._hub, int(now), number, asked), self._keys)
            self._ledger.reconciling.asked(self._hub, inventory_id(raw))
            try:
                post(self._spool, self._transport, self._link, paper_name(raw, Kind.STATEMENT), raw)
            except GatewayError as error:
                if not self._gate.failed(error):
                    raise
                return self._gate.wait()
            self._gate.succeeded()
            self._ops.info("enquiry-sent", link=self._link, to=self._hub, streams=len(asked), size=len(raw))
        self._wish = wish
        self._last = self._clock.now()
        return self._every
