"""Requests and answers between two whole nodes: tied at both ends, waiting, held, let go, in any order."""

import json

import pytest

from gateway.domain.answers import Word
from gateway.domain.lifecycle import State
from gateway.domain.records import Transfer, known
from tests.support.houses import IN, OUT, House, Street
from tests.support.replying import answered, drop, got, says, settle

REQUEST, REPLY = "arrest-request", "arrest-decision"
DAY = 86_400.0
BOTH = says(REQUEST, "张三", "李四")
APPROVED = says(REPLY, "张三", decision="approved")
REFUSED = says(REPLY, "李四", decision="refused")


def only(house: House, name: str) -> Transfer:
    """Return the transfer of the export dropped as `name`."""
    (found,) = [one for one in house.transfers(OUT) if one.export_name == name]
    return found


def ack(houses: Street, name: str) -> list[dict[str, str]]:
    """Return the answers that the police case software sees beside its export."""
    path = houses.police.root / "out" / "says" / "ack" / f"{name}.receipt.json"
    answers: list[dict[str, str]] = json.loads(path.read_bytes())["answers"]
    return answers


def err(house: House, name: str) -> dict[str, object]:
    """Return what the case software was told of an export."""
    path = house.root / "out" / "says" / "err" / f"{name}.err.json"
    found: dict[str, object] = json.loads(path.read_bytes())
    return found


def ask(houses: Street, content: bytes = BOTH, name: str = "request.json") -> None:
    drop(houses.police, name, content)
    settle(houses)


def test_two_decisions_in_two_bundles_close_the_request_at_both_ends(houses: Street) -> None:
    ask(houses)
    assert answered(houses.police, OUT) == answered(houses.procuratorate, IN) == [{"张*": "open", "李*": "open"}]
    drop(houses.procuratorate, "one.json", APPROVED)
    settle(houses)
    assert answered(houses.police, OUT) == [{"张*": "final approved", "李*": "open"}]
    assert [(one["person"], one["kind"], one["result"]) for one in ack(houses, "request.json")] == [
        ("张*", "final", "批准逮捕"),
        ("李*", "", ""),
    ]
    for house in houses.houses:
        house.close()
        house.open()  # a restart in between loses nothing
    drop(houses.procuratorate, "two.json", REFUSED)
    settle(houses)
    whole = [{"张*": "final approved", "李*": "final refused"}]
    assert answered(houses.police, OUT) == answered(houses.procuratorate, IN) == whole
    assert got(houses.police) == ["one.json", "two.json"]
    assert [one["result"] for one in ack(houses, "request.json")] == ["批准逮捕", "不批准逮捕"]
    assert houses.police.ledger.answers.open(limit=9) == []
    assert "张三" not in str(houses.police.log.lines) + str(ack(houses, "request.json"))


def test_a_reply_without_its_request_waits_and_goes_on_at_once_when_it_comes(houses: Street) -> None:
    drop(houses.procuratorate, "one.json", APPROVED)
    houses.work(10)
    waiting = only(houses.procuratorate, "one.json")
    assert (waiting.state, waiting.last_error, waiting.hold_code) == (State.FOUND, "reply-orphan", None)
    assert waiting.next_attempt_at == pytest.approx(houses.clock.time + 3 * DAY, abs=60)  # no polling in between
    told = err(houses.procuratorate, "one.json")
    assert (told["verdict"], "reply tie" in str(told["advice"])) == ("wait", True)
    ask(houses)
    assert answered(houses.police, OUT) == [{"张*": "final approved", "李*": "open"}]
    assert not (houses.procuratorate.root / "out" / "says" / "err" / "one.json.err.json").exists()
    assert "request-found" in houses.procuratorate.events(only(houses.procuratorate, "one.json"))


def test_after_three_days_a_person_is_asked_and_the_request_still_lets_it_go(houses: Street) -> None:
    drop(houses.procuratorate, "one.json", APPROVED)
    houses.work(10)
    houses.clock.time += 3 * DAY - 60
    houses.work(10)
    assert only(houses.procuratorate, "one.json").hold_code is None
    houses.clock.time += 120
    houses.work(10)
    held = only(houses.procuratorate, "one.json")
    assert (held.hold_code, err(houses.procuratorate, "one.json")["verdict"]) == ("reply-orphan", "hold")
    ask(houses)
    assert answered(houses.police, OUT) == [{"张*": "final approved", "李*": "open"}]


@pytest.mark.parametrize("is_held", [False, True])
def test_a_person_ties_an_orphan_by_hand(houses: Street, is_held: bool) -> None:
    ask(houses)
    drop(houses.procuratorate, "one.json", says(REPLY, "王五", decision="approved", number="A777"))
    houses.work(10)
    if is_held:
        houses.clock.time += 3 * DAY
        houses.work(10)
    house = houses.procuratorate
    assert (only(house, "one.json").hold_code is not None) is is_held
    house.ledger.answers.say(only(house, "one.json"), Word.TIE, "wang", "he was called 李四 before", house.only(IN).id)
    settle(houses)
    assert only(house, "one.json").state is State.DELIVERED
    (view,) = house.ledger.answers.requests_of(only(house, "one.json").id)
    assert [(one.by, one.shown) for one in view.answers] == [("hand", "王*")]
    assert ("wang", "release") in {(deed.actor, deed.action) for deed in house.ledger.decisions.deeds()}


def test_a_person_lets_an_orphan_go_untied(houses: Street) -> None:
    drop(houses.procuratorate, "one.json", APPROVED)
    houses.work(10)
    house = houses.procuratorate
    house.ledger.answers.say(only(house, "one.json"), Word.RELEASE, "wang", "the request came on paper")
    settle(houses)
    # Somebody's custody hangs on it: the other side delivers at once what answers nothing of its own, and says so.
    assert got(houses.police) == ["one.json"]
    assert [one["flow"] for one in houses.police.log.of("reply-untied")] == [REPLY]
    ask(houses)  # the paper's record comes after all: what has gone is tied to it
    assert answered(houses.police, OUT) == answered(house, IN) == [{"张*": "final approved", "李*": "open"}]


def test_a_person_sends_an_orphan_back_to_its_source(houses: Street) -> None:
    drop(houses.procuratorate, "one.json", APPROVED)
    houses.work(10)
    house = houses.procuratorate
    house.ledger.answers.say(only(house, "one.json"), Word.REJECT, "wang", "belongs to another case")
    settle(houses)
    assert (only(house, "one.json").state, got(houses.police)) == (State.REFUSED, [])
    assert (house.root / "out" / "says" / "reject" / "one.json").read_bytes() == APPROVED
    assert err(house, "one.json")["verdict"] == "reject"


def send_untied(houses: Street, content: bytes) -> Transfer:
    """Have the procuratorate send a reply that the police never asked for; return it as the police has it."""
    drop(houses.procuratorate, "one.json", content)
    houses.work(10)
    house = houses.procuratorate
    house.ledger.answers.say(only(house, "one.json"), Word.RELEASE, "wang", "asked on paper")
    houses.work(20)
    return houses.police.only(IN)


CALM = "procuratorial-opinion"
"""A reply on which nobody's custody hangs."""
OPINION = says(CALM, "张三", scheme="prison-business-no", number="J1")


def test_what_answers_nothing_of_ours_waits_before_it_reaches_the_case_software(houses: Street) -> None:
    came = send_untied(houses, OPINION)
    assert (came.state, came.last_error, got(houses.police)) == (State.VERIFIED, "reply-orphan", [])
    drop(
        houses.police,
        "late.json",
        says("procuratorial-opinion-request", "张三", scheme="prison-business-no", number="J1"),
    )
    settle(houses)
    assert got(houses.police) == ["one.json"]
    assert answered(houses.police, OUT) == [{"张*": "final"}] or answered(houses.police, OUT)[0]["张*"].startswith(
        "final"
    )


def test_after_three_days_a_person_at_the_recipient_delivers_or_refuses_it(houses: Street) -> None:
    send_untied(houses, OPINION)
    houses.clock.time += 3 * DAY
    houses.work(10)
    held = houses.police.only(IN)
    assert (held.state, held.hold_code) == (State.VERIFIED, "reply-orphan")
    houses.police.ledger.release(held, "zhao", "asked by telephone")
    settle(houses)
    assert got(houses.police) == ["one.json"]


def test_a_person_at_the_recipient_refuses_it_with_a_signed_receipt(houses: Street) -> None:
    came = send_untied(houses, OPINION)
    houses.police.ledger.answers.say(came, Word.REJECT, "zhao", "not ours")
    settle(houses)
    assert (got(houses.police), houses.police.only(IN).state) == ([], State.DISMISSED)
    sent = only(houses.procuratorate, "one.json")
    assert sent.state is State.REFUSED
    assert [one.code for one in houses.procuratorate.ledger.receipts(known(sent.bundle_id))] == ["204"]


def test_a_reply_about_a_case_of_ours_is_delivered_at_once_if_its_request_went_on_paper(houses: Street) -> None:
    drop(houses.police, "other.json", says("arrest-execution", "张三", scheme="prison-business-no", number="J1"))
    settle(houses)
    send_untied(houses, OPINION)
    settle(houses)
    assert got(houses.police) == ["one.json"]
    (noted,) = [e for e in houses.police.ledger.timeline(houses.police.only(IN).id) if e.what == "delivered"]
    assert noted.note == "CORR-ORPHAN"


def test_what_may_answer_several_requests_is_held_with_both(houses: Street) -> None:
    ask(houses, says(REQUEST, "张三"), "first.json")
    ask(houses, says(REQUEST, "张三", papers=[("arrest-request-letter", "")], number="A2"), "second.json")
    drop(houses.procuratorate, "one.json", says(REPLY, "张三", decision="approved", number=""))
    houses.work(10)
    house = houses.procuratorate
    held = only(house, "one.json")
    assert held.hold_code == "reply-unclear"
    first, second = house.transfers(IN)
    assert f"{first.id} {second.id}" in str(err(house, "one.json"))
    house.ledger.answers.say(held, Word.TIE, "wang", "the second", second.id)
    settle(houses)
    assert answered(house, IN) == [{"张*": "open"}, {"张*": "final approved"}]
    assert answered(houses.police, OUT) == [{"张*": "open"}, {"张*": "open"}]  # there, somebody has to say so too
    assert got(houses.police) == ["one.json"]


def test_one_of_a_batch_is_returned_and_the_rest_go_on(houses: Street) -> None:
    ask(houses, says("commutation-parole-request", "张三", "李四", "王五"))
    back = says("commutation-ruling", "李四", papers=[("court-return-letter", "李四")])
    heard = says("commutation-ruling", "张三", "王五", papers=[("court-acceptance", "")])
    ruled = [("commutation-ruling", "张三"), ("commutation-ruling", "王五")]
    for name, content in (
        ("back.json", back),
        ("heard.json", heard),
        ("ruled.json", says("commutation-ruling", "张三", "王五", papers=ruled)),
    ):
        drop(houses.procuratorate, name, content)
        settle(houses)
    (view,) = [houses.police.ledger.answers.of_request(one.id) for one in houses.police.transfers(OUT)]
    assert view is not None
    assert [(one.shown, str(one.answer and one.answer.kind)) for one in view.persons] == [
        ("张*", "final"),
        ("李*", "returned"),
        ("王*", "final"),
    ]
    assert (view.asked.open, got(houses.police)) == (0, ["back.json", "heard.json", "ruled.json"])
    drop(houses.procuratorate, "late.json", says("commutation-ruling", "李四", papers=[("commutation-ruling", "李四")]))
    settle(houses)
    assert answered(houses.police, OUT)[0]["李*"] == "final commutation-ruling"


def test_another_decision_about_the_same_person_is_a_correction_and_is_held(houses: Street) -> None:
    ask(houses)
    drop(houses.procuratorate, "one.json", APPROVED)
    drop(houses.procuratorate, "two.json", REFUSED)  # for another person: another business
    settle(houses)
    assert got(houses.police) == ["one.json", "two.json"]
    drop(houses.procuratorate, "three.json", says(REPLY, "张三", decision="refused"))
    houses.work(10)
    held = only(houses.procuratorate, "three.json")
    assert held.hold_code == "content-differs"
    houses.procuratorate.ledger.release(held, "wang", "the first was a mistake")
    settle(houses)
    assert answered(houses.police, OUT) == [{"张*": "final refused", "李*": "final refused"}]
    assert answered(houses.procuratorate, IN) == answered(houses.police, OUT)


def test_the_answer_may_come_before_the_receipt_of_the_request(houses: Street) -> None:
    drop(houses.police, "request.json", BOTH)
    for _turn in range(8):
        houses.go("police:claim", "police:pack", "police:out-procuratorate")
        houses.clock.time += 0.5
    for _turn in range(8):
        houses.go("procuratorate:in-police", "procuratorate:open")  # nothing is sent back yet
    drop(houses.procuratorate, "one.json", APPROVED)
    receipts = [path for path in houses.back.iterdir() if path.suffix == ".cfr"]
    for _turn in range(8):
        houses.go("procuratorate:claim", "procuratorate:pack")
        houses.clock.time += 0.5
    assert not receipts
    settle(houses)
    assert answered(houses.police, OUT) == [{"张*": "final approved", "李*": "open"}]
