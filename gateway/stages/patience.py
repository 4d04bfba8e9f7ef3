"""The end of patience: what has owed the same step for too long is held for a person, and said in one line."""

from collections import Counter
from collections.abc import Mapping

from gateway.domain.clock import Clock
from gateway.domain.ids import LinkName
from gateway.domain.oplog import OpsLog
from gateway.ledger.store import Ledger

BATCH = 256
"""Transfers held in one commit."""
LOOK_SECONDS = 600.0
"""Seconds between looks, or a tenth of the shortest patience if that is less."""


class PatienceStage:
    """Holds what would otherwise be tried for ever. Nothing of its progress is lost: `release` lets it go on, and a
    receipt that comes after all settles it."""

    name = "patience"

    def __init__(
        self,
        *,
        ledger: Ledger,
        clock: Clock,
        ops: OpsLog,
        seconds: float,
        links: Mapping[LinkName, float],
        resting: frozenset[LinkName],
        unconfirmed: frozenset[LinkName] = frozenset(),
    ) -> None:
        """`seconds`: patience where `links` names no other; `resting`: links that are switched off, which wait;
        `unconfirmed`: links that owe no receipts: what was sent there is not given up."""
        self._ledger = ledger
        self._clock = clock
        self._ops = ops
        self._seconds = seconds
        self._links = links
        self._resting = resting
        self._unconfirmed = unconfirmed
        self._every = min(LOOK_SECONDS, min([seconds, *links.values()]) / 10)

    def step(self) -> float | None:
        """Hold what is due; return the seconds until the next look."""
        held: Counter[tuple[str, str]] = Counter()
        for link, seconds in self._links.items():
            self._give_up(link, seconds, held)
        self._give_up(None, self._seconds, held)
        for (name, code), count in sorted(held.items()):
            self._ops.alert("given-up", link=name or None, code=code, count=count)
        return self._every

    def _give_up(self, link: LinkName | None, seconds: float, held: Counter[tuple[str, str]]) -> None:
        before = self._clock.now() - seconds
        others = self._links.keys() | self._resting
        expects = link not in self._unconfirmed
        while found := self._ledger.give_up(before, link=link, others=others, expects=expects, limit=BATCH):
            held.update((str(one.link or ""), str(one.hold_code)) for one in found)
