"""The packaged matrix of the exchange standard: which role may send which flow to which, in which class and lane."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from gateway.domain.records import Priority
from gateway.standard.catalogue import Standard
from gateway.standard.loading import packaged_standard


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
    """Return the matrix of the packaged standard: the default of a new roster, which the authority may change."""
    return matrix_of(packaged_standard())


def matrix_of(standard: Standard) -> Matrix:
    """Return the matrix of `standard`."""
    found: list[FlowMatter] = []
    for flow in standard.flows():
        receivers = (*flow.receivers, *(one for one in flow.cc if one not in flow.receivers))
        found.append(FlowMatter(flow.code, flow.number, flow.lane, flow.senders, receivers))
        if flow.reply is not None:
            found.append(FlowMatter(flow.reply.code, flow.reply.number, flow.reply.lane, receivers, flow.senders))
    roles = MappingProxyType({code: role.zh for code, role in standard.roles.items()})
    return Matrix(roles, tuple(sorted(found, key=lambda one: one.number)))
