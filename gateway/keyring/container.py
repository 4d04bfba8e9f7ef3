"""The key file: secrets under a passphrase, or in the clear for systemd to encrypt.

off  len  field
0    8    magic 89 43 46 4B 0D 0A 1A 0A
8    1    kind: 0 clear, 1 passphrase
          kind 0: the secrets, nothing else
          kind 1:
9    4    memory in KiB    13  4  iterations    17  1  lanes      (Argon2id, RFC 9106)
18   16   salt             34  12 nonce
46        AES-256-GCM of the secrets under the 32 bytes that Argon2id gives; bytes 0..45 are authenticated with them
"""

import os
import struct
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from gateway.domain.errors import ConfigError, Scope

FILE_MAX = 64 << 10
"""Bytes; sixteen pairs of seeds take 4 KiB."""
PASSPHRASE_LEAST = 12
"""Characters. NIST SP 800-63B asks for 8 behind a limit on guesses; a stolen file has no such limit."""
MEMORY_MAX_KIB = 1 << 20
ITERATIONS_MAX = 16
LANES_MAX = 16

_MAGIC = b"\x89CFK\r\n\x1a\n"
_CLEAR, _PASSPHRASE = 0, 1
_HEAD = struct.Struct(">8sBIIB16s12s")
_TAG = 16


@dataclass(frozen=True, slots=True)
class Cost:
    """What one guess at a passphrase costs; the second recommendation of RFC 9106 section 4, for servers of 2 GiB."""

    memory_kib: int = 64 << 10
    iterations: int = 3
    lanes: int = 4

    def __post_init__(self) -> None:
        if not (
            1 <= self.lanes <= LANES_MAX
            and 1 <= self.iterations <= ITERATIONS_MAX
            and 8 * self.lanes <= self.memory_kib <= MEMORY_MAX_KIB
        ):
            raise _malformed("the cost of the passphrase is out of bounds")


def lock(secrets: bytes, passphrase: bytes | None, cost: Cost) -> bytes:
    """Return the key file of `secrets`, clear if `passphrase` is None; ConfigError `passphrase-weak` if it is short."""
    if passphrase is None:
        return _MAGIC + bytes([_CLEAR]) + secrets
    if len(passphrase.decode("utf-8", "replace")) < PASSPHRASE_LEAST:
        raise ConfigError(
            "passphrase-weak",
            f"the passphrase has fewer than {PASSPHRASE_LEAST} characters; choose a longer one",
            scope=Scope.NODE,
            facts={"least": PASSPHRASE_LEAST},
        )
    salt, nonce = os.urandom(16), os.urandom(12)
    head = _HEAD.pack(_MAGIC, _PASSPHRASE, cost.memory_kib, cost.iterations, cost.lanes, salt, nonce)
    return head + AESGCM(_derive(passphrase, salt, cost)).encrypt(nonce, secrets, head)


def unlock(raw: bytes, passphrase: Callable[[], bytes]) -> bytes:
    """Return the secrets in the key file `raw`; `passphrase` is called only if the file asks for one.

    Raises ConfigError `keys-malformed` or `passphrase-wrong` (which a changed file looks like, too).
    """
    if len(raw) > FILE_MAX or len(raw) < len(_MAGIC) + 1 or not raw.startswith(_MAGIC):
        raise _malformed("it does not begin like one")
    if raw[8] == _CLEAR:
        return raw[9:]
    if raw[8] != _PASSPHRASE or len(raw) < _HEAD.size + _TAG:
        raise _malformed("its kind is unknown or it is cut short")
    _, _, memory, iterations, lanes, salt, nonce = _HEAD.unpack_from(raw)
    # Bounded before any work: a planted file must not take the machine's memory.
    cost = Cost(memory, iterations, lanes)
    try:
        return AESGCM(_derive(passphrase(), salt, cost)).decrypt(nonce, raw[_HEAD.size :], raw[: _HEAD.size])
    except InvalidTag:
        raise ConfigError(
            "passphrase-wrong", "the passphrase does not open the key file, or the file was changed", scope=Scope.NODE
        ) from None


def is_clear(raw: bytes) -> bool:
    """Whether the key file `raw` needs no passphrase."""
    return raw[8:9] == bytes([_CLEAR])


def _derive(passphrase: bytes, salt: bytes, cost: Cost) -> bytes:
    kdf = Argon2id(salt=salt, length=32, iterations=cost.iterations, lanes=cost.lanes, memory_cost=cost.memory_kib)
    return kdf.derive(passphrase)


def _malformed(why: str) -> ConfigError:
    return ConfigError("keys-malformed", f"the key file cannot be used: {why}", scope=Scope.NODE, facts={"why": why})
