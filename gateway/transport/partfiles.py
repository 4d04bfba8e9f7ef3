"""Writes the parts of one file into a folder, and takes the content out of a part again."""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from gateway.domain.ids import WireName
from gateway.transport import disk, notes
from gateway.transport.api import Progress
from gateway.transport.errors import fault, local_disk, mailbox_disk
from gateway.transport.folder import BLOCK
from gateway.transport.parts import HEADER, Header, Shape, Whole, part_names
from gateway.transport.partsets import Part, read_header

Give = Callable[[int, bytes], None]
"""Takes (offset in the part, block)."""


class PartDeposit:
    """Leaves one whole in the folder of a gap device, part by part; each is complete under its name, or not there.

    A crash between any two steps costs at most that a part is sent twice, which is harmless.
    """

    def __init__(self, shape: Shape, whole: Whole, *, folder: int, reader: int, mode: int, noted: Path) -> None:
        """folder, reader: descriptors of the mailbox folder and of the source. noted: our folder of notes."""
        self._shape = shape
        self._whole = whole
        self._folder = folder
        self._reader = reader
        self._mode = mode
        self._noted = noted

    def run(self, present: Mapping[int, Part], progress: Progress) -> None:
        """Write every part that is not `present` and was not written before by a deposit that broke.

        Raises `mailbox-full` when the folder holds as many files as it may, or its disk is full.
        """
        whole = self._whole
        with local_disk():
            done = notes.sent(self._noted, whole)
        missing = [index for index in range(done, whole.count) if index not in present]
        if missing:
            self._require_room(sum(whole.length(index) + HEADER for index in missing))
            if missing[0]:
                progress(missing[0] * whole.stride)
            for index in missing:
                self._require_place()
                self._write(index, progress)
                if whole.count > 1:
                    # On record before the next: the boundary may take this part away at once.
                    with local_disk():
                        notes.write(self._noted, notes.sent_name(whole), whole.total, whole.stride, index + 1)
        with mailbox_disk():
            # The rename of an earlier attempt may not be durable yet.
            os.fsync(self._folder)
        with local_disk():
            notes.drop(self._noted, notes.sent_name(whole))

    def _require_room(self, needed: int) -> None:
        with mailbox_disk():
            free = disk.free_bytes(self._folder)
        if free < needed:
            raise fault("mailbox-full", f"{free} bytes are free, {needed} are needed", free=free, sent=needed)

    def _require_place(self) -> None:
        most = self._shape.max_files
        if most is None:
            return
        with mailbox_disk(), os.scandir(self._folder) as listed:
            count = sum(1 for _ in listed)
        if count >= most:
            raise fault("mailbox-full", f"{count} files wait in the folder, {most} may", files=count)

    def _write(self, index: int, progress: Progress) -> None:
        whole = self._whole
        temp, name = self._name(index)
        with mailbox_disk():
            disk.discard(temp, self._folder)
            writer = disk.create_exclusive(temp, self._folder, self._mode)
        try:
            try:
                self._fill(writer, index, progress)
                with mailbox_disk():
                    os.fsync(writer)
                    held = os.fstat(writer).st_size
            finally:
                with mailbox_disk():
                    os.close(writer)
            if held != HEADER + whole.length(index):
                raise fault("size-mismatch", f"part {index + 1} arrived with {held} bytes", held=held)
            with mailbox_disk():
                try:
                    disk.publish(temp, name, self._folder)
                except FileExistsError as error:
                    raise fault("name-taken", "somebody else deposits into this folder") from error
        except BaseException:
            disk.discard(temp, self._folder)
            raise

    def _fill(self, writer: int, index: int, progress: Progress) -> None:
        """Write the content, then the header before it: what is not finished is no part."""
        whole = self._whole
        hasher = Header(whole, index, bytes(32)).hasher()
        start, length, done = index * whole.stride, whole.length(index), 0
        with mailbox_disk():
            os.lseek(writer, HEADER, os.SEEK_SET)
        while done < length:
            with local_disk():
                block = os.pread(self._reader, min(BLOCK, length - done), start + done)
            if not block:
                raise fault(
                    "local-io", f"the source ended after {start + done} of {whole.total} bytes", reason="shrunk"
                )
            hasher.update(block)
            with mailbox_disk():
                disk.write_all(writer, block)
            done += len(block)
            progress(start + done)
        with mailbox_disk():
            os.lseek(writer, 0, os.SEEK_SET)
            disk.write_all(writer, Header(whole, index, hasher.digest()).pack())

    def _name(self, index: int) -> tuple[str, str]:
        """Return the hidden name under which a part grows, and one that is free for it."""
        with mailbox_disk():
            for name in part_names(self._shape, self._whole, index):
                if disk.size_of(name, self._folder) is None:
                    return disk.temp_name(WireName(name)), name
        raise fault("name-taken", f"every name that part {index + 1} may bear is taken")


def copy_out(part: Part, folder: int, give: Give) -> bool:
    """Hand out the content of `part`; return whether all of it is what the header promises, which is known at the end.

    OSError if it cannot be read; one that is gone is as good as a bad one.
    """
    try:
        if read_header(part.file, folder) != part.header:
            return False
        reader = disk.open_regular(part.file, folder)
    except FileNotFoundError:
        return False
    try:
        hasher = part.header.hasher()
        done = 0
        while done < part.header.length:
            block = os.pread(reader, min(BLOCK, part.header.length - done), HEADER + done)
            if not block:
                return False
            hasher.update(block)
            give(done, block)
            done += len(block)
        return hasher.digest() == part.header.digest
    finally:
        os.close(reader)


def is_there(writer: int, start: int, parts: Sequence[Part]) -> bool:
    """Whether the file `writer` holds, from `start` on, what one of `parts` promises."""
    header = parts[0].header
    hasher = header.hasher()
    done = 0
    while done < header.length:
        block = os.pread(writer, min(BLOCK, header.length - done), start + done)
        if not block:
            return False
        hasher.update(block)
        done += len(block)
    found = hasher.digest()
    return any(part.header.digest == found for part in parts)
