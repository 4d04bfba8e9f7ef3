"""Guests who log in at a node, open a session and then do nothing; in a process of its own, as they are elsewhere."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import asyncssh

from benchmarks.figures import BenchmarkError

_AT_ONCE: Final = 16
"""Logins at the same time; the server lets in few who have not proven who they are."""
_KEYS: Final = "guests.json"


def keep_keys(folder: Path, keys: Mapping[str, bytes]) -> None:
    """Keep the guests' private keys (OpenSSH PEM), by unit, for `connected`."""
    path = folder / _KEYS
    path.touch(mode=0o600)
    path.write_text(json.dumps({unit: key.decode() for unit, key in keys.items()}), encoding="ascii")


@contextmanager
def connected(folder: Path, port: int) -> Iterator[int]:
    """Have all guests whose keys lie in `folder` connected to `port` of this machine; yield how many there are."""
    command = [sys.executable, "-m", __name__, str(folder / _KEYS), str(port)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        line = process.stdout.readline() if process.stdout is not None else ""
        if not line.strip().isdigit():
            raise BenchmarkError("the guests could not connect")
        yield int(line)
    finally:
        process.communicate()


async def _come(port: int, unit: str, key: str, few: asyncio.Semaphore) -> asyncssh.SFTPClient:
    async with few:
        connection = await asyncssh.connect(
            "127.0.0.1",
            port,
            username=unit,
            client_keys=[asyncssh.import_private_key(key)],
            known_hosts=None,
            config=None,
        )
        session = await connection.start_sftp_client()
        await session.listdir("/out")
        return session


async def _stay(keys: Mapping[str, str], port: int) -> None:
    few = asyncio.Semaphore(_AT_ONCE)
    sessions = await asyncio.gather(*(_come(port, unit, key, few) for unit, key in keys.items()))
    print(len(sessions), flush=True)
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(_stay(json.loads(Path(sys.argv[1]).read_text(encoding="ascii")), int(sys.argv[2])))
