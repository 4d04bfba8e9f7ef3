"""Brings a ledger's schema up to the one this program writes, forward only."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from sqlalchemy import Connection, func, insert, inspect, select

from gateway.domain.errors import ConfigError, Scope
from gateway.ledger.schema import VERSION, metadata, schema_versions

Migration = Callable[[Connection], None]

MIGRATIONS: Final[Mapping[int, Migration]] = MappingProxyType({})
"""version -> what turns a ledger of the version before into it. A new ledger is made whole by the current tables."""


def version_of(connection: Connection) -> int:
    """Return the schema version of the database behind `connection`, 0 if it holds no ledger yet."""
    if not inspect(connection).has_table(schema_versions.name):
        return 0
    return connection.execute(select(func.max(schema_versions.c.version))).scalar() or 0


def refuse_newer(found: int, known: int = VERSION) -> None:
    """ConfigError `ledger-newer` if a newer program wrote the ledger: we cannot know what its columns mean."""
    if found > known:
        raise ConfigError(
            "ledger-newer",
            f"the ledger has schema {found}, this program knows up to {known}: install the newer program",
            scope=Scope.NODE,
            facts={"found": found, "known": known},
        )


def migrate(
    connection: Connection, now: float, *, migrations: Mapping[int, Migration] = MIGRATIONS, target: int = VERSION
) -> int:
    """Bring the schema to `target` inside the caller's transaction and return the version found before.

    Raises ConfigError `ledger-newer`. May be repeated: at `target` nothing happens.
    """
    found = version_of(connection)
    refuse_newer(found, target)
    if found == 0:
        metadata.create_all(connection)
        steps = [target]
    else:
        steps = list(range(found + 1, target + 1))
        for version in steps:
            migrations[version](connection)
    for version in steps:
        connection.execute(insert(schema_versions).values(version=version, at=now))
    return found
