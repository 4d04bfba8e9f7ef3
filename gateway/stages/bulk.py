"""The bulk lane of one direction of a link: what is large moves beside everything else, in threads of the porters."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from typing import Protocol

from gateway.domain.clock import Clock
from gateway.domain.errors import GatewayError, Scope, TransientError
from gateway.domain.ids import TransferId
from gateway.domain.lanes import rank
from gateway.domain.records import Stage, Transfer
from gateway.stages.precedence import Precedence
from gateway.stages.watching import STOPPING, Watching
from gateway.transport.api import Progress

PAUSE_SECONDS = 10.0
"""What gives way waits so long at once, well below the time after which a server ends a session that asks nothing."""
SLICE_BYTES = 4 << 20
"""After so long a pause this much is moved before the next: urgent things slow bulk down, and never stop it."""
MORE_SECONDS = 5.0
"""While one moves and another place is free, it is looked so often whether the pause of a failed one has ended."""

Pausing = Callable[[Transfer, Stage], AbstractContextManager[None]]
"""Shows a transfer as paused for as long as the context lasts."""


class Porters(Protocol):
    """A bounded number of threads; see gateway.daemon.porters."""

    def run(self, work: Callable[[], None], rank: int) -> Future[None]:
        """Have `work` done by the next free thread, of what waits the lowest `rank` first."""
        ...


@dataclass(frozen=True, slots=True)
class Ended:
    """One large bundle that moves no more, with all transfers that it was moved for. `error` None: all of it has
    arrived. `started_at`: wall-clock seconds."""

    transfers: Sequence[Transfer]
    size: int
    started_at: float
    error: GatewayError | None


class _Run:
    def __init__(self, transfers: Sequence[Transfer], size: int, started_at: float, held: ExitStack) -> None:
        self.transfers = transfers
        self.transfer = transfer = transfers[0]
        self.size = size
        self.rank = rank(transfer.priority, size)
        self.started_at = started_at
        self.held = held
        self.has_begun = False
        self.has_moved = False
        self.free_until = 0
        """Bytes up to which it gives way to nobody."""
        self.future: Future[None] | None = None


class BulkLane:
    """The large transfers of one direction that move. Used by the thread of that leg; `ring` is called from others.

    places: how many move at once. One that is more urgent than all of these has one place more, and they give way.
    """

    def __init__(
        self,
        stage: Stage,
        *,
        porters: Porters,
        precedence: Precedence,
        watching: Watching,
        pausing: Pausing,
        places: int,
        clock: Clock,
        ring: Callable[[], None],
    ) -> None:
        self._stage = stage
        self._porters = porters
        self._precedence = precedence
        self._watching = watching
        self._pausing = pausing
        self._places = places
        self._clock = clock
        self._ring = ring
        self._runs: dict[TransferId, _Run] = {}
        self._is_closing = False

    @property
    def under_way(self) -> frozenset[TransferId]:
        """What moves, or has ended and was not taken note of."""
        return frozenset(one.id for run in self._runs.values() for one in run.transfers)

    @property
    def is_trying(self) -> bool:
        """Whether somebody has begun with something of which nothing has moved yet; `ring` tells when it has."""
        return any(run.has_begun and not run.has_moved for run in self._runs.values())

    @property
    def has_place(self) -> bool:
        """Whether anything may begin."""
        return len(self._runs) < self._places

    def has_place_for(self, transfer: Transfer) -> bool:
        """Whether `transfer` may begin."""
        if transfer.id in self.under_way:
            return False
        urgent = all(transfer.priority < run.transfer.priority for run in self._runs.values())
        return self.has_place or (urgent and len(self._runs) == self._places)

    def start(
        self, transfers: Sequence[Transfer], size: int, move: Callable[[Progress], None], held: ExitStack
    ) -> None:
        """Begin to `move` a bundle of `size` bytes for `transfers`; what is `held` for it is given back at the end."""
        self._is_closing = False
        run = _Run(transfers, size, self._clock.now(), held)
        try:
            run.future = self._porters.run(lambda: self._carry(run, move), run.rank)
        except BaseException:
            held.close()
            raise
        self._runs[run.transfer.id] = run
        run.future.add_done_callback(lambda _future: self._ring())

    def finished(self) -> list[Ended]:
        """Take out and return what has ended, whole or not. A bug in moving is raised as it is, when nothing else has
        ended."""
        ended: list[Ended] = []
        for run in [one for one in self._runs.values() if one.future is not None and one.future.done()]:
            error = _error_of(run)
            if error is not None and not isinstance(error, GatewayError):
                if ended:
                    self._ring()  # what has ended as it should is recorded first
                    break
                self._forget(run)
                raise error
            self._forget(run)
            if run.future is not None and not run.future.cancelled():
                ended.append(Ended(run.transfers, run.size, run.started_at, error))
        return ended

    def _forget(self, run: _Run) -> None:
        del self._runs[run.transfer.id]
        run.held.close()

    def close(self) -> None:
        """Cut off what moves at its next chunk, at once where it gives way, and wait until it has ended: whoever comes
        after us must not write to what somebody still writes to."""
        self._is_closing = True
        moving = [run.future for run in self._runs.values() if run.future is not None and not run.future.cancel()]
        self._precedence.wake()
        wait(moving)

    def _carry(self, run: _Run, move: Callable[[Progress], None]) -> None:
        """Move one bundle; in a thread of the porters."""
        run.has_begun = True
        with self._watching(run.transfer, self._stage, run.size) as shown:

            def progress(done: int) -> None:
                if not run.has_moved:
                    run.has_moved = True
                    self._ring()
                shown(done)
                self._give_way(run, done)
                shown(done)

            self._give_way(run, 0)
            move(progress)

    def _give_way(self, run: _Run, done: int) -> None:
        if done >= run.free_until and self._precedence.is_outranked(run.rank):
            with self._pausing(run.transfer, self._stage):
                if not self._precedence.give_way(run.rank, PAUSE_SECONDS, lambda: self._is_closing):
                    run.free_until = done + SLICE_BYTES
        if self._is_closing:
            raise TransientError(STOPPING, "this was cut off; it goes on where it was", scope=Scope.NODE)


def _error_of(run: _Run) -> BaseException | None:
    return None if run.future is None or run.future.cancelled() else run.future.exception()
