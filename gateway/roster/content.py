"""What a roster says, as plain frozen values: units with their codes and keys, who may send what to whom, classes."""

from dataclasses import dataclass
from enum import StrEnum

from gateway.bundle.keys import PublicKeys
from gateway.bundle.suites import Suite
from gateway.domain.ids import UnitCode
from gateway.domain.records import Priority

HUB = "hub"
"""The role of a node that carries bundles for others; all other roles are those of the exchange standard."""
ANY = "*"


class Level(StrEnum):
    """How high a unit stands."""

    PROVINCE = "province"
    CITY = "city"
    COUNTY = "county"


@dataclass(frozen=True, slots=True)
class UnitName:
    """One code of a unit in one code scheme (`ga380`, `procuratorate`, `court`, `prison`, `credit`, ...) and when it
    was in use: from `since` until before `until` (seconds since 1970 UTC; None: still)."""

    scheme: str
    code: str
    since: int
    until: int | None = None


@dataclass(frozen=True, slots=True)
class UnitKey:
    """One suite's public keys of a unit; they count from `not_before` until before `not_after`.

    A revoked key does not count for what was made at `revoked_at` or later; `compromised`: for nothing but what is
    known to be older. Times are seconds since 1970 UTC.
    """

    public: PublicKeys
    not_before: int
    not_after: int
    revoked_at: int | None = None
    compromised: bool = False


@dataclass(frozen=True, slots=True)
class RosterUnit:
    """One unit. `region`: six digits of GB/T 2260, of which a province ends in 0000 and a city in 00.

    parent: the organisation above it.   hubs: by which it is reached, the preferred first; of a hub: the hubs above it.
    successor: the unit that it was merged into, or its new code, once `closed_at` has passed.
    """

    unit: UnitCode
    name: str
    role: str
    level: Level
    region: str
    parent: UnitCode | None
    hubs: tuple[UnitCode, ...]
    names: tuple[UnitName, ...]
    keys: tuple[UnitKey, ...]
    suites: tuple[Suite, ...]
    ssh_host_key: str
    ssh_user_keys: tuple[str, ...]
    since: int
    closed_at: int | None = None
    successor: UnitCode | None = None
    ssh_host_keys_also: tuple[str, ...] = ()
    """Further host keys that count while a new one takes the place of an old one."""


@dataclass(frozen=True, slots=True)
class Permission:
    """`flow` may go from units of role `sender` to units of role `receiver`; `*` stands for any."""

    flow: str
    sender: str
    receiver: str


@dataclass(frozen=True, slots=True)
class FlowClass:
    """What the two bytes `class` in a bundle's clear header stand for.

    flow: the flow that it discloses to hubs; empty where it only names a lane.
    """

    number: int
    flow: str
    priority: Priority


@dataclass(frozen=True, slots=True)
class RosterContent:
    """A whole roster. Units ascend by code, classes by number."""

    version: int
    issued_at: int
    province: str
    units: tuple[RosterUnit, ...]
    permissions: tuple[Permission, ...]
    classes: tuple[FlowClass, ...]
