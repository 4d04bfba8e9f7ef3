"""What of a node needs a person, and why: one notice for each thing that does not mend itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from gateway.compose.health import Short, Trouble, Waiting
from gateway.compose.linkviews import LinkView
from gateway.compose.outlook import PASSING, Daemon, Outlook, help_for
from gateway.domain.lifecycle import State
from gateway.domain.records import Transfer
from gateway.folders.space import Space
from gateway.roster.glance import SOON_SECONDS, Glance
from gateway.settings.load import Settings
from gateway.settings.routes import OutboundRoute
from gateway.stages.clocks import proven

if TYPE_CHECKING:
    from gateway.ledger.store import Ledger

PATIENCE_SECONDS = 900.0
"""A link or a folder that fails may mend itself for so long before a person is asked to look."""


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


class Ear(StrEnum):
    """Whether an outbound folder is heard; it is scanned in any case."""

    HEARS = "hears"
    DEAF = "deaf"
    DENIED = "canary-denied"  # we may not make a canary there, so nobody knows
    UNKNOWN = "unknown"  # nothing runs that could listen


@dataclass(frozen=True, slots=True)
class RouteView:
    """One outbound route: what waits in its folder for too long, and what keeps it from being read."""

    settings: OutboundRoute
    waiting: tuple[Waiting, ...]
    trouble: Trouble | None
    ear: Ear


@dataclass(frozen=True, slots=True)
class Stuck:
    """One transfer that does not move, and why."""

    transfer: Transfer
    outlook: Outlook


def of_daemon(daemon: Daemon) -> Sequence[Notice]:
    """Return whether the daemon is down or silent, and which of its workers died."""
    if daemon.pid is None:
        return (Notice(Need.DAEMON_DOWN, command="systemctl start caseferry"),)
    silent = (Notice(Need.DAEMON_SILENT, command="systemctl restart caseferry"),) if daemon.is_silent else ()
    died = tuple(Notice(Need.WORKER_DIED, name, count=count) for name, count in daemon.health.deaths.items())
    return (*silent, *died)


def of_standing(ledger: "Ledger | None", settings: Settings) -> Sequence[Notice]:
    """Return why the node stands still, or no longer sends to somebody."""
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


def of_transfers(held: Sequence[Stuck], held_count: int, aside: int) -> Sequence[Notice]:
    """Return a notice for all that is held, and one for all in quarantine."""
    notices = []
    if held_count:
        first = next((help_for(one.transfer)[0] for one in held if one.transfer.hold_code), "")
        notices.append(Notice(Need.HELD, count=held_count, command=first))
    if aside:
        notices.append(Notice(Need.QUARANTINED, count=aside, command="caseferry quarantine list"))
    return notices


def of_order(held: Sequence[Stuck], settings: Settings, ledger: "Ledger | None") -> Sequence[Notice]:
    """Return those of the held transfers that keep others waiting behind them."""
    if ledger is None or not settings.orders:
        return ()
    counted = [(one.transfer, ledger.held_back(one.transfer, settings.orders)) for one in held]
    return tuple(
        Notice(
            Need.HOLDS_BACK,
            str(one.id),
            one.hold_code or "",
            count,
            one.found_at,
            command=f"caseferry explain {one.id}",
        )
        for one, count in counted
        if count
    )


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


def of_space(settings: Settings, daemon: Daemon, space: Space | None) -> Sequence[Notice]:
    """Return a notice for each disk that lacks room: as the daemon sees it, else as it looks from here."""
    short = daemon.health.space
    if not short and space is not None and space.is_low:
        short = (Short(str(settings.paths.spool), 0.0, max(0, space.floor - space.free), 0, 0),)
    return [
        Notice(
            Need.DISK_LOW,
            one.folder,
            "disk-space-low",
            one.count,
            one.since or None,
            size=one.size,
            missing=one.missing,
        )
        for one in short
    ]


def of_roster(roster: Glance | None, now: float) -> Sequence[Notice]:
    """Return a notice once the roster ends soon, or is of no use."""
    if roster is None or roster.expires_at - now > SOON_SECONDS:
        return ()
    code = "roster-ending" if roster.expires_at > now else "roster-expired" if roster.version else "roster-damaged"
    command = "caseferry roster import FILE"
    return (Notice(Need.ROSTER, str(roster.version), code, since=roster.expires_at or None, command=command),)


def of_link(link: LinkView, settings: Settings, now: float) -> Sequence[Notice]:
    """Return what is wrong with a link: trouble that lasts, late receipts, the clock of the peer."""
    notices = []
    name = link.settings.name
    if link.trouble is not None and _needs_a_person(link.trouble, now):
        command = "caseferry check --links"
        notices.append(Notice(Need.LINK, name, link.trouble.code, link.trouble.failures, link.trouble.since, command))
    if link.late:
        command = f"caseferry log --peer {link.settings.peer} --state {State.SENT}"
        notices.append(Notice(Need.RECEIPT_LATE, name, "", link.late, link.late_since, command))
    if link.clock is not None:
        differs = proven(link.clock.low, link.clock.high)
        if abs(differs) > settings.timing.clock_skew_warn:
            notices.append(Notice(Need.CLOCK_SKEW, name, since=link.clock.at, seconds=differs))
    return notices


def of_route(route: RouteView, now: float) -> Sequence[Notice]:
    """Return what is wrong with an outbound folder: trouble that lasts, exports that wait for too long."""
    notices = []
    name = route.settings.name
    if route.trouble is not None and _needs_a_person(route.trouble, now):
        trouble = route.trouble
        notices.append(Notice(Need.ROUTE, name, trouble.code, trouble.failures, trouble.since, "caseferry check"))
    for one in route.waiting:
        notices.append(Notice(Need.EXPORT_WAITS, f"{name}: {one.export}", one.code, since=now - one.seconds))
    return notices


def _needs_a_person(trouble: Trouble, now: float) -> bool:
    return trouble.code not in PASSING or now - trouble.since > PATIENCE_SECONDS
