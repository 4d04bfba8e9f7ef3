"""The operations log on loguru: JSON lines in a rotated file, or lines of text on stderr for the journal."""

import contextlib
import gzip
import json
import math
import os
import re
import shutil
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, TextIO

from loguru import logger

from gateway.daemon.trace import traced
from gateway.domain.clock import Clock
from gateway.domain.errors import ConfigError, Scope
from gateway.domain.oplog import Fact

MAX_TEXT = 1000
"""Characters of one fact: codes and places are short, and a peer must not fill the disk."""

_LEVELS = MappingProxyType({"info": "INFO", "warn": "WARNING", "error": "ERROR", "alert": "CRITICAL"})
_THRESHOLDS = MappingProxyType({"debug": "DEBUG", "info": "INFO", "warning": "WARNING", "error": "ERROR"})
_PRIORITIES = MappingProxyType({"info": 6, "warn": 4, "error": 3, "alert": 1})
"""Levels as the journal knows them (sd-daemon(3))."""

_NOT_PLAIN = re.compile(r"[^\x20-\x7e]")
_IDENTITY_NUMBER = re.compile(r"(?<![0-9A-Za-z])(\d{3})(?:\d{13}|\d{10})(\d[\dXx])(?![0-9A-Za-z])")


def scrubbed(value: object) -> Fact:
    """Return `value` as it may stand in the log.

    Text keeps plain ASCII only, so neither a name nor a case number in Chinese gets through; identity numbers (15 or
    18 digits) show their first 3 and last 2 characters; what is neither text nor number is named by its type.
    """
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, str):
        plain = _NOT_PLAIN.sub("?", str(value)[:MAX_TEXT])
        return _IDENTITY_NUMBER.sub(lambda found: found[1] + "*" * (len(found[0]) - 5) + found[2], plain)
    return f"<{type(value).__name__}>"


class OperationsLog:
    """A BugLog in one place; one process per file. Thread-safe; what cannot be written is said on stderr.

    Never queued to another thread (loguru's `enqueue`): a process that dies must have written what it said.
    """

    def __init__(
        self, clock: Clock, shape: Callable[[str, str, str, Mapping[str, Fact], tuple[str, ...]], str]
    ) -> None:
        self._clock = clock
        self._shape = shape
        self._handler: int | None = None

    @classmethod
    def to_file(cls, path: Path, *, clock: Clock, level: str, rotation: int, keep: int) -> "OperationsLog":
        """Return a log that writes JSON lines to `path` (created owner-only, folder must exist).

        level: `debug`, `info`, `warning` or `error`; rotation: bytes at which the file is closed and compressed; keep:
        closed files that are kept. ConfigError `log-unwritable` if the file cannot be opened.
        """
        log = cls(clock, _json_line)
        try:
            log._add(path, level, rotation=rotation, retention=keep, compression=_compress, opener=_open_private)
        except OSError as error:
            raise ConfigError(
                "log-unwritable", f"{path}: {error.strerror}", scope=Scope.NODE, facts={"path": str(path)}
            ) from error
        return log

    @classmethod
    def to_stream(cls, stream: TextIO, *, clock: Clock, level: str, journal: bool) -> "OperationsLog":
        """Return a log that writes text lines to `stream`; with `journal`, priorities in the place of times."""
        log = cls(clock, _journal_line if journal else _text_line)
        log._add(stream, level)
        return log

    def info(self, event: str, /, **facts: Fact) -> None:
        """Something normal that is worth a line."""
        self._write("info", event, facts)

    def warn(self, event: str, /, **facts: Fact) -> None:
        """Something that will be tried again by itself."""
        self._write("warn", event, facts)

    def error(self, event: str, /, **facts: Fact) -> None:
        """Something that stays wrong until a person acts."""
        self._write("error", event, facts)

    def alert(self, event: str, /, **facts: Fact) -> None:
        """Something that a person must look at now."""
        self._write("alert", event, facts)

    def bug(self, event: str, error: BaseException, /, **facts: Fact) -> None:
        """An unexpected exception, with the places it passed."""
        self._write("alert", event, facts, traced(error))

    def close(self) -> None:
        """Close the file; what is said afterwards is lost. May be repeated."""
        handler, self._handler = self._handler, None
        if handler is not None:
            logger.remove(handler)

    def _add(self, sink: Any, level: str, **options: Any) -> None:
        # The handler that loguru sets up for itself at import would repeat every line on stderr.
        with contextlib.suppress(ValueError):
            logger.remove(0)
        self._handler = logger.add(
            sink,
            level=_THRESHOLDS[level],
            format=lambda _record: "{extra[line]}\n",
            filter=lambda record: record["extra"].get("log") is self,
            colorize=False,
            backtrace=False,
            diagnose=False,  # would write the values of variables
            **options,
        )

    def _write(self, level: str, event: str, facts: Mapping[str, Fact], trace: tuple[str, ...] = ()) -> None:
        at = datetime.fromtimestamp(self._clock.now(), UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        clean = {name: scrubbed(value) for name, value in facts.items()}
        places = tuple(str(scrubbed(place)) for place in trace)
        line = self._shape(at, level, str(scrubbed(event)), clean, places)
        logger.bind(log=self, line=line).log(_LEVELS[level], "")


def stderr_is_journal(environ: Mapping[str, str], descriptor: int) -> bool:
    """Whether `descriptor` (stderr) leads to the journal (systemd.exec(5), JOURNAL_STREAM)."""
    try:
        found = os.fstat(descriptor)
    except OSError:
        return False
    return environ.get("JOURNAL_STREAM") == f"{found.st_dev}:{found.st_ino}"


def _json_line(at: str, level: str, event: str, facts: Mapping[str, Fact], trace: tuple[str, ...]) -> str:
    line: dict[str, Any] = {"at": at, "level": level, "event": event, "facts": dict(facts)}
    if trace:
        line["trace"] = trace
    return json.dumps(line, separators=(",", ":"))


def _text_line(at: str, level: str, event: str, facts: Mapping[str, Fact], trace: tuple[str, ...]) -> str:
    return "\n".join([" ".join([at, level.ljust(5), event, *_pairs(facts)]), *(f"    {place}" for place in trace)])


def _journal_line(_at: str, level: str, event: str, facts: Mapping[str, Fact], trace: tuple[str, ...]) -> str:
    head = f"<{_PRIORITIES[level]}>"
    return "\n".join([head + " ".join([event, *_pairs(facts)]), *(f"{head}    {place}" for place in trace)])


def _pairs(facts: Mapping[str, Fact]) -> list[str]:
    return [f"{name}={json.dumps(value) if _needs_quotes(value) else value}" for name, value in facts.items()]


def _needs_quotes(value: Fact) -> bool:
    return isinstance(value, str) and (not value or " " in value or '"' in value)


def _open_private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CLOEXEC, 0o600)


def _compress(path: str) -> None:
    closed, squeezed = Path(path), Path(f"{path}.gz")
    try:
        private = os.open(squeezed, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with closed.open("rb") as plain, os.fdopen(private, "wb") as raw, gzip.GzipFile(fileobj=raw, mode="wb") as into:
            shutil.copyfileobj(plain, into)
        closed.unlink()
    except OSError:
        # A full disk must not stop the log: the closed file stays as it is.
        squeezed.unlink(missing_ok=True)
