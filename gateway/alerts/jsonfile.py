"""Alerts as JSON lines in a file that is closed and numbered when it is full."""

import contextlib
import os
from pathlib import Path

from gateway.alerts.sinks import not_taken
from gateway.alerts.wording import Wording


class JsonFile:
    """Appends to one file, durably. `path.1` is the youngest of the closed ones."""

    def __init__(self, name: str, path: Path, *, rotation: int, keep: int) -> None:
        """rotation: bytes at which it is closed; keep: closed files that are kept."""
        self.name = name
        self._path = path
        self._rotation = rotation
        self._keep = keep

    def send(self, wording: Wording) -> None:
        """Append it; on return it is on the disk."""
        line = wording.as_json() + b"\n"
        try:
            self._make_room(len(line))
            descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                _write_all(descriptor, line)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise not_taken(self.name, f"{type(error).__name__} {error.errno or ''}".strip()) from error

    def _make_room(self, size: int) -> None:
        if not self._path.exists() or self._path.stat().st_size + size <= self._rotation:
            return
        self._closed(self._keep).unlink(missing_ok=True)
        for number in range(self._keep - 1, 0, -1):
            with contextlib.suppress(FileNotFoundError):
                self._closed(number).rename(self._closed(number + 1))
        self._path.rename(self._closed(1))

    def _closed(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")


def _write_all(descriptor: int, raw: bytes) -> None:
    while raw:
        raw = raw[os.write(descriptor, raw) :]
