"""The completion mark of a prison batch, `<name>.over`: ROWS, FILES and MD5 of the table, lines ended by CR LF."""

import re
from dataclasses import dataclass

MAX_MARK_BYTES = 4096
"""Three short lines; anything longer is no mark."""
_MD5 = re.compile(r"[0-9a-f]{32}")
_NUMBER = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class OverMark:
    """What the mark promises; an empty `md5` (hexadecimal, lower case) and -1 where it says nothing readable."""

    rows: int
    files: int
    md5: str


def read_over(raw: bytes) -> OverMark:
    """Return what the mark `raw` (at most MAX_MARK_BYTES are looked at) says."""
    values: dict[str, str] = {}
    for line in raw[:MAX_MARK_BYTES].decode("gb18030", "replace").splitlines():
        name, _, value = line.partition("=")
        values.setdefault(name.strip().upper(), value.strip().lower())
    md5 = values.get("MD5", "")
    return OverMark(
        _number(values.get("ROWS", "")), _number(values.get("FILES", "")), md5 if _MD5.fullmatch(md5) else ""
    )


def over_bytes(mark: OverMark) -> bytes:
    """Return the mark exactly as the prison system writes it."""
    return f"ROWS={mark.rows}\r\nFILES={mark.files}\r\nMD5={mark.md5}\r\n".encode("ascii")


def _number(text: str) -> int:
    return int(text) if text.isascii() and _NUMBER.fullmatch(text) else -1
