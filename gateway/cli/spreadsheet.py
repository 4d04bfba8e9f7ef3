"""Tables as a file that spreadsheets open: CSV in UTF-8 with a mark, and nothing in it that one would calculate."""

import csv
import io
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from gateway.domain.errors import PermanentError

BOM: Final = b"\xef\xbb\xbf"
"""By it Excel knows UTF-8 and shows Chinese as it is."""
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What begins a formula, in half and full width: names of others must not calculate on an auditor's machine."""

Value = str | int | float | None


def to_csv(columns: Sequence[str], rows: Iterable[Sequence[Value]]) -> bytes:
    """Return a table as CSV (RFC 4180, CR LF). A number stays one; a formula gets an apostrophe."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([_safe(one) for one in columns])
    writer.writerows([_safe(one) for one in row] for row in rows)
    return BOM + text.getvalue().encode("utf-8", "backslashreplace")


def write_file(path: Path, content: bytes) -> None:
    """Write `content` to the file that a person named, whole or not at all; PermanentError `statistics-unwritable`."""
    temp = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temp.write_bytes(content)
        temp.replace(path)
    except OSError as error:
        temp.unlink(missing_ok=True)
        raise PermanentError("statistics-unwritable", f"{path}: {error.strerror}", facts={"path": str(path)}) from error


def _safe(value: Value) -> str | int | float:
    if value is None:
        return ""
    if isinstance(value, str):
        return f"'{value}" if value.startswith(_FORMULA) else value
    return value
