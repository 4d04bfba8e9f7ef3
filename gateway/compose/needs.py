"""What of a node needs a person, as its ledger and its roster tell it."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from gateway.roster.glance import SOON_SECONDS, Glance
from gateway.settings.load import Settings

if TYPE_CHECKING:
    from gateway.ledger.store import Ledger


class Need(StrEnum):
    """Why a person is needed."""

    DAEMON_DOWN = "daemon-down"
    DAEMON_SILENT = "daemon-silent"
    STANDSTILL = "standstill"
    HALTED = "halted"
    NOT_BALANCED = "not-balanced"
    SILENT = "silent"
    HELD = "held"
    HOLDS_BACK = "holds-back"
    QUARANTINED = "quarantined"
    LINK = "link-trouble"
    ROUTE = "route-trouble"
    EXPORT_WAITS = "export-waits"
    RECEIPT_LATE = "receipt-late"
    DISK_LOW = "disk-low"
    CLOCK_SKEW = "clock-skew"
    WORKER_DIED = "worker-died"
    ROSTER = "roster-ends"
    SOURCE_PAUSED = "source-paused"
    SOURCE_SILENT = "source-silent"


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing that needs a person.

    subject: the link, route, folder or part. since: seconds since 1970 UTC. size: bytes that wait; missing: bytes that
    must become free. seconds: by which a clock is ahead of ours, behind it below zero.
    """

    need: Need
    subject: str = ""
    code: str = ""
    count: int = 1
    since: float | None = None
    command: str = ""
    size: int = 0
    missing: int = 0
    seconds: float = 0.0


def of_standing(ledger: "Ledger | None", settings: Settings) -> Sequence[Notice]:
    """Return a notice if the node stands still, else one for each peer to which nothing is sent any more."""
    if ledger is None:
        return ()
    code = ledger.resync.standing().standstill
    if code is not None:
        return (Notice(Need.STANDSTILL, code=code, command="caseferry epoch renew --why ..."),)
    names = {link.peer: link.name for link in settings.links}
    halted = ((names.get(word.peer, word.peer), word.halted) for word in ledger.resync.halted())
    return tuple(Notice(Need.HALTED, name, code, command="caseferry streams") for name, code in halted)


def of_reconciliation(ledger: "Ledger | None") -> Sequence[Notice]:
    """Return a notice from the end of a reconciliation that did not balance until one that does."""
    last = None if ledger is None else ledger.reconciling.last_done()
    if last is None or last.outcome == "balanced":
        return ()
    need = Need.NOT_BALANCED if last.outcome == "differences" else Need.SILENT
    count = last.differences if last.outcome == "differences" else last.silent
    return (Notice(need, count=count, since=last.done_at, command="caseferry reconcile"),)


def of_sources(settings: Settings, ledger: "Ledger | None", now: float) -> Sequence[Notice]:
    """Return a notice for each source that is paused, and each from which nothing has come for too long."""
    if ledger is None:
        return ()
    from gateway.compose.sources import views

    notices = []
    for one in views(settings, ledger, now):
        source = one.source
        if source.paused_at is not None:
            command = f"caseferry source show {source.id}"
            need = Need.SOURCE_PAUSED
            notices.append(Notice(need, source.name, "source-upgrade", one.held, source.paused_at, command))
        elif one.silence.is_silent:
            command = f"caseferry source show {source.id}"
            notices.append(Notice(Need.SOURCE_SILENT, source.name, since=one.silence.last, command=command))
    return notices


def of_roster(roster: Glance | None, now: float) -> Sequence[Notice]:
    """Return a notice if the roster in use ends soon, has ended, or cannot be read."""
    if roster is None or roster.expires_at - now > SOON_SECONDS:
        return ()
    code = "roster-ending" if roster.expires_at > now else "roster-expired" if roster.version else "roster-damaged"
    command = "caseferry roster import FILE"
    return (Notice(Need.ROSTER, str(roster.version), code, since=roster.expires_at or None, command=command),)
