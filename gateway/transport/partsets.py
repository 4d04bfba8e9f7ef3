"""What lies in a folder behind a gap device: plain files, and sets of parts that are complete or not."""

import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from gateway.bundle.names import parse
from gateway.domain.ids import WireName
from gateway.transport import disk
from gateway.transport.api import Entry
from gateway.transport.parts import HEADER, Header, Whole, parse_header


@dataclass(frozen=True, slots=True)
class Part:
    """One file that calls itself a part. `inode` and `size` tell it from another one of the same name."""

    file: str
    header: Header
    size: int
    inode: int

    @property
    def is_whole(self) -> bool:
        """Whether it has the size that its header promises."""
        return self.size == HEADER + self.header.length


@dataclass(slots=True)
class PartSet:
    """All parts of one whole, damaged ones and repetitions included."""

    parts: dict[int, list[Part]] = field(default_factory=dict)
    debris: list[Part] = field(default_factory=list)
    """Parts that are cut off, or still growing."""

    def is_complete(self, whole: Whole) -> bool:
        """Whether every part is there."""
        return len(self.parts) == whole.count

    def files(self) -> Iterator[str]:
        """Yield the names of all files of the set."""
        for parts in (*self.parts.values(), self.debris):
            yield from (part.file for part in parts)


@dataclass(frozen=True, slots=True)
class Found:
    """What one look into a folder has shown."""

    plain: Mapping[WireName, int]
    sets: Mapping[Whole, PartSet]
    count: int
    """Files of any kind, hidden ones included."""

    def complete(self, name: WireName) -> Sequence[Whole]:
        """Return the wholes of that name of which every part is there, in a fixed order."""
        return sorted(
            (whole for whole, parts in self.sets.items() if whole.name == name and parts.is_complete(whole)),
            key=lambda whole: (whole.total, whole.stride),
        )

    def entries(self) -> list[Entry]:
        """Return what can be fetched, each name once."""
        sizes = {whole.name: whole.total for whole, parts in self.sets.items() if parts.is_complete(whole)}
        sizes |= self.plain
        return [Entry(name, size) for name, size in sizes.items()]


class Look:
    """Looks into one folder again and again, and remembers the headers it has read.

    What is remembered only spares reading: whoever uses a part reads its header, and checks its content, once more.
    """

    def __init__(self) -> None:
        self._known: dict[str, tuple[tuple[int, int, int], Part | None]] = {}

    def into(self, folder: int, *, without: Mapping[str, tuple[int, int]]) -> Found:
        """Return what `folder` (a descriptor) holds; OSError if it cannot be listed.

        without: file -> (inode, size) of parts that are known to be damaged and count as debris.
        """
        known: dict[str, tuple[tuple[int, int, int], Part | None]] = {}
        plain: dict[WireName, int] = {}
        sets: dict[Whole, PartSet] = {}
        count = 0
        with os.scandir(folder) as listed:
            for item in listed:
                # One entry that cannot be examined must not hide its neighbours.
                with suppress(OSError):
                    found = item.stat(follow_symlinks=False)
                    if not stat.S_ISREG(found.st_mode):
                        continue
                    count += 1
                    if item.name.startswith("."):
                        continue
                    name = disk.as_wire_name(item.name)
                    part = None
                    if name is None or parse(name) is None:
                        part = self._part(item.name, found, folder, known)
                    if part is not None:
                        sound = part.is_whole and without.get(part.file) != (part.inode, part.size)
                        held = sets.setdefault(part.header.whole, PartSet())
                        (held.parts.setdefault(part.header.index, []) if sound else held.debris).append(part)
                    elif name is not None:
                        plain[name] = found.st_size
        self._known = known
        return Found(plain, sets, count)

    def _part(
        self,
        file: str,
        found: os.stat_result,
        folder: int,
        known: dict[str, tuple[tuple[int, int, int], Part | None]],
    ) -> Part | None:
        stamp = (found.st_ino, found.st_size, found.st_mtime_ns)
        remembered = self._known.get(file)
        if remembered is not None and remembered[0] == stamp and remembered[1] is not None:
            known[file] = remembered
            return remembered[1]
        header = read_header(file, folder) if found.st_size >= HEADER else None
        part = None if header is None else Part(file, header, found.st_size, found.st_ino)
        known[file] = stamp, part
        return part


def read_header(file: str, folder: int) -> Header | None:
    """Return the header of `file`, None if it is no part; OSError if it cannot be read."""
    reader = disk.open_regular(file, folder)
    try:
        return parse_header(os.pread(reader, HEADER, 0))
    finally:
        os.close(reader)
