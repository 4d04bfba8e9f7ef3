"""Our own side of a mailbox that we host: we leave things in `out`, and collect what the guest put into `in`."""

from pathlib import Path

from gateway.domain.ids import UnitCode
from gateway.transport.errors import mailbox_disk
from gateway.transport.folder import FolderTransport

IN, OUT = "in", "out"
"""The two folders of a mailbox, named as the guest sees them (docs/protocol.md, mailbox)."""
_OWNER_ONLY = 0o700


def create_mailbox(mailboxes: Path, guest: UnitCode) -> Path:
    """Create `<mailboxes>/<guest>/{in,out}`, readable by the owner only, where they are not there; return the mailbox.

    May be repeated; raises the contract's `mailbox-*` errors.
    """
    mailbox = mailboxes / guest
    with mailbox_disk():
        for folder in (mailboxes, mailbox, mailbox / IN, mailbox / OUT):
            folder.mkdir(mode=_OWNER_ONLY, parents=folder is mailboxes, exist_ok=True)
    return mailbox


class HostedTransport(FolderTransport):
    """The Transport over the mailbox of `guest` below `mailboxes`; creates the folders."""

    def __init__(self, mailboxes: Path, guest: UnitCode) -> None:
        mailbox = create_mailbox(mailboxes, guest)
        super().__init__(mailbox / OUT, mailbox / IN, mode=0o600)
