"""The command line beside real daemons: what it says of them, and that they hear what a person decides."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.domain.lifecycle import State
from tests.support.desk import Desk
from tests.support.nodes import Pair, drop_zip, eventually

EXPORTS = Path(__file__).parents[2] / "samples" / "police"
SAMPLE = EXPORTS / "TQPZDB_990102000000_990102_A9901020000002026030027_20260318094501.zip"
DOUBTFUL = EXPORTS / "TQPZDB_990102000000_990102_A9901020000002026030012_20260310153012.zip"


@pytest.fixture(scope="module")
def police(pair: Pair) -> Desk:
    """The police's desk, its daemon running."""
    return Desk(pair.police.daemon.place)


@pytest.fixture(scope="module")
def delivered(pair: Pair, police: Desk) -> int:
    """The number of a transfer that went through."""
    drop_zip(pair.police_out, SAMPLE)
    found = eventually(lambda: police.ask("log", "--text", SAMPLE.name, "--state", "delivered")["transfers"])
    return int(found[0]["id"])


def test_two_running_nodes_are_normal_and_their_links_work(police: Desk, delivered: int) -> None:
    assert police.run("status").code == 0
    whole = police.ask("status")
    assert whole["daemon"]["port"] == police.settings.server.port
    answer = police.run("check", "--links", "--json")
    assert answer.code == 0, answer.out
    assert [one["grade"] for one in answer.json["results"] if one["part"] == "links"] == ["ok"]


def test_the_story_and_the_proofs_of_one_exchange(pair: Pair, police: Desk, delivered: int) -> None:
    (story,) = police.ask("explain", str(delivered))["stories"]
    assert story["outlook"]["waits_for"] == "nothing"
    assert [one["code"] for one in story["receipts"]] == ["110"]
    acknowledgement = pair.police_out / "ack" / f"{SAMPLE.name}.receipt.json"
    found = police.ask("verify", acknowledgement)
    assert found["genuine"] is True
    assert found["receipts"][0]["bundle_id"] == story["transfer"]["bundle_id"]
    (bundle,) = (pair.police.state / "spool" / "outbound").glob(f"{story['transfer']['bundle_id']}-*")
    assert Desk(pair.procuratorate.daemon.place).ask("verify", bundle)["signer"] == police.place.unit


def test_the_daemon_hears_at_once_what_a_person_decides(pair: Pair, police: Desk, delivered: int) -> None:
    """What is held has no timer: only the bell makes the daemon look at it again."""
    shutil.copy(DOUBTFUL, pair.police_out)
    (pair.police_out / f"{DOUBTFUL.name}.ok").write_bytes(b"MD5=" + b"0" * 32 + b"\r\nSIZE=1\r\n")
    (held,) = eventually(lambda: police.ask("log", "--held")["transfers"])
    number = held["id"]
    assert police.run("status").code == 1
    (story,) = police.ask("explain", str(number))["stories"]
    assert story["outlook"]["commands"][0] == f"caseferry release {number} --why ..."
    assert [one["code"] for one in story["findings"]] == ["FS-MARKER-MISMATCH"]
    assert police.run("release", number, "--why", "核对完毕").code == 0
    eventually(_is(police, number, State.DELIVERED), "delivered after the release")
    assert police.run("status").code == 0


def _is(police: Desk, number: int, state: State) -> Callable[[], bool]:
    return lambda: police.ask("explain", str(number))["stories"][0]["transfer"]["state"] == state
