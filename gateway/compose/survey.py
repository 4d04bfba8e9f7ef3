"""The state of a node as an operator asks for it: is it normal, at whom is it stuck, what is to be done."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.compose import needs
from gateway.compose.linkviews import LinkView, link_view
from gateway.compose.needs import Ear, Notice, RouteView, Stuck
from gateway.compose.outlook import Daemon, look_at_daemon, outlook, trouble_of
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

if TYPE_CHECKING:
    from gateway.ledger.store import Ledger

SHOWN_MAX = 20
"""Transfers of a kind that are shown one by one; `log` shows all."""
URGENT_MAX = 5
"""Terms that are shown one by one; `deadlines` shows all."""


class Condition(StrEnum):
    """The answer to "is it normal"."""

    NORMAL = "normal"
    ATTENTION = "attention"  # something needs a person
    DOWN = "down"  # the daemon does not run


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
        *needs.of_daemon(daemon),
        *needs.of_standing(ledger, settings),
        *needs.of_reconciliation(ledger),
        *needs.of_transfers(held, held_count, _set_aside(settings, ledger, by_state)),
        *needs.of_order(held, settings, ledger),
        *(notice for link in links for notice in needs.of_link(link, settings, now)),
        *(notice for route in routes for notice in needs.of_route(route, now)),
        *needs.of_sources(settings, ledger, now),
        *needs.of_space(settings, daemon, space),
        *needs.of_roster(roster, now),
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
