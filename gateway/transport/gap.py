"""The gap transport: a folder mailbox whose boundary caps sizes, names and numbers of files, and keeps no order."""

import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from gateway.domain.clock import Clock
from gateway.domain.ids import WireName
from gateway.transport import disk, notes
from gateway.transport.api import Entry, Progress, silent
from gateway.transport.errors import fault, local_disk, mailbox_disk
from gateway.transport.folder import FolderTransport
from gateway.transport.partfiles import Give, PartDeposit, copy_out, is_there
from gateway.transport.parts import Shape, Whole
from gateway.transport.partsets import Found, Look, Part, PartSet

LOOK_AGAIN_SECONDS = 600.0
"""A part whose content is not what its header says may still be growing; after this long it is read once more, and if
it is still wrong then, removed."""
LEFTOVER_SECONDS = 7 * 86400.0
"""An incomplete set that has not grown for so long is removed."""


@dataclass(frozen=True, slots=True)
class _Damage:
    inode: int
    size: int
    seen_at: float


class GapTransport(FolderTransport):
    """As FolderTransport; what it deposits are parts if there is a `shape`, and parts are understood wherever it looks.

    A part says in its header what it belongs to and proves its content by a digest, so nothing rests on names, order,
    times, or on how often a part comes. A whole is listed when all of its parts are there, and fetched only as its
    digests say. Whoever sends may change its shape at any time; whoever receives need not know it.

    notes:    a folder of our own: how far a deposit has come that the boundary interrupted, and since when a set has
              been incomplete. Losing it costs sending again, and time.
    leftover: seconds.
    """

    def __init__(
        self,
        deposit: Path | None,
        collect: Path | None,
        *,
        notes: Path,
        clock: Clock,
        shape: Shape | None = None,
        leftover: float = LEFTOVER_SECONDS,
        sentinel: str | None = None,
        mode: int = 0o640,
    ) -> None:
        super().__init__(deposit, collect, sentinel=sentinel, mode=mode)
        self._notes = notes
        self._clock = clock
        self._shape = shape
        self._leftover = leftover
        self._damaged: dict[str, _Damage] = {}
        self._waiting = Look()
        self._left = Look()

    # -- leaving things -----------------------------------------------------------------------------------------------

    def deposit(self, source: Path, name: WireName, progress: Progress = silent) -> None:
        """As the contract says. A folder that holds as many files as it may raises `mailbox-full`; what was written by
        then is not written again."""
        if self._shape is None:
            super().deposit(source, name, progress)
            return
        with ExitStack() as stack:
            with local_disk():
                reader = stack.enter_context(source.open("rb", buffering=0))
                size = os.fstat(reader.fileno()).st_size
            folder = stack.enter_context(self._folder(self._deposit))
            self._sweep(folder)
            whole, present = self._look_back(Whole(name, size, self._shape.stride(size)), folder)
            deposit = PartDeposit(
                self._shape, whole, folder=folder, reader=reader.fileno(), mode=self._mode, noted=self._notes
            )
            deposit.run(present, progress)

    def _look_back(self, whole: Whole, folder: int) -> tuple[Whole, Mapping[int, Part]]:
        """Return the whole that is to be there in the end, and its parts that are; other attempts' rests are removed.

        Raises `name-taken` if another file of that name lies there, complete.
        """
        with mailbox_disk():
            found = self._left.into(folder, without={})
            complete = found.complete(whole.name)
            for other in complete:
                if other.total == whole.total:
                    whole = other  # what lies there was left in another shape, and is as good
            if complete and whole not in complete:
                held = complete[0].total
                detail = f"the name is there with {held} bytes, not {whole.total}"
                raise fault("name-taken", detail, held=held, sent=whole.total)
            stale = [parts for other, parts in found.sets.items() if other.name == whole.name and other != whole]
            for parts in stale:
                for file in parts.files():
                    disk.discard(file, folder)
            mine = found.sets.get(whole, PartSet())
            for part in mine.debris:
                disk.discard(part.file, folder)
            present = {index: parts[0] for index, parts in mine.parts.items()}
            for part in present.values():
                disk.discard(disk.temp_name(WireName(part.file)), folder)
        return whole, present

    # -- collecting ---------------------------------------------------------------------------------------------------

    def listing(self) -> list[Entry]:
        """As the contract says; sets of parts that will never be complete are removed after a time."""
        if self._collect is None:
            return []
        with self._folder(self._collect) as folder:
            with mailbox_disk():
                found = self._find(folder)
            self._tidy(found, folder)
        return found.entries()

    def head(self, name: WireName, length: int) -> bytes:
        with self._folder(self._collect) as folder:
            with mailbox_disk():
                found = self._find(folder)
            wholes = found.complete(name)
            if name in found.plain or not wholes:
                return super().head(name, length)
            whole, kept = wholes[0], bytearray()
            parts = found.sets[whole].parts
            for index in range(whole.count):
                start = index * whole.stride
                if start >= length:
                    break

                def keep(offset: int, block: bytes, start: int = start) -> None:
                    del kept[start + offset :]
                    kept.extend(block[: max(0, length - len(kept))])

                self._take(parts[index], folder, keep)
            return bytes(kept)

    def fetch(self, name: WireName, into: Path, size: int, progress: Progress = silent) -> None:
        with self._folder(self._collect) as folder:
            with mailbox_disk():
                found = self._find(folder)
            wholes = found.complete(name)
            if name in found.plain or not wholes:
                super().fetch(name, into, size, progress)
                return
            whole = next((one for one in wholes if one.total == size), None)
            if whole is None:
                held = wholes[0].total
                raise fault("size-mismatch", f"{held} bytes are there, {size} were listed", held=held, sent=size)
            self._assemble(whole, found.sets[whole], folder, into, progress)

    def remove(self, names: Sequence[WireName]) -> None:
        wanted = frozenset(names)
        with self._folder(self._collect) as folder, mailbox_disk():
            found = self._find(folder)
            for whole, parts in found.sets.items():
                if whole.name in wanted:
                    for file in parts.files():
                        with suppress(FileNotFoundError):
                            os.unlink(file, dir_fd=folder)
        super().remove(names)

    def _find(self, folder: int) -> Found:
        """Return what waits, without the parts that were found damaged a short while ago."""
        now = self._clock.monotonic()
        for file in [one for one in list(self._damaged) if disk.size_of(one, folder) is None]:
            self._damaged.pop(file, None)  # taken away by the boundary, or by us with its whole
        fresh = {
            file: (damage.inode, damage.size)
            for file, damage in list(self._damaged.items())
            if now - damage.seen_at < LOOK_AGAIN_SECONDS
        }
        return self._waiting.into(folder, without=fresh)

    def _assemble(self, whole: Whole, parts: PartSet, folder: int, into: Path, progress: Progress) -> None:
        with local_disk(), into.open("r+b" if into.exists() else "w+b", buffering=0) as writer:
            held = os.fstat(writer.fileno()).st_size
            for index in range(whole.count):
                start = index * whole.stride
                end = start + whole.length(index)
                if end <= held and is_there(writer.fileno(), start, parts.parts[index]):
                    if end > start:
                        progress(end)
                    continue
                held = 0  # nothing behind the first difference is looked at

                def write(offset: int, block: bytes, start: int = start) -> None:
                    with local_disk():
                        writer.seek(start + offset)
                        disk.write_all(writer.fileno(), block)
                    progress(start + offset + len(block))

                self._take(parts.parts[index], folder, write)
            writer.truncate(whole.total)
            os.fsync(writer.fileno())

    def _take(self, parts: Sequence[Part], folder: int, give: Give) -> None:
        """Hand out the content of the first of `parts` (all bear the same index) that is what it says.

        Blocks are handed out before the digest is known, so what came from a bad one is handed out again, from offset
        0, from the next; `no-such-name` if there is no good one.
        """
        for part in parts:
            with mailbox_disk():
                if copy_out(part, folder, give):
                    self._damaged.pop(part.file, None)
                    return
                self._note_damage(part, folder)
        raise fault("no-such-name", f"part {parts[0].header.index + 1} is damaged; it has to come again")

    def _note_damage(self, part: Part, folder: int) -> None:
        known = self._damaged.get(part.file)
        now = self._clock.monotonic()
        if known is None or (known.inode, known.size) != (part.inode, part.size):
            self._damaged[part.file] = _Damage(part.inode, part.size, now)
        elif now - known.seen_at >= LOOK_AGAIN_SECONDS:
            disk.discard(part.file, folder)
            self._damaged.pop(part.file, None)

    # -- leftovers ----------------------------------------------------------------------------------------------------

    def _tidy(self, found: Found, folder: int) -> None:
        """Remove sets that have been incomplete for too long without growing; note since when the others are."""
        now = self._clock.now()
        with local_disk():
            noted = notes.incomplete(self._notes)
            for whole, parts in found.sets.items():
                if parts.is_complete(whole):
                    continue
                files = list(parts.files())
                note = notes.name_of(whole)
                since, had = noted.pop(note, (now, -1))
                if had != len(files) or since > now:
                    notes.write(self._notes, note, now, len(files))
                elif now - since >= self._leftover:
                    for file in files:
                        disk.discard(file, folder)
                    notes.drop(self._notes, note)
            for note in noted:
                notes.drop(self._notes, note)
