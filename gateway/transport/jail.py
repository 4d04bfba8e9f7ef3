"""What a guest may see and do over SFTP: its own mailbox, by the rules of a mailbox, and nothing else."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from functools import partial
from weakref import WeakSet

import asyncssh

from gateway.transport import disk
from gateway.transport.agreement import RESUME_FROM
from gateway.transport.growth import GapsError, Growth
from gateway.transport.hosted import IN, OUT
from gateway.transport.places import FILE_MODE, FOLDER, ROOT, attributes, place, require_regular, require_wire
from gateway.transport.quota import Mailbox, QuotaError
from gateway.transport.refusing import MailboxServer
from gateway.transport.served import Listing, ReadFile

READ_MAX = 256 << 10
"""Bytes answered to one read, whatever was asked for."""
_HANDLES_MAX = 16
_BUFFERED_MAX = 4 << 20
"""Bytes of answers that may wait for a guest that does not read them."""
_BUFFERED_PAUSE = 0.002
_TOLD_FROM = 8 << 20
"""Bytes of what is sent while it is sealed, from which it is told that it grows: less is soon opened afterwards."""


class GuestSession(MailboxServer):
    """One SFTP session of one guest. Paths are `/`, `/in`, `/out`, `/in/NAME`, `/out/NAME`; all else does not exist.

    in:  the guest creates hidden temporary names, writes them, renames them to their wire name without overwriting;
         reads, cuts and continues what a broken line left under a temporary name; cannot list, cannot read what was
         renamed, removes only temporary names. A file is durable before its rename is answered.
    out: the guest lists, reads and removes wire names.
    """

    def __init__(
        self,
        chan: "asyncssh.SSHServerChannel[bytes]",
        mailbox: Mailbox,
        *,
        active: Callable[[], None],
        deposited: Callable[[], None],
        growing: Callable[[], None],
        ended: "Callable[[GuestSession], None]",
    ) -> None:
        """`active` is called at every request, `deposited` after every rename, `growing` once something that is sent
        while it is sealed stands with its beginning, `ended` when the session is over."""
        super().__init__(chan)
        self._mailbox = mailbox
        self._active = active
        self._deposited = deposited
        self._growing = growing
        self._ended = ended
        self._open: set[int] = set()
        self._listings: WeakSet[Listing] = WeakSet()

    @property
    def has_open_files(self) -> bool:
        """Whether a file is being written or read."""
        return bool(self._open)

    # -- looking ----------------------------------------------------------------------------------------------------

    def realpath(self, path: bytes) -> bytes:
        folder, name = self._at(path)
        return "/".join(("", *filter(None, (folder, name)))).encode() or b"/"

    def stat(self, path: bytes) -> asyncssh.SFTPAttrs:
        folder, name = self._at(path)
        if not name:
            return FOLDER
        if folder == OUT:
            require_wire(name)
        with disk.opened_folder(self._mailbox.folder(folder)) as descriptor:
            found = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
        return attributes(found)

    lstat = stat

    def fstat(self, file_obj: object) -> asyncssh.SFTPAttrs:
        return attributes(os.fstat(_descriptor(file_obj)))

    def scandir(self, path: bytes) -> AsyncIterator[asyncssh.SFTPName]:
        folder, name = self._at(path)
        if name:
            raise asyncssh.SFTPNoSuchFile("not a folder")
        if len(self._listings) >= _HANDLES_MAX:
            raise asyncssh.SFTPFailure("too many open folders")
        listing = Listing(partial(self._names, folder))
        self._listings.add(listing)
        return listing

    def format_longname(self, name: asyncssh.SFTPName) -> None:
        name.longname = name.filename

    async def statvfs(self, path: bytes) -> asyncssh.SFTPVFSAttrs:
        self._at(path)
        space = await self._mailbox.space()
        return asyncssh.SFTPVFSAttrs(
            bsize=space.block,
            frsize=space.block,
            blocks=space.blocks,
            bfree=space.free_blocks,
            bavail=space.free_blocks,
            files=space.files,
            ffree=space.free_files,
            favail=space.free_files,
            namemax=255,
        )

    # -- opening and closing ------------------------------------------------------------------------------------------

    async def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> object:
        folder, name = self._at(path)
        if len(self._open) >= _HANDLES_MAX:
            raise asyncssh.SFTPFailure("too many open files")
        if folder == IN and disk.is_hidden(name):
            return await self._open_temp(name, pflags) if pflags & asyncssh.FXF_WRITE else self._read_from(IN, name)
        if folder == OUT and pflags == asyncssh.FXF_READ:
            require_wire(name)
            return self._read_from(OUT, name)
        raise asyncssh.SFTPPermissionDenied("temporary names grow in /in, wire names are read from /out")

    async def close(self, file_obj: object) -> None:
        self._active()
        descriptor = _descriptor(file_obj)
        try:
            if isinstance(file_obj, Growth):
                await self._finish(file_obj)
        except OSError:
            # The library closes what a guest that has left had open, and would stop at the first error.
            if not _has_left(self.channel):
                raise
        finally:
            self._open.discard(descriptor)
            os.close(descriptor)

    async def exit(self) -> None:
        self._ended(self)
        # What is worth continuing stays, and counts; the rest is sent again from the start and must not eat the quota.
        with suppress(OSError), disk.opened_folder(self._mailbox.folder(IN)) as descriptor:
            for temp in self._mailbox.disown(self):
                size = disk.size_of(temp, descriptor)
                if size is not None and (size < RESUME_FROM or temp == disk.HEAD_START):
                    disk.discard(temp, descriptor)
                    self._mailbox.removed(size)

    # -- moving bytes -------------------------------------------------------------------------------------------------

    async def read(self, file_obj: object, offset: int, size: int) -> bytes:
        self._active()
        await self._until_read()
        # Never beyond what was there at the opening, or a file could be copied into itself without end.
        there = file_obj.readable if isinstance(file_obj, Growth) else _reading(file_obj).size
        length = min(size, READ_MAX, there - offset)
        return os.pread(_descriptor(file_obj), length, offset) if length > 0 else b""

    async def write(self, file_obj: object, offset: int, data: bytes) -> int:
        self._active()
        if not isinstance(file_obj, Growth):
            raise asyncssh.SFTPPermissionDenied("opened for reading")
        self._require_growing(file_obj)
        offset = file_obj.place(offset)
        growth = offset + len(data) - file_obj.size
        if growth > 0:
            await self._within_quota(growth, reaching=offset + len(data))
            self._require_growing(file_obj)
            self._mailbox.grown(growth)
        try:
            await file_obj.write(offset, data)
        except GapsError as error:
            raise asyncssh.SFTPFailure("too many gaps") from error
        if not file_obj.is_told and file_obj.solid and file_obj.size >= _TOLD_FROM and file_obj.temp == disk.HEAD_START:
            file_obj.is_told = True
            self._growing()
        return len(data)

    async def fsync(self, file_obj: object) -> None:
        if isinstance(file_obj, Growth):
            await file_obj.synced()

    # -- names --------------------------------------------------------------------------------------------------------

    async def rename(self, oldpath: bytes, newpath: bytes) -> None:
        old_folder, temp = self._at(oldpath)
        new_folder, name = self._at(newpath)
        if old_folder != IN or new_folder != IN or not disk.may_become(temp, name):
            raise asyncssh.SFTPPermissionDenied("only a temporary name may be renamed, to its own wire name")
        self._require_unpublished(temp)
        growth = self._mailbox.growing.get(temp)
        self._mailbox.publishing.add(temp)
        try:
            if growth is not None:
                growth.is_final = True
                await self._finish(growth)  # which it is, unless the guest has it open still
            await asyncio.to_thread(self._publish, temp, name, is_synced=growth is not None)
            self._mailbox.growing.pop(temp, None)
        finally:
            self._mailbox.publishing.discard(temp)
        if temp != disk.HEAD_START:
            self._deposited()
        elif growth is not None:
            # Its own handle is closed to writing by this; who goes on opens the part anew.
            self._mailbox.growing[name] = growth

    posix_rename = rename

    def remove(self, path: bytes) -> None:
        folder, name = self._at(path)
        if folder == OUT:
            require_wire(name)
        elif not disk.is_hidden(name):
            raise asyncssh.SFTPPermissionDenied("what was deposited cannot be taken back")
        with disk.opened_folder(self._mailbox.folder(folder)) as descriptor:
            found = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
            require_regular(found)
            os.unlink(name, dir_fd=descriptor)
        if folder == IN:
            self._mailbox.growing.pop(name, None)
            self._mailbox.removed(found.st_size)

    def setstat(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:
        self._at(path)
        _ignore_attributes(attrs)

    lsetstat = setstat

    def fsetstat(self, file_obj: object, attrs: asyncssh.SFTPAttrs) -> None:
        if isinstance(file_obj, Growth) and attrs.size is not None and attrs.size <= file_obj.size:
            self._require_growing(file_obj)
            self._mailbox.shrunk(file_obj.cut(attrs.size))
        else:
            _ignore_attributes(attrs)

    # -- inner --------------------------------------------------------------------------------------------------------

    async def _until_read(self) -> None:
        # A guest that asks and does not read the answers would fill our memory; the library sends without waiting.
        while _unsent(self.channel) > _BUFFERED_MAX:
            await asyncio.sleep(_BUFFERED_PAUSE)

    async def _names(self, folder: str) -> list[asyncssh.SFTPName]:
        await self._until_read()
        if folder == ROOT:
            return [asyncssh.SFTPName(child.encode(), attrs=FOLDER) for child in (IN, OUT)]
        if folder == IN:
            return []
        found = await asyncio.to_thread(self._mailbox.waiting)
        return [
            asyncssh.SFTPName(name.encode(), attrs=asyncssh.SFTPAttrs(size=size, permissions=FILE_MODE))
            for name, size in found
        ]

    def _at(self, path: bytes) -> tuple[str, str]:
        self._active()
        return place(path)

    async def _open_temp(self, name: str, pflags: int) -> Growth:
        """Open a temporary name for writing: create it, begin it anew, or take over what a broken line left."""
        self._require_unpublished(name)
        with disk.opened_folder(self._mailbox.folder(IN)) as folder:
            opened = None if pflags & asyncssh.FXF_EXCL else self._taken_over(name, folder, pflags)
            if opened is None:
                await self._within_quota(0, files=1)
                opened = disk.create_exclusive(name, folder, 0o600)
                self._mailbox.created()
        self._open.add(opened)
        size, appends = os.fstat(opened).st_size, bool(pflags & asyncssh.FXF_APPEND)
        growth = Growth(opened, name, size, owner=self, appends=appends, condemned=self._condemn)
        self._mailbox.growing[name] = growth
        return growth

    async def _finish(self, growth: Growth) -> None:
        """Make durable what was written without gaps, and let go of the rest."""
        try:
            if self._grows(growth):
                self._mailbox.shrunk(growth.cut_at_gap())
            await growth.synced()
        except OSError:
            self._condemn(growth)
            raise

    def _grows(self, growth: Growth) -> bool:
        """Whether it still has the name that it was opened under: what was published is changed by nobody."""
        return self._mailbox.growing.get(growth.temp) is growth

    def _require_unpublished(self, temp: str) -> None:
        if temp in self._mailbox.publishing:
            raise asyncssh.SFTPPermissionDenied("being renamed")

    def _require_growing(self, growth: Growth) -> None:
        if growth.is_final or not self._grows(growth):
            raise asyncssh.SFTPPermissionDenied("renamed, removed, or opened anew since")

    def _taken_over(self, name: str, folder: int, pflags: int) -> int | None:
        """Return a descriptor of what lies under `name`; None if it is to be created."""
        try:
            opened = disk.open_part(name, folder)
        except FileNotFoundError:
            if pflags & asyncssh.FXF_CREAT and disk.size_of(name, folder) is None:
                return None
            raise
        if not pflags & asyncssh.FXF_TRUNC:
            return opened
        # A new file instead of an emptied one: whoever still holds the old one open writes into nothing.
        self._mailbox.removed(os.fstat(opened).st_size)
        os.close(opened)
        os.unlink(name, dir_fd=folder)
        return None

    def _read_from(self, folder: str, name: str) -> ReadFile:
        with disk.opened_folder(self._mailbox.folder(folder)) as descriptor:
            opened = disk.open_regular(name, descriptor)
        self._open.add(opened)
        return ReadFile(opened, os.fstat(opened).st_size)

    async def _within_quota(self, growth: int, files: int = 0, reaching: int = 0) -> None:
        try:
            await self._mailbox.admit(size=growth, files=files, reaching=reaching)
        except QuotaError as error:
            raise asyncssh.SFTPQuotaExceeded("quota") from error

    def _condemn(self, growth: Growth) -> None:
        if self._grows(growth):
            del self._mailbox.growing[growth.temp]
            with disk.opened_folder(self._mailbox.folder(IN)) as folder:
                disk.discard(growth.temp, folder)

    def _publish(self, temp: str, name: str, *, is_synced: bool) -> None:
        with disk.opened_folder(self._mailbox.folder(IN)) as descriptor:
            disk.publish_part(temp, name, descriptor, is_synced=is_synced)


def _descriptor(file_obj: object) -> int:
    if not isinstance(file_obj, Growth | ReadFile):
        raise asyncssh.SFTPInvalidHandle("not a file")
    return file_obj.descriptor


def _reading(file_obj: object) -> ReadFile:
    if not isinstance(file_obj, ReadFile):
        raise asyncssh.SFTPInvalidHandle("not a file")
    return file_obj


def _ignore_attributes(attrs: asyncssh.SFTPAttrs) -> None:
    # Clients set modes and times out of habit; they mean nothing here, but a size would.
    if attrs.size is not None:
        raise asyncssh.SFTPPermissionDenied("a size is not set, it is written")


def _has_left(channel: "asyncssh.SSHServerChannel[bytes]") -> bool:
    """Whether nothing more will be asked over `channel`: it is closed, or its other end has said that it was all."""
    # The library tells the end of what comes in to nobody else.
    return channel.is_closing() or getattr(channel, "_recv_state", "open") != "open"


def _unsent(channel: "asyncssh.SSHServerChannel[bytes]") -> int:
    """Return the bytes of answers that wait: for the guest's window, and for its socket."""
    # The library has no public way to learn how much it has handed to the socket's transport; None once it is closed.
    transport: asyncio.Transport | None = getattr(channel.get_connection(), "_transport", None)
    return channel.get_write_buffer_size() + (transport.get_write_buffer_size() if transport is not None else 0)
