"""The paths that a guest of the embedded server may name, and what it is told about what lies there."""

import os
import stat

import asyncssh

from gateway.transport import disk
from gateway.transport.hosted import IN, OUT

ROOT = ""
FILE_MODE = stat.S_IFREG | 0o600
FOLDER = asyncssh.SFTPAttrs(permissions=stat.S_IFDIR | 0o700)
_PATH_MAX = 512
"""Bytes; the longest path that means anything has 113."""


def place(path: bytes) -> tuple[str, str]:
    """Return (folder, name) of a guest's path, either of them empty; raises for every other kind of path."""
    if len(path) > _PATH_MAX:
        raise asyncssh.SFTPNoSuchFile("no such path")
    try:
        parts = [part for part in path.decode("ascii").split("/") if part not in {"", "."}]
    except UnicodeDecodeError as error:
        raise asyncssh.SFTPNoSuchFile("no such path") from error
    folder, name = (*parts, "", "")[:2]
    if len(parts) > 2 or folder not in {ROOT, IN, OUT}:
        raise asyncssh.SFTPNoSuchFile("no such path")
    if name and disk.as_wire_name(name) is None and not disk.is_hidden(name):
        raise asyncssh.SFTPPermissionDenied("not a wire name")
    return folder, name


def require_wire(name: str) -> None:
    """Raise unless `name` is a wire name: hidden names do not exist where a guest collects."""
    if disk.as_wire_name(name) is None:
        raise asyncssh.SFTPNoSuchFile("no such file")


def require_regular(found: os.stat_result) -> None:
    """Raise unless it is a plain file: links and the like do not exist for a guest."""
    if not stat.S_ISREG(found.st_mode):
        raise asyncssh.SFTPNoSuchFile("no such file")


def attributes(found: os.stat_result) -> asyncssh.SFTPAttrs:
    """Return what a guest is told of a file: its size, and nothing about the host's owners, modes and times."""
    require_regular(found)
    return asyncssh.SFTPAttrs(size=found.st_size, permissions=FILE_MODE)
