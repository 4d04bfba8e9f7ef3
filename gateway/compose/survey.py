"""The state of a node as an operator asks for it: is it normal, at whom is it stuck, what is to be done."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.compose.health import Short, Trouble, Waiting
from gateway.compose.linkviews import LinkView, link_view
from gateway.compose.needs import Need, Notice, of_reconciliation, of_roster, of_sources, of_standing
from gateway.compose.outlook import PASSING, Daemon, Outlook, help_for, look_at_daemon, outlook, trouble_of
from gateway.daemon.progress import Progress
from gateway.domain.answers import ReplyCounts
from gateway.domain.deadlines import RunningTerm
from gateway.domain.errors import GatewayError
from gateway.domain.lifecycle import Direction, State
from gateway.domain.records import Transfer
from gateway.folders.space import Space, SpaceGuard
from gateway.roster.glance import Glance, glance
from gateway.settings.load import Settings
from gateway.settings.routes import OutboundRoute
from gateway.stages.clocks import proven

if TYPE_CHECKING:
    from gateway.ledger.store import Ledger

SHOWN_MAX = 20
"""Transfers of a kind that are shown one by one; `log` shows all."""
URGENT_MAX = 5
"""Terms that are shown one by one; `deadlines` shows all."""
PATIENCE_SECONDS = 900.0
"""A link or a folder that fails may mend itself for so long before a person is asked to look."""


class Condition(StrEnum):
    """The answer to "is it normal"."""

    NORMAL = "normal"
    ATTENTION = "attention"  # something needs a person
    DOWN = "down"  # the daemon does not run


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


@dataclass(frozen=True, slots=True)
class UnderWay:
    """One long transfer that moves. `transfer` is None if the ledger has forgotten it since."""

    progress: Progress
    transfer: Transfer | None


@dataclass(frozen=True, slots=True)
class Deadlines:
    """The terms that run: how many are amber, red and overdue, the most urgent ones, and alerts that wait."""

    amber: int
    red: int
    overdue: int
    urgent: tuple[RunningTerm, ...]
    untaken: Mapping[str, tuple[int, str]]
    """Sink -> how many alerts it is owed, and why it did not take the last."""


@dataclass(frozen=True, slots=True)
class Survey:
    """All of it at one moment (`at`: seconds since 1970 UTC)."""

    at: float
    settings: Settings
    daemon: Daemon
    condition: Condition
    notices: tuple[Notice, ...]
    links: tuple[LinkView, ...]
    routes: tuple[RouteView, ...]
    held: tuple[Stuck, ...]
    held_count: int
    retrying: tuple[Stuck, ...]
    under_way: tuple[UnderWay, ...]
    space: Space | None
    """None where the disk cannot be asked."""
    by_state: Mapping[tuple[Direction, State], int] = field(default_factory=dict)
    replies: ReplyCounts = field(default_factory=ReplyCounts)
    """Requests that are open, and replies that wait."""
    deadlines: Deadlines | None = None
    """None where there is no ledger yet."""
    roster: Glance | None = None
    """None where the node goes by confirmed cards alone."""


def survey(settings: Settings, ledger: "Ledger | None", now: float) -> Survey:
    """Return the state of the node; `ledger` None where there is none yet. Raises as the ledger does."""
    daemon = look_at_daemon(settings, now)
    counts = ledger.counts() if ledger is not None else None
    links = tuple(link_view(link, settings, daemon, ledger=ledger, now=now, counts=counts) for link in settings.links)
    routes = tuple(_route(route, daemon) for route in settings.outbound)
    held, retrying = _stuck(settings, daemon, ledger, now)
    space = _space(settings)
    roster = glance(settings.paths.state)
    by_state = counts.by_state if counts is not None else {}
    held_count = counts.held if counts is not None else 0
    notices = (
        *_of_daemon(daemon),
        *of_standing(ledger, settings),
        *of_reconciliation(ledger),
        *_of_transfers(held, held_count, _set_aside(settings, ledger, by_state)),
        *_of_order(held, settings, ledger),
        *(notice for link in links for notice in _of_link(link, settings, now)),
        *(notice for route in routes for notice in _of_route(route, now)),
        *of_sources(settings, ledger, now),
        *_of_space(settings, daemon, space),
        *of_roster(roster, now),
    )
    condition = Condition.DOWN if daemon.pid is None else Condition.ATTENTION if notices else Condition.NORMAL
    return Survey(
        at=now,
        settings=settings,
        daemon=daemon,
        condition=condition,
        notices=notices,
        links=links,
        routes=routes,
        held=held,
        held_count=held_count,
        retrying=retrying,
        under_way=tuple(UnderWay(one, _transfer(ledger, one)) for one in daemon.running),
        space=space,
        by_state=by_state,
        replies=ledger.answers.counts() if ledger is not None else ReplyCounts(),
        deadlines=_deadlines(ledger, now),
        roster=roster,
    )


def _deadlines(ledger: "Ledger | None", now: float) -> Deadlines | None:
    if ledger is None:
        return None
    from gateway.ledger.terms import TermFilter, level

    counts = ledger.terms.counts(now)
    running = ledger.terms.search(TermFilter(stages=False), URGENT_MAX)
    urgent = tuple(one.term for one in running if level(one.term, now))
    return Deadlines(counts[1], counts[2], counts[3], urgent, ledger.alerts.waiting())


def _route(route: OutboundRoute, daemon: Daemon) -> RouteView:
    return RouteView(
        route,
        tuple(one for one in daemon.health.waiting if one.route == route.name),
        trouble_of(daemon, "route", route.name),
        _ear(str(route.folder), daemon) if route.enabled else Ear.UNKNOWN,
    )


def _ear(folder: str, daemon: Daemon) -> Ear:
    if not daemon.health.pid:
        return Ear.UNKNOWN
    if folder in daemon.health.deaf:
        return Ear.DEAF
    return Ear.DENIED if folder in daemon.health.hearing.denied else Ear.HEARS


def _stuck(
    settings: Settings, daemon: Daemon, ledger: "Ledger | None", now: float
) -> tuple[tuple[Stuck, ...], tuple[Stuck, ...]]:
    """Return the newest held (or quarantined) transfers, and those that are tried again by themselves."""
    if ledger is None:
        return (), ()
    from gateway.ledger.queries import TransferFilter

    def told(*wanted: TransferFilter) -> tuple[Stuck, ...]:
        found = [transfer for one in wanted for transfer in ledger.search(one, SHOWN_MAX)]
        return tuple(Stuck(transfer, outlook(transfer, settings, daemon, now)) for transfer in found[:SHOWN_MAX])

    aside = TransferFilter(direction=Direction.INBOUND, state=State.QUARANTINED, held=False)
    return told(TransferFilter(held=True), aside), told(TransferFilter(held=False, failing=True))


def _set_aside(settings: Settings, ledger: "Ledger | None", by_state: Mapping[tuple[Direction, State], int]) -> int:
    """Return how many things in quarantine wait for a decision; transfers whose bytes are gone from it count too."""
    waiting = by_state.get((Direction.INBOUND, State.QUARANTINED), 0)
    if ledger is None:
        return waiting
    from gateway.folders.quarantine import Quarantine
    from gateway.stages.aside import everything

    try:
        things = [one for one in everything(Quarantine(settings.paths.quarantine), ledger) if one.decided_at is None]
    except GatewayError:
        return waiting  # the folder cannot be read; what the ledger says must do
    theirs = {one.transfer.id for one in things if one.transfer and one.transfer.state is State.QUARANTINED}
    return len([one for one in things if not one.is_pending]) + waiting - len(theirs)


def _transfer(ledger: "Ledger | None", progress: Progress) -> Transfer | None:
    from gateway.domain.ids import TransferId

    try:
        return None if ledger is None else ledger.get(TransferId(progress.transfer))
    except GatewayError:
        return None


def _space(settings: Settings) -> Space | None:
    place = next((path for path in (settings.paths.spool, *settings.paths.spool.parents) if path.is_dir()), Path("/"))
    try:
        return SpaceGuard(place, floor_bytes=settings.limits.free_space).space()
    except GatewayError:
        return None


# -- what needs a person ----------------------------------------------------------------------------------------------


def _of_daemon(daemon: Daemon) -> Sequence[Notice]:
    if daemon.pid is None:
        return (Notice(Need.DAEMON_DOWN, command="systemctl start caseferry"),)
    silent = (Notice(Need.DAEMON_SILENT, command="systemctl restart caseferry"),) if daemon.is_silent else ()
    died = tuple(Notice(Need.WORKER_DIED, name, count=count) for name, count in daemon.health.deaths.items())
    return (*silent, *died)


def _of_transfers(held: Sequence[Stuck], held_count: int, aside: int) -> Sequence[Notice]:
    notices = []
    if held_count:
        first = next((help_for(one.transfer)[0] for one in held if one.transfer.hold_code), "")
        notices.append(Notice(Need.HELD, count=held_count, command=first))
    if aside:
        notices.append(Notice(Need.QUARANTINED, count=aside, command="caseferry quarantine list"))
    return notices


def _of_order(held: Sequence[Stuck], settings: Settings, ledger: "Ledger | None") -> Sequence[Notice]:
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


def _of_space(settings: Settings, daemon: Daemon, space: Space | None) -> Sequence[Notice]:
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


def _of_link(link: LinkView, settings: Settings, now: float) -> Sequence[Notice]:
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


def _of_route(route: RouteView, now: float) -> Sequence[Notice]:
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
