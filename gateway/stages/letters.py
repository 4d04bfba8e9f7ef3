"""Small papers that leave by a link: written durably into the spool, deposited under their wire name, and forgotten."""

from gateway.domain.ids import LinkName, WireName
from gateway.folders import disk
from gateway.folders.spool import Spool
from gateway.transport.api import Transport


def post(spool: Spool, transport: Transport, link: LinkName, name: WireName, body: bytes) -> None:
    """Deposit `body` under `name`; may be repeated. Raises what the transport raises, or as `disk.failure` says."""
    path = spool.letter(link, name)
    try:
        disk.write_durably(path, body)
        transport.deposit(path, name)
    finally:
        # What is owed next time may be another set of papers, and so a file of another name.
        spool.drop(path)
