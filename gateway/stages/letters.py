"""What leaves a link as one file made for it: written into the spool, deposited under its wire name, and forgotten."""

from gateway.domain.ids import LinkName, WireName
from gateway.folders import disk
from gateway.folders.spool import Spool
from gateway.transport.api import Progress, Transport, silent


def post(
    spool: Spool, transport: Transport, link: LinkName, name: WireName, body: bytes, *, progress: Progress = silent
) -> None:
    """Deposit `body` under `name`; may be repeated. Raises what the transport raises, or as `disk.failure` says.

    Nothing is synced here: the deposit is durable where it arrives, and after a crash the file is made anew.
    """
    path = spool.letter(link, name)
    try:
        with disk.mapped(path.parent):
            path.write_bytes(body)
        transport.deposit(path, name, progress)
    finally:
        # What is owed next time may be another set of papers, and so a file of another name.
        spool.drop(path)
