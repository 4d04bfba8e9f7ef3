"""Work that the crew tests give to child processes."""

import gc
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from gateway.domain.errors import PermanentError, Scope
from gateway.domain.ids import UnitCode
from gateway.domain.lifecycle import State
from gateway.domain.records import ReceiptCode, TimelineEntry
from gateway.standard.findings import Place

Report = Callable[[int], None]
_secret: list[str] = []

TABLES = 5_000


def remember(secret: str) -> None:
    _secret.append(secret)


def refuse_secret(_secret: str) -> None:
    raise PermanentError("passphrase-wrong", "no", scope=Scope.NODE)


def recall(_argument: None, _report: Report) -> str:
    return _secret[0]


def double(number: int, _report: Report) -> int:
    return number * 2


def who(_argument: None, _report: Report) -> int:
    return os.getpid()


def niceness(fifo: str, report: Report) -> tuple[int, int]:
    """Say that it runs, block until somebody writes into the fifo if there is one, and return the niceness of this
    thread and of one that it starts."""
    report(1)
    if fifo:
        Path(fifo).read_bytes()
    with ThreadPoolExecutor(1) as hands:
        return os.getpriority(os.PRIO_PROCESS, 0), hands.submit(os.getpriority, os.PRIO_PROCESS, 0).result()


def arguments_and_environment(_argument: None, _report: Report) -> str:
    return Path("/proc/self/cmdline").read_text() + Path("/proc/self/environ").read_text()


def values(_argument: None, _report: Report) -> tuple[object, ...]:
    return (
        State.SEALED,
        ReceiptCode.REPLAY,
        Place(file="a.xml", line=3),
        Path("/spool/x"),
        {1, 2},
        UnitCode("ABCD"),
        _entry(),
    )


def _entry() -> TimelineEntry:
    return TimelineEntry(1.5, "event", "sealed", "pack", "sealed", "", "", None, "")


def fail(detail: str, _report: Report) -> None:
    raise PermanentError("zip-crc", detail, scope=Scope.ROUTE, facts={"member": 3})


def blunder(_argument: None, _report: Report) -> None:
    raise KeyError("name of a person")


def exhaust(_argument: None, _report: Report) -> None:
    raise MemoryError


def kill_itself(_argument: None, _report: Report) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def wait_for(fifo: str, report: Report) -> bytes:
    """Say that it runs, then block until somebody writes into the fifo."""
    report(1)
    return Path(fifo).read_bytes()


def report_much(steps: int, report: Report) -> int:
    for done in range(steps):
        report(done)
    return steps


def report_until_told(stop_file: str, report: Report) -> None:
    done = 0
    while not Path(stop_file).exists():
        done += 1
        report(done)
        time.sleep(0.01)


def ignore_signals(_argument: None, _report: Report) -> str:
    os.kill(os.getpid(), signal.SIGTERM)
    os.kill(os.getpid(), signal.SIGINT)
    return "still here"


class Trap:
    """Pickles as a call that a parent must never make."""

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, ("trapped",)


def answer_with_trap(_argument: None, _report: Report) -> Trap:
    return Trap()


def answer_with_own_class(_argument: None, _report: Report) -> object:
    return signal.SIGTERM


def loaded_modules(_argument: None, _report: Report) -> list[str]:
    return sorted(sys.modules)


def frozen(_argument: None, _report: Report) -> int:
    return gc.get_freeze_count()


def loads_tables(_argument: None, report: Report) -> int:
    vars(sys.modules[__name__])["tables"] = [[] for _ in range(TABLES)]
    return frozen(None, report)


def resident_bytes(_argument: None, _report: Report) -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def not_picklable(_argument: None, _report: Report) -> object:
    return lambda: None


def babble(raw: bytes, report: Report) -> None:
    """Write raw bytes to the line, as a child that was taken over might."""
    report._line._end.sendall(raw)  # type: ignore[attr-defined]  # the point
    threading.Event().wait()
