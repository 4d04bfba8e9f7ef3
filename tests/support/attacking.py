"""An attacker who has taken whole disks, with the passphrases of their keys: what can be opened, what can be read."""

import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.bundle.envelope import ENVELOPE_MAX, Envelope, parse_envelope
from gateway.bundle.keys import NodeKeys, PublicKeys
from gateway.bundle.manifest import ManifestFile
from gateway.bundle.suites import Suite, algorithms, label
from gateway.bundle.unseal import open_bundle
from gateway.compose.identity import load_keyring, load_settings
from gateway.domain.errors import SecurityError

ENCODINGS = ("utf-8", "gb18030", "utf-16-le", "utf-16-be")


@dataclass(frozen=True)
class Loot:
    """What came out: content keys, and everything that could be decrypted with them."""

    content_keys: int
    opened: tuple[bytes, ...]


def secrets_of(nodes: Sequence[Path]) -> set[bytes]:
    """Return every private seed on the disks of these nodes, whatever it is for; and every raw string of 32 bytes that
    stands in a file of their keys."""
    found: set[bytes] = set()
    for node in nodes:
        keyring = load_keyring(load_settings(node / "etc"), {})
        for keys in keyring.node_keys():
            found |= {keys.sign_seed, keys.encrypt_seed, keys.to_bytes()[1:33], keys.to_bytes()[-32:]}
        found |= {keyring.ssh_host.to_seed(), keyring.ssh_user.to_seed()}
        text = keyring._to_bytes()
        found |= {bytes.fromhex(one.decode()) for one in re.findall(rb"(?:[0-9a-f]{2}){16,}", text)}
        for path in (node / "state" / "keys").iterdir():
            found.add(path.read_bytes()[:32])
    return found


def attack(nodes: Sequence[Path], bundles: Sequence[Path], signer: PublicKeys) -> Loot:
    """Try every secret of `nodes` on every wrap of `bundles`, whomever it is addressed to."""
    secrets = secrets_of(nodes)
    keys = 0
    opened: list[bytes] = []
    for path in bundles:
        raw = path.read_bytes()
        envelope = parse_envelope(raw[:ENVELOPE_MAX])
        for secret in secrets:
            for recipient in envelope.recipients:
                if _unwrapped(envelope.suite, secret, recipient.wrap, envelope.bind) is None:
                    continue
                keys += 1
                opened += _opened(raw, envelope, signer, secret)
    return Loot(keys, tuple(opened))


def _unwrapped(suite: Suite, secret: bytes, wrap: bytes, bind: bytes) -> bytes | None:
    if len(secret) != algorithms(suite).encrypt_seed_length:
        return None
    try:
        return algorithms(suite).unwrapper(secret)(wrap, label("wrap"), bind)
    except ValueError:
        return None


def _opened(raw: bytes, envelope: Envelope, signer: PublicKeys, secret: bytes) -> Iterator[bytes]:
    """Yield what is inside, if the secret is that of a recipient."""
    seed = bytes(algorithms(envelope.suite).sign_seed_length - 1) + b"\x01"
    sinks: list[_Kept] = []

    def sink(_member: ManifestFile) -> io.BytesIO:
        sinks.append(_Kept())
        return sinks[-1]

    try:
        keys = NodeKeys(envelope.suite, seed, secret)
        manifest = open_bundle(io.BytesIO(raw), len(raw), envelope=envelope, keys=[keys], signer=signer, sink=sink)
    except SecurityError:
        return
    yield repr(manifest).encode()
    yield from (one.content for one in sinks)


class _Kept(io.BytesIO):
    """A file whose content outlives it."""

    content = b""

    def close(self) -> None:
        if not self.closed:
            self.content = self.getvalue()
        super().close()


def readable(disk: Path, words: Sequence[str]) -> list[tuple[str, str]]:
    """Return (word, file) for each of `words` that stands anywhere below `disk` in any encoding, names included."""
    found: list[tuple[str, str]] = []
    for path in sorted(disk.rglob("*")):
        body = path.read_bytes() if path.is_file() else b""
        place = str(path.relative_to(disk)).encode("utf-8", "surrogateescape")
        found += [(word, path.name) for word in words if _stands_in(word, body + b"\0" + place)]
    return found


def _stands_in(word: str, body: bytes) -> bool:
    return any(word.encode(encoding) in body for encoding in ENCODINGS)
