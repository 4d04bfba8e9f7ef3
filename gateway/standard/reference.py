"""The reference province as data: how many exchanges of which flow, how large, at what hours."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from types import MappingProxyType

_FILE = "reference-province.json"


@dataclass(frozen=True, slots=True)
class FlowVolume:
    """One flow: so many exchanges from units of one role to units of another.

    where: `county`, `city` or `province`: the smallest area that holds both.   batch: so many leave at once.
    """

    flow: str
    count: int
    size: str
    sender: str
    receiver: str
    where: str
    batch: int


@dataclass(frozen=True, slots=True)
class SizeClass:
    """Sizes of the exports of one class, log-normal; all in bytes."""

    median: int
    p95: int
    most: int


@dataclass(frozen=True, slots=True)
class Reference:
    """The whole of it. `hours`, `weekdays` (Monday first) and `months` are weights."""

    source: str
    units: int
    exchanges: int
    first_day: date
    days: int
    flows: tuple[FlowVolume, ...]
    sizes: Mapping[str, SizeClass]
    hours: tuple[int, ...]
    weekdays: tuple[int, ...]
    months: tuple[int, ...]
    backlog_days: frozenset[date]
    """The first days after long holidays, on which `backlog_factor` times as much leaves."""
    backlog_factor: int


@cache
def load_reference() -> Reference:
    """Return the packaged reference province."""
    raw = json.loads(files("gateway.standard.data").joinpath(_FILE).read_bytes())
    return Reference(
        raw["source"],
        raw["units"],
        raw["exchanges"],
        date.fromisoformat(raw["first_day"]),
        raw["days"],
        tuple(
            FlowVolume(
                one["flow"], one["count"], one["size"], one["from"], one["to"], one["where"], one.get("batch", 1)
            )
            for one in raw["flows"]
        ),
        MappingProxyType({name: SizeClass(**one) for name, one in raw["sizes"].items()}),
        tuple(raw["hours"]),
        tuple(raw["weekdays"]),
        tuple(raw["months"]),
        frozenset(date.fromisoformat(one) for one in raw["after_holidays"]["days"]),
        raw["after_holidays"]["factor"],
    )
