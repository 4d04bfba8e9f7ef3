"""The threads of all workers: as many as have something to do at the moment; who waits costs none."""

import heapq
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from gateway.domain.clock import Clock

AT_ONCE = 32
"""So many threads are made without ado: more than there are workers that all links share."""
FEW = 1
"""With so many busy, what has waited for its time waits for one of them, and for whatever waited before it. A second
one would only take the interpreter from the first, at each of its system calls."""
PATIENCE = 0.01
"""Seconds in which some work that waits for a thread must be begun, else one more thread is made. At a start every link
has a short step to do, and a thread for each would take memory for nothing; but a peer that does not answer must not
hold up others."""
LONGEST = 0.25
"""Seconds that work waits because what waited before it is begun, one by one. Then one more thread is made at each
`PATIENCE`."""
IDLE_SECONDS = 5.0
"""After these a thread that nobody needed ends."""

Work = Callable[[], None]


@dataclass(slots=True)
class _Hand:
    """A thread that waits for work."""

    thread: threading.Thread
    called: threading.Event = field(default_factory=threading.Event)
    work: Work | None = None


class Rota:
    """Runs work now, or at a time. Its methods may be called from any thread and return at once, but for `close`.

    Work must not raise.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._changed = threading.Condition()
        self._due: list[tuple[float, int, Work]] = []
        self._order = 0
        self._waiting: deque[tuple[float, Work]] = deque()
        """Work for which no thread was free, and since when."""
        self._first_since = 0.0
        """When the first of it came to be the first."""
        self._helped_at = 0.0
        """When a thread was made, or called, for work that had waited."""
        self._free: list[_Hand] = []
        """The one that was busy last is called first, so that those that are too many can end."""
        self._hands: set[threading.Thread] = set()
        self._keeper: threading.Thread | None = None
        self._closing = False

    def now(self, work: Work) -> None:
        """Run `work` in a thread as soon as one is free."""
        self._run(work, lambda: bool(self._free) or len(self._hands) < AT_ONCE)

    def soon(self, work: Work) -> None:
        """Run `work` like `now`, but let it wait while some threads are busy.

        For what may have its time in common with hundreds of others: short steps follow each other in few threads,
        where each in one of its own would have them all contend for the interpreter.
        """
        self._run(work, lambda: len(self._hands) - len(self._free) < FEW)

    def at(self, due: float, work: Work) -> None:
        """Call `work` at `due` (monotonic seconds) in the one thread that keeps the time: it must return at once."""
        with self._changed:
            self._order += 1
            heapq.heappush(self._due, (due, self._order, work))
            if self._due[0][1] == self._order:
                self._keep()

    def close(self, deadline: float) -> None:
        """Forget what is not yet due, and wait at most `deadline` seconds for the threads that are not held by a step.

        Work that waits for a thread is still done.
        """
        with self._changed:
            self._closing = True
            self._due.clear()
            for hand in self._free:
                hand.called.set()
            threads = [hand.thread for hand in self._free]
            threads += [self._keeper] if self._keeper is not None else []
            self._free.clear()
            self._changed.notify_all()
        until = self._clock.monotonic() + deadline
        for thread in threads:
            if thread is not threading.current_thread():
                thread.join(max(until - self._clock.monotonic(), 0.0))

    # -- the thread that keeps the time: the lock is held where nothing else is said -----------------------------------

    def _keep(self) -> None:
        if self._keeper is None:
            keeper = threading.Thread(target=self._keep_time, name="rota", daemon=True)
            keeper.start()
            self._keeper = keeper
        self._changed.notify_all()

    def _keep_time(self) -> None:
        while True:
            hired = late = due = None
            with self._changed:
                now = self._clock.monotonic()
                if self._waiting and now >= self._patient_until():
                    late = self._take()
                    self._helped_at = now
                    hired = self._call(late)
                elif not self._due or self._due[0][0] > now:
                    if self._closing and not self._waiting:
                        self._keeper = None
                        return
                    self._changed.wait(self._until_next(now))
                    continue
                else:
                    _, _, due = heapq.heappop(self._due)
            if due is not None:
                due()
            elif late is not None:
                self._start(hired, late)

    def _until_next(self, now: float) -> float | None:
        next_ones = [self._due[0][0]] if self._due else []
        if self._waiting:
            next_ones.append(self._patient_until())
        return max(min(next_ones) - now, 0.0) if next_ones else None

    def _patient_until(self) -> float:
        """Return until when what waits may go on waiting."""
        gets_on = min(self._first_since, self._waiting[0][0] + LONGEST)
        return max(gets_on, self._helped_at) + PATIENCE

    # -- the threads that work ----------------------------------------------------------------------------------------

    def _run(self, work: Work, is_at_once: Callable[[], bool]) -> None:
        with self._changed:
            hired = None
            if is_at_once():
                hired = self._call(work)
            else:
                self._let_wait(work)
        self._start(hired, work)

    def _start(self, hired: threading.Thread | None, work: Work) -> None:
        """Start a thread that was made for `work`. Nobody may hold the lock: it takes until the interpreter was handed
        over and back."""
        if hired is None:
            return
        try:
            hired.start()
        except RuntimeError:
            # No more threads just now: the next that becomes free does it, or one that is tried for in a moment.
            with self._changed:
                self._hands.discard(hired)
                self._let_wait(work)

    def _let_wait(self, work: Work) -> None:
        now = self._clock.monotonic()
        self._waiting.append((now, work))
        if len(self._waiting) == 1:
            self._first_since = now
            self._keep()

    def _take(self) -> Work:
        """Return the first of what waits."""
        self._first_since = self._clock.monotonic()
        return self._waiting.popleft()[1]

    def _call(self, work: Work) -> threading.Thread | None:
        """Give `work` to a free thread, or to a new one, which is returned to be started without the lock."""
        if self._free:
            hand = self._free.pop()
            hand.work = work
            hand.called.set()
            return None
        # A daemon thread, so that a step that hangs cannot keep a stopping process alive.
        thread = threading.Thread(target=self._serve, args=(work,), name="hand", daemon=True)
        self._hands.add(thread)
        return thread

    def _serve(self, first: Work) -> None:
        hand = _Hand(threading.current_thread())
        work: Work | None = first
        while work is not None:
            work()
            hand.thread.name = "hand"
            work = self._next(hand)

    def _next(self, hand: _Hand) -> Work | None:
        with self._changed:
            if self._waiting:
                return self._take()
            if self._closing:
                self._hands.discard(hand.thread)
                return None
            hand.work = None
            hand.called.clear()
            self._free.append(hand)
        hand.called.wait(IDLE_SECONDS)
        with self._changed:
            if hand.work is None:
                self._hands.discard(hand.thread)
                if hand in self._free:
                    self._free.remove(hand)
            return hand.work
