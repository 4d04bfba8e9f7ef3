"""Takes in peers' inventories: each is verified, compared with the ledger, and what the peer lacks is owed again."""

from collections.abc import Callable, Collection
from contextlib import suppress

from gateway.bundle.inventory import inventory_key_id, verify_inventory, verify_life
from gateway.bundle.keys import PublicKeys
from gateway.bundle.names import Kind, inventory_id
from gateway.domain.errors import SecurityError
from gateway.domain.holdings import Inventory, Life
from gateway.domain.ids import LinkName, UnitCode
from gateway.domain.oplog import OpsLog
from gateway.ledger.resync import CONFLICT
from gateway.ledger.store import Ledger
from gateway.roster.directory import Directory
from gateway.roster.peers import Standing
from gateway.stages.courier import Courier
from gateway.stages.standstill import Standstill


class InventoryIntake:
    """Applies the inventories that come by one link: of the unit at its other end and, if that is a hub, of others.
    At a hub what is addressed to another unit is passed on."""

    def __init__(
        self,
        *,
        link: LinkName,
        links: Collection[LinkName],
        unit: UnitCode,
        own_key: Callable[[bytes], PublicKeys | None],
        peer: UnitCode,
        ledger: Ledger,
        directory: Directory,
        courier: Courier,
        standstill: Standstill,
        ring: Callable[[UnitCode], None],
        ops: OpsLog,
    ) -> None:
        """links: those in use.     own_key: our own public keys by their key id, past ones included.
        peer: the unit at the other end.     ring: wakes whoever sends answers, receipts and bundles to a unit."""
        self._link = link
        self._links = links
        self._unit = unit
        self._own_key = own_key
        self._peer = peer
        self._ledger = ledger
        self._directory = directory
        self._courier = courier
        self._standstill = standstill
        self._ring = ring
        self._ops = ops

    def take(self, raw: bytes) -> None:
        """Apply one inventory; may be repeated.

        Raises what `verify_inventory` raises, SecurityError `revoked-sender`, `inventory-misdirected`: then nothing
        was done. An inventory that shows that another node speaks for this unit brings the node to a standstill.
        """
        signer = self._directory.signer_of(inventory_key_id(raw))
        if signer is not None and signer.standing is Standing.REVOKED:
            raise SecurityError("revoked-sender", "the key that signed the inventory was revoked")
        issuer = self._peer if signer is None else signer.unit
        theirs = verify_inventory(raw, lambda _key_id: None if signer is None else signer.public, issuer)
        is_neighbour = theirs.issuer == self._peer
        if theirs.to != self._unit and self._courier.relays and theirs.issuer != self._unit:
            self._courier.pass_on(raw, Kind.INVENTORY, to=theirs.to, came_by=self._link)
            return
        if theirs.to != self._unit or not (is_neighbour or self._directory.is_hub(self._peer)):
            raise SecurityError("inventory-misdirected", f"an inventory of {theirs.issuer} to {theirs.to}")
        try:
            heard = self._ledger.resync.hear(
                theirs, raw, inventory_id(raw), self._our_lives(theirs), links=self._links, is_neighbour=is_neighbour
            )
        except SecurityError as error:
            if error.code != CONFLICT:
                raise
            self._ops.alert("standstill", code=error.code, detail=error.detail)
            self._standstill.halt(error.code)
            return
        if heard.halted:
            self._ops.alert("link-halted", link=self._link, peer=theirs.issuer, code=heard.halted)
        if heard.receipts or heard.bundles:
            self._ops.warn("resync", peer=theirs.issuer, receipts=heard.receipts, bundles=heard.bundles)
        self._ring(theirs.issuer)

    def _our_lives(self, theirs: Inventory) -> list[Life]:
        """Return the lives of ours that the peer has heard; what our own keys did not sign proves nothing."""
        found: list[Life] = []
        for token in theirs.heard:
            with suppress(SecurityError):
                life = verify_life(token, self._own_key)
                if life.unit == self._unit:
                    found.append(life)
        return found
