"""`status`: is it normal, at whom is it stuck, what is to be done; and what each answer ends with."""

import json
import os
from collections.abc import Callable
from typing import Any

import pytest

from gateway.compose.health import FILE_NAME, Health, Hearing, Short, Skewed, Trouble, Waiting
from gateway.daemon.progress import FILE_NAME as PROGRESS_FILE
from gateway.domain.clock import SystemClock
from gateway.domain.records import Order
from tests.support import filling
from tests.support.desk import LINK, PEER, Desk
from tests.support.orderly import keep

NOW = SystemClock().now()


def health(*, troubles: tuple[Trouble, ...] = (), waiting: tuple[Waiting, ...] = (), **more: Any) -> Health:
    return Health(os.getpid(), NOW - 60, 2222, troubles, waiting, **more)


def trouble(code: str, *, seconds: float, scope: str = "link", name: str = LINK) -> Trouble:
    return Trouble(scope, name, code, "", 3, NOW - seconds, NOW + 60)


def needs(desk: Desk) -> list[str]:
    return [one["need"] for one in desk.ask("status")["attention"]]


def test_a_node_that_was_never_started_is_down_and_no_fault(desk: Desk) -> None:
    answer = desk.run("status")
    assert answer.code == 2
    assert "Down: the gateway is not running." in answer.out
    assert "systemctl start caseferry" in answer.out
    assert desk.ask("status")["daemon"] == {
        "running": False,
        "pid": None,
        "since": None,
        "port": None,
        "silent": False,
        "deaf_folders": [],
        "canary_denied_folders": [],
        "canary_age": None,
        "event_overflows": 0,
        "event_restarts": 0,
        "folders_rearmed": 0,
    }


def test_a_running_node_without_trouble_is_normal(desk: Desk) -> None:
    with desk.ledger() as ledger:
        filling.delivered(ledger)
    with desk.as_if_running(health()):
        answer = desk.run("status")
        whole = desk.ask("status")
    assert answer.code == 0
    assert "Normal: nothing needs a person." in answer.out
    assert whole["condition"] == "normal"
    assert whole["daemon"]["pid"] == os.getpid()
    assert whole["daemon"]["port"] == 2222
    assert whole["counts"] == {"outbound": {"delivered": 1}, "inbound": {}, "relay": {}}


def test_it_says_how_much_waits_on_each_link_and_since_when(desk: Desk) -> None:
    with desk.ledger() as ledger:
        first = filling.sealed(ledger, 1)
        filling.sealed(ledger, 2)
        filling.delivered(ledger, 3)
    with desk.as_if_running(health()):
        (link,) = desk.ask("status")["links"]
    assert link["waiting"] == {"outbound": 2, "inbound": 0, "relay": 0}
    assert link["waiting_since"] == first.found_at
    assert link["peer"] == PEER


def test_what_is_held_needs_a_person_and_comes_with_the_command_that_helps(desk: Desk) -> None:
    with desk.ledger() as ledger:
        transfer = filling.held(ledger)
    with desk.as_if_running(health()):
        answer = desk.run("status")
        whole = desk.ask("status")
    assert answer.code == 1
    assert f"caseferry release {transfer.id} --why" in answer.out
    assert "export-held" in answer.out
    assert whole["held_count"] == 1
    assert whole["held"][0]["outlook"]["waits_for"] == "person"


def test_what_is_in_quarantine_needs_a_decision(desk: Desk) -> None:
    with desk.ledger() as ledger:
        filling.quarantined(ledger)
    with desk.as_if_running(health()):
        assert needs(desk) == ["quarantined"]


def test_what_is_tried_again_by_itself_needs_nobody(desk: Desk) -> None:
    with desk.ledger() as ledger:
        transfer = filling.failing(ledger)
    with desk.as_if_running(health()):
        answer = desk.run("status")
        (one,) = desk.ask("status")["retrying"]
    assert answer.code == 0
    assert one["outlook"]["code"] == "size-mismatch"
    assert one["outlook"]["until"] == transfer.next_attempt_at


@pytest.mark.parametrize(
    ("code", "seconds", "expected"),
    [
        ("link-unreachable", 60, []),
        ("link-unreachable", 3600, ["link-trouble"]),
        ("host-key-mismatch", 1, ["link-trouble"]),
    ],
)
def test_a_link_may_mend_itself_for_a_while(desk: Desk, code: str, seconds: float, expected: list[str]) -> None:
    with desk.as_if_running(health(troubles=(trouble(code, seconds=seconds),))):
        whole = desk.ask("status")
        assert [one["need"] for one in whole["attention"]] == expected
        assert whole["links"][0]["trouble"]["code"] == code
        assert whole["links"][0]["trouble"]["next_try"] == pytest.approx(NOW + 60)


def test_a_folder_that_cannot_be_read_is_told(desk: Desk) -> None:
    one = trouble("folder-missing", seconds=1, scope="route", name="police")
    with desk.as_if_running(health(troubles=(one,))):
        assert needs(desk) == ["route-trouble"]
        assert "police" in desk.run("status").out


def test_an_export_that_waits_too_long_is_told_by_name(desk: Desk) -> None:
    one = Waiting("police", "案件_1.zip", "FS-NO-MARKER", 7200.0)
    with desk.as_if_running(health(waiting=(one,))):
        answer = desk.run("status")
    assert answer.code == 1
    assert "案件_1.zip" in answer.out


def test_a_receipt_that_does_not_come_names_who_is_silent(desk: Desk) -> None:
    with desk.ledger() as ledger:
        filling.sent(ledger, 1, at=NOW - 8000)
        filling.sent(ledger, 2, at=NOW - 10)
    with desk.as_if_running(health()):
        (notice,) = desk.ask("status")["attention"]
    assert (notice["need"], notice["subject"], notice["count"]) == ("receipt-late", LINK, 1)
    assert notice["command"] == f"caseferry log --peer {PEER} --state sent"


def test_a_daemon_that_does_not_answer_is_told(desk: Desk) -> None:
    with desk.as_if_running(health()):
        os.utime(desk.state / FILE_NAME, (NOW - 600, NOW - 600))
        assert needs(desk) == ["daemon-silent"]


def test_what_an_earlier_daemon_left_behind_does_not_count(desk: Desk) -> None:
    stale = Health(1, NOW - 60, 2222, (trouble("host-key-mismatch", seconds=1),))
    with desk.as_if_running(stale):
        whole = desk.ask("status")
    assert whole["links"][0]["trouble"] is None
    assert whole["condition"] == "normal"


def test_a_full_disk_is_told(desk: Desk) -> None:
    config = desk.place.config / "gateway.yaml"
    config.write_text(config.read_text("utf-8").replace("free_space: 64 MiB", "free_space: 1 TiB"), "utf-8")
    with desk.as_if_running(health()):
        whole = desk.ask("status")
    assert [one["need"] for one in whole["attention"]] == ["disk-low"]
    assert whole["disk"]["low"] is True


def test_what_waits_for_room_is_counted_and_says_how_much_is_missing(desk: Desk) -> None:
    short = Short("/data/spool", NOW - 90, 3 << 20, 2, 5 << 30)
    with desk.as_if_running(health(space=(short,))):
        answer, whole = desk.run("status"), desk.ask("status")
    (notice,) = whole["attention"]
    assert (notice["need"], notice["subject"], notice["count"]) == ("disk-low", "/data/spool", 2)
    assert (notice["missing"], notice["bytes"], notice["since"]) == (3 << 20, 5 << 30, NOW - 90)
    (same,) = whole["short_of_space"]
    assert (same["waiting"], same["waiting_bytes"], same["missing"]) == (2, 5 << 30, 3 << 20)
    assert answer.code == 1
    assert "3.0 MiB more must become free; 2 wait for it (5.0 GiB)" in answer.out


@pytest.mark.parametrize(
    ("low", "high", "needs_a_person", "way"),
    [
        (3599.0, 3601.0, True, "ahead of"),
        (-7200.0, -3600.0, True, "behind"),
        (-7200.0, 1e9, False, ""),
        (100.0, 200.0, False, ""),
    ],
)
def test_a_clock_that_provably_differs_is_told(
    desk: Desk, low: float, high: float, way: str, *, needs_a_person: bool
) -> None:
    with desk.as_if_running(health(clocks=(Skewed(PEER, low, high, NOW - 5),))):
        answer, whole = desk.run("status"), desk.ask("status")
    assert [one["need"] for one in whole["attention"]] == ["clock-skew"] * needs_a_person
    assert (way in answer.out) if way else ("clock" not in answer.out)
    (link,) = whole["links"]
    assert link["clock"]["ahead_least"] == low
    assert link["clock"]["ahead_most"] == (None if high == 1e9 else high)
    if needs_a_person:
        assert "1 h" in answer.out or "59 min" in answer.out


def test_a_folder_that_is_not_heard_has_a_line_and_needs_nobody(desk: Desk) -> None:
    route, *_ = desk.ask("status")["routes"]
    assert route["ear"] == "unknown"
    heard = Hearing(1, 2, 3, NOW - 30, ())
    for ear, more in (
        ("hears", {"hearing": heard}),
        ("deaf", {"deaf": (route["folder"],)}),
        ("canary-denied", {"hearing": Hearing(denied=(route["folder"],))}),
    ):
        with desk.as_if_running(health(**more)):
            answer, whole = desk.run("status"), desk.ask("status")
        assert whole["routes"][0]["ear"] == ear
        assert whole["condition"] == "normal"
        assert ("raises" in answer.out) is (ear != "hears")
        if ear == "hears":
            daemon = whole["daemon"]
            assert (daemon["event_overflows"], daemon["event_restarts"], daemon["folders_rearmed"]) == (1, 2, 3)
            assert daemon["canary_age"] == pytest.approx(whole["at"] - (NOW - 30), abs=0.1)


def test_a_long_transfer_shows_percent_rate_and_time_left(desk: Desk) -> None:
    with desk.ledger() as ledger:
        transfer = filling.sealed(ledger)
    with desk.as_if_running(health()):
        body = {
            "transfer": transfer.id,
            "stage": "send",
            "done": 250,
            "total": 1000,
            "seconds": 5.0,
            "rate": 50,
            "paused": False,
        }
        board = {"v": 1, "pid": os.getpid(), "written_at": NOW, "transfers": [body]}
        (desk.state / PROGRESS_FILE).write_text(json.dumps(board), "utf-8")
        answer = desk.run("status")
        watched = desk.run("watch", "--once")
        (one,) = desk.ask("status")["under_way"]
    assert (one["percent"], one["rate"], one["id"]) == (25.0, 50, transfer.id)
    for out in (answer.out, watched.out):
        assert "25.0 %" in out
        assert "50 B/s" in out
        assert "15 s" in out
        assert filling.CASE in out


def test_a_large_transfer_that_gives_way_is_shown_as_paused(desk: Desk) -> None:
    with desk.ledger() as ledger:
        transfer = filling.sealed(ledger)
    with desk.as_if_running(health()):
        body = {"transfer": transfer.id, "stage": "send", "done": 250, "total": 1000, "seconds": 5, "rate": 50}
        board = {"v": 1, "pid": os.getpid(), "written_at": NOW, "transfers": [body | {"paused": True}]}
        (desk.state / PROGRESS_FILE).write_text(json.dumps(board), "utf-8")
        for command in (("status",), ("watch", "--once")):
            out = desk.run(*command).out
            assert "paused for urgent" in out
            assert "50 B/s" not in out
        (one,) = desk.ask("status")["under_way"]
    assert one["paused"] is True


@pytest.mark.parametrize("once", [["--once"], []])
def test_watch_without_a_terminal_shows_one_picture(desk: Desk, once: list[str]) -> None:
    answer = desk.run("watch", *once)
    assert answer.code == 2
    assert answer.out.count("Down: the gateway is not running.") == 1


def chinese_by_locale(desk: Desk) -> str:
    return desk.run("status", env={"LANG": "zh_CN.UTF-8"}).out


def chinese_by_setting(desk: Desk) -> str:
    config = desk.place.config / "gateway.yaml"
    config.write_text(config.read_text("utf-8").replace("node:\n", "node:\n  language: zh_CN\n"), "utf-8")
    return desk.run("status").out


@pytest.mark.parametrize("speak", [chinese_by_locale, chinese_by_setting])
def test_it_speaks_chinese(desk: Desk, speak: Callable[[Desk], str]) -> None:
    assert "停止: 网关未运行。" in speak(desk)


def test_a_broken_configuration_is_explained_in_chinese_with_its_place(desk: Desk) -> None:
    config = desk.place.config / "gateway.yaml"
    config.write_text(config.read_text("utf-8") + "\nnoed: 1\n", "utf-8")
    answer = desk.run("status", env={"LANG": "zh_CN.UTF-8"})
    assert answer.code == 1
    assert f"{config}:" in answer.err
    assert '"noed"' in answer.err
    assert "there is no setting" not in answer.err


def test_of_two_directions_that_fail_the_graver_is_told(desk: Desk) -> None:
    both = (trouble("link-unreachable", seconds=5), trouble("link-auth-refused", seconds=1))
    with desk.as_if_running(health(troubles=both)):
        whole = desk.ask("status")
    assert whole["links"][0]["trouble"]["code"] == "link-auth-refused"
    assert [one["code"] for one in whole["attention"]] == ["link-auth-refused"]


def test_what_holds_others_back_and_what_waits_for_it_are_told(desk: Desk) -> None:
    keep(desk.place.root.parent, Order.CASE)
    with desk.ledger() as ledger:
        first = filling.sealed(ledger, 1)
        ledger.hold(first, "asked", "somebody", "a question")
        second = filling.sealed(ledger, 2)
    with desk.as_if_running(health()):
        assert needs(desk) == ["held", "holds-back"]
        assert f"Transfer {first.id} is held and holds back 1" in desk.run("status").out
        (story,) = desk.ask("explain", second.id)["stories"]
        assert (story["outlook"]["waits_for"], story["outlook"]["behind"]) == ("order", first.id)
        assert f"caseferry release {first.id} --why ..." in story["outlook"]["commands"]
        assert f"It waits for transfer {first.id}, " in desk.run("explain", second.id).out
