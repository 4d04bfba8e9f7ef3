"""Our side of a mailbox that an OpenSSH server shows to its guest: root made the folders, rights and groups share them.

    folder  owner      group        mode
    .       root       the guest's  0750   what OpenSSH asks of the root it locks a guest into
    in      our user   the guest's  3730   the guest puts in and sees no list; sticky: it touches only what is its own
    out     our user   the guest's  2770   setgid: what we leave is of the guest's group, which may read and remove it

Our user is a member of each guest's group: so it reads what guests put in, which bears that group by setgid as well.
"""

import os
from pathlib import Path

from gateway.domain.ids import WireName
from gateway.transport import disk
from gateway.transport.errors import mailbox_disk
from gateway.transport.floors import NO_FLOORS, Floors
from gateway.transport.folder import FolderTransport
from gateway.transport.hosted import IN, OUT

MAILBOX_MODE = 0o750
IN_MODE = 0o3730
OUT_MODE = 0o2770
FILE_MODE = 0o640
"""Of what we leave; guests' files get the same by the umask of the server."""


class SharedMailbox(FolderTransport):
    """The Transport over the mailbox of `guest` below `mailboxes`, which must be there. Deposits leave `floors` free.

    What is collected is always copied: a second name of a guest's file would leave it in the guest's hands.
    """

    def __init__(self, mailboxes: Path, guest: str, floors: Floors = NO_FLOORS) -> None:
        mailbox = mailboxes / guest
        self._floors = floors
        super().__init__(mailbox / OUT, mailbox / IN, mode=FILE_MODE)

    def _room(self, free: int) -> int:
        return self._floors.room(free)

    def _publish(self, temp: str, name: WireName, size: int, folder: int) -> None:
        # The umask of a service keeps everything to itself; the guest's group must be able to read this.
        with mailbox_disk():
            held = disk.open_regular(temp, folder)
            try:
                os.fchmod(held, FILE_MODE)
                os.fsync(held)
            finally:
                os.close(held)
        super()._publish(temp, name, size, folder)
