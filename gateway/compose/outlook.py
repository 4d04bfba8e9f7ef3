"""Why a transfer is where it is: what it waits for, until when, and what a person may do about it."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from gateway.compose.health import FILE_NAME as HEALTH_FILE
from gateway.compose.health import Health, Trouble, read_health
from gateway.compose.pacing import hours
from gateway.daemon.lock import running_pid
from gateway.daemon.progress import FILE_NAME as PROGRESS_FILE
from gateway.daemon.progress import Progress, read_progress
from gateway.domain.ids import TransferId
from gateway.domain.lifecycle import Direction, Event, State, ends, is_legal
from gateway.domain.records import Transfer
from gateway.settings.boundaries import Receipts
from gateway.settings.links import LinkSettings
from gateway.settings.load import Settings

SILENT_SECONDS = 60.0
"""The daemon writes its account every five seconds; after so long without one it hangs."""

PASSING = frozenset(
    {
        "link-unreachable",
        "link-timeout",
        "mailbox-full",
        "mailbox-failed",
        "deposit-unknown",
        "local-io",
        "mount-missing",
        "export-locked",
        "export-unreadable",
        "disk-space-low",
        "disk-full",
    }
)
"""Codes of links and routes that often pass without anybody doing anything."""

_BY_LINK = frozenset({State.SEALED, State.OFFERED, State.REJECTED, State.CHECKED})
"""States whose next effect needs the link; inbound `delivered` does as well."""
_NEEDS_ROOM = frozenset({State.FOUND, State.OFFERED, State.FETCHED, State.VERIFIED})
"""States whose next effect writes much to our disk. While something waits for room, these wait or are next in line."""
_AWAITING = frozenset({State.SENT, State.IN_CUSTODY, State.FORWARDED})


@dataclass(frozen=True, slots=True)
class Daemon:
    """The daemon as its lock, its account of itself and its board show it; `pid` None: it does not run."""

    pid: int | None
    health: Health
    running: tuple[Progress, ...]
    is_silent: bool = False
    """It runs, and has written no account of itself for too long."""


class Wait(StrEnum):
    """What a transfer waits for."""

    NOTHING = "nothing"  # it owes nothing and waits for nobody
    PERSON = "person"  # held
    DECISION = "decision"  # in quarantine
    DAEMON = "daemon"  # nothing moves while the daemon is down
    UNDER_WAY = "under-way"  # it moves right now
    ORDER = "order"  # an earlier one of its route must have its receipt first
    LINK = "link"  # the link rests after a failure
    LINK_OFF = "link-off"  # the link is switched off in its configuration
    WINDOW = "window"  # the link is outside its hours
    SPACE = "space"  # there is no room for it on our disk
    RETRY = "retry"  # the last attempt failed
    RECEIPT = "receipt"  # the peer has to answer
    CUSTODY = "custody"  # a hub holds it; the recipient has to answer, and it is not sent again
    UNCONFIRMED = "unconfirmed"  # sent where no receipt is expected; one that comes all the same settles it
    TURN = "turn"  # it is next


@dataclass(frozen=True, slots=True)
class Outlook:
    """The answer. `until`: when it goes on by itself (seconds since 1970 UTC), None if only a person or a peer can."""

    wait: Wait
    code: str = ""
    until: float | None = None
    progress: Progress | None = None
    commands: tuple[str, ...] = ()
    behind: TransferId | None = None
    """The transfer that goes before this one."""


def look_at_daemon(settings: Settings, now: float) -> Daemon:
    """Return what can be seen of the daemon from outside; what an earlier one left behind does not count."""
    state = settings.paths.state
    pid = running_pid(state)
    if pid is None:
        return Daemon(None, Health(), ())
    health, board = read_health(state), read_progress(state / PROGRESS_FILE)
    return Daemon(
        pid,
        health if health.pid == pid else Health(),
        board.transfers if board.pid == pid else (),
        is_silent=health.pid == pid and now - _written_at(state / HEALTH_FILE, now) > SILENT_SECONDS,
    )


def trouble_of(daemon: Daemon, scope: str, name: str) -> Trouble | None:
    """Return what keeps a link or a route from working, None if nothing does.

    The two directions of a link fail apart; what will not pass by itself counts more, then what lasts longer.
    """
    found = [one for one in daemon.health.troubles if (one.scope, one.name) == (scope, name)]
    return min(found, key=lambda one: (one.code in PASSING, one.since), default=None)


def outlook(
    transfer: Transfer, settings: Settings, daemon: Daemon, now: float, before: Transfer | None = None
) -> Outlook:
    """Return why `transfer` is where it is at `now` (seconds since 1970 UTC), the gravest reason first.

    before: the transfer that goes before it on a route that keeps order, None if none does.
    """
    if transfer.hold_code is not None:
        return Outlook(Wait.PERSON, transfer.hold_code, commands=help_for(transfer))
    if transfer.state in ends(transfer.direction):
        return Outlook(Wait.NOTHING)
    if transfer.state is State.QUARANTINED:
        return Outlook(Wait.DECISION, commands=("caseferry quarantine list", *help_for(transfer)))
    if daemon.pid is None:
        return Outlook(Wait.DAEMON, transfer.last_error or "", commands=("systemctl start caseferry",))
    if before is not None and transfer.state is State.SEALED:
        commands = (f"caseferry explain {before.id}", *(help_for(before) if before.hold_code is not None else ()))
        return Outlook(Wait.ORDER, before.hold_code or before.last_error or "", commands=commands, behind=before.id)
    return _moving(transfer, settings, daemon, now)


def help_for(transfer: Transfer) -> tuple[str, ...]:
    """Return the commands that change what this transfer waits for, the mildest first."""
    commands = []
    if transfer.hold_code is not None:
        commands.append(f"caseferry release {transfer.id} --why ...")
    elif transfer.attempts:
        commands.append(f"caseferry retry {transfer.id}")
    if is_legal(transfer.direction, transfer.state, Event.CLOSED):
        commands.append(f"caseferry close {transfer.id} --why ...")
    return tuple(commands)


def _moving(transfer: Transfer, settings: Settings, daemon: Daemon, now: float) -> Outlook:
    progress = next((one for one in daemon.running if one.transfer == transfer.id), None)
    if progress is not None:
        return Outlook(Wait.UNDER_WAY, progress=progress)
    trouble = trouble_of(daemon, "link", transfer.link or "")
    if _needs_link(transfer) and (at_link := _at_link(transfer, settings, trouble, now)) is not None:
        return at_link
    if transfer.state in _NEEDS_ROOM and any(one.count for one in daemon.health.space):
        return Outlook(Wait.SPACE, "disk-space-low", commands=("caseferry status",))
    if transfer.attempts and transfer.last_error:
        return Outlook(Wait.RETRY, transfer.last_error, max(transfer.next_attempt_at, now), None, help_for(transfer))
    if transfer.state in _AWAITING:
        return _awaiting(transfer, settings, trouble)
    return Outlook(Wait.TURN, until=transfer.next_attempt_at)


def _awaiting(transfer: Transfer, settings: Settings, trouble: Trouble | None) -> Outlook:
    if is_unconfirmed(transfer, settings):
        return Outlook(Wait.UNCONFIRMED)
    is_held = transfer.state is State.IN_CUSTODY or transfer.receipt_due_at is None
    wait = Wait.CUSTODY if is_held else Wait.RECEIPT
    return Outlook(wait, trouble.code if trouble else "", transfer.receipt_due_at)


def is_unconfirmed(transfer: Transfer, settings: Settings) -> bool:
    """Whether `transfer` was sent where no receipt is expected, and is not to be sent again either."""
    link = _link(transfer, settings)
    if link is None or link.receipts is Receipts.EXPECTED:
        return False
    return transfer.state in _AWAITING and transfer.receipt_due_at is None and transfer.hold_code is None


def _link(transfer: Transfer, settings: Settings) -> LinkSettings | None:
    return next((one for one in settings.links if one.name == transfer.link), None)


def _at_link(transfer: Transfer, settings: Settings, trouble: Trouble | None, now: float) -> Outlook | None:
    link = _link(transfer, settings)
    if link is not None and not link.enabled:
        return Outlook(Wait.LINK_OFF)
    if link is not None and not (span := hours(link).at(now)).is_open:
        return Outlook(Wait.WINDOW, until=span.until)
    if trouble is not None:
        return Outlook(Wait.LINK, trouble.code, trouble.next_try, commands=("caseferry check --links",))
    return None


def _needs_link(transfer: Transfer) -> bool:
    return transfer.state in _BY_LINK or (transfer.direction is Direction.INBOUND and transfer.state is State.DELIVERED)


def _written_at(path: Path, default: float) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return default
