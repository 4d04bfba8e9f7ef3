"""What the authority does to a roster: puts a version together, lets its officers sign, and sees when enough have."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from securesystemslib.signer import Key, SecretsHandler, Signature, Signer, SSlibKey
from tuf.api.metadata import Metadata, MetaFile, Role, Root, Snapshot, TargetFile, Targets, Timestamp

from gateway.bundle.curves import is_sound_ed25519
from gateway.domain.errors import PermanentError, Scope, SecurityError
from gateway.roster.codec import encode
from gateway.roster.content import RosterContent
from gateway.roster.file import RosterFile, malformed
from gateway.roster.proving import TARGET, S, metadata

ROLES = ("root", "timestamp", "snapshot", "targets")
"""All are signed by the same officers: each signature is made offline, by a person who looked at the whole."""
OFFICERS_MAX = 16


@dataclass(frozen=True, slots=True)
class Officers:
    """Who signs. `keys`: public Ed25519 keys, 32 bytes each; `threshold`: how many of them must."""

    keys: tuple[bytes, ...]
    threshold: int

    def check(self) -> None:
        """Raise PermanentError `roster-officers` unless the threshold can be met and every key is a sound one."""
        keys = set(self.keys)
        if not 1 <= self.threshold <= len(self.keys) <= OFFICERS_MAX or len(keys) != len(self.keys):
            raise PermanentError(
                "roster-officers",
                f"{self.threshold} of {len(self.keys)} officers cannot sign",
                scope=Scope.NODE,
                facts={"threshold": self.threshold, "count": len(keys), "most": OFFICERS_MAX},
            )
        if not all(len(key) == 32 and is_sound_ed25519(key) for key in keys):
            raise SecurityError("key-refused", "an officer's key is not canonical or of small order", scope=Scope.NODE)


@dataclass(frozen=True, slots=True)
class Signed:
    """How far the signing of a file is. `keys`: who signed all of it; `missing`: signatures still to come."""

    keys: tuple[bytes, ...]
    missing: int


def officers_of(root: bytes) -> Officers:
    """Return who signs under `root`; SecurityError `roster-malformed`."""
    signed = metadata(root, Root).signed
    role = signed.roles["targets"]
    return Officers(tuple(_public(signed, one) for one in role.keyids), role.threshold)


def root_expiry(root: bytes) -> int:
    """Return when `root` expires, in seconds since 1970 UTC; SecurityError `roster-malformed`."""
    return int(metadata(root, Root).signed.expires.timestamp())


def next_root(roots: Sequence[bytes], officers: Officers, expires_at: int) -> bytes:
    """Return the unsigned root that follows `roots` (or is the first) and names `officers`. Raises as their `check`."""
    officers.check()
    keys: dict[str, Key] = {_key_id(public): _key(public) for public in officers.keys}
    role = {name: Role(list(keys), officers.threshold) for name in ROLES}
    root = Root(len(roots) + 1, None, _time(expires_at), keys, role, consistent_snapshot=False)
    return Metadata(root).to_bytes()


def propose(roots: Sequence[bytes], content: RosterContent, expires_at: int) -> RosterFile:
    """Return `content` below `roots`, to be signed. expires_at: seconds since 1970 UTC."""
    raw, version, expires = encode(content), content.version, _time(expires_at)
    target = TargetFile.from_data(TARGET, raw, ["sha256"])
    return RosterFile(
        tuple(roots),
        Metadata(Timestamp(version, None, expires, MetaFile(version))).to_bytes(),
        Metadata(Snapshot(version, None, expires, {"targets.json": MetaFile(version)})).to_bytes(),
        Metadata(Targets(version, None, expires, {TARGET: target})).to_bytes(),
        raw,
    )


def sign(file: RosterFile, public: bytes, make: Callable[[bytes], bytes]) -> RosterFile:
    """Return `file` with one officer's signature over all that still wants it; may be repeated.

    public: the officer's key, 32 bytes. make: returns the Ed25519 signature over what it is given.
    Raises PermanentError `roster-no-officer` if the newest root, and the one before it, name no such key.
    """
    signer = _OfficerSigner(public, make)
    known = {key for root in file.roots[-2:] for key in officers_of(root).keys}
    if public not in known:
        raise PermanentError("roster-no-officer", "the root of this roster does not name this key", scope=Scope.NODE)

    def with_signature(raw: bytes, kind: type[S]) -> bytes:
        one = metadata(raw, kind)
        one.sign(signer, append=True)
        return _sorted(one)

    roots = file.roots if _root_missing(file) == 0 else (*file.roots[:-1], with_signature(file.roots[-1], Root))
    if public not in officers_of(file.roots[-1]).keys:
        return replace(file, roots=roots)  # an officer who leaves still vouches for who follows
    return RosterFile(
        roots,
        with_signature(file.timestamp, Timestamp),
        with_signature(file.snapshot, Snapshot),
        with_signature(file.targets, Targets),
        file.roster,
    )


def merge(one: RosterFile, other: RosterFile) -> RosterFile:
    """Return the proposal that both are copies of, with the signatures of both; PermanentError `roster-differs`."""

    def union(left: bytes, right: bytes, kind: type[S]) -> bytes:
        first, second = metadata(left, kind), metadata(right, kind)
        if first.signed_bytes != second.signed_bytes:
            raise _differs()
        first.signatures.update(second.signatures)
        return left if left == right else _sorted(first)

    if one.roster != other.roster or len(one.roots) != len(other.roots) or one.roots[:-1] != other.roots[:-1]:
        raise _differs()
    return RosterFile(
        (*one.roots[:-1], union(one.roots[-1], other.roots[-1], Root)),
        union(one.timestamp, other.timestamp, Timestamp),
        union(one.snapshot, other.snapshot, Snapshot),
        union(one.targets, other.targets, Targets),
        one.roster,
    )


def signed_by(file: RosterFile) -> Signed:
    """Return who has signed `file`, each signature verified; nobody else counts. SecurityError `roster-malformed`."""
    root = metadata(file.roots[-1], Root).signed
    parts: list[tuple[str, Metadata[Timestamp] | Metadata[Snapshot] | Metadata[Targets]]] = [
        ("timestamp", metadata(file.timestamp, Timestamp)),
        ("snapshot", metadata(file.snapshot, Snapshot)),
        ("targets", metadata(file.targets, Targets)),
    ]
    results = [root.get_verification_result(name, part.signed_bytes, part.signatures) for name, part in parts]
    everywhere = set.intersection(*(set(result.signed) for result in results))
    keys = tuple(_public(root, one) for one in sorted(everywhere))
    missing = max((result.missing for result in results), default=0)
    return Signed(keys, max(missing, _root_missing(file)))


def _root_missing(file: RosterFile) -> int:
    """Return how many signatures the newest root lacks, by its own officers and by those before."""
    newest = metadata(file.roots[-1], Root)
    before = metadata(file.roots[-2], Root) if len(file.roots) > 1 else newest
    results = [
        root.signed.get_verification_result("root", newest.signed_bytes, newest.signatures) for root in (before, newest)
    ]
    return max(result.missing for result in results)


class _OfficerSigner(Signer):
    """Signs for one officer, whose private key stays with its holder."""

    def __init__(self, public: bytes, make: Callable[[bytes], bytes]) -> None:
        self._public = public
        self._make = make

    def sign(self, payload: bytes) -> Signature:
        return Signature(_key_id(self._public), self._make(payload).hex())

    @property
    def public_key(self) -> Key:
        return _key(self._public)

    @classmethod
    def from_priv_key_uri(
        cls, priv_key_uri: str, public_key: Key, secrets_handler: SecretsHandler | None = None
    ) -> Signer:
        raise ValueError("officers' keys are not read by the library")


def _key(public: bytes) -> Key:
    return SSlibKey(_key_id(public), "ed25519", "ed25519", {"public": public.hex()})


def _public(root: Root, key_id: str) -> bytes:
    try:
        return bytes.fromhex(root.keys[key_id].keyval["public"])
    except (KeyError, ValueError) as error:
        raise malformed("its root names somebody whose key is none of an officer") from error


def _key_id(public: bytes) -> str:
    """Return the officer's key itself, in hexadecimal: an id that nothing can be mistaken for."""
    return public.hex()


def _sorted(one: Metadata[S]) -> bytes:
    """Return the bytes of metadata that are the same in whatever order its officers signed."""
    signatures: Mapping[str, Signature] = dict(sorted(one.signatures.items()))
    return Metadata(one.signed, dict(signatures)).to_bytes()


def _time(at: int) -> datetime:
    return datetime.fromtimestamp(at, UTC)


def _differs() -> PermanentError:
    return PermanentError("roster-differs", "the two files are not copies of one proposal", scope=Scope.NODE)
