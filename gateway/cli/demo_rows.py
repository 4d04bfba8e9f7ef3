"""One row of the demo's table."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """What became of one export for one recipient. Seconds run from the drop; custody: None where no hub is.

    export, delivery: the names under which it left and arrived. read_as, written_as: the packers at either end.
    same_bytes: every file of it is in what arrived, byte for byte, in whatever format.
    """

    flow: str
    case_no: str
    sender: str
    receiver: str
    over: tuple[str, ...]
    size: int
    seconds_to_custody: float | None
    seconds_to_receipt: float
    state: str
    receipt: str
    export: str
    delivery: str
    read_as: str
    written_as: str
    same_bytes: bool
    copy: bool
    as_expected: bool
