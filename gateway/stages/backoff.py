"""How long to wait before the next try: exponential with a cap, and a jitter that is the same on every machine."""

import hashlib

FIRST_SECONDS = 2.0
"""A line that blinked is usually back within seconds."""
CAP_SECONDS = 600.0
"""Eight unattended days must not end in a wait of hours once the line is back."""


def delay(failures: int, salt: str) -> float:
    """Return the seconds to wait after `failures` (from 1) failed tries in a row.

    Doubles from 2 s to 600 s, spread by up to a quarter by a digest of `salt` (an id), so that a thousand transfers that failed
    together do not come back together. Pure and repeatable.
    """
    base = min(CAP_SECONDS, FIRST_SECONDS * 2 ** min(max(failures, 1) - 1, 16))
    digest = hashlib.sha256(f"{salt}/{failures}".encode()).digest()
    return base * (1 + digest[0] / 1024)
