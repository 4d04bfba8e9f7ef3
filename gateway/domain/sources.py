"""What a node notes of each export that it has read, and what it knows of the case software that writes them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, NewType

from gateway.domain.ids import QuarantineId, RouteName, TransferId
from gateway.domain.lifecycle import State

SourceId = NewType("SourceId", int)

SOURCE_UPGRADE: Final = "source-upgrade"
"""Hold code of what a paused source has dropped."""
_THING: Final = "source-"

REJECTED: Final = "rejected"
"""Mark of an export that was refused, whatever its flow."""
LACKS: Final = "lacks"
"""Kind of the mark `lacks <flow>/<field>`: a value that the flow asks for is empty, or has no place at all."""
UNKNOWN: Final = "unknown"
"""Kind of the mark `unknown <flow>/<element>`: the packer has no name for an element."""
VERSION: Final = "version"


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen in one export when it was read; nothing of its content.

    source: 0 while it is not known.   at: when it was read.   dated: when it was written, by its own word; None if it
    does not say. Both in seconds since 1970 UTC.   codes: `<verdict>:<finding code>` -> how often.   asked, filled:
    values that the flow asks for, and those that are there.   system: the case software's name for itself, empty where
    it gives none or could not be read.
    """

    system: str = ""
    version: str = ""
    flow: str = ""
    verdict: str = ""
    codes: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    marks: tuple[str, ...] = ()
    asked: int = 0
    filled: int = 0
    dated: float | None = None
    is_counted: bool = True
    """False for what says nothing about its software: marked material, of which nothing is kept."""
    source: SourceId = SourceId(0)
    at: float = 0.0


@dataclass(frozen=True, slots=True)
class Seen:
    """One thing by which the exports of a source look different from before.

    kind: `version`, `lacks`, `unknown` or `rejected`.   subject: flow and field or element, empty for version and
    rejected.   before, now: versions, or shares such as `0/30` (exports that show it, of how many).
    """

    kind: str
    subject: str
    before: str
    now: str


@dataclass(frozen=True, slots=True)
class Source:
    """One case software behind one outbound route, as far as it names itself. Times are seconds since 1970 UTC.

    versions: those that count as usual.   baseline: what was usual of late, as `stages/trend.py` writes it.   since:
    what was read before counts for nothing.   paused_at, seen: when and why it was paused, None and empty if it is not.
    told_at: when its people were told of that.   silent_at: when somebody was last told that it is silent.
    revision: rises with each pause and each resumption.
    """

    id: SourceId
    route: RouteName
    packer: str
    system: str
    versions: tuple[str, ...] = ()
    baseline: str = ""
    since: float = 0.0
    paused_at: float | None = None
    seen: tuple[Seen, ...] = ()
    told_at: float | None = None
    silent_at: float | None = None
    revision: int = 0

    @property
    def name(self) -> str:
        """How people know it: the route, and what the software calls itself."""
        return f"{self.route}: {self.system or self.packer}"

    @property
    def thing(self) -> QuarantineId:
        """Under what the decisions about it are recorded."""
        return QuarantineId(f"{_THING}{self.id}")


@dataclass(frozen=True, slots=True)
class Suspect:
    """One export that was read shortly before its source was paused, and showed what the source was paused for."""

    transfer: TransferId
    state: State
    export_name: str
    case_no: str
    marks: tuple[str, ...]


def source_of(thing: str) -> SourceId | None:
    """Undo `Source.thing`; None for anything else."""
    number = thing.removeprefix(_THING)
    return SourceId(int(number)) if number != thing and number.isascii() and number.isdigit() else None
