"""What every error code means to an operator: what happened, why, and what to do."""

from types import MappingProxyType

from gateway.words import (
    errors_alerts,
    errors_answers,
    errors_carry,
    errors_links,
    errors_local,
    errors_media,
    errors_openssh,
    errors_operate,
    errors_reconcile,
    errors_relay,
    errors_resync,
    errors_roster,
    errors_routing,
    errors_sharing,
    errors_standard,
    errors_trial,
    errors_trust,
)
from gateway.words.templates import Table, Template

PARTS: tuple[Table, ...] = (
    errors_alerts.TABLE,
    errors_answers.TABLE,
    errors_carry.TABLE,
    errors_links.TABLE,
    errors_local.TABLE,
    errors_media.TABLE,
    errors_openssh.TABLE,
    errors_operate.TABLE,
    errors_reconcile.TABLE,
    errors_relay.TABLE,
    errors_resync.TABLE,
    errors_roster.TABLE,
    errors_routing.TABLE,
    errors_sharing.TABLE,
    errors_standard.TABLE,
    errors_trial.TABLE,
    errors_trust.TABLE,
)
"""The tables by subject; no code stands in two."""

ERRORS: Table = MappingProxyType({code: words for part in PARTS for code, words in part.items()})
"""Slug of a GatewayError -> template."""

UNKNOWN_ERROR = Template(
    "Something went wrong that has no explanation here: {code}.",
    "The log has the details under this code.",
    "Look the code up in docs/errors.md; if it is not there, report it together with the log.",
)
