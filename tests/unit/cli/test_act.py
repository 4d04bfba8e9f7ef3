"""retry, hold, release, close: recorded with who and why, told to the daemon, refused where they would harm."""

import pytest

from gateway.compose.node import BELL_FOLDER
from gateway.compose.offline import BELL_FILE, login_name
from gateway.domain.ids import TransferId
from tests.support import filling
from tests.support.desk import Desk


def test_hold_and_release_are_recorded_with_who_and_why(desk: Desk) -> None:
    with desk.ledger() as ledger:
        transfer = filling.sealed(ledger)
    assert desk.run("hold", transfer.id, "--why", "请先核对").code == 0
    assert desk.ask("log")["transfers"][0]["hold_code"] == "held-by-person"
    assert desk.ask("release", transfer.id, "--why", "已核对")["transfer"]["hold_code"] is None
    with desk.ledger() as ledger:
        entries = ledger.timeline(transfer.id)[-2:]
    assert [(entry.kind, entry.note, entry.actor) for entry in entries] == [
        ("hold", "请先核对", login_name()),
        ("release", "已核对", login_name()),
    ]


def test_retry_makes_it_due_now(desk: Desk) -> None:
    with desk.ledger() as ledger:
        transfer = filling.failing(ledger, retry_in=86400)
    changed = desk.ask("retry", transfer.id)["transfer"]
    assert changed["next_attempt_at"] < transfer.next_attempt_at
    assert changed["attempts"] == 1


def test_retry_wants_a_transfer_or_a_link_and_not_both(desk: Desk) -> None:
    for arguments in ((), (1, "--link", "procuratorate")):
        answer = desk.run("retry", *arguments)
        assert answer.code == 2
        assert "--link" in answer.err
    with desk.ledger() as ledger:
        filling.failing(ledger, retry_in=86400)
    assert desk.ask("retry", "--link", "procuratorate", "--why", "修好了") == {"link": "procuratorate", "transfers": 1}
    assert desk.ask("retry", "--link", "nobody")["error"]["code"] == "link-unknown"


def test_close_ends_it(desk: Desk) -> None:
    with desk.ledger() as ledger:
        transfer = filling.quarantined(ledger)
    answer = desk.run("close", transfer.id, "--why", "对方确认不是其发送")
    assert answer.code == 0
    with desk.ledger() as ledger:
        assert ledger.get(TransferId(transfer.id)).state == "closed"


@pytest.mark.parametrize(
    ("make", "command", "code"),
    [
        (filling.held, ["retry"], "transfer-held"),
        (filling.delivered, ["retry"], "transfer-ended"),
        (filling.delivered, ["hold", "--why", "x"], "transfer-ended"),
        (filling.sealed, ["release", "--why", "x"], "transfer-not-held"),
        (filling.sealed, ["hold", "--why", "  "], "reason-missing"),
    ],
)
def test_what_cannot_be_done_is_explained(desk: Desk, make: object, command: list[str], code: str) -> None:
    assert callable(make)
    with desk.ledger() as ledger:
        transfer = make(ledger)
    answer = desk.run(command[0], transfer.id, *command[1:], "--json")
    assert answer.code == 1
    assert answer.json["error"]["code"] == code
    assert answer.json["error"]["do"]


def test_what_is_closed_cannot_be_closed_again(desk: Desk) -> None:
    with desk.ledger() as ledger:
        transfer = filling.sealed(ledger)
    assert desk.run("close", transfer.id, "--why", "x").code == 0
    assert desk.run("close", transfer.id, "--why", "x", "--json").json["error"]["code"] == "transfer-unclosable"


@pytest.mark.parametrize(
    "command", [["retry"], ["hold", "--why", "x"], ["release", "--why", "x"], ["close", "--why", "x"]]
)
def test_no_command_makes_a_ledger_or_a_transfer(desk: Desk, command: list[str]) -> None:
    before = desk.run(command[0], 7, *command[1:], "--json")
    assert before.json["error"]["code"] == "ledger-missing"
    with desk.ledger():
        pass
    assert desk.run(command[0], 7, *command[1:], "--json").json["error"]["code"] == "no-such-transfer"


def test_the_bell_is_rung_and_does_not_pile_up(desk: Desk) -> None:
    bell = desk.state / BELL_FOLDER
    bell.mkdir()
    with desk.ledger() as ledger:
        transfer = filling.sealed(ledger)
    for _ in range(3):
        desk.run("hold", transfer.id, "--why", "x")
        desk.run("release", transfer.id, "--why", "x")
    assert [path.name for path in bell.iterdir()] == [BELL_FILE]


def test_without_a_reason_nothing_is_decided(desk: Desk) -> None:
    answer = desk.run("hold", 1)
    assert answer.code == 2
    assert "--why" in answer.err
