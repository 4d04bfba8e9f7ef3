"""Three daemons: a county, a hub that it calls, and a county behind the same hub; everything by real SFTP."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.cli.demo_nodes import (
    POLICE,
    PROCURATORATE,
    Place,
    free_ports,
    init_place,
    write_link,
    write_routes,
)
from gateway.domain.ids import UnitCode
from gateway.domain.lifecycle import Direction, State
from gateway.domain.records import ReceiptCode, Transfer, known
from gateway.roster.content import Permission
from gateway.settings.writing import Values
from tests.support.forks import ForkedNode
from tests.support.nodes import CLOCK, QUICK, Neighbours, Node, configure, drop, eventually, running
from tests.support.rosters import HUB, Authority, install, listed, roster_of

HUB_UNIT = UnitCode("HUB990000")


@dataclass(frozen=True)
class Star(Neighbours):
    """Two counties around a hub; both call it, and it calls nobody."""

    police: Node
    hub: Node
    procuratorate: Node

    @property
    def nodes(self) -> tuple[Node, ...]:
        return self.police, self.hub, self.procuratorate

    def delivered(self, name: str) -> Transfer | None:
        found = self.police.outbound(name)
        return found if found is not None and found.state is State.DELIVERED else None

    @property
    def out(self) -> Path:
        return self.police.daemon.place.out / "files"


@pytest.fixture
def star(tmp_path: Path) -> Iterator[Star]:
    ports = free_ports(3)
    units = (("police", POLICE), ("hub", HUB_UNIT), ("procuratorate", PROCURATORATE))
    police, hub, procuratorate = (
        Place(tmp_path / name, unit, name, port) for (name, unit), port in zip(units, ports, strict=True)
    )
    made = Star(*(Node(ForkedNode(place)) for place in (police, hub, procuratorate)))
    for node in made.nodes:
        init_place(node.daemon.place, CLOCK)
        configure(node, "poll_every: 1s\n", QUICK.removeprefix("  "))
    with (hub.config / "gateway.yaml").open("a", encoding="utf-8") as config:
        config.write("relay:\n  enabled: true\n")
    for county in (police, procuratorate):
        calling: Values = {
            "name": "hub",
            "peer": HUB_UNIT,
            "initiate": "both",
            "sftp": {"host": "127.0.0.1", "port": hub.port},
        }
        write_link(county, calling)
        write_link(hub, {"name": county.root.name, "peer": county.unit, "initiate": "none"})
    for folder in (police.out / "files", procuratorate.into):
        folder.mkdir(parents=True)
    write_routes(
        police,
        "files",
        outbound=[{"name": "files", "folder": "../out/files", "packer": "folder", "receivers": {"*": PROCURATORATE}}],
    )
    write_routes(
        procuratorate, "all", inbound=[{"name": "all", "senders": ["*"], "folder": "../in", "packer": "folder"}]
    )
    cards = {node.unit: node.keyring().card(node.unit, node.root.name) for node in made.nodes}
    raw = (authority := Authority()).issue(
        roster_of(
            listed(cards[POLICE], "police", hubs=[HUB_UNIT]),
            listed(cards[HUB_UNIT], HUB, region="990000"),
            listed(cards[PROCURATORATE], "procuratorate", hubs=[HUB_UNIT]),
            permissions=(Permission("*", "police", "procuratorate"),),
        )
    )
    for node in made.nodes:
        install(node.state, raw, authority)
    with running(made):
        yield made


def test_a_county_reaches_another_over_a_hub_that_both_call(star: Star) -> None:
    drop(star.out, "a.txt", b"one")
    sent = eventually(lambda: star.delivered("a.txt"), "a delivery receipt")
    star.come_to_rest()
    # The recipient's word may overtake the hub's.
    told = [one for one in star.police.events(sent) if one != "custody-receipted"]
    assert told[-2:] == ["sent", "delivery-receipted"]
    with star.police.ledger() as ledger:
        assert {one.code for one in ledger.receipts(known(sent.bundle_id))} == {
            ReceiptCode.CUSTODY,
            ReceiptCode.DELIVERED,
        }
    (imported,) = star.procuratorate.daemon.place.into.glob("*/content/a.txt")
    assert imported.read_bytes() == b"one"
    (relay,) = star.hub.transfers(Direction.RELAY)
    assert (relay.state, relay.origin, relay.recipient) == (State.SETTLED, POLICE, PROCURATORATE)
    assert (relay.case_no, relay.export_name) == ("", "")

    # The hub is killed with bundles in its hands.
    for number in range(4):
        drop(star.out, f"b{number}.txt", b"two")
    eventually(lambda: len(star.hub.transfers(Direction.RELAY)) > 1, "custody")
    star.hub.daemon.kill()
    star.hub.start()
    eventually(lambda: all(star.delivered(f"b{number}.txt") for number in range(4)), "all delivery receipts")
    assert len(list(star.procuratorate.daemon.place.into.glob("*/content/*.txt"))) == 5
