"""The simulated case software of one unit: drops its exports, takes its receipts, and shows what was delivered."""

import hashlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from gateway.compose.simulating_faults import Mailfolder
from gateway.compose.simulating_journal import CUSTODY, DROPPED, HOME, Journal
from gateway.compose.simulating_plan import Exchange, content
from gateway.domain.clock import Clock
from gateway.domain.records import ReceiptCode
from gateway.folders.feedback import ACK

OUT, IN = "out", "in"
LABEL, DOCUMENT = "_CASE.json", "document.bin"
TITLED: Final = MappingProxyType(
    {"prisoner-release": "刑满释放人员通知书.bin", "stage-status-notice": "办理环节、期限、结果报告.bin"}
)
"""Flow that leaves masked -> the name of its document: one that is none of the flow's stays at home."""
_CONTENT, _CASE = "content", "case-package.json"


class CaseSoftware:
    """Works in the two folders of a unit and nowhere else; what it must remember stands in `journal`."""

    def __init__(self, root: Path, *, seed: int, journal: Journal, clock: Clock) -> None:
        self._out = root / OUT
        self._acks = root / OUT / ACK
        self._watch: Mailfolder | None = None
        self._seed = seed
        self._journal = journal
        self._clock = clock

    def recover(self) -> None:
        """Finish what a kill cut off: what stands in the journal is dropped, anything else is forgotten."""
        for half in self._out.glob(".*-*"):
            if number_of(half.name) in self._journal.diary.dropped:
                half.rename(self._out / half.name.removeprefix("."))
            else:
                shutil.rmtree(half)

    def drop(self, exchange: Exchange) -> None:
        """Drop one export: built aside, noted, then shown by one rename."""
        half = self._out / f".{exchange.name}"
        half.mkdir()
        (half / TITLED.get(exchange.flow, DOCUMENT)).write_bytes(content(exchange, self._seed))
        label = {
            "flow": exchange.flow,
            "sender": exchange.sender,
            "receiver": exchange.receiver,
            "case_no": exchange.case_no,
        }
        (half / LABEL).write_text(json.dumps(label), "utf-8")
        self._journal.write(DROPPED, exchange.number, self._clock.now())
        half.rename(self._out / exchange.name)

    def take_receipts(self) -> list[int]:
        """Take what came back and return the numbers of the exports that are delivered."""
        if self._watch is None:
            if not self._acks.is_dir():
                return []
            self._watch = Mailfolder(self._acks, self._clock)
        if not self._watch.has_changed():
            return []
        home = []
        for path in self._acks.glob("*.receipt.json"):
            number = number_of(path.name)
            if number is None:
                continue
            codes = {one["code"] for one in json.loads(path.read_bytes())["receipts"]}
            now = self._clock.now()
            if ReceiptCode.DELIVERED in codes:
                if number not in self._journal.diary.home:
                    self._journal.write(HOME, number, now)
                    home.append(number)
                path.unlink()
            elif ReceiptCode.CUSTODY in codes and number not in self._journal.diary.custody:
                self._journal.write(CUSTODY, number, now)
        return home


@dataclass(frozen=True, slots=True)
class Delivery:
    """What lies in an inbound folder. `number`: the export it says it is; None if it says nothing readable."""

    name: str
    number: int | None
    case_no: str
    digest: str
    """SHA-256 of the document, in hexadecimal."""


def deliveries(root: Path) -> Iterator[Delivery]:
    """Yield everything in the inbound folder of the unit at `root`."""
    for folder in sorted((root / IN).iterdir()):
        inside = folder / _CONTENT
        try:
            # What left masked has no label of the sender's; what was read of it is there in any case.
            label = json.loads((folder / _CASE).read_bytes())
            (document,) = (one.read_bytes() for one in inside.iterdir() if one.name != LABEL)
        except (OSError, ValueError):
            yield Delivery(folder.name, None, "", "")
            continue
        case_no = str(label.get("case_no", ""))
        number = int(case_no[3:]) if case_no.startswith("SIM") and case_no[3:].isdecimal() else None
        yield Delivery(folder.name, number, case_no, hashlib.sha256(document).hexdigest())


def number_of(name: str) -> int | None:
    """Return the number of the export that a file name speaks of; None if it speaks of none."""
    stem = name.removesuffix(".receipt.json")
    _flow, _, digits = stem.rpartition("-")
    return int(digits) if digits.isdecimal() else None
