"""`log` and `explain`: what was exchanged, and the story of one case."""

import os
import re

import pytest
from rich.cells import cell_len

from gateway.compose.health import Health, Short
from gateway.domain.clock import SystemClock
from gateway.domain.records import Stage, Transfer
from tests.support import filling
from tests.support.desk import Desk

NOW = SystemClock().now()


@pytest.fixture(scope="module")
def filled(desks: tuple[Desk, Desk]) -> Desk:
    """A node with five transfers, one of each fate."""
    desk = desks[0]
    with desk.ledger() as ledger:
        filling.delivered(ledger, 1)
        filling.sealed(ledger, 2, case="B7")
        filling.held(ledger, 3)
        filling.failing(ledger, 4)
        filling.quarantined(ledger, 5)
    return desk


def numbers(desk: Desk, *options: str) -> list[int]:
    return [one["id"] for one in desk.ask("log", *options)["transfers"]]


def test_explain_says_what_repeats_and_corrects_what(desk: Desk) -> None:
    with desk.ledger() as ledger:
        first = filling.delivered(ledger, 1)
        again = filling.repeated(ledger, first, 2)
        correction = filling.sealed(ledger, 3, earlier=first.bundle_id)

    def kin(transfer: Transfer) -> list[tuple[str, int]]:
        (story,) = desk.ask("explain", transfer.id)["stories"]
        return [(one["kin"], one["id"]) for one in story["related"]]

    assert kin(first) == [("repeated-by", again.id), ("corrected-by", correction.id)]
    assert kin(again) == [("repeats", first.id)]
    assert kin(correction) == [("corrects", first.id)]
    assert f"It was corrected by transfer {correction.id}" in desk.run("explain", first.id).out
    assert f"It repeats transfer {first.id}" in desk.run("explain", again.id).out
    assert "the same was delivered before" in desk.run("explain", again.id).out
    with desk.ledger() as ledger:
        ledger.close_transfer(ledger.get(again.id), "retention", "over")
    assert kin(again) == [("repeats", first.id)]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], [5, 4, 3, 2, 1]),
        (["--case", filling.CASE], [4, 1]),
        (["--case", "B"], [2]),
        (["--flow", "arrest-request"], [4, 2, 1]),
        (["--peer", "990102"], [4, 2, 1]),
        (["--link", "procuratorate"], [5, 4, 2, 1]),
        (["--state", "delivered"], [1]),
        (["--direction", "inbound"], [5]),
        (["--held"], [3]),
        (["--failing"], [4, 3]),
        (["--text", "导出_3"], [3]),
        (["--since", "1h"], [5, 4, 3, 2, 1]),
        (["--until", "1h"], []),
        (["--since", "2020-01-01", "--until", "2020-01-02"], []),
        (["--limit", "2"], [5, 4]),
        (["--limit", "2", "--offset", "4"], [1]),
    ],
)
def test_the_log_is_filtered(filled: Desk, options: list[str], expected: list[int]) -> None:
    assert numbers(filled, *options) == expected


def test_it_says_when_there_are_more(filled: Desk) -> None:
    assert filled.ask("log", "--limit", "2")["more"] is True
    assert filled.ask("log", "--limit", "5")["more"] is False
    assert "--offset 2" in filled.run("log", "--limit", "2").out


def test_the_table_shows_what_an_operator_looks_for(filled: Desk) -> None:
    out = filled.run("log").out
    for text in (filling.CASE, "arrest-request", "990102", "held: export-held", "size-mismatch", "4.0 KiB", "outbound"):
        assert text in out


def test_wide_characters_are_aligned(filled: Desk) -> None:
    lines = filled.run("log", env={"LANG": "zh_CN.UTF-8"}).out.splitlines()
    rows = [line for line in lines if re.match(r"^ +[0-9]+  ", line)]
    (rule,) = [line for line in lines if "──" in line]
    assert len(rows) == 5
    assert any("导出" in line for line in rows)
    assert {cell_len(line) for line in rows} == {cell_len(rule)}


def test_a_name_cannot_move_the_cursor_nor_bring_markup(desk: Desk) -> None:
    with desk.ledger() as ledger:
        filling.found(ledger, 1, name="a\x1b[2Jb[red]c\u202ed.zip")
    out = desk.run("log").out
    assert "a\N{REPLACEMENT CHARACTER}[2Jb[red]c\N{REPLACEMENT CHARACTER}d.zip" in out
    assert desk.ask("log")["transfers"][0]["export_name"] == "a\x1b[2Jb[red]c\u202ed.zip"


def test_an_empty_log_says_so(desk: Desk) -> None:
    with desk.ledger():
        pass
    assert desk.run("log").out.strip() == "No transfer is like that."


def test_before_the_first_start_there_is_no_ledger(desk: Desk) -> None:
    answer = desk.run("log", "--json")
    assert answer.code == 1
    assert answer.json["error"]["code"] == "ledger-missing"


@pytest.mark.parametrize(
    ("options", "code"), [(["--since", "yesterday"], "time-malformed"), (["--peer", "x"], "unit-malformed")]
)
def test_what_is_not_understood_is_explained(filled: Desk, options: list[str], code: str) -> None:
    answer = filled.run("log", *options, "--json")
    assert answer.code == 1
    assert answer.json["error"]["code"] == code
    assert code in filled.run("log", *options).err


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("1", [1]),
        (f"{1:032x}", [1]),
        (f"{1:032x}.cfb", [1]),
        (filling.CASE, [1, 4]),
        (filling.CASE[:6], [1, 4]),
        ("导出_3", [3]),
    ],
)
def test_explain_finds_by_whatever_is_at_hand(filled: Desk, key: str, expected: list[int]) -> None:
    assert [one["transfer"]["id"] for one in filled.ask("explain", key)["stories"]] == expected


@pytest.mark.parametrize("key", ["99", "nobody", "", f"{99:032x}"])
def test_explain_says_when_there_is_nothing(filled: Desk, key: str) -> None:
    answer = filled.run("explain", key, "--json")
    assert answer.code == 1
    assert answer.json["error"]["code"] == "nothing-found"


def test_a_story_has_every_step_with_durations_and_receipts(filled: Desk) -> None:
    out = filled.run("explain", "1").out
    for text in (
        "Transfer 1, outbound",
        "was taken from the outbound folder",
        "was sealed",
        "2.0 s",
        "was put into the mailbox",
        "the recipient confirmed delivery",
        "receipt 110 by 990102",
        "It is finished and waits for nothing.",
        "DATE-ORDER",
    ):
        assert text in out
    (story,) = filled.ask("explain", "1")["stories"]
    assert [entry["what"] for entry in story["timeline"] if entry["kind"] == "event"] == [
        "found",
        "sealed",
        "sent",
        "delivery-receipted",
    ]
    assert story["receipts"][0]["issuer"] == "990102"
    assert [finding["code"] for finding in story["findings"]] == ["DATE-ORDER"]


@pytest.mark.parametrize(
    ("number", "waits", "command"),
    [
        (3, "It is held and waits for a person.", "caseferry release 3 --why ..."),
        (4, "It waits because the gateway is not running.", "systemctl start caseferry"),
        (5, "It is in quarantine and waits for a decision.", "caseferry close 5 --why ..."),
    ],
)
def test_a_story_says_why_it_waits_and_what_to_do(filled: Desk, number: int, waits: str, command: str) -> None:
    out = filled.run("explain", str(number)).out
    assert waits in out
    assert command in out


def test_a_failure_is_told_with_its_code_its_stage_and_its_reason(filled: Desk) -> None:
    out = filled.run("explain", "4").out
    assert "sending: attempt failed" in out
    assert "4095 of 4096 bytes arrived" in out
    (story,) = filled.ask("explain", "4")["stories"]
    (attempt,) = [entry for entry in story["timeline"] if entry["kind"] == "attempt"]
    assert (attempt["code"], attempt["stage"]) == ("size-mismatch", Stage.SEND)


def test_the_story_is_told_in_chinese(filled: Desk) -> None:
    out = filled.run("explain", "1", env={"LC_ALL": "zh_CN.GB18030"}).out
    assert "已从发送目录收取" in out
    assert "990102 的回执 110" in out


def test_what_has_no_room_says_so(desk: Desk) -> None:
    with desk.ledger() as ledger:
        filling.found(ledger)
    health = Health(os.getpid(), 1.0, 2222, space=(Short("/data/spool", 2.0, 5, 1, 30),))
    with desk.as_if_running(health):
        (story,) = desk.ask("explain", "1")["stories"]
        assert "It waits for room on the disk" in desk.run("explain", "1").out
    assert (story["outlook"]["waits_for"], story["outlook"]["code"]) == ("space", "disk-space-low")
