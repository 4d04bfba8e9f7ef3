"""What a soak drops: exports of every kind and size, no two alike, each remembered by the digests of its members."""

import hashlib
import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from benchmarks.data import KIB, MIB, noise, text, write
from tests.support.exports import STEM, PoliceExport, pdf
from tests.support.nodes import Node
from tests.support.province import Province

CASE_NO = "A9901020000002026030012"
"""Of the worked example; the last four digits are counted up."""

_KINDS = (("note", 60), ("folder", 12), ("case", 12), ("held", 2), ("refused", 2), ("scan", 12))
"""What is dropped between two big ones, and how often."""


@dataclass(frozen=True, slots=True)
class Dropped:
    """One export as it was dropped; `digests`: path below `content` -> SHA-256. `outcome`: what must become of it."""

    name: str
    source: Node
    target: Node
    folder: Path
    size: int
    digests: Mapping[str, str]
    outcome: str = "delivered"


class Dropper:
    """Drops one export after the other; the same seed gives the same exports in the same order."""

    def __init__(self, province: Province, seed: str, *, big_every: int) -> None:
        self._province = province
        self._seed = seed
        self._big_every = big_every
        self._making = province.root / "making"
        self._making.mkdir()
        self.dropped: list[Dropped] = []

    def drop(self) -> Dropped:
        """Make the next export and drop it as careful case software does, whole at once, its mark last."""
        number = len(self.dropped)
        draw = random.Random(f"{self._seed}/drop/{number}")
        kinds, weights = zip(*_KINDS, strict=True)
        kind = "big" if number % self._big_every == self._big_every // 2 else draw.choices(kinds, weights)[0]
        made, parts = (
            self._case(number, kind) if kind in ("case", "held", "refused") else self._plain(number, kind, draw)
        )
        self.dropped.append(made)
        for part in parts:
            part.rename(made.folder / part.name)
        return made

    def _plain(self, number: int, kind: str, draw: random.Random) -> tuple[Dropped, list[Path]]:
        way = draw.choice(self._province.ways)
        ending = {"note": ".txt", "scan": ".pdf", "big": ".bin"}.get(kind, "")
        path = self._making / f"{number:05}-{kind}{ending}"
        seed = f"{self._seed}/{path.name}"
        if kind == "folder":
            sizes = {f"卷宗/{n:03}.pdf": draw.randrange(KIB, 64 * KIB) for n in range(draw.randrange(1, 6))}
            (path / "卷宗").mkdir(parents=True)
            digests = {name: write(path / name, size, noise(f"{seed}/{name}")) for name, size in sizes.items()}
        else:
            low, high = {"note": (1, 4 * KIB), "scan": (100 * KIB, 2 * MIB), "big": (20 * MIB, 60 * MIB)}[kind]
            sizes = {path.name: draw.randrange(low, high)}
            if kind == "note":
                content = f"{seed} ".encode() * (sizes[path.name] // len(seed) + 1)
                path.write_bytes(content)
                sizes, digests = {path.name: len(content)}, {path.name: hashlib.sha256(content).hexdigest()}
            else:
                pieces = noise(seed) if kind == "scan" else text(seed)
                digests = {path.name: write(path, sizes[path.name], pieces)}
        made = Dropped(path.name, way.source, way.target, way.out, sum(sizes.values()), MappingProxyType(digests))
        return made, [path]

    def _case(self, number: int, kind: str) -> tuple[Dropped, list[Path]]:
        case_no = f"{CASE_NO[:-4]}{number:04}"
        clock = f"{number // 3600 % 24:02}{number // 60 % 60:02}{number % 60:02}"
        export = replace(PoliceExport(), stem=f"{STEM[:-6].replace(CASE_NO, case_no)}{clock}")
        # No two alike: the letter of each names it.
        export = export.changed((CASE_NO, case_no)).with_file("文书/立案决定书.pdf", pdf(f"{self._seed} {number}"))
        if kind == "held":
            export = export.with_file("卷宗/证据材料卷/999_未列.pdf", pdf("not listed"))
        if kind == "refused":
            export = replace(export, raw=f"no zip at all {self._seed} {number}".encode())
        members = {"案件信息.xml": export.xml_bytes(), **export.files}
        parts = list(export.drop(self._making))
        nodes = self._province.by_name
        made = Dropped(
            parts[0].name,
            nodes["police"],
            nodes["procuratorate"],
            self._province.police_out,
            parts[0].stat().st_size,
            MappingProxyType({name: hashlib.sha256(data).hexdigest() for name, data in members.items()}),
            "delivered" if kind == "case" else kind,
        )
        return made, parts
