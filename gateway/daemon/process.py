"""The main thread of the daemon: says it is ready, heeds signals, feeds the watchdog, drains within the deadline."""

import os
import signal
import threading
from collections.abc import Callable
from typing import Protocol

from gateway.daemon.buglog import BugLog, tell
from gateway.daemon.notify import Notifier, WatchdogFeeder
from gateway.daemon.signals import SignalInbox
from gateway.daemon.vital import deaths_heard
from gateway.domain.clock import Clock
from gateway.domain.errors import GatewayError

EXIT_COLLAPSED = 70
"""EX_SOFTWARE of sysexits.h: a worker died of a bug too often, or a thread that nobody replaces did; systemd starts the
node anew."""
EXIT_REFUSED = 1
"""The node could not be started; only seen if what had been started hangs, else the error itself is raised."""
DRAIN_SECONDS = 9.0
"""Given to the drain out of the ten seconds that `systemctl stop` is promised."""
GUARD_SECONDS = 0.8
"""After the drain's deadline the process ends whatever still hangs: everything here survives SIGKILL."""

_HEEDED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Node(Protocol):
    """What the composition root hands to the main thread. All called from the main thread, one at a time."""

    def start(self) -> None:
        """Start everything; raises GatewayError if the node cannot run. `drain` follows in any case."""
        ...

    def reload(self) -> None:
        """Read the configuration again and swap it whole; raises GatewayError, and then everything is as before."""
        ...

    def refresh(self) -> None:
        """Take over what was accepted beside the configuration, if anything was; called whenever this thread wakes."""
        ...

    def collapsed(self) -> str | None:
        """Return the name of the worker that died too often, None while all is well."""
        ...

    def summary(self) -> str:
        """Return one line for `systemctl status`, in the node's language; empty for none."""
        ...

    def drain(self, deadline: float) -> bool:
        """Stop everything within `deadline` seconds and return whether everything ended by itself."""
        ...


class MainLoop:
    """Runs a node until a signal or a collapse ends it.

    end: ends the process at once with an exit code, running nothing more; for what still hangs after the drain.
    """

    def __init__(
        self,
        node: Node,
        *,
        inbox: SignalInbox,
        notifier: Notifier,
        feeder: WatchdogFeeder,
        clock: Clock,
        log: BugLog,
        end: Callable[[int], None] = os._exit,
    ) -> None:
        self._node = node
        self._inbox = inbox
        self._notifier = notifier
        self._feeder = feeder
        self._clock = clock
        self._log = log
        self._end = end
        self._fallen: str | None = None
        """The thread that died and that nobody replaces."""

    def run(self) -> int:
        """Return the exit code: 0 after SIGTERM or SIGINT, 70 after a collapse; raises what `start` raises.

        Must be called from the main thread. Signals that come during the start are heeded after it.
        """
        with self._inbox.caught(_HEEDED), deaths_heard(self._log, self._has_fallen):
            try:
                self._node.start()
            except GatewayError as error:
                tell(self._log, "start-refused", error)
                self._drain(EXIT_REFUSED)
                raise
            except BaseException as error:
                self._log.bug("start-failed", error)
                self._drain(EXIT_REFUSED)
                raise
            self._notifier.ready(self._summary())
            self._log.info("daemon-ready", pid=os.getpid())
            return self._drain(self._until_the_end())

    def _until_the_end(self) -> int:
        next_feed = self._clock.monotonic()
        while True:
            if (name := self._node.collapsed() or self._fallen) is not None:
                self._log.alert("daemon-collapsed", worker=name)
                return EXIT_COLLAPSED
            now = self._clock.monotonic()
            if now >= next_feed:
                self._feeder.feed()
                self._notifier.say(self._summary())
                next_feed = now + self._feeder.period
            came = self._inbox.wait(max(next_feed - now, 0.0))
            if came & {signal.SIGTERM, signal.SIGINT}:
                self._log.info("daemon-stopping", signal=min(came & {signal.SIGTERM, signal.SIGINT}).name)
                return 0
            if signal.SIGHUP in came:
                self._reload()
            self._refresh()

    def _has_fallen(self, thread: str) -> None:
        self._fallen = thread
        self._inbox.wake()

    def _reload(self) -> None:
        self._notifier.reloading()
        try:
            self._node.reload()
        except GatewayError as error:
            tell(self._log, "reload-refused", error)
        except Exception as error:  # noqa: BLE001 - what runs is sound; a bug in reading anew must not end it
            self._log.bug("reload-refused", error)
        else:
            self._log.info("reloaded")
        self._notifier.ready(self._summary())

    def _refresh(self) -> None:
        try:
            self._node.refresh()
        except GatewayError as error:
            tell(self._log, "refresh-refused", error)
        except Exception as error:  # noqa: BLE001 - what runs is sound; a bug in looking anew must not end it
            self._log.bug("refresh-refused", error)

    def _summary(self) -> str:
        try:
            return self._node.summary()
        except Exception as error:  # noqa: BLE001 - a line for people must not end what it speaks of
            self._log.bug("summary-failed", error)
            return ""

    def _drain(self, code: int) -> int:
        self._notifier.stopping()
        guard = threading.Timer(DRAIN_SECONDS + GUARD_SECONDS, self._give_up, (code,))
        guard.daemon = True
        guard.start()
        try:
            whole = self._node.drain(DRAIN_SECONDS)
        except Exception as error:  # noqa: BLE001 - it ends in any case
            self._log.bug("drain-failed", error)
            whole = False
        finally:
            guard.cancel()
        self._log.info("daemon-stopped", exit_code=code, whole=whole)
        if not whole:
            # A thread that hangs in a library would hang the interpreter's own farewell too.
            self._end(code)
        return code

    def _give_up(self, code: int) -> None:
        self._log.warn("drain-cut-off", seconds=DRAIN_SECONDS)
        self._end(code)
