"""The peers whose cards a person has confirmed: who may speak to this node, and with which keys."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Self

from gateway.bundle.aloud import is_heard
from gateway.bundle.card import Card, fingerprint, parse_card, ssh_public
from gateway.bundle.keys import PublicKeys
from gateway.bundle.suites import Suite
from gateway.domain.errors import PermanentError, Scope, SecurityError
from gateway.domain.ids import UnitCode
from gateway.roster.records import CARDS_MAX, Accepted, How, Record, read_all, write, writing

PREFERENCE = (Suite.PQ, Suite.CLASSIC)
"""Suites for sealing to a peer, the better first."""


class Standing(StrEnum):
    """How far a signing key counts."""

    CURRENT = "current"  # on the newest card of a peer
    PAST = "past"  # on an earlier card, followed by one that it signed
    REVOKED = "revoked"  # of a revoked peer, or on a card that was replaced without its signature


@dataclass(frozen=True, slots=True)
class Signer:
    """Whose signing key it is; it counts from `not_before` until before `not_after` (seconds since 1970 UTC)."""

    unit: UnitCode
    public: PublicKeys
    not_before: int
    not_after: int
    standing: Standing

    def is_valid(self, at: float) -> bool:
        """Whether a signature made at `at` may count."""
        return self.standing is not Standing.REVOKED and self.not_before <= at < self.not_after


@dataclass(frozen=True, slots=True)
class Peer:
    """One confirmed peer. Times are seconds since 1970 UTC."""

    unit: UnitCode
    card: Card
    added_at: int
    changed_at: int
    revoked_at: int | None

    @property
    def is_revoked(self) -> bool:
        """Whether the peer may no longer speak to us, and only its old receipts still verify."""
        return self.revoked_at is not None

    def fingerprint(self) -> str:
        """Return the fingerprint of the present card; takes some 60 ms."""
        return fingerprint(self.card)


class PeerBook:
    """All peers, held in memory as they were when opened or last changed through this object; safe between threads.

    Another process's changes are seen by opening anew.
    """

    def __init__(self, folder: Path, records: Sequence[Record]) -> None:
        self._folder = folder
        self._view = _View(records)

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Return the peers kept in `folder`; it need not exist. Raises ConfigError as `records.read_all` says."""
        return cls(folder, read_all(folder))

    def add(self, raw: bytes, confirmed: str | None, *, now: float, replace: bool = False) -> Peer:
        """Accept the card file `raw` and return its peer; may be repeated.

        confirmed: the fingerprint as a person has it from the peer over another way (spaces do not matter); None only
            for a newer card of a known peer that the newest keys of its present card have signed.
        replace: accept a confirmed card of a known peer although its present keys did not sign it, or although it was
            revoked. The former keys are revoked by that.
        Raises SecurityError `card-malformed`, `card-bad-signature`, `key-refused`, `suite-refused`,
        `fingerprint-mismatch`, `fingerprint-missing`, `card-key-taken`, `card-unproven`; PermanentError `card-older`,
        `cards-too-many`; ConfigError as `records.read_all` says.
        """
        card = parse_card(raw)
        if confirmed is not None:
            _check_fingerprint(card, confirmed)
        with writing(self._folder):
            view = _View(read_all(self._folder))
            known = view.records.get(card.unit)
            view.check_keys(card)
            if known and known.revoked_at is None and known.cards[-1].card == card:
                self._view = view
                return _peer(known)
            how = _admit(known, card, confirmed is not None, replace)
            earlier = known.cards if known else ()
            if len(earlier) >= CARDS_MAX:
                raise PermanentError("cards-too-many", f"{CARDS_MAX} cards of this unit are kept", scope=Scope.LINK)
            record = Record(card.unit, (*earlier, Accepted(card, raw, how, int(now))), None)
            write(self._folder, record)
            self._view = _View([*(one for one in view.records.values() if one.unit != card.unit), record])
        return _peer(record)

    def remove(self, unit: UnitCode, *, now: float) -> Peer:
        """Revoke the peer: it may no longer log in, send or be sent to; its old receipts still verify. May be repeated.

        Raises PermanentError `peer-unknown`.
        """
        with writing(self._folder):
            view = _View(read_all(self._folder))
            record = view.records.get(unit)
            if record is None:
                raise _unknown(unit)
            if record.revoked_at is None:
                record = Record(unit, record.cards, int(now))
                write(self._folder, record)
                view = _View([*(one for one in view.records.values() if one.unit != unit), record])
            self._view = view
        return _peer(record)

    def peers(self) -> tuple[Peer, ...]:
        """Return all peers by unit code, the revoked ones included."""
        return tuple(_peer(record) for _, record in sorted(self._view.records.items()))

    def get(self, unit: str) -> Peer | None:
        """Return the peer of `unit`, revoked or not; None if there never was one."""
        record = self._view.records.get(UnitCode(unit))
        return _peer(record) if record else None

    def signer_of(self, key_id: bytes) -> Signer | None:
        """Return whose signing key `key_id` (32 bytes) is, None if nobody's; mind standing and validity."""
        return self._view.signers.get(key_id)

    def unit_of(self, encrypt_key_id: bytes) -> UnitCode | None:
        """Return the unit, not revoked, whose encryption key on its present card this is; None if nobody's."""
        return self._view.readers.get(encrypt_key_id)

    def recipient_keys(self, unit: str, at: float, suites: Sequence[Suite] = PREFERENCE) -> PublicKeys:
        """Return the newest keys of `unit` that count at `at` (seconds since 1970 UTC), of the first suite it accepts.

        Raises PermanentError `peer-unknown`, `peer-revoked`, `peer-keys-expired`, scope link.
        """
        card = self._active(unit).card
        for suite in suites:
            if suite in card.suites:
                valid = [key for key in card.keys if key.public.suite is suite and key.is_valid(at)]
                if valid:
                    return max(valid, key=lambda key: key.not_before).public
        raise PermanentError(
            "peer-keys-expired",
            f"no key of {unit} is valid now; ask for its new card",
            scope=Scope.LINK,
            facts={"unit": unit},
        )

    def ssh_host_key(self, unit: str) -> str:
        """Return the pinned host key of `unit`, `ssh-ed25519 <base64>`. Raises as `recipient_keys`."""
        return self._active(unit).card.ssh_host_key

    def ssh_user_keys(self, unit: str) -> tuple[str, ...]:
        """Return the keys by which `unit` logs in here. Raises as `recipient_keys`."""
        return (self._active(unit).card.ssh_user_key,)

    def accounts(self) -> Mapping[UnitCode, tuple[str, ...]]:
        """Return who may log in to the server here: unit -> its authorised keys. Nobody revoked is in it."""
        return {peer.unit: (peer.card.ssh_user_key,) for peer in self.peers() if not peer.is_revoked}

    def _active(self, unit: str) -> Peer:
        peer = self.get(unit)
        if peer is None:
            raise _unknown(unit)
        if peer.is_revoked:
            raise PermanentError("peer-revoked", f"{unit} is revoked", scope=Scope.LINK, facts={"unit": unit})
        return peer


class _View:
    """The records and their keys by id, never changed once built."""

    def __init__(self, records: Sequence[Record]) -> None:
        self.records = {record.unit: record for record in records}
        self.signers: dict[bytes, Signer] = {}
        for record in records:
            self.signers.update(_signers(record))
        self.readers = {
            key.public.encrypt_key_id: record.unit
            for record in records
            if record.revoked_at is None
            for key in record.cards[-1].card.keys
        }

    def check_keys(self, card: Card) -> None:
        """Raise SecurityError `card-key-taken` if any key of `card` was ever another unit's."""
        claimed = _all_keys(card)
        for record in self.records.values():
            if record.unit != card.unit and any(claimed & _all_keys(one.card) for one in record.cards):
                raise SecurityError(
                    "card-key-taken",
                    f"a key on the card of {card.unit} belongs to {record.unit}",
                    scope=Scope.LINK,
                    facts={"unit": card.unit, "other": record.unit},
                )


def _admit(known: Record | None, card: Card, is_confirmed: bool, replace: bool) -> How:
    """Return why `card` is accepted; raises if it is not."""
    facts = {"unit": card.unit}
    if known is None:
        if not is_confirmed:
            raise SecurityError(
                "fingerprint-missing", "a new peer's fingerprint must be confirmed", scope=Scope.LINK, facts=facts
            )
        return How.CONFIRMED
    present = known.cards[-1].card
    is_signed = _newest_signers(present) <= card.signers().keys()
    if is_confirmed and replace:
        return How.CONFIRMED
    if known.revoked_at is None and is_signed:
        # Else an old card, replayed, would bring back keys that were given up.
        if card.created <= present.created:
            raise PermanentError(
                "card-older", "a newer card of this unit is already known", scope=Scope.LINK, facts=facts
            )
        return How.RENEWED
    raise SecurityError(
        "card-unproven",
        "the present keys of this peer did not sign the card, or the peer is revoked: confirm its fingerprint anew",
        scope=Scope.LINK,
        facts=facts,
    )


def _newest_signers(card: Card) -> set[bytes]:
    """Return the key_ids of the newest signing key of every suite."""
    newest = {key.public.suite: key.public for key in sorted(card.keys, key=lambda key: key.not_before)}
    return {public.sign_key_id for public in newest.values()}


def _signers(record: Record) -> dict[bytes, Signer]:
    found: dict[bytes, Signer] = {}
    standing = Standing.CURRENT
    newest_first = record.cards[::-1]
    for accepted in newest_first:
        by_recency = sorted(accepted.card.keys, key=lambda key: (key.not_after, key.not_before), reverse=True)
        for key in by_recency:
            shown = Standing.REVOKED if record.revoked_at is not None else standing
            signer = Signer(record.unit, key.public, key.not_before, key.not_after, shown)
            found.setdefault(key.public.sign_key_id, signer)
        if accepted.how is How.CONFIRMED:
            # What came before was replaced without its own signature.
            standing = Standing.REVOKED
        elif standing is Standing.CURRENT:
            standing = Standing.PAST
    return found


def _all_keys(card: Card) -> frozenset[bytes]:
    ssh = {ssh_public(card.ssh_host_key), ssh_public(card.ssh_user_key)}
    return frozenset(
        ssh | {key_id for key in card.keys for key_id in (key.public.sign_key_id, key.public.encrypt_key_id)}
    )


def _check_fingerprint(card: Card, confirmed: str) -> None:
    if not is_heard(confirmed, fingerprint(card)):
        raise SecurityError(
            "fingerprint-mismatch",
            "the fingerprint is not that of this card; do not use it, and ask the peer by telephone",
            scope=Scope.LINK,
            facts={"unit": card.unit},
        )


def _peer(record: Record) -> Peer:
    first, last = record.cards[0], record.cards[-1]
    return Peer(record.unit, last.card, first.at, last.at, record.revoked_at)


def _unknown(unit: str) -> PermanentError:
    return PermanentError(
        "peer-unknown", f"no card of {unit} was ever confirmed here", scope=Scope.LINK, facts={"unit": unit}
    )
