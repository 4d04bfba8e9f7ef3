"""Has the workers step: each again after a death, ended within a deadline, watched for signs of life."""

import math
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gateway.daemon.buglog import BugLog, tell
from gateway.daemon.rota import Rota
from gateway.daemon.worker import Bell, Bells, Closable, Worker
from gateway.domain.clock import Clock, SystemClock
from gateway.domain.errors import GatewayError

_PREDECESSOR_SECONDS = 1.0
"""Between looks whether the old worker of a name has ended."""
_LATE_SHARE, _LATE_SECONDS = 1 / 32, 0.5
"""A rest lasts longer by this part of it at most, and by no more than these seconds, so that many end at the same time:
each time at which any ends wakes two threads."""
_SHORT = 0.1
"""Rests of so many seconds are not lengthened."""
_LAST_SECONDS = 1.0
"""Given to threads that have nothing left to do."""


@dataclass(frozen=True, slots=True)
class Policy:
    """How failures are met. Times are seconds."""

    deaths: int = 3
    """This many deaths of one worker within `deaths_within` end the process, for systemd to see."""
    deaths_within: float = 60.0
    restart_pause: float = 1.0
    """Between a death and the next step, so that a bug does not spin."""
    first_backoff: float = 1.0
    """After the first failure in a row; doubles with each further one."""
    longest_backoff: float = 60.0
    allowance: float = 300.0
    """A step that neither returns nor reports progress for this long is stuck. Above every adapter's own deadline."""


@dataclass(frozen=True, slots=True)
class WorkerView:
    """What can be told of one worker. `busy_seconds` is None while it waits."""

    name: str
    busy_seconds: float | None
    failures: int
    deaths: int


class _Post:
    """One worker and its signs of life; written by the thread of its present step only, except `beat_at`."""

    def __init__(self, worker: Worker, bell: Bell, predecessors: Sequence["_Post"], rota: Rota, clock: Clock) -> None:
        self.worker = worker
        self.name = worker.name
        self.bell = bell
        self.predecessors = tuple(predecessors)
        self.ended = threading.Event()
        self.busy_since: float | None = None
        self.beat_at = 0.0
        self.failures = 0
        self.deaths: deque[float] = deque()
        self.died = 0
        self._rota = rota
        self._clock = clock
        self._lock = threading.Lock()
        self._turn: Callable[[], None] = self.ended.set
        self._rests = True
        self._heeds_rings = False
        self._due: float | None = None
        self._called_at: float | None = None
        """The earliest time at which the rota will call; it may be earlier than `_due`, never later."""

    @property
    def running(self) -> bool:
        """Whether a step of it is under way or may still come."""
        return not self.ended.is_set()

    def begin(self, turn: Callable[[], None]) -> None:
        """Let `turn` be called in a thread now, and whenever a rest has ended."""
        self._turn = turn
        self._rests = False
        self.bell.answer(self._rung)
        self._rota.now(turn)

    def rest(self, seconds: float | None, *, heeds_rings: bool) -> bool:
        """Rest for `seconds` (None = until rung) and return True; False if there is no rest: the turn goes on.

        heeds_rings: whether a ring ends the rest; a ring that does not is kept.
        """
        with self._lock:
            rung = heeds_rings and self.bell.take()
            if self.bell.stopping or rung or (seconds is not None and seconds <= 0.0):
                return False
            self._rests, self._heeds_rings = True, heeds_rings
            self._due = None if seconds is None else _together(self._clock.monotonic() + seconds, seconds)
            if self._due is not None and (self._called_at is None or self._called_at > self._due):
                self._call_at(self._due)
            return True

    def _call_at(self, due: float) -> None:
        self._called_at = due
        self._rota.at(due, self._time_is_up)

    def _time_is_up(self) -> None:
        with self._lock:
            self._called_at = None
            if not self._rests or self._due is None:
                return
            if self._due > self._clock.monotonic():
                self._call_at(self._due)
                return
            self._go_on(self._rota.soon)

    def _rung(self) -> None:
        with self._lock:
            if self._rests and (self._heeds_rings or self.bell.stopping):
                self._go_on(self._rota.now)

    def _go_on(self, call: Callable[[Callable[[], None]], None]) -> None:
        if self._heeds_rings:
            self.bell.take()
        self._rests = False
        call(self._turn)


class Supervisor:
    """Runs workers until told to stop. Its methods may be called from any thread, `start` once.

    on_collapse: called (from the worker's thread) when a worker has died too often; must only wake the main thread.
    """

    def __init__(
        self,
        workers: Sequence[Worker],
        *,
        bells: Bells,
        clock: Clock,
        log: BugLog,
        on_collapse: Callable[[], None],
        policy: Policy | None = None,
    ) -> None:
        self._first = tuple(workers)
        self._bells = bells
        self._clock = clock
        self._log = log
        self._on_collapse = on_collapse
        self._policy = policy or Policy()
        # Rests are real time, whatever the time of the steps is.
        self._real_clock = SystemClock()
        self._rota = Rota(self._real_clock)
        self._lock = threading.Lock()
        self._posts: dict[str, _Post] = {}
        self._leaving: list[_Post] = []
        self._collapsed: str | None = None

    @property
    def collapsed(self) -> str | None:
        """The name of the worker that died too often; None while all is well."""
        return self._collapsed

    def start(self) -> None:
        """Let all workers begin, each with a step."""
        self.swap(self._first, 0.0)

    def swap(self, workers: Sequence[Worker], deadline: float) -> tuple[str, ...]:
        """Let exactly `workers` run from now on, and return the names of the old ones that are still in a step.

        A worker that already runs (the same object) is not disturbed. Others are asked to end and given `deadline`
        seconds; a new worker begins only when the old one of its name has ended, however long that takes.
        """
        wanted = {worker.name: worker for worker in workers}
        if len(wanted) != len(workers):
            raise ValueError("two workers have one name")
        with self._lock:
            leaving = [p for p in self._posts.values() if wanted.get(p.name) is not p.worker]
            late = _end(leaving, deadline, self._clock)
            for post in leaving:
                del self._posts[post.name]
            self._bells.take_down(p.name for p in leaving if p.name not in wanted)
            self._leaving = [p for p in (*self._leaving, *leaving) if p.running]
            for name, worker in wanted.items():
                if name not in self._posts:
                    old = [post for post in self._leaving if post.name == name]
                    self._posts[name] = self._begin(worker, old)
        return late

    def ask_stop(self) -> None:
        """Ask every worker to end after its present step, without waiting."""
        for post in list(self._posts.values()):
            post.bell.stop()

    def stop(self, deadline: float) -> tuple[str, ...]:
        """Ask every worker to end, wait at most `deadline` seconds, and return the names of those still in a step."""
        until = self._clock.monotonic() + deadline
        with self._lock:
            late = _end([*self._leaving, *self._posts.values()], deadline, self._clock)
        self._rota.close(max(until - self._clock.monotonic(), _LAST_SECONDS))
        for name in late:
            self._log.warn("worker-did-not-stop", worker=name, seconds=deadline)
        return late

    def beat(self, name: str) -> None:
        """Take note that the worker `name` made progress inside its step; other names are let pass."""
        post = self._posts.get(name)
        if post is not None:
            post.beat_at = self._clock.monotonic()

    def stuck(self) -> tuple[str, ...]:
        """Return the names of the workers whose step neither returned nor made progress within the allowance."""
        now = self._clock.monotonic()
        limit = self._policy.allowance
        return tuple(
            post.name
            for post in [*self._leaving, *self._posts.values()]
            if (since := post.busy_since) is not None and now - max(since, post.beat_at) > limit
        )

    def views(self) -> tuple[WorkerView, ...]:
        """Return what can be told of each worker, in the order in which they were started."""
        now = self._clock.monotonic()
        return tuple(
            WorkerView(p.name, None if (since := p.busy_since) is None else now - since, p.failures, p.died)
            for p in list(self._posts.values())
        )

    def _begin(self, worker: Worker, predecessors: Sequence[_Post]) -> _Post:
        post = _Post(worker, self._bells.hang(worker.name), predecessors, self._rota, self._real_clock)
        post.begin(lambda: self._turn(post))
        return post

    def _turn(self, post: _Post) -> None:
        """Let the worker step until it waits for something, or for good."""
        threading.current_thread().name = post.name
        while not post.bell.stopping:
            if any(old.running for old in post.predecessors):
                if post.rest(_PREDECESSOR_SECONDS, heeds_rings=False):
                    return
                continue
            post.predecessors = ()
            try:
                rests = self._call(post)
            except BaseException as error:  # noqa: BLE001 - a bug of any kind ends this life of the worker, not the node
                self._log.bug("worker-died", error, worker=post.name)
                self._close(post)
                if not self._may_live_on(post):
                    post.ended.set()
                    return
                rests = post.rest(self._policy.restart_pause, heeds_rings=False)
            if rests:
                return
        self._close(post)
        post.ended.set()

    def _call(self, post: _Post) -> bool:
        """Let it step once, and return whether it rests then."""
        wish = pause = None
        post.busy_since = self._clock.monotonic()
        try:
            wish = post.worker.step()
        except GatewayError as error:
            # Bounded before it is raised: 2.0**1024 is no float.
            pause = min(self._policy.first_backoff * 2.0 ** min(post.failures, 30), self._policy.longest_backoff)
            post.failures += 1
            tell(self._log, "step-failed", error, worker=post.name, failures=post.failures, pause_seconds=pause)
        finally:
            post.busy_since = None
        # The rest comes last: once it has begun, another thread may already be in the next step.
        if pause is not None:
            return post.rest(pause, heeds_rings=False)  # a failing worker is not hurried
        post.failures = 0
        return post.rest(wish, heeds_rings=True)

    def _may_live_on(self, post: _Post) -> bool:
        now = self._clock.monotonic()
        post.died += 1
        post.deaths.append(now)
        while now - post.deaths[0] > self._policy.deaths_within:
            post.deaths.popleft()
        if len(post.deaths) < self._policy.deaths:
            return True
        self._collapsed = post.name
        self._log.alert("worker-collapsed", worker=post.name, deaths=len(post.deaths))
        self._on_collapse()
        return False

    def _close(self, post: _Post) -> None:
        if not isinstance(post.worker, Closable):
            return
        try:
            post.worker.close()
        except GatewayError as error:
            tell(self._log, "close-failed", error, worker=post.name)
        except Exception as error:  # noqa: BLE001 - what cannot be given back must not keep the thread
            self._log.bug("close-failed", error, worker=post.name)


def _together(due: float, seconds: float) -> float:
    """Return when a rest of `seconds` that may end from `due` on ends: at one of the times that it has in common with
    others, longer ones too."""
    if seconds <= _SHORT:
        return due
    # The largest power of two that is not above: each time of a coarser one is a time of every finer one.
    step = math.ldexp(0.5, math.frexp(min(seconds * _LATE_SHARE, _LATE_SECONDS))[1])
    return max(due, math.ceil(due / step) * step)


def _end(posts: Sequence[_Post], deadline: float, clock: Clock) -> tuple[str, ...]:
    for post in posts:
        post.bell.stop()
    until = clock.monotonic() + deadline
    for post in posts:
        post.ended.wait(max(until - clock.monotonic(), 0.0))
    return tuple(post.name for post in posts if post.running)
