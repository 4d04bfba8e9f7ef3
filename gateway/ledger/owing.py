"""In which states a transfer owes something, as the database is told it."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from gateway.domain.lifecycle import TABLE, Direction, State, ends

OWED: Final[Mapping[Direction, tuple[State, ...]]] = MappingProxyType(
    {way: tuple(sorted({state for state, _ in TABLE[way]} - ends(way))) for way in Direction}
)
"""Direction -> the states in which something is owed: `delivered` ends outbound, but inbound owes a receipt."""

UNANSWERED: Final = OWED[Direction.OUTBOUND]
"""States in which an outbound transfer has no final receipt yet."""


def listed_states(direction: Direction) -> str:
    """Return the states of OWED as the text of a list, for an index and the questions that it answers."""
    return ", ".join(f"'{state}'" for state in OWED[direction])


OWES: Final = " OR ".join(f"(direction = '{way}' AND state IN ({listed_states(way)}))" for way in Direction)
"""Test for what owes something, held or not."""
