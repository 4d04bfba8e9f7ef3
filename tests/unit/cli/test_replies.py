"""`replies`, `reply`, and what `explain`, `log` and `status` say of requests and their answers."""

from dataclasses import replace

import pytest

from gateway.domain.errors import TransientError
from gateway.domain.records import Facts, Stage, Transfer
from gateway.ledger.store import Ledger
from tests.support.answers import comes, goes, reply, request
from tests.support.desk import PEER, Desk
from tests.support.ledger import found

ABOUT = (("proc-unified-no", "检〔2026〕8号"), ("police-case-no", "A1"))


def fill(ledger: Ledger) -> tuple[Transfer, Transfer]:
    """Have one of two persons answered; return the request and the reply."""
    asked = goes(ledger, 1, request("张三", "李四"), to=PEER)
    said = replace(reply("张三"), numbers=ABOUT)
    named = tuple(replace(one, name="批准逮捕") for one in said.persons)
    return asked, comes(ledger, 2, replace(said, persons=named), of=PEER)


def wait(ledger: Ledger, *, is_held: bool = False) -> Transfer:
    """Have a reply wait for its request."""
    return ledger.answers.wait(
        found(ledger, 3),
        PEER,
        reply("王五", numbers=("A9",)),
        Stage.PACK,
        TransientError("reply-orphan", "CORR-ORPHAN"),
        started_at=1.0,
        retry_at=None if is_held else 4e9,
        facts=Facts(flow="arrest-decision", case_no="A9"),
    )


def test_replies_shows_who_is_open_and_what_waits(desk: Desk) -> None:
    with desk.ledger() as ledger:
        asked, _came = fill(ledger)
        waiting = wait(ledger)
    told = desk.ask("replies")
    assert [(one["id"], one["open"], one["direction"]) for one in told["open"]] == [(asked.id, 1, "outbound")]
    assert [one["said"] for one in told["open"][0]["persons"]] == ["张*: 批准逮捕 2026-03-16", "李*: not answered yet"]
    assert [one["id"] for one in told["waiting"]] == [waiting.id]
    out = desk.run("replies", env={"COLUMNS": "200"}).out
    assert "张*: 批准逮捕 2026-03-16" in out
    assert "we asked" in out
    assert "张三" not in out
    assert desk.ask("replies", "--peer", PEER, "--flow", "arrest-request")["open"]
    assert not desk.ask("replies", "--flow", "custody-handover")["open"]
    assert not desk.ask("replies", "--peer", "330199")["open"]
    assert desk.run("replies", "--peer", "x y").code == 1


def test_a_case_is_found_by_any_of_its_numbers_and_shows_its_answers(desk: Desk) -> None:
    with desk.ledger() as ledger:
        asked, came = fill(ledger)
    assert [one["id"] for one in desk.ask("log", "--case", "检(2026)8")["transfers"]] == [came.id]
    told = desk.ask("log", "--case", "A1")
    assert [one["id"] for one in told["transfers"]] == [came.id, asked.id]
    assert [one["open"] for one in told["requests"]] == [1]
    assert "李*: not answered yet" in desk.run("log", "--case", "A1", env={"COLUMNS": "200"}).out
    stories = desk.ask("explain", "检〔2026〕8号")["stories"]
    assert [(one["transfer"]["id"], one["answers"]) for one in stories] == [
        (came.id, [{"id": asked.id, "flow": "arrest-request"}])
    ]
    assert f"It answers transfer {asked.id}" in desk.run("explain", came.id).out
    assert "Answers: 张*: 批准逮捕 2026-03-16" in desk.run("explain", asked.id, env={"COLUMNS": "200"}).out


def test_status_counts_what_is_open(desk: Desk) -> None:
    with desk.ledger() as ledger:
        fill(ledger)
        wait(ledger)
    assert desk.ask("status")["replies"] == {"awaited": 1, "owed": 0, "waiting": 1}
    assert "Answers: awaited 1, owed by us 0, replies without their request 1" in desk.run("status").out


def test_a_person_ties_or_lets_go_or_rejects_and_it_is_on_record(desk: Desk) -> None:
    with desk.ledger() as ledger:
        held = wait(ledger, is_held=True)
        asked = comes(ledger, 5, request("王五", numbers=("A8",)), of=PEER)
    assert desk.run("reply", "tie", held.id, asked.id, "--why", " ").code == 1
    assert desk.run("reply", "tie", held.id, asked.id, "--why", "by telephone").code == 0
    (deed,) = desk.ask("decisions")["decisions"]
    assert (deed["why"], deed["action"], deed["transfer"]) == (f"tie {asked.id}: by telephone", "release", held.id)
    with desk.ledger() as ledger:
        freed = ledger.get(held.id)
        assert (freed.hold_code, ledger.answers.said(held.id)) == (None, "tie")
    for word in ("release", "reject"):
        assert desk.run("reply", word, held.id, "--why", "asked").code == 0
        with desk.ledger() as ledger:
            assert ledger.answers.said(held.id) == word


@pytest.mark.parametrize("word", ["release", "reject"])
def test_what_does_not_wait_is_neither_released_nor_rejected(desk: Desk, word: str) -> None:
    with desk.ledger() as ledger:
        _asked, came = fill(ledger)
    answer = desk.run("reply", word, came.id, "--why", "asked")
    assert (answer.code, "reply-not-waiting" in answer.err + answer.out) == (1, True)
