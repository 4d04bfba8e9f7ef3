"""Lanes: which of two things on one way goes first, and what counts as small."""

from typing import Final

from gateway.domain.records import Priority

SMALL_BYTES: Final = 16 << 20
"""Bytes up to which an export or a bundle is small: it passes whatever is larger, and is moved without a pause."""
LARGE_LANES: Final = len(Priority)
"""The lane of the most urgent large things; those below it are of the small ones (see the ledger's column `lane`)."""
PAPERS: Final = -1
"""The rank of receipts and inventories: they wait for no bundle."""


def is_large(size: int) -> bool:
    """Return whether `size` bytes are moved beside everything else, and pause for it."""
    return size > SMALL_BYTES


def rank(priority: Priority, size: int) -> int:
    """Return the place in the order of urgency, 0 first: by priority, and within one the small before the large."""
    return 2 * priority + is_large(size)
