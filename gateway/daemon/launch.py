"""Starts a fresh interpreter as a child process and holds the parent's end of the line to it."""

import contextlib
import json
import os
import socket
import struct
import subprocess
import sys
from pathlib import Path

from gateway.daemon import launched
from gateway.daemon.frames import Line

_NOT_INHERITED = ("NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC", "LISTEN_FDS", "LISTEN_PID")
"""A child must not speak to systemd in the parent's name."""


class Launched:
    """One child process. It dies with the thread that started it, so that thread must live as long."""

    def __init__(self, process: "subprocess.Popen[bytes]", line: Line) -> None:
        self._process = process
        self.line = line

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it still runs; collects its exit code if not."""
        return self._process.poll() is None

    def kill(self) -> None:
        """End it at once with SIGKILL; may be called from any thread, `end` collects it."""
        self._process.kill()

    def make_nice(self, niceness: int) -> None:
        """Have the threads that work now beside its first one, and those that they start, leave the processor to others
        from now until they end. Where the system cannot do it they go on as they were."""
        if sys.platform == "linux" and self.alive:
            threads: list[str] = []
            with contextlib.suppress(OSError):
                threads = os.listdir(f"/proc/{self.pid}/task")  # noqa: PTH208 - numbers and no paths
            for thread in threads:
                if thread != str(self.pid):
                    with contextlib.suppress(OSError):  # it has just ended, or we may not
                        os.setpriority(os.PRIO_PROCESS, int(thread), niceness)

    def end(self, deadline: float) -> int:
        """Hang up, give it `deadline` seconds to end by itself, then kill it; return its exit code (-9 = killed)."""
        self.line.close()
        try:
            return self._process.wait(deadline)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()


def launch(name: str, target: str) -> Launched:
    """Start `python launched.py` and let it call `target` (`module:function`) with its end of the line.

    name: at most 15 ASCII characters, shown by `top`. Nothing secret goes into arguments or environment. OSError if
    no process can be started.
    """
    ours, theirs = socket.socketpair()
    try:
        with theirs:
            process = subprocess.Popen(  # noqa: S603 - our own interpreter and file, no word from outside
                # -P: the folder of launched.py is not a place to import from.
                [sys.executable, "-P", str(Path(launched.__file__)), str(theirs.fileno()), str(os.getpid())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,  # what a command prints must not be mixed with a child's words
                pass_fds=(theirs.fileno(),),
                process_group=0,  # out of the terminal's reach
                env={key: value for key, value in os.environ.items() if key not in _NOT_INHERITED},
            )
        greeting = json.dumps({"name": name, "path": sys.path, "target": target}).encode()
        with contextlib.suppress(OSError):  # died already: the first receive says so
            ours.sendall(struct.pack("<I", len(greeting)) + greeting)
    except BaseException:
        ours.close()
        raise
    return Launched(process, Line(ours))
