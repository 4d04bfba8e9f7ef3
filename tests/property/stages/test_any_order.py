"""Whatever fails and whenever the node dies: what a route sends arrives in the order in which it was dropped."""

import shutil
from collections import defaultdict
from pathlib import Path
from random import Random

import pytest

from gateway.compose.links import Transports
from gateway.domain.errors import GatewayError
from gateway.domain.lifecycle import State, ends
from gateway.domain.records import Order
from gateway.settings.links import LinkSettings
from gateway.transport.api import Transport
from gateway.transport.errors import fault
from tests.support.crashing import dies_at
from tests.support.houses import OUT, Faults, Street, build, opened, street
from tests.support.orderly import arrivals, drop, keep

CASES, EXPORTS = 3, 8
SEEDS = [pytest.param(seed, marks=[pytest.mark.soak] if seed else []) for seed in range(12)]
CODES = ("link-unreachable", "mailbox-full", "size-mismatch", "deposit-unknown")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("order")
    build(root)
    link = root / "police" / "etc" / "links.d" / "procuratorate.yaml"
    link.write_text(link.read_text("utf-8") + "receipt_timeout: 30s\n", "utf-8")
    return root


class Story:
    """One street, driven at random."""

    def __init__(self, made: Street, faults: Faults, random: Random) -> None:
        self.made = made
        self.faults = faults
        self.random = random
        self.dropped: list[tuple[int, str]] = []

    def drop(self) -> None:
        if len(self.dropped) < EXPORTS:
            self.made.clock.time += 0.25
            case = self.random.randrange(CASES)
            padding = self.random.choice((0, 0, 50_000, 400_000))
            self.dropped.append((case, drop(self.made, case, len(self.dropped), padding=padding)))

    def work(self) -> None:
        for _ in range(self.random.randrange(1, 12)):
            house = self.random.choice(self.made.houses)
            worker = self.random.choice(["claim", "pack", "open", house.plan.orderly or "pack", "out", "in"])
            names = [one.name for one in house.plan.workers if one.name.startswith(str(worker))]
            self.made.step(house, self.random.choice(names or ["claim"]))
        self.made.clock.time += self.random.choice((0.25, 1.0, 5.0))

    def fail(self) -> None:
        method = self.random.choice(("deposit", "listing", "fetch"))
        errors: list[GatewayError | None] = [fault(self.random.choice(CODES), "by lot") for _ in range(2)]
        self.faults.errors.setdefault(method, []).extend(errors)
        self.faults.late = {"deposit"} if self.random.random() < 0.5 else set()

    def lose(self) -> None:
        for path in self.made.mail():
            if self.random.random() < 0.5:
                path.unlink()

    def hold(self) -> None:
        ledger = self.made.police.ledger
        owing = [one for one in self.made.police.transfers(OUT) if one.state not in ends(OUT)]
        if owing:
            one = self.random.choice(owing)
            if one.hold_code is None:
                ledger.hold(one, "asked", "somebody", "by lot")
            else:
                ledger.release(one, "somebody", "by lot")

    def die(self) -> None:
        """Be killed before one of the next effects on the disk, if there are any, and start again."""
        self.made.close()
        dies_at(self.random.randrange(60), self._some_turns)
        self.made.open()

    def _some_turns(self) -> None:
        with opened(street(self.made.root, self.made.clock)) as made:
            for _turn in range(4):
                for house in made.houses:
                    for worker in house.plan.workers:
                        if worker.name != "retain":
                            made.step(house, worker.name)
                made.clock.time += 1

    def end(self) -> None:
        self.faults.errors.clear()
        while len(self.dropped) < EXPORTS:
            self.drop()
        for one in self.made.police.transfers(OUT):
            self.made.police.ledger.release(one, "somebody", "the end")
        self.made.settle()


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("order", [Order.CASE, Order.STREAM])
def test_what_was_dropped_first_arrives_first(
    built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, order: Order, seed: int
) -> None:
    shutil.copytree(built, tmp_path / "street")
    keep(tmp_path / "street", order)
    faults, true = Faults(), Transports.to

    def to(self: Transports, link: LinkSettings) -> Transport:
        return faults.wrap(true(self, link))

    monkeypatch.setattr(Transports, "to", to)
    random = Random(f"{order} {seed}")
    with opened(street(tmp_path / "street")) as made:
        story = Story(made, faults, random)
        acts = [
            story.drop,
            story.drop,
            story.work,
            story.work,
            story.work,
            story.fail,
            story.lose,
            story.hold,
            story.die,
        ]
        for _ in range(40):
            random.choice(acts)()
        story.end()
        assert {transfer.state for transfer in made.police.transfers(OUT)} == {State.DELIVERED}
        assert in_orders(story.dropped, arrivals(made), order)


def in_orders(dropped: list[tuple[int, str]], arrived: list[str], order: Order) -> bool:
    """Whether everything arrived once, and in the order that was asked for."""
    assert sorted(arrived) == sorted(name for _case, name in dropped)
    if order is Order.STREAM:
        return arrived == [name for _case, name in dropped]
    case_of = {name: case for case, name in dropped}
    wanted, found = defaultdict(list), defaultdict(list)
    for case, name in dropped:
        wanted[case].append(name)
    for name in arrived:
        found[case_of[name]].append(name)
    return wanted == found
