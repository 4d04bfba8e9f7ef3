"""The card by which a unit introduces its node: its public keys with their validity, signed by each of them.

    off  len  field
    0    8    magic 89 43 46 43 0D 0A 1A 0A
    8    4    b   length of the body, big-endian (at most BODY_MAX)
    12   b    body: canonical JSON (docs/adr/0008-keys-and-cards.md)
    12+b 1    n   number of signatures, one by each signing key in the body
              n x { key_id 32 | length 2 | signature over L("card") | body }   key_ids strictly ascending; nothing after

Every listed signing key signs: nobody can list a key that is not its own, and at a renewal the previous key vouches for
the new one. Trust comes from the fingerprint alone, compared by two people; nothing here is trusted on first use.
"""

import base64
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gateway.bundle import canonical
from gateway.bundle.aloud import aloud
from gateway.bundle.curves import is_sound_ed25519
from gateway.bundle.keys import NodeKeys, PublicKeys
from gateway.bundle.suites import Suite, algorithms, suite_of
from gateway.domain.errors import Scope, SecurityError
from gateway.domain.ids import UnitCode, unit_code

BODY_MAX = 128 << 10
"""Bytes; KEYS_MAX keys of the largest suite in hexadecimal take half of it."""
KEYS_MAX = 8
"""Keys on one card: two or three suites, each with a previous and a new key."""
SIGNATURE_MAX = 8 << 10
"""Bytes; the longest signature of any suite that stands alone has 3373."""
NAME_MAX = 100
"""Characters of a unit's name."""
CARD_MAX = 12 + BODY_MAX + 1 + KEYS_MAX * (34 + SIGNATURE_MAX)
"""Bytes; a longer file is no card."""

_MAGIC = b"\x89CFC\r\n\x1a\n"
_VERSION = 1
_SSH_KIND = b"ssh-ed25519"
_SSH_PREFIX = struct.pack(">I", len(_SSH_KIND)) + _SSH_KIND + struct.pack(">I", 32)


@dataclass(frozen=True, slots=True)
class CardKey:
    """One pair of public keys; counts from `not_before` until before `not_after` (whole seconds since 1970 UTC)."""

    public: PublicKeys
    not_before: int
    not_after: int

    def is_valid(self, at: float) -> bool:
        """Whether the keys count at `at` (seconds since 1970 UTC)."""
        return self.not_before <= at < self.not_after


@dataclass(frozen=True, slots=True)
class Card:
    """What a unit states about its node. SecurityError `card-malformed` for a card that could not be written.

    keys: in the order of (suite, not_before, encrypt_key_id), no two with the same encryption key.
    ssh_host_key, ssh_user_key: `ssh-ed25519 <base64>` without a comment; two different keys.
    suites: those in which bundles to this unit may be sealed, ascending; each has a key.
    created: whole seconds since 1970 UTC; tells the newer of two cards, and nothing else.
    """

    unit: UnitCode
    name: str
    keys: tuple[CardKey, ...]
    ssh_host_key: str
    ssh_user_key: str
    suites: tuple[Suite, ...]
    created: int

    def __post_init__(self) -> None:
        try:
            self._check()
        except ValueError as error:
            raise _malformed(str(error)) from error

    def to_json(self) -> bytes:
        """Return the body: the canonical JSON that is signed and fingerprinted."""
        return canonical.encode(
            {
                "v": _VERSION,
                "unit": self.unit,
                "name": self.name,
                "keys": [
                    {
                        "suite": int(key.public.suite),
                        "sign": key.public.sign_public.hex(),
                        "encrypt": key.public.encrypt_public.hex(),
                        "not_before": key.not_before,
                        "not_after": key.not_after,
                    }
                    for key in self.keys
                ],
                "ssh_host_key": self.ssh_host_key,
                "ssh_user_key": self.ssh_user_key,
                "suites": [int(suite) for suite in self.suites],
                "created": self.created,
            }
        )

    def signers(self) -> Mapping[bytes, PublicKeys]:
        """Return the signing keys by their key_id."""
        return {key.public.sign_key_id: key.public for key in self.keys}

    def _check(self) -> None:
        unit_code(self.unit)
        if not self.name or self.name != self.name.strip() or not self.name.isprintable() or len(self.name) > NAME_MAX:
            raise ValueError(f"the name must be 1 to {NAME_MAX} printable characters")
        if not 0 <= self.created <= canonical.INTEGER_MAX:
            raise ValueError("created is out of range")
        if not 1 <= len(self.keys) <= KEYS_MAX:
            raise ValueError(f"a card has 1 to {KEYS_MAX} keys")
        order = [card_order(key) for key in self.keys]
        if order != sorted(order) or len({key.public.encrypt_key_id for key in self.keys}) != len(self.keys):
            raise ValueError("keys are out of order or listed twice")
        if any(not 0 <= key.not_before < key.not_after <= canonical.INTEGER_MAX for key in self.keys):
            raise ValueError("a key's validity is out of range")
        if not self.suites or list(self.suites) != sorted(set(self.suites)):
            raise ValueError("accepted suites are missing or out of order")
        if not set(self.suites) <= {key.public.suite for key in self.keys}:
            raise ValueError("an accepted suite has no key")
        if ssh_public(self.ssh_host_key) == ssh_public(self.ssh_user_key):
            raise ValueError("host and user have the same SSH key")


def card_order(key: CardKey) -> tuple[int, int, bytes]:
    """Sort key of the keys on a card."""
    return int(key.public.suite), key.not_before, key.public.encrypt_key_id


def ssh_public(text: str) -> bytes:
    """Return the 32 raw bytes of an OpenSSH ed25519 public key without comment (RFC 8709); ValueError for others."""
    kind, _, encoded = text.partition(" ")
    try:
        blob = base64.b64decode(encoded, validate=True)
    except ValueError:
        raise ValueError("not an OpenSSH public key") from None
    raw = blob[len(_SSH_PREFIX) :]
    if kind.encode() != _SSH_KIND or len(raw) != 32 or ssh_text(raw) != text:
        raise ValueError("not an OpenSSH ed25519 public key in its one form")
    if not is_sound_ed25519(raw):
        raise ValueError("an SSH key is no point on its curve or of small order")
    return raw


def ssh_text(raw: bytes) -> str:
    """Return the OpenSSH form of a raw ed25519 public key."""
    return f"{_SSH_KIND.decode()} {base64.b64encode(_SSH_PREFIX + raw).decode()}"


def sign_card(card: Card, keys: Sequence[NodeKeys]) -> bytes:
    """Return the card's file; ValueError unless `keys` hold the private half of every signing key on the card."""
    body = card.to_json()
    if len(body) > BODY_MAX:
        raise _malformed(f"longer than {BODY_MAX} bytes")
    private = {one.public.sign_key_id: one for one in keys}
    missing = card.signers().keys() - private.keys()
    if missing:
        raise ValueError(f"{len(missing)} signing keys of the card are not at hand")
    parts = [_MAGIC, struct.pack(">I", len(body)), body, bytes([len(card.signers())])]
    for key_id in sorted(card.signers()):
        signature = private[key_id].sign("card", body)
        parts += [key_id, struct.pack(">H", len(signature)), signature]
    return b"".join(parts)


def parse_card(raw: bytes) -> Card:
    """Return the card in `raw` after checking every signature in it; whom it speaks for is for a person to confirm.

    Raises SecurityError `card-malformed`, `key-refused`, `suite-refused` or `card-bad-signature`, all with scope link.
    """
    try:
        body, signatures = _split(raw)
        card = _from_json(body)
        if list(signatures) != sorted(card.signers()):
            raise ValueError("signatures do not belong to the signing keys on the card")
    except ValueError as error:
        raise _malformed(str(error)) from error
    except SecurityError as error:
        raise SecurityError(error.code, error.detail, scope=Scope.LINK, facts=error.facts) from error
    for key_id, public in card.signers().items():
        # Cards are signed one by one: a signature that is shared with others has no place on one.
        is_alone = len(signatures[key_id]) == algorithms(public.suite).signature_length
        if not is_alone or not public.verify("card", body, signatures[key_id]):
            raise SecurityError("card-bad-signature", "a key on the card did not sign it", scope=Scope.LINK)
    return card


def fingerprint(card: Card) -> str:
    """Return 40 decimal digits in 8 groups of 5, to be read aloud; takes some 60 ms."""
    return aloud("card fingerprint", card.to_json())


def _split(raw: bytes) -> tuple[bytes, dict[bytes, bytes]]:
    if len(raw) > CARD_MAX or len(raw) < 13 or not raw.startswith(_MAGIC):
        raise ValueError("not a card")
    (length,) = struct.unpack_from(">I", raw, 8)
    if length > BODY_MAX or len(raw) < 12 + length + 1:
        raise ValueError("the body is cut short or too long")
    body, position = raw[12 : 12 + length], 12 + length + 1
    signatures: dict[bytes, bytes] = {}
    for _ in range(raw[position - 1]):
        key_id, head = raw[position : position + 32], raw[position + 32 : position + 34]
        if len(head) != 2:
            raise ValueError("a signature is cut short")
        end = position + 34 + int.from_bytes(head)
        if len(raw) < end or key_id in signatures:
            raise ValueError("a signature is cut short or given twice")
        signatures[key_id] = raw[position + 34 : end]
        position = end
    if position != len(raw):
        raise ValueError("bytes after the last signature")
    return body, signatures


def _from_json(body: bytes) -> Card:
    whole = canonical.fields(
        canonical.decode(body, limit=BODY_MAX, values_limit=256),
        *("v", "unit", "name", "keys", "ssh_host_key", "ssh_user_key", "suites", "created"),
    )
    canonical.integer(whole["v"], "v", least=_VERSION, most=_VERSION)
    return Card(
        unit=unit_code(canonical.text(whole["unit"], "unit", limit=24)),
        name=canonical.text(whole["name"], "name", limit=NAME_MAX),
        keys=tuple(_key(one) for one in canonical.items(whole["keys"], "keys", limit=KEYS_MAX)),
        ssh_host_key=canonical.text(whole["ssh_host_key"], "ssh_host_key", limit=200),
        ssh_user_key=canonical.text(whole["ssh_user_key"], "ssh_user_key", limit=200),
        suites=tuple(
            suite_of(canonical.integer(one, "suite", most=255))
            for one in canonical.items(whole["suites"], "suites", limit=8)
        ),
        created=canonical.integer(whole["created"], "created"),
    )


def _key(value: object) -> CardKey:
    one = canonical.fields(value, "suite", "sign", "encrypt", "not_before", "not_after")
    public = PublicKeys(
        suite_of(canonical.integer(one["suite"], "suite", most=255)),
        canonical.hexadecimal(one["sign"], "sign", most=4096),
        canonical.hexadecimal(one["encrypt"], "encrypt", most=4096),
    )
    return CardKey(
        public, canonical.integer(one["not_before"], "not_before"), canonical.integer(one["not_after"], "not_after")
    )


def _malformed(why: str) -> SecurityError:
    return SecurityError("card-malformed", why, scope=Scope.LINK)
