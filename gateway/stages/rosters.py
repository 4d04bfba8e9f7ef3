"""The roster on its way: each neighbour is given a newer one once, and one that has an older is answered with ours."""

from collections.abc import Callable

from gateway.bundle.names import Kind, paper_name
from gateway.domain.clock import Clock
from gateway.domain.errors import ConfigError, GatewayError, PermanentError, Scope, TransientError, disk_fault
from gateway.domain.ids import LinkName, WireName
from gateway.domain.oplog import OpsLog
from gateway.roster.store import Came, RosterStore, Trusted
from gateway.roster.told import Told
from gateway.stages.gate import Gate
from gateway.transport.api import Transport

TRY_AGAIN_SECONDS = 60.0
"""After a roster could not be deposited for a reason of its own."""


class RosterStage:
    """Deposits the accepted roster for one neighbour that was not given it yet."""

    def __init__(
        self,
        *,
        link: LinkName,
        trusted: Trusted | None,
        name: WireName | None,
        store: RosterStore,
        told: Told,
        transport: Transport,
        gate: Gate,
        ops: OpsLog,
    ) -> None:
        """trusted, name: the roster in use and its name on the way; a newer one comes with stages of its own."""
        self._link = link
        self._trusted = trusted
        self._name = name
        self._store = store
        self._told = told
        self._transport = transport
        self._gate = gate
        self._ops = ops

    def step(self) -> float | None:
        """Deposit the roster if it is owed; return the seconds until it may be tried again, None if it is not owed."""
        if self._trusted is None or self._name is None or not self._is_owed(self._trusted):
            return None
        if pause := self._gate.enter():
            return pause
        try:
            self._deposit(self._trusted.raw, self._name)
        except GatewayError as error:
            if self._gate.failed(error):
                return self._gate.wait()
            self._ops.warn("roster-waits", link=self._link, code=error.code)
            return TRY_AGAIN_SECONDS
        self._gate.succeeded()
        self._told.note(self._link, self._name)
        self._ops.info("roster-sent", link=self._link, version=self._trusted.version)
        return None

    def _is_owed(self, trusted: Trusted) -> bool:
        """Whether the neighbour lacks it; where a newer one was accepted, that will be in use, and owed, at once."""
        return self._told.last(self._link) != self._name and self._store.stamp() == trusted.stamp

    def _deposit(self, raw: bytes, name: WireName) -> None:
        # A copy of our own: the accepted file may be replaced while a slow line still reads it.
        copy = self._store.folder / f".out-{self._link}{Kind.ROSTER}"
        try:
            copy.write_bytes(raw)
        except OSError as error:
            raise disk_fault(error, "copying the roster") from error
        try:
            self._transport.deposit(copy, name)
        finally:
            copy.unlink(missing_ok=True)


class RosterIntake:
    """Takes in the rosters that one neighbour leaves for us."""

    def __init__(
        self,
        *,
        link: LinkName,
        store: RosterStore,
        told: Told,
        ring: Callable[[], None],
        clock: Clock,
        ops: OpsLog,
    ) -> None:
        """ring: wakes the leg that deposits for this neighbour."""
        self._link = link
        self._ring = ring
        self._store = store
        self._told = told
        self._clock = clock
        self._ops = ops

    def take(self, raw: bytes) -> None:
        """Let a newer roster take the place of ours; may be repeated. The node itself sees that it has changed.

        One that cannot be used now is let go of: who sent it sends each later version as well.
        Raises SecurityError for what was forged, TransientError where our disk fails.
        """
        try:
            came, trusted = self._store.take(raw, now=self._clock.now())
        except PermanentError as error:
            self._ops.alert("roster-not-taken", link=self._link, code=error.code, detail=error.detail)
            return
        except ConfigError as error:
            # What we have cannot be read: theirs must not be lost over it.
            raise TransientError(error.code, error.detail, scope=Scope.TRANSFER) from error
        if came is Came.OLDER:
            # It is given ours, even if it was before: it may have been restored from a backup.
            self._told.forget(self._link)
            self._ring()
        else:
            self._told.note(self._link, paper_name(raw, Kind.ROSTER))
        self._ops.info("roster-came", link=self._link, is_newer=came is Came.NEWER, version=trusted.version)
