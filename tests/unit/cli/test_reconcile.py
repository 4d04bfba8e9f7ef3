"""`caseferry reconcile` at a desk: what it says without a daemon, and how a report reads."""

from typing import Any

import pytest

from gateway.cli.reconcile import EXIT_SILENT, show_reconciliation
from gateway.cli.terminal import Terminal
from gateway.domain.clock import SystemClock
from tests.support.desk import PEER, Desk

STREAM = {
    "recipient": PEER,
    "epoch": 7,
    "first": 1,
    "last": 3,
    "given": 3,
    "here": 0,
    "in_flight": 0,
    "in_custody": 1,
    "delivered": 2,
    "refused": 0,
    "closed": 0,
    "unknown": 0,
    "unconfirmed": False,
    "hubs": ["HUB990100"],
    "said": {PEER: {"delivered": 2}, "HUB990100": None},
}
LOST = {
    "code": "reconcile-lost",
    "recipient": PEER,
    "epoch": 7,
    "number": 3,
    "party": "HUB990100",
    "bundle": "0a" * 16,
    "transfer": None,
    "case_no": "A9901026600002026030005",
    "remark": False,
    "mends_itself": True,
    "alarm": False,
}
BALANCED: dict[str, Any] = {
    "round": 1,
    "why": "command",
    "unit": "990102000000",
    "asked_at": 1.0,
    "at": 2.0,
    "outcome": "balanced",
    "streams": [STREAM],
    "differences": [],
    "difference_count": 0,
    "silent": [],
    "carried": [
        {
            "origin": PEER,
            "recipient": "990103",
            "epoch": 7,
            **dict.fromkeys(("aside", "closed", "custody", "pending", "refused", "twice"), 0),
            "delivered": 4,
        }
    ],
}


def test_without_a_daemon_nobody_is_asked(desk: Desk) -> None:
    with desk.ledger():
        pass
    answer = desk.run("reconcile", "--json")
    assert answer.code == 1
    assert answer.json["error"]["code"] == "gateway-not-running"


@pytest.mark.parametrize(
    ("change", "peer", "code", "said"),
    [
        ({}, "", 0, "Balanced"),
        ({"outcome": "differences", "differences": [LOST], "difference_count": 1}, "", 1, "Not balanced: 1"),
        ({"outcome": "differences", "differences": [LOST], "difference_count": 1}, "990199", 0, "Balanced"),
        ({"outcome": "silent", "silent": ["HUB990100"]}, PEER, EXIT_SILENT, "HUB990100 did not answer"),
        ({"outcome": "silent", "silent": ["990199"]}, PEER, 0, "Balanced"),
    ],
)
def test_the_exit_code_says_whether_all_balances(
    desk: Desk,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    change: dict[str, Any],
    peer: str,
    code: int,
    said: str,
) -> None:
    with desk.ledger():
        pass
    monkeypatch.setattr("gateway.cli.reconcile.reconcile", lambda *_args, **_more: {**BALANCED, **change})
    terminal = Terminal.open("en")
    assert show_reconciliation(terminal, desk.settings, SystemClock(), peer, 1.0) == code
    shown = " ".join(capsys.readouterr().out.split())
    assert said in shown
    if code == 1:
        assert "The bundle was lost on the way." in shown
        assert "A9901026600002026030005" in shown
