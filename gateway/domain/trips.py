"""Trips of removable media: what a medium carries from one node to another, and how far a trip has come."""

from dataclasses import dataclass
from enum import StrEnum

from gateway.domain.ids import Digest, LinkName, UnitCode, WireName

FILES_MAX = 20_000
"""Files on one trip; what is left goes on the next."""
LABEL_MAX = 60
"""Characters of what is written on a medium."""
HEARD_MAX = 256
"""Trips, the newest, of which an index says that they arrived."""


class TripWay(StrEnum):
    """Which way a trip goes, seen from this node."""

    OUT = "out"
    IN = "in"


class TripState(StrEnum):
    """How far a trip has come."""

    ASKED = "asked"  # one person asked for it; a second one must confirm
    CONFIRMED = "confirmed"  # it may be carried out; what was interrupted is continued from here
    CARRIED = "carried"  # out: it is whole on the medium; in: everything of it was handed in
    ARRIVED = "arrived"  # out: the peer says that it handed everything in
    LOST = "lost"  # out: the medium is gone; everything goes again on the next trip
    CANCELLED = "cancelled"  # called off, or not confirmed in time


OPEN = frozenset({TripState.ASKED, TripState.CONFIRMED})
"""States in which a trip stands in the way of the next one of its link and way."""
ENDED = frozenset({TripState.ARRIVED, TripState.LOST, TripState.CANCELLED})
"""States after which nothing more happens."""


@dataclass(frozen=True, slots=True)
class TripFile:
    """One file on a medium. `size` in bytes; `digest`: SHA-256 of its bytes, in hexadecimal."""

    name: WireName
    size: int
    digest: Digest


@dataclass(frozen=True, slots=True)
class TripIndex:
    """What the index of one trip states.

    trip:      32 hexadecimal digits, drawn for this trip; also the name of its folder on the medium.
    number:    counts the trips of `issuer` to `to` under its `epoch`, from 1: shows which are missing.
    made_at:   seconds since 1970 UTC by the issuer's clock.     label: what is written on the medium.
    asked_by, confirmed_by: login names at the issuer.
    part:      bytes of one file on the medium: what is larger was cut into several.
    heard:     trips of `to` that arrived at the issuer, the newest last.
    """

    issuer: UnitCode
    to: UnitCode
    trip: str
    epoch: int
    number: int
    made_at: int
    label: str
    asked_by: str
    confirmed_by: str
    part: int
    files: tuple[TripFile, ...]
    heard: tuple[str, ...]

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(file.size for file in self.files)


@dataclass(frozen=True, slots=True)
class Trip:
    """The ledger's record of one trip. Times are seconds since 1970 UTC, None where it has not come to that.

    id: how commands name it.     medium: the folder in which the medium was mounted.
    epoch, number: of its issuer; None until it is confirmed (out).     files, size: what it carries, in bytes.
    confirm_by: until then a second person must have confirmed.
    """

    id: int
    way: TripWay
    trip: str
    link: LinkName
    peer: UnitCode
    state: TripState
    medium: str
    label: str
    files: int
    size: int
    asked_by: str
    asked_at: float
    confirm_by: float
    epoch: int | None = None
    number: int | None = None
    confirmed_by: str | None = None
    confirmed_at: float | None = None
    carried_at: float | None = None
    ended_at: float | None = None
