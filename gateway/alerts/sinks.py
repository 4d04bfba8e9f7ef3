"""The face of what takes alerts away."""

from typing import Protocol

from gateway.alerts.wording import Wording
from gateway.domain.errors import Scope, TransientError

DETAIL_MAX = 200


class Sink(Protocol):
    """One place that alerts go to. Tries once; whoever calls waits and tries again."""

    @property
    def name(self) -> str:
        """The name in the settings."""
        ...

    def send(self, wording: Wording) -> None:
        """Hand `wording` over; what comes twice has one `key`. TransientError `alert-not-taken` if it was not taken."""
        ...


def not_taken(sink: str, why: str) -> TransientError:
    """Return the error of a sink that did not take an alert; `why` names no secret."""
    return TransientError("alert-not-taken", why[:DETAIL_MAX], scope=Scope.NODE, facts={"sink": sink})
