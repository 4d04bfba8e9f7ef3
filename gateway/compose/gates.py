"""The gates of a node's links and routes, and how long each link may owe the same before a person is asked."""

from collections.abc import Callable

from gateway.compose.pacing import hours
from gateway.daemon.worker import Bells
from gateway.domain.clock import Clock
from gateway.domain.errors import Scope
from gateway.domain.ids import LinkName
from gateway.domain.oplog import OpsLog
from gateway.ledger.store import Ledger
from gateway.settings.boundaries import Receipts
from gateway.settings.links import LinkSettings, TransportKind
from gateway.settings.load import Settings
from gateway.stages.backoff import Backoff
from gateway.stages.gate import Gate, Reach
from gateway.stages.legs import in_leg, out_leg
from gateway.stages.patience import PatienceStage


class Gates:
    """Makes gates and remembers them: for `status`, and for a person who wants one opened."""

    def __init__(self, backoff: Backoff, clock: Clock, ops: OpsLog, bells: Bells) -> None:
        self._backoff = backoff
        self._clock = clock
        self._ops = ops
        self._bells = bells
        self._all: list[Gate] = []
        self._of_link: dict[LinkName, tuple[Gate, Gate]] = {}

    @property
    def all(self) -> tuple[Gate, ...]:
        """Every gate that was made."""
        return tuple(self._all)

    def one(
        self, scope: Scope, name: str, reach: Reach | None = None, closed_for: Callable[[], float] = lambda: 0.0
    ) -> Gate:
        """Return a new gate."""
        gate = Gate(scope, name, self._backoff, self._clock, self._ops, reach=reach, closed_for=closed_for)
        self._all.append(gate)
        return gate

    def of_link(self, link: LinkSettings) -> tuple[Gate, Gate]:
        """Return new gates for what leaves and what arrives; they share what they learn where both call the peer."""
        name = LinkName(link.name)
        calls_for_both = link.transport is TransportKind.SFTP and link.calls_to_deposit and link.calls_to_collect
        reach = Reach(name, self._backoff, self._clock) if calls_for_both else None
        windows = hours(link)

        def closed_for() -> float:
            return windows.closed_for(self._clock.now())

        out, back = (self.one(Scope.LINK, name, reach, closed_for) for _leg in range(2))
        self._of_link[name] = out, back
        return out, back

    def knock(self, link: LinkName) -> None:
        """Have both legs of `link` try at once, however long it was to rest; nothing happens if it has none."""
        for gate in self._of_link.get(link, ()):
            gate.knock()
        self._bells.ring(out_leg(link), in_leg(link))

    def peer_called(self, link: LinkName) -> None:
        """Have both legs of `link` try at once if its peer, who has just called us, was away."""
        were_away = [gate.peer_called() for gate in self._of_link.get(link, ())]
        if any(were_away):
            self._bells.ring(out_leg(link), in_leg(link))


def patience(settings: Settings, ledger: Ledger, clock: Clock, ops: OpsLog) -> PatienceStage:
    """Return the stage that gives up, with each link's own patience."""
    return PatienceStage(
        ledger=ledger,
        clock=clock,
        ops=ops,
        seconds=_seconds(settings, None),
        links={LinkName(link.name): _seconds(settings, link) for link in settings.links if link.enabled},
        resting=frozenset(LinkName(link.name) for link in settings.links if not link.enabled),
        unconfirmed=frozenset(LinkName(one.name) for one in settings.links if one.receipts is not Receipts.EXPECTED),
    )


def _seconds(settings: Settings, link: LinkSettings | None) -> float:
    """Return after how many seconds what is owed on `link` (None: on none yet) is given up.

    At least twice the time allowed for a receipt: every bundle is sent once more before a person is asked.
    """
    timing = settings.timing
    wanted = (link.give_up_after if link is not None else None) or timing.give_up_after
    return max(wanted, 2 * ((link.receipt_timeout if link is not None else None) or timing.receipt_timeout))
