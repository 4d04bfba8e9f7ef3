"""The child's side of a crew: takes one piece of work after the other from the line and answers each."""

import gc
import os
import signal
import socket
import struct
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from typing import Any

from gateway.daemon.frames import Kind, Line, from_parent, packed
from gateway.daemon.longlived import YOUNG
from gateway.daemon.trace import traced
from gateway.domain.clock import SystemClock
from gateway.domain.errors import GatewayError

REPORT_SECONDS = 0.25
"""Progress travels at most this often, however often the work reports it."""

_LOADING = 2
"""Errands of a process that load what it needs for good: one that only makes ready, and the first in earnest."""
_COUNT = struct.Struct("<Q")


class Reporter:
    """The progress callback that a piece of work is given: cheap to call, seldom heard."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._clock = SystemClock()
        self._next = 0.0

    def __call__(self, done: int, /) -> None:
        now = self._clock.monotonic()
        if now >= self._next:
            self._next = now + REPORT_SECONDS
            self._line.send(Kind.PROGRESS, _COUNT.pack(done))

    def tell(self, news: object) -> None:
        """Tell `news` at once."""
        self._line.send(Kind.TOLD, packed(news))


def serve(end: socket.socket) -> None:
    """Answer frames until the parent hangs up. Entry point of the process."""
    # `systemctl stop` may reach every process of the unit: the parent decides when the work here ends.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    gc.set_threshold(YOUNG)
    line = Line(end)
    done = 0
    try:
        while (frame := line.receive()) is not None:
            kind, body = frame
            if kind is not Kind.LARGE:
                line.send(Kind.TAKEN)
            gc.disable()  # nothing becomes rubbish while code is loaded
            module, name, argument = from_parent(body)
            work = getattr(import_module(module), name)
            gc.enable()
            if kind is Kind.LARGE:
                line.send(*_answer_aside(line, work, argument))
            else:
                line.send(*_answer(work, (argument,) if kind is Kind.INITIALISE else (argument, Reporter(line))))
            if kind is not Kind.INITIALISE and done < _LOADING:
                # What was loaded stays, so no collection need ever look through it again.
                gc.collect()
                gc.freeze()
                done += 1
    except BrokenPipeError:
        # The parent has died or given up on the answer.
        os._exit(1)
    finally:
        sys.stderr.flush()


def be_ready(module: str, report: object) -> None:
    """Work that loads the code of `module`."""
    del report
    import_module(module)


def _answer_aside(line: Line, work: Any, argument: Any) -> tuple[Kind, bytes]:
    """Answer in a thread of its own, which is there when the parent hears that the work is taken, and ends with it:
    what was made nice may not go back."""

    def answer() -> tuple[Kind, bytes]:
        line.send(Kind.TAKEN)
        return _answer(work, (argument, Reporter(line)))

    with ThreadPoolExecutor(1) as aside:
        return aside.submit(answer).result()


def _answer(work: Any, arguments: tuple[Any, ...]) -> tuple[Kind, bytes]:
    try:
        return Kind.RESULT, packed(work(*arguments))
    except GatewayError as error:
        return Kind.FAILED, packed(error)
    except MemoryError:
        # As good as killed: what is left of this process is not to be relied on.
        os._exit(1)
    except BrokenPipeError:
        raise
    except Exception as error:  # noqa: BLE001 - the parent maps it; only this piece of work failed
        return Kind.BUG, "\n".join(traced(error)).encode("utf-8", "replace")
