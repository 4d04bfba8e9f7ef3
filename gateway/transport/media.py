"""The mailbox of a link whose things travel on removable media: two folders of our own, between which people carry."""

import os
from pathlib import Path

from gateway.bundle.names import Kind
from gateway.domain.ids import WireName
from gateway.transport.api import Progress, silent
from gateway.transport.errors import mailbox_disk
from gateway.transport.floors import NO_FLOORS, Floors
from gateway.transport.hosted import HostedTransport, Mailboxes

MEDIA_FOLDER = "media"
"""Folder in the state folder that holds a mailbox for each link with `transport: media`."""


def media_mailbox(state: Path, link: str) -> Path:
    """Return the mailbox of `link` below the state folder: `out` waits to be exported, `in` was imported."""
    return state / MEDIA_FOLDER / link


class MediaTransport(HostedTransport):
    """The Transport over the mailbox of `link`; creates the folders. Deposits leave `floors` free."""

    def __init__(self, state: Path, link: str, floors: Floors = NO_FLOORS) -> None:
        super().__init__(Mailboxes(state / MEDIA_FOLDER), link, floors)

    def deposit(self, source: Path, name: WireName, progress: Progress = silent) -> None:
        """Give a bundle a second name where spool and mailbox share a disk, else copy it.

        A bundle never changes once it is sealed; a waiting dossier of 60 GB must not take its room twice.
        """
        if not (name.endswith(Kind.BUNDLE) and self._given_a_name(source, name)):
            super().deposit(source, name, progress)

    def _given_a_name(self, source: Path, name: WireName) -> bool:
        with self._folder(self._deposit) as folder, mailbox_disk():
            try:
                os.link(source, name, dst_dir_fd=folder, follow_symlinks=False)
            except OSError:
                # It is there already, or the disk cannot do it: the ordinary way finds out.
                return False
            os.fsync(folder)
            return True
