"""What an import holds besides what the receiver's format has a place for: the sender's own records, byte for byte."""

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from gateway.packing import ORIGINALS, Packet
from packers import names

CASE_FILE: Final = "case-package.json"
"""The whole case package in its canonical form: every value that the receiver's format cannot say."""
_ASIDE: Final = "~"
"""The folder of a member that is called like ours."""


def files_of(packet: Packet) -> tuple[str, ...]:
    """Return the paths of all members of `packet`, in their order."""
    root = packet.root
    return tuple(sorted(p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file()))


def move_into(packet: Packet, path: str, target: Path) -> None:
    """Move the member `path` to `target`, making the folders above it; OSError if the disk fails."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(packet.root / path, target)


def leave_originals(packet: Packet, rest: Iterable[str], folder: Path) -> None:
    """Move the members `rest`, which the receiver's format has no place for, below `folder`, and the case package with
    them; OSError if the disk fails."""
    home = folder / ORIGINALS
    home.mkdir()
    for path in rest:
        clashes = names.folded(path.partition("/")[0]) == CASE_FILE
        move_into(packet, path, home / _ASIDE / path if clashes else home / path)
    (home / CASE_FILE).write_bytes(packet.package.to_json())
