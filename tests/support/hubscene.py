"""An exchange of a county and a procuratorate over a hub, three houses in one process, into which faults are
injected."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path

from gateway.cli import demo_samples
from gateway.daemon.progress import ProgressBoard
from gateway.domain.errors import GatewayError
from gateway.domain.lifecycle import State
from gateway.folders.quarantine import Quarantine
from tests.support.claiming import whole_tokens
from tests.support.faults import Fault
from tests.support.houses import TURNS, House
from tests.support.hubs import CITY_A, COUNTY, IN, PROSECUTOR, Province, build, roster_of
from tests.support.invariant import Site, nothing_is_lost_or_doubled
from tests.support.reconciling import SMALL
from tests.support.scenes import EXCHANGE, STARTS, UNTOLD, Scene

_ASIDE = ("retain", "reconcile", ProgressBoard.name)
"""Workers that wait for days or for the night."""


@dataclass(frozen=True)
class HubScene(Scene):
    """An exchange of `exports` from a county to a procuratorate behind the same hub."""

    def build(self, root: Path) -> None:
        build(root, SMALL)

    def drop(self, root: Path) -> None:
        for sample in self.exports:
            demo_samples.drop(sample, root / COUNTY / "out")

    def play(self, root: Path, fault: Fault) -> None:
        made = _province(root)
        with fault.injected():
            _started(made)
            try:
                _settle(made, fault.aside)
                if made[COUNTY].log.of("source-not-told"):
                    root.with_name(UNTOLD).touch()
            finally:
                made.close()

    def check(self, root: Path) -> None:
        made = _province(root)
        made.clock.time += 60
        made.open()
        try:
            _settle(made, nullcontext)
            hub = made[CITY_A]
            ours, theirs = _site(made[COUNTY], made, hub), _site(made[PROSECUTOR], made)
            is_told = not root.with_name(UNTOLD).exists()
            out, into = root / COUNTY / "out", root / PROSECUTOR / "in"
            nothing_is_lost_or_doubled(self.exports, out, into, ours, theirs, is_told=is_told)
            self._check_hub(made, hub, ours)
            for house in made.houses.values():
                assert house.log.alerts() == [], house.log.lines
        finally:
            made.close()

    def _check_hub(self, made: Province, hub: House, ours: Site) -> None:
        """It carried each bundle once, brought every receipt back, and has nothing left."""
        relays, arrivals = made.relays(CITY_A), hub.transfers(IN)
        assert len(relays) == len(arrivals) == len(self.exports)
        assert {one.bundle_id for one in relays} == {one.bundle_id for one in arrivals}
        assert {one.state for one in (*relays, *arrivals)} == {State.SETTLED}
        for one in relays:
            said = {(str(r.code), r.issuer) for r in ours.ledger.receipts(one.bundle_id or "")}
            assert said == {("100", hub.unit), ("110", made.unit(PROSECUTOR))}
        assert made.held_bytes(CITY_A) == []
        assert Quarantine(hub.state / "quarantine").listing() == []


OVER_A_HUB = HubScene("a file and a police export are delivered over a hub", EXCHANGE.exports)


def _province(root: Path) -> Province:
    """Return the houses below `root`, not yet opened. Read before any fault: it is the test's own doing."""
    return Province(root, roster_of(root, SMALL), SMALL)


def _started(made: Province) -> None:
    """Start all nodes as systemd would: again when a start is refused."""
    for start in range(STARTS):
        try:
            made.open()
            return
        except (GatewayError, OSError):
            if start == STARTS - 1:
                raise
            for house in made.houses.values():
                with suppress(AttributeError):  # it had not come so far
                    house.close()


def _settle(made: Province, aside: Callable[[], AbstractContextManager[None]]) -> None:
    """Let all work until nobody owes anything; `aside` surrounds what only the test looks at."""
    for _turn in range(TURNS):
        for house in made.houses.values():
            for worker in house.plan.workers:
                if worker.name not in _ASIDE:
                    made.step(house, worker.name)
        with aside():
            if all(house.is_quiet() for house in made.houses.values()) and not (made.mail() or _unknown(made)):
                return
        made.clock.time += 0.5
    raise AssertionError(made.story())


def _unknown(made: Province) -> list[object]:
    """Return the exports that nobody has claimed, or that were claimed and are not in the ledger."""
    county = made[COUNTY]
    waiting = [path for path in (county.root / "out").glob("*/*") if path.is_file()]
    claims = [one for one in whole_tokens(county.ground.shelf) if county.ledger.by_claim(one) is None]
    return [*waiting, *claims]


def _site(house: House, made: Province, *hubs: House) -> Site:
    leftovers = [str(path) for path in made.mail()]
    for one in made.houses.values():
        spool = one.state / "spool"
        for folder in (spool / "outbound", spool / "inbound", spool / "staging", spool / "claims", spool / "relayed"):
            for path in folder.rglob("*"):
                is_rest = path.is_file() and folder.name in ("inbound", "staging", "relayed")
                if path.name.startswith(".") or is_rest:
                    leftovers.append(str(path.relative_to(made.root)))
    hub_units = tuple(one.unit for one in hubs)
    return Site(house.unit, house.ledger, house.identity.directory, house.state, leftovers, hub_units)
