"""Two houses that exchange by a medium only, the four people who carry it, and the folder that stands for it."""

from dataclasses import dataclass
from pathlib import Path

from gateway.cli.demo_nodes import POLICE, PROCURATORATE, make_nodes
from gateway.compose.media import MediaDesk
from gateway.domain.trips import Trip
from tests.support.houses import House, Street, street
from tests.support.ledger import ToldClock

PART = 4096
"""Bytes of one file on the medium: small, so that bundles are cut."""
_LINK = """\
name: {name}
peer: "{peer}"
transport: media
"""


@dataclass
class Journey:
    """The street, and what is carried through it by hand."""

    street: Street
    medium: Path

    @property
    def police(self) -> House:
        return self.street.police

    @property
    def procuratorate(self) -> House:
        return self.street.procuratorate

    def desk(self, house: House, person: str) -> MediaDesk:
        """Return the desk at which `person` sits."""
        return MediaDesk(house.identity, person, house.clock, PART)

    def box(self, house: House) -> Path:
        """Return a house's mailbox for its one link."""
        (box,) = (house.state / "media").iterdir()
        return box

    def work(self, house: House, turns: int = 6) -> None:
        """Let the workers of one house step."""
        for _turn in range(turns):
            for worker in house.plan.workers:
                if worker.name not in ("retain", "progress"):
                    self.street.step(house, worker.name)
            self.street.clock.time += 0.5

    def send(self, house: House) -> Trip:
        """Have everything that waits put on the medium, by two people."""
        (link,) = house.identity.settings.links
        asked = self.desk(house, "an").export(link.name, self.medium, "USB 7", "weekly").trip
        return self.desk(house, "bo").confirm(asked.id, "counted")

    def take(self, house: House) -> list[Trip]:
        """Have everything on the medium taken in, by two people."""
        found = self.desk(house, "chen").look(self.medium, "")
        return [self.desk(house, "deng").confirm(one.id, "") for one in found.trips]


def build(root: Path) -> Journey:
    """Make two nodes below `root`, joined by nothing but a medium."""
    make_nodes(root, ToldClock())
    for node, name, peer in (("police", "procuratorate", PROCURATORATE), ("procuratorate", "police", POLICE)):
        (root / node / "etc" / "links.d" / f"{name}.yaml").write_text(_LINK.format(name=name, peer=peer), "utf-8")
    for folder in ("to-procuratorate", "to-police", "medium"):
        (root / folder).mkdir()
    return Journey(street(root), root / "medium")
