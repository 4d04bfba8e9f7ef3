"""How long to wait before the next try: exponential with a cap, and a jitter that is the same on every machine."""

import hashlib
from dataclasses import dataclass

DOUBLINGS_MAX = 32
"""Keeps the power finite; any cap is reached long before."""


@dataclass(frozen=True, slots=True)
class Backoff:
    """Waits between tries, in seconds: `first` after one failure, doubled after each further one up to `most`."""

    first: float
    most: float

    def delay(self, failures: int, salt: str) -> float:
        """Return the seconds to wait after `failures` (from 1) failed tries in a row. Pure and repeatable.

        Spread by up to a quarter by a digest of `salt` (an id), so that a thousand transfers that failed together do
        not come back together.
        """
        base = min(self.most, self.first * 2.0 ** min(max(failures, 1) - 1, DOUBLINGS_MAX))
        digest = hashlib.sha256(f"{salt}/{failures}".encode()).digest()
        return base * (1 + digest[0] / 1024)
