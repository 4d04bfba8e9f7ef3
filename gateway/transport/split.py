"""One mailbox in two halves: things leave by one transport and arrive by another."""

from collections.abc import Sequence
from pathlib import Path

from gateway.domain.ids import WireName
from gateway.transport.api import Entry, Growing, Progress, Transport, sending_ahead, silent


class SplitTransport:
    """Deposits through `outgoing`, collects through `incoming`; for links where each side calls for one direction."""

    def __init__(self, *, outgoing: Transport, incoming: Transport) -> None:
        self._outgoing = outgoing
        self._incoming = incoming

    def deposit(self, source: Path, name: WireName, progress: Progress = silent) -> None:
        """Deposit as `outgoing` does."""
        self._outgoing.deposit(source, name, progress)

    def deposit_ahead(self, source: Growing, progress: Progress = silent) -> bool:
        """Send what grows as `outgoing` does, which must be able to."""
        return sending_ahead(self._outgoing).deposit_ahead(source, progress)

    def listing(self) -> list[Entry]:
        """List as `incoming` does."""
        return self._incoming.listing()

    def head(self, name: WireName, length: int) -> bytes:
        """Read as `incoming` does."""
        return self._incoming.head(name, length)

    def fetch(self, name: WireName, into: Path, size: int, progress: Progress = silent) -> None:
        """Fetch as `incoming` does."""
        self._incoming.fetch(name, into, size, progress)

    def remove(self, names: Sequence[WireName]) -> None:
        """Remove as `incoming` does."""
        self._incoming.remove(names)

    def probe(self) -> None:
        """Probe both halves."""
        self._outgoing.probe()
        self._incoming.probe()

    def close(self) -> None:
        """Close both halves."""
        self._outgoing.close()
        self._incoming.close()
