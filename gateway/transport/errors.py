"""Builds the errors of the transport contract, each code with its one kind and scope, and maps errors of disks."""

import errno
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType

from gateway.domain.errors import GatewayError, PermanentError, Scope, SecurityError, TransientError

_TRANSIENT, _PERMANENT, _SECURITY = TransientError, PermanentError, SecurityError

CODES: Mapping[str, tuple[type[GatewayError], Scope]] = MappingProxyType(
    {
        "link-unreachable": (_TRANSIENT, Scope.LINK),
        "link-timeout": (_TRANSIENT, Scope.LINK),
        "link-auth-refused": (_PERMANENT, Scope.LINK),
        "host-key-mismatch": (_SECURITY, Scope.LINK),
        "link-algorithms": (_PERMANENT, Scope.LINK),
        "link-window-closed": (_TRANSIENT, Scope.LINK),
        "mailbox-missing": (_PERMANENT, Scope.LINK),
        "mailbox-denied": (_PERMANENT, Scope.LINK),
        "mailbox-full": (_TRANSIENT, Scope.LINK),
        "mailbox-failed": (_TRANSIENT, Scope.LINK),
        "name-taken": (_TRANSIENT, Scope.TRANSFER),
        "no-such-name": (_TRANSIENT, Scope.TRANSFER),
        "size-mismatch": (_TRANSIENT, Scope.TRANSFER),
        "deposit-unknown": (_TRANSIENT, Scope.TRANSFER),
        "local-io": (_TRANSIENT, Scope.TRANSFER),
        "disk-full": (_TRANSIENT, Scope.NODE),
    }
)
"""code -> kind and scope, as promised by the table in gateway.transport.api."""

_BY_ERRNO: Mapping[int, str] = MappingProxyType(
    {
        errno.ENOENT: "mailbox-missing",
        errno.ENOTDIR: "mailbox-missing",
        errno.EACCES: "mailbox-denied",
        errno.EPERM: "mailbox-denied",
        errno.EROFS: "mailbox-denied",
        errno.ELOOP: "mailbox-denied",
        errno.ENOSPC: "mailbox-full",
        errno.EDQUOT: "mailbox-full",
        errno.EIO: "link-unreachable",
        errno.ESTALE: "link-unreachable",
        errno.EHOSTDOWN: "link-unreachable",
        errno.EHOSTUNREACH: "link-unreachable",
        errno.ENOTCONN: "link-unreachable",
        errno.ENXIO: "link-unreachable",
        errno.ENODEV: "link-unreachable",
        errno.ETIMEDOUT: "link-timeout",
    }
)


def fault(code: str, detail: str, **facts: str | int) -> GatewayError:
    """Return the contract's error `code`; KeyError for a code that the contract does not know."""
    kind, scope = CODES[code]
    return kind(code, detail, scope=scope, facts=facts)


def reason(error: OSError) -> str:
    """Return the name of the error number, e.g. `ENOSPC`; never a path."""
    return errno.errorcode.get(error.errno or 0, type(error).__name__)


@contextmanager
def local_disk() -> Iterator[None]:
    """Turn an OSError of our own disk into `local-io`, or `disk-full` where it has no room left."""
    try:
        yield
    except OSError as error:
        code = "disk-full" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "local-io"
        raise fault(code, f"own disk: {reason(error)}", reason=reason(error)) from error


@contextmanager
def mailbox_disk() -> Iterator[None]:
    """Turn an OSError of a mailbox folder into the contract's error."""
    try:
        yield
    except OSError as error:
        code = _BY_ERRNO.get(error.errno or 0, "mailbox-failed")
        raise fault(code, f"mailbox folder: {reason(error)}", reason=reason(error)) from error
