"""Grants of the sharing catalogue that end: people are told in time, for a renewal takes the approval of others."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from gateway.domain.clock import Clock
from gateway.domain.oplog import OpsLog
from gateway.standard.grants import Grant

DAYS_BEFORE: Final = (30, 7, 1)
"""How long before a grant's last day somebody is told."""
LOOK_SECONDS: Final = 3600.0


class ExpiryStage:
    """Looks at the grants every hour, and tells of each once for every span that it has come into."""

    name = "expiry"

    def __init__(self, grants: Sequence[Grant], clock: Clock, ops: OpsLog) -> None:
        self._grants = tuple(grants)
        self._clock = clock
        self._ops = ops
        self._told: set[tuple[str, int]] = set()

    def step(self) -> float | None:
        """Tell what is due; return the seconds until the next look, None where there are no grants."""
        if not self._grants:
            return None
        today = datetime.fromtimestamp(self._clock.now(), UTC).astimezone().date()
        for grant in self._grants:
            left = (grant.until - today).days
            span = -1 if left < 0 else min((days for days in DAYS_BEFORE if left <= days), default=None)
            if span is not None and (grant.id, span) not in self._told:
                self._told.add((grant.id, span))
                if span < 0:
                    self._ops.alert("grant-ended", grant=grant.id, until=grant.until.isoformat())
                else:
                    self._ops.alert("grant-ending", grant=grant.id, until=grant.until.isoformat(), days=left)
        return LOOK_SECONDS
