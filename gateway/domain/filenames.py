"""What a name means on Windows, whose programs read what is delivered over a share."""

import re
from typing import Final

DEVICE: Final = r"(?ai:con|prn|aux|nul|conin\$|conout\$|clock\$|com[0-9¹²³]|lpt[0-9¹²³])"
"""A device, whatever the folder; behind blanks and a dot anything may follow (the pattern of a name's beginning)."""
_DEVICE: Final = re.compile(rf"{DEVICE} *(?:\..*)?", re.DOTALL)


def meaning_on_windows(name: str) -> str:
    """Return what one name of a path, without separators, is there instead of a file of this name; empty if it is one.

    `stream`: a part of another file, or a drive; `reserved`: a device; `trailing`: dots and blanks at its end are left
    out, so that it falls together with another name.
    """
    if ":" in name:
        return "stream"
    if _DEVICE.fullmatch(name):
        return "reserved"
    return "trailing" if name.endswith((".", " ")) else ""
