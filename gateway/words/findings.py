"""What is said about each defect code of the exchange standard: one table over all checks."""

from types import MappingProxyType

from gateway.words import findings_case, findings_checks, findings_container, findings_routing
from gateway.words.templates import Table, Template

FINDINGS: Table = MappingProxyType(
    {**findings_container.TABLE, **findings_case.TABLE, **findings_checks.TABLE, **findings_routing.TABLE}
)
"""Code of a Finding -> template. Facts: the finding's own, each field of its place, `value` and `expected`."""

UNKNOWN_FINDING = Template(
    "A check found something that has no explanation here: {code}.",
    "The place and the value show what is meant.",
    "Look the code up in docs/defects.md; if it is not there, report it to whoever maintains the packer.",
)
