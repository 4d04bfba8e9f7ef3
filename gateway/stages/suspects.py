"""Setting untrusted bytes aside: hashed, moved into quarantine, and noted with why and whence."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from gateway.domain.clock import Clock
from gateway.domain.errors import GatewayError
from gateway.domain.ids import Digest, LinkName, QuarantineId
from gateway.folders import disk
from gateway.folders.quarantine import Quarantine, QuarantineNote


@dataclass(frozen=True, slots=True)
class Suspect:
    """What is set aside: a wire name, the link it came by, and the code of what is wrong with it."""

    subject: str
    link: LinkName | None
    code: str


class QuarantineDesk:
    """Takes files and folders into quarantine."""

    def __init__(self, quarantine: Quarantine, clock: Clock) -> None:
        self._quarantine = quarantine
        self._clock = clock

    def take(self, path: Path, suspect: Suspect) -> QuarantineId:
        """Move the file `path` into quarantine and return its id there; may be repeated. Raises as `disk.failure`
        says."""
        with disk.mapped(path.parent), os.fdopen(disk.readable(path), "rb") as source:
            found = hashlib.file_digest(source, "sha256").hexdigest()
            size = source.tell()
        return self._take(path, suspect, found, size)

    def take_folder(self, path: Path, suspect: Suspect) -> QuarantineId:
        """Move the folder `path` with all that is in it; as `take`."""
        whole, size = hashlib.sha256(), 0
        with disk.mapped(path.parent):
            for file in sorted(one for one in path.rglob("*") if one.is_file() and not one.is_symlink()):
                with os.fdopen(disk.readable(file), "rb") as source:
                    whole.update(hashlib.file_digest(source, "sha256").digest())
                    size += source.tell()
        return self._take(path, suspect, whole.hexdigest(), size)

    def _take(self, path: Path, suspect: Suspect, found: str, size: int) -> QuarantineId:
        note = QuarantineNote(suspect.subject, suspect.link, suspect.code, self._clock.now(), size, Digest(found))
        try:
            return self._quarantine.take(path, note)
        except GatewayError:
            if disk.exists(path):
                raise
            # The bytes have moved already, and only here is known what they are: finish it, or nobody will.
            return self._quarantine.take(path, note)
