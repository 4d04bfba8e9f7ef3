"""The checks of group A that follow the signature: what a node's own rules and memory say to a true envelope."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from gateway.bundle.envelope import Envelope
from gateway.bundle.suites import Suite
from gateway.domain.errors import PermanentError, SecurityError
from gateway.domain.ids import BundleId, Digest


@dataclass(frozen=True, slots=True)
class SkewLimits:
    """How far into our future a bundle may be dated, in seconds; a clock never refuses by itself."""

    warn: float = 300.0
    """Beyond it is remarked: clocks of unattended servers disagree by minutes."""
    hold: float = 86400.0
    """Beyond it the bundle waits until its time has come, or a clock is set right."""


class Skew(StrEnum):
    """What the sender's clock says to ours."""

    AGREES = "agrees"
    WARN = "warn"
    HOLD = "hold"


def check_not_expired(envelope: Envelope, now: float) -> None:
    """PermanentError `expired` if `now` (seconds since 1970 UTC) is past the sender's date."""
    if now > envelope.expires:
        raise PermanentError("expired", f"expired {int(now) - envelope.expires} s ago")


def check_key_valid(envelope: Envelope, valid_from: float, valid_until: float) -> None:
    """SecurityError `key-not-valid` unless the sender's key was valid when the bundle says it was made."""
    if not valid_from <= envelope.created <= valid_until:
        raise SecurityError("key-not-valid", "made outside the validity of the sender's key")


def check_suite_accepted(envelope: Envelope, accepted: Collection[Suite]) -> None:
    """SecurityError `suite-refused` unless we accept this suite from this sender (as its card pins)."""
    if envelope.suite not in accepted:
        raise SecurityError("suite-refused", f"suite {envelope.suite} is not accepted from this sender")


def check_not_replayed(envelope: Envelope, seen: Digest | None) -> None:
    """Compare with what was delivered under the same (sender, bundle id): its header hash, or None.

    SecurityError `replayed`: the same bundle again, to be answered with the stored receipt.
    SecurityError `equivocation`: another header under the same id; an alarm.
    """
    if seen is None:
        return
    if seen == envelope.header_hash:
        raise SecurityError("replayed", "this bundle was delivered before")
    raise SecurityError("equivocation", "the sender signed two headers with one bundle id")


def check_sequence_unused(envelope: Envelope, taken_by: BundleId | None) -> None:
    """SecurityError `equivocation` if this place in the stream and epoch already belongs to another bundle."""
    if taken_by is not None and taken_by != envelope.bundle_id:
        raise SecurityError("equivocation", "the sender gave one sequence number to two bundles")


def check_permitted(is_permitted: bool) -> None:
    """PermanentError `not-permitted` unless the roster and the routes let this sender send us this."""
    if not is_permitted:
        raise PermanentError("not-permitted", "no rule permits this sender to send this here")


def check_not_too_large(envelope: Envelope, limit: int) -> None:
    """PermanentError `too-large` if the whole bundle is larger than `limit` bytes."""
    if envelope.size > limit:
        raise PermanentError(
            "too-large", f"{envelope.size} bytes, the limit is {limit}", facts={"size": envelope.size, "limit": limit}
        )


def check_size(envelope: Envelope, size: int) -> None:
    """SecurityError `truncated` or `trailing-bytes` unless the file has exactly the bytes the header promises."""
    if size < envelope.size:
        raise SecurityError("truncated", f"{size} bytes of {envelope.size}")
    if size > envelope.size:
        raise SecurityError("trailing-bytes", f"{size - envelope.size} bytes after the end")


def clock_skew(envelope: Envelope, now: float, limits: SkewLimits) -> Skew:
    """Say what follows from a bundle that was made in our future; never an error."""
    ahead = envelope.created - now
    return Skew.HOLD if ahead > limits.hold else Skew.WARN if ahead > limits.warn else Skew.AGREES
