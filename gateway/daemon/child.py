"""Keeps one long-lived child process alive, such as the embedded SFTP server: ready, reloaded, restarted, stopped."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gateway.daemon.buglog import BugLog, tell
from gateway.daemon.childpost import News, Post
from gateway.daemon.errand import named
from gateway.daemon.frames import Kind, from_child, packed
from gateway.daemon.launch import Launched, launch
from gateway.daemon.vital import VitalThread
from gateway.domain.clock import Clock
from gateway.domain.errors import GatewayError, Scope, TransientError


@dataclass(frozen=True, slots=True)
class ChildPolicy:
    """How a child's failures are met. Times are seconds."""

    ready_within: float = 120.0
    """From the start of the process to its `ready`; after that it hangs: it is killed and started anew. It takes half a
    second, and on a server that does too much many times that; to kill it then would only add to the load."""
    first_backoff: float = 1.0
    """Before the first restart; doubles with each death in a row."""
    longest_backoff: float = 60.0
    sound_after: float = 60.0
    """A child that served this long was sound: its death begins a new row."""


def _ignore(_news: News) -> None:
    """For a child whose news nobody wants."""


class SupervisedChild:
    """One child process running `serve(argument, post)`, with a thread of its own that starts, hears and restarts it.

    serve:    a function at its module's top level; returns when `post.order()` says so.
    argument: picklable; may hold secrets, for it travels over the line only.
    on_ready: called after each start with what the child said; on_news with each thing it tells. Both from the child's
              thread here, and both must be quick.
    """

    def __init__(
        self,
        name: str,
        serve: Callable[[Any, Post], None],
        argument: Any,
        *,
        log: BugLog,
        clock: Clock,
        policy: ChildPolicy | None = None,
        on_ready: Callable[[News], None] = _ignore,
        on_news: Callable[[News], None] = _ignore,
    ) -> None:
        self._name = name
        self._serve = named(serve)
        self._argument = argument
        self._log = log
        self._clock = clock
        self._policy = policy or ChildPolicy()
        self._on_ready = on_ready
        self._on_news = on_news
        self._stopping = threading.Event()
        self._changed = threading.Condition()
        self._running: Launched | None = None
        self._facts: News | None = None
        self._failure: GatewayError | None = None
        self._deaths = 0
        self._thread = VitalThread(self._live, name)

    @property
    def pid(self) -> int | None:
        """The child's process id; None while there is none."""
        running = self._running
        return None if running is None else running.pid

    @property
    def deaths(self) -> int:
        """How often it ended without being asked to."""
        return self._deaths

    def start(self) -> None:
        """Begin; returns at once. To be called once."""
        self._thread.start()

    def wait_ready(self, seconds: float) -> News:
        """Return what the child said when it became ready.

        Raises the GatewayError with which it failed instead, or TransientError `child-not-ready` after `seconds`; in
        both cases it is still being restarted until `stop`.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._facts is not None or self._failure is not None, seconds)
            if self._facts is not None:
                return self._facts
            raise self._failure or self._not_ready()

    def reload(self, argument: Any) -> None:
        """Give the child a new argument; one that is just being restarted begins with it."""
        with self._changed:
            self._argument = argument
            if self._running is not None:
                self._order(self._running, Kind.RELOAD, packed(argument))

    def ask_stop(self) -> None:
        """Ask the child to end, without waiting; it is not restarted any more."""
        with self._changed:
            self._stopping.set()
            if self._running is not None:
                self._order(self._running, Kind.STOP, b"")

    def stop(self, deadline: float) -> bool:
        """Ask the child to end, kill it after `deadline` seconds, and return whether it ended by itself."""
        self.ask_stop()
        if self._ended_within(deadline):
            return True
        self._log.warn("child-did-not-stop", child=self._name, seconds=deadline)
        running = self._running
        if running is not None:
            running.kill()
        self._ended_within(_BURIAL_SECONDS)
        return False

    def _ended_within(self, seconds: float) -> bool:
        if self._thread.is_alive():
            self._thread.join(seconds)
        return not self._thread.is_alive()

    def _order(self, running: Launched, kind: Kind, body: bytes) -> None:
        try:
            running.line.send(kind, body)
        except OSError:
            # It has just died; its thread is about to find out, and a restart takes the new argument.
            return

    def _live(self) -> None:
        in_a_row = 0
        while not self._stopping.is_set():
            try:
                served = self._life()
            except OSError as error:
                served = 0.0
                self._failed(TransientError("child-unstartable", f"no process: {error.strerror}", scope=Scope.NODE))
            if self._stopping.is_set():
                return
            in_a_row = 1 if served >= self._policy.sound_after else in_a_row + 1
            pause = min(self._policy.first_backoff * 2.0 ** min(in_a_row - 1, 30), self._policy.longest_backoff)
            self._deaths += 1
            self._log.alert("child-restarting", child=self._name, deaths=self._deaths, pause_seconds=pause)
            self._stopping.wait(pause)

    def _life(self) -> float:
        """One process from its start to its end; returns the seconds for which it served."""
        with self._changed:
            if self._stopping.is_set():
                return 0.0
            running = self._running = launch(self._name, "gateway.daemon.childpost:serve")
            running.line.limit(_LINE_SECONDS)
            self._order(running, Kind.INITIALISE, packed((*self._serve, self._argument)))
        ready_at: float | None = None
        try:
            while True:
                if not running.line.stirs(self._policy.ready_within if ready_at is None else None):
                    raise TimeoutError
                frame = running.line.receive()
                if frame is None:
                    break
                if frame[0] is Kind.READY:
                    ready_at = self._clock.monotonic()
                self._hear(*frame)
        except TimeoutError:
            self._failed(self._not_ready())
        except OSError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it says, and whoever hears it, this thread starts it anew
            self._log.bug("child-answer-refused", error, child=self._name, why=type(error).__name__)
        finally:
            with self._changed:
                self._running = None
                self._facts = None
            # It has hung up, or must: what is left of it may tidy up for a moment.
            code = running.end(_BURIAL_SECONDS)
            self._log.info("child-ended", child=self._name, exit_code=code)
        return 0.0 if ready_at is None else self._clock.monotonic() - ready_at

    def _hear(self, kind: Kind, body: bytes) -> None:
        if kind is Kind.BUG:
            place = body.decode("utf-8", "replace")
            self._failed(TransientError("child-bug", place.replace("\n", " < "), scope=Scope.NODE))
            return
        said = from_child(body)
        if kind is Kind.READY and isinstance(said, dict):
            with self._changed:
                self._facts = said
                self._failure = None
                self._changed.notify_all()
            self._log.info("child-ready", child=self._name, **said)
            self._on_ready(said)
        elif kind is Kind.TOLD and isinstance(said, dict):
            self._on_news(said)
        elif kind is Kind.FAILED and isinstance(said, GatewayError):
            self._failed(said)
        else:
            raise ValueError(f"{kind.name} is nothing that a child says")

    def _failed(self, error: GatewayError) -> None:
        tell(self._log, "child-failed", error, child=self._name)
        with self._changed:
            self._failure = error
            self._changed.notify_all()

    def _not_ready(self) -> TransientError:
        return TransientError("child-not-ready", f"{self._name} was not ready in time", scope=Scope.NODE)


_LINE_SECONDS = 5.0
"""A child that neither takes an order nor finishes a frame for this long is not alive in any useful sense."""
_BURIAL_SECONDS = 2.0
"""A process that has hung up is gone within milliseconds; then it is killed."""
