"""One seat of a crew: a thread, the child process it started, and the conversation with it."""

import os
import pickle
import queue
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gateway.daemon.errand import Errand, named, stopping
from gateway.daemon.frames import Kind, from_child, packed
from gateway.daemon.launch import Launched, launch
from gateway.daemon.vital import VitalThread
from gateway.domain.errors import GatewayError, PermanentError, Scope, SecurityError, TransientError
from gateway.domain.oplog import OpsLog

_COUNT = struct.Struct("<Q")
NICENESS = 10
"""Of large work beside small, on top of the service's own: a tenth of the weight of all else. What is small then gets a
processor at once, and what is large keeps its tenth beside anybody who takes all of one."""
_FAREWELL_SECONDS = 2.0
"""An idle child that was hung up on ends within milliseconds; one that does not is killed."""


@dataclass(frozen=True, slots=True)
class Rules:
    """How a crew treats its children. Times are seconds.

    initialise: called in each new child with `secret`, before any work; a function at its module's top level.
    rest_after: an idle child is let go after this time, which gives its memory back.
    silence:    a child at work that neither reports nor answers for this long is ended; None = never.
    """

    name: str = "crew"
    initialise: Callable[[Any], None] | None = None
    secret: Any = None
    rest_after: float = 300.0
    silence: float | None = None

    def __repr__(self) -> str:
        return f"Rules(name={self.name!r}, secret=<redacted>)"


class Seat:
    """Does one errand after the other. The thread that starts a child stays with it: a child dies with that thread.

    next_errand: returns the next errand if one waits, else None and counts this seat as idle.
    gives_way:   whether large work that begins now gives way from its beginning.
    """

    def __init__(
        self,
        rules: Rules,
        log: OpsLog,
        next_errand: Callable[["Seat"], Errand | None],
        gives_way: Callable[[], bool],
    ) -> None:
        self._rules = rules
        self._log = log
        self._next_errand = next_errand
        self._gives_way = gives_way
        self._inbox: queue.SimpleQueue[Errand | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._mate: Launched | None = None
        self._has_large = False
        """Whether the child is at work on something large."""
        self._dismissed = False
        self.thread = VitalThread(self._live, rules.name)

    @property
    def pid(self) -> int | None:
        """The child's process id; None while there is no child."""
        mate = self._mate
        return None if mate is None else mate.pid

    def give(self, errand: Errand | None) -> None:
        """Hand an errand to this seat, which is new or idle; None ends it."""
        self._inbox.put(errand)

    def give_way(self) -> None:
        """Have large work, if that is what the child does, leave the processor to others until it ends. Any thread, and
        for each thing that it should give way to: a thread that it is just starting may be left out once."""
        if self._has_large:  # asked before, since whoever starts a child has the lock for so long
            with self._lock:
                if self._mate is not None:
                    self._mate.make_nice(min(os.getpriority(os.PRIO_PROCESS, 0) + NICENESS, 19))

    def dismiss(self) -> None:
        """End the present errand by killing its child, and start no other."""
        with self._lock:
            self._dismissed = True
            if self._mate is not None:
                self._mate.kill()

    def _live(self) -> None:
        try:
            errand = self._wait()
            while errand is not None:
                if errand.future.set_running_or_notify_cancel():
                    self._do(errand)
                errand = None  # or this frame would keep its result alive while the seat idles
                errand = self._next_errand(self) or self._wait()
        finally:
            self._let_go(_FAREWELL_SECONDS)

    def _wait(self) -> Errand | None:
        if self._mate is not None:
            try:
                return self._inbox.get(timeout=self._rules.rest_after)
            except queue.Empty:
                self._let_go(_FAREWELL_SECONDS)
        return self._inbox.get()

    def _do(self, errand: Errand) -> None:
        try:
            try:
                result = self._answer(errand)
            finally:
                self._has_large = False
        except BaseException as error:  # noqa: BLE001 - whoever waits for the future must hear of anything
            errand.future.set_exception(error)
        else:
            errand.future.set_result(result)

    def _answer(self, errand: Errand) -> Any:
        body = packed((*named(errand.work), errand.argument))
        # A child may have been killed while it idled: that is no failure of this errand, so another one is tried.
        for second in (False, True):
            mate = self._mate or self._hire()
            try:
                kind, answer = self._talk(mate, Kind.LARGE if errand.is_large else Kind.WORK, body, errand)
            except _GoneError as gone:
                died = self._died(gone)
                if gone.begun or second or died.code == "stopping":
                    raise died from None
            except BaseException:
                self._let_go(0.0)
                raise
            else:
                return self._settled(kind, answer)
        raise AssertionError("unreachable")

    def _hire(self) -> Launched:
        rules = self._rules
        with self._lock:
            if self._dismissed:
                raise stopping()
            try:
                mate = self._mate = launch(rules.name, "gateway.daemon.crewmate:serve")
            except OSError as error:
                raise TransientError(
                    "worker-unstartable", f"no process could be started: {error.strerror}", scope=Scope.NODE
                ) from error
        mate.line.limit(rules.silence)
        if rules.initialise is not None:
            try:
                body = packed((*named(rules.initialise), rules.secret))
                self._settled(*self._talk(mate, Kind.INITIALISE, body, None))
            except _GoneError as gone:
                raise self._died(gone) from None
            except BaseException:
                self._let_go(0.0)
                raise
        return mate

    def _talk(self, mate: Launched, kind: Kind, body: bytes, errand: Errand | None) -> tuple[Kind, bytes]:
        """Send one frame and return the frame that answers it; _GoneError if the child dies first."""
        begun = False
        try:
            mate.line.send(kind, body)
        except TimeoutError:
            raise self._stalled() from None
        except OSError:
            raise _GoneError(begun) from None
        while True:
            try:
                frame = mate.line.receive()
            except TimeoutError:
                raise self._stalled() from None
            except (OSError, ValueError) as error:
                raise _refused(type(error).__name__) from error
            if frame is None:
                raise _GoneError(begun)
            kind, body = frame
            if kind is Kind.TAKEN:
                begun = True
                self._taken(errand)
            elif kind is Kind.PROGRESS:
                if errand is not None and errand.on_progress is not None and len(body) == _COUNT.size:
                    errand.on_progress(_COUNT.unpack(body)[0])
            elif kind is Kind.TOLD:
                if errand is not None and errand.on_news is not None:
                    errand.on_news(_told(body))
            else:
                return kind, body

    def _taken(self, errand: Errand | None) -> None:
        if errand is not None and errand.is_large:
            self._has_large = True
            if self._gives_way():
                self.give_way()

    def _settled(self, kind: Kind, body: bytes) -> Any:
        if kind is Kind.BUG:
            # What an unforeseen error leaves behind in the child is unknown: the next errand gets a new one.
            self._let_go(0.0)
            place = body.decode("utf-8", "replace")
            self._log.alert("crew-bug", crew=self._rules.name, place=place)
            raise PermanentError("worker-bug", place.replace("\n", " < "))
        try:
            value = from_child(body)
        except pickle.UnpicklingError as error:
            self._let_go(0.0)
            raise _refused(str(error)) from error
        if kind is Kind.RESULT:
            return value
        if kind is Kind.FAILED and isinstance(value, GatewayError):
            raise value
        self._let_go(0.0)
        raise _refused(f"{kind.name} is no answer")

    def _died(self, gone: "_GoneError") -> TransientError:
        code = self._let_go(0.0)
        if self._dismissed:
            return stopping()
        self._log.warn("crew-child-died", crew=self._rules.name, exit_code=code, at_work=gone.begun)
        return TransientError("worker-died", f"the process doing the work ended with {code}", facts={"exit_code": code})

    def _stalled(self) -> TransientError:
        self._log.warn("crew-child-stalled", crew=self._rules.name, seconds=self._rules.silence)
        return TransientError("worker-stalled", f"no sign of life for {self._rules.silence} seconds")

    def _let_go(self, deadline: float) -> int:
        with self._lock:
            mate, self._mate = self._mate, None
        return 0 if mate is None else mate.end(deadline)


class _GoneError(Exception):
    """The child hung up. `begun` tells whether it had taken the work."""

    def __init__(self, begun: bool) -> None:
        super().__init__(begun)
        self.begun = begun


def _told(body: bytes) -> object:
    try:
        return from_child(body)
    except pickle.UnpicklingError as error:
        raise _refused(str(error)) from error


def _refused(why: str) -> SecurityError:
    return SecurityError("worker-answer-refused", f"the answer of a child process is no value: {why}")
