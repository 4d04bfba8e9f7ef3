"""Bundles dated too far into our future: held until a named person releases them or their date has come."""

from contextlib import suppress

from gateway.bundle import policy
from gateway.bundle.envelope import ENVELOPE_MAX, Envelope, parse_envelope
from gateway.domain.clock import Clock
from gateway.domain.errors import GatewayError, PermanentError
from gateway.domain.lifecycle import Direction, State
from gateway.domain.records import Transfer, known
from gateway.folders import disk
from gateway.folders.spool import Spool
from gateway.ledger.queries import TransferFilter
from gateway.ledger.store import Ledger

AHEAD = "clock-skew"
"""Code of the hold."""
LOOK_SECONDS = 60.0
"""Between two looks whether the date of one has come."""
PAGE = 512
"""Held bundles read at a time."""


class DatedAhead:
    """Used by one thread. `limits.hold`: seconds that a bundle may be dated ahead of our clock."""

    def __init__(self, ledger: Ledger, spool: Spool, limits: policy.SkewLimits, clock: Clock) -> None:
        self._ledger = ledger
        self._spool = spool
        self._limits = limits
        self._clock = clock
        self._may_be_some = True
        """At the start nobody knows."""
        self._looked_at = float("-inf")

    def check(self, transfer: Transfer, envelope: Envelope, now: float) -> None:
        """Raise PermanentError AHEAD if the bundle is dated too far ahead and nobody has released it."""
        if policy.clock_skew(envelope, now, self._limits) is policy.Skew.HOLD and not self._is_released(transfer):
            self._may_be_some = True
            raise PermanentError(AHEAD, f"the bundle is dated {int(envelope.created - now)} s into our future")

    def release(self) -> None:
        """Take the hold off the bundles whose date has come; looks once in a while only."""
        now = self._clock.monotonic()
        if not self._may_be_some or now - self._looked_at < LOOK_SECONDS:
            return
        self._may_be_some, self._looked_at = False, now
        for transfer in held_arrivals(self._ledger):
            path = self._spool.inbound_bundle(known(transfer.link), known(transfer.bundle_id))
            if transfer.hold_code != AHEAD or not path.exists():
                continue
            self._may_be_some = True
            with suppress(GatewayError), disk.mapped(path.parent), path.open("rb") as source:
                envelope = parse_envelope(source.read(ENVELOPE_MAX))
                if policy.clock_skew(envelope, self._clock.now(), self._limits) is not policy.Skew.HOLD:
                    self._ledger.release(transfer, "clock", "its date has come")

    def pause(self, wait: float | None) -> float | None:
        """Return `wait`, or what is left until the next look if that is sooner and some may be held."""
        if not self._may_be_some:
            return wait
        return LOOK_SECONDS if wait is None else min(LOOK_SECONDS, wait)

    def _is_released(self, transfer: Transfer) -> bool:
        return transfer.attempts > 0 and any(
            entry.kind == "release" and entry.code == AHEAD for entry in self._ledger.timeline(transfer.id)
        )


def held_arrivals(ledger: Ledger) -> list[Transfer]:
    """Return the fetched bundles that are held, for whatever reason, newest first."""
    wanted = TransferFilter(direction=Direction.INBOUND, state=State.FETCHED, held=True)
    held: list[Transfer] = []
    while page := ledger.search(wanted, PAGE, len(held)):
        held += page
    return held
