"""Police exports by the dozen, each a case of its own, and what becomes of them when the case software changes."""

from dataclasses import dataclass, field
from pathlib import Path

from gateway.domain.records import Transfer
from tests.support.exports import STEM, PoliceExport
from tests.support.houses import OUT, Street

CASE = "A9901020000002026030012"
RULES = "drift:\n  exports: 8\n  baseline: 10\n"


def case(number: int, export: PoliceExport | None = None) -> PoliceExport:
    """Return the export of the case with this number."""
    new = f"A990102000000202603{number:04d}"
    made = PoliceExport() if export is None else export
    return PoliceExport(
        stem=STEM.replace(CASE, new), xml=made.xml.replace(CASE, new), files=made.files, declared=made.declared
    )


def upgraded() -> PoliceExport:
    """Return an export of the next version, which calls the names of charges otherwise."""
    return without_charges().changed(('BB="2.1"', 'BB="2.2"'))


def without_charges() -> PoliceExport:
    """Return an export whose names of charges stand nowhere, and its codes neither."""
    xml = PoliceExport().xml.replace("<ZMDM>050200</ZMDM><ZMMC>盗窃罪</ZMMC>", "")
    return PoliceExport(xml=xml)


def with_rules(house_root: Path, text: str = RULES) -> None:
    """Let a node judge sooner than it does by itself."""
    file = house_root / "etc" / "gateway.yaml"
    file.write_text(file.read_text("utf-8") + text, "utf-8")


@dataclass
class Desk:
    """The police's outbound folder of one street."""

    made: Street
    number: int = 0
    dropped: list[str] = field(default_factory=list)

    @property
    def folder(self) -> Path:
        return self.made.out.with_name("police")

    def drop(self, count: int, export: PoliceExport | None = None, *, each: bool = True) -> None:
        """Drop so many cases; `each` is packed before the next comes, else all together."""
        for _one in range(count):
            self.number += 1
            one = case(self.number, export)
            one.drop(self.folder)
            self.dropped.append(f"{one.stem}.zip")
            if each:
                self.pack()
        if not each:
            self.pack()

    def pack(self) -> None:
        self.made.go("police:claim", "police:pack", "police:pack")
        self.made.clock.time += 1.0

    def transfers(self) -> list[Transfer]:
        return self.made.police.transfers(OUT)

    def states(self) -> list[str]:
        return [one.hold_code or str(one.state) for one in self.transfers()]
