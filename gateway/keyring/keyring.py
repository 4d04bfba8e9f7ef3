"""The node's own keys in one place: made once, kept for our account only, shown to nobody."""

import os
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn, Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from gateway.bundle import canonical
from gateway.bundle.card import KEYS_MAX, Card, CardKey, card_order, sign_card, ssh_text
from gateway.bundle.keys import NodeKeys, generate
from gateway.bundle.suites import DEFAULT_SUITE, Suite
from gateway.domain.errors import ConfigError, Scope, SecurityError
from gateway.domain.ids import UnitCode
from gateway.keyring.container import FILE_MAX, Cost, is_clear, lock, unlock
from gateway.keyring.privacy import check_folder, exists, make_folder, read_credential, read_private, replace, write_new

KEY_FILE = "node.cfkeys"
"""Name of the key file in the keys folder."""
CREDENTIAL = "caseferry-keys"
"""Name of the systemd credential that holds a clear key file."""
VALID_SECONDS = 2 * 365 * 86400
"""Two years: peers compare fingerprints anew by hand, and a node must not fall silent because nobody did."""

_PSEUDONYM_BYTES = 32
_VERSION = 1


class SshKey:
    """A private ed25519 SSH key, which shows its public half only."""

    __slots__ = ("_key",)

    def __init__(self, seed: bytes) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(seed)

    @property
    def public_text(self) -> str:
        """`ssh-ed25519 <base64>`, without a comment."""
        return ssh_text(self._key.public_key().public_bytes_raw())

    def to_openssh(self) -> bytes:
        """Return the private key in OpenSSH's own PEM form, unencrypted: for a library's memory, never for a file."""
        return self._key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())

    def to_seed(self) -> bytes:
        """Return the 32 secret bytes."""
        return self._key.private_bytes_raw()

    def __repr__(self) -> str:
        return f"SshKey({self.public_text}, redacted)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("an SSH key does not travel; hand over to_openssh() where it must")


@dataclass(frozen=True, slots=True)
class DatedKeys:
    """One pair of the node's keys, which counts from `not_before` until before `not_after` (seconds since 1970 UTC)."""

    keys: NodeKeys
    not_before: int
    not_after: int

    def __reduce__(self) -> NoReturn:
        raise TypeError("dated keys do not travel; hand over the one pair that is needed")


@dataclass(frozen=True, slots=True)
class NextSsh:
    """The pair of SSH keys that takes the place of the present one."""

    host: SshKey
    user: SshKey


class Keyring:
    """All private keys of this node."""

    __slots__ = ("_dated", "is_clear", "next_ssh", "pseudonyms", "ssh_host", "ssh_user")

    def __init__(
        self,
        dated: Sequence[DatedKeys],
        ssh_host: SshKey,
        ssh_user: SshKey,
        pseudonyms: bytes,
        *,
        is_clear: bool,
        next_ssh: NextSsh | None = None,
    ) -> None:
        self._dated = tuple(sorted(dated, key=lambda one: (one.not_before, one.keys.suite), reverse=True))
        self.ssh_host = ssh_host
        self.ssh_user = ssh_user
        self.pseudonyms = pseudonyms
        """The secret behind the pseudonyms of persons on this node; never renewed: they are to stay the same."""
        self.next_ssh = next_ssh
        """SSH keys that are on the card, so that others learn them, and not yet in use; None but while they change."""
        self.is_clear = is_clear
        """Whether the key file needs no passphrase: right for systemd credentials, else worth a warning."""

    def __repr__(self) -> str:
        return f"Keyring({len(self._dated)} pairs, redacted)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a keyring does not leave its process")

    @classmethod
    def create(
        cls,
        folder: Path,
        passphrase: bytes | None,
        *,
        now: float,
        suites: Sequence[Suite] = (DEFAULT_SUITE,),
        valid_seconds: int = VALID_SECONDS,
        cost: Cost | None = None,
    ) -> Self:
        """Draw new keys, valid from `now` (seconds since 1970 UTC), and write them durably into `folder`.

        passphrase: None leaves the file in the clear, for `systemd-creds encrypt` or for trials.
        Raises ConfigError `keys-exist` if there are keys, `keys-exposed`, `keys-unusable`, `passphrase-weak`.
        """
        path = folder / KEY_FILE
        if os.path.lexists(path):
            raise exists(path)
        fresh = [_fresh(suite, now, valid_seconds) for suite in sorted(set(suites))]
        ring = cls(fresh, _new_ssh(), _new_ssh(), secrets.token_bytes(_PSEUDONYM_BYTES), is_clear=passphrase is None)
        locked = lock(ring._to_bytes(), passphrase, cost or Cost())
        make_folder(folder)
        write_new(path, locked)
        return ring

    @classmethod
    def load(cls, folder: Path, passphrase: Callable[[], bytes], *, credentials: Path | None = None) -> Self:
        """Return the keys of the systemd credential in `credentials`, if it is there, else those in `folder`.

        passphrase: called only if the file asks for one (see `passphrase_source`).
        Raises ConfigError `keys-missing`, `keys-exposed`, `keys-malformed`, `keys-unusable`, `passphrase-wrong`, and
        what `passphrase` raises.
        """
        given = credentials / CREDENTIAL if credentials else None
        if given is not None and os.path.lexists(given):
            path, raw = given, read_credential(given, FILE_MAX)
        else:
            check_folder(folder)
            path = folder / KEY_FILE
            raw = read_private(path, FILE_MAX)
        opened = unlock(raw, passphrase)
        try:
            return cls._from_bytes(opened, is_clear=is_clear(raw))
        except (ValueError, SecurityError):
            # Without the cause, whose traceback would hold the secrets' bytes.
            raise ConfigError(
                "keys-malformed", f"{path} holds no keys", scope=Scope.NODE, facts={"path": str(path)}
            ) from None

    def renew(
        self,
        folder: Path,
        passphrase: bytes | None,
        *,
        now: float,
        overlap_seconds: int,
        valid_seconds: int = VALID_SECONDS,
        cost: Cost | None = None,
        ssh: bool = False,
    ) -> "Keyring":
        """Add a new pair for each suite in use and write the key file anew.

        ssh: draw the SSH keys' successors as well; they are used from `switch_ssh` on.
        Old pairs count for another `overlap_seconds` at most; pairs whose time has passed are destroyed.
        Not repeatable: each call makes new keys. Raises as `create`, and `keys-missing` if `folder` holds no key file.
        """
        path = folder / KEY_FILE
        check_folder(folder)
        read_private(path, FILE_MAX)
        alive = [one for one in self._dated if one.not_after > now]
        kept = [DatedKeys(one.keys, one.not_before, min(one.not_after, int(now) + overlap_seconds)) for one in alive]
        suites = sorted({one.keys.suite for one in self._dated})
        fresh = [_fresh(suite, now, valid_seconds) for suite in suites]
        if len(kept) + len(fresh) > KEYS_MAX:
            raise ConfigError("keys-too-many", "renewed too often; wait until old keys have expired", scope=Scope.NODE)
        following = NextSsh(_new_ssh(), _new_ssh()) if ssh else self.next_ssh
        ring = Keyring(
            [*kept, *fresh],
            self.ssh_host,
            self.ssh_user,
            self.pseudonyms,
            is_clear=passphrase is None,
            next_ssh=following,
        )
        replace(path, lock(ring._to_bytes(), passphrase, cost or Cost()))
        return ring

    def switch_ssh(self, folder: Path, passphrase: bytes | None, *, cost: Cost | None = None) -> "Keyring":
        """Use the SSH keys that `renew` drew, give up those before, and write the key file anew.

        Raises ConfigError `ssh-keys-not-drawn` if there are none, and as `renew`.
        """
        path = folder / KEY_FILE
        check_folder(folder)
        read_private(path, FILE_MAX)
        if self.next_ssh is None:
            raise ConfigError("ssh-keys-not-drawn", "run: caseferry key rotate --ssh", scope=Scope.NODE)
        host, user = self.next_ssh.host, self.next_ssh.user
        ring = Keyring(self._dated, host, user, self.pseudonyms, is_clear=passphrase is None)
        replace(path, lock(ring._to_bytes(), passphrase, cost or Cost()))
        return ring

    @property
    def pairs(self) -> tuple[DatedKeys, ...]:
        """All pairs, newest first."""
        return self._dated

    def node_keys(self) -> tuple[NodeKeys, ...]:
        """Return every pair, newest first: what opens bundles, those sealed to an older key included."""
        return tuple(one.keys for one in self._dated)

    def signing_keys(self, at: float, suite: Suite | None = None) -> NodeKeys:
        """Return the newest pair (of `suite`, if given) that counts at `at`; else ConfigError `keys-expired`."""
        for one in self._dated:
            if one.not_before <= at < one.not_after and suite in (None, one.keys.suite):
                return one.keys
        raise ConfigError(
            "keys-expired", "no key of this node is valid now; run: caseferry key rotate", scope=Scope.NODE
        )

    def card(
        self, unit: UnitCode, name: str, *, created: int | None = None, suites: Sequence[Suite] | None = None
    ) -> bytes:
        """Return the node's signed card, with the same fingerprint each time until keys, unit, name or suites change.

        created: seconds since 1970 UTC; by default when the newest key was made, so that a card written on one day has
            the fingerprint that is read aloud on another.
        suites: those accepted for bundles to us, by default all with a key.
        """
        keys = tuple(
            sorted((CardKey(one.keys.public, one.not_before, one.not_after) for one in self._dated), key=card_order)
        )
        accepted = suites if suites is not None else sorted({one.keys.suite for one in self._dated})
        card = Card(
            unit=unit,
            name=name,
            keys=keys,
            ssh_host_key=(self.next_ssh.host if self.next_ssh else self.ssh_host).public_text,
            ssh_user_key=(self.next_ssh.user if self.next_ssh else self.ssh_user).public_text,
            suites=tuple(accepted),
            created=created if created is not None else max(one.not_before for one in self._dated),
        )
        return sign_card(card, self.node_keys())

    def _to_bytes(self) -> bytes:
        pair = (self.next_ssh.host, self.next_ssh.user) if self.next_ssh else ()
        return canonical.encode(
            {
                "v": _VERSION,
                "keys": [
                    {"pair": one.keys.to_bytes().hex(), "not_before": one.not_before, "not_after": one.not_after}
                    for one in self._dated
                ],
                "ssh_host": self.ssh_host.to_seed().hex(),
                "ssh_user": self.ssh_user.to_seed().hex(),
                "pseudonyms": self.pseudonyms.hex(),
                **({"next_ssh": [one.to_seed().hex() for one in pair]} if pair else {}),
            }
        )

    @classmethod
    def _from_bytes(cls, raw: bytes, *, is_clear: bool) -> Self:
        found = canonical.decode(raw, limit=FILE_MAX, values_limit=256)
        is_changing = isinstance(found, dict) and "next_ssh" in found
        more = ("next_ssh",) if is_changing else ()
        whole = canonical.fields(found, "v", "keys", "ssh_host", "ssh_user", "pseudonyms", *more)
        canonical.integer(whole["v"], "v", least=_VERSION, most=_VERSION)
        dated = [_dated(one) for one in canonical.items(whole["keys"], "keys", limit=KEYS_MAX)]
        if not dated:
            raise ValueError("no keys")
        host, user = (
            SshKey(canonical.hexadecimal(whole[name], name, least=32, most=32)) for name in ("ssh_host", "ssh_user")
        )
        following = [
            SshKey(canonical.hexadecimal(one, "next_ssh", least=32, most=32))
            for one in (canonical.items(whole["next_ssh"], "next_ssh", limit=2) if is_changing else ())
        ]
        if is_changing and len(following) != 2:
            raise ValueError("half a pair of SSH keys")
        secret = canonical.hexadecimal(whole["pseudonyms"], "pseudonyms", least=_PSEUDONYM_BYTES, most=_PSEUDONYM_BYTES)
        return cls(dated, host, user, secret, is_clear=is_clear, next_ssh=NextSsh(*following) if following else None)


def _new_ssh() -> SshKey:
    return SshKey(Ed25519PrivateKey.generate().private_bytes_raw())


def _fresh(suite: Suite, now: float, valid_seconds: int) -> DatedKeys:
    return DatedKeys(generate(suite), int(now), int(now) + valid_seconds)


def _dated(value: object) -> DatedKeys:
    one = canonical.fields(value, "pair", "not_before", "not_after")
    return DatedKeys(
        NodeKeys.from_bytes(canonical.hexadecimal(one["pair"], "pair", least=1, most=1024)),
        canonical.integer(one["not_before"], "not_before"),
        canonical.integer(one["not_after"], "not_after"),
    )
