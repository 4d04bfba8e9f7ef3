"""The packaged matrix of the exchange standard: which role may send which flow to which, in which class and lane."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

import yaml

from gateway.domain.records import Priority

REPLY_CLASSES = 100
"""The reply of a flow travels under the number of the flow's class and this."""


@dataclass(frozen=True, slots=True)
class FlowMatter:
    """One flow. `number`: of its routing class; the roles by their slugs, those who get a copy among the receivers."""

    flow: str
    number: int
    lane: Priority
    senders: tuple[str, ...]
    receivers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Matrix:
    """All roles with their Chinese names, and all flows, replies among them, by number."""

    roles: Mapping[str, str]
    flows: tuple[FlowMatter, ...]


@cache
def load_matrix() -> Matrix:
    """Return the matrix as packaged; read once."""
    raw: Any = yaml.safe_load(files("gateway.standard.data").joinpath("permissions.yaml").read_text("utf-8"))
    found: list[FlowMatter] = []
    for flow, row in raw["flows"].items():
        senders, receivers = tuple(row["senders"]), tuple(row["receivers"])
        found.append(FlowMatter(flow, row["class"], Priority[row["lane"].upper()], senders, receivers))
        if "reply" in row:
            lane = Priority[row["reply_lane"].upper()]
            found.append(FlowMatter(row["reply"], row["class"] + REPLY_CLASSES, lane, receivers, senders))
    return Matrix(MappingProxyType(raw["roles"]), tuple(sorted(found, key=lambda one: one.number)))
