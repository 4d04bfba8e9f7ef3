"""Faults in the system calls of real daemons: strace attaches to one at work, and injects what it is told."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.support.nodes import eventually

WORKS_WITHIN = 60.0
"""Seconds for strace to attach to, or to let go of, everything."""


@dataclass(frozen=True)
class Injection:
    """What happens at the `when`-th of the system calls `calls` of each thread: strace's own words (`error=EIO`)."""

    calls: str
    fault: str
    when: int

    def __str__(self) -> str:
        return f"{self.calls}:{self.fault}:when={self.when}"


@dataclass(frozen=True)
class Trace:
    """A running strace and what it has written."""

    process: "subprocess.Popen[bytes]"
    written: Path

    def strikes(self) -> int:
        """Return how often the fault was injected so far."""
        text = self.written.read_text("utf-8", "replace")
        return text.count("(INJECTED)") + text.count("(DELAYED)") + text.count("killed by SIGKILL")


def family(pid: int) -> list[int]:
    """Return `pid` and the processes that come from it."""
    found = [pid]
    with suppress(OSError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            for child in (thread / "children").read_text("ascii").split():
                found += family(int(child))
    return found


@contextmanager
def traced(pid: int, injection: Injection, written: Path) -> Iterator[Trace]:
    """Inject into the process `pid` and all that come from it, from now until the context ends; `written` is made."""
    command = ["strace", "--follow-forks", "--quiet=exit,thread-execve,path-resolution,personality"]
    command += ["--output", os.fspath(written), f"--trace={injection.calls}", f"--inject={injection}"]
    for one in family(pid):
        command += ["--attach", str(one)]
    said = written.with_suffix(".said")
    with said.open("wb") as errors:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=errors, stderr=errors)
    try:
        eventually(lambda: is_traced(pid) or process.poll() is not None, "strace at work", WORKS_WITHIN)
        assert process.poll() is None, said.read_text("utf-8", "replace")
        yield Trace(process, written)
    finally:
        # By SIGKILL: asked to end, strace first waits for threads of a killed process that never report. What it
        # traced goes on untraced.
        process.kill()
        process.wait(WORKS_WITHIN)


def is_traced(pid: int) -> bool:
    """Whether every thread of the process is traced, or it is gone."""
    with suppress(OSError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            if "\nTracerPid:\t0\n" in (thread / "status").read_text("utf-8"):
                return False
    return True
