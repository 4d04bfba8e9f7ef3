"""Brings what third-party libraries say through the standard `logging` into the operations log."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from gateway.domain.oplog import OpsLog


class _Bridge(logging.Handler):
    def __init__(self, log: OpsLog) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        try:
            text = record.getMessage()
        except Exception:  # noqa: BLE001 - a library's malformed entry must not stop who wrote it
            text = "malformed"
        self._log.warn("library-says", library=record.name, level=record.levelname.lower(), text=text)


@contextmanager
def libraries_heard(log: OpsLog) -> Iterator[None]:
    """For as long as the context lasts, write warnings and errors of every library to `log`; nothing else is theirs."""
    root = logging.getLogger()
    bridge = _Bridge(log)
    root.addHandler(bridge)
    try:
        yield
    finally:
        root.removeHandler(bridge)
