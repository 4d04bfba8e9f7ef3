"""Ports for nodes on this machine: nobody has them, and nobody is given one of them before their server listens."""

import socket
from contextlib import ExitStack
from pathlib import Path

import pytest

from gateway import linux
from gateway.compose.setup import FIRST_PORT, free_ports


@pytest.mark.parametrize(
    "said", [b"32768\t60999\n", b"1024\t65535\n", b"", None], ids=["usual", "all", "odd", "unsaid"]
)
def test_ports_are_different_free_and_none_that_the_system_gives_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: bytes | None
) -> None:
    monkeypatch.setattr(linux, "_PORTS", tmp_path / "range")
    if said is not None:
        (tmp_path / "range").write_bytes(said)
    ports = free_ports(20)
    assert len(set(ports)) == 20
    if said is not None and said.startswith(b"32768"):
        assert all(FIRST_PORT <= port < 32768 for port in ports)
    with ExitStack() as listening:
        for port in ports:
            listening.enter_context(socket.create_server(("127.0.0.1", port)))


def test_the_system_says_which_ports_it_gives_away() -> None:
    with socket.create_server(("127.0.0.1", 0)) as somebody:
        assert 0 < linux.first_given_port() <= somebody.getsockname()[1]
