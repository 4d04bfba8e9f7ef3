"""Writes down what a step taught beside the transfer itself, inside somebody else's transaction."""

from sqlalchemy import Connection

from gateway.domain.ids import TransferId
from gateway.domain.records import Facts
from gateway.ledger import matter_rows, source_rows


def keep(connection: Connection, now: float, transfer: TransferId, facts: Facts) -> None:
    """Record what was in the bundle of `transfer`, and what was seen in its export, as far as `facts` say it."""
    if facts.matter is not None:
        matter_rows.keep(connection, now, transfer, facts.matter)
    keep_look(connection, transfer, facts)


def keep_look(connection: Connection, transfer: TransferId, facts: Facts) -> None:
    """Record what was seen in the export of `transfer`, which stays where it is."""
    if facts.look is not None:
        source_rows.keep(connection, transfer, facts.look)
