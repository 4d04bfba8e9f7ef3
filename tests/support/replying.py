"""Two houses that ask and answer: an export is a small JSON text that says what its case package holds."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from gateway.cli.demo_nodes import POLICE, PROCURATORATE, Place, write_routes
from gateway.domain.lifecycle import Direction
from gateway.packing import Packer, Reading
from gateway.standard.catalogue import Standard
from gateway.standard.package import CaseNumber, CasePackage, Charge, Decision, Document, Person, Source
from packers.folder import FolderPacker
from tests.support.answers import standing
from tests.support.houses import House, Street, build

NUMBER = "A9901020000002026031234"


class SayingPacker(FolderPacker):
    """Reads what an export says of itself; the standard's checks leave it alone, since its format is none of theirs."""

    @contextmanager
    def read(self, parts: Sequence[Path], standard: Standard) -> Iterator[Reading]:
        with super().read(parts, standard) as plain:
            yield Reading(_package(parts[0]), plain.members, plain.findings)


def packer(_name: str) -> Packer:
    """Return the packer of these tests, whatever is configured."""
    return SayingPacker()


def says(
    flow: str,
    *persons: str,
    decision: str = "",
    number: str = NUMBER,
    scheme: str = "police-case-no",
    related: str = "",
    papers: Sequence[tuple[str, str]] = (),
) -> bytes:
    """Return an export. persons: names; decision: of each; papers: kind of a document and whose it is."""
    return json.dumps(
        {
            "flow": flow,
            "persons": persons,
            "decision": decision,
            "number": number,
            "scheme": scheme,
            "related": related,
            "papers": papers,
        }
    ).encode()


def _package(path: Path) -> CasePackage:
    said = json.loads(path.read_bytes())
    decisions = (Decision(said["decision"], said["decision"], "2026-03-16"),) if said["decision"] else ()
    return CasePackage(
        Source("saying", path.name),
        flow=said["flow"],
        case_no=said["number"],
        case_numbers=(CaseNumber(said["scheme"], said["number"]),) if said["number"] else (),
        related_package=said["related"],
        persons=tuple(
            Person(
                person_no=f"R{name}",
                name=name,
                id_no=f"9901{name}",
                charges=(Charge(name="盗窃"),),
                decisions=decisions,
            )
            for name in said["persons"]
        ),
        documents=tuple(Document(kind, f"{kind}.pdf", kind=kind, person=whose) for kind, whose in said["papers"]),
    )


def make(root: Path) -> Street:
    """Make the two houses below `root`, each with a folder for what it sends and one for what it gets."""
    made = build(root)
    for house, name in ((made.police, "police"), (made.procuratorate, "procuratorate")):
        for folder in ("says", "gets"):
            (house.root / ("out" if folder == "says" else "") / folder).mkdir(parents=True, exist_ok=True)
        for one in (house.root / "etc" / "routes.d").glob("*.yaml"):
            one.unlink()
        other = PROCURATORATE if name == "police" else POLICE
        place = Place(house.root, house.unit, name, 0)
        out = {"name": "says", "folder": "../out/says", "packer": "folder", "receivers": {"*": other}}
        into = {"name": "gets", "senders": [other], "folder": "../gets", "packer": "folder"}
        write_routes(place, name, outbound=[out], inbound=[into])
    return made


def drop(house: House, name: str, content: bytes) -> None:
    """Let the case software of `house` drop an export."""
    (house.root / "out" / "says" / name).write_bytes(content)


def settle(houses: Street) -> None:
    """Let everybody work until nothing is owed; first until what was dropped is claimed, which takes some scans."""
    houses.work(6)
    houses.settle()


def got(house: House) -> list[str]:
    """Return the names of the exports that reached the case software of `house`."""
    return sorted(path.name for path in (house.root / "gets").glob("*/content/*"))


def answered(house: House, direction: Direction) -> list[dict[str, str]]:
    """Return how every request of one direction is answered, the oldest first."""
    ledger = house.ledger
    return [
        standing(ledger, one) for one in house.transfers(direction) if ledger.answers.of_request(one.id) is not None
    ]
