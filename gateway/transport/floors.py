"""What deposits into mailboxes on our own disk leave free of it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Floors:
    """Bytes of the disk that stay free: of ordinary deposits, and of those of at most `small_bytes`."""

    ordinary: int
    small: int
    small_bytes: int

    def room(self, free: int) -> int:
        """Return how large a deposit may be while `free` bytes are free: a small one still, or none, near the end."""
        return max(free - self.ordinary, min(free - self.small, self.small_bytes))


NO_FLOORS = Floors(0, 0, 0)
"""Nothing but the quota limits a guest."""
