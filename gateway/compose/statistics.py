"""Statistics as people ask for them: by calendar, by charge, by source; with a public form that nobody is seen in."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta, tzinfo
from pathlib import Path
from types import MappingProxyType
from typing import Final

from gateway.compose.offline import ledger_to_read
from gateway.domain.clock import Clock
from gateway.domain.statistics import PERIODS, Axis
from gateway.ledger.statistics import By, Counted, Offset, Outcome, Quality, Scope, Took
from gateway.ledger.store import Ledger
from gateway.settings.load import Settings
from gateway.standard.dates import day_at
from gateway.standard.loading import load_standard, place_of

OTHER: Final = "other"
"""Charges of no chapter that is known, and exchanges without any."""
_SHARES: Final = (0.5, 0.95)


_BY: Final[Mapping[Axis, By]] = MappingProxyType(
    {Axis.PEER: By.UNIT, **dict.fromkeys(PERIODS, By.DAY), **{Axis(by): By(by) for by in By if by is not By.DAY}}
)


@dataclass(frozen=True, slots=True)
class Delays:
    """Seconds that half, nineteen of twenty, and all took at most; the first two to a twentieth."""

    half: float
    most: float
    longest: float | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """The figures of one group. None in the place of a number: too small to be shown to others.

    name: for people, empty where the key is one. size: bytes. delivery: from found to delivered; receipt: from delivery
    there to the receipt here.
    """

    key: str
    name: str
    total: int | None
    outcomes: Mapping[Outcome, int | None]
    size: int | None
    retries: int | None
    delivery: Delays | None
    receipt: Delays | None


@dataclass(frozen=True, slots=True)
class Statistics:
    """One answer. total: None where it would give away a number that is not shown, and by charge, where an exchange
    may count for several."""

    axis: Axis
    lines: tuple[Line, ...]
    total: Line | None
    floor: int = 0


@dataclass(frozen=True, slots=True)
class Grade:
    """How good the exports of one source are. score: 0 to 100, half of it the share of asked values that are there,
    half the share of exports that needed no person; before: of the same time earlier, None if there was none."""

    source: int
    name: str
    quality: Quality
    score: float
    before: float | None


def statistics(ledger: Ledger, axis: Axis, scope: Scope, zone: tzinfo | None = None) -> Statistics:
    """Return the figures of `scope` by `axis`; keys as they are in the ledger, periods by their first day.

    zone: of the calendar; None for this machine's. Raises as the ledger does.
    """
    if axis.is_time:
        bounds = ledger.statistics.bounds(scope)
        scope = replace(scope, zone=offsets(*bounds, zone) if bounds is not None else ())
    counted = ledger.statistics.count(_BY[axis], scope)
    groups = _keys_of(axis)
    lines = _lines(counted, groups)
    total = None if axis is Axis.CHARGE else next(iter(_lines(counted, lambda _key: ("",))), None)
    return Statistics(axis, tuple(_sorted(lines, axis)), total)


def named(found: Statistics, ledger: Ledger, config: Path, now: float, *, chinese: bool) -> Statistics:
    """Return `found` with the names of flows, charges and sources for people.

    config: the configuration folder. now: seconds since 1970 UTC; flows are called as on that day.
    """
    names = _names(found.axis, ledger, config, now, chinese=chinese)
    return replace(found, lines=tuple(replace(one, name=names.get(one.key, "")) for one in found.lines))


def public(found: Statistics, floor: int) -> Statistics:
    """Return `found` as it may leave the node: no number from which fewer than `floor` exchanges can be told.

    Small numbers are withheld, and with them everything from which they follow: sums that lack one addend only, and
    the durations and bytes of few.
    """
    return replace(found, lines=tuple(_public(one, floor) for one in found.lines), total=None, floor=floor)


def grades(ledger: Ledger, since: float, until: float, late: float) -> list[Grade]:
    """Return the quality of every source from which anything was read in that time, the worst first."""
    now = ledger.statistics.quality(since, until, late)
    before = ledger.statistics.quality(since - (until - since), since, late)
    names = {one.id: one.name for one in ledger.sources.all()}
    found = [
        Grade(key, names[key], one, score(one), score(before[key]) if key in before else None)
        for key, one in now.items()
    ]
    return sorted(found, key=lambda one: (one.score, one.source))


def score(found: Quality) -> float:
    """Return 0 to 100, see `Grade`."""
    filled = found.filled / found.asked if found.asked else 1.0
    smooth = sum(count for verdict, count in found.verdicts.items() if verdict in {"pass", "fix", "warn"})
    return 50.0 * filled + 50.0 * (smooth / found.exports if found.exports else 1.0)


def opened(settings: Settings, clock: Clock) -> Ledger:
    """Return the ledger to be read while the daemon runs; ConfigError `ledger-missing` before the first start."""
    return ledger_to_read(settings, clock)


def offsets(first: float, last: float, zone: tzinfo | None = None) -> tuple[Offset, ...]:
    """Return how far local time is ahead of UTC between two times (seconds since 1970 UTC), to the hour."""
    found: list[Offset] = []
    at = first - first % 3600
    while at <= last + 3600:
        ahead = _ahead(at, zone)
        if not found or found[-1].seconds != ahead:
            found.append(Offset(at, ahead))
        # A change of the clock is looked for by days, then found by hours: a century takes no longer than a blink.
        at += 86_400 if _ahead(at + 86_400, zone) == ahead else 3600
    return tuple(found)


def _ahead(at: float, zone: tzinfo | None) -> int:
    offset = datetime.fromtimestamp(at, UTC).astimezone(zone).utcoffset()
    return int((offset or timedelta()).total_seconds())


def _keys_of(axis: Axis) -> Callable[[str], Sequence[str]]:
    """Return what says under which keys a group of the ledger is shown."""
    if axis.is_time:
        return lambda key: (_period(axis, date(1970, 1, 1) + timedelta(days=int(key))),)
    if axis is Axis.CHARGE:
        return lambda key: key.split() or (OTHER,)
    return lambda key: (key,)


def _period(axis: Axis, day: date) -> str:
    if axis is Axis.WEEK:
        return (day - timedelta(days=day.weekday())).isoformat()
    text = day.isoformat()
    return text[:7] if axis is Axis.MONTH else text[:4] if axis is Axis.YEAR else text


def _lines(counted: Counted, keys_of: Callable[[str], Sequence[str]]) -> list[Line]:
    outcomes: dict[str, Counter[Outcome]] = defaultdict(Counter)
    sizes, retries = Counter[str](), Counter[str]()
    for cell in counted.cells:
        for key in keys_of(cell.key):
            outcomes[key][cell.outcome] += cell.count
            sizes[key] += cell.size
    for group, count in counted.retries.items():
        for key in keys_of(group):
            retries[key] += count
    delivery, receipt = _delays(counted.delivery, keys_of), _delays(counted.receipt, keys_of)
    return [
        Line(
            key,
            "",
            sum(found.values()),
            dict(found),
            sizes[key],
            retries[key],
            delivery.get(key),
            receipt.get(key),
        )
        for key, found in outcomes.items()
    ]


def _delays(took: Iterable[Took], keys_of: Callable[[str], Sequence[str]]) -> Mapping[str, Delays]:
    found: dict[str, Counter[float]] = defaultdict(Counter)
    longest: dict[str, float] = defaultdict(float)
    for one in took:
        for key in keys_of(one.key):
            found[key][one.seconds] += one.count
            longest[key] = max(longest[key], one.most)
    half, most = _SHARES
    return {key: Delays(_share(steps, half), _share(steps, most), longest[key]) for key, steps in found.items()}


def _share(found: Counter[float], share: float) -> float:
    """Return the step that so large a share reaches at most."""
    wanted, passed = share * found.total(), 0
    for seconds in sorted(found):
        passed += found[seconds]
        if passed >= wanted:
            return seconds
    return max(found)


def _sorted(lines: list[Line], axis: Axis) -> list[Line]:
    if axis.is_time or axis is Axis.CHARGE:
        return sorted(lines, key=lambda one: one.key)
    return sorted(lines, key=lambda one: (-(one.total or 0), one.key))


def _names(axis: Axis, ledger: Ledger, config: Path, now: float, *, chinese: bool) -> Mapping[str, str]:
    if axis is Axis.SOURCE:
        return {str(one.id): one.name for one in ledger.sources.all()}
    if axis not in (Axis.FLOW, Axis.CHARGE):
        return {}
    standard = load_standard(place_of(config))
    if axis is Axis.CHARGE:
        return {one.id: one.zh if chinese else one.en for one in standard.charges.chapters}
    # The names of today; of what counts no more, or not yet, those of its last edition.
    flows = [*standard.flows(), *standard.flows(day_at(now))]
    found = {one.code: one.zh if chinese else one.en for one in flows}
    replies = [one.reply for one in flows if one.reply is not None]
    return {one.code: one.zh if chinese else one.en for one in replies} | found


def _public(line: Line, floor: int) -> Line:
    small = [outcome for outcome, count in line.outcomes.items() if count is not None and 0 < count < floor]
    outcomes = {outcome: None if outcome in small else count for outcome, count in line.outcomes.items()}
    is_few = (line.total or 0) < floor
    few_arrived = (line.outcomes.get(Outcome.DELIVERED) or 0) < floor
    return replace(
        line,
        # With one number withheld the sum would give it away.
        total=None if is_few or len(small) == 1 else line.total,
        outcomes=outcomes,
        size=None if is_few else line.size,
        retries=None if is_few or 0 < (line.retries or 0) < floor else line.retries,
        delivery=None if few_arrived else _rounded(line.delivery),
        receipt=None if few_arrived else _rounded(line.receipt),
    )


def _rounded(found: Delays | None) -> Delays | None:
    """Return delays without the longest, which is one exchange's."""
    return None if found is None else replace(found, longest=None)
