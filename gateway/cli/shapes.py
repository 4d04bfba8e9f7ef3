"""The JSON of the read commands: plain names and values, a contract with whoever reads them (docs/commands.md)."""

from collections.abc import Mapping, Sequence

from gateway.cli.deadlines import term_json
from gateway.compose.health import Skewed
from gateway.compose.linkviews import LinkView
from gateway.compose.needs import Notice, RouteView, Stuck
from gateway.compose.outlook import Outlook
from gateway.compose.survey import Survey, UnderWay
from gateway.daemon.progress import Progress
from gateway.domain.errors import GatewayError
from gateway.domain.lifecycle import Direction
from gateway.domain.records import Decision, Deed, TimelineEntry, Transfer
from gateway.stages.clocks import UNBOUNDED
from gateway.words.catalogue import Explained, Words
from gateway.words.templates import UNKNOWN

Json = Mapping[str, object]


def told(code: str, words: Words, facts: Mapping[str, str | int] | None = None) -> Explained:
    """Return the explanation of a code of which only the code is left, without sentences that would have gaps."""
    if not code:
        return Explained("", "", "")
    found = words.error_code(code, facts)
    what, why, do = ("" if UNKNOWN in part else part for part in (found.what, found.why, found.do))
    return Explained(what or why, why if what else "", do)


def explained(code: str, words: Words, facts: Mapping[str, str | int] | None = None) -> dict[str, str]:
    """Return a code with its explanation in the reader's language; empty texts for no code."""
    found = told(code, words, facts)
    return {"code": code, "what": found.what, "why": found.why, "do": found.do}


def peer_of(transfer: Transfer) -> str | None:
    """Return the unit at the other end, None while it is not known; of what is carried for others, the recipient."""
    return transfer.origin if transfer.direction is Direction.INBOUND else transfer.recipient


def title_of(transfer: Transfer) -> str:
    """Return how an operator knows the transfer; of what is carried for others, a hub knows only from whom to whom."""
    if transfer.direction is Direction.RELAY:
        return f"{transfer.origin} > {transfer.recipient}"
    return transfer.case_no or transfer.export_name or transfer.bundle_id or ""


def facts_of(transfer: Transfer) -> dict[str, str | int]:
    """Return what a code's explanation may name when only the transfer is left of the error."""
    known = {
        "id": transfer.id,
        "unit": peer_of(transfer),
        "peer": peer_of(transfer),
        "link": transfer.link,
        "route": transfer.route,
        "flow": transfer.flow or None,
    }
    return {name: value for name, value in known.items() if value is not None}


def transfer_json(transfer: Transfer) -> dict[str, object]:
    """Return a transfer. Times are seconds since 1970 UTC, sizes bytes, `seconds` those from found to settled."""
    settled = transfer.settled_at
    return {
        "id": transfer.id,
        "direction": transfer.direction,
        "state": transfer.state,
        "case_no": transfer.case_no,
        "flow": transfer.flow,
        "peer": peer_of(transfer),
        "origin": transfer.origin,
        "recipient": transfer.recipient,
        "lane": transfer.priority.name.lower(),
        "link": transfer.link,
        "route": transfer.route,
        "export_name": transfer.export_name,
        "bundle_id": transfer.bundle_id,
        "header_hash": transfer.header_hash,
        "epoch": transfer.epoch,
        "sequence": transfer.sequence,
        "size": transfer.size,
        "found_at": transfer.found_at,
        "changed_at": transfer.changed_at,
        "owed_since": transfer.owed_since,
        "settled_at": settled,
        "seconds": None if settled is None else round(settled - transfer.found_at, 3),
        "verdict": transfer.verdict,
        "attempts": transfer.attempts,
        "next_attempt_at": transfer.next_attempt_at,
        "receipt_due_at": transfer.receipt_due_at,
        "hold_code": transfer.hold_code,
        "last_error": transfer.last_error,
        "earlier": transfer.earlier,
    }


def outlook_json(found: Outlook, transfer: Transfer, words: Words) -> dict[str, object]:
    """Return why a transfer waits."""
    return {
        "waits_for": found.wait,
        **explained(found.code, words, facts_of(transfer)),
        "until": found.until,
        "behind": found.behind,
        "progress": None if found.progress is None else progress_json(found.progress),
        "commands": list(found.commands),
    }


def progress_json(progress: Progress) -> dict[str, object]:
    """Return how far a long transfer has come; rate in bytes per second."""
    return {
        "stage": progress.stage,
        "done": progress.done,
        "total": progress.total,
        "percent": percent(progress),
        "rate": round(progress.rate),
        "seconds": round(progress.seconds, 1),
        "paused": progress.paused,
    }


def percent(progress: Progress) -> float:
    """Return 0 to 100."""
    return round(min(100.0, 100.0 * progress.done / progress.total), 1) if progress.total else 0.0


def entry_json(entry: TimelineEntry) -> dict[str, object]:
    """Return one line of a timeline."""
    return {
        "at": entry.at,
        "kind": entry.kind,
        "what": entry.what,
        "stage": entry.stage,
        "state": entry.state,
        "code": entry.code,
        "note": entry.note,
        "seconds": entry.seconds,
        "actor": entry.actor,
    }


def survey_json(found: Survey, words: Words) -> dict[str, object]:
    """Return the whole of `status`."""
    health = found.daemon.health
    space = found.space
    return {
        "condition": found.condition,
        "at": found.at,
        "unit": found.settings.node.unit,
        "name": found.settings.node.name,
        "daemon": {
            "running": found.daemon.pid is not None,
            "pid": found.daemon.pid,
            "since": health.started_at or None,
            "port": health.port or None,
            "silent": found.daemon.is_silent,
            "deaf_folders": list(health.deaf),
            "canary_denied_folders": list(health.hearing.denied),
            "canary_age": round(found.at - health.hearing.heard_at, 1) if health.hearing.heard_at else None,
            "event_overflows": health.hearing.overflows,
            "event_restarts": health.hearing.restarts,
            "folders_rearmed": health.hearing.rearmed,
        },
        "attention": [_notice_json(notice, words) for notice in found.notices],
        "links": [_link_json(link, words) for link in found.links],
        "routes": [_route_json(route, words) for route in found.routes],
        "replies": {
            "awaited": found.replies.awaited,
            "owed": found.replies.owed,
            "waiting": found.replies.waiting,
        },
        "held": _stuck_json(found.held, words),
        "held_count": found.held_count,
        "retrying": _stuck_json(found.retrying, words),
        "under_way": [_under_way_json(one) for one in found.under_way],
        "disk": None
        if space is None
        else {
            "path": str(found.settings.paths.spool),
            "free": space.free,
            "total": space.total,
            "floor": space.floor,
            "low": space.is_low,
        },
        "short_of_space": [
            {
                "folder": one.folder,
                "since": one.since,
                "missing": one.missing,
                "waiting": one.count,
                "waiting_bytes": one.size,
            }
            for one in health.space
        ],
        "deadlines": None
        if found.deadlines is None
        else {
            "amber": found.deadlines.amber,
            "red": found.deadlines.red,
            "overdue": found.deadlines.overdue,
            "urgent": [term_json(one, None, found.at) for one in found.deadlines.urgent],
            "alerts_waiting": {sink: count for sink, (count, _error) in found.deadlines.untaken.items()},
        },
        "roster": None
        if found.roster is None
        else {"version": found.roster.version, "expires_at": found.roster.expires_at},
        "counts": {
            way: {state: number for (direction, state), number in found.by_state.items() if direction is way}
            for way in Direction
        },
    }


def _notice_json(notice: Notice, words: Words) -> Json:
    return {
        "need": notice.need,
        "subject": notice.subject,
        **explained(notice.code, words),
        "count": notice.count,
        "since": notice.since,
        "command": notice.command,
        "bytes": notice.size,
        "missing": notice.missing,
        "seconds": notice.seconds,
    }


def _link_json(link: LinkView, words: Words) -> Json:
    trouble = link.trouble
    return {
        "name": link.settings.name,
        "peer": link.settings.peer,
        "enabled": link.settings.enabled,
        "waiting": {way: link.waiting[way] for way in Direction},
        "waiting_large": {way: link.large[way] for way in Direction},
        "waiting_since": link.waiting_since,
        "receipts_late": link.late,
        "unconfirmed": link.unconfirmed,
        "opens_at": link.opens_at,
        "trouble": None
        if trouble is None
        else {
            **explained(trouble.code, words, {"unit": link.settings.peer, "peer": link.settings.peer}),
            "failures": trouble.failures,
            "since": trouble.since,
            "next_try": trouble.next_try,
        },
        "clock": None if link.clock is None else _clock_json(link.clock),
    }


def _clock_json(clock: Skewed) -> Json:
    """Return how far a peer's clock is ahead; a bound that nothing has shown yet is null."""
    low, high = (one if abs(one) < UNBOUNDED else None for one in (clock.low, clock.high))
    return {"ahead_least": low, "ahead_most": high, "measured_at": clock.at}


def _route_json(route: RouteView, words: Words) -> Json:
    trouble = route.trouble
    return {
        "name": route.settings.name,
        "folder": str(route.settings.folder),
        "enabled": route.settings.enabled,
        "ear": route.ear,
        "waiting": [
            {"export": one.export, **explained(one.code, words), "seconds": round(one.seconds)} for one in route.waiting
        ],
        "trouble": None
        if trouble is None
        else {
            **explained(trouble.code, words, {"folder": str(route.settings.folder)}),
            "failures": trouble.failures,
            "since": trouble.since,
            "next_try": trouble.next_try,
        },
    }


def _stuck_json(stuck: Sequence[Stuck], words: Words) -> list[Json]:
    return [
        {"transfer": transfer_json(one.transfer), "outlook": outlook_json(one.outlook, one.transfer, words)}
        for one in stuck
    ]


def _under_way_json(one: UnderWay) -> Json:
    return {
        "id": one.progress.transfer,
        "case_no": one.transfer.case_no if one.transfer else "",
        "export_name": one.transfer.export_name if one.transfer else "",
        **progress_json(one.progress),
    }


def decision_json(decision: Decision) -> dict[str, object]:
    """Return what a person decided about a thing in quarantine."""
    return {
        "at": decision.at,
        "actor": decision.actor,
        "action": decision.action,
        "thing": decision.thing,
        "subject": decision.subject,
        "link": decision.link,
        "transfer": decision.transfer,
        "code": decision.code,
        "why": decision.why,
        "done_at": decision.done_at,
        "outcome": decision.outcome,
    }


def deed_json(deed: Deed) -> dict[str, object]:
    """Return one line of what people did."""
    return {
        "at": deed.at,
        "actor": deed.actor,
        "action": deed.action,
        "transfer": deed.transfer,
        "thing": deed.thing,
        "subject": deed.subject,
        "link": deed.link,
        "code": deed.code,
        "why": deed.why,
        "done_at": deed.done_at,
        "outcome": deed.outcome,
    }


def error_json(error: GatewayError | None, words: Words) -> Json | None:
    """Return an error with its explanation and its English detail; None for none."""
    if error is None:
        return None
    found = words.error(error)
    return {"code": error.code, "what": found.what, "why": found.why, "do": found.do, "detail": error.detail}
