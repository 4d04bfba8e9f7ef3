"""Two daemons never share a state folder, and a look at it keeps nobody out."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.daemon.lock import FILE_NAME, StateLock, running_pid
from gateway.domain.errors import ConfigError

HOLD = """
import signal, sys
from pathlib import Path
from gateway.daemon.lock import StateLock
lock = StateLock.take(Path(sys.argv[1]))
print("held", flush=True)
signal.pause()
"""


def test_the_second_one_is_told_who_was_first(tmp_path: Path) -> None:
    lock = StateLock.take(tmp_path)
    with pytest.raises(ConfigError) as raised:
        StateLock.take(tmp_path)
    assert (raised.value.code, raised.value.facts["pid"]) == ("already-running", os.getpid())
    lock.release()
    lock.release()
    StateLock.take(tmp_path).release()


def test_others_can_tell_whether_one_runs(tmp_path: Path) -> None:
    assert running_pid(tmp_path) is None
    lock = StateLock.take(tmp_path)
    assert running_pid(tmp_path) == os.getpid()
    lock.release()
    assert running_pid(tmp_path) is None


def test_sigkill_gives_it_back(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        assert running_pid(tmp_path) == holder.pid
        holder.send_signal(signal.SIGKILL)
    StateLock.take(tmp_path).release()


def test_a_garbled_file_is_taken_all_the_same(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"\xff" * 100)
    lock = StateLock.take(tmp_path)
    assert running_pid(tmp_path) == os.getpid()
    lock.release()


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as raised:
        StateLock.take(tmp_path / "gone")
    assert raised.value.code == "state-unwritable"
    assert running_pid(tmp_path / "gone") is None
