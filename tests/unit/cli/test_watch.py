"""`watch` on a real terminal: live until Ctrl-C, then the last picture stays and the terminal is as it was."""

import os
import pty
import signal
import subprocess
import sys

from tests.support.desk import Desk

ENTER, LEAVE = b"\x1b[?1049h", b"\x1b[?1049l"
"""What a terminal is told at the beginning and the end of a full screen."""


def test_it_is_live_until_ctrl_c(desk: Desk) -> None:
    command = [sys.executable, "-m", "gateway", "watch", "--every", "0.2", "--config", str(desk.place.config)]
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    terminal, theirs = pty.openpty()
    child = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment)
    os.close(theirs)
    shown = b""
    asked = False
    while piece := _read(terminal):
        shown += piece
        # Two pictures: the first stands before the loop, the second only while it runs.
        if not asked and shown.count(b"Down: the gateway is not running.") >= 2:
            child.send_signal(signal.SIGINT)
            asked = True
    os.close(terminal)
    assert child.wait() == 2
    live, _, after = shown.partition(LEAVE)
    assert ENTER in live
    assert b"Down: the gateway is not running." in after
    assert b"Traceback" not in shown


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:
        return b""
