"""Sees when the roster on disk is no longer the one in use: a newer one came, a person trusted one, or it expired."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from gateway.compose.identity import Identity, load_directory
from gateway.domain.errors import GatewayError
from gateway.domain.oplog import OpsLog
from gateway.roster.directory import Directory
from gateway.roster.store import RosterStore, Stamp


class TrustWatch:
    """Compares what is in use with what is accepted. Safe between threads."""

    def __init__(self, store: RosterStore, log: OpsLog) -> None:
        self._store = store
        self._log = log
        self._known: Stamp | None = None
        self._was_valid = False
        self._expires_at = 0

    def use(self, directory: Directory, now: float) -> None:
        """Take note of what is in use from `now` (seconds since 1970 UTC) on."""
        trusted = directory.trusted
        self._known = None if trusted is None else trusted.stamp
        self._was_valid = trusted is not None and now < trusted.expires_at
        self._expires_at = 0 if trusted is None else trusted.expires_at

    def is_due(self, now: float) -> bool:
        """Whether trust has to be read anew."""
        return self._store.stamp() != self._known or (self._was_valid and now >= self._expires_at)

    def renewed(self, identity: Identity, now: float) -> Identity:
        """Return `identity` with trust read anew at `now` (seconds since 1970 UTC). Raises ConfigError if it cannot be
        read."""
        with self.giving_up():
            fresh = replace(identity, directory=load_directory(identity.settings))
        trusted = fresh.directory.trusted
        self._log.info("roster-in-use", version=0 if trusted is None else trusted.version)
        if trusted is not None and trusted.roster.has_revoked(unit := fresh.settings.node.unit, now):
            # Everybody else refuses it from now on, mostly without a word: it is for this node to tell its people.
            self._log.alert("own-keys-revoked", unit=unit, version=trusted.version)
        return fresh

    @contextmanager
    def giving_up(self) -> Iterator[None]:
        """Let what cannot be used now rest until it has changed once more."""
        try:
            yield
        except GatewayError:
            self._known = self._store.stamp()
            raise
