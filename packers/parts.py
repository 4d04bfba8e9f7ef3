"""Several zips that are one export: the police system has no ZIP64 and cuts what is over 4 GiB into `_P1of3` and on."""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import BinaryIO, TypeVar

from gateway.standard.findings import Finding, Place, Verdict
from gateway.standard.package import Renamed
from packers import names
from packers.container import Container, ContainerEntry, Limits, Watch, open_container

_PART = re.compile(r"(?P<stem>.+)_P(?P<part>[1-9][0-9]?)of(?P<parts>[1-9][0-9]?)\.zip", re.IGNORECASE)
"""At most 99, of 400 GB: a whole dossier with its videos."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class PartName:
    """What a zip's name says of the parts that it belongs to."""

    stem: str
    part: int
    parts: int

    def of(self, part: int) -> str:
        """Return the name of another part."""
        return part_name(self.stem, part, self.parts)


def part_name(stem: str, part: int, parts: int) -> str:
    """Return the name of one part of several."""
    return f"{stem}_P{part}of{parts}.zip"


def read_part_name(name: str) -> PartName | None:
    """Return what `name` says; None for a zip that stands for itself."""
    match = _PART.fullmatch(name)
    if match is None or int(match["part"]) > int(match["parts"]):
        return None
    return PartName(match["stem"], int(match["part"]), int(match["parts"]))


def binned(items: Sequence[T], size: Callable[[T], int], limit: int) -> list[list[T]]:
    """Return `items` in their order, cut so that each part is at most `limit` in `size`; a larger item is alone."""
    found: list[list[T]] = [[]]
    used = 0
    for item in items:
        if found[-1] and used + size(item) > limit:
            found.append([])
            used = 0
        found[-1].append(item)
        used += size(item)
    return found


@dataclass(slots=True)
class Parts:
    """The zips of one export as if they were one (`Container`)."""

    containers: Sequence[Container]
    limits: Limits
    entries: Sequence[ContainerEntry] = ()
    findings: list[Finding] = field(default_factory=list)
    is_readable: bool = True
    _home: dict[str, Container] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.findings = [finding for one in self.containers for finding in one.findings]
        self._gather()
        self._check()

    @property
    def dropped(self) -> list[str]:
        return [name for one in self.containers for name in one.dropped]

    @property
    def renamed(self) -> list[Renamed]:
        return [renamed for one in self.containers for renamed in one.renamed]

    @property
    def name_encoding(self) -> str:
        found = {one.name_encoding for one in self.containers}
        return next((one for one in (names.GB18030, names.UTF8) if one in found), names.ASCII)

    def open(self, entry: ContainerEntry) -> BinaryIO:
        """Return a stream of the entry's bytes, as `Container.open`."""
        return self._home[entry.path].open(entry)

    def sweep(self, watch_of: Callable[[ContainerEntry], Watch | None]) -> None:
        """Inflate every entry of every part once, as `Container.sweep`."""
        if not self.is_readable:
            return
        for one in self.containers:
            before = len(one.findings)
            one.sweep(watch_of)
            self.findings.extend(one.findings[before:])
        self._gather()

    def _gather(self) -> None:
        self.is_readable = self.is_readable and all(one.is_readable for one in self.containers)
        self.entries = tuple(chain.from_iterable(one.entries for one in self.containers)) if self.is_readable else ()
        self._home = {entry.path: one for one in self.containers for entry in one.entries}

    def _check(self) -> None:
        for at in names.clashes([entry.path for entry in self.entries]):
            self._refuse("ZIP-DUP-ENTRY", self.entries[at].name, "twice")
        first = next((entry.name for entry in self.entries), "")
        if len(self.entries) > self.limits.members:
            self._refuse("ZIP-LIMIT", first, "members")
        if sum(entry.size for entry in self.entries) > self.limits.inflated:
            self._refuse("ZIP-LIMIT", first, "absolute")
        if not self.is_readable:
            self.entries = ()

    def _refuse(self, code: str, name: str, why: str) -> None:
        facts: dict[str, str | int] = {"file": name, "why": why}
        self.findings.append(Finding(code, Verdict.REJECT, Place(name), mender="vendor", facts=facts))
        self.is_readable = False


@contextmanager
def open_parts(paths: Sequence[Path], limits: Limits) -> Iterator[Container | Parts]:
    """Open the zips `paths` of one export; OSError if the disk fails, never for their content."""
    with ExitStack() as stack:
        found = [stack.enter_context(open_container(path, limits)) for path in paths]
        yield found[0] if len(found) == 1 else Parts(found, limits)
