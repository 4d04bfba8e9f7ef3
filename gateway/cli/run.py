"""`caseferry run`: be the daemon, in the foreground."""

import os
import sys
from pathlib import Path

from gateway.compose.identity import load_identity, new_umask
from gateway.compose.node import RunningNode
from gateway.daemon.librarylog import libraries_heard
from gateway.daemon.lock import StateLock
from gateway.daemon.notify import Notifier, WatchdogFeeder
from gateway.daemon.oplog import OperationsLog, stderr_is_journal
from gateway.daemon.process import MainLoop
from gateway.daemon.signals import SignalInbox
from gateway.domain.clock import SystemClock
from gateway.folders import disk
from gateway.settings.load import Settings
from gateway.settings.node import LogTarget
from gateway.words.catalogue import Words
from gateway.words.language import choose_language

LOG_FILE = "caseferry.log"


def run(config: Path) -> int:
    """Run the node configured in `config` until SIGTERM and return the exit code; GatewayError if it cannot start."""
    new_umask()
    clock = SystemClock()
    identity = load_identity(config, os.environ)
    settings = identity.settings
    disk.owner_only(settings.paths.state)
    lock = StateLock.take(settings.paths.state)
    log = operations_log(settings, clock)
    words = Words(choose_language(settings.node.language, os.environ))
    inbox = SignalInbox()
    with libraries_heard(log):
        node = RunningNode(config, os.environ, identity, words=words, clock=clock, log=log, wake=inbox.wake)
        notifier = Notifier.from_environment(os.environ, os.getpid(), clock)
        feeder = WatchdogFeeder(notifier, node.stuck, log)
        code = MainLoop(node, inbox=inbox, notifier=notifier, feeder=feeder, clock=clock, log=log).run()
    lock.release()
    return code


def operations_log(settings: Settings, clock: SystemClock) -> OperationsLog:
    """Return the operations log where the settings want it."""
    journal = stderr_is_journal(os.environ, sys.stderr.fileno())
    target = settings.log.to
    if target is LogTarget.AUTO:
        target = LogTarget.STDERR if journal else LogTarget.FILE
    if target is LogTarget.STDERR:
        return OperationsLog.to_stream(sys.stderr, clock=clock, level=settings.log.level, journal=journal)
    folder = settings.paths.log
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return OperationsLog.to_file(
        folder / LOG_FILE,
        clock=clock,
        level=settings.log.level,
        rotation=settings.log.rotation,
        keep=settings.log.keep,
    )
