"""Runs the commands of another tool as a script would, and counts what they take."""

import os
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.figures import BenchmarkError, Use
from benchmarks.processes import Family, members, together

LOOK_SECONDS = 0.1
"""Between two looks at memory: a process that lives shorter may go unseen."""
SAID_MOST = 500

Command = Sequence[str | Path]


@dataclass(slots=True)
class Steps:
    """The commands of one run; `who` names the tool. May be used from several threads.

    Processes that were there before belong to somebody else.
    """

    who: str
    _seconds: dict[str, float] = field(default_factory=dict)
    _peaks: dict[str, int] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _others: frozenset[int] = field(default_factory=lambda: frozenset(members(os.getpid())) - {os.getpid()})

    def run(
        self,
        *pipeline: Command,
        told: bytes = b"",
        reading: Path | None = None,
        into: Path | None = None,
        folder: Path | None = None,
    ) -> bytes:
        """Run commands, each reading what the one before it writes; return what the last one writes.

        told:    what the first one reads; unless `into` is given it may write no more than 64 KiB meanwhile.
        reading: file that it reads instead.
        into:    file to write the output to instead; then nothing is returned.
        folder:  where they run.
        Raises BenchmarkError if one of them ends with anything but 0.
        """
        environment = {**os.environ, "LC_ALL": "C"}
        running: list[subprocess.Popen[bytes]] = []
        nowhere = Path(os.devnull)
        with (into or nowhere).open("wb") as file, (reading or nowhere).open("rb") as source:
            for number, command in enumerate(pipeline):
                is_last = number == len(pipeline) - 1
                process = subprocess.Popen(
                    [os.fspath(part) for part in command],
                    stdin=running[-1].stdout if running else subprocess.PIPE if told else source,
                    stdout=file if is_last and into else subprocess.PIPE,
                    stderr=subprocess.PIPE if is_last else subprocess.DEVNULL,
                    env=environment,
                    cwd=folder,
                )
                if running and running[-1].stdout:
                    running[-1].stdout.close()
                running.append(process)
            first, last = running[0], running[-1]
            if told and first.stdin:
                with first.stdin as pipe:
                    pipe.write(told)
            written = last.stdout.read() if last.stdout else b""
            said = last.stderr.read() if last.stderr else b""
            codes = [self._wait(process) for process in running]
        for stream in (last.stdout, last.stderr):
            if stream:
                stream.close()
        if any(codes):
            failed = next(command for command, code in zip(pipeline, codes, strict=True) if code)
            raise BenchmarkError(f"{failed[0]} failed: {said.decode('utf-8', 'replace')[-SAID_MOST:].strip()}")
        return written

    def _wait(self, process: subprocess.Popen[bytes]) -> int:
        _pid, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        name = Path(str(process.args[0])).name if isinstance(process.args, list) else ""
        with self._lock:
            self._seconds[name] = self._seconds.get(name, 0.0) + used.ru_utime + used.ru_stime
        return process.returncode

    @contextmanager
    def running(self, command: Command) -> Iterator[None]:
        """Run a command in the background until the context ends."""
        process = subprocess.Popen(
            [os.fspath(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            yield
        finally:
            process.terminate()
            self._wait(process)

    @contextmanager
    def served(self, command: Command, port: int, patience: float) -> Iterator[None]:
        """Run a server like `running` does; raises BenchmarkError unless it listens within `patience` seconds."""
        with self.running(command):
            until = time.monotonic() + patience
            while not _listens(port):
                if time.monotonic() > until:
                    raise BenchmarkError(f"{command[0]} does not listen")
                time.sleep(LOOK_SECONDS)
            yield

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Look at the memory of every command, a few times a second, as long as the context lasts."""
        # ru_maxrss would be no measure: it begins with the memory of the process that started the command.
        family = Family(os.getpid(), "", self._others)
        over = threading.Event()

        def look() -> None:
            while not over.wait(LOOK_SECONDS):
                family.look()

        thread = threading.Thread(target=look, name="memory")
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
        own = Path("/proc/self/comm").read_text("utf-8").strip()
        for peak in family.peaks():
            # A command that is being started still has our name, and our memory.
            if peak.name != own:
                self._peaks[peak.name] = max(self._peaks.get(peak.name, 0), peak.bytes)

    def uses(self) -> list[Use]:
        """Return what the commands took, by name."""
        seconds = [Use(self.who, name, used, 0) for name, used in self._seconds.items()]
        return together([*seconds, *(Use(self.who, name, 0.0, peak) for name, peak in self._peaks.items())])


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
