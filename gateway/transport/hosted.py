"""Our own side of a mailbox that we host: we leave things in `out`, and collect what the guest put into `in`."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock

from gateway.domain.errors import GatewayError
from gateway.domain.ids import WireName
from gateway.transport import disk
from gateway.transport.api import Progress, silent
from gateway.transport.errors import local_disk, mailbox_disk
from gateway.transport.floors import NO_FLOORS, Floors
from gateway.transport.folder import FolderTransport

IN, OUT = "in", "out"
"""The two folders of a mailbox, named as the guest sees them (docs/protocol.md, mailbox)."""
_OWNER_ONLY = 0o700
_CANNOT_LINK = frozenset({errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP, errno.ENOENT})


def create_mailbox(mailboxes: Path, guest: str) -> Path:
    """Create `<mailboxes>/<guest>/{in,out}`, readable by the owner only, where they are not there; return the mailbox.

    It is there for good once `keep_mailboxes` has returned: that is asked once for many.
    guest: the code of the unit whose mailbox it is, or another name for it.
    May be repeated; raises the contract's `mailbox-*` errors.
    """
    mailbox = mailboxes / guest
    with mailbox_disk():
        for folder in (mailboxes, mailbox, mailbox / IN, mailbox / OUT):
            if not folder.is_dir():
                folder.mkdir(mode=_OWNER_ONLY, parents=folder is mailboxes, exist_ok=True)
        disk.sync_folder(mailbox)
    return mailbox


def keep_mailboxes(mailboxes: Path) -> None:
    """Make the mailboxes below `mailboxes` durable, once they were created and before one of them is used.

    Does nothing where there are none. Raises the contract's `mailbox-*` errors.
    """
    with mailbox_disk(), suppress(FileNotFoundError):
        for folder in (mailboxes, mailboxes.parent):
            disk.sync_folder(folder)


def growing(mailboxes: Path, guest: str) -> Path:
    """Return where in its mailbox grows what `guest` sends while it is sealed."""
    return mailboxes / guest / IN / disk.HEAD_START


class Mailboxes:
    """The mailboxes below `folder`: each is made once, and all are made durable together. Any thread."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._made: set[str] = set()
        self._is_kept = True
        self._lock = Lock()

    def make(self, guest: str) -> None:
        """Create the mailbox of `guest`, see `create_mailbox`, unless that was done here before."""
        with self._lock:
            if guest not in self._made:
                create_mailbox(self.folder, guest)
                self._made.add(guest)
                self._is_kept = False

    def keep(self) -> None:
        """Make all that were made durable, see `keep_mailboxes`, unless they are."""
        with self._lock:
            if not self._is_kept:
                keep_mailboxes(self.folder)
                self._is_kept = True


class HostedTransport(FolderTransport):
    """The Transport over the mailbox of `guest` among `mailboxes`, which is made here. Deposits leave `floors` free:
    the disk is ours.

    What keeps the mailbox from being made, or from being durable, is raised by whatever uses it, until it is.
    """

    def __init__(self, mailboxes: Mailboxes, guest: str, floors: Floors = NO_FLOORS) -> None:
        with suppress(GatewayError):
            mailboxes.make(guest)
        self._mailboxes = mailboxes
        self._guest = guest
        self._floors = floors
        mailbox = mailboxes.folder / guest
        super().__init__(mailbox / OUT, mailbox / IN, mode=0o600)

    def fetch(self, name: WireName, into: Path, size: int, progress: Progress = silent) -> None:
        """Give the bytes a second name where mailbox and spool share a disk, else copy them.

        Whoever still holds the file open changes nothing in it: the server lets nobody write what was renamed.
        """
        if not self._linked(name, into, size):
            super().fetch(name, into, size, progress)
        elif size:
            progress(size)

    @contextmanager
    def _folder(self, folder: Path | None) -> Iterator[int]:
        self._mailboxes.make(self._guest)
        self._mailboxes.keep()
        with super()._folder(folder) as descriptor:
            yield descriptor

    def _room(self, free: int) -> int:
        return self._floors.room(free)

    def _linked(self, name: WireName, into: Path, size: int) -> bool:
        with self._opened(name) as reader, self._folder(self._collect) as folder:
            with mailbox_disk():
                found = os.fstat(reader)
                if found.st_size != size:
                    return False
            with local_disk():
                into.unlink(missing_ok=True)
                try:
                    os.link(name, into, src_dir_fd=folder, follow_symlinks=False)
                except OSError as error:
                    if error.errno in _CANNOT_LINK:
                        return False
                    raise
                if not os.path.samestat(found, into.lstat()):
                    into.unlink()
                    return False
        return True
