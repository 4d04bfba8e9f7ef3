"""Which roster each neighbour was last given, or gave us: one small file for each link."""

import os
import threading
from contextlib import suppress
from pathlib import Path

from gateway.domain.errors import disk_fault
from gateway.domain.ids import LinkName, WireName, wire_name

FOLDER = "told"
_NAME_MAX = 200


class Told:
    """Remembers, by link, the wire name of a roster file, which stands for its bytes. Safe between threads."""

    def __init__(self, folder: Path) -> None:
        """folder: the roster's folder."""
        self._folder = folder / FOLDER
        # One roster may be given and taken over a link at the same moment.
        self._writing = threading.Lock()

    def last(self, link: LinkName) -> str:
        """Return the name of the roster that the neighbour behind `link` has; empty if none is known."""
        with suppress(OSError, ValueError):
            return (self._folder / link).read_bytes()[:_NAME_MAX].decode("ascii")
        # Told once more is harmless: the neighbour has it, and says nothing.
        return ""

    def note(self, link: LinkName, name: WireName) -> None:
        """Remember that the neighbour has the roster called `name`. Raises TransientError `local-io`, `disk-full`."""
        if self.last(link) == wire_name(name):
            return
        temp = self._folder / f".{link}.new"
        try:
            with self._writing:
                self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                with temp.open("wb") as stream:
                    stream.write(name.encode("ascii"))
                    stream.flush()
                    os.fsync(stream.fileno())
                temp.replace(self._folder / link)
        except OSError as error:
            raise disk_fault(error, "remembering whom the roster was sent to") from error

    def forget(self, link: LinkName) -> None:
        """Know no longer what the neighbour has; may be repeated. Raises as `note`."""
        try:
            (self._folder / link).unlink(missing_ok=True)
        except OSError as error:
            raise disk_fault(error, "forgetting whom the roster was sent to") from error
