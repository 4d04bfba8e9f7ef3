"""Whom this node trusts, in one place: the units of the signed roster, and the peers whose cards a person confirmed."""

from collections.abc import Mapping, Sequence

from gateway.bundle.keys import PublicKeys
from gateway.bundle.suites import Suite
from gateway.domain.errors import PermanentError, Scope
from gateway.domain.ids import UnitCode
from gateway.roster.content import RosterUnit
from gateway.roster.peers import PREFERENCE, PeerBook, Signer, Standing
from gateway.roster.roster import Roster
from gateway.roster.store import Trusted


class Directory:
    """Answers by the roster where it names the unit or the key, else by the confirmed cards.

    A unit whose card a person revoked here is revoked here, whatever the roster says.
    """

    def __init__(self, book: PeerBook, roster: Roster | None = None, trusted: Trusted | None = None) -> None:
        """roster: the one to go by; trusted: the accepted file that it comes from, whose expiry then counts."""
        self.book = book
        self.roster = roster if trusted is None else trusted.roster
        self.trusted = trusted

    def signer_of(self, key_id: bytes) -> Signer | None:
        """Return whose signing key `key_id` (32 bytes) is, None if nobody's; mind standing and validity."""
        found = self.roster.signer(key_id) if self.roster is not None else None
        if found is None:
            return self.book.signer_of(key_id)
        unit, key = found
        until = key.not_after if key.revoked_at is None else min(key.not_after, key.revoked_at)
        if unit.closed_at is not None:
            until = min(until, unit.closed_at)
        is_refused = key.compromised or self._is_revoked_here(unit.unit)
        standing = Standing.REVOKED if is_refused else Standing.CURRENT
        return Signer(unit.unit, key.public, key.not_before, max(until, key.not_before), standing)

    def is_stolen(self, key_id: bytes) -> bool:
        """Whether a thief may have the signing key `key_id`, by the roster's word: nothing new counts that it signs,
        whatever its date."""
        found = self.roster.signer(key_id) if self.roster is not None else None
        return found is not None and found[1].compromised

    def is_on_the_way(self, hub: UnitCode, sender: UnitCode, receiver: UnitCode) -> bool:
        """Whether bundles from `sender` to `receiver` may go over `hub`, by whichever of the hubs above either."""
        return self.roster is not None and hub in self.roster.hubs_above(sender) | self.roster.hubs_above(receiver)

    def unit_of(self, encrypt_key_id: bytes) -> UnitCode | None:
        """Return the unit that can open what is wrapped to this encryption key; None if nobody known."""
        if self.roster is not None and (found := self.roster.reader(encrypt_key_id)) is not None:
            return found.unit
        return self.book.unit_of(encrypt_key_id)

    def is_hub(self, unit: UnitCode) -> bool:
        """Whether `unit` carries bundles for others; only a roster makes hubs."""
        return self.roster is not None and self.roster.is_hub(unit)

    def recipient_keys(self, unit: str, at: float, suites: Sequence[Suite] = PREFERENCE) -> PublicKeys:
        """Return the newest keys of `unit` that count at `at` (seconds since 1970 UTC), of the first suite it accepts.

        Raises PermanentError `peer-unknown`, `peer-revoked`, `peer-keys-expired`, scope link, and `roster-expired`,
        scope node, where only an expired roster speaks for the unit.
        """
        listed = self._listed(unit)
        if listed is None:
            return self.book.recipient_keys(unit, at, suites)
        if self.trusted is not None and self.trusted.expires_at <= at:
            facts: dict[str, str | int] = {"version": self.trusted.version}
            raise PermanentError("roster-expired", "the roster has expired", scope=Scope.NODE, facts=facts)
        if self._is_revoked_here(listed.unit):
            raise PermanentError("peer-revoked", f"{unit} was revoked here", scope=Scope.LINK, facts={"unit": unit})
        if listed.closed_at is not None and listed.closed_at <= at:
            raise PermanentError("peer-revoked", f"{unit} is closed", scope=Scope.LINK, facts={"unit": unit})
        for suite in suites:
            if suite in listed.suites:
                valid = [
                    key
                    for key in listed.keys
                    if key.public.suite is suite and key.revoked_at is None and key.not_before <= at < key.not_after
                ]
                if valid:
                    return max(valid, key=lambda key: key.not_before).public
        raise PermanentError(
            "peer-keys-expired",
            f"no key of {unit} in the roster is valid now",
            scope=Scope.LINK,
            facts={"unit": unit},
        )

    def key_ends(self, unit: str) -> tuple[int, ...]:
        """Return when each of the keys of `unit` that are not revoked ends, in seconds since 1970 UTC."""
        listed = self._listed(unit)
        if listed is not None:
            return tuple(key.not_after for key in listed.keys if key.revoked_at is None)
        peer = self.book.get(unit)
        return () if peer is None else tuple(key.not_after for key in peer.card.keys)

    def encryption_keys(self) -> Mapping[bytes, UnitCode]:
        """Return whose each known encryption key is, by its key id, also keys that ended."""
        known = {key.public.encrypt_key_id: peer.unit for peer in self.book.peers() for key in peer.card.keys}
        listed = {key.public.encrypt_key_id: unit.unit for unit in self._units().values() for key in unit.keys}
        return {**known, **listed}

    def ssh_host_key(self, unit: str) -> str:
        """Return the pinned host key of `unit`, `ssh-ed25519 <base64>`; the newest if it changes.

        Raises as `ssh_host_keys`.
        """
        return self.ssh_host_keys(unit)[0]

    def ssh_host_keys(self, unit: str) -> tuple[str, ...]:
        """Return every host key that `unit` may show, the newest first.

        Raises PermanentError `peer-unknown`, `peer-revoked`, scope link.
        """
        listed = self._listed(unit)
        if listed is None:
            return (self.book.ssh_host_key(unit),)
        if listed.closed_at is not None or not _has_a_key(listed) or self._is_revoked_here(listed.unit):
            raise PermanentError("peer-revoked", f"{unit} is closed or revoked", scope=Scope.LINK, facts={"unit": unit})
        return (listed.ssh_host_key, *listed.ssh_host_keys_also)

    def accounts(self) -> Mapping[UnitCode, tuple[str, ...]]:
        """Return who may log in to the server here: unit -> its authorised keys. Nobody revoked is in it."""
        listed = {
            unit.unit: unit.ssh_user_keys
            for unit in self._units().values()
            if unit.closed_at is None and _has_a_key(unit) and not self._is_revoked_here(unit.unit)
        }
        known = {unit: keys for unit, keys in self.book.accounts().items() if unit not in self._units()}
        return {**known, **listed}

    def _units(self) -> Mapping[UnitCode, RosterUnit]:
        return {} if self.roster is None else self.roster.units

    def _is_revoked_here(self, unit: UnitCode) -> bool:
        peer = self.book.get(unit)
        return peer is not None and peer.is_revoked

    def _listed(self, unit: str) -> RosterUnit | None:
        return self._units().get(UnitCode(unit))


def _has_a_key(unit: RosterUnit) -> bool:
    """Whether any of its keys still counts: whose keys were all revoked is kept out until it has new ones."""
    return any(key.revoked_at is None for key in unit.keys)
