"""The resync leg of one link: states to the peer where the streams stand, and answers when the peer has done so."""

from gateway.bundle.inventory import parse_inventory, sign_inventory, sign_life
from gateway.bundle.keys import NodeKeys
from gateway.bundle.names import inventory_id, inventory_name, receipt_name
from gateway.bundle.receipt import join_receipts
from gateway.domain.clock import Clock
from gateway.domain.errors import GatewayError
from gateway.domain.holdings import Life
from gateway.domain.ids import LinkName, UnitCode
from gateway.domain.oplog import OpsLog
from gateway.folders.spool import Spool
from gateway.ledger.store import Ledger
from gateway.ledger.talks import PeerWord
from gateway.stages.gate import Gate
from gateway.stages.letters import post
from gateway.transport.api import Transport

UNANSWERED_SECONDS = 86_400.0
"""While a peer has not answered, it is asked again only so often: the earlier inventory still lies in its mailbox."""
RECEIPTS = 256
"""Receipts to one file: about 1 MiB with post-quantum signatures."""


class ResyncStage:
    """Sends inventories: at the start, every `every` seconds, after a gap, when told to, and as answers."""

    def __init__(
        self,
        *,
        link: LinkName,
        unit: UnitCode,
        peer: UnitCode,
        ledger: Ledger,
        spool: Spool,
        transport: Transport,
        gate: Gate,
        keys: NodeKeys,
        clock: Clock,
        ops: OpsLog,
        every: float,
        patience: float,
    ) -> None:
        """every: seconds between inventories.     patience: seconds that a gap may last before it is asked for."""
        self._link = link
        self._peer = peer
        self._ledger = ledger
        self._spool = spool
        self._transport = transport
        self._gate = gate
        self._keys = keys
        self._clock = clock
        self._ops = ops
        self._every = every
        self._patience = patience
        self._has_asked = False
        self._token = sign_life(Life(unit, ledger.epoch, ledger.resync.life), keys)

    def step(self) -> float | None:
        """Send what is due; return the seconds until an inventory may be due again."""
        if pause := self._gate.wait():
            return pause
        word = self._ledger.resync.word(self._peer)
        why = self._why(word)
        if not why and not word.owed:
            return self._next(word)
        if pause := self._gate.enter():
            return pause
        try:
            self._send(word, why)
        except GatewayError as error:
            if not self._gate.failed(error):
                raise
            return self._gate.wait()
        self._gate.succeeded()
        self._has_asked |= bool(why)
        return 0.0

    def _why(self, word: PeerWord) -> str:
        """Return why the peer is to be asked now; empty if it is not."""
        if not self._has_asked:
            return "start"
        if word.wanted_at is not None:
            return word.why
        now = self._clock.now()
        if word.gap_since is not None and now - word.gap_since >= self._patience:
            still = self._ledger.resync.has_gaps(self._peer)
            self._ledger.resync.gap_looked_at(self._peer, since=now if still else None)
            if still:
                return "gap"
        return "time" if self._until_time(word, now) <= 0 else ""

    def _until_time(self, word: PeerWord, now: float) -> float:
        if word.asked_at is None:
            return 0.0
        is_answered = word.heard_at is not None and word.heard_at >= word.asked_at
        return word.asked_at + (self._every if is_answered else max(self._every, UNANSWERED_SECONDS)) - now

    def _next(self, word: PeerWord) -> float:
        now = self._clock.now()
        waits = [self._until_time(word, now)]
        if word.gap_since is not None:
            waits.append(word.gap_since + self._patience - now)
        return max(0.0, min(waits))

    def _send(self, word: PeerWord, why: str) -> None:
        returned = self._return_receipts(word)
        inventory = self._ledger.resync.inventory(
            self._peer,
            self._link,
            token=self._token,
            issued_at=self._clock.now(),
            asks=bool(why),
            answers=word.owed,
        )
        raw = sign_inventory(inventory, self._keys)
        if why:
            # On record before it is sent: the answer may be here before this thread goes on.
            self._ledger.resync.asked(self._peer, inventory_id(raw))
        post(self._spool, self._transport, self._link, inventory_name(raw), raw)
        self._ledger.resync.sent(self._peer, asked=bool(why), answered=word.owed)
        self._ops.info(
            "inventory-sent", link=self._link, why=why or "answer", receipts=returned, answers=bool(word.owed)
        )

    def _return_receipts(self, word: PeerWord) -> int:
        """Give the peer back the receipts that it signed and no longer knows of; return how many."""
        if not word.owed or word.theirs is None:
            return 0
        receipts = self._ledger.resync.receipts_to_return(self._peer, parse_inventory(word.theirs))
        for start in range(0, len(receipts), RECEIPTS):
            body = join_receipts(receipts[start : start + RECEIPTS])
            post(self._spool, self._transport, self._link, receipt_name(body), body)
        return len(receipts)
