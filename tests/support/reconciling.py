"""What tests of resync over hubs and of reconciliation do with a province of houses."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from gateway.bundle.names import Kind
from gateway.compose.backup import By, back_up, restore
from gateway.domain.records import Transfer
from tests.support.houses import House
from tests.support.hubs import CITY_A, COUNTY, OUT, PROSECUTOR, SPOTS, Province, Spot

BY = By("zhang", "the disk was exchanged")

SMALL: Mapping[str, Spot] = MappingProxyType(
    {
        COUNTY: SPOTS[COUNTY],
        CITY_A: replace(SPOTS[CITY_A], hub=None),
        PROSECUTOR: replace(SPOTS[PROSECUTOR], hub=CITY_A),
    }
)
"""A county and a procuratorate behind one hub."""


def exchanged(province: Province, *names: str) -> None:
    """Let exports of these names go all the way from the county."""
    for name in names:
        province.drop(COUNTY, name, name.encode())
    province.settle()


def of(province: Province, name: str) -> Transfer:
    return next(t for t in province[COUNTY].transfers(OUT) if t.export_name == name)


def lose(province: Province, sender: str, receiver: str, kind: Kind) -> int:
    """Remove what lies in a mailbox of one kind; return how many there were."""
    gone = [path for path in province.mailbox(sender, receiver).iterdir() if path.suffix == kind]
    for path in gone:
        path.unlink()
    return len(gone)


def work_until_lost(province: Province, sender: str, receiver: str, kind: Kind, turns: int = 200) -> None:
    """Let all work until something of `kind` lies in a mailbox, and lose it there."""
    for _turn in range(turns):
        for name, house in province.houses.items():
            for worker in house.plan.workers:
                if worker.name != "retain":
                    province.step(house, worker.name)
                    if lose(province, sender, receiver, kind):
                        return
            assert name
        province.clock.time += 0.5
    raise AssertionError(province.story())


def wiped(province: Province, name: str) -> House:
    """Take the whole state of a node but its keys and peers, and start it as one that has never run."""
    province.houses[name].close()
    state = province.root / name / "state"
    for path in state.iterdir():
        if path.name not in ("keys", "peers"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    return province.reopen(name)


def etc(house: House) -> Path:
    return house.root / "etc"


def back(house: House) -> None:
    back_up(house.identity.settings, etc(house), house.root / "backup", house.clock)


def put_back(province: Province, name: str, *, spool_too: bool = False) -> House:
    """Stop a node, put its backup back and start it."""
    house = province[name]
    house.close()
    if spool_too:
        shutil.rmtree(house.state / "spool")
    restore(house.identity.settings, etc(house), house.root / "backup", BY, house.clock)
    return province.reopen(name)


def reconcile(province: Province, name: str = COUNTY, *, wait: float = 60.0, turns: int = 40) -> dict[str, Any]:
    """Have a node reconcile, let everybody work until it is done, and return its report."""
    house = province[name]
    wanted = house.ledger.reconciling.want("command", wait)
    for _turn in range(turns):
        province.work(seconds=2.0)
        done = house.ledger.reconciling.get(wanted.id)
        if done is not None and done.done_at is not None:
            return report(house)
    raise AssertionError(province.story())


def report(house: House) -> dict[str, Any]:
    """Return the newest report of a node."""
    newest = max((house.state / "reports").glob("*.json"))
    found: dict[str, Any] = json.loads(newest.read_text("utf-8"))
    return found


def codes(found: Mapping[str, Any]) -> list[str]:
    return [one["code"] for one in found["differences"]]
