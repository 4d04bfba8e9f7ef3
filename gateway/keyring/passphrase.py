"""Where the passphrase of the key file comes from: a file descriptor, a file, or a person."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from gateway.domain.errors import ConfigError, Scope
from gateway.keyring.privacy import read_credential, read_private

FD_VARIABLE = "CASEFERRY_PASSPHRASE_FD"
FILE_VARIABLE = "CASEFERRY_PASSPHRASE_FILE"
CREDENTIALS_VARIABLE = "CREDENTIALS_DIRECTORY"
PASSPHRASE_MAX = 1024
"""Bytes."""


def passphrase_source(environ: Mapping[str, str], prompt: Callable[[], str] | None = None) -> Callable[[], bytes]:
    """Return what asks for the passphrase once it is needed.

    Tried in this order: the descriptor in CASEFERRY_PASSPHRASE_FD (read once to its end), the owner-only file in
    CASEFERRY_PASSPHRASE_FILE, `prompt`. One line end at the end is cut off. The passphrase itself is never taken from
    the environment, which other processes can read.
    The returned function raises ConfigError `passphrase-missing`, `keys-missing` or `keys-exposed`.
    """

    def ask() -> bytes:
        if FD_VARIABLE in environ:
            raw = _read_descriptor(environ[FD_VARIABLE])
        elif FILE_VARIABLE in environ:
            path = Path(environ[FILE_VARIABLE])
            folder = environ.get(CREDENTIALS_VARIABLE)
            given_by_systemd = folder is not None and path.parent == Path(folder)
            raw = (read_credential if given_by_systemd else read_private)(path, PASSPHRASE_MAX)
        elif prompt is not None:
            raw = prompt().encode()
        else:
            raise _missing(f"set {FILE_VARIABLE} or {FD_VARIABLE}")
        raw = raw.removesuffix(b"\n").removesuffix(b"\r")
        if not raw:
            raise _missing("it is empty")
        return raw

    return ask


def _read_descriptor(text: str) -> bytes:
    try:
        with os.fdopen(int(text), "rb") as stream:
            return stream.read(PASSPHRASE_MAX + 1)[:PASSPHRASE_MAX]
    except (ValueError, OSError):
        # The value may be the passphrase itself, put into the wrong variable: it is not repeated, not even as a cause.
        raise _missing(f"{FD_VARIABLE} names no open file descriptor") from None


def _missing(why: str) -> ConfigError:
    return ConfigError("passphrase-missing", f"no passphrase: {why}", scope=Scope.NODE, facts={"why": why})
