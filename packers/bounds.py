"""What a reader of any format tells and keeps at most, however hostile its file is."""

from typing import Final

MAX_REPORTED: Final = 20
"""Findings of one kind in one file; who has more has one cause."""
MAX_KEPT: Final = 64 << 20
"""Characters of values without a name in the case package, and of where they stood; twice what a whole case package may
hold. A place is told in full for each value, so a short file with one long name could otherwise fill any memory."""
