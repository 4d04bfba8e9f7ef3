"""Watches what the exports of each source look like, and pauses a source whose software seems to have changed:
what it drops from then on is kept, unread by anybody else, until a named person says how it goes on (D90)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from gateway.domain.clock import Clock
from gateway.domain.errors import PermanentError, TransientError
from gateway.domain.ids import RouteName
from gateway.domain.oplog import OpsLog
from gateway.domain.records import Stage, Transfer
from gateway.domain.sources import REJECTED, SOURCE_UPGRADE, VERSION, Look, Seen, Source, SourceId
from gateway.folders.spool import Spool
from gateway.ledger.store import NO_FACTS, Ledger
from gateway.stages.packed import PackOutcome
from gateway.stages.recording import Recorder
from gateway.stages.routes import OutboundRoute
from gateway.stages.telling import SourceTelling
from gateway.stages.trend import RECENT_MAX, DriftRules, Trend
from gateway.standard.findings import Finding, Place, Verdict

UPGRADE: Final = "SOURCE-UPGRADE"
LEARN_EVERY: Final = 256
"""Exports of a source after which what has become usual is written down; until then it follows from the looks."""
LOOKS_MAX: Final = 4 * RECENT_MAX + LEARN_EVERY
"""Looks read at a start; some flows together have no more than that unwritten."""
SOURCES_MAX: Final = 50
"""Sources behind one route and packer; software that calls itself otherwise in every export is one."""
VERSIONS_MAX: Final = 50
"""Versions of one software that count as usual."""

FieldNames = Callable[[str], str]
"""Slug of a field -> its name for people; the slug where it has none."""
Outcome = tuple[Transfer, PackOutcome]


class DriftDesk:
    """What the pack leg asks of each export it has read. Used by its thread only; whatever counts is in the ledger."""

    def __init__(
        self,
        *,
        rules: DriftRules,
        routes: Mapping[RouteName, OutboundRoute],
        ledger: Ledger,
        spool: Spool,
        telling: SourceTelling,
        recorder: Recorder,
        field_name: FieldNames,
        clock: Clock,
        ops: OpsLog,
    ) -> None:
        self._rules = rules
        self._routes = routes
        self._ledger = ledger
        self._spool = spool
        self._telling = telling
        self._recorder = recorder
        self._field_name = field_name
        self._clock = clock
        self._ops = ops
        self._trends: dict[SourceId, tuple[int, Trend]] = {}
        """Revision of the source, and what it has shown since."""
        self._unwritten: dict[SourceId, int] = {}

    def paused(self) -> list[Source]:
        """Return the sources that are paused now; whose people were not told, because we died in between, are."""
        paused = self._ledger.sources.paused()
        for source in paused:
            if source.told_at is None:
                self._tell(source)
        return paused

    def halted(self, transfer: Transfer, paused: Sequence[Source]) -> frozenset[str]:
        """Return the systems behind an export's route of which nothing is to be sealed now; without the one of an
        export that a named person has let go by itself."""
        theirs = [one for one in paused if one.route == transfer.route]
        return frozenset(one.system for one in theirs if not self._is_let_go(transfer, one))

    def is_plain(self, transfer: Transfer, look: Look) -> bool:
        """Whether an export is not kept and gives its source no cause to be paused: nothing of note was seen in it, or
        its route judges nobody. May be called from any thread."""
        route = self._routes.get(transfer.route) if transfer.route is not None else None
        if route is None or (route.drift and look.marks):
            return False
        known = self._ledger.sources.of_route(route.name, route.packer)
        found = next((one for one in known if one.system == look.system), None)
        if found is None:
            return len(known) < SOURCES_MAX  # what was never seen is not paused
        is_usual = not route.drift or look.version in ("", *found.versions) or not found.versions
        return found.paused_at is None and is_usual

    def noted(self, transfer: Transfer, outcome: PackOutcome) -> PackOutcome:
        """Return what was read of an export with whose it is; its source is not judged by it."""
        return self._noted(transfer, outcome, {})

    def sift(self, read: Sequence[Outcome], started_at: float) -> list[Outcome]:
        """Note what was seen in each export, judge their sources, and return what may go on; the rest is kept."""
        known: dict[RouteName, list[Source]] = {}
        noted = [(transfer, self._noted(transfer, outcome, known)) for transfer, outcome in read]
        current = {one.id: one for sources in known.values() for one in sources}
        for source in list(current.values()):
            theirs = [(t, o) for t, o in noted if o.look is not None and o.look.source == source.id]
            if theirs and source.paused_at is None and self._routes[source.route].drift:
                current[source.id] = self._judged(source, theirs)
        going: list[Outcome] = []
        for transfer, outcome in noted:
            source_id = outcome.look.source if outcome.look is not None else None
            found = current.get(source_id) if source_id is not None else None
            if found is not None and found.paused_at is not None and not self._is_let_go(transfer, found):
                self._hold(transfer, outcome, found, started_at)
            elif outcome.is_halted:
                error = TransientError("source-resumed", "its source goes on since it was read")
                self._recorder.fail(transfer, Stage.PACK, error, started_at)
            else:
                going.append((transfer, outcome))
        return going

    # -- whose it is --------------------------------------------------------------------------------------------------

    def _noted(self, transfer: Transfer, outcome: PackOutcome, known: dict[RouteName, list[Source]]) -> PackOutcome:
        route = self._routes.get(transfer.route) if transfer.route is not None else None
        if outcome.look is None or route is None or outcome.verdict is Verdict.WAIT:
            return replace(outcome, look=None)
        if route.name not in known:
            known[route.name] = self._ledger.sources.of_route(route.name, route.packer)
        source = self._source(route, outcome, known[route.name])
        look = replace(outcome.look, source=source.id, at=self._clock.now(), verdict=outcome.verdict)
        return replace(outcome, look=look)

    def _source(self, route: OutboundRoute, outcome: PackOutcome, known: list[Source]) -> Source:
        """Return whose export it is. One that cannot be read names nobody: then it is of whoever was read last, lest
        a source that breaks whole be taken for a new one."""
        look = outcome.look
        system = look.system if look is not None else ""
        named = next((one for one in known if one.system == system), None)
        if named is not None:
            return named
        if not system and outcome.verdict is Verdict.REJECT and known:
            return max(known, key=lambda one: self._last_read(one.id))
        if len(known) >= SOURCES_MAX:
            return known[-1]
        made = self._ledger.sources.ensure(route.name, route.packer, system)
        known.append(made)
        return made

    def _last_read(self, source: SourceId) -> float:
        last = self._ledger.sources.last_of(source)
        return last.at if last is not None else -1.0

    def _is_let_go(self, transfer: Transfer, source: Source) -> bool:
        """Whether a named person has let this very export go since its source was paused."""
        if transfer.last_error != SOURCE_UPGRADE or transfer.hold_code is not None:
            return False
        said = [one for one in self._ledger.timeline(transfer.id) if one.code == SOURCE_UPGRADE]
        last = said[-1] if said else None
        return last is not None and last.kind == "release" and last.at > (source.paused_at or 0.0)

    # -- whether it looks as usual ------------------------------------------------------------------------------------

    def _judged(self, source: Source, theirs: Sequence[Outcome]) -> Source:
        """Return the source as it is after these exports: paused where they show that its software has changed."""
        trend = self._trend(source)
        is_usual = trend.count >= self._rules.baseline
        seen: list[Seen] = []
        fresh: list[str] = []
        for transfer, outcome in theirs:
            look = outcome.look
            if look is None or not look.is_counted or _was_read(transfer):
                continue
            trend.add(look)
            self._unwritten[source.id] = self._unwritten.get(source.id, 0) + 1
            if look.version and look.version not in (*source.versions, *fresh):
                if is_usual and source.versions:
                    seen.append(Seen(VERSION, "", source.versions[-1], look.version))
                fresh.append(look.version)
        seen += trend.drifts()
        if seen:
            return self._pause(source, tuple(dict.fromkeys(seen)), trend)
        if fresh or self._unwritten.get(source.id, 0) >= LEARN_EVERY:
            versions = [*source.versions, *fresh][-VERSIONS_MAX:]
            self._ledger.sources.learn(source.id, versions, trend.written())
            self._unwritten[source.id] = 0
            return replace(source, versions=tuple(versions))
        return source

    def _trend(self, source: Source) -> Trend:
        revision, trend = self._trends.get(source.id, (-1, None))
        if trend is None or revision != source.revision:
            looks = self._ledger.sources.looks(source.id, source.since, LOOKS_MAX)
            trend = Trend.read(self._rules, source.baseline, [one for one in looks if one.is_counted])
            self._trends[source.id] = source.revision, trend
        return trend

    def _pause(self, source: Source, seen: tuple[Seen, ...], trend: Trend) -> Source:
        paused = self._ledger.sources.pause(source.id, seen, trend.written())
        self._trends.pop(source.id, None)
        self._ops.alert(
            "source-paused",
            source=source.id,
            route=source.route,
            seen=summary(paused),
        )
        self._tell(paused)
        return paused

    def _tell(self, source: Source) -> None:
        self._telling.paused(source, findings(source, self._field_name))
        self._ledger.sources.told(source.id)

    # -- what is kept -------------------------------------------------------------------------------------------------

    def _hold(self, transfer: Transfer, outcome: PackOutcome, source: Source, started_at: float) -> None:
        """Keep an export as it came. Nothing that was read of it binds whoever reads it next."""
        self._spool.drop(outcome.out)
        facts = replace(NO_FACTS, flow=outcome.flow, case_no=outcome.case_no, look=outcome.look)
        error = PermanentError(SOURCE_UPGRADE, f"source {source.id}: {summary(source)}")
        self._recorder.fail(transfer, Stage.PACK, error, started_at, facts)


def findings(source: Source, field_name: FieldNames) -> tuple[Finding, ...]:
    """Return what a paused source is paused for, as findings about any of its exports."""
    return tuple(
        Finding(
            UPGRADE,
            Verdict.HOLD,
            Place(field=_subject(one, field_name)),
            one.now,
            one.before,
            "operator",
            facts={"kind": one.kind},
        )
        for one in source.seen
    )


def summary(source: Source) -> str:
    """Return in codes what a source is paused for."""
    said = ((one.kind, one.subject, f"{one.before} > {one.now}") for one in source.seen)
    return "; ".join(" ".join(filter(None, one)) for one in said)


def _subject(seen: Seen, field_name: FieldNames) -> str:
    if seen.kind in (VERSION, REJECTED):
        return seen.kind
    return field_name(seen.subject.partition("/")[2])


def _was_read(transfer: Transfer) -> bool:
    """Whether an export was counted when it was read before; what its source kept is judged when it is read anew."""
    return bool(transfer.verdict) and transfer.last_error != SOURCE_UPGRADE
