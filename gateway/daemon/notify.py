"""Tells systemd how the daemon fares: sd_notify(3), with a watchdog that is fed only while real progress is seen.

Own code because the protocol is one datagram, while the libraries for it are unmaintained or bind to libsystemd.
"""

import socket
from collections.abc import Callable, Mapping, Sequence

from gateway.domain.clock import Clock
from gateway.domain.oplog import OpsLog

UNWATCHED_SECONDS = 60.0
"""Without a watchdog, stuck workers are still looked for (and logged) this often."""

_LINE_END = str.maketrans("\n\r", "  ")


class Notifier:
    """Speaks to the service manager; without one, every call does nothing. Never raises.

    address: `$NOTIFY_SOCKET`, a path or `@` and an abstract name; watchdog_seconds: None if no watchdog is set.
    """

    def __init__(self, address: str | None, watchdog_seconds: float | None, clock: Clock) -> None:
        self._address = _address(address)
        self._clock = clock
        self.watchdog_seconds = watchdog_seconds

    @classmethod
    def from_environment(cls, environ: Mapping[str, str], pid: int, clock: Clock) -> "Notifier":
        """Return what the variables that systemd set for process `pid` ask for (sd_watchdog_enabled(3))."""
        micros = environ.get("WATCHDOG_USEC", "")
        ours = environ.get("WATCHDOG_PID", str(pid)) == str(pid)
        seconds = int(micros) / 1e6 if ours and micros.isascii() and micros.isdigit() and int(micros) else None
        return cls(environ.get("NOTIFY_SOCKET"), seconds, clock)

    def ready(self, text: str = "") -> bool:
        """Start-up, or a reload, is complete."""
        return self._send("READY=1", *_said(text))

    def reloading(self, text: str = "") -> bool:
        """A reload begins; `ready` must follow, whether it succeeds or not."""
        return self._send("RELOADING=1", f"MONOTONIC_USEC={int(self._clock.monotonic() * 1e6)}", *_said(text))

    def stopping(self, text: str = "") -> bool:
        """The drain begins."""
        return self._send("STOPPING=1", *_said(text))

    def say(self, text: str) -> bool:
        """Set the line that `systemctl status` shows."""
        return self._send(*_said(text))

    def alive(self) -> bool:
        """Feed the watchdog once."""
        return self._send("WATCHDOG=1")

    def _send(self, *lines: str) -> bool:
        """Return whether somebody took it."""
        if self._address is None or not lines:
            return False
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out:
                # systemd that does not read must not hold up the daemon that it watches.
                out.setblocking(False)
                out.sendto("\n".join(lines).encode(), self._address)
        except OSError:
            return False
        return True


class WatchdogFeeder:
    """Feeds the watchdog while no worker is stuck; a stuck one is named once, and systemd then restarts the node.

    stuck: returns the names of the workers that neither returned from their step nor made progress in time.
    """

    def __init__(self, notifier: Notifier, stuck: Callable[[], Sequence[str]], log: OpsLog) -> None:
        self._notifier = notifier
        self._stuck = stuck
        self._log = log
        self._named: frozenset[str] = frozenset()

    @property
    def period(self) -> float:
        """Seconds between two calls of `feed`: a third of what systemd allows, a minute without a watchdog."""
        seconds = self._notifier.watchdog_seconds
        return UNWATCHED_SECONDS if seconds is None else seconds / 3

    def feed(self) -> bool:
        """Feed once if all is well, and return whether it was."""
        stuck = frozenset(self._stuck())
        for name in sorted(stuck - self._named):
            self._log.alert("worker-stuck", worker=name)
        for name in sorted(self._named - stuck):
            self._log.info("worker-goes-on", worker=name)
        self._named = stuck
        if not stuck:
            self._notifier.alive()
        return not stuck


def _address(text: str | None) -> str | None:
    if not text:
        return None
    return "\0" + text[1:] if text[0] == "@" else text if text[0] == "/" else None


def _said(text: str) -> tuple[str, ...]:
    return (f"STATUS={text.translate(_LINE_END)}",) if text else ()
