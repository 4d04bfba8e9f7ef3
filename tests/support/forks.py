"""Daemons of the tests, forked off a process that has loaded the program: most of what a start costs is loading it.

What a daemon does is the same, from its command line on. The province of `tests/soak`, the demo and a test of
`tests/e2e/test_links.py` start it as operators do.
"""

import atexit
import gc
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from importlib import import_module
from typing import BinaryIO

from gateway.cli.demo_nodes import DemoNode

LOADED = (
    "gateway.cli.main",
    "gateway.cli.run",
    "gateway.compose.serving",
    "gateway.transport.server",
    "packers.court",
    "packers.folder",
    "packers.police",
    "packers.prison",
    "packers.procuratorate",
)
REQUEST_MOST = 1 << 20


class ForkedNode(DemoNode):
    """A node whose daemon is such a fork."""

    def start(self) -> None:
        """Start the daemon."""
        self._is_asked = False
        with (self.place.root / "daemon.err").open("ab") as errors:
            self._process = _nursery().start(["run", "--config", str(self.place.config)], errors)  # type: ignore[assignment] # as much of a Popen as is asked for


class Fork:
    """A process that another one waits for; what it says is read from `line`. The methods are those of Popen."""

    def __init__(self, line: socket.socket) -> None:
        self._line = line
        self.pid = int(line.recv(32))
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Return the exit code; None while it runs."""
        try:
            return self.wait(0.0)
        except subprocess.TimeoutExpired:
            return None

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit code once there is one; TimeoutExpired after `timeout` seconds."""
        if self.returncode is None:
            self._line.settimeout(timeout)
            try:
                self.returncode = int(self._line.recv(32) or -signal.SIGKILL)
            except (TimeoutError, BlockingIOError):
                raise subprocess.TimeoutExpired("a fork", timeout or 0.0) from None
            self._line.close()
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send it a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Send it SIGKILL."""
        self.send_signal(signal.SIGKILL)


class _Nursery:
    """The process that has loaded the program; it ends with this one."""

    def __init__(self) -> None:
        self._orders, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", __name__, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
            )
        atexit.register(self._end)

    def start(self, arguments: Sequence[str], errors: BinaryIO) -> Fork:
        """Start the program with these arguments, in the environment of this moment; all it says goes to `errors`."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            request = json.dumps([arguments, dict(os.environ)]).encode()
            socket.send_fds(self._orders, [request], [errors.fileno(), theirs.fileno()])
        return Fork(ours)

    def _end(self) -> None:
        self._orders.close()
        self._process.wait()


@cache
def _nursery() -> _Nursery:
    return _Nursery()


def _serve(orders: socket.socket) -> list[str] | None:
    """Fork for each order; return the arguments in the fork, and None here when nobody gives orders any more."""
    while True:
        request, descriptors, _flags, _from = socket.recv_fds(orders, REQUEST_MOST, 2)
        if not request:
            return None
        if not os.fork():
            return _child(json.loads(request), *descriptors)
        for one in descriptors:
            os.close(one)


def _child(request: tuple[list[str], dict[str, str]], errors: int, line: int) -> list[str]:
    """Fork the daemon, and return its arguments there; here wait for it, tell its exit code, and end."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    pid = os.fork()
    if pid:
        with socket.socket(fileno=line) as told:
            told.send(str(pid).encode())
            _pid, status = os.waitpid(pid, 0)
            told.send(str(os.waitstatus_to_exitcode(status)).encode())
        os._exit(0)
    arguments, environment = request
    for number, source in enumerate((os.open(os.devnull, os.O_RDONLY), errors, errors)):
        os.dup2(source, number)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    os.environ.clear()
    os.environ.update(environment)
    os.umask(0o022)
    return arguments


def _main() -> None:
    orders = socket.socket(fileno=int(sys.argv[1]))
    for name in LOADED:
        import_module(name)
    gc.collect()
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel forgets who has waited
    arguments = _serve(orders)
    if arguments is None:
        return
    orders.detach()
    gc.unfreeze()
    sys.argv = ["caseferry", *arguments]
    import_module("gateway.cli.main").main()


if __name__ == "__main__":
    _main()
