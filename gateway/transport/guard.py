"""Who may connect: limits on connections and on failed logins, decided from plain values."""

from collections import OrderedDict, deque
from collections.abc import Hashable
from dataclasses import dataclass

from gateway.domain.ids import UnitCode

_ADDRESSES_MAX = 10_000
"""Addresses whose failures are remembered; beyond it the one that failed longest ago is forgotten."""


@dataclass(frozen=True, slots=True)
class GuardLimits:
    """What the server allows; counts, and seconds.

    connections:     open at the same time, logged in.
    per_guest:       of these, by one guest.
    unauthenticated: open at the same time, not yet logged in.
    failures:        failed logins of one address within `window` before it is shut out for `ban`.
    """

    connections: int = 600
    per_guest: int = 8
    unauthenticated: int = 64
    failures: int = 10
    window: float = 60.0
    ban: float = 120.0


class Guard:
    """Counts connections and failures. `now` is monotonic seconds. Each method answers at once; none does IO."""

    def __init__(self, limits: GuardLimits) -> None:
        self.limits = limits
        self._strangers: set[Hashable] = set()
        self._guests: dict[Hashable, UnitCode] = {}
        self._failures: OrderedDict[str, deque[float]] = OrderedDict()
        self._banned_until: OrderedDict[str, float] = OrderedDict()

    def arrive(self, connection: Hashable, address: str, now: float) -> str | None:
        """Count a new connection; return why it must go instead, None if it may stay."""
        if self._banned_until.get(address, now) > now:
            return "address-banned"
        if len(self._strangers) >= self.limits.unauthenticated:
            return "too-many-logins"
        self._strangers.add(connection)
        return None

    def log_in(self, connection: Hashable, guest: UnitCode, address: str) -> str | None:
        """Count a connection as the guest's; return why it must go instead, None if it may stay."""
        if len(self._guests) >= self.limits.connections:
            return "too-many-connections"
        if sum(unit == guest for unit in self._guests.values()) >= self.limits.per_guest:
            return "too-many-of-guest"
        self._strangers.discard(connection)
        self._guests[connection] = guest
        self._failures.pop(address, None)
        return None

    def leave(self, connection: Hashable) -> None:
        """Forget a connection that is closed."""
        self._strangers.discard(connection)
        self._guests.pop(connection, None)

    def fail(self, address: str, now: float) -> bool:
        """Count a failed login; return whether it is the one that shuts the address out."""
        recent = self._failures.setdefault(address, deque(maxlen=self.limits.failures))
        self._failures.move_to_end(address)
        recent.append(now)
        _forget_oldest(self._failures)
        if len(recent) < self.limits.failures or recent[0] <= now - self.limits.window:
            return False
        self._failures.pop(address)
        self._banned_until[address] = now + self.limits.ban
        self._banned_until.move_to_end(address)
        _forget_oldest(self._banned_until)
        return True


def _forget_oldest(table: OrderedDict[str, deque[float]] | OrderedDict[str, float]) -> None:
    while len(table) > _ADDRESSES_MAX:
        table.popitem(last=False)
