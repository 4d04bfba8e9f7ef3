"""What is said about each error code: one table over all rooms."""

from types import MappingProxyType

from gateway.words import (
    errors_carry,
    errors_local,
    errors_operate,
    errors_reconcile,
    errors_relay,
    errors_resync,
    errors_trust,
)
from gateway.words.templates import Table, Template

ERRORS: Table = MappingProxyType(
    {
        **errors_carry.TABLE,
        **errors_local.TABLE,
        **errors_operate.TABLE,
        **errors_reconcile.TABLE,
        **errors_relay.TABLE,
        **errors_resync.TABLE,
        **errors_trust.TABLE,
    }
)
"""Slug of a GatewayError -> template."""

UNKNOWN_ERROR = Template(
    "Something went wrong that has no explanation here: {code}.",
    "The log has the details under this code.",
    "Look the code up in docs/errors.md; if it is not there, report it together with the log.",
)
