"""OpenSSH serves the mailboxes: two nodes exchange through it, and a guest can do nothing else there."""

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager

import paramiko
import pytest

from gateway.cli.demo_nodes import POLICE
from gateway.domain.ids import WireName
from gateway.domain.lifecycle import State
from gateway.transport.accounts import public_blob
from gateway.transport.channel import Deadlines
from gateway.transport.paramiko_channel import ParamikoChannel, SshPeer
from gateway.transport.sftp import SftpTransport
from tests.support import openssh
from tests.support.nodes import CLOCK, eventually
from tests.support.openssh import ACCOUNT, OTHER, Village

REFUSED = r"(?i)denied|no such file|failure|unsupported|not supported"

pytestmark = [pytest.mark.needs_sshd, pytest.mark.long]


@pytest.fixture(scope="module")
def village() -> Iterator[Village]:
    if why := openssh.cannot():
        pytest.skip(why)
    with openssh.village() as made:
        yield made


@contextmanager
def guest(village: Village) -> Iterator[paramiko.Transport]:
    """Log in as the police with the police's own key."""
    key = paramiko.Ed25519Key(file_obj=io.StringIO(village.pair.police.keyring().ssh_user.to_openssh().decode()))
    transport = paramiko.Transport(("127.0.0.1", village.port))
    try:
        transport.connect(username=ACCOUNT, pkey=key)
        yield transport
    finally:
        transport.close()


@contextmanager
def sftp(village: Village) -> Iterator[paramiko.SFTPClient]:
    with guest(village) as transport:
        client = paramiko.SFTPClient.from_transport(transport)
        assert client is not None
        with client:
            yield client


def test_the_setup_is_found_in_order(village: Village) -> None:
    done = village.caseferry(
        *("check", "--file", village.base / "sshd_config", "--program", village.base / "bin" / "caseferry")
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_is_not_in_order_is_named(village: Village) -> None:
    inbox = village.mailbox / "in"
    inbox.chmod(0o3770)
    config = village.base / "loose_config"
    text = (village.base / "sshd_config").read_text()
    config.write_text(re.sub("PermitTTY no", "PermitTTY yes", text))
    done = village.caseferry("check", "--file", config, "--program", village.base / "bin" / "caseferry")
    inbox.chmod(0o3730)
    assert done.returncode == 1
    assert f"{inbox}: is 3770, not 3730" in done.stdout
    assert "sshd permittty: is yes, not no" in done.stdout


def test_two_nodes_exchange_by_push_and_pull(village: Village) -> None:
    pair, content = village.pair, b"by OpenSSH" * 1000
    pair.drop("by-openssh.bin", content)
    sent = eventually(lambda: pair.ended("by-openssh.bin", State.DELIVERED), "a receipt that was pulled")
    assert pair.content(sent) == content
    assert list((village.mailbox / "in").iterdir()) == []


def test_a_broken_upload_goes_on_where_it_broke(village: Village) -> None:
    content = bytes(3 << 20)
    keyring = village.pair.police.keyring()
    host = public_blob(village.pair.police.peers().ssh_host_key("990102"))
    peer = SshPeer("127.0.0.1", village.port, ACCOUNT, keyring.ssh_user.to_openssh(), (host,))
    transport = SftpTransport.over(ParamikoChannel, peer, Deadlines(), CLOCK)
    name = WireName("part-of-something.bin")
    with sftp(village) as client, client.open(f"/in/.{name}.part", "wx") as half:
        half.write(content[: 2 << 20])
    source = village.base / "source.bin"
    source.write_bytes(content)
    seen: list[int] = []
    transport.deposit(source, name, seen.append)
    transport.close()
    assert seen[0] >= 1 << 20


def test_a_guest_sees_and_does_nothing_else(village: Village) -> None:
    with sftp(village) as client:
        # Another guest's mailbox, the accounts and the rest of the server are not there.
        assert set(client.listdir("/")) == {"in", "out"}
        for path in ("/../..", f"/../{OTHER}", "/etc/passwd", str(village.mailbox)):
            if path == "/../..":
                assert set(client.listdir(path)) == {"in", "out"}
            else:
                with pytest.raises(OSError, match=REFUSED):
                    client.stat(path)
        # What is in `in` is not listed, and what others left there is not removed.
        with pytest.raises(PermissionError):
            client.listdir("/in")
        # No folders, no links, no change of modes by name, no names outside.
        for deed in (
            lambda: client.mkdir("/in/folder"),
            lambda: client.symlink("/etc/passwd", "/in/link"),
            lambda: client.chmod("/in", 0o777),
            lambda: client.chmod("/out", 0o777),
            lambda: client.open("/file", "w"),
            lambda: client.rmdir("/out"),
        ):
            with pytest.raises(OSError, match=REFUSED):
                deed()


def test_a_name_is_not_overwritten_by_a_rename(village: Village) -> None:
    with sftp(village) as client:
        for name in ("a", "b"):
            with client.open(f"/in/.{name}.part", "w") as file:
                file.write(name)
        with pytest.raises(OSError, match=REFUSED):
            client.posix_rename("/in/.a.part", "/in/.b.part")
        with pytest.raises(OSError, match=REFUSED):
            client.rename("/in/.a.part", "/in/.b.part")
        for name in ("a", "b"):
            client.remove(f"/in/.{name}.part")


def test_a_guest_gets_no_shell_and_no_tunnel(village: Village) -> None:
    with guest(village) as transport:
        channel = transport.open_session()
        channel.exec_command("id")
        # ForceCommand: whatever is asked for, an SFTP server answers, and it says nothing before it is spoken to.
        channel.settimeout(5)
        channel.shutdown_write()
        assert b"uid=" not in channel.recv(1000)
        with pytest.raises(paramiko.ChannelException):
            transport.open_channel("direct-tcpip", ("127.0.0.1", village.port), ("127.0.0.1", 1))
        with pytest.raises(paramiko.SSHException):
            transport.request_port_forward("127.0.0.1", 0)
        with pytest.raises(paramiko.SSHException):
            transport.open_session().get_pty()


def test_nobody_else_logs_in(village: Village) -> None:
    key = paramiko.Ed25519Key(file_obj=io.StringIO(village.pair.police.keyring().ssh_user.to_openssh().decode()))
    for account in (f"cf-{OTHER}", "root", "caseferry", "nobody"):
        transport = paramiko.Transport(("127.0.0.1", village.port))
        with pytest.raises(paramiko.AuthenticationException):
            transport.connect(username=account, pkey=key)
        transport.close()


def test_a_revoked_key_is_refused_at_the_next_login(village: Village) -> None:
    host = village.pair.procuratorate
    with guest(village):
        pass
    done = village.serve("peer", "remove", POLICE)
    assert done.returncode == 0, done.stderr
    host.hang_up()
    accounts = village.base / "mailboxes" / ".accounts" / "accounts.json"
    eventually(lambda: POLICE not in accounts.read_text(), "accounts without the police")
    with pytest.raises(paramiko.AuthenticationException), guest(village):
        pass
