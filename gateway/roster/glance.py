"""What the accepted roster file says of itself, without the cost of verifying it anew: for those who only look."""

import json
import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from gateway.domain.errors import SecurityError
from gateway.roster.file import FILE_MAX, split

FOLDER = "roster"
"""Folder in the state folder with the accepted roster."""
FILE_NAME = "roster.cft"
SCRATCH = ".proving-"
"""Begins the names of the folders beside it in which files are proven."""
SOON_SECONDS = 30 * 86400
"""Within this time before its end people are told: officers of several houses have to meet for the next version."""


@dataclass(frozen=True, slots=True)
class Glance:
    """Version and end of the accepted roster. `expires_at`: seconds since 1970 UTC; 0 if the file is damaged."""

    version: int
    expires_at: int


def glance(state: Path) -> Glance | None:
    """Return what the roster below the state folder, which was verified when it was accepted, says; None if none is."""
    try:
        with (state / FOLDER / FILE_NAME).open("rb") as stream:
            # Reading reserves what it asks for, so no more is asked for than there is.
            file = split(stream.read(min(os.fstat(stream.fileno()).st_size, FILE_MAX) + 1))
        parts = [json.loads(part)["signed"] for part in (file.roots[-1], file.timestamp, file.snapshot, file.targets)]
        return Glance(int(parts[-1]["version"]), min(_seconds(part["expires"]) for part in parts))
    except FileNotFoundError:
        return None
    except (OSError, SecurityError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return Glance(0, 0)


def _seconds(written: str) -> int:
    return int(datetime.fromisoformat(written).timestamp())
