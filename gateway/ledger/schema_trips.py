"""The table of what travels by medium."""

from typing import Final

from sqlalchemy import Index, Table

from gateway.ledger.schema import id_column, metadata, text_column, time_column, whole_column

trips: Final = Table(
    "trips",
    metadata,
    id_column(),
    # `out` or `in`, seen from this node.
    text_column("way"),
    text_column("trip"),
    text_column("link"),
    text_column("peer"),
    text_column("state"),
    # Where the medium was mounted, and what is written on it.
    text_column("medium"),
    text_column("label"),
    whole_column("files"),
    whole_column("size"),
    text_column("asked_by"),
    time_column("asked_at"),
    # Until then a second person must have confirmed.
    time_column("confirm_by"),
    # Of the node that made the trip; outbound null until it is confirmed.
    whole_column("epoch", nullable=True),
    whole_column("number", nullable=True),
    text_column("confirmed_by", nullable=True),
    time_column("confirmed_at", nullable=True),
    time_column("carried_at", nullable=True),
    time_column("ended_at", nullable=True),
    sqlite_strict=True,
    # What a person was told as `trip 3` never comes to mean another one.
    sqlite_autoincrement=True,
)
Index("trips_of_link", trips.c.link, trips.c.way, trips.c.state)
Index("trips_by_id", trips.c.trip, trips.c.way)
