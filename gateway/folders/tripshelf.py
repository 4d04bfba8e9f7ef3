"""The folders of a link by media on our own disk: what waits, what came, and what is on its way, by trip."""

import os
from collections.abc import Sequence
from pathlib import Path

from gateway.bundle.names import Kind, parse
from gateway.folders import disk

TRIPS = "trips"
"""Folder in a mailbox: what is on its way stays in it, by trip, until the peer says that it arrived."""
ABOUT_A_FILE = 200
"""Bytes of an index for one file."""
ABOUT_AN_INDEX = 64 << 10
"""Bytes of an index without any."""

Named = tuple[str, int]
"""Wire name and bytes."""


class TripShelf:
    """The mailbox folder `box` with its folders `out` and `into`. Errors as `disk.failure` says."""

    def __init__(self, box: Path, out: Path, into: Path) -> None:
        self._box = box
        self._out = out
        self._into = into

    @property
    def box(self) -> Path:
        """The mailbox folder."""
        return self._box

    def prepare(self) -> None:
        """Make the folders that are missing; may be repeated."""
        for folder in (self._out, self._into, self._box / TRIPS):
            disk.owner_only(folder)

    def waiting(self) -> list[Named]:
        """Return what waits for a trip: small things first, then bundles, the oldest first."""
        if not self._out.is_dir():
            return []
        found = []
        with disk.mapped(self._out):
            for path in self._out.iterdir():
                kind = parse(path.name)
                if kind is not None:
                    told = path.stat()
                    found.append((kind[0] is Kind.BUNDLE, told.st_mtime_ns, path.name, told.st_size))
        return [(name, size) for _, _, name, size in sorted(found)]

    def take_along(self, trip: int, names: Sequence[str]) -> None:
        """Move what waits under `names` into the folder of a trip."""
        folder = self.folder(trip)
        moves = [(self._out / name, folder / name) for name in names]
        with disk.mapped(folder):
            for source, target in moves:
                source.replace(target)
        disk.fsync_renamed(moves)

    def folder(self, trip: int) -> Path:
        """Return the folder of a trip, made if it is missing."""
        folder = self._box / TRIPS / str(trip)
        disk.owner_only(folder)
        return folder

    def files(self, trip: int) -> list[tuple[Path, int]]:
        """Return the files of a trip by name, with their sizes in bytes."""
        folder = self.folder(trip)
        with disk.mapped(folder):
            return [(path, path.stat().st_size) for path in sorted(folder.iterdir()) if parse(path.name) is not None]

    def room(self, trip: int) -> int:
        """Return the free bytes of the disk on which a trip is taken in."""
        folder = self.folder(trip)
        with disk.mapped(folder):
            found = os.statvfs(folder)
        return found.f_bavail * found.f_frsize

    def hand_in(self, trip: int, names: Sequence[str]) -> None:
        """Move a trip's files to where the daemon collects; what is there already stays. May be repeated."""
        self._move(self.folder(trip), self._into, names)

    def put_back(self, trip: int) -> None:
        """Let a trip's files wait again and forget its folder; may be repeated."""
        folder = self.folder(trip)
        self._move(folder, self._out, [path.name for path, _ in self.files(trip)])
        disk.remove_tree(folder)

    def forget(self, trip: int) -> None:
        """Remove what is left of a trip; may be repeated."""
        disk.remove_tree(self._box / TRIPS / str(trip))

    def shelved(self) -> list[int]:
        """Return the trips that have a folder."""
        with disk.mapped(self._box):
            return sorted(int(path.name) for path in (self._box / TRIPS).iterdir() if path.name.isdecimal())

    def _move(self, folder: Path, target: Path, names: Sequence[str]) -> None:
        for name in names:
            if disk.rename_new(folder / name, target / name) is disk.Moved.TAKEN:
                disk.remove_tree(folder / name)
        disk.fsync_folder(target)


def fitting(waiting: Sequence[Named], free: int, most: int) -> list[Named]:
    """Return what of `waiting` fits into `free` bytes of a medium, at most `most` files, in order; what is too large
    lets smaller things behind it pass."""
    taken, left = [], free - ABOUT_AN_INDEX
    for name, size in waiting[:most]:
        if size + ABOUT_A_FILE <= left:
            taken.append((name, size))
            left -= size + ABOUT_A_FILE
    return taken
