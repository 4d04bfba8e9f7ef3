"""Clients that we did not write, at our embedded server: upload, rename, listing, download."""

import asyncio
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncssh
import pytest

from gateway.domain.ids import unit_code
from gateway.transport.accounts import public_line
from tests.support.embedded import EmbeddedServer, embedded_server
from tests.support.sftpservers import program
from tests.support.sshkeys import KeyPair, key_pair

UNIT = unit_code("330102000000")
NAME, WAITING = "0123456789abcdef0123456789abcdef.cfb", "fedcba9876543210fedcba9876543210.cfb"
SIZE = 3 << 20


class Client:
    """How to run a client: what it needs to know of the server."""

    def __init__(self, server: EmbeddedServer, identity: KeyPair, folder: Path) -> None:
        self.server = server
        self.identity = identity
        self.folder = folder
        self.key = folder / "key"
        self.key.touch(mode=0o600)
        self.key.write_bytes(identity.private)
        self.known = folder / "known_hosts"
        self.known.write_text(f"[127.0.0.1]:{server.port} {public_line(server.host_key.public)}\n")
        self.ssh = ["-F", os.devnull, "-i", str(self.key), "-o", f"UserKnownHostsFile={self.known}"]
        self.ssh += ["-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes"]

    def run(self, *command: str, text: str = "") -> str:
        """Run a program to its end and return what it printed; it must succeed."""
        found = program(command[0])
        if found is None:
            pytest.skip(f"{command[0]} is not installed")
        ended = subprocess.run(
            [found, *command[1:]], input=text, capture_output=True, text=True, timeout=60, check=False, cwd=self.folder
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    identity = key_pair()
    with embedded_server(tmp_path, {UNIT: [identity.public]}) as server:
        yield Client(server, identity, tmp_path)


def openssh(client: Client) -> str:
    orders = f"put source /in/.{NAME}.part\nrename /in/.{NAME}.part /in/{NAME}\nls -1 /out\nget /out/{WAITING} got\n"
    # What the client repeats of its orders is no listing.
    said = client.run("sftp", "-P", str(client.server.port), "-b", "-", *client.ssh, f"{UNIT}@127.0.0.1", text=orders)
    return "\n".join(line for line in said.splitlines() if not line.startswith("sftp>"))


def lftp(client: Client) -> str:
    program_line = " ".join(["ssh", "-a", "-x", *client.ssh])
    orders = [
        f'set sftp:connect-program "{program_line}"',
        "set net:max-retries 1",
        f"open -u {UNIT}, -p {client.server.port} sftp://127.0.0.1",
        f"put source -o /in/.{NAME}.part",
        f"mv /in/.{NAME}.part /in/{NAME}",
        "cls -1 /out/",
        f"get /out/{WAITING} -o got",
    ]
    return client.run("lftp", "-c", "; ".join(["set cmd:fail-exit yes", *orders]))


def rclone(client: Client) -> str:
    options = f"host=127.0.0.1,port={client.server.port},user={UNIT},key_file={client.key}"
    remote = f":sftp,{options},known_hosts_file={client.known},shell_type=none,disable_hashcheck=true:"
    common = ("--config", os.devnull, "--retries", "1")
    client.run("rclone", "copyto", "source", f"{remote}/in/.{NAME}.part", "--inplace", *common)
    client.run("rclone", "moveto", f"{remote}/in/.{NAME}.part", f"{remote}/in/{NAME}", *common)
    listed = client.run("rclone", "lsf", f"{remote}/out", *common)
    client.run("rclone", "copyto", f"{remote}/out/{WAITING}", "got", *common)
    return listed


def with_asyncssh(client: Client) -> str:
    async def scenario() -> str:
        async with (
            asyncssh.connect(
                "127.0.0.1",
                client.server.port,
                username=UNIT,
                client_keys=[asyncssh.import_private_key(client.identity.private)],
                known_hosts=str(client.known),
                config=[],
            ) as connection,
            connection.start_sftp_client() as sftp,
        ):
            await sftp.put(client.folder / "source", f"/in/.{NAME}.part")
            await sftp.rename(f"/in/.{NAME}.part", f"/in/{NAME}")
            listed = [str(name) for name in await sftp.listdir("/out")]
            await sftp.get(f"/out/{WAITING}", client.folder / "got")
            return "\n".join(listed)

    return asyncio.run(scenario())


@pytest.mark.parametrize("use", [openssh, lftp, rclone, with_asyncssh])
def test_a_client_uploads_renames_lists_and_downloads(client: Client, use: Callable[[Client], str]) -> None:
    mailbox = client.server.mailbox(UNIT)
    sent, left = os.urandom(SIZE), os.urandom(SIZE)
    (client.folder / "source").write_bytes(sent)
    (mailbox / "out" / WAITING).write_bytes(left)
    (mailbox / "in" / f".{NAME}.part").write_bytes(b"what an earlier attempt left")
    listed = use(client)
    assert WAITING in listed
    assert ".part" not in listed
    assert {path.name: path.read_bytes() for path in (mailbox / "in").iterdir()} == {NAME: sent}
    assert (client.folder / "got").read_bytes() == left
