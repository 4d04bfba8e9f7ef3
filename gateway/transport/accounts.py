"""The accounts file: which unit may log in at our SFTP server with which public keys."""

import base64
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from gateway.domain.errors import ConfigError, Scope
from gateway.domain.ids import UnitCode, unit_code

FORMAT = 1
KEY_TYPE = "ssh-ed25519"
GUEST_PREFIX = "cf-"
"""Begins the account of every guest where OpenSSH is the server."""
_FILE_MAX = 8 << 20
"""Bytes; 500 units with ten keys each need half a megabyte."""

Accounts = Mapping[UnitCode, frozenset[bytes]]
"""unit -> public keys as RFC 4253 blobs. The SSH user name is the unit code."""


def public_blob(line: str) -> bytes:
    """Return the key blob of an OpenSSH public key line, `ssh-ed25519 AAAA... [comment]`; ValueError for any other."""
    words = line.split()
    if len(words) < 2 or words[0] != KEY_TYPE:
        raise ValueError(f"not an {KEY_TYPE} public key line")
    try:
        blob = base64.b64decode(words[1], validate=True)
    except ValueError as error:
        raise ValueError("the key is not base64") from error
    if len(blob) != 51 or not blob.startswith(b"\x00\x00\x00\x0bssh-ed25519\x00\x00\x00\x20"):
        raise ValueError(f"not an {KEY_TYPE} key inside")
    return blob


def public_line(blob: bytes) -> str:
    """Return the OpenSSH public key line of a key blob, without a comment."""
    return f"{KEY_TYPE} {base64.b64encode(blob).decode('ascii')}"


def account_of(unit: UnitCode) -> str:
    """Return the account of a unit where OpenSSH is the server: a code of digits alone is no name of an account."""
    return GUEST_PREFIX + unit.lower()


def unit_of_account(account: str) -> UnitCode:
    """Return the unit of a guest's account, or of its code itself; ValueError for anything else."""
    return unit_code(account.removeprefix(GUEST_PREFIX).upper())


def save_accounts(path: Path, accounts: Mapping[UnitCode, Sequence[bytes]], mode: int = 0o600) -> None:
    """Write the accounts file (keys as blobs), whole or not at all; raises OSError. The server reads it on SIGHUP.

    mode: permission bits of the file, whatever the umask.
    """
    listed = {unit: sorted(public_line(blob) for blob in blobs) for unit, blobs in accounts.items()}
    text = json.dumps({"format": FORMAT, "accounts": listed}, indent=2, sort_keys=True) + "\n"
    temp = path.with_name(f".{path.name}.part")
    with temp.open("w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fchmod(file.fileno(), mode)
        os.fsync(file.fileno())
    temp.replace(path)


def authorized_lines(path: Path, account: str, fingerprint: str = "") -> str:
    """Return the lines that sshd's AuthorizedKeysCommand prints: the keys of `account`, none if nobody is known by it.

    account: a guest's account, or its unit's code.     fingerprint: `SHA256:...` as sshd offers it; empty: all keys.
    Raises as `load_accounts`.
    """
    try:
        unit = unit_of_account(account)
    except ValueError:
        return ""
    blobs = load_accounts(path).get(unit, frozenset())
    wanted = [blob for blob in sorted(blobs) if fingerprint in {"", fingerprint_of(blob)}]
    # `restrict` for the case that somebody lifts the lines into another configuration.
    return "".join(f"restrict {public_line(blob)}\n" for blob in wanted)


def fingerprint_of(blob: bytes) -> str:
    """Return the fingerprint of a key blob as OpenSSH writes it: `SHA256:` and base64 without padding."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode("ascii").rstrip("=")


def load_accounts(path: Path) -> Accounts:
    """Read the accounts file; ConfigError `accounts-unreadable` or `accounts-malformed` if it cannot be used whole."""
    try:
        with path.open("rb") as file:
            raw = file.read(_FILE_MAX + 1)
    except OSError as error:
        raise ConfigError("accounts-unreadable", f"{path}: {error.strerror}", scope=Scope.NODE) from error
    try:
        if len(raw) > _FILE_MAX:
            raise ValueError(f"more than {_FILE_MAX} bytes")
        return _parsed(json.loads(raw))
    except (ValueError, RecursionError) as error:
        raise ConfigError("accounts-malformed", f"{path}: {error}", scope=Scope.NODE) from error


def _parsed(document: object) -> Accounts:
    if not isinstance(document, dict) or set(document) != {"format", "accounts"}:
        raise ValueError("must have exactly `format` and `accounts`")
    if document["format"] != FORMAT:
        raise ValueError(f"format must be {FORMAT}")
    listed = document["accounts"]
    if not isinstance(listed, dict):
        raise ValueError("`accounts` must be an object")
    return MappingProxyType({unit_code(unit): _keys(unit, lines) for unit, lines in listed.items()})


def _keys(unit: str, lines: object) -> frozenset[bytes]:
    if not isinstance(lines, list) or not all(isinstance(line, str) for line in lines):
        raise ValueError(f"the keys of {unit} must be a list of lines")
    try:
        return frozenset(public_blob(line) for line in lines)
    except ValueError as error:
        raise ValueError(f"{unit}: {error}") from error
