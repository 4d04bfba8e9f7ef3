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
    text,
)
from sqlalchemy.types import TypeEngine

from gateway.domain.lanes import LARGE_LANES, SMALL_BYTES
from gateway.domain.lifecycle import TABLE, Direction, ends

VERSION: Final = 1
"""The schema that this program writes; a ledger that says more was written by a newer program."""

UNANSWERED: Final = tuple(sorted({state for state, _ in TABLE[Direction.OUTBOUND]} - ends(Direction.OUTBOUND)))
"""States in which an outbound transfer has no final receipt yet."""

INTEGER_MAX: Final = 2**63 - 1
"""Both databases keep signed 64-bit integers."""

_WHOLE: Final[TypeEngine[int]] = BigInteger().with_variant(Integer(), "sqlite")
_TIME: Final[TypeEngine[float]] = Double().with_variant(REAL(), "sqlite")
# Prefix searches are ranges, which need an order by code point in both databases; it is SQLite's own order.
_TEXT: Final[TypeEngine[str]] = Text().with_variant(Text(collation="C"), "postgresql")


def _whole(name: str, *, nullable: bool = False) -> Column[int]:
    return Column(name, _WHOLE, nullable=nullable)


def _time(name: str, *, nullable: bool = False) -> Column[float]:
    return Column(name, _TIME, nullable=nullable)


def _text(name: str, *, nullable: bool = False) -> Column[str]:
    return Column(name, _TEXT, nullable=nullable)


def _id() -> Column[int]:
    return Column("id", _WHOLE, primary_key=True, autoincrement=True)


def _transfer() -> Column[int]:
    return Column("transfer_id", _WHOLE, ForeignKey("transfers.id"), nullable=False)


metadata: Final = MetaData()

schema_versions: Final = Table(
    "schema_versions", metadata, Column("version", _WHOLE, primary_key=True), _time("at"), sqlite_strict=True
)

node: Final = Table(
    "node",
    metadata,
    Column("unit", _TEXT, primary_key=True),
    _whole("epoch"),
    _time("created_at"),
    # When this ledger was put back from a backup: from then on it asks its peers what it has forgotten.
    _time("restored_at", nullable=True),
    # Whether it cannot be told which bundles were delivered between the backup and the restore.
    Column("doubtful", _WHOLE, nullable=False, server_default=text("0")),
    # Code of why the node stands still: nothing is taken, sent or fetched.
    _text("standstill", nullable=True),
    sqlite_strict=True,
)

lives: Final = Table(
    "lives",
    metadata,
    _id(),
    # Our own unit: every start of ours. A peer: every start of its that an inventory told of.
    _text("unit"),
    _whole("epoch"),
    _text("life"),
    # When it began, or was heard last.
    _time("at"),
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
    _time("wanted_at", nullable=True),
    _text("why"),
    # When our last inventory that asked was sent.
    _time("asked_at", nullable=True),
    # When the peer's inventory came that answered one of ours.
    _time("heard_at", nullable=True),
    # The peer's last inventory, as it was signed, and its name if it wants an answer that was not sent yet.
    Column("theirs", LargeBinary, nullable=True),
    _text("owed"),
    # Why nothing is sent to this peer any more; empty while all is well.
    _text("halted"),
    # When a number was delivered before one that is lower.
    _time("gap_since", nullable=True),
    sqlite_strict=True,
)

asks: Final = Table(
    "asks",
    metadata,
    _id(),
    # An inventory of ours that the peer has not answered, nor any later one, and when it was sent.
    _text("peer"),
    _text("name"),
    _time("at"),
    sqlite_strict=True,
)

rounds: Final = Table(
    "rounds",
    metadata,
    _id(),
    # Three-way reconciliations: when one was wanted and why, when the parties were asked, by when they must answer.
    _time("wanted_at"),
    _text("why"),
    _time("wait"),
    _time("asked_at", nullable=True),
    _time("done_at", nullable=True),
    # `balanced`, `differences`, `silent`; and how many of each.
    _text("outcome"),
    _whole("differences"),
    _whole("silent"),
    sqlite_strict=True,
)

enquiries: Final = Table(
    "enquiries",
    metadata,
    _id(),
    # Of which round; null where a neighbouring hub was asked what it still holds of ours.
    Column("round", _WHOLE, ForeignKey("rounds.id"), nullable=True),
    _text("party"),
    _text("name"),
    _time("at"),
    _time("answered_at", nullable=True),
    # The statement, as it was signed.
    Column("raw", LargeBinary, nullable=True),
    UniqueConstraint("party", "name", name="enquiries_once"),
    sqlite_strict=True,
)
Index("enquiries_round", enquiries.c.round)

transfers: Final = Table(
    "transfers",
    metadata,
    _id(),
    _whole("version"),
    _text("direction"),
    _text("state"),
    _text("link", nullable=True),
    _text("route", nullable=True),
    _text("origin", nullable=True),
    _text("recipient", nullable=True),
    _text("bundle_id", nullable=True),
    _text("header_hash", nullable=True),
    _whole("epoch", nullable=True),
    _whole("sequence", nullable=True),
    _text("flow"),
    _text("case_no"),
    _text("export_name"),
    _text("claim", nullable=True),
    _whole("size"),
    _time("found_at"),
    _time("changed_at"),
    _time("owed_since"),
    _time("settled_at", nullable=True),
    _whole("attempts"),
    _time("next_attempt_at"),
    _time("receipt_due_at", nullable=True),
    _text("hold_code", nullable=True),
    _text("last_error", nullable=True),
    _text("verdict"),
    _text("business_key", nullable=True),
    _text("content_hash", nullable=True),
    # How urgent: 0 the most.
    _whole("priority"),
    # The priority, and so many more for what is large, so that a range of it is all that is small, or large.
    Column(
        "lane",
        _WHOLE,
        Computed(f"priority + CASE WHEN size > {SMALL_BYTES} THEN {LARGE_LANES} ELSE 0 END", persisted=True),
        nullable=False,
    ),
    # With whom it takes turns: those of its link, or before one is known, of its route (no link begins with a colon).
    Column("turn", _TEXT, Computed("coalesce(link, ':' || route, '')", persisted=True), nullable=False),
    # The bundle that this one repeats or corrects; it may be known to a peer only, so it is no reference.
    _text("earlier", nullable=True),
    # The unit at the other end (recipient or origin), so that one index answers "everything with this peer".
    _text("peer", nullable=True),
    # 0 for the transfer of the claimed export itself; its copies, one to each further recipient, count from 1.
    Column("copy", _WHOLE, nullable=False, server_default=text("0")),
    UniqueConstraint("claim", "copy", name="transfers_claim"),
    sqlite_strict=True,
    # An id that was once printed in a log never comes to mean another transfer.
    sqlite_autoincrement=True,
)

_FREE = text("hold_code IS NULL")
_HELD = text("hold_code IS NOT NULL")
_AWAITED = text("receipt_due_at IS NOT NULL")
_SETTLED = text("settled_at IS NOT NULL")
_KEYED = text("business_key IS NOT NULL")
_LATER = text("earlier IS NOT NULL")
_NUMBERED = text("sequence IS NOT NULL")
_IN = text("direction = 'inbound'")
_OUT = text("direction = 'outbound'")
_ON = text("direction = 'relay'")
_STATES = ", ".join(f"'{state}'" for state in UNANSWERED)
_OPEN = text(f"{_OUT.text} AND state IN ({_STATES})")

_c = transfers.c
Index("transfers_due", _c.state, _c.next_attempt_at, sqlite_where=_FREE, postgresql_where=_FREE)
Index("transfers_due_link", _c.link, _c.state, _c.next_attempt_at, sqlite_where=_FREE, postgresql_where=_FREE)
# By equality alone, so that each question walks its own stretch in the order of the lanes.
Index(
    "transfers_turn",
    *(_c.state, _c.turn, _c.lane, _c.next_attempt_at),
    sqlite_where=_FREE,
    postgresql_where=_FREE,
)
# At a hub, the same among the origins of what goes on by one link.
_CARRIED = text(f"{_FREE.text} AND {_ON.text}")
Index(
    "transfers_carried",
    *(_c.link, _c.state, _c.peer, _c.lane, _c.next_attempt_at),
    sqlite_where=_CARRIED,
    postgresql_where=_CARRIED,
)
Index("transfers_overdue", _c.state, _c.receipt_due_at, sqlite_where=_AWAITED, postgresql_where=_AWAITED)
Index("transfers_settled", _c.state, _c.settled_at, sqlite_where=_SETTLED, postgresql_where=_SETTLED)
Index("transfers_held", _c.found_at, sqlite_where=_HELD, postgresql_where=_HELD)
Index("transfers_found", _c.found_at)
Index("transfers_state", _c.state, _c.found_at)
Index("transfers_case", _c.case_no, _c.found_at)
Index("transfers_flow", _c.flow, _c.found_at)
Index("transfers_peer", _c.peer, _c.found_at)
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
Index("transfers_onward", _c.recipient, _c.found_at, sqlite_where=_ON, postgresql_where=_ON)

events: Final = Table(
    "events",
    metadata,
    _id(),
    _transfer(),
    # The transfer's version after the event: the order of its history, whatever the clock did.
    _whole("version"),
    _time("at"),
    _text("kind"),
    _text("what"),
    _text("stage"),
    _text("state"),
    _text("code"),
    _text("note"),
    _text("actor"),
    UniqueConstraint("transfer_id", "version", name="events_order"),
    sqlite_strict=True,
)

# The literals stand in the query as well: only so may a database use the index.
BY_PERSON: Final = text("actor <> '' AND actor <> 'retention'")
Index("events_by_person", events.c.at, sqlite_where=BY_PERSON, postgresql_where=BY_PERSON)

decisions: Final = Table(
    "decisions",
    metadata,
    _id(),
    _time("at"),
    _text("actor"),
    _text("action"),
    # The quarantine id; null for a decision about a transfer or a link.
    _text("thing", nullable=True),
    _text("subject"),
    _text("link", nullable=True),
    Column("transfer_id", _WHOLE, ForeignKey("transfers.id"), nullable=True),
    _text("code"),
    _text("why"),
    _time("done_at", nullable=True),
    # Empty once it was carried out; else the code of why it could not be.
    _text("outcome"),
    sqlite_strict=True,
)
_UNDONE = text("done_at IS NULL")
Index("decisions_undone", decisions.c.id, sqlite_where=_UNDONE, postgresql_where=_UNDONE)
Index("decisions_thing", decisions.c.thing)
Index("decisions_at", decisions.c.at)

trips: Final = Table(
    "trips",
    metadata,
    _id(),
    # `out` or `in`, seen from this node.
    _text("way"),
    _text("trip"),
    _text("link"),
    _text("peer"),
    _text("state"),
    # Where the medium was mounted, and what is written on it.
    _text("medium"),
    _text("label"),
    _whole("files"),
    _whole("size"),
    _text("asked_by"),
    _time("asked_at"),
    # Until then a second person must have confirmed.
    _time("confirm_by"),
    # Of the node that made the trip; outbound null until it is confirmed.
    _whole("epoch", nullable=True),
    _whole("number", nullable=True),
    _text("confirmed_by", nullable=True),
    _time("confirmed_at", nullable=True),
    _time("carried_at", nullable=True),
    _time("ended_at", nullable=True),
    sqlite_strict=True,
    # What a person was told as `trip 3` never comes to mean another one.
    sqlite_autoincrement=True,
)
Index("trips_of_link", trips.c.link, trips.c.way, trips.c.state)
Index("trips_by_id", trips.c.trip, trips.c.way)

attempts: Final = Table(
    "attempts",
    metadata,
    _transfer(),
    _whole("version"),
    _text("stage"),
    _text("state"),
    _time("started_at"),
    _time("ended_at"),
    # Empty for the attempt that succeeded.
    _text("code"),
    _text("detail"),
    _time("retry_at", nullable=True),
    PrimaryKeyConstraint("transfer_id", "version"),
    sqlite_strict=True,
)

receipts: Final = Table(
    "receipts",
    metadata,
    _id(),
    _transfer(),
    _whole("version"),
    _time("at"),
    _text("bundle_id"),
    _text("header_hash"),
    _text("code"),
    _text("issuer"),
    _time("issued_at"),
    _text("digest"),
    Column("raw", LargeBinary, nullable=False),
    UniqueConstraint("bundle_id", "transfer_id", "digest", name="receipts_once"),
    sqlite_strict=True,
)
Index("receipts_transfer", receipts.c.transfer_id)

streams: Final = Table(
    "streams",
    metadata,
    _text("peer"),
    _text("direction"),
    _whole("epoch"),
    # Outbound: the last number given out; inbound: the highest delivered.
    _whole("sequence"),
    # Inbound: the last number of which it is not known whether it was delivered before our ledger was restored.
    _whole("doubtful", nullable=True),
    PrimaryKeyConstraint("peer", "direction", "epoch"),
    sqlite_strict=True,
)

seen: Final = Table(
    "seen",
    metadata,
    _text("origin"),
    _text("bundle_id"),
    _text("header_hash"),
    _whole("epoch"),
    _whole("sequence"),
    _transfer(),
    _time("at"),
    PrimaryKeyConstraint("origin", "bundle_id"),
    UniqueConstraint("origin", "epoch", "sequence", name="seen_sequence"),
    sqlite_strict=True,
)
