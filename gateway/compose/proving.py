"""Whether bundles and receipts are genuine: checked offline, without any private key, by cards that somebody trusts."""

import base64
import binascii
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, Self

from gateway.bundle import policy
from gateway.bundle.card import CARD_MAX, Card, parse_card
from gateway.bundle.convoy import FILE_MAX as CONVOY_MAX
from gateway.bundle.convoy import MAGIC as CONVOY_MAGIC
from gateway.bundle.convoy import split_bundles
from gateway.bundle.envelope import ENVELOPE_MAX, MAGIC, Envelope, parse_envelope, verify_envelope
from gateway.bundle.keys import PublicKeys
from gateway.bundle.payload import verify_payload
from gateway.bundle.receipt import (
    FILE_MAX,
    Receipt,
    check_issuer,
    parse_receipt,
    signer_key_id,
    split_receipts,
    verify_receipt,
)
from gateway.bundle.receipt import MAGIC as RECEIPTS_MAGIC
from gateway.compose.offline import missing
from gateway.domain.errors import GatewayError, PermanentError, SecurityError
from gateway.domain.ids import UnitCode
from gateway.folders import disk
from gateway.roster.directory import Directory
from gateway.roster.peers import Standing

ACK_MAX = 2 * FILE_MAX
"""Bytes of an acknowledgement file: what a receipt file holds, in base64 and with its sentences."""


@dataclass(frozen=True, slots=True)
class Known:
    """A signing key that somebody trusts; it counts from `not_before` until before `not_after` (unix seconds)."""

    unit: UnitCode
    public: PublicKeys
    not_before: int
    not_after: int
    is_revoked: bool


class Trust:
    """Whose keys count: the peers confirmed here, and the cards named on the command line."""

    def __init__(self, signer_of: Callable[[bytes], Known | None], units: Mapping[bytes, UnitCode]) -> None:
        self._signer_of = signer_of
        self._units = units

    @classmethod
    def of(cls, cards: Sequence[Card], directory: Directory | None) -> Self:
        """Trust exactly `cards`, which the caller vouches for, and whom `directory` knows."""
        named = {
            key.public.sign_key_id: Known(card.unit, key.public, key.not_before, key.not_after, is_revoked=False)
            for card in cards
            for key in card.keys
        }
        units = {key.public.encrypt_key_id: card.unit for card in cards for key in card.keys}
        if directory is not None:
            units = {**directory.encryption_keys(), **units}

        def signer_of(key_id: bytes) -> Known | None:
            found = directory.signer_of(key_id) if directory is not None and key_id not in named else None
            if found is None:
                return named.get(key_id)
            revoked = found.standing is Standing.REVOKED
            return Known(found.unit, found.public, found.not_before, found.not_after, revoked)

        return cls(signer_of, units)

    def signer(self, key_id: bytes) -> Known | None:
        """Return whose signing key it is, None if nobody's that we trust."""
        return self._signer_of(key_id)

    def public(self, key_id: bytes) -> PublicKeys | None:
        """Return the public keys that belong to a signing key id."""
        known = self._signer_of(key_id)
        return None if known is None else known.public

    def is_revoked(self, key_id: bytes) -> bool:
        """Whether the signing key was revoked."""
        known = self._signer_of(key_id)
        return known is not None and known.is_revoked

    def recipient(self, key_id: bytes) -> UnitCode | None:
        """Return whose encryption key it is, None if nobody's that we know."""
        return self._units.get(key_id)


@dataclass(frozen=True, slots=True)
class BundleProof:
    """What was found of a bundle. `error` None: genuine. `envelope` None: not even that could be read."""

    size: int
    envelope: Envelope | None
    signer: UnitCode | None
    error: GatewayError | None


@dataclass(frozen=True, slots=True)
class ReceiptProof:
    """What was found of one receipt. `error` None: genuine. `receipt` None: it could not be read."""

    receipt: Receipt | None
    error: GatewayError | None


@dataclass(frozen=True, slots=True)
class ConvoyProof:
    """What was found of a convoy. `error` None: it could be taken apart, whatever its bundles are."""

    bundles: tuple[BundleProof, ...]
    error: GatewayError | None


Proof = BundleProof | ConvoyProof | tuple[ReceiptProof, ...]


def read_card(path: Path) -> Card:
    """Return the card in a file; SecurityError `card-malformed`, `card-bad-signature`, or `file-not-there`."""
    return parse_card(_read(path, CARD_MAX + 1))


def prove(path: Path, trust: Trust, *, head_only: bool = False) -> Proof:
    """Return what `path` proves: a bundle, a convoy of them, a file of receipts, or an acknowledgement from `ack/`; see
    `prove_bundle`.

    Raises PermanentError `file-not-there`, `nothing-to-verify`, TransientError `local-io`.
    """
    head = _read(path, max(len(MAGIC), len(RECEIPTS_MAGIC)))
    if head == MAGIC:
        return prove_bundle(path, trust, head_only=head_only)
    if head == CONVOY_MAGIC:
        return _prove_convoy(_read(path, CONVOY_MAX + 1), trust, head_only=head_only)
    if head == RECEIPTS_MAGIC:
        try:
            return tuple(_prove_receipt(raw, trust) for raw in split_receipts(_read(path, FILE_MAX + 1)))
        except GatewayError as error:
            return (ReceiptProof(None, error),)
    if head.lstrip()[:1] == b"{":
        return _prove_acknowledgement(_read(path, ACK_MAX), trust)
    raise _nothing(path)


def prove_bundle(path: Path, trust: Trust, *, head_only: bool = False) -> BundleProof:
    """Check envelope, signature, the key's validity when it was made, and every segment; needs no private key.

    head_only: leave out the segments, so that it takes a moment however large the bundle is.
    """
    with disk.mapped(path.parent), path.open("rb") as source:
        return _prove_bundle(source, path.stat().st_size, trust, head_only=head_only)


def _prove_bundle(source: BinaryIO, size: int, trust: Trust, *, head_only: bool) -> BundleProof:
    head = source.read(ENVELOPE_MAX)
    envelope: Envelope | None = None
    signer: Known | None = None
    try:
        envelope = parse_envelope(head)
        signer = trust.signer(envelope.sender_key_id)
        verify_envelope(head, trust.public, trust.is_revoked)
        if signer is not None:
            policy.check_key_valid(envelope, signer.not_before, signer.not_after)
        if not head_only:
            verify_payload(source, size, envelope)
    except GatewayError as error:
        return BundleProof(size, envelope, signer.unit if signer else None, error)
    return BundleProof(size, envelope, signer.unit if signer else None, None)


def _prove_convoy(raw: bytes, trust: Trust, *, head_only: bool) -> ConvoyProof:
    """Check each bundle, and that it is the one that the table names."""
    try:
        bundles = split_bundles(raw)
    except SecurityError as error:
        return ConvoyProof((), error)
    proofs = []
    for bundle, body in bundles:
        proof = _prove_bundle(io.BytesIO(body), len(body), trust, head_only=head_only)
        if proof.error is None and proof.envelope is not None and proof.envelope.bundle_id != bundle:
            proof = replace(proof, error=SecurityError("malformed", "the table names another bundle"))
        proofs.append(proof)
    return ConvoyProof(tuple(proofs), None)


def _prove_receipt(raw: bytes, trust: Trust) -> ReceiptProof:
    receipt: Receipt | None = None
    try:
        receipt = parse_receipt(raw)
        verify_receipt(raw, trust.public)
        signer = trust.signer(signer_key_id(raw))
        if signer is not None:
            check_issuer(receipt, signer.unit)
    except GatewayError as error:
        return ReceiptProof(receipt, error)
    return ReceiptProof(receipt, None)


def _prove_acknowledgement(raw: bytes, trust: Trust) -> tuple[ReceiptProof, ...]:
    """Check the receipts inside, and that the sentences around them speak of the same bundle."""
    try:
        whole = json.loads(raw)
        named = (whole["bundle_id"], whole["header_hash"])
        signed = [base64.b64decode(one["receipt"], validate=True) for one in whole["receipts"]]
    except (ValueError, KeyError, TypeError, RecursionError, binascii.Error) as error:
        raise PermanentError("nothing-to-verify", "JSON, but no acknowledgement of ours") from error
    proofs = []
    for one in signed:
        proof = _prove_receipt(one, trust)
        receipt = proof.receipt
        if proof.error is None and receipt is not None and (receipt.bundle_id, receipt.header_hash) != named:
            differs = SecurityError("receipt-mismatch", "the file names another bundle than the receipt inside it")
            proof = ReceiptProof(receipt, differs)
        proofs.append(proof)
    if not proofs:
        raise PermanentError("nothing-to-verify", "an acknowledgement without a receipt")
    return tuple(proofs)


def _read(path: Path, limit: int) -> bytes:
    if not path.is_file():
        raise missing(path)
    with disk.mapped(path.parent), path.open("rb") as source:
        return source.read(limit)


def _nothing(path: Path) -> PermanentError:
    return PermanentError(
        "nothing-to-verify", f"{path.name} is no bundle, no convoy, no receipt file and no acknowledgement"
    )
