"""Keys of three nodes per suite, honest bundles, and a forge that writes bundles no honest sealer would write."""

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest

from gateway.bundle import chunked, manifest
from gateway.bundle.envelope import (
    ENVELOPE_MAX,
    Envelope,
    Recipient,
    bind_of,
    bound_part,
    encode_fixed,
    encode_recipients,
    verify_envelope,
)
from gateway.bundle.keys import NodeKeys, PublicKeys, generate
from gateway.bundle.manifest import Coding, Manifest, ManifestFile
from gateway.bundle.payload import verify_payload
from gateway.bundle.seal import SealMember
from gateway.bundle.suites import Suite, algorithms, digest, label
from gateway.bundle.unseal import open_bundle
from gateway.domain.errors import GatewayError
from tests.support.bundles import finish, prepare

TEXTS: Mapping[str, bytes] = {
    "case-package.json": b'{"case":"sample"}' * 40,
    "content/empty.txt": b"",
    "content/提请批准逮捕书.pdf": bytes(range(256)) * 10,
    "content/scan.bin": b"".join(digest(Suite.CLASSIC, bytes([n])) for n in range(200)),
}


@dataclass(frozen=True)
class Trio:
    """Sender, recipient and somebody else, all of one suite."""

    sender: NodeKeys
    recipient: NodeKeys
    other: NodeKeys
    trusted: Mapping[bytes, PublicKeys]

    def signer_of(self, key_id: bytes) -> PublicKeys | None:
        return self.trusted.get(key_id)


@cache
def trio(suite: Suite) -> Trio:
    sender, recipient, other = generate(suite), generate(suite), generate(suite)
    return Trio(sender, recipient, other, {keys.sign_key_id: keys.public for keys in (sender, other)})


def members(texts: Mapping[str, bytes]) -> list[SealMember]:
    return [SealMember(path, None, len(text), lambda text=text: io.BytesIO(text)) for path, text in texts.items()]


class Collected(io.BytesIO):
    """A sink that remembers what was in it when it was closed."""

    def __init__(self, into: dict[str, bytes], path: str) -> None:
        super().__init__()
        self._into = into
        self._path = path

    def close(self) -> None:
        if not self.closed:
            self._into[self._path] = self.getvalue()
        super().close()


class Workshop:
    """Seals, forges and opens bundles of one suite."""

    def __init__(self, suite: Suite) -> None:
        self.suite = suite
        self.keys = trio(suite)

    def seal(self, texts: Mapping[str, bytes] = TEXTS, **options: Any) -> bytes:
        """An honest bundle from sender to recipient."""
        out = io.BytesIO()
        recipients = options.pop("recipients", [self.keys.recipient.public])
        sequences = options.pop("sequences", [7] * len(recipients))
        settings = {"meta": {"flow": "arrest-request"}, "created": 1_000_000, "expires": 1_086_400, "epoch": 3}
        settings |= {"seg_log2": 20} | options
        prepared = prepare(out, members(texts), keys=self.keys.sender, recipients=recipients, **settings)
        finish(out, prepared, sequences, self.keys.sender)
        return out.getvalue()

    def envelope(self, raw: bytes) -> Envelope:
        return verify_envelope(raw[:ENVELOPE_MAX], self.keys.signer_of)

    def resign(self, raw: bytes, header: bytes, signer: NodeKeys | None = None) -> bytes:
        """The bundle with another header, signed again."""
        envelope = self.envelope(raw)
        signature = (signer or self.keys.sender).sign("outer", header)
        return header + signature + raw[envelope.manifest_offset :]

    def open(self, raw: bytes, keys: Sequence[NodeKeys] | None = None, **options: Any) -> dict[str, bytes]:
        """All of groups A, B and C; returns the members."""
        got: dict[str, bytes] = {}
        envelope = self.envelope(raw)
        signer = self.keys.signer_of(envelope.sender_key_id)
        assert signer is not None
        open_bundle(
            io.BytesIO(raw),
            len(raw),
            envelope=envelope,
            keys=[self.keys.recipient] if keys is None else keys,
            signer=signer,
            sink=lambda file: Collected(got, file.path),
            **options,
        )
        return got

    def verify(self, raw: bytes) -> None:
        """Groups A and B, as a hub does."""
        verify_payload(io.BytesIO(raw), len(raw), self.envelope(raw))

    def code_of(self, act: Callable[[], object]) -> str:
        """The code with which `act` is refused."""
        with pytest.raises(GatewayError) as caught:
            act()
        return caught.value.code

    def refusal(self, raw: bytes) -> str:
        return self.code_of(lambda: self.open(raw))

    def listed(self, path: str, text: bytes, **changes: Any) -> ManifestFile:
        """The true entry of one member stored as it is."""
        fields = {"raw": None, "size": len(text), "coding": Coding.IDENTITY, "stored": len(text)}
        return ManifestFile(**({"path": path, "hash": digest(self.suite, text)} | fields | changes))

    def forge(
        self,
        files: Sequence[ManifestFile],
        stored: bytes,
        *,
        text: bytes | None = None,
        frame: Callable[[bytes, bytes], bytes] = lambda text, signature: (
            len(text).to_bytes(4, "big") + text + signature
        ),
        inner_signer: NodeKeys | None = None,
        inner_label: str = "inner",
        manifest_label: str = "manifest",
        data_label: str = "data",
        pad: bytes | None = None,
        wrapped_key: Callable[[bytes], bytes] = lambda key: key,
    ) -> bytes:
        """A bundle with a true outer signature around whatever is asked for."""
        use = algorithms(self.suite)
        sender, recipient = self.keys.sender, self.keys.recipient.public
        built = manifest.build({}, files)
        text = manifest.encode(built) if text is None else text
        plain = stored + (bytes(built.pad) if pad is None else pad)
        key = bytes(range(use.content_key_length))
        fields = {
            "suite": self.suite,
            "segment_log2": 20,
            "routing_class": 0,
            "recipients": 1,
            "created": 1_000_000,
            "expires": 1_086_400,
            "bundle": bytes(16),
            "sender_key_id": sender.sign_key_id,
            "data_length": chunked.ciphertext_length(len(plain)),
            "epoch": 3,
        }
        blank = encode_fixed(manifest_length=0, manifest_hash=bytes(32), segments_hash=bytes(32), **fields)
        key_id = recipient.encrypt_key_id
        bind = bind_of(self.suite, bound_part(blank), sender.sign_key_id, [key_id])
        data = chunked.encrypt_whole(use.encryptor(key, label(data_label) + bind), plain)
        segments = b"".join(digest(self.suite, data[at : at + 2**20]) for at in range(0, len(data), 2**20))
        inner = frame(text, (inner_signer or sender).sign(inner_label, bind + text))
        sealed = chunked.encrypt_whole(use.encryptor(key, label(manifest_label) + bind), inner)
        fixed = encode_fixed(
            manifest_length=len(sealed),
            manifest_hash=digest(self.suite, sealed),
            segments_hash=digest(self.suite, segments),
            **fields,
        )
        wrapped = recipient.wrap("wrap", bind, wrapped_key(key))
        header = fixed + encode_recipients([Recipient(key_id, 1, wrapped)])
        return header + sender.sign("outer", header) + sealed + segments + data


@pytest.fixture
def classic() -> Workshop:
    return Workshop(Suite.CLASSIC)


@pytest.fixture(params=list(Suite), ids=lambda suite: suite.name.lower())
def workshop(request: pytest.FixtureRequest) -> Workshop:
    return Workshop(request.param)


@pytest.fixture
def texts() -> Mapping[str, bytes]:
    return TEXTS


@pytest.fixture
def manifest_of() -> Callable[..., Manifest]:
    return manifest.build
