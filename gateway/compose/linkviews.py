"""One link as an operator asks for it: what waits on it, what is late, and what keeps it from working."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.compose.health import Skewed, Trouble
from gateway.compose.outlook import Daemon, trouble_of
from gateway.compose.pacing import hours
from gateway.domain.ids import LinkName
from gateway.domain.lifecycle import Direction, State
from gateway.domain.records import Transfer
from gateway.settings.boundaries import Receipts
from gateway.settings.links import LinkSettings
from gateway.settings.load import Settings

if TYPE_CHECKING:
    from gateway.ledger.queries import Counts
    from gateway.ledger.store import Ledger

LATE_MAX = 1000
"""Receipts that are late, or not expected, are counted up to this number."""


@dataclass(frozen=True, slots=True)
class LinkView:
    """One link: what waits on it (`large`: how many of these are large), and what keeps it from working.

    `late`: sent, and no receipt in the time allowed; `unconfirmed`: sent where none is expected. `opens_at`: when the
    hours of a link that is outside them begin.
    """

    settings: LinkSettings
    waiting: Mapping[Direction, int]
    large: Mapping[Direction, int]
    waiting_since: float | None
    late: int
    late_since: float | None
    trouble: Trouble | None
    clock: Skewed | None
    """The peer's clock, None before the first receipt."""
    unconfirmed: int = 0
    opens_at: float | None = None


def link_view(
    link: LinkSettings,
    settings: Settings,
    daemon: Daemon,
    *,
    ledger: "Ledger | None",
    now: float,
    counts: "Counts | None",
) -> LinkView:
    """Return how `link` stands at `now` (seconds since 1970 UTC); `ledger`, `counts` None where there is none yet."""
    name = LinkName(link.name)
    expects = link.receipts is Receipts.EXPECTED
    late = _late(link, settings, ledger, now) if expects else []
    span = hours(link).at(now)
    return LinkView(
        link,
        {way: counts.waiting.get((name, way), 0) if counts else 0 for way in Direction},
        {way: counts.large.get((name, way), 0) if counts else 0 for way in Direction},
        counts.waiting_since.get(name) if counts else None,
        len(late),
        min((transfer.found_at for transfer in late), default=None),
        trouble_of(daemon, "link", name),
        next((one for one in daemon.health.clocks if one.peer == link.peer), None),
        0 if expects or ledger is None else len(ledger.unconfirmed(name, limit=LATE_MAX)),
        None if span.is_open else span.until,
    )


def _late(link: LinkSettings, settings: Settings, ledger: "Ledger | None", now: float) -> list[Transfer]:
    """Return what was sent on `link` and has had no receipt in the time allowed."""
    if ledger is None:
        return []
    name, timing = LinkName(link.name), settings.timing
    from gateway.ledger.queries import TransferFilter

    awaited = (
        (Direction.OUTBOUND, State.SENT, link.receipt_timeout or timing.receipt_timeout),
        (Direction.OUTBOUND, State.IN_CUSTODY, timing.custody_timeout),
        (Direction.RELAY, State.FORWARDED, timing.custody_timeout),
    )
    return [
        transfer
        for direction, state, seconds in awaited
        for transfer in ledger.search(
            TransferFilter(link=name, direction=direction, state=state, held=False, until=now - seconds), LATE_MAX
        )
    ]
