"""One bundle sealed, opened and receipted inside one process: what the micro-benchmarks and the growth repeat."""

import io
import os
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import BinaryIO

from benchmarks.parts import nowhere
from gateway.bundle.envelope import ENVELOPE_MAX, Envelope, verify_envelope
from gateway.bundle.keys import NodeKeys, generate
from gateway.bundle.receipt import Receipt, sign_receipts, verify_receipt
from gateway.bundle.seal import Sealed, SealMember
from gateway.bundle.unseal import open_bundle
from gateway.domain.ids import UnitCode
from gateway.domain.records import ReceiptCode
from tests.support.bundles import finish, prepare

CREATED = 1_790_000_000
LIFETIME = 86_400
FROM, TO = UnitCode("990102000000"), UnitCode("990102000001")


class Exchange:
    """A sender and a recipient with keys of their own."""

    def __init__(self) -> None:
        self.ours: NodeKeys = generate()
        self.theirs: NodeKeys = generate()

    def seal(self, path: Path, content: "Mapping[str, Content]") -> Sealed:
        """Write `content` as a bundle to `path`."""
        members = [SealMember(name, None, *its) for name, its in content.items()]
        with path.open("w+b") as out:
            prepared = prepare(
                out,
                members,
                meta={},
                keys=self.ours,
                recipients=[self.theirs.public],
                created=CREATED,
                expires=CREATED + LIFETIME,
                epoch=1,
            )
            return finish(out, prepared, [1], self.ours)

    def verify(self, head: bytes) -> Envelope:
        """Return the envelope at the beginning of a bundle, its signature proven."""
        return verify_envelope(head, lambda _key_id: self.ours.public)

    def open(self, path: Path) -> int:
        """Verify and open the bundle at `path`; return how many files were in it."""
        with path.open("rb") as source:
            envelope = self.verify(source.read(ENVELOPE_MAX))
            size = path.stat().st_size
            opened = open_bundle(
                source,
                size,
                envelope=envelope,
                keys=[self.theirs],
                signer=self.ours.public,
                sink=lambda _file: nowhere(),
            )
        return len(opened.files)

    def receipt(self, sealed: Sealed) -> bytes:
        """Return the recipient's signed word that it was delivered."""
        word = Receipt(
            sealed.bundle_id, sealed.header_hash, sealed.size, ReceiptCode.DELIVERED, TO, FROM, TO, 1, 1, CREATED
        )
        return sign_receipts([word], self.theirs)[0]

    def check(self, receipt: bytes) -> Receipt:
        """Return what a receipt states, its signature proven."""
        return verify_receipt(receipt, lambda _key_id: self.theirs.public)


Content = tuple[int, Callable[[], BinaryIO]]
"""Bytes of a file, and what opens it."""


def documents(count: int, size: int) -> dict[str, Content]:
    """Return `count` files of `size` bytes that differ and compress well."""
    half = bytes(range(256)) * (size // 512 + 1)
    bodies = (number.to_bytes(8, "big") + half[: size - 8] for number in range(count))
    return {f"{number:05}.bin": (len(body), partial(io.BytesIO, body)) for number, body in enumerate(bodies)}


def sparse(path: Path, size: int) -> Content:
    """Return a file of `size` zeros, made at `path`: they take no room, and are read like any other bytes."""
    path.touch()
    os.truncate(path, size)
    return size, lambda: path.open("rb")
