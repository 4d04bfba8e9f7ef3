"""What every transport promises: move named bytes into and out of one mailbox, try once, never hang, map every error.

Error contract (all raised as GatewayError of gateway.domain.errors; nothing else leaves an adapter):

    code                  kind       scope      when
    link-unreachable      transient  link       no connection, reset, host down, key exchange failed half-way
    link-timeout          transient  link       a deadline passed or no progress for the watchdog's time
    link-auth-refused     permanent  link       the peer does not accept our key
    host-key-mismatch     security   link       the peer's host key is not the pinned one
    link-algorithms       permanent  link       no common modern algorithm
    link-window-closed    transient  link       the link's hours are over, or have not begun
    mailbox-missing       permanent  link       the folder is not there
    mailbox-denied        permanent  link       no permission
    mailbox-full          transient  link       quota or disk full
    mailbox-failed        transient  link       the peer's side failed without saying why, or does not speak SFTP 3
    name-taken            transient  transfer   the name exists there with another size, until it is collected
    no-such-name          transient  transfer   nothing of that name to fetch, until it is offered again
    size-mismatch         transient  transfer   the peer holds another number of bytes than was sent
    deposit-unknown       transient  transfer   the line broke at the rename: it may or may not have arrived
    local-io              transient  transfer   reading or writing our own disk failed
    disk-full             transient  node       our own disk has no room left
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from gateway.domain.ids import WireName

Progress = Callable[[int], None]
"""Called with the number of bytes moved so far, at least once every few MiB."""


def silent(_done: int) -> None:
    """The Progress that nobody watches."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One complete file in a mailbox. Size in bytes."""

    name: WireName
    size: int


class Transport(Protocol):
    """Both folders of one mailbox: `deposit` goes into the peer's side, the others work on what was left for us."""

    def deposit(self, source: Path, name: WireName, progress: Progress = silent) -> None:
        """Make the bytes of `source` appear under `name`, whole or not at all (hidden temp name, size check, rename).

        May be repeated: if `name` is already there with the same size, returns without sending; what a broken attempt
        left under the temp name may be continued where it agrees with `source`.
        Once returned, the peer may have taken it away; never look again.
        """
        ...

    def listing(self) -> list[Entry]:
        """Return what is complete and waiting for us, in no order; names that are not wire names are left out."""
        ...

    def head(self, name: WireName, length: int) -> bytes:
        """Return the first `length` bytes of `name`, fewer if it is shorter."""
        ...

    def fetch(self, name: WireName, into: Path, size: int, progress: Progress = silent) -> None:
        """Write `name`, which the listing said has `size` bytes, to the file `into`; its bytes are fsynced on return,
        and its name becomes durable with the one that it is kept under. So do the bytes where no copy was made.

        Never writes more than `size` bytes. May be repeated: what a broken attempt left at `into` may be continued
        where it agrees with the mailbox, else it is written anew; remove it to be sure. The name stays in the mailbox.
        """
        ...

    def remove(self, names: Sequence[WireName]) -> None:
        """Take `names` out of the mailbox; a name that is already gone is no error.

        After a power cut they may be there again, as what is deposited twice is.
        """
        ...

    def probe(self) -> None:
        """Raise what keeps this mailbox from working right now; used by `check` and `status`."""
        ...

    def close(self) -> None:
        """Give back connections; the transport may be used again and reconnects by itself."""
        ...


class Growing(Protocol):
    """A file that is read while it is written, from `start` on; what lies before is written last.

    start, size: bytes before the part that grows, and of the whole file. reader: a descriptor to read it by.
    """

    start: int
    size: int
    reader: int

    def stands(self, sent: int) -> int | None:
        """Return up to which byte it stands by now, after waiting a moment if that is no more than `sent`; None once
        it will not be sent from here."""
        ...

    def herald(self) -> bytes:
        """Return what is to stand at the beginning at the peer until the front is written there, empty for nothing."""
        ...

    def named(self) -> WireName | None:
        """Return the name that it is to get at the peer, once it is whole, durable, and may go; None before."""
        ...


@runtime_checkable
class AheadTransport(Transport, Protocol):
    """A transport that can send what is still growing."""

    def deposit_ahead(self, source: Growing, progress: Progress = silent) -> bool:
        """Send the bytes of `source` as it grows, and once it is named do what `deposit` promises; False if it was not
        sent from here after all.

        Nothing appears at the peer under any name that is listed or continued before it is named and its front has
        arrived. May be given up anywhere, then `deposit` does the whole. Raises as `deposit`; `progress` may raise.
        """
        ...


def sending_ahead(transport: Transport) -> AheadTransport:
    """Return `transport` as one that sends what is still growing; TypeError if it cannot."""
    if not isinstance(transport, AheadTransport):
        raise TypeError("this transport sends nothing that is not whole")
    return transport
