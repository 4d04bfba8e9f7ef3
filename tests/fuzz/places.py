"""Where targets put files that the product reads by path: one folder for the life of the process."""

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path


@cache
def place(name: str) -> Path:
    """Return a private folder for the target `name`; in memory where the machine has such a place."""
    memory = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(prefix=f"caseferry-fuzz-{name}-", dir=memory if memory.is_dir() else None))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def put(name: str, file: str, data: bytes) -> Path:
    """Write `data` as `file` into the place of `name` and return its path; only its owner may read it."""
    path = place(name) / file
    path.write_bytes(data)
    path.chmod(0o600)
    return path
