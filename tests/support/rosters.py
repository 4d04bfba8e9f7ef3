"""Signed rosters of invented provinces: an authority of three officers, and rosters made from cards or from nothing."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from gateway.bundle import aloud
from gateway.bundle.card import Card, parse_card
from gateway.bundle.keys import generate
from gateway.bundle.suites import Suite
from gateway.domain.ids import UnitCode
from gateway.keyring.officer import OfficerKey
from gateway.roster.authority import Officers, next_root, propose, sign
from gateway.roster.content import ANY, HUB, FlowClass, Level, Permission, RosterContent, RosterUnit, UnitKey
from gateway.roster.drafting import default_classes, default_permissions, unit_of_card
from gateway.roster.file import RosterFile, join
from gateway.roster.proving import fingerprint
from gateway.roster.store import RosterStore, Trusted
from tests.support.cards import ssh_key

DAY = 86400
FOREVER = 4_000_000_000
"""Seconds since 1970 UTC, in the year 2096."""
SINCE = 1_600_000_000


def with_cheap_digits(patched: pytest.MonkeyPatch) -> None:
    """Let fingerprints cost nothing: what makes a forged match dear is no concern of most tests."""
    patched.setattr(aloud, "_SCRYPT_N", 2)


@dataclass
class Authority:
    """Three officers, of whom two must sign, and every root they ever made."""

    officers: list[OfficerKey] = field(default_factory=lambda: [OfficerKey.draw() for _ in range(3)])
    threshold: int = 2
    roots: list[bytes] = field(default_factory=list)
    root_expires: int = FOREVER

    def __post_init__(self) -> None:
        if not self.roots:
            self.change_root(self.officers, self.threshold)

    def change_root(
        self, officers: Sequence[OfficerKey], threshold: int, signing: Sequence[OfficerKey] | None = None
    ) -> None:
        """Make the next root, signed by `signing`, else by the officers before and after."""
        by = [*self.officers, *officers] if signing is None else signing
        fresh = next_root(self.roots, Officers(tuple(one.public for one in officers), threshold), self.root_expires)
        self.officers, self.threshold = list(officers), threshold
        file = propose([*self.roots, fresh], empty(), FOREVER)
        for one in by:
            file = sign(file, one.public, one.sign)
        self.roots.append(file.roots[-1])

    def issue(
        self, content: RosterContent, *, expires: int = FOREVER, signing: Sequence[OfficerKey] | None = None
    ) -> bytes:
        """Return the file of `content`, signed by `signing`, else by as many officers as must."""
        return join(self.issue_file(content, expires=expires, signing=signing))

    def issue_file(
        self, content: RosterContent, *, expires: int = FOREVER, signing: Sequence[OfficerKey] | None = None
    ) -> RosterFile:
        file = propose(self.roots, content, expires)
        for one in self.officers[: self.threshold] if signing is None else signing:
            file = sign(file, one.public, one.sign)
        return file

    def fingerprint(self) -> str:
        """Return the digits of the newest root."""
        return fingerprint(self.roots[-1])


def empty(version: int = 1) -> RosterContent:
    """Return a roster of nobody with every rule of the standard."""
    return RosterContent(version, SINCE, "测试省", (), default_permissions(), default_classes())


def listed(
    card: Card | bytes,
    role: str,
    *,
    level: Level = Level.COUNTY,
    region: str = "990102",
    parent: str | None = None,
    hubs: Sequence[str] = (),
    since: int = SINCE,
) -> RosterUnit:
    """Return the entry of the unit whose card this is."""
    read = parse_card(card) if isinstance(card, bytes) else card
    above = None if parent is None else UnitCode(parent)
    return unit_of_card(
        read, role=role, level=level, region=region, parent=above, hubs=tuple(map(UnitCode, hubs)), since=since
    )


def invented(
    unit: str,
    role: str = "police",
    *,
    name: str = "",
    level: Level = Level.COUNTY,
    region: str = "990102",
    hubs: Sequence[str] = (),
    suite: Suite = Suite.CLASSIC,
) -> RosterUnit:
    """Return a unit that has keys and no node."""
    keys = (UnitKey(generate(suite).public, SINCE, FOREVER),)
    return RosterUnit(
        unit=UnitCode(unit),
        name=name or f"单位{unit}",
        role=role,
        level=level,
        region=region,
        parent=None,
        hubs=tuple(map(UnitCode, hubs)),
        names=(),
        keys=keys,
        suites=(suite,),
        ssh_host_key=ssh_key(),
        ssh_user_keys=(ssh_key(),),
        since=SINCE,
    )


def with_plain_files(content: RosterContent) -> RosterContent:
    """Return `content` with leave for everybody to send plain files, which are of no flow of the standard."""
    return replace(content, permissions=(*content.permissions, Permission("unclassified", ANY, ANY)))


def hub(unit: str, *, hubs: Sequence[str] = (), level: Level = Level.PROVINCE, region: str = "990000") -> RosterUnit:
    """Return a hub that has keys and no node."""
    return invented(unit, HUB, level=level, region=region, hubs=hubs)


def roster_of(
    *units: RosterUnit,
    version: int = 1,
    permissions: tuple[Permission, ...] | None = None,
    classes: tuple[FlowClass, ...] | None = None,
) -> RosterContent:
    """Return a roster of `units` with the rules of the standard unless others are given."""
    content = replace(empty(version), units=tuple(sorted(units, key=lambda one: one.unit)))
    if permissions is not None:
        content = replace(content, permissions=permissions)
    return content if classes is None else replace(content, classes=classes)


def install(state: Path, raw: bytes, authority: Authority, now: float = SINCE + 1) -> Trusted:
    """Let the node whose state folder this is trust the roster file `raw`, or take it in if it trusts one already."""
    store = RosterStore(state / "roster")
    if store.load() is None:
        return store.trust(raw, authority.fingerprint(), now=now)
    return store.take(raw, now=now)[1]


def changed(content: RosterContent, unit: str, **facts: object) -> RosterContent:
    """Return the roster with one unit's facts changed."""
    units = tuple(replace(one, **facts) if one.unit == unit else one for one in content.units)  # type: ignore[arg-type]  # names of fields
    return replace(content, units=units)


def with_key(unit: RosterUnit, **facts: object) -> dict[str, object]:
    return {"keys": tuple(replace(key, **facts) for key in unit.keys)}  # type: ignore[arg-type]  # names of fields


def entry(content: RosterContent, unit: str) -> RosterUnit:
    return next(one for one in content.units if one.unit == unit)
