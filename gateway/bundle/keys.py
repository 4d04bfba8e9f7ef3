"""The keys of a node for one suite: private seeds that never show themselves, raw public halves, and their ids."""

import copyreg
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Self

from gateway.bundle import shared
from gateway.bundle.primitives import Sign, Unwrap, Verify, Wrap
from gateway.bundle.suites import DEFAULT_SUITE, Suite, algorithms, digest, label, suite_of
from gateway.domain.errors import SecurityError

_ROOTS_KEPT = 8
"""Shared signatures that are not verified again while others come between: bundles of two batches in turn, and more."""


@dataclass(frozen=True, slots=True)
class PublicKeys:
    """What others need of a node: raw public keys of one suite.

    Raises SecurityError `key-refused` if a key has the wrong length, is no canonical point or of small order.
    """

    suite: Suite
    sign_public: bytes
    encrypt_public: bytes
    _verify: Verify | None = field(default=None, init=False, repr=False, compare=False)
    """Made when it is first needed; never travels."""
    _wrap: Wrap | None = field(default=None, init=False, repr=False, compare=False)
    """As `_verify`."""
    _roots: tuple[bytes, ...] = field(default=(), init=False, repr=False, compare=False)
    """H over all that went into verifying each of the last shared signatures: of the same, the answer is the same."""

    def __post_init__(self) -> None:
        use = algorithms(self.suite)
        lengths = (len(self.sign_public), len(self.encrypt_public))
        if lengths != (use.sign_public_length, use.encrypt_public_length):
            raise SecurityError("key-refused", "a public key has the wrong length")
        if not use.is_sound(self.sign_public, self.encrypt_public):
            raise SecurityError("key-refused", "a public key is not canonical, not on its curve or of small order")

    @classmethod
    def checked_before(cls, suite: Suite, sign_public: bytes, encrypt_public: bytes) -> Self:
        """Return keys whose soundness was found when they were taken in; only their lengths are looked at again.

        Checking the points of a whole province takes seconds, which no start should wait for.
        """
        use = algorithms(suite)
        if (len(sign_public), len(encrypt_public)) != (use.sign_public_length, use.encrypt_public_length):
            raise SecurityError("key-refused", "a public key has the wrong length")
        keys = object.__new__(cls)
        for name, value in (
            ("suite", suite),
            ("sign_public", sign_public),
            ("encrypt_public", encrypt_public),
            ("_verify", None),
            ("_wrap", None),
            ("_roots", ()),
        ):
            object.__setattr__(keys, name, value)
        return keys

    @property
    def sign_key_id(self) -> bytes:
        """key_id of the signing key: 32 bytes."""
        return _key_id(self.suite, b"S", self.sign_public)

    @property
    def encrypt_key_id(self) -> bytes:
        """key_id of the encryption key: 32 bytes."""
        return _key_id(self.suite, b"E", self.encrypt_public)

    def verify(self, name: str, body: bytes, signature: bytes) -> bool:
        """Say whether `signature`, alone or shared, is this node's over L(`name`) and `body`; a wrong length is no
        error but False."""
        depth = shared.depth_of(self.suite, len(signature))
        if depth is None:
            return False
        if depth == 0:
            return self._verifier()(label(name), body, signature)
        cut = algorithms(self.suite).signature_length
        text = shared.climb(self.suite, name, body, signature[cut:])
        return text is not None and self._is_root(label(shared.root_name(name)), text, signature[:cut])

    def _is_root(self, root_label: bytes, text: bytes, signature: bytes) -> bool:
        """Whether a root was signed; asked once for those who share it and come together."""
        asked = digest(self.suite, root_label, text, signature)
        if asked in self._roots:
            return True
        if not self._verifier()(root_label, text, signature):
            return False
        object.__setattr__(self, "_roots", (asked, *self._roots[: _ROOTS_KEPT - 1]))
        return True

    def _verifier(self) -> Verify:
        verify = self._verify
        if verify is None:
            verify = algorithms(self.suite).verifier(self.sign_public)
            object.__setattr__(self, "_verify", verify)
        return verify

    def wrap(self, name: str, bind: bytes, text: bytes) -> bytes:
        """Encrypt a short `text` to this node, bound to L(`name`) and `bind` (32 bytes)."""
        wrap = self._wrap
        if wrap is None:
            wrap = algorithms(self.suite).wrapper(self.encrypt_public)
            object.__setattr__(self, "_wrap", wrap)
        return wrap(text, label(name), bind)

    def __reduce__(self) -> tuple[Callable[..., Self], tuple[type[Self]], list[object]]:
        # In the order of the fields, as dataclasses read it; what was made of the keys stays in this process. Before
        # Python 3.11.4 dataclasses put their own in the place of a __getstate__.
        new = copyreg.__newobj__  # type: ignore[attr-defined] # the standard library's own way, left out of its types
        return new, (type(self),), [self.suite, self.sign_public, self.encrypt_public, None, None, ()]


@dataclass(frozen=True, slots=True, repr=False)
class _Ready:
    """Private keys as the library wants them: to make them out of their seeds takes longer than to use them."""

    sign: Sign
    unwrap: Unwrap
    sign_key_id: bytes
    encrypt_key_id: bytes


@dataclass(frozen=True, slots=True, repr=False)
class NodeKeys:
    """The private seeds of a node for one suite. They leave this process only through `to_bytes` and to its crew."""

    suite: Suite
    sign_seed: bytes
    encrypt_seed: bytes
    _kept: _Ready | None = field(default=None, init=False, compare=False)
    """Made when it is first needed; never travels."""

    def __post_init__(self) -> None:
        use = algorithms(self.suite)
        if (len(self.sign_seed), len(self.encrypt_seed)) != (use.sign_seed_length, use.encrypt_seed_length):
            raise SecurityError("key-refused", "a private seed has the wrong length")
        if not use.is_sound_seed(self.sign_seed, self.encrypt_seed):
            raise SecurityError("key-refused", "a private seed is out of range")

    def __repr__(self) -> str:
        return f"NodeKeys({self.suite.name}, redacted)"

    @property
    def public(self) -> PublicKeys:
        """The public halves; computed anew each time, so keep the result."""
        use = algorithms(self.suite)
        return PublicKeys(self.suite, use.sign_public(self.sign_seed), use.encrypt_public(self.encrypt_seed))

    @property
    def sign_key_id(self) -> bytes:
        """As `PublicKeys.sign_key_id`, without checking our own keys again."""
        return self._ready().sign_key_id

    @property
    def encrypt_key_id(self) -> bytes:
        """As `PublicKeys.encrypt_key_id`, without checking our own keys again."""
        return self._ready().encrypt_key_id

    def sign(self, name: str, body: bytes) -> bytes:
        """Return the signature over L(`name`) and `body`."""
        return self._ready().sign(label(name), body)

    def sign_all(self, name: str, bodies: Sequence[bytes], depth: int | None = None) -> list[bytes]:
        """Return a signature for each of `bodies`, which proves that one alone; up to 2^depth of them share one.

        depth: 0 for signatures that share nothing, at most shared.DEPTH_MAX; None for what fits their number.
        """
        depth = shared.depth_for(len(bodies)) if depth is None else depth
        if depth == 0:
            return [self.sign(name, body) for body in bodies]
        signatures: list[bytes] = []
        for start in range(0, len(bodies), 1 << depth):
            text, proofs = shared.plant(self.suite, name, bodies[start : start + (1 << depth)], depth)
            signed = self.sign(shared.root_name(name), text)
            signatures += [signed + proof for proof in proofs]
        return signatures

    def unwrap(self, name: str, bind: bytes, wrapped: bytes) -> bytes | None:
        """Undo `PublicKeys.wrap`; None if it was made for another key, name or bind, or changed on the way."""
        return self._ready().unwrap(wrapped, label(name), bind)

    def to_bytes(self) -> bytes:
        """Return suite and raw seeds, to be encrypted by the keyring before they touch a disk."""
        return bytes([self.suite]) + self.sign_seed + self.encrypt_seed

    @classmethod
    def from_bytes(cls, raw: bytes) -> Self:
        """Undo `to_bytes`; SecurityError `suite-refused` or `key-refused` if `raw` is anything else."""
        if not raw:
            raise SecurityError("key-refused", "no key bytes")
        suite = suite_of(raw[0])
        cut = 1 + algorithms(suite).sign_seed_length
        return cls(suite, raw[1:cut], raw[cut:])

    def __reduce__(self) -> tuple[type[Self], tuple[Suite, bytes, bytes]]:
        return type(self), (self.suite, self.sign_seed, self.encrypt_seed)

    def _ready(self) -> _Ready:
        # Two threads that come first both make it; either is as good.
        ready = self._kept
        if ready is None:
            ready = _made_ready(self.suite, self.sign_seed, self.encrypt_seed)
            object.__setattr__(self, "_kept", ready)
        return ready


def generate(suite: Suite = DEFAULT_SUITE) -> NodeKeys:
    """Draw the keys of a new node from the operating system's randomness."""
    return NodeKeys(suite, *algorithms(suite).generate_seeds())


@lru_cache(maxsize=1)
def _made_ready(suite: Suite, sign_seed: bytes, encrypt_seed: bytes) -> _Ready:
    """Make keys of seeds, or return those that were made last: a worker process is sent the same with each errand.

    No more than the last: keys that were renewed or destroyed are gone from it once others are used in their place.
    """
    use = algorithms(suite)
    return _Ready(
        use.signer(sign_seed),
        use.unwrapper(encrypt_seed),
        _key_id(suite, b"S", use.sign_public(sign_seed)),
        _key_id(suite, b"E", use.encrypt_public(encrypt_seed)),
    )


def _key_id(suite: Suite, role: bytes, public: bytes) -> bytes:
    return digest(suite, label("key"), bytes([suite]), role, public)
