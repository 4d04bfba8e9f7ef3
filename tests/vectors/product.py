"""Reads test vectors with the product, calling the public functions of gateway.bundle in a node's order."""

import io
from collections.abc import Callable
from concurrent.futures import Future

from gateway.bundle import policy, receipt
from gateway.bundle.convoy import split_bundles
from gateway.bundle.envelope import ENVELOPE_MAX, Envelope, verify_envelope
from gateway.bundle.herald import check_herald, open_herald, parse_herald
from gateway.bundle.keys import NodeKeys, PublicKeys
from gateway.bundle.manifest import Manifest
from gateway.bundle.payload import verify_payload
from gateway.bundle.suites import Suite
from gateway.bundle.unseal import open_bundle
from gateway.domain.errors import GatewayError
from gateway.domain.ids import unit_code
from tests.vectors.reader import Outcome, Ring, Signer


class Kept(io.BytesIO):
    """A sink that keeps what was in it when it was closed."""

    def __init__(self, into: dict[str, bytes], path: str) -> None:
        super().__init__()
        self._into, self._path = into, path

    def close(self) -> None:
        if not self.closed:
            self._into[self._path] = self.getvalue()
        super().close()


class Product:
    """The product as a reader: the same inputs and outcomes as tests.vectors.reader."""

    def __init__(self, ring: Ring, publics: Callable[[Signer], PublicKeys], own: list[NodeKeys]) -> None:
        self._ring = ring
        self._keys = own
        self._signers = {publics(signer).sign_key_id: (signer, publics(signer)) for signer in ring.signers}

    def read(self, kind: str, data: bytes) -> Outcome:
        """The outcome of one vector."""
        acts = {
            "bundle": self._bundle,
            "hub": self._hub,
            "herald": self._herald,
            "convoy": self._convoy,
            "receipts": self._receipts,
            "receipt": self._receipt,
            "findings": self._findings,
            "key": self._key,
        }
        try:
            return acts[kind](data)
        except GatewayError as error:
            return Outcome(error.code)

    def _signer_of(self, key_id: bytes) -> PublicKeys | None:
        found = self._signers.get(key_id)
        return found and found[1]

    def _envelope(self, data: bytes) -> Envelope:
        return verify_envelope(data[:ENVELOPE_MAX], self._signer_of, lambda key_id: self._signers[key_id][0].is_revoked)

    def _policy(self, envelope: Envelope, signer: Signer) -> None:
        policy.check_not_expired(envelope, self._ring.now)
        policy.check_key_valid(envelope, signer.since, signer.until)
        policy.check_suite_accepted(envelope, [Suite(number) for number in self._ring.suites])
        policy.check_not_too_large(envelope, self._ring.limit)

    def _bundle(self, data: bytes) -> Outcome:
        envelope = self._envelope(data)
        signer, public = self._signers[envelope.sender_key_id]
        self._policy(envelope, signer)
        policy.check_size(envelope, len(data))
        members: dict[str, bytes] = {}
        seen: list[Manifest] = []
        open_bundle(
            io.BytesIO(data),
            len(data),
            envelope=envelope,
            keys=self._keys,
            signer=public,
            sink=lambda file: Kept(members, file.path),
            accept=seen.append,
            beside=_as_early_as_can_be,
        )
        return Outcome("accepted", members, seen[0].meta)

    def _hub(self, data: bytes) -> Outcome:
        verify_payload(io.BytesIO(data), len(data), self._envelope(data))
        return Outcome("accepted")

    def _herald(self, data: bytes) -> Outcome:
        herald = parse_herald(data[:ENVELOPE_MAX])
        check_herald(herald, self._signer_of, lambda key_id: self._signers[key_id][0].is_revoked)
        self._policy(herald.envelope, self._signers[herald.envelope.sender_key_id][0])
        found = open_herald(io.BytesIO(data), herald, self._keys).manifest
        members = {file.path: b"%d %d" % (file.size, file.stored) for file in found.files}
        return Outcome("accepted", members, found.meta)

    def _verified(self, raw: bytes) -> receipt.Receipt:
        said = receipt.verify_receipt(raw, self._signer_of)
        receipt.check_issuer(said, unit_code(self._signers[receipt.signer_key_id(raw)][0].unit))
        return said

    def _receipt(self, data: bytes) -> Outcome:
        self._verified(data)
        return Outcome("accepted")

    def _receipts(self, data: bytes) -> Outcome:
        for raw in receipt.split_receipts(data):
            self._verified(raw)
        return Outcome("accepted")

    def _convoy(self, data: bytes) -> Outcome:
        return Outcome("accepted", {one: bytes(body) for one, body in split_bundles(data)})

    def _findings(self, data: bytes) -> Outcome:
        return Outcome("accepted", {"findings": receipt.open_findings(self._verified(data), self._keys)})

    def _key(self, data: bytes) -> Outcome:
        cut = 5 + int.from_bytes(data[1:5], "big")
        PublicKeys(Suite(data[0]), data[5:cut], data[cut + 4 :])
        return Outcome("accepted")


def _as_early_as_can_be(call: Callable[[], None]) -> Callable[[], None]:
    """A helper that is done before it is waited for; what it fails with is told only then."""
    future: Future[None] = Future()
    try:
        future.set_result(call())  # type: ignore[func-returns-value]  # as a pool's thread does
    except Exception as error:  # noqa: BLE001 - as above
        future.set_exception(error)
    return future.result
