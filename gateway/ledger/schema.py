"""The tables of the ledger and their indexes, in types that SQLite and PostgreSQL both keep."""

from typing import Final

from sqlalchemy import (
    REAL,
    BigInteger,
    Column,
    Computed,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    and_,
    literal_column,
    text,
)
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.types import TypeEngine

from gateway.domain.lanes import LARGE_LANES, SMALL_BYTES
from gateway.domain.lifecycle import Direction, State
from gateway.ledger.owing import OWES, listed_states

VERSION: Final = 1
"""The schema that this program writes; a ledger that says more was written by a newer program."""

INTEGER_MAX: Final = 2**63 - 1
"""Both databases keep signed 64-bit integers."""

PAGE_SHIFT: Final = 14
"""16,384 ids are a page: of ten million rows there are 610, and one is read through in some milliseconds."""

WHOLE: Final[TypeEngine[int]] = BigInteger().with_variant(Integer(), "sqlite")
_TIME: Final[TypeEngine[float]] = Double().with_variant(REAL(), "sqlite")
# Prefix searches are ranges, which need an order by code point in both databases; it is SQLite's own order.
_TEXT: Final[TypeEngine[str]] = Text().with_variant(Text(collation="C"), "postgresql")


def whole_column(name: str, *, nullable: bool = False) -> Column[int]:
    return Column(name, WHOLE, nullable=nullable)


def time_column(name: str, *, nullable: bool = False) -> Column[float]:
    return Column(name, _TIME, nullable=nullable)


def text_column(name: str, *, nullable: bool = False) -> Column[str]:
    return Column(name, _TEXT, nullable=nullable)


def page_of(column: Column[int]) -> ColumnElement[int]:
    """Return the page of an id: so many that follow each other lie together. A literal, for the sake of the index."""
    return column.bitwise_rshift(literal_column(str(PAGE_SHIFT)))


def id_column() -> Column[int]:
    return Column("id", WHOLE, primary_key=True, autoincrement=True)


def _transfer() -> Column[int]:
    return Column("transfer_id", WHOLE, ForeignKey("transfers.id"), nullable=False)


metadata: Final = MetaData()

schema_versions: Final = Table(
    "schema_versions", metadata, Column("version", WHOLE, primary_key=True), time_column("at"), sqlite_strict=True
)

node: Final = Table(
    "node",
    metadata,
    Column("unit", _TEXT, primary_key=True),
    whole_column("epoch"),
    time_column("created_at"),
    # When this ledger was put back from a backup: from then on it asks its peers what it has forgotten.
    time_column("restored_at", nullable=True),
    # Whether it cannot be told which bundles were delivered between the backup and the restore.
    Column("doubtful", WHOLE, nullable=False, server_default=text("0")),
    # Code of why the node stands still: nothing is taken, sent or fetched.
    text_column("standstill", nullable=True),
    sqlite_strict=True,
)

lives: Final = Table(
    "lives",
    metadata,
    id_column(),
    # Our own unit: every start of ours. A peer: every start of its that an inventory told of.
    text_column("unit"),
    whole_column("epoch"),
    text_column("life"),
    # When it began, or was heard last.
    time_column("at"),
    # A peer's signed word for it, which it is told again; ours needs none.
    Column("token", LargeBinary, nullable=True),
    UniqueConstraint("unit", "epoch", "life", name="lives_once"),
    sqlite_strict=True,
)

resyncs: Final = Table(
    "resyncs",
    metadata,
    Column("peer", _TEXT, primary_key=True),
    # Since when an inventory of ours is wanted, and why; empty once it was sent.
    time_column("wanted_at", nullable=True),
    text_column("why"),
    # When our last inventory that asked was sent.
    time_column("asked_at", nullable=True),
    # When the peer's inventory came that answered one of ours.
    time_column("heard_at", nullable=True),
    # The peer's last inventory, as it was signed, and its name if it wants an answer that was not sent yet.
    Column("theirs", LargeBinary, nullable=True),
    text_column("owed"),
    # Why nothing is sent to this peer any more; empty while all is well.
    text_column("halted"),
    # When a number was delivered before one that is lower.
    time_column("gap_since", nullable=True),
    sqlite_strict=True,
)

asks: Final = Table(
    "asks",
    metadata,
    id_column(),
    # An inventory of ours that the peer has not answered, nor any later one, and when it was sent.
    text_column("peer"),
    text_column("name"),
    time_column("at"),
    sqlite_strict=True,
)

transfers: Final = Table(
    "transfers",
    metadata,
    id_column(),
    whole_column("version"),
    text_column("direction"),
    text_column("state"),
    text_column("link", nullable=True),
    text_column("route", nullable=True),
    text_column("origin", nullable=True),
    text_column("recipient", nullable=True),
    text_column("bundle_id", nullable=True),
    text_column("header_hash", nullable=True),
    whole_column("epoch", nullable=True),
    whole_column("sequence", nullable=True),
    text_column("flow"),
    text_column("case_no"),
    text_column("export_name"),
    text_column("claim", nullable=True),
    whole_column("size"),
    time_column("found_at"),
    time_column("changed_at"),
    time_column("owed_since"),
    time_column("settled_at", nullable=True),
    whole_column("attempts"),
    time_column("next_attempt_at"),
    time_column("receipt_due_at", nullable=True),
    text_column("hold_code", nullable=True),
    text_column("last_error", nullable=True),
    text_column("verdict"),
    text_column("business_key", nullable=True),
    text_column("content_hash", nullable=True),
    # How urgent: 0 the most.
    whole_column("priority"),
    # The priority, and so many more for what is large, so that a range of it is all that is small, or large.
    Column(
        "lane",
        WHOLE,
        Computed(f"priority + CASE WHEN size > {SMALL_BYTES} THEN {LARGE_LANES} ELSE 0 END", persisted=True),
        nullable=False,
    ),
    # With whom it takes turns: those of its link, or before one is known, of its route (no link begins with a colon).
    Column("turn", _TEXT, Computed("coalesce(link, ':' || route, '')", persisted=True), nullable=False),
    # The bundle that this one repeats or corrects; it may be known to a peer only, so it is no reference.
    text_column("earlier", nullable=True),
    # 1 for what owes something and is not held, else null: so what is over, which is nearly all, is in no index of
    # what is due, and these stay small however large the ledger grows.
    Column("owing", WHOLE, Computed(f"CASE WHEN hold_code IS NULL AND ({OWES}) THEN 1 END", persisted=True)),
    # The unit at the other end (recipient or origin), so that one index answers "everything with this peer".
    text_column("peer", nullable=True),
    # 0 for the transfer of the claimed export itself; its copies, one to each further recipient, count from 1.
    Column("copy", WHOLE, nullable=False, server_default=text("0")),
    UniqueConstraint("claim", "copy", name="transfers_claim"),
    sqlite_strict=True,
    # An id that was once printed in a log never comes to mean another transfer.
    sqlite_autoincrement=True,
)

FAILING: Final = transfers.c.attempts > literal_column("0")
"""Its last attempt failed. The literals stand in the queries as well, for only so may a database use the index."""
OWING: Final = transfers.c.owing == literal_column("1")
UNCLOSED: Final = transfers.c.state != literal_column(f"'{State.CLOSED}'")
RELAYED: Final = transfers.c.direction == literal_column(f"'{Direction.RELAY}'")
NUMBERED_CASE: Final = transfers.c.case_no != literal_column("''")
CASE_PAGE: Final = page_of(transfers.c.id)
_HELD = text("hold_code IS NOT NULL")
_AWAITED = text("receipt_due_at IS NOT NULL")
_SETTLED = and_(transfers.c.settled_at.is_not(None), UNCLOSED)
_KEYED = text("business_key IS NOT NULL")
_LATER = text("earlier IS NOT NULL")
_NUMBERED = text("sequence IS NOT NULL")
_IN = text("direction = 'inbound'")
_OUT = text("direction = 'outbound'")
_ON = text("direction = 'relay'")
_OPEN = text(f"{_OUT.text} AND state IN ({listed_states(Direction.OUTBOUND)})")

_c = transfers.c
Index("transfers_due", _c.state, _c.next_attempt_at, sqlite_where=OWING, postgresql_where=OWING)
Index("transfers_due_link", _c.link, _c.state, _c.next_attempt_at, sqlite_where=OWING, postgresql_where=OWING)
# By equality alone, so that each question walks its own stretch in the order of the lanes.
Index("transfers_turn", _c.state, _c.turn, _c.lane, _c.next_attempt_at, sqlite_where=OWING, postgresql_where=OWING)
# At a hub, the same among the origins of what goes on by one link.
_CARRIED = and_(OWING, RELAYED)
Index(
    "transfers_carried",
    *(_c.link, _c.state, _c.peer, _c.lane, _c.next_attempt_at),
    sqlite_where=_CARRIED,
    postgresql_where=_CARRIED,
)
Index("transfers_overdue", _c.state, _c.receipt_due_at, sqlite_where=_AWAITED, postgresql_where=_AWAITED)
# And of one link: a hub's other links do not pay for one that has been silent for days.
Index(
    "transfers_overdue_link",
    *(_c.link, _c.state, _c.receipt_due_at),
    sqlite_where=_AWAITED,
    postgresql_where=_AWAITED,
)
Index("transfers_settled", _c.state, _c.settled_at, sqlite_where=_SETTLED, postgresql_where=_SETTLED)
Index("transfers_held", _c.found_at, sqlite_where=_HELD, postgresql_where=_HELD)
Index("transfers_found", _c.found_at)
Index("transfers_state", _c.state, _c.found_at)
Index("transfers_case", _c.case_no, _c.found_at)
# The same, a page of ids at a time: where very many cases begin alike, the newest are found without sorting all.
Index("transfers_case_page", CASE_PAGE, _c.case_no, sqlite_where=NUMBERED_CASE, postgresql_where=NUMBERED_CASE)
Index("transfers_flow", _c.flow, _c.found_at)
Index("transfers_peer", _c.peer, _c.found_at)
Index("transfers_link", _c.link, _c.found_at)
Index("transfers_failing", _c.found_at, sqlite_where=FAILING, postgresql_where=FAILING)
# Few, but at hubs; of the other ways every node has many.
Index("transfers_carried_found", _c.found_at, sqlite_where=RELAYED, postgresql_where=RELAYED)
Index("transfers_bundle", _c.bundle_id)
Index("transfers_export", _c.export_name)
Index(
    "transfers_stream",
    *(_c.direction, _c.peer, _c.epoch, _c.sequence),
    sqlite_where=_NUMBERED,
    postgresql_where=_NUMBERED,
)
Index("transfers_key", _c.business_key, sqlite_where=_KEYED, postgresql_where=_KEYED)
Index("transfers_earlier", _c.earlier, sqlite_where=_LATER, postgresql_where=_LATER)
Index("transfers_order", _c.route, _c.case_no, _c.state, _c.id, sqlite_where=_OPEN, postgresql_where=_OPEN)
Index("transfers_offer", _c.link, _c.bundle_id, unique=True, sqlite_where=_IN, postgresql_where=_IN)
Index("transfers_sealed", _c.bundle_id, _c.recipient, unique=True, sqlite_where=_OUT, postgresql_where=_OUT)
# However often a bundle arrives at a hub, it goes on to each recipient once; so loops end.
Index("transfers_relayed", _c.bundle_id, _c.recipient, unique=True, sqlite_where=_ON, postgresql_where=_ON)
# Of one origin, one recipient's stream apart from all others: each has numbers of its own.
Index(
    "transfers_carried_stream",
    *(_c.peer, _c.recipient, _c.epoch, _c.sequence),
    sqlite_where=RELAYED,
    postgresql_where=RELAYED,
)
Index("transfers_onward", _c.recipient, _c.found_at, sqlite_where=_ON, postgresql_where=_ON)

events: Final = Table(
    "events",
    metadata,
    id_column(),
    _transfer(),
    # The transfer's version after the event: the order of its history, whatever the clock did.
    whole_column("version"),
    time_column("at"),
    text_column("kind"),
    text_column("what"),
    text_column("stage"),
    text_column("state"),
    text_column("code"),
    text_column("note"),
    text_column("actor"),
    UniqueConstraint("transfer_id", "version", name="events_order"),
    sqlite_strict=True,
)

# The literals stand in the query as well: only so may a database use the index.
BY_PERSON: Final = text("actor <> '' AND actor <> 'retention'")
Index("events_by_person", events.c.at, sqlite_where=BY_PERSON, postgresql_where=BY_PERSON)

decisions: Final = Table(
    "decisions",
    metadata,
    id_column(),
    time_column("at"),
    text_column("actor"),
    text_column("action"),
    # The quarantine id; null for a decision about a transfer or a link.
    text_column("thing", nullable=True),
    text_column("subject"),
    text_column("link", nullable=True),
    Column("transfer_id", WHOLE, ForeignKey("transfers.id"), nullable=True),
    text_column("code"),
    text_column("why"),
    time_column("done_at", nullable=True),
    # Empty once it was carried out; else the code of why it could not be.
    text_column("outcome"),
    sqlite_strict=True,
)
_UNDONE = text("done_at IS NULL")
Index("decisions_undone", decisions.c.id, sqlite_where=_UNDONE, postgresql_where=_UNDONE)
Index("decisions_thing", decisions.c.thing)
Index("decisions_at", decisions.c.at)

attempts: Final = Table(
    "attempts",
    metadata,
    _transfer(),
    whole_column("version"),
    text_column("stage"),
    text_column("state"),
    time_column("started_at"),
    time_column("ended_at"),
    # Empty for the attempt that succeeded.
    text_column("code"),
    text_column("detail"),
    time_column("retry_at", nullable=True),
    PrimaryKeyConstraint("transfer_id", "version"),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)

receipts: Final = Table(
    "receipts",
    metadata,
    id_column(),
    _transfer(),
    whole_column("version"),
    time_column("at"),
    text_column("bundle_id"),
    text_column("header_hash"),
    text_column("code"),
    text_column("issuer"),
    time_column("issued_at"),
    text_column("digest"),
    Column("raw", LargeBinary, nullable=False),
    UniqueConstraint("bundle_id", "transfer_id", "digest", name="receipts_once"),
    sqlite_strict=True,
)
Index("receipts_transfer", receipts.c.transfer_id)

streams: Final = Table(
    "streams",
    metadata,
    text_column("peer"),
    text_column("direction"),
    whole_column("epoch"),
    # Outbound: the last number given out; inbound: the highest delivered.
    whole_column("sequence"),
    # Inbound: the last number of which it is not known whether it was delivered before our ledger was restored.
    whole_column("doubtful", nullable=True),
    PrimaryKeyConstraint("peer", "direction", "epoch"),
    sqlite_strict=True,
)

seen: Final = Table(
    "seen",
    metadata,
    text_column("origin"),
    text_column("bundle_id"),
    text_column("header_hash"),
    whole_column("epoch"),
    whole_column("sequence"),
    _transfer(),
    time_column("at"),
    PrimaryKeyConstraint("origin", "bundle_id"),
    UniqueConstraint("origin", "epoch", "sequence", name="seen_sequence"),
    sqlite_strict=True,
)
