"""The key of one officer of the authority that signs rosters: kept offline, in a file under a passphrase."""

from collections.abc import Callable
from pathlib import Path
from typing import NoReturn, Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.bundle import canonical
from gateway.domain.errors import ConfigError, Scope
from gateway.keyring.container import FILE_MAX, Cost, lock, unlock
from gateway.keyring.privacy import read_private, write_new

_VERSION = 1


class OfficerKey:
    """A private Ed25519 key (RFC 8032), which shows its public half only."""

    __slots__ = ("_key",)

    def __init__(self, seed: bytes) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(seed)

    @classmethod
    def draw(cls) -> Self:
        """Return a new key."""
        return cls(Ed25519PrivateKey.generate().private_bytes_raw())

    @classmethod
    def load(cls, path: Path, passphrase: Callable[[], bytes]) -> Self:
        """Return the key in `path`. Raises ConfigError `keys-missing`, `keys-exposed`, `keys-malformed`,
        `passphrase-wrong`, and what `passphrase` raises."""
        secrets = unlock(read_private(path, FILE_MAX), passphrase)
        try:
            whole = canonical.fields(canonical.decode(secrets, limit=FILE_MAX, values_limit=8), "v", "officer")
            canonical.integer(whole["v"], "v", least=_VERSION, most=_VERSION)
            return cls(canonical.hexadecimal(whole["officer"], "officer", least=32, most=32))
        except ValueError:
            # Without the cause, whose traceback would hold the secret's bytes.
            raise ConfigError(
                "keys-malformed", f"{path} holds no officer's key", scope=Scope.NODE, facts={"path": str(path)}
            ) from None

    def save(self, path: Path, passphrase: bytes, cost: Cost | None = None) -> None:
        """Write the key durably to `path`, encrypted. Raises ConfigError `keys-exist`, `passphrase-weak`."""
        secrets = canonical.encode({"v": _VERSION, "officer": self._key.private_bytes_raw().hex()})
        write_new(path, lock(secrets, passphrase, cost or Cost()))

    @property
    def public(self) -> bytes:
        """The public half, 32 bytes."""
        return self._key.public_key().public_bytes_raw()

    def sign(self, text: bytes) -> bytes:
        """Return the signature over `text`, 64 bytes."""
        return self._key.sign(text)

    def __repr__(self) -> str:
        return f"OfficerKey({self.public.hex()}, redacted)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("an officer's key does not leave its process")
