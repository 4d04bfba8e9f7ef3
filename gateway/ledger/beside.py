"""Writes down what a step taught beside the transfer itself, inside somebody else's transaction."""

from gateway.domain.ids import TransferId
from gateway.domain.records import Facts
from gateway.ledger import source_rows
from gateway.ledger.change import Change


def keep_look(change: Change, transfer: TransferId, facts: Facts) -> None:
    """Record what was seen in the export of `transfer`, if it was looked at."""
    if facts.look is not None:
        source_rows.keep(change, transfer, facts.look)
