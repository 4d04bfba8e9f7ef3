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
    return [shelf.get(token) for token in whole_tokens(shelf)]


def whole_tokens(shelf: ClaimShelf) -> list[ClaimToken]:
    """Return the tokens of the whole claims on the shelf, without reading anything of them."""
    return [token for token in map(ClaimToken, sorted(shelf.tokens())) if shelf.is_held(token)]
