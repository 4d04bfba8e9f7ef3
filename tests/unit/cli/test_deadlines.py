"""`deadlines`, and what `explain` and `status` say of terms, on a real ledger whose terms the real worker counted."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from gateway.alerts.addressing import Addresses
from gateway.domain.answers import Kind
from gateway.domain.clock import SystemClock
from gateway.domain.lifecycle import Event
from gateway.domain.matter import Matter
from gateway.domain.records import Facts, ReceiptCode, Stage, Step
from gateway.ledger.store import Ledger
from gateway.stages.terms import PAUSE_SECONDS, TermStage
from gateway.standard.loading import place_of
from tests.support import filling
from tests.support.answers import comes
from tests.support.casefiles import person
from tests.support.desk import PEER, Desk
from tests.support.houses import Heard
from tests.support.ledger import ToldClock, receipt, receipted, seal_facts

ZONE = timezone(timedelta(hours=8))
DAY = 86400.0
NUMBERS = (("police-case-no", filling.CASE),)
DETAINED = person("张三", 0, coercive_measure="detained")
FREE = person("李四", 1, coercive_measure="bail")
TERM = "arrest-request/arrest-detained"


def asked(ledger: Ledger, number: int) -> None:
    """Seal and send a request for both, and let the peer's receipt come at once."""
    persons = (DETAINED, FREE)
    its = Matter("arrest-request", numbers=NUMBERS, persons=persons, awaits="arrest-decision", per="person")
    facts = replace(seal_facts(number, ledger.next_sequence(PEER), recipient=PEER), matter=its, case_no=filling.CASE)
    sealed = ledger.advance(Step(filling.found(ledger, number), Event.SEALED, Stage.PACK, facts))
    sent = ledger.advance(Step(sealed, Event.SENT, Stage.SEND, Facts(receipt_due_at=0.0)))
    word = replace(receipt(number, ReceiptCode.DELIVERED), issuer=PEER)
    ledger.advance(receipted(sent, Event.DELIVERY_RECEIPTED, word))


NOW = datetime(2026, 3, 12, 10, tzinfo=ZONE).timestamp()
"""A Thursday without a holiday near it: what has ended by a day, and what ends soon, is not the same on all days."""


@pytest.fixture(scope="module", autouse=True)
def _that_day() -> Iterator[None]:
    """Let it be that day for the commands too."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(SystemClock, "now", lambda _clock: NOW)
        yield


@pytest.fixture(scope="module")
def node(desks: tuple[Desk, Desk]) -> Desk:
    """A node that asked for the arrest of two nine days ago: one is detained, and nobody has answered for either."""
    desk = desks[0]
    clock = ToldClock(NOW - 9 * DAY)
    with desk.ledger(clock) as ledger:
        asked(ledger, 1)
        answer = replace(FREE, position=0, answer=Kind.FINAL, result="approved", name="批准逮捕")
        its = Matter("arrest-decision", request="arrest-request", numbers=NUMBERS, persons=(answer,))
        clock.time += DAY
        asked(ledger, 2)
        clock.time += DAY
        comes(ledger, 3, replace(its, numbers=(), related=filling.bundle(2)), of=PEER)
        stage = TermStage(
            standard=place_of(desk.place.config),
            zone=ZONE,
            addresses=Addresses((), ZONE),
            ledger=ledger,
            clock=clock,
            ops=Heard(),
            ring=lambda *_names: None,
        )
        clock.time += 7 * DAY
        while stage.step() == PAUSE_SECONDS:
            clock.time += PAUSE_SECONDS
    return desk


def test_the_terms_that_run_are_listed_what_ends_first_first(node: Desk) -> None:
    found = node.ask("deadlines")
    # Both arrests, and the execution of the decision, which is ours.
    assert (found["overdue"], found["red"]) == (3, 0)
    assert [
        (one["flow"], one["ours"]) for one in found["deadlines"] if one["level"] == "overdue" and one["kind"] != "stage"
    ] == [
        ("arrest-execution", True),
        ("arrest-request", False),
        ("arrest-request", False),
    ]
    first, *_rest = [one for one in found["deadlines"] if one["flow"] == "arrest-request"]
    assert (first["flow"], first["deadline"], first["person"], first["level"], first["limit"]) == (
        *TERM.split("/"),
        "张*",
        "overdue",
        "P7D",
    )
    assert first["left"] < 0
    assert first["basis"]
    assert [one["due_at"] for one in found["deadlines"]] == sorted(one["due_at"] for one in found["deadlines"])
    # What the decision ended is no more among them; the other request's term for the same person is.
    assert [one["transfer"] for one in found["deadlines"] if one["deadline"] == "arrest-not-detained"] == [1]


def test_the_list_may_be_narrowed(node: Desk) -> None:
    red = node.ask("deadlines", "--red")["deadlines"]
    assert {one["level"] for one in red} == {"overdue"}
    assert node.ask("deadlines", "--peer", "999999")["deadlines"] == []
    assert node.ask("deadlines", "--flow", "custody-handover")["deadlines"] == []


def test_people_read_it_in_their_language_without_a_name(node: Desk) -> None:
    text = node.run("deadlines", env={"COLUMNS": "200", "LANG": "en_GB.UTF-8"}).out
    assert "Deadlines: 3 overdue, 0 red" in text
    assert TERM in text
    assert "past" in text
    chinese = node.run("deadlines", env={"COLUMNS": "200", "LANG": "zh_CN.UTF-8"}).out
    assert "收到提请批准逮捕书后7日内决定" in chinese
    for shown in (text, chinese):
        assert "张*" in shown
        assert "张三" not in shown


def test_explain_tells_how_each_term_was_counted_and_what_ended_it(node: Desk) -> None:
    text = " ".join(node.run("explain", "2", env={"COLUMNS": "500", "LANG": "en_GB.UTF-8"}).out.split())
    assert f"({TERM}); 张*; cpl:91.3" in text
    assert "P7D from" in text
    assert "(receipt), counted as" in text
    assert "answered by transfer 3" in text
    (story,) = node.ask("explain", "2")["stories"]
    ended = {one["deadline"]: (one["outcome"], one["ended_by"]) for one in story["deadlines"]}
    assert ended["arrest-not-detained"] == ("answered", 3)
    assert ended["arrest-detained"] == ("running", None)


def test_status_counts_them_and_its_exit_code_speaks_of_the_gateway_alone(node: Desk) -> None:
    found = node.ask("status")
    assert (found["deadlines"]["overdue"], len(found["deadlines"]["urgent"])) == (3, 3)


def test_a_unit_that_is_none_is_told_rather_than_found_to_have_no_terms(node: Desk) -> None:
    answer = node.run("deadlines", "--peer", "xx", "--json")
    assert (answer.code, answer.json["error"]["code"]) == (1, "unit-malformed")
