"""What a hub checks before it takes a bundle into custody, in the order of the format's spec; it needs no key."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from gateway.bundle import policy
from gateway.bundle.envelope import Envelope
from gateway.domain.errors import PermanentError, SecurityError
from gateway.domain.ids import LinkName, UnitCode
from gateway.domain.records import Priority, Transfer, known
from gateway.ledger.store import Ledger
from gateway.roster.directory import Directory
from gateway.roster.peers import Signer
from gateway.roster.roster import Roster
from gateway.stages.hub_refusals import OFF_THE_WAY
from gateway.stages.onward import Onward


@dataclass(frozen=True, slots=True)
class Onwards:
    """One recipient for whom a bundle goes on: by which link, and its number in the stream."""

    recipient: UnitCode
    link: LinkName
    sequence: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What becomes of a bundle: who gets it onward, whether it is ours too, its lane, and the flow that its class tells
    (empty where it tells none)."""

    onwards: tuple[Onwards, ...]
    is_repeated: bool
    """It was relayed before; it goes on to nobody, and its bytes need no look."""
    is_ours: bool
    priority: Priority
    flow: str


class RelayChecks:
    """The rules of one hub."""

    def __init__(
        self,
        *,
        unit: UnitCode,
        peers: Mapping[LinkName, UnitCode],
        roster: Roster,
        directory: Directory,
        onward: Onward,
        unit_of: Callable[[bytes], UnitCode | None],
        ledger: Ledger,
        size_limit: int,
    ) -> None:
        """peers: who is at the other end of each link; unit_of: who can open what is wrapped to an encryption key, by
        its 32 bytes; size_limit: bytes of the largest bundle that is carried."""
        self._unit = unit
        self._peers = peers
        self._roster = roster
        self._directory = directory
        self._onward = onward
        self._unit_of = unit_of
        self._ledger = ledger
        self._size_limit = size_limit

    def recipients(self, envelope: Envelope) -> list[tuple[UnitCode | None, int]]:
        """Return who the recipients are, None for a key that nobody known has, each with its number."""
        return [(self._unit_of(one.key_id), one.sequence) for one in envelope.recipients]

    def is_for_us_alone(self, envelope: Envelope) -> bool:
        """Whether every recipient is this node."""
        return all(unit == self._unit for unit, _number in self.recipients(envelope))

    def check(
        self, transfer: Transfer, envelope: Envelope, signer: Signer, waived: Collection[str], now: float
    ) -> Plan:
        """Return what becomes of a bundle whose signature holds; raise the error of the first check that fails.

        waived: rules that a named person waived for it.     now: seconds since 1970 UTC.
        Every recipient has to be known and permitted, also one to whom it goes by another link of a hub before us.
        Raises SecurityError `malformed`, `off-the-way`, `key-not-valid`, `equivocation`, `truncated`, `trailing-bytes`;
        PermanentError `expired`, `recipient-unknown`, `not-permitted`, `too-large`, `no-way-onward`.
        """
        if envelope.bundle_id != transfer.bundle_id:
            raise SecurityError("malformed", "the bundle names another id than its file")
        self._check_on_the_way(known(transfer.link), signer.unit)
        if self._ledger.relays.header_of(envelope.bundle_id) == envelope.header_hash:
            is_ours = any(unit == self._unit for unit, _number in self.recipients(envelope))
            return Plan((), True, is_ours, self._roster.priority_of(envelope.routing_class), "")
        if "expired" not in waived:
            policy.check_not_expired(envelope, now)
        if "key-not-valid" not in waived:
            policy.check_key_valid(envelope, signer.not_before, signer.not_after)
        others = self._known_recipients(envelope)
        self._check_unused(envelope, signer.unit, others)
        for recipient in others:
            self._check_permitted(envelope, signer.unit, recipient)
        if "too-large" not in waived:
            policy.check_not_too_large(envelope, self._size_limit)
        policy.check_size(envelope, transfer.size)
        is_ours = len(others) < len(envelope.recipients)
        share = self._onward.share(others, known(transfer.link), is_ours=is_ours)
        onwards = tuple(Onwards(unit, _required(unit, link), others[unit]) for unit, link in share.items())
        told = self._roster.in_class(envelope.routing_class)
        return Plan(
            onwards,
            False,
            is_ours,
            self._roster.priority_of(envelope.routing_class),
            "" if told is None else told.flow,
        )

    def _check_on_the_way(self, link: LinkName, origin: UnitCode) -> None:
        """Whoever is no hub brings only what it sealed itself, under its present code or the one before."""
        peer = self._peers.get(link)
        unit = self._roster.units.get(origin)
        if peer is None or peer == origin or self._directory.is_hub(peer):
            return
        if unit is None or unit.successor != peer:
            raise SecurityError(OFF_THE_WAY, f"{peer} is no hub and brought a bundle of {origin}")

    def _known_recipients(self, envelope: Envelope) -> dict[UnitCode, int]:
        """Return the recipients but us, each with its number."""
        found = self.recipients(envelope)
        if any(unit is None for unit, _number in found):
            raise PermanentError("recipient-unknown", "a recipient's key belongs to nobody in our roster")
        return {unit: number for unit, number in found if unit is not None and unit != self._unit}

    def _check_unused(self, envelope: Envelope, origin: UnitCode, others: dict[UnitCode, int]) -> None:
        header = self._ledger.relays.header_of(envelope.bundle_id)
        if header is not None and header != envelope.header_hash:
            raise SecurityError("equivocation", "a bundle with this id and another header was relayed before")
        for recipient, sequence in others.items():
            policy.check_sequence_unused(
                envelope, self._ledger.relays.taken_by(origin, recipient, envelope.epoch, sequence)
            )

    def _check_permitted(self, envelope: Envelope, origin: UnitCode, recipient: UnitCode) -> None:
        """By the flow that the class tells; where it tells none, these two must be permitted some flow at least."""
        told = self._roster.in_class(envelope.routing_class)
        if told is not None and told.flow:
            policy.check_permitted(self._roster.permission(told.flow, origin, recipient) is not None)
            return
        policy.check_permitted(self._roster.any_permission(origin, recipient) is not None)


def _required(recipient: UnitCode, link: LinkName | None) -> LinkName:
    if link is None:
        raise PermanentError(
            "no-way-onward", f"no link but the one it came by leads to {recipient}", facts={"unit": recipient}
        )
    return link
