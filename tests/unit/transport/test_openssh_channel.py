"""The host's `ssh` as an engine: what it is told, what its words mean, and that it never outlives us."""

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.domain.clock import SystemClock
from gateway.domain.errors import GatewayError
from gateway.transport.channel import Deadlines
from gateway.transport.openssh_channel import OpensshChannel, verdict
from gateway.transport.paramiko_channel import SshPeer
from gateway.transport.sftp_session import SftpSession
from tests.support.embedded import EmbeddedServer
from tests.support.sshd import sshd
from tests.support.sshkeys import KeyPair, key_pair
from tests.unit.transport.conftest import GUEST


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (b"", "link-unreachable"),
        (b"ssh: connect to host 10.0.0.1 port 22: Connection refused\r\n", "link-unreachable"),
        (b"ssh: connect to host 10.0.0.1 port 22: Connection timed out\r\n", "link-timeout"),
        (b"Connection timed out during banner exchange\r\n", "link-timeout"),
        (b"@@@@\r\nSomeone could be eavesdropping\r\nHost key verification failed.\r\n", "host-key-mismatch"),
        (b"cf-330102@10.0.0.1: Permission denied (publickey).\r\n", "link-auth-refused"),
        (b"Unable to negotiate with 10.0.0.1 port 22: no matching cipher found. Their offer: x\r\n", "link-algorithms"),
        (b"banner exchange: x\r\nProtocol major versions differ: 2 vs. 1\r\n", "link-algorithms"),
    ],
)
def test_its_words_become_the_codes_of_the_contract(said: bytes, code: str) -> None:
    assert verdict(said) == code


@pytest.mark.parametrize("forged", [b"Host key verification failed.", b"a@b: Permission denied (publickey)."])
def test_the_words_of_a_stranger_prove_nothing(forged: bytes) -> None:
    """Who has not shown its host key may send a farewell of several lines, and the program prints it as it is."""
    assert verdict(b"Received disconnect from 10.0.0.1 port 22:2: go\n" + forged + b"\r\n") == "link-unreachable"


@pytest.mark.needs_ssh
def test_keys_reach_it_through_memory_only(
    server: EmbeddedServer, guest_key: KeyPair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No command line, environment or file holds the key, and what is lent is taken back once the peer answers."""
    seen: list[list[str]] = []
    start = subprocess.Popen

    def started(command: list[str], **how: object) -> object:
        if "-s" in command:
            seen.append(command)
            assert how["env"] == {"PATH": os.environ["PATH"], "LC_ALL": "C"}
        return start(command, **how)  # type: ignore[call-overload]  # passed on as it came

    monkeypatch.setattr(subprocess, "Popen", started)
    peer = SshPeer("127.0.0.1", server.port, GUEST, guest_key.private, (server.host_key.public,))
    channel = OpensshChannel(peer, Deadlines(), SystemClock())
    said = dict(word.split("=", 1) for word in seen[0] if "=" in word)
    lent = [Path(said["IdentityFile"]), Path(said["UserKnownHostsFile"])]
    assert lent[0].read_bytes() == guest_key.private
    assert all(path.readlink().name.startswith("memfd:") for path in lent)
    assert {path.stat().st_mode & 0o777 for path in lent} == {0o600}
    assert (said["StrictHostKeyChecking"], said["IdentityAgent"], seen[0][1:3]) == ("yes", "none", ["-F", "none"])
    assert not any(guest_key.private.splitlines()[2].decode() in word for word in seen[0])
    session = SftpSession(channel)
    assert not any(path.exists() for path in lent)
    session.close()


_SFTP_SERVERS = "/usr/lib/openssh/sftp-server /usr/libexec/openssh/sftp-server /usr/lib/ssh/sftp-server"
"""Where distributions put it."""
_LOGS_IN = """
import sys
from pathlib import Path
from gateway.domain.clock import SystemClock
from gateway.transport.channel import Deadlines
from gateway.transport.openssh_channel import OpensshChannel
from gateway.transport.paramiko_channel import SshPeer
from gateway.transport.sftp_session import SftpSession
port, unit, folder = sys.argv[1:]
private, public = (Path(folder, name).read_bytes() for name in ("private", "public"))
peer = SshPeer("127.0.0.1", int(port), unit, private, (public,))
session = SftpSession(OpensshChannel(peer, Deadlines(), SystemClock()))
print("in", flush=True)
sys.stdin.read()
"""


@pytest.mark.needs_ssh
def test_it_ends_with_us_even_if_we_are_killed(server: EmbeddedServer, guest_key: KeyPair, tmp_path: Path) -> None:
    (tmp_path / "private").write_bytes(guest_key.private)
    (tmp_path / "public").write_bytes(server.host_key.public)
    command = [sys.executable, "-c", _LOGS_IN, str(server.port), GUEST, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as us:
        assert us.stdout is not None
        assert us.stdout.readline() == b"in\n"
        (program,) = map(int, Path(f"/proc/{us.pid}/task/{us.pid}/children").read_text().split())
        watched = os.pidfd_open(program)
        us.send_signal(signal.SIGKILL)
    ended = select.poll()
    ended.register(watched, select.POLLIN)
    assert ended.poll(60_000)
    os.close(watched)


@pytest.mark.needs_ssh
def test_a_program_that_cannot_be_started_is_a_broken_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    key = key_pair()
    peer = SshPeer("127.0.0.1", 1, GUEST, key.private, (key.public,))
    with pytest.raises(GatewayError, check=lambda error: error.code == "link-unreachable"):
        OpensshChannel(peer, Deadlines(), SystemClock())


@pytest.mark.needs_ssh
@pytest.mark.needs_sshd
def test_a_server_that_complains_without_end_holds_nothing_up(guest_key: KeyPair, tmp_path: Path) -> None:
    """Eight MiB on the other stream: more than its window and the pipe hold, so that somebody must read them."""
    noisy = tmp_path / "noisy"
    starts = f"for program in {_SFTP_SERVERS}; do [ -x $program ] && exec $program; done"
    noisy.write_text(f"#!/bin/sh\nhead -c 8388608 /dev/zero >&2\n{starts}\n")
    noisy.chmod(0o755)
    with sshd(tmp_path, [guest_key.public], subsystem=str(noisy)) as running:
        peer = SshPeer("127.0.0.1", running.port, running.username, guest_key.private, (running.host_key.public,))
        session = SftpSession(OpensshChannel(peer, Deadlines(), SystemClock()))
        assert session.attributes(session.ask_stat(b"/")).size is not None
        session.close()
