"""The one exception family: what went wrong, how far it reaches and whether trying again can help.

GatewayError
 +- TransientError   back off and try again: a line, a full disk, a busy file
 +- PermanentError   hold: trying again changes nothing, a person decides
 +- SecurityError    never retried: quarantine and alert
 +- ConfigError      refuse to start or to reload: file:line:column says where
"""

import errno
from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class Scope(StrEnum):
    """What an error holds up: one transfer, or everything of a route, a link or the node."""

    TRANSFER = "transfer"
    ROUTE = "route"
    LINK = "link"
    NODE = "node"


class GatewayError(Exception):
    """A failure we know, named by a stable slug.

    code:   lower-case words joined by hyphens, e.g. `signature-invalid`; the same in ledger, log, CLI and docs.
    scope:  how far it reaches.
    detail: one English sentence for the log; holds no secret, no case content and no personal name.
    facts:  values for the translated message (`{name}` fields), under the same rule as `detail`.
    """

    def __init__(
        self,
        code: str,
        detail: str = "",
        *,
        scope: Scope = Scope.TRANSFER,
        facts: Mapping[str, str | int] = MappingProxyType({}),
    ) -> None:
        super().__init__(code, detail)
        self.code = code
        self.scope = scope
        self.detail = detail
        self.facts = dict(facts)

    def __str__(self) -> str:
        return f"{self.code}: {self.detail}" if self.detail else self.code

    def __reduce__(self) -> tuple[object, ...]:
        # Errors come back from worker processes; keyword-only arguments need this to survive pickling.
        return _rebuild, (type(self), self.code, self.detail, self.scope, self.facts)


def _rebuild(
    kind: type[GatewayError], code: str, detail: str, scope: Scope, facts: Mapping[str, str | int]
) -> GatewayError:
    return kind(code, detail, scope=scope, facts=facts)


class TransientError(GatewayError):
    """Trying again later may succeed without anybody doing anything."""


def disk_fault(error: OSError, doing: str) -> TransientError:
    """Return what `error` of our own disk means: `disk-full` (node) where it has no room left, else `local-io`.

    doing: what was being done, for the detail; holds no name of a file.
    """
    detail = f"{doing}: {error.strerror or type(error).__name__}"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return TransientError("disk-full", detail, scope=Scope.NODE)
    return TransientError("local-io", detail)


class PermanentError(GatewayError):
    """Trying again cannot succeed until a person changes something; the transfer is held."""


class SecurityError(GatewayError):
    """Untrusted or forged input; never retried, the bytes go to quarantine and somebody is told."""


class ConfigError(GatewayError):
    """The configuration cannot be used; `detail` starts with `file:line:column`."""
