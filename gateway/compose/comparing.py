"""Where the streams with every peer stand, by our ledger and by the peer's last word, and how to have them compared."""

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.bundle.inventory import parse_inventory
from gateway.compose.offline import ledger_to_change, ledger_to_read, ring_bell
from gateway.domain.clock import Clock
from gateway.domain.errors import ConfigError, GatewayError, Scope
from gateway.domain.holdings import Got, Inventory, Range, Sent
from gateway.domain.ids import LinkName, UnitCode
from gateway.ledger.queries import TransferFilter
from gateway.ledger.store import Ledger
from gateway.ledger.talks import PeerWord
from gateway.settings.load import Settings

ON_COMMAND = "command"
"""Why an inventory is sent, in the log."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One peer: what we state of both streams, what the peer stated last (None: nothing yet), and the talk with it.

    link: by which it is reached; empty where nothing was ever exchanged with it.
    """

    peer: UnitCode
    link: str
    ours: Inventory
    theirs: Inventory | None
    word: PeerWord

    @property
    def open(self) -> int:
        """Bundles sealed for the peer that have no final receipt."""
        return sum(count(one.open) for one in self.ours.sent)

    @property
    def lacking(self) -> int:
        """Bundles of the peer, below the highest that came, that never arrived."""
        return sum(count(one.lacking) for one in self.ours.got)


def count(ranges: Sequence[Range]) -> int:
    """Return how many numbers `ranges` hold."""
    return sum(last - first + 1 for first, last in ranges)


def compare(settings: Settings, clock: Clock) -> tuple[Comparison, ...]:
    """Return where the streams stand with each enabled link's peer, and with units behind hubs; raises as the ledger
    does."""
    with ledger_to_read(settings, clock) as ledger:
        return tuple(
            Comparison(
                peer,
                link,
                ledger.resync.inventory(peer, LinkName(link), token=b"", issued_at=clock.now(), asks=False, answers=""),
                _parsed(word),
                word,
            )
            for peer, link in _peers(settings, ledger).items()
            for word in (ledger.resync.word(peer),)
        )


def ask(settings: Settings, peer: str, clock: Clock) -> tuple[UnitCode, ...]:
    """Have inventories exchanged with `peer` (a unit's code or a link's name; empty: all) at once; return with whom.

    A hub is asked what it still holds of ours.
    Raises ConfigError `link-unknown`, `ledger-missing`. A daemon that does not run does it when it is started.
    """
    try:
        with ledger_to_read(settings, clock) as ledger:
            peers = _peers(settings, ledger)
    except ConfigError as error:
        if error.code != "ledger-missing":
            raise
        peers = _neighbours(settings)
    chosen = [
        unit for unit, link in peers.items() if peer in ("", unit) or peer == link == _neighbours(settings).get(unit)
    ]
    if not chosen:
        known = ", ".join(f"{unit} ({link})" for unit, link in peers.items()) or "-"
        raise ConfigError(
            "link-unknown", f"no link to {peer}", scope=Scope.LINK, facts={"peer": peer[:60], "known": known}
        )
    with ledger_to_change(settings, clock) as ledger:
        for unit in chosen:
            ledger.resync.want(unit, ON_COMMAND)
    ring_bell(settings)
    return tuple(chosen)


def _neighbours(settings: Settings) -> dict[UnitCode, str]:
    return {link.peer: link.name for link in settings.links if link.enabled}


def _peers(settings: Settings, ledger: Ledger) -> dict[UnitCode, str]:
    """Return by unit the link by which it is reached: the neighbours, and whoever we have a stream with."""
    found = _neighbours(settings)
    for unit in ledger.resync.peers():
        if unit not in found:
            newest = next(iter(ledger.search(TransferFilter(peer=unit), 1)), None)
            found[unit] = "" if newest is None or newest.link is None else newest.link
    return found


def said_of(streams: Sequence[Sent] | Sequence[Got], epoch: int) -> Sent | Got | None:
    """Return what is said of one epoch."""
    return next((one for one in streams if one.epoch == epoch), None)


def _parsed(word: PeerWord) -> Inventory | None:
    try:
        return None if word.theirs is None else parse_inventory(word.theirs)
    except GatewayError:
        return None  # written by a newer program
