"""The resync leg of one link: states to the units behind it where the streams stand, and answers those that have."""

import hashlib
from collections.abc import Callable, Mapping, Sequence

from gateway.bundle.inventory import parse_inventory, sign_inventory
from gateway.bundle.keys import NodeKeys
from gateway.bundle.names import Kind, inventory_id, inventory_name, paper_name, receipt_name
from gateway.bundle.receipt import join_receipts
from gateway.bundle.statement import sign_paper
from gateway.domain.clock import Clock
from gateway.domain.errors import GatewayError
from gateway.domain.ids import LinkName, UnitCode
from gateway.domain.oplog import OpsLog
from gateway.domain.statements import RECEIPTS_MAX, Returned
from gateway.folders.spool import Spool
from gateway.ledger.store import Ledger
from gateway.ledger.talks import PeerWord
from gateway.stages.gate import Gate
from gateway.stages.letters import post
from gateway.transport.api import Transport

UNANSWERED_SECONDS = 86_400.0
"""While a peer has not answered, it is asked again only so often: the earlier inventory still lies in its mailbox."""
LOOK_SECONDS = 60.0
"""Between looks with which units something is open; whatever presses is seen at every step."""
START_SPREAD = 1 / 6
"""Part of the interval over which the first questions to units behind a hub are spread, so that five hundred nodes
that start together do not all ask at once."""
TIME_SPREAD = 1 / 10
"""Part of the interval by which the questions of different pairs of units lie apart."""


class ResyncStage:
    """Sends inventories: at the start, every `every` seconds, after a gap, when told to, and as answers.

    The neighbour is asked as such. Units behind a hub are asked only while something is open with them.
    """

    def __init__(
        self,
        *,
        link: LinkName,
        unit: UnitCode,
        neighbour: UnitCode | None,
        leads_to: Callable[[UnitCode], bool],
        ledger: Ledger,
        spool: Spool,
        transport: Transport,
        gate: Gate,
        keys: NodeKeys,
        life: bytes,
        clock: Clock,
        ops: OpsLog,
        every: float,
        patience: float,
    ) -> None:
        """neighbour: the unit at the other end; None if one of the two is a hub, which only carries.
        leads_to: whether this link is the way to a unit.   life: the token of this start of the node.
        every: seconds between inventories.   patience: seconds that a gap may last before it is asked for."""
        self._link = link
        self._unit = unit
        self._neighbour = neighbour
        self._leads_to = leads_to
        self._ledger = ledger
        self._spool = spool
        self._transport = transport
        self._gate = gate
        self._keys = keys
        self._clock = clock
        self._ops = ops
        self._every = every
        self._patience = patience
        self._started_at = clock.now()
        self._is_restored = ledger.resync.standing().restored_at is not None
        self._asked: set[UnitCode] = set()
        """Who was asked in this run."""
        self._open: Sequence[UnitCode] = ()
        self._open_until = 0.0
        self._life = life

    def step(self) -> float | None:
        """Send what is due; return the seconds until an inventory may be due again, None if nothing is open."""
        if pause := self._gate.wait():
            return pause
        has_looked = self._look()
        pressing = {word.peer: word for word in self._ledger.resync.pressing()}
        waits: list[float] = []
        has_sent = False
        for peer in self._concerned(pressing):
            word = pressing.get(peer) or self._ledger.resync.word(peer)
            why = self._why(word)
            if not why and not word.owed:
                waits.append(self._next(word))
                continue
            if pause := self._gate.enter():
                return pause
            try:
                self._send(word, why)
            except GatewayError as error:
                if not self._gate.failed(error):
                    raise
                return self._gate.wait()
            self._gate.succeeded()
            if why:
                self._asked.add(peer)
            has_sent = True
        if has_sent:
            return 0.0
        if not has_looked:
            waits.append(self._open_until - self._clock.monotonic())
        # What comes to be open later rings, and `TalksWatch` looks for all links together.
        return max(0.0, min(waits)) if waits else None

    def _look(self) -> bool:
        """Ask with whom something is open, unless that was asked a moment ago; return whether it was asked now."""
        now = self._clock.monotonic()
        if now < self._open_until:
            return False
        found = self._ledger.resync.open_to(self._link)
        if self._is_restored:
            found += self._ledger.resync.peers()
        self._open, self._open_until = [peer for peer in found if self._leads_to(peer)], now + LOOK_SECONDS
        return True

    def _concerned(self, pressing: Mapping[UnitCode, PeerWord]) -> list[UnitCode]:
        """Return the units behind this link that something may be due with, the neighbour first."""
        units = [] if self._neighbour is None else [self._neighbour]
        units += [peer for peer in pressing if self._leads_to(peer)]
        return list(dict.fromkeys([*units, *self._open]))

    def _why(self, word: PeerWord) -> str:
        """Return why the peer is to be asked now; empty if it is not."""
        if word.peer == self._neighbour and word.peer not in self._asked:
            return "start"
        if word.wanted_at is not None:
            return word.why
        now = self._clock.now()
        if word.gap_since is not None and now - word.gap_since >= self._patience:
            still = self._ledger.resync.has_gaps(word.peer)
            self._ledger.resync.gap_looked_at(word.peer, since=now if still else None)
            if still:
                return "gap"
        if word.peer != self._neighbour and word.peer not in self._open:
            return ""
        return "time" if self._until_time(word, now) <= 0 else ""

    def _until_time(self, word: PeerWord, now: float) -> float:
        if word.peer == self._neighbour:
            early = 0.0
        else:
            if self._is_restored and word.heard_at is None and word.asked_at is None:
                return 0.0  # nothing goes to it before it has answered
            early = TIME_SPREAD * self._every * self._lot(word.peer)
            if word.peer not in self._asked:
                start = self._started_at + START_SPREAD * self._every * self._lot(word.peer)
                return max(start, (word.asked_at or 0.0) + START_SPREAD * self._every) - now
        if word.asked_at is None:
            return 0.0
        is_answered = word.heard_at is not None and word.heard_at >= word.asked_at
        pause = self._every - early if is_answered else max(self._every, UNANSWERED_SECONDS)
        return word.asked_at + pause - now

    def _lot(self, peer: UnitCode) -> float:
        """Return a number from 0 to 1 that is this pair's own, so that pairs lie apart."""
        pair = hashlib.sha256(f"{self._unit} {peer}".encode()).digest()
        return int.from_bytes(pair[:4], "big") / 2**32

    def _next(self, word: PeerWord) -> float:
        now = self._clock.now()
        waits: list[float] = []
        if word.peer == self._neighbour or word.peer in self._open:
            waits.append(self._until_time(word, now))
        if word.gap_since is not None:
            waits.append(word.gap_since + self._patience - now)
        return max(0.0, min(waits, default=LOOK_SECONDS))

    def _send(self, word: PeerWord, why: str) -> None:
        returned = self._return_receipts(word)
        inventory = self._ledger.resync.inventory(
            word.peer,
            self._link,
            token=self._life,
            issued_at=self._clock.now(),
            asks=bool(why),
            answers=word.owed,
        )
        raw = sign_inventory(inventory, self._keys)
        if why:
            # On record before it is sent: the answer may be here before this thread goes on.
            self._ledger.resync.asked(word.peer, inventory_id(raw))
        post(self._spool, self._transport, self._link, inventory_name(raw), raw)
        self._ledger.resync.sent(word.peer, asked=bool(why), answered=word.owed)
        self._ops.info(
            "inventory-sent",
            link=self._link,
            to=word.peer,
            why=why or "answer",
            receipts=returned,
            answers=bool(word.owed),
            size=len(raw),
        )

    def _return_receipts(self, word: PeerWord) -> int:
        """Give the peer back the receipts that it signed and no longer knows of; return how many."""
        if not word.owed or word.theirs is None:
            return 0
        receipts = self._ledger.resync.receipts_to_return(word.peer, parse_inventory(word.theirs))
        for start in range(0, len(receipts), RECEIPTS_MAX):
            some = receipts[start : start + RECEIPTS_MAX]
            if word.peer == self._neighbour:
                body = join_receipts(some)
                name = receipt_name(body)
            else:
                # A hub carries receipts to who sent the bundle; these go to who signed them, so they need an address.
                paper = Returned(self._unit, word.peer, int(self._clock.now()), tuple(some))
                body = sign_paper(paper, self._keys)
                name = paper_name(body, Kind.STATEMENT)
            post(self._spool, self._transport, self._link, name, body)
        return len(receipts)


class TalksWatch:
    """Wakes the legs that have something open with units behind their links, for all of which it asks together: a hub
    has hundreds, and with most of them nothing."""

    name = "talks"

    def __init__(
        self, ledger: Ledger, *, ring_link: Callable[[LinkName], None], ring_unit: Callable[[UnitCode], None]
    ) -> None:
        """ring_link: wakes the leg of a link; ring_unit: of the link that leads to a unit."""
        self._ledger = ledger
        self._ring_link = ring_link
        self._ring_unit = ring_unit

    def step(self) -> float | None:
        """Look once; return the seconds until the next look."""
        for word in self._ledger.resync.pressing():
            self._ring_unit(word.peer)
        for link in self._ledger.resync.open_links():
            self._ring_link(link)
        return LOOK_SECONDS
