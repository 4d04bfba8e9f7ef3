"""Work under way in worker processes: a bounded number of pieces, never all of them big, each with room for it."""

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future, wait
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import accumulate, takewhile
from typing import Generic, TypeVar

from gateway.domain.clock import Clock
from gateway.domain.errors import GatewayError, PermanentError, Scope, TransientError
from gateway.domain.ids import RouteName, TransferId
from gateway.domain.records import Stage, Transfer
from gateway.folders.space import SMALL_BYTES
from gateway.ledger.turns import turn_of
from gateway.stages.crew import Crew, Report
from gateway.stages.shortage import LOOK_SECONDS, Shortage
from gateway.stages.watching import STOPPING, Watching

BATCH = 64
"""Small pieces that share one trip to a worker process and one commit."""
BATCH_BYTES = 64 << 20
"""Of them together, so that what is more urgent and comes meanwhile waits for no more."""
LOOK_AHEAD = 512
"""Transfers looked at in one step."""
CLOSE_SECONDS = 60.0
"""Work that reports no progress for so long hangs; the crew ends it."""

A = TypeVar("A")
R = TypeVar("R")

Due = Callable[[str, int], Collection[Transfer]]
"""(whose turn it was last, how many are under way) -> transfers whose effect is owed, those under way among them."""


class Bulk:
    """The right to run something big, shared by all stages of the node: one worker always stays free for the small."""

    def __init__(self, workers: int) -> None:
        self._free = max(1, workers - 1)
        self._borrowed: list[Callable[[], None]] = []
        self._lock = threading.Lock()

    def take(self) -> bool:
        """Take one place, from a borrower if it must be; False if there is none."""
        with self._lock:
            if self._free:
                self._free -= 1
                return True
            if not self._borrowed:
                return False
            claimed = self._borrowed.pop()
        claimed()
        return True

    @property
    def has_room(self) -> bool:
        """Whether a place could be taken at this moment."""
        return self._free > 0 or bool(self._borrowed)

    @property
    def has_free(self) -> bool:
        """Whether one could be borrowed."""
        return self._free > 0

    def give_back(self) -> None:
        """Give one place back."""
        with self._lock:
            self._free += 1

    def borrow(self, claimed: Callable[[], None]) -> bool:
        """Take a place that nobody needs now, until it is `returned` or somebody takes it, who calls `claimed` from any
        thread; False if none is free."""
        with self._lock:
            if self._free == 0:
                return False
            self._free -= 1
            self._borrowed.append(claimed)
            return True

    def returned(self, claimed: Callable[[], None]) -> None:
        """Give a borrowed place back. May be repeated, and nothing happens if it was taken meanwhile."""
        with self._lock:
            if claimed in self._borrowed:
                self._borrowed.remove(claimed)
                self._free += 1


@dataclass(frozen=True, slots=True)
class Load:
    """What one piece of work carries. `started_at` is wall-clock seconds."""

    transfers: Mapping[TransferId, Transfer]
    started_at: float

    def each(self, error: GatewayError) -> GatewayError:
        """Return what `error`, with which nothing came of all of it, says of each: of several most did nothing, so all
        are tried again, each by itself, before a person is asked."""
        if len(self.transfers) > 1 and isinstance(error, PermanentError):
            return TransientError(error.code, error.detail, scope=error.scope, facts=error.facts)
        return error


class Lanes(Generic[R]):
    """The pieces of one stage. Used by that stage's thread only; `ring` is called from another when one is finished.

    What is larger than SMALL_BYTES goes alone, and never takes the last free worker.
    takes: what a piece writes to our disk, as a multiple of its size. A piece for which there is no room is not begun:
        no attempt is counted, and it goes on by itself once there is.
    """

    def __init__(
        self,
        stage: Stage,
        *,
        crew: Crew,
        width: int,
        bulk: Bulk,
        shortage: Shortage,
        takes: int,
        watching: Watching,
        clock: Clock,
        ring: Callable[[], None],
    ) -> None:
        self._shortage = shortage
        self._takes = takes
        self._is_held_up = False
        self._after = ""
        """Whose turn it was last."""
        self._stage = stage
        self._crew = crew
        self._width = width
        self._bulk = bulk
        self._watching = watching
        self._clock = clock
        self._ring = ring
        self._running: dict[Future[R], tuple[Load, ExitStack]] = {}
        self._apart: set[TransferId] = set()
        """What went together and nothing came of: each goes by itself, so that one that ends a worker ends no other."""
        self._closing = False

    def finished(self) -> list[tuple[Load, Future[R]]]:
        """Take out and return what is done, successful or not."""
        self._closing = False
        done = [future for future in self._running if future.done()]
        ended = []
        for future in done:
            load, held = self._running.pop(future)
            held.close()
            if len(load.transfers) > 1 and future.exception() is not None:
                self._apart |= load.transfers.keys()
            else:
                self._apart -= load.transfers.keys()
            ended.append((load, future))
        return ended

    def pause(self, until_due: Callable[[], float | None]) -> float | None:
        """Return the seconds until the next step: soon while something is under way or waits for its turn or for room,
        else what `until_due` says.

        The end of what is under way rings; but it is due itself, so when another falls due beside it is not known.
        """
        return LOOK_SECONDS if self._running or self._is_held_up else until_due()

    def next_batch(self, due: Due, in_order: Collection[RouteName] = ()) -> Sequence[Transfer]:
        """Return what may be started now, small before large: a batch of small ones, one large one, or nothing.

        due:      what is owed, most urgent first and every peer in its turn; what is under way is left out here.
        in_order: routes that are worked on in the order of the transfers' numbers, one batch at a time.
        """
        if len(self._running) >= self._width:
            return ()
        under_way = [one for load, _held in self._running.values() for one in load.transfers.values()]
        busy = {one.id for one in under_way}
        taken = {one.route for one in under_way if one.route in in_order}
        free = [t for t in due(self._after, len(busy)) if t.id not in busy and t.route not in taken]
        weights = _weights(free, in_order)
        # Small before large, and where order is kept by the numbers; else as their turns have them.
        waiting = sorted(free, key=lambda t: (weights[t.id] > SMALL_BYTES, t.id if t.route in in_order else 0))
        light = [t for t in waiting[:BATCH] if weights[t.id] <= SMALL_BYTES]
        small = _together(list(takewhile(lambda t: t.id not in self._apart, light))) or light[:1]
        wanted = small or (waiting[:1] if self._bulk.has_room else [])
        fitting = self._fitting(wanted, waiting)
        if fitting:
            self._after = turn_of(fitting[-1])
        self._is_held_up = bool(waiting) and not fitting
        # Small things that go on say nothing of the large ones that wait behind them.
        if not waiting or (fitting and (not small or weights[waiting[-1].id] <= SMALL_BYTES)):
            self._shortage.waits(self._stage, ())
        return fitting

    def _fitting(self, wanted: Sequence[Transfer], waiting: Sequence[Transfer]) -> Sequence[Transfer]:
        """Return as many of `wanted`, in their order, as there is room for together; if for none, all that is
        `waiting` waits."""
        if wanted and self._fits_whole(wanted):
            return wanted
        total, fitting = 0, 0
        for transfer in wanted:
            total += transfer.size * self._takes
            try:
                with self._shortage.space.work(total, small=transfer.size <= SMALL_BYTES):
                    fitting += 1
            except TransientError as error:
                if not fitting:
                    self._lacks_room(waiting, error)
                break
        return wanted[:fitting]

    def _fits_whole(self, wanted: Sequence[Transfer]) -> bool:
        """Whether there is room for all of `wanted` by the strictest of their floors: one look at the disk for most."""
        try:
            is_small = all(transfer.size <= SMALL_BYTES for transfer in wanted)
            with self._shortage.space.work(sum(t.size for t in wanted) * self._takes, small=is_small):
                return True
        except TransientError:
            return False

    def _lacks_room(self, waiting: Sequence[Transfer], error: TransientError) -> None:
        self._is_held_up = True
        self._shortage.waits(self._stage, [t.size for t in waiting], error)

    def start(
        self,
        work: Callable[[A, Report], R],
        argument: A,
        transfers: Sequence[Transfer],
        on_news: Callable[[object], None] | None = None,
    ) -> bool:
        """Begin `work(argument)` for `transfers`; False if the last place for a big one, or the room, was just
        taken.

        on_news: called from another thread with what the work tells beside its result.
        """
        shown: Callable[[int], None] = _unseen
        first = transfers[0]
        is_small = first.size <= SMALL_BYTES
        with ExitStack() as held:
            try:
                room = held.enter_context(
                    self._shortage.space.work(sum(t.size for t in transfers) * self._takes, small=is_small)
                )
            except TransientError as error:
                self._lacks_room(transfers, error)
                return False
            if not is_small:
                if not self._bulk.take():
                    self._is_held_up = True
                    return False
                held.callback(self._bulk.give_back)
                shown = held.enter_context(self._watching(first, self._stage, first.size))

            def progress(done: int) -> None:
                if self._closing:
                    raise TransientError(STOPPING, "this work was cut off; it is owed again", scope=Scope.NODE)
                shown(done)
                if not is_small:
                    room.written(done)

            future = self._crew.run(work, argument, progress, on_news, is_large=not is_small)
            self._running[future] = Load({t.id: t for t in transfers}, self._clock.now()), held.pop_all()
        future.add_done_callback(lambda _future: self._ring())
        return True

    def close(self) -> None:
        """Cut off what runs and wait until it has ended, so that a successor finds nobody writing."""
        self._closing = True
        wait(self._running, CLOSE_SECONDS)
        for _load, held in self._running.values():
            held.close()
        self._running.clear()


def _weights(transfers: Collection[Transfer], in_order: Collection[RouteName]) -> Mapping[TransferId, int]:
    """Return the size of each; where order is kept, none is lighter than what comes before it."""
    weights: dict[TransferId, int] = {}
    heaviest: dict[RouteName, int] = {}
    for one in sorted(transfers, key=lambda t: t.id):
        weights[one.id] = one.size
        if one.route is not None and one.route in in_order:
            weights[one.id] = heaviest[one.route] = max(one.size, heaviest.get(one.route, 0))
    return weights


def _together(small: Sequence[Transfer]) -> Sequence[Transfer]:
    """Return the first of `small`, as many as BATCH_BYTES hold."""
    return [one for one, size in zip(small, accumulate(t.size for t in small), strict=True) if size <= BATCH_BYTES]


def _unseen(_done: int) -> None:
    """Small pieces are done before anybody could look."""
