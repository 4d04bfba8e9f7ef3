"""What a simulated province is and does: its units, its hubs, and every exchange of its two years, drawn by a seed."""

import hashlib
import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import accumulate
from types import MappingProxyType

from gateway.domain.ids import UnitCode
from gateway.roster.content import HUB, Level
from gateway.standard.reference import FlowVolume, Reference, SizeClass

UNITS_LEAST = 8
"""One county with five units, the city's court, the procurators at its prisons, one prison."""
WHOLE_BYTES = 4096
"""An export is never scaled below this: less than a page says nothing of a disk."""
PROVINCE_HUB = UnitCode("990000H00")

_COUNTY_ROLES = ("police", "procuratorate", "court", "detention-centre", "justice-bureau")
_CITY_ROLES = ("court-upper", "procuratorate-resident")
_UNITS_A_CITY = 55
_UNITS_A_PRISON = 25
_COUNTY_MOST = 99
_SUFFIX = MappingProxyType(
    {
        "police": "000000",
        "procuratorate": "",
        "court": "A00",
        "detention-centre": "D00",
        "justice-bureau": "J00",
        "court-upper": "A00",
        "procuratorate-resident": "Z00",
    }
)
_TITLES = MappingProxyType(
    {
        "police": "公安局",
        "procuratorate": "人民检察院",
        "court": "人民法院",
        "detention-centre": "看守所",
        "justice-bureau": "司法局",
        "court-upper": "中级人民法院",
        "procuratorate-resident": "人民检察院刑事执行检察部门",
    }
)
_P95 = 1.6449
"""Standard deviations of the normal distribution below which 95 % lie."""


@dataclass(frozen=True, slots=True)
class SimUnit:
    """One node of the province. `hub`: the hub that it is linked to; None for the province's own."""

    unit: UnitCode
    name: str
    role: str
    level: Level
    region: str
    hub: UnitCode | None


@dataclass(frozen=True, slots=True)
class Exchange:
    """One export that is to be dropped. `at`: seconds since the first day began; `size`: bytes of its document."""

    number: int
    at: float
    flow: str
    sender: UnitCode
    receiver: UnitCode
    size: int

    @property
    def name(self) -> str:
        """Name of the export; its number can be read out of it."""
        return f"{self.flow}-{self.number:06d}"

    @property
    def case_no(self) -> str:
        """The case number, which nobody else has."""
        return f"SIM{self.number:06d}"


def province(units: int) -> tuple[SimUnit, ...]:
    """Return `units` units and the hubs between them, the province's hub first; the same for the same number.

    Counties hang on the hub of their city, the cities' hubs and the prisons on that of the province. ValueError below
    UNITS_LEAST.
    """
    if units < UNITS_LEAST:
        raise ValueError(f"a province has at least {UNITS_LEAST} units")
    cities = max(1, round(units / _UNITS_A_CITY))
    prisons = max(1, units // _UNITS_A_PRISON)
    counties, more = divmod(units - prisons - cities * len(_CITY_ROLES), len(_COUNTY_ROLES))
    hubs = [SimUnit(PROVINCE_HUB, "省政法数据交换中心", HUB, Level.PROVINCE, "990000", None)]
    made: list[SimUnit] = []
    for city in range(1, cities + 1):
        region = f"99{city:02d}00"
        hub = UnitCode(f"{region}H00")
        hubs.append(SimUnit(hub, f"第{city}市政法数据交换中心", HUB, Level.CITY, region, PROVINCE_HUB))
        made += [_agency(role, region, Level.CITY, hub) for role in _CITY_ROLES]
    for county in range(counties):
        city, place = county % cities + 1, county // cities + 1
        if place > _COUNTY_MOST:
            raise ValueError(f"a city has at most {_COUNTY_MOST} counties")
        hub = UnitCode(f"99{city:02d}00H00")
        made += [_agency(role, f"99{city:02d}{place:02d}", Level.COUNTY, hub) for role in _COUNTY_ROLES]
    for prison in range(1, prisons + more + 1):
        code = UnitCode(f"990000P{prison:03d}")
        made.append(SimUnit(code, f"省第{prison}监狱", "prison", Level.PROVINCE, "990000", PROVINCE_HUB))
    return (*hubs, *made)


def schedule(reference: Reference, units: Sequence[SimUnit], count: int, scale: float, seed: int) -> list[Exchange]:
    """Return `count` exchanges in the order in which they are dropped; the same for the same arguments.

    scale: what sizes are multiplied by, see `scaled`.
    """
    draw = random.Random(f"caseferry simulation {seed}")  # noqa: S311 - drawn again by every process, nothing secret
    people = _Cast(units)
    days = _Days(reference)
    found: list[Exchange] = []
    for volume, share in zip(reference.flows, _shares(reference, count), strict=True):
        batch = min(volume.batch, share // 4 + 1)
        for left in range(share, 0, -batch):
            at, sender = days.moment(draw), people.sender(volume, draw)
            for _one in range(min(batch, left)):
                size = scaled(_size(reference.sizes[volume.size], draw), scale)
                found.append(Exchange(0, at, volume.flow, sender.unit, people.receiver(volume, sender, draw), size))
    found.sort(key=lambda one: one.at)
    return [Exchange(number, one.at, one.flow, one.sender, one.receiver, one.size) for number, one in enumerate(found)]


def scaled(size: float, scale: float) -> int:
    """Return `size` times `scale`, but never below WHOLE_BYTES, nor above the size itself."""
    return max(1, int(max(min(size, WHOLE_BYTES), size * min(scale, 1.0))))


def content(exchange: Exchange, seed: int) -> bytes:
    """Return the bytes of the exchange's document: like noise, and told apart from every other's."""
    return hashlib.shake_128(f"{seed} {exchange.number}".encode()).digest(exchange.size)


def links(units: Sequence[SimUnit]) -> Iterator[tuple[SimUnit, SimUnit]]:
    """Yield every link as (lower unit, its hub)."""
    by_code = {one.unit: one for one in units}
    for one in units:
        if one.hub is not None:
            yield one, by_code[one.hub]


def dealt(units: Sequence[SimUnit], processes: int) -> list[tuple[UnitCode, ...]]:
    """Return which units each process hosts: the hubs, which have most to do, are spread first."""
    order = sorted(units, key=lambda one: (one.hub is not None, one.role != HUB, one.unit))
    return [tuple(one.unit for one in order[start::processes]) for start in range(processes)]


class _Cast:
    """Who plays which part."""

    def __init__(self, units: Sequence[SimUnit]) -> None:
        self._all: dict[str, list[SimUnit]] = {}
        for one in units:
            self._all.setdefault(one.role, []).append(one)

    def sender(self, volume: FlowVolume, draw: random.Random) -> SimUnit:
        return draw.choice(self._all[volume.sender])

    def receiver(self, volume: FlowVolume, sender: SimUnit, draw: random.Random) -> UnitCode:
        known = {"county": 6, "city": 4, "province": 2}[volume.where]
        near = [one for one in self._all[volume.receiver] if one.region[:known] == sender.region[:known]]
        return draw.choice(near or self._all[volume.receiver]).unit


class _Days:
    """Draws moments of the two years as the reference weighs them."""

    def __init__(self, reference: Reference) -> None:
        self._hours = list(accumulate(reference.hours))
        weights = []
        for number in range(reference.days):
            day = reference.first_day + timedelta(days=number)
            weight = reference.weekdays[day.weekday()] * reference.months[day.month - 1]
            weights.append(weight * (reference.backlog_factor if day in reference.backlog_days else 1))
        self._days = list(accumulate(weights))

    def moment(self, draw: random.Random) -> float:
        (day,) = draw.choices(range(len(self._days)), cum_weights=self._days)
        (hour,) = draw.choices(range(24), cum_weights=self._hours)
        return day * 86400 + hour * 3600 + draw.random() * 3600


def _shares(reference: Reference, count: int) -> list[int]:
    """Return how many of `count` exchanges fall to each flow, by the method of largest remainders."""
    exact = [volume.count * count / reference.exchanges for volume in reference.flows]
    shares = [int(one) for one in exact]
    by_rest = sorted(range(len(exact)), key=lambda at: shares[at] - exact[at])
    for at in by_rest[: count - sum(shares)]:
        shares[at] += 1
    return shares


def _size(sizes: SizeClass, draw: random.Random) -> float:
    return min(draw.lognormvariate(math.log(sizes.median), math.log(sizes.p95 / sizes.median) / _P95), sizes.most)


def _agency(role: str, region: str, level: Level, hub: UnitCode) -> SimUnit:
    where = f"{int(region[2:4])}市" + (f"{int(region[4:])}县" if level is Level.COUNTY else "")
    return SimUnit(UnitCode(region + _SUFFIX[role]), f"第{where}{_TITLES[role]}", role, level, region, hub)
