"""The operations log as the daemon's own parts see it: what stages may say, and bugs with their traceback."""

from typing import Protocol

from gateway.domain.errors import GatewayError, SecurityError, TransientError
from gateway.domain.oplog import Fact, OpsLog


class BugLog(OpsLog, Protocol):
    """An OpsLog that also takes unexpected exceptions. Never raises; may be called from any thread."""

    def bug(self, event: str, error: BaseException, /, **facts: Fact) -> None:
        """Write `event` as an alert together with the traceback of `error`."""
        ...


def tell(log: OpsLog, event: str, error: GatewayError, /, **facts: Fact) -> None:
    """Write a known failure by its code: transient as a warning, security as an alert, the rest as an error."""
    say = (
        log.warn if isinstance(error, TransientError) else log.alert if isinstance(error, SecurityError) else log.error
    )
    say(event, code=error.code, scope=str(error.scope), detail=error.detail, **facts)
