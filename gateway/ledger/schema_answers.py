"""The tables that tie business answers to their requests: what was asked, what was answered, and what still waits."""

from typing import Final

from sqlalchemy import Column, ForeignKey, Index, LargeBinary, PrimaryKeyConstraint, Table

from gateway.ledger.schema import WHOLE, metadata, text_column, time_column, whole_column

asked: Final = Table(
    "asked",
    metadata,
    Column("transfer_id", WHOLE, ForeignKey("transfers.id"), primary_key=True),
    text_column("direction"),
    text_column("peer"),
    text_column("flow"),
    text_column("reply"),
    # `person` where each person is answered by itself.
    text_column("per"),
    time_column("at"),
    # Answers that are still owed.
    whole_column("open"),
    # The transfers by which it was taken back, or another version took its place.
    whole_column("withdrawn", nullable=True),
    whole_column("corrected", nullable=True),
    sqlite_strict=True,
)
Index("asked_open", asked.c.direction, asked.c.at, sqlite_where=asked.c.open > 0, postgresql_where=asked.c.open > 0)
Index("asked_corrected", asked.c.corrected)

answers: Final = Table(
    "answers",
    metadata,
    Column("reply_id", WHOLE, ForeignKey("transfers.id"), nullable=False),
    whole_column("reply_position"),
    Column("request_id", WHOLE, ForeignKey("asked.transfer_id"), nullable=False),
    whole_column("position"),
    text_column("by"),
    text_column("kind"),
    text_column("result"),
    text_column("name"),
    text_column("day"),
    time_column("at"),
    # 1: the person had been finally answered before, and otherwise.
    whole_column("twice"),
    # The transfer by which it was corrected or taken back; it counts no more.
    whole_column("void", nullable=True),
    PrimaryKeyConstraint("reply_id", "reply_position"),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)
Index("answers_request", answers.c.request_id, answers.c.position)

seekers: Final = Table(
    "seekers",
    metadata,
    Column("transfer_id", WHOLE, ForeignKey("transfers.id"), primary_key=True),
    text_column("direction"),
    text_column("peer"),
    # The flow that is looked for.
    text_column("request"),
    # 1: it waits and goes on when its request comes; 0: it has gone, and is tied when it comes.
    whole_column("waits"),
    time_column("since"),
    Column("raw", LargeBinary, nullable=False),
    sqlite_strict=True,
)
Index("seekers_waiting", seekers.c.since, sqlite_where=seekers.c.waits == 1, postgresql_where=seekers.c.waits == 1)

seeker_marks: Final = Table(
    "seeker_marks",
    metadata,
    # What a request that fits bears as well: a number, a person's pseudonym, its bundle's id.
    text_column("mark"),
    Column("transfer_id", WHOLE, ForeignKey("seekers.transfer_id"), nullable=False),
    PrimaryKeyConstraint("mark", "transfer_id"),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)
Index("seeker_marks_transfer", seeker_marks.c.transfer_id)

withdrawals: Final = Table(
    "withdrawals",
    metadata,
    Column("transfer_id", WHOLE, ForeignKey("transfers.id"), primary_key=True),
    text_column("bundle_id"),
    text_column("direction"),
    text_column("peer"),
    sqlite_strict=True,
)
Index("withdrawals_bundle", withdrawals.c.bundle_id)

reply_words: Final = Table(
    "reply_words",
    metadata,
    # What a person said last about a reply that waits.
    Column("transfer_id", WHOLE, ForeignKey("transfers.id"), primary_key=True),
    text_column("word"),
    whole_column("request_id", nullable=True),
    text_column("actor"),
    text_column("why"),
    time_column("at"),
    sqlite_strict=True,
)
