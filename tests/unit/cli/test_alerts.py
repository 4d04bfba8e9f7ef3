"""`alerts list` and `alerts test`: who was told what, and whether a sink takes what it is sent."""

import json

import pytest

from gateway.domain.alerts import Alert, AlertKind, Severity
from gateway.domain.clock import SystemClock
from gateway.ledger.alerts import Addressed
from tests.support.alertservers import http_server
from tests.support.desk import Answer, Desk

SECRET = "shared by both\n"


def equip(desk: Desk, url: str) -> None:
    """Give a node a web hook and a file as sinks."""
    secret = desk.place.config / "hook.secret"
    secret.write_text(SECRET, "utf-8")
    secret.chmod(0o600)
    settings = desk.place.config / "gateway.yaml"
    sinks = [
        {"name": "duty", "webhook": {"url": url, "secret_file": str(secret), "timeout": "5s"}},
        {"name": "file", "file": {"path": str(desk.state / "alerts.jsonl")}},
    ]
    said = json.dumps({"sinks": sinks})
    settings.write_text(f"{settings.read_text('utf-8')}alerts: {said}\n", "utf-8")


def alert(desk: Desk, subject: str) -> None:
    now = SystemClock().now()
    cry = Alert(now, AlertKind.OPERATION, Severity.CRITICAL, subject, "export-blocked", {"transfer": 4})
    with desk.ledger() as ledger:
        ledger.alerts.record([Addressed(cry, {"duty": now, "file": now})])


def test_without_a_sink_the_alerts_stand_in_the_list_alone(desk: Desk) -> None:
    with desk.ledger():
        pass
    answer = desk.run("alerts", "list")
    assert answer.code == 0
    assert "No sink is configured" in answer.out


def test_the_list_says_who_has_taken_what_and_what_waits(desk: Desk) -> None:
    equip(desk, "https://127.0.0.1:9/hook")
    alert(desk, "one")
    found = desk.ask("alerts", "list")
    assert [(one["name"], one["waiting"]) for one in found["sinks"]] == [("duty", 1), ("file", 1)]
    (told,) = found["alerts"]
    assert (told["name"], told["severity"], told["facts"]) == ("export-blocked", "critical", {"transfer": 4})
    assert {one["name"]: one["done_at"] for one in told["sinks"]} == {"duty": None, "file": None}
    text = desk.run("alerts", "list", env={"COLUMNS": "200"}).out
    assert "Sink duty: 1 waiting." in text
    assert "duty (waits), file (waits)" in text


@pytest.mark.parametrize("as_json", [False, True])
def test_a_sink_that_takes_the_test_has_got_it(desk: Desk, as_json: bool) -> None:
    with desk.ledger():
        pass
    with http_server() as posts:
        equip(desk, posts.url)
        answer = desk.run("alerts", "test", "duty", *(["--json"] if as_json else []))
    assert answer.code == 0, answer.err
    if as_json:
        assert answer.json == {"sink": "duty", "taken": True}
    ((_path, _headers, body),) = posts.got
    assert json.loads(body)["kind"] == "test"
    assert desk.ask("alerts", "list")["alerts"] == [], "a test is no alert"


def failed(answer: Answer) -> str:
    assert answer.code == 1, answer.out
    return answer.err


def test_a_sink_that_does_not_take_it_is_said_and_its_secret_is_not(desk: Desk) -> None:
    with http_server() as posts:
        posts.status = 503
        equip(desk, posts.url)
        error = failed(desk.run("alerts", "test", "duty"))
    assert "alert-not-taken" in error
    assert SECRET.strip() not in error


def test_an_unknown_sink_is_said(desk: Desk) -> None:
    equip(desk, "https://127.0.0.1:9/hook")
    answer = desk.run("alerts", "test", "nobody")
    assert answer.code != 0
    assert "sink-unknown" in answer.err
