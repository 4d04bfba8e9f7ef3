"""Every way in which two nodes may reach each other, and what they do when they cannot."""

import subprocess
import sys
from pathlib import Path

import pytest

from gateway.cli.demo_nodes import POLICE, PROCURATORATE, write_routes
from gateway.domain.lifecycle import Direction, State
from gateway.domain.records import known
from gateway.transport.openssh_channel import is_installed
from tests.support.nodes import Pair, configure, drop, eventually, make_pair, relink, running

WAYS = [("push", "push"), ("pull", "pull"), ("both", "none"), ("none", "both")]
"""(police, procuratorate)"""
_IN_SOAKS = {("push", "push"), ("none", "both")}
"""What every other test here does, and the mirror image of another way."""


@pytest.mark.parametrize(
    ("police", "procuratorate"),
    [pytest.param(*way, id="-".join(way), marks=[pytest.mark.soak] if way in _IN_SOAKS else []) for way in WAYS],
)
def test_whoever_calls_the_exchange_is_the_same(tmp_path: Path, police: str, procuratorate: str) -> None:
    """Whoever does all the calling runs no server: behind NAT, or a firewall that one side may open only.

    Two of the ways in every run, all in a soak. Who does all the calling uses the other engine where there is one.
    """
    pair = make_pair(tmp_path)
    for node, initiate in ((pair.police, police), (pair.procuratorate, procuratorate)):
        relink(pair, node, initiate)
        if initiate == "both":
            configure(node, "server:\n", "server:\n  enabled: false\n")
            if is_installed():
                (link,) = (node.config / "links.d").glob("*.yaml")
                link.write_text(link.read_text("utf-8") + "  engine: openssh\n", "utf-8")
    exchanges(pair)


def test_a_pair_of_folders_is_a_link_too(tmp_path: Path) -> None:
    pair = make_pair(tmp_path)
    for folder in ("to-police", "to-procuratorate"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "mounted").touch()
    for node, name, out, back in (
        (pair.police, "procuratorate", "to-procuratorate", "to-police"),
        (pair.procuratorate, "police", "to-police", "to-procuratorate"),
    ):
        other = next(one for one in pair.nodes if one is not node)
        (node.config / "links.d" / f"{name}.yaml").write_text(
            f'name: {name}\npeer: "{other.unit}"\ntransport: folder\n'
            f"folder:\n  deposit: {tmp_path / out}\n  collect: {tmp_path / back}\n  sentinel: mounted\n",
            "utf-8",
        )
        configure(node, "server:\n", "server:\n  enabled: false\n")
    exchanges(pair)
    for folder in ("to-police", "to-procuratorate"):
        assert [path.name for path in (tmp_path / folder).iterdir()] == ["mounted"]


def exchanges(pair: Pair) -> None:
    """Assert that exports arrive and are receipted both ways, that both have said where they stand, and that nothing is
    left on the way."""
    answers, into = pair.procuratorate.daemon.place.out / "answers", pair.police.daemon.place.into
    for folder in (answers, into):
        folder.mkdir(parents=True, exist_ok=True)
    answer = {"name": "answers", "folder": str(answers), "packer": "folder", "receivers": {"*": POLICE}}
    taken = {"name": "answers-in", "senders": [PROCURATORATE], "folder": str(into), "packer": "folder"}
    write_routes(pair.procuratorate.daemon.place, "answers", outbound=[answer])
    write_routes(pair.police.daemon.place, "answers", inbound=[taken])
    with running(pair):
        for number in range(3):
            pair.drop(f"{number}.txt", f"content {number}".encode())
        drop(answers, "answer.txt", b"accepted")
        for number in range(3):
            assert pair.content(pair.ferried(f"{number}.txt")) == f"content {number}".encode()
        eventually(lambda: [path.read_bytes() for path in into.glob("*/content/*")] == [b"accepted"], "the answer")
        for node, peer in ((pair.police, PROCURATORATE), (pair.procuratorate, POLICE)):
            with node.ledger() as ledger:
                eventually(lambda ledger=ledger, peer=peer: ledger.resync.word(peer).heard_at, "an inventory")
        pair.come_to_rest()
        for node in pair.nodes:
            assert not node.logged("attempt-failed")


def test_a_peer_that_is_away_is_waited_for(tmp_path: Path) -> None:
    pair = make_pair(tmp_path)
    try:
        pair.police.start()
        pair.drop("early.txt", b"early")
        sealed = eventually(lambda: pair.ended("early.txt", State.SEALED), "sealed")
        eventually(lambda: len(pair.police.logged("link-failed", code="link-unreachable")) >= 3, "three calls")
        waits = [fact["retry_seconds"] for fact in pair.police.logged("link-failed")]
        assert waits == sorted(waits)
        still = known(pair.police.outbound("early.txt"))
        assert (still.state, still.attempts, still.hold_code) == (State.SEALED, 0, None)
        pair.procuratorate.start()
        ours = pair.ferried("early.txt")
        assert ours.bundle_id == sealed.bundle_id
        eventually(lambda: pair.police.logged("link-recovered", name="procuratorate"), "the log entry")
    finally:
        pair.stop()


def test_a_peer_that_was_away_and_calls_is_called_at_once(tmp_path: Path) -> None:
    pair = make_pair(tmp_path)
    configure(pair.procuratorate, "retry_first: 100ms\n  retry_most: 1s", "retry_first: 1h\n  retry_most: 1h")
    try:
        pair.procuratorate.start()
        eventually(lambda: pair.procuratorate.logged("link-failed", code="link-unreachable"), "the first call")
        pair.police.start()
        pair.drop("small.txt", b"small")
        pair.ferried("small.txt")
    finally:
        pair.stop()


def test_a_wrong_host_key_holds_the_link_and_not_the_transfers(tmp_path: Path) -> None:
    pair, stranger = make_pair(tmp_path), make_pair(tmp_path / "elsewhere")
    # At the address of the procuratorate somebody else answers.
    relink(pair, pair.police, "push")
    link = pair.police.config / "links.d" / "procuratorate.yaml"
    right, wrong = pair.procuratorate.daemon.place.port, stranger.procuratorate.daemon.place.port
    link.write_text(link.read_text("utf-8").replace(f"port: {right}", f"port: {wrong}"), "utf-8")
    try:
        stranger.procuratorate.start()
        pair.start()
        for number in range(3):
            pair.drop(f"{number}.txt", b"content")
        eventually(lambda: pair.police.logged("link-failed", code="host-key-mismatch"), "the alarm")
        sealed = (State.SEALED,)
        for number in range(3):
            transfer = eventually(lambda number=number: pair.ended(f"{number}.txt", *sealed), "sealed")
            assert (transfer.hold_code, transfer.attempts) == (None, 0)
        assert len(pair.police.logged("link-failed")) == 1

        relink(pair, pair.police, "push")
        pair.police.hang_up()
        for number in range(3):
            pair.ferried(f"{number}.txt")
    finally:
        pair.stop()
        stranger.stop()


def test_a_second_daemon_on_the_same_state_is_refused(tmp_path: Path) -> None:
    with running(make_pair(tmp_path)) as pair:
        second = subprocess.run(
            [sys.executable, "-m", "gateway", "run", "--config", pair.police.config],
            capture_output=True,
            check=False,
            timeout=60,
        )
        assert second.returncode != 0
        assert b"already-running" in second.stderr
        pair.drop("undisturbed.txt", b"content")
        pair.ferried("undisturbed.txt")


def test_a_mailbox_is_closed_to_a_peer_whose_link_is_gone(tmp_path: Path) -> None:
    with running(make_pair(tmp_path)) as pair:
        pair.drop("before.txt", b"before")
        pair.ferried("before.txt")
        configure(pair.procuratorate, "name: police\n", "name: police\nenabled: false\n", "links.d/police.yaml")
        pair.procuratorate.hang_up()
        eventually(lambda: pair.procuratorate.logged("reloaded"), "the reload")
        pair.drop("after.txt", b"after")
        eventually(lambda: pair.police.logged("link-failed", code="link-auth-refused"), "a closed door")
        transfer = eventually(lambda: pair.ended("after.txt", State.SEALED), "sealed")
        assert transfer.hold_code is None
        assert not [t for t in pair.procuratorate.transfers(Direction.INBOUND) if t.bundle_id == transfer.bundle_id]
