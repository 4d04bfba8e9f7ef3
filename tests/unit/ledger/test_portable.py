"""PostgreSQL may follow: every table, index and query can be said in its words, and no type loses anything there."""

import pytest
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

from gateway.domain.lifecycle import Direction, State
from gateway.ledger import queries
from gateway.ledger.queries import TransferFilter
from gateway.ledger.schema import metadata, transfers

EVERYTHING = TransferFilter(
    case="A",
    flow="f",
    peer="p",
    link="l",
    direction=Direction.INBOUND,
    state=State.SENT,
    held=True,
    since=1.0,
    text="x",
)


@pytest.mark.parametrize("table", metadata.sorted_tables, ids=lambda table: table.name)
def test_tables_are_strict_here_and_lossless_there(table: object) -> None:
    here = str(CreateTable(table).compile(dialect=sqlite.dialect()))
    there = str(CreateTable(table).compile(dialect=postgresql.dialect()))
    assert here.rstrip().endswith("STRICT")
    assert " REAL" not in there  # four bytes there: half a second of every time would be lost
    assert " INTEGER" not in there  # four bytes there: sizes are larger
    assert there.count(" TEXT") == there.count('TEXT COLLATE "C"')  # prefix searches are ranges of code points


@pytest.mark.parametrize("index", sorted(transfers.indexes, key=lambda index: str(index.name)), ids=lambda i: i.name)
def test_partial_indexes_are_partial_there_too(index: object) -> None:
    here = str(CreateIndex(index).compile(dialect=sqlite.dialect()))
    there = str(CreateIndex(index).compile(dialect=postgresql.dialect()))
    assert (" WHERE " in here) == (" WHERE " in there)


@pytest.mark.parametrize(
    "query",
    [
        queries.search(EVERYTHING, 9, 9),
        queries.due(list(State), 1.0, link="l", direction=None, limit=9),
        queries.next_due_at(list(State), link=None, direction=None),
        queries.overdue(1.0, link="l", limit=9),
    ],
)
def test_queries_can_be_said_there(query: object) -> None:
    assert str(query.compile(dialect=postgresql.dialect())).startswith("SELECT")
