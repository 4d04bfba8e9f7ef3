"""What a suite must be able to do: the one interface behind which the choice of algorithms disappears."""

from collections.abc import Callable
from typing import Protocol

from gateway.bundle.chunked import Decryptor, Encryptor

Sign = Callable[[bytes, bytes], bytes]
"""(label, body) -> signature over `label | body`; the label separates this use of the key from all others."""
Verify = Callable[[bytes, bytes, bytes], bool]
"""(label, body, signature of S bytes) -> whether it is the key's over `label | body`."""
Wrap = Callable[[bytes, bytes, bytes], bytes]
"""(text, label, bind) -> the short text encrypted to the key, bound to `label` and to the 32 bytes of `bind`."""
Unwrap = Callable[[bytes, bytes, bytes], bytes | None]
"""(wrapped, label, bind) -> the text; None if the key, the label, the bind or the bytes are other ones."""


class Hasher(Protocol):
    """A running digest of 32 bytes, H in the format."""

    def update(self, data: bytes | memoryview, /) -> None: ...
    def digest(self) -> bytes: ...


class Algorithms(Protocol):
    """The primitives of one suite. Keys are raw bytes of the lengths stated here; callers check the lengths."""

    @property
    def content_key_length(self) -> int:
        """Bytes of K."""
        ...

    @property
    def wrap_length(self) -> int:
        """W: bytes of a wrapped K."""
        ...

    @property
    def signature_length(self) -> int:
        """S: bytes of a signature."""
        ...

    @property
    def sign_seed_length(self) -> int: ...

    @property
    def encrypt_seed_length(self) -> int: ...

    @property
    def sign_public_length(self) -> int: ...

    @property
    def encrypt_public_length(self) -> int: ...

    def digest(self) -> Hasher:
        """Begin a digest H."""
        ...

    def generate_seeds(self) -> tuple[bytes, bytes]:
        """Draw the private seeds of a new node: for signing, for decrypting."""
        ...

    def sign_public(self, seed: bytes) -> bytes:
        """Return the raw public key of a signing seed."""
        ...

    def encrypt_public(self, seed: bytes) -> bytes:
        """Return the raw public key of a decrypting seed."""
        ...

    def is_sound(self, sign_public: bytes, encrypt_public: bytes) -> bool:
        """Say whether both raw public keys are canonical, on their curves and not of small order."""
        ...

    def is_sound_seed(self, sign_seed: bytes, encrypt_seed: bytes) -> bool:
        """Say whether seeds of the right length are usable as they are."""
        ...

    def signer(self, seed: bytes) -> Sign:
        """Return what signs with a signing seed. To make it may take longer than to use it; any thread may."""
        ...

    def verifier(self, public: bytes) -> Verify:
        """Return what verifies with a raw public key; as `signer`."""
        ...

    def wrapper(self, public: bytes) -> Wrap:
        """Return what encrypts short texts to a raw public key; as `signer`."""
        ...

    def unwrapper(self, seed: bytes) -> Unwrap:
        """Return what undoes a wrap with a decrypting seed; as `signer`."""
        ...

    def encryptor(self, key: bytes, context: bytes) -> Encryptor:
        """Begin the chunked encryption of one text under K."""
        ...

    def decryptor(self, key: bytes, context: bytes) -> Decryptor:
        """Begin the chunked decryption of one text under K."""
        ...
