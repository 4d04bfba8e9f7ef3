"""What a check is: a function over a case; and the checks that one case does not answer by itself."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from gateway.standard.checking import Case

Check = Callable[[Case], None]
"""Adds to the case what it finds; pure otherwise."""

ELSEWHERE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "org-known": "gateway/stages/routing.py (ORG-UNKNOWN): the route and the roster know who there is",
        "org-route-allowed": "gateway/stages/routing.py (FLOW-NOT-PERMITTED, ROUTE-MISMATCH): the roster's matrix",
        "duplicate-key": "gateway/stages/repeats.py (DUP-SAME, DUP-DIFFERENT): the ledger knows what was sent",
        "correlation-known": "gateway/stages/answers.py (CORR-ORPHAN): the ledger knows the requests",
        "share-catalogue": "gateway/stages/pack_work.py: the grants of the sharing catalogue",
        "mask-applied": "gateway/standard/masking.py: what leaves masked is masked by the node itself",
    }
)
"""Checks of the catalogue that need more than one export and what is known of its two sides -> who answers them."""
