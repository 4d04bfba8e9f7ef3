"""Which request a reply answers, for each of its persons; and that nobody guesses."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.domain.answers import STRANGER, WHOLE, By, Kind, Outcome, Word
from gateway.domain.errors import PermanentError
from gateway.domain.ids import UnitCode
from gateway.domain.lifecycle import Event
from gateway.domain.matter import Matter
from gateway.domain.records import ReceiptCode, Transfer
from gateway.ledger.queries import TransferFilter
from gateway.ledger.store import Ledger
from tests.support.answers import comes, goes, reply, request, standing, view_of
from tests.support.ledger import OTHER_PEER, PEER, bundle, open_ledger, receipt, receipted, verified

BOTH = request("张三", "李四")


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with open_ledger(tmp_path) as opened:
        yield opened


def fit_of(ledger: Ledger, matter: Matter, peer: UnitCode = PEER) -> tuple[Outcome, tuple[int, ...]]:
    """Return what a reply that has just come would be tied to."""
    waiting = verified(ledger, 99, 99)
    found = ledger.answers.fit(waiting, peer, matter)
    return found.outcome, found.candidates


def owed(ledger: Ledger, transfer: Transfer) -> int:
    return view_of(ledger, transfer).asked.open


def test_a_request_is_open_until_every_person_is_answered(ledger: Ledger) -> None:
    asked = goes(ledger, 1, BOTH)
    assert standing(ledger, asked) == {"张*": "open", "李*": "open"}
    comes(ledger, 2, reply("张三"))
    assert standing(ledger, asked) == {"张*": "final approved", "李*": "open"}
    assert [view.asked.transfer for view in ledger.answers.open(limit=9)] == [asked.id]
    comes(ledger, 3, reply("李四", result="refused"))
    assert standing(ledger, asked) == {"张*": "final approved", "李*": "final refused"}
    assert ledger.answers.open(limit=9) == []
    assert {one.by for one in view_of(ledger, asked).answers} == {By.NUMBER}


def test_a_request_that_is_not_answered_person_by_person_is_closed_by_any_reply(ledger: Ledger) -> None:
    asked = goes(ledger, 1, replace(BOTH, per=""))
    comes(ledger, 2, reply("张三"))
    assert owed(ledger, asked) == 0


def test_the_answerer_sees_what_it_owes(ledger: Ledger) -> None:
    asked = comes(ledger, 1, BOTH)
    goes(ledger, 2, reply("李四"))
    assert standing(ledger, asked) == {"张*": "open", "李*": "final approved"}
    assert (ledger.answers.counts().owed, ledger.answers.counts().awaited) == (1, 0)


def test_the_bundle_it_names_goes_before_its_numbers(ledger: Ledger) -> None:
    meant = goes(ledger, 1, request("张三", numbers=("A1",)))
    goes(ledger, 2, request("张三", numbers=("A2",)))
    comes(ledger, 3, reply("张三", numbers=("A2",), related=bundle(1)))
    (answer,) = view_of(ledger, meant).answers
    assert answer.by is By.BUNDLE


def test_any_of_the_numbers_ties_however_it_is_written(ledger: Ledger) -> None:
    asked = goes(ledger, 1, replace(request("张三"), numbers=(("court-case-no", "（2026）甲01刑初 5号"),)))
    numbers = (("proc-dept-no", "X9"), ("court-case-no", "(2026)甲01刑初5号"))
    comes(ledger, 2, replace(reply("张三"), numbers=numbers))
    assert owed(ledger, asked) == 0
    for wanted in (TransferFilter(case="〔2026〕甲01刑初5号", exact=True), TransferFilter(case="(2026)甲01")):
        assert [one.id for one in ledger.search(wanted)] == [2, asked.id]


def test_a_number_of_another_scheme_is_another_number(ledger: Ledger) -> None:
    goes(ledger, 1, request("张三"))
    other = replace(reply("王五"), numbers=(("court-case-no", "A1"),))
    assert fit_of(ledger, other)[0] is Outcome.ORPHAN


@pytest.mark.parametrize("number", [True, False])
def test_without_numbers_the_persons_tie(ledger: Ledger, number: bool) -> None:
    asked = goes(ledger, 1, request("张三", "李四", numbers=(), number=number))
    comes(ledger, 2, reply("李四", numbers=(), number=number))
    assert standing(ledger, asked) == {"张*": "open", "李*": "final approved"}
    assert [one.by for one in view_of(ledger, asked).answers] == [By.PERSON]


def test_a_name_alone_ties_nobody(ledger: Ledger) -> None:
    goes(ledger, 1, request("张三", numbers=(), number=False))
    other = reply("张三", numbers=(), number=False, charges=("robbery",))
    assert fit_of(ledger, other)[0] is Outcome.ORPHAN


def test_one_name_with_two_identity_numbers_is_two_persons(ledger: Ledger) -> None:
    asked = goes(ledger, 1, request("张三"))
    namesake = replace(reply("张三"), persons=(replace(reply("张三").persons[0], number_key="p-other"),))
    comes(ledger, 2, namesake)
    assert standing(ledger, asked) == {"张*": "open"}
    assert [one.position for one in view_of(ledger, asked).answers] == [STRANGER]


def test_a_changed_number_is_for_a_person_to_see(ledger: Ledger) -> None:
    asked = goes(ledger, 1, request("张三", numbers=("A1",)))
    assert fit_of(ledger, reply("张三", numbers=("A7",))) == (Outcome.UNCLEAR, (asked.id,))


def test_two_open_requests_for_one_person_are_not_chosen_from(ledger: Ledger) -> None:
    one, two = goes(ledger, 1, request("张三")), goes(ledger, 2, request("张三"))
    assert fit_of(ledger, reply("张三")) == (Outcome.UNCLEAR, (one.id, two.id))
    comes(ledger, 3, reply("张三"))
    assert (owed(ledger, one), owed(ledger, two)) == (1, 1)


def test_of_several_requests_the_one_that_is_open_is_meant(ledger: Ledger) -> None:
    first = goes(ledger, 1, request("张三"))
    comes(ledger, 2, reply("张三", result="refused"))
    second = goes(ledger, 3, request("张三"))
    comes(ledger, 4, reply("张三"))
    assert standing(ledger, first) == {"张*": "final refused"}
    assert standing(ledger, second) == {"张*": "final approved"}


def test_persons_tell_requests_of_one_case_apart(ledger: Ledger) -> None:
    one, two = goes(ledger, 1, request("张三")), goes(ledger, 2, request("李四"))
    comes(ledger, 3, reply("李四", "张三"))
    assert (owed(ledger, one), owed(ledger, two)) == (0, 0)


def test_who_is_not_in_the_request_is_told_of_and_answers_nobody(ledger: Ledger) -> None:
    asked = goes(ledger, 1, BOTH)
    found = ledger.answers.fit(verified(ledger, 99, 99), PEER, reply("张三", "王五"))
    assert (found.outcome, found.strangers) == (Outcome.TIED, (1,))
    comes(ledger, 2, reply("张三", "王五"))
    assert standing(ledger, asked) == {"张*": "final approved", "李*": "open"}
    assert {(one.position, one.shown) for one in view_of(ledger, asked).answers} == {(0, "张*"), (STRANGER, "王*")}


def test_another_unit_or_another_way_is_no_answer(ledger: Ledger) -> None:
    goes(ledger, 1, request("张三"), to=OTHER_PEER)
    comes(ledger, 2, request("张三"))
    assert fit_of(ledger, reply("张三"))[0] is Outcome.ORPHAN


def test_what_was_refused_is_answered_by_nobody(ledger: Ledger) -> None:
    asked = goes(ledger, 1, request("张三"))
    ledger.advance(receipted(asked, Event.REFUSAL_RECEIPTED, receipt(1, ReceiptCode.NOT_PERMITTED)))
    assert fit_of(ledger, reply("张三"))[0] is Outcome.ORPHAN
    assert ledger.answers.open(limit=9) == []


def test_a_reply_that_names_nobody_answers_the_only_person_but_not_one_of_many(ledger: Ledger) -> None:
    alone = goes(ledger, 1, request("张三", numbers=("A1",)))
    many = goes(ledger, 2, request("张三", "李四", numbers=("A2",)))
    comes(ledger, 3, reply(numbers=("A1",)))
    comes(ledger, 4, reply(numbers=("A2",)))
    assert (owed(ledger, alone), owed(ledger, many)) == (0, 2)
    assert [one.position for one in view_of(ledger, many).answers] == [WHOLE]


def test_what_its_packer_does_not_understand_is_not_judged(ledger: Ledger) -> None:
    assert fit_of(ledger, reply(numbers=()))[0] is Outcome.UNJUDGED


def test_an_acceptance_leaves_open_a_return_does_not_and_a_decision_goes_before_both(ledger: Ledger) -> None:
    asked = goes(ledger, 1, BOTH)
    comes(ledger, 2, reply("张三", "李四", kind=Kind.INTERIM, result="accepted"))
    assert owed(ledger, asked) == 2
    comes(ledger, 3, reply("张三", kind=Kind.RETURNED, result="completed"))
    assert (owed(ledger, asked), standing(ledger, asked)["张*"]) == (1, "returned completed")
    comes(ledger, 4, reply("李四"))
    assert owed(ledger, asked) == 0  # the rest never wait for the one
    comes(ledger, 5, reply("张三"))
    assert standing(ledger, asked) == {"张*": "final approved", "李*": "final approved"}


def test_a_person_answered_twice_and_otherwise_is_a_question(ledger: Ledger) -> None:
    asked = goes(ledger, 1, request("张三"))
    comes(ledger, 2, reply("张三"))
    assert fit_of(ledger, reply("张三", result="refused"))[0] is Outcome.TWICE
    comes(ledger, 3, reply("张三"))
    assert [one.twice for one in view_of(ledger, asked).answers] == [False, False]
    comes(ledger, 4, reply("张三", result="refused", day="2026-03-18"))
    assert [one.twice for one in view_of(ledger, asked).answers] == [False, False, True]


def test_a_correction_takes_the_place_of_what_it_corrects_in_any_order(ledger: Ledger) -> None:
    asked = goes(ledger, 1, request("张三"))
    comes(ledger, 3, reply("张三", result="refused", numbers=("A1",)), corrects=2)
    comes(ledger, 2, reply("张三"))
    assert standing(ledger, asked) == {"张*": "final refused"}
    assert {one.bundle: one.void for one in view_of(ledger, asked).answers} == {bundle(2): True, bundle(3): False}


def test_a_corrected_request_hands_its_answers_on(ledger: Ledger) -> None:
    first = goes(ledger, 1, BOTH)
    comes(ledger, 2, reply("张三", related=bundle(1)))
    second = goes(ledger, 3, request("张三", "李四", "王五"), corrects=1)
    assert standing(ledger, second) == {"张*": "final approved", "李*": "open", "王*": "open"}
    assert [view.asked.transfer for view in ledger.answers.open(limit=9)] == [second.id]
    comes(ledger, 4, reply("李四", related=bundle(1)))
    assert owed(ledger, second) == 1
    assert view_of(ledger, first).answers == ()


@pytest.mark.parametrize("is_first", [True, False])
def test_a_withdrawal_marks_and_deletes_nothing(ledger: Ledger, is_first: bool) -> None:
    asked = goes(ledger, 1, request("张三"))
    withdrawal = Matter("package-withdrawal", related=bundle(2), awaits="package-withdrawal-result")
    if is_first:
        comes(ledger, 3, withdrawal)
    comes(ledger, 2, reply("张三"))
    if not is_first:
        comes(ledger, 3, withdrawal)
    assert standing(ledger, asked) == {"张*": "open"}
    assert [one.void for one in view_of(ledger, asked).answers] == [True]
    comes(ledger, 4, reply("张三", result="refused"))
    assert standing(ledger, asked) == {"张*": "final refused"}


def test_a_withdrawn_request_is_not_open_and_its_answer_says_so(ledger: Ledger) -> None:
    asked = goes(ledger, 1, request("张三"))
    comes(ledger, 9, Matter("package-withdrawal", related=bundle(1)))
    assert owed(ledger, asked) == 1
    assert len(ledger.answers.open(limit=9)) == 1  # only its own sender takes it back
    goes(ledger, 2, Matter("package-withdrawal", related=bundle(1)))
    assert ledger.answers.open(limit=9) == []
    assert ledger.answers.fit(verified(ledger, 99, 99), PEER, reply("张三")).withdrawn


def test_a_copy_neither_asks_nor_answers(ledger: Ledger) -> None:
    asked = goes(ledger, 1, request("张三"))
    comes(ledger, 2, reply("张三", copy="1"))
    copied = comes(ledger, 3, request("李四", copy="1"))
    assert owed(ledger, asked) == 1
    assert ledger.answers.of_request(copied.id) is None


def test_a_person_ties_what_has_gone_and_the_word_stands(ledger: Ledger) -> None:
    one, two = goes(ledger, 1, request("张三")), goes(ledger, 2, request("张三"))
    came = comes(ledger, 3, reply("张三"))
    ledger.answers.say(came, Word.TIE, "wang", "asked by telephone", two.id)
    assert (owed(ledger, one), owed(ledger, two)) == (1, 0)
    assert [one.by for one in view_of(ledger, two).answers] == [By.HAND]
    third = goes(ledger, 4, request("张三"), corrects=2)
    assert (owed(ledger, one), owed(ledger, third)) == (1, 0)
    assert [(deed.actor, deed.action, deed.why) for deed in ledger.decisions.deeds()] == [
        ("wang", "tie", f"{two.id}: asked by telephone")
    ]


def test_a_word_is_refused_where_it_makes_no_sense(ledger: Ledger) -> None:
    asked, came = goes(ledger, 1, request("张三")), comes(ledger, 2, reply("李四", numbers=("A2",)))
    with pytest.raises(PermanentError, match="no reply that waits"):
        ledger.answers.say(asked, Word.TIE, "wang", "why", asked.id)
    with pytest.raises(PermanentError, match="no reply that waits"):
        ledger.answers.say(came, Word.RELEASE, "wang", "why")
    with pytest.raises(PermanentError, match="that it may answer"):
        ledger.answers.say(came, Word.TIE, "wang", "why", came.id)
