"""The content of an export as one digest: the same files give the same, whatever zip, mark or time they came with."""

import hashlib
from collections.abc import Callable, Sequence
from typing import Final

from gateway.bundle.streams import PIECE
from gateway.bundle.suites import Suite, algorithms
from gateway.domain.ids import Digest
from gateway.packing import Member
from gateway.stages import layout

_LABEL: Final = b"caseferry content/v1\0"


class ContentHash:
    """Collects the files of one export in any order: path, size and hash of each."""

    def __init__(self) -> None:
        self._rows: list[bytes] = []

    def listed(self, path: str, size: int, content: bytes) -> None:
        """Take in one member of a bundle, as `add` does; what is ours and not the export's own is passed over."""
        if path.startswith(layout.CONTENT):
            self.add(path.removeprefix(layout.CONTENT), size, content)

    def add(self, path: str, size: int, content: bytes) -> None:
        """Take in one file by its path, its size in bytes and the hash of its content."""
        self._rows.append(b"%d %b %b\0" % (size, content.hex().encode(), path.encode()))

    def digest(self) -> Digest:
        """Return the digest of all files taken in."""
        running = hashlib.sha256(_LABEL)
        for row in sorted(self._rows):
            running.update(row)
        return Digest(running.hexdigest())


def read_content(members: Sequence[Member], suite: Suite, progress: Callable[[int], None]) -> Digest:
    """Return the digest that sealing `members` under `suite` would find, by reading them once. Raises OSError.

    progress: told 0 for every piece read: nothing is written, but somebody is at work.
    """
    found = ContentHash()
    buffer = memoryview(bytearray(PIECE))
    for member in members:
        running = algorithms(suite).digest()
        with member.open() as source:
            while count := source.readinto(buffer):  # type: ignore[attr-defined]  # every stream of a packer has it
                running.update(buffer[:count])
                progress(0)
        found.add(member.path, member.size, running.digest())
    return found.digest()
