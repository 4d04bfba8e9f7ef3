"""What an operator sees of the sources and decides about them; a running daemon carries it out at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from gateway.compose.offline import ledger_to_change, ledger_to_read, ring_bell
from gateway.domain.clock import Clock
from gateway.domain.errors import PermanentError
from gateway.domain.ids import RouteName
from gateway.domain.records import Action, Decision, Transfer
from gateway.domain.sources import Look, Source, SourceId, Suspect
from gateway.ledger.store import Ledger
from gateway.settings.load import Settings
from gateway.stages.rhythm import Silence
from gateway.stages.silence import Expectations, silences
from gateway.stages.trend import LOOKBACK

SHOWN_MAX: Final = 50
"""Exports that are listed one by one."""


@dataclass(frozen=True, slots=True)
class SourceView:
    """One source at one moment. held: exports that are kept because it is paused. last: what was read last; None if
    nothing was. silence: what its rhythm says of now."""

    source: Source
    held: int
    last: Look | None
    silence: Silence


@dataclass(frozen=True, slots=True)
class SourceDetail:
    """A source whole. suspects: what was sealed or given back shortly before the pause, and shows the same."""

    view: SourceView
    held: tuple[Transfer, ...]
    suspects: tuple[Suspect, ...]


def list_sources(settings: Settings, clock: Clock) -> list[SourceView]:
    """Return all sources, by route and name."""
    with ledger_to_read(settings, clock) as ledger:
        return views(settings, ledger, clock.now())


def views(settings: Settings, ledger: Ledger, now: float) -> list[SourceView]:
    """Return all sources of `ledger` at `now` (seconds since 1970 UTC)."""
    return [_view(ledger, one, silence) for one, silence in silences(ledger, now, expectations(settings))]


def show_source(settings: Settings, clock: Clock, number: int) -> SourceDetail:
    """Return one source whole; PermanentError `no-such-source`."""
    with ledger_to_read(settings, clock) as ledger:
        source = ledger.sources.get(SourceId(number))
        since = (source.paused_at or clock.now()) - LOOKBACK * settings.drift.window
        suspects = ledger.sources.suspects(source, since, SHOWN_MAX) if source.paused_at is not None else []
        held = ledger.sources.held(source.id, SHOWN_MAX)
        view = next(one for one in views(settings, ledger, clock.now()) if one.source.id == source.id)
        return SourceDetail(view, tuple(held), tuple(suspects))


def decide(settings: Settings, clock: Clock, action: Action, number: int, *, actor: str, why: str) -> Decision:
    """Record what is to become of a paused source and of what is kept of it; the daemon carries it out.

    Raises PermanentError `no-such-source`, `source-not-paused`, `decision-pending`.
    """
    with ledger_to_change(settings, clock) as ledger:
        source = ledger.sources.get(SourceId(number))
        if source.paused_at is None and not ledger.sources.held_count(source.id):
            raise PermanentError("source-not-paused", f"source {source.id} is not paused", facts={"id": source.id})
        wanted = Decision(0, 0.0, actor, action, source.thing, source.name, None, None, "SOURCE-UPGRADE", why)
        decided = ledger.decisions.decide(wanted)
    ring_bell(settings)
    return decided


def expectations(settings: Settings) -> Expectations:
    """Return how often exports are expected, and from when on a rhythm is known."""
    known = {RouteName(one.name): one.expect for one in settings.outbound if one.enabled and one.expect is not None}
    enabled = frozenset(RouteName(one.name) for one in settings.outbound if one.enabled)
    return Expectations(known, enabled, settings.statistics.silence)


def silent(found: Sequence[SourceView]) -> list[SourceView]:
    """Return those from which nothing has come for longer than is usual."""
    return [one for one in found if one.silence.is_silent]


def _view(ledger: Ledger, source: Source, silence: Silence) -> SourceView:
    return SourceView(source, ledger.sources.held_count(source.id), ledger.sources.last_of(source.id), silence)
