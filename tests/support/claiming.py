"""Claims as tests make and list them: one alone, and all that are whole."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from gateway.domain.ids import ClaimToken, RouteName
from gateway.folders.claim import Claim, ClaimShelf
from gateway.packing import Candidate, Entry


def claim_alone(
    shelf: ClaimShelf,
    root: Path,
    candidate: Candidate,
    route: RouteName,
    token: ClaimToken,
    seen: Mapping[str, Entry] = MappingProxyType({}),
) -> Claim:
    """Claim one export and return it; raises what became of it."""
    claims, failures = shelf.claim_all(root, [(token, candidate)], route, seen)
    for error in failures.values():
        raise error
    return claims[0]


def whole_claims(shelf: ClaimShelf) -> list[Claim]:
    """Return the whole claims on the shelf, whatever recovery would still do with them."""
    tokens = map(ClaimToken, sorted(shelf.tokens()))
    return [shelf.get(token) for token in tokens if shelf.is_held(token)]
