"""Which terms run in a case, for whom, since when, and what ends them."""

from dataclasses import replace
from datetime import date

import pytest

from gateway.domain.deadlines import CASE, Note, Outcome, RunningTerm, SeenPackage, TermKind
from gateway.domain.ids import TransferId, UnitCode
from gateway.standard.catalogue import Life
from gateway.standard.running import NOT_SEEN, NOT_STATED, rule_of, terms_in
from tests.support.casefiles import ZONE, at, local, person, seen, terms
from tests.support.standard import STANDARD

REQUEST = seen(
    1,
    "arrest-request",
    "2026-03-02T09:00",
    person("张三", 0, coercive_measure="detained", coercive_start="2026-02-28"),
    person("李四", 1, coercive_measure="bail"),
    arrived="2026-03-02T10:20",
    heard="2026-03-02T10:25",
)


def test_each_person_has_the_term_of_his_own_measure() -> None:
    found = terms(REQUEST)
    detained, free = found["arrest-detained", 0], found["arrest-not-detained", 1]
    assert (local(detained.started_at), detained.last_day, detained.limit) == ("2026-03-02T10:20", "2026-03-09", "P7D")
    assert (free.last_day, free.limit) == ("2026-03-17", "P15D")
    assert not detained.is_ours
    assert detained.shown == "张*"
    assert ("arrest-not-detained", 0) not in found
    assert ("arrest-detained", 1) not in found


def test_the_sending_that_a_term_asked_for_has_ended_it() -> None:
    sent = terms(REQUEST)["request-after-detention", 0]
    assert (sent.kind, sent.outcome, sent.last_day) == (TermKind.SEND, Outcome.SENT, "2026-03-03")
    assert sent.is_ours


def test_nothing_runs_before_the_recipients_receipt() -> None:
    waiting = seen(1, "arrest-request", "2026-03-02T09:00", person("张三", coercive_measure="detained"), arrived=None)
    assert ("arrest-detained", 0) not in terms(waiting)


def test_at_the_recipient_it_runs_from_the_delivery_and_is_its_own() -> None:
    found = terms(seen(1, "arrest-request", "2026-03-02T10:20", person("张三", coercive_measure="detained"), out=False))
    assert found["arrest-detained", 0].is_ours
    assert ("request-after-detention", 0) not in found


def test_an_answer_for_one_person_ends_his_term_alone() -> None:
    answer = seen(2, "arrest-decision", "2026-03-05T15:00", person("李四"), out=False, to=REQUEST)
    found = terms(REQUEST, answer)
    assert (found["arrest-not-detained", 1].outcome, found["arrest-not-detained", 1].ended_by) == (Outcome.ANSWERED, 2)
    assert found["arrest-detained", 0].outcome is Outcome.RUNNING


def test_what_the_ledger_has_not_tied_ends_nothing_however_alike_it_is() -> None:
    alike = seen(2, "arrest-decision", "2026-03-05T15:00", person("张三"), out=False)
    stranger = seen(3, "arrest-decision", "2026-03-05T15:00", person("王五"), out=False, to=REQUEST)
    nobody = seen(4, "arrest-decision", "2026-03-05T15:00", out=False, to=REQUEST)
    assert terms(REQUEST, alike, stranger, nobody)["arrest-detained", 0].outcome is Outcome.RUNNING


def test_an_answer_that_names_nobody_ends_the_term_of_the_only_person() -> None:
    request = seen(1, "arrest-request", "2026-03-02T09:00", person("张三", coercive_measure="detained"))
    answer = seen(2, "arrest-decision", "2026-03-05T15:00", out=False, to=request)
    assert terms(request, answer)["arrest-detained", 0].outcome is Outcome.ANSWERED


def test_acceptance_ends_the_term_of_acceptance_and_the_decision_is_still_owed() -> None:
    facts = {"procedure-type": "ordinary"}
    request = seen(1, "prosecution-transfer", "2026-03-02T09:00", person("张三"), facts=facts)
    (reply,) = (one.reply for one in STANDARD.flows() if one.code == "prosecution-transfer" and one.reply is not None)
    accepted = seen(2, reply.code, "2026-03-03T09:00", person("张三"), out=False, to=request, interim=True)
    found = {one.deadline: one.outcome for one in _all(request, accepted)}
    assert (found["accept-ops"], found["review-1m"]) == (Outcome.ANSWERED, Outcome.RUNNING)
    decided = seen(3, reply.code, "2026-03-20T09:00", person("张三"), out=False, to=request)
    found_now = {one.deadline: (one.outcome, one.ended_by) for one in _all(request, accepted, decided)}
    assert found_now["accept-ops"] == (Outcome.ANSWERED, 2)
    assert found_now["review-1m"] == (Outcome.ANSWERED, 3)


def test_what_answers_a_corrected_request_answers_the_one_before_person_by_person() -> None:
    first = replace(REQUEST, corrected=TransferId(2))
    # The correction names them the other way round.
    second = seen(2, "arrest-request", "2026-03-03T09:00", *reversed(REQUEST.matter.persons))
    answer = seen(3, "arrest-decision", "2026-03-05T15:00", person("张三"), out=False, to=second)
    found = {(one.transfer, one.deadline, one.position): one.outcome for one in _all(first, second, answer)}
    assert found[1, "arrest-detained", 0] is Outcome.ANSWERED
    assert found[2, "arrest-detained", 1] is Outcome.ANSWERED
    assert found[1, "arrest-not-detained", 1] is Outcome.RUNNING
    assert found[2, "arrest-not-detained", 0] is Outcome.RUNNING


def _all(*packages: SeenPackage) -> tuple[RunningTerm, ...]:
    return terms_in(packages, STANDARD, ZONE)


def test_what_nobody_states_counts_by_the_shortest_limit() -> None:
    found = terms(seen(1, "arrest-request", "2026-03-02T09:00", person("张三")))
    assert found["arrest-detained", 0].notes == (Note.ASSUMED,)
    assert ("arrest-not-detained", 0) not in found


def test_a_refused_arrest_starts_the_execution_return_and_an_approved_one_does_not() -> None:
    refused = person("张三", 0, arrest_decision="refused")
    decision = seen(
        2, "arrest-decision", "2026-03-05T15:00", refused, person("李四", 1, arrest_decision="approved"), out=False
    )
    found = terms(REQUEST, decision)
    term = found["exec-return-refused", 0]
    assert (term.flow, term.is_ours, term.last_day) == ("arrest-execution", True, "2026-03-08")
    assert ("exec-return-refused", 1) not in found
    window = found["police-5d", 0]
    assert (window.kind, window.outcome) == (TermKind.STAGE, Outcome.RUNNING)
    done = terms(REQUEST, decision, seen(3, "arrest-execution", "2026-03-06T09:00", person("张三")))
    assert (done["exec-return-refused", 0].outcome, done["exec-return-refused", 0].ended_by) == (Outcome.SENT, 3)


def extended(number: int, when: str, until: str, *, basis: str = "spp-rules:282", out: bool = False) -> SeenPackage:
    facts = {"stage-code": "extended", "stage-due": until, "extension-basis": basis}
    facts = {key: value for key, value in facts.items() if value}
    return seen(number, "stage-status-notice", when, person("李四"), out=out, facts=facts)


def test_a_notice_with_its_basis_extends_that_persons_term() -> None:
    found = terms(REQUEST, extended(2, "2026-03-10T09:00", "2026-03-20"))
    term = found["arrest-not-detained", 1]
    assert (term.limit, term.notes) == ("P20D", (Note.EXTENDED, Note.MOVED))
    # 22 March is a Sunday, and he is at liberty.
    assert term.last_day == "2026-03-23"
    assert found["arrest-detained", 0].limit == "P7D"


def test_what_a_notice_wants_beyond_the_law_is_capped() -> None:
    term = terms(REQUEST, extended(2, "2026-03-10T09:00", "2026-06-30"))["arrest-not-detained", 1]
    assert (term.limit, term.notes) == ("P20D", (Note.CAPPED, Note.EXTENDED, Note.MOVED))


def test_a_notice_without_a_basis_or_of_the_wrong_side_extends_nothing() -> None:
    baseless = terms(REQUEST, extended(2, "2026-03-10T09:00", "2026-03-20", basis=""))["arrest-not-detained", 1]
    assert (baseless.limit, baseless.notes) == ("P15D", (Note.BASELESS,))
    ours = terms(REQUEST, extended(2, "2026-03-10T09:00", "2026-03-20", out=True))["arrest-not-detained", 1]
    assert (ours.limit, ours.notes) == ("P15D", ())


def test_a_tier_whose_case_is_stated_counts_without_a_notice() -> None:
    gang = person(
        "张三",
        coercive_measure="detained",
        coercive_start="2026-02-20",
        detention_extension_basis="roving-multiple-gang",
    )
    term = terms(seen(1, "arrest-request", "2026-03-02T09:00", gang))["request-after-detention", 0]
    assert (term.limit, term.last_day, term.notes) == ("P30D", "2026-03-22", (Note.EXTENDED,))


def notice(number: int, code: str, when: str) -> SeenPackage:
    return seen(number, "stage-status-notice", when, out=False, facts={"stage-code": code})


def test_a_term_stands_still_by_notice_and_goes_on_by_notice() -> None:
    stopped = terms(REQUEST, notice(2, "suspended", "2026-03-04T09:00"))["arrest-detained", 0]
    assert (stopped.due_at, stopped.notes) == (None, (Note.SUSPENDED,))
    again = terms(REQUEST, notice(2, "suspended", "2026-03-04T09:00"), notice(3, "resumed", "2026-03-14T09:00"))
    assert (again["arrest-detained", 0].last_day, again["arrest-detained", 0].notes) == (
        "2026-03-19",
        (Note.INTERRUPTED,),
    )


def test_a_notice_that_the_stage_is_over_ends_it() -> None:
    assert terms(REQUEST, notice(2, "closed", "2026-03-04T09:00"))["arrest-detained", 0].outcome is Outcome.CLOSED


def test_a_third_unit_that_knows_the_case_number_ends_and_extends_nothing() -> None:
    other = [replace(one, peer=UnitCode("440101")) for one in (notice(2, "closed", "2026-03-04T09:00"),)]
    other += [replace(extended(3, "2026-03-10T09:00", "2026-03-20"), peer=UnitCode("440101"))]
    assert terms(REQUEST, *other) == terms(REQUEST)


@pytest.mark.parametrize("day", ["9999-12-31", "9999-12-31T23:59:59", "0001-01-01"])
@pytest.mark.parametrize("out", [True, False])
def test_a_day_that_stands_for_no_day_counts_as_not_stated(day: str, out: bool) -> None:
    dates = [name for name in STANDARD.fields if name.endswith(("-date", "-due", "-start", "-end", "-term", "-time"))]
    facts = dict.fromkeys(dates, day)
    suspect = person("张三", coercive_measure="detained", **{name.replace("-", "_"): day for name in dates})
    for flow in STANDARD.flows(date(2026, 3, 1)):
        told = extended(2, "2026-03-10T09:00", day, out=not out)
        found = terms(seen(1, flow.code, "2026-03-02T09:00", suspect, out=out, facts=facts), told)
        assert not [one for one in found.values() if one.due_at is not None and one.due_at > at("2199-12-31T00:00")]


def test_a_withdrawn_request_owes_nothing() -> None:
    taken_back = replace(REQUEST, withdrawn=TransferId(2))
    withdrawn = terms(taken_back, seen(2, "package-withdrawal", "2026-03-03T09:00", related=1))
    assert withdrawn["arrest-detained", 0].outcome is Outcome.WITHDRAWN


def test_a_case_sent_back_ends_the_review_and_coming_again_begins_it_anew() -> None:
    ordinary = {"procedure-type": "ordinary"}
    first = seen(
        1, "prosecution-transfer", "2026-03-02T09:00", person("张三", coercive_measure="arrested"), facts=ordinary
    )
    back = seen(2, "supplementary-investigation", "2026-03-20T09:00", person("张三"), out=False)
    second = seen(
        3, "prosecution-transfer", "2026-04-10T09:00", person("张三", coercive_measure="arrested"), facts=ordinary
    )
    found = {(one.transfer, one.deadline): one for one in _all(first, back, second)}
    assert found[1, "review-1m"].outcome is Outcome.ANSWERED
    assert (found[3, "review-1m"].outcome, found[3, "review-1m"].last_day) == (Outcome.RUNNING, "2026-05-10")


def test_custody_that_nobody_states_is_taken_to_be_custody() -> None:
    held = seen(1, "prosecution-transfer", "2026-03-10T09:00", person("张三"), facts={"procedure-type": "fast-track"})
    term = terms(held)["review-fast", 0]
    assert (term.last_day, term.notes) == ("2026-03-20", (Note.CUSTODY_ASSUMED,))


def test_what_passes_no_node_is_listed_and_not_guessed() -> None:
    found = terms(seen(1, "custody-term-change", "2026-03-02T09:00", person("张三")))
    assert (found["three-days", 0].why_not, found["three-days", 0].due_at) == (NOT_SEEN, None)
    assert found["before-expiry", 0].why_not == NOT_STATED


def test_an_event_that_a_notice_tells_of_starts_the_terms_that_count_from_it() -> None:
    told = seen(1, "stage-status-notice", "2026-03-02T10:00", out=True, facts={"stage-code": "appeal-filed"})
    term = terms(told)["transfer-3d", CASE]
    assert (term.flow, term.is_ours, term.last_day) == ("second-instance-appeal", True, "2026-03-05")


def test_a_copy_for_information_starts_nothing() -> None:
    assert terms(seen(1, "arrest-request", "2026-03-02T09:00", person("张三"), copy=True)) == {}


def test_a_recipients_wrong_clock_is_bounded_by_ours() -> None:
    held = person("张三", coercive_measure="detained")
    fast = seen(1, "arrest-request", "2026-03-02T09:00", held, arrived="2026-03-09T10:20", heard="2026-03-02T10:25")
    term = terms(fast)["arrest-detained", 0]
    assert (local(term.started_at), term.notes) == ("2026-03-02T10:25", (Note.CLOCK_BOUNDED,))
    slow = seen(
        1, "arrest-request", "2026-03-02T09:00", person("张三", coercive_measure="detained"), arrived="2026-02-01T10:20"
    )
    assert local(terms(slow)["arrest-detained", 0].started_at) == "2026-03-02T09:00"


def test_what_seized_property_owes_starts_with_the_main_package() -> None:
    with_it = seen(1, "prosecution-transfer", "2026-03-02T09:00", person("张三"), facts={"seized-property": "1"})
    assert terms(with_it)["with-case", CASE].is_ours
    assert ("with-case", CASE) not in terms(seen(1, "prosecution-transfer", "2026-03-02T09:00", person("张三")))


def test_a_term_is_named_by_the_edition_in_which_it_began_and_never_by_one_to_come() -> None:
    flow = STANDARD.flow("arrest-request")
    assert flow is not None
    older = replace(flow, life=Life("2026-01-01", date(2026, 1, 1), None), zh="旧")
    newer = replace(older, life=Life("2027-01-01", date(2027, 1, 1), None), zh="新", deadlines=())
    both = replace(STANDARD, editions=(older, newer))
    (term,) = (one for one in _all(REQUEST) if (one.deadline, one.position) == ("arrest-detained", 0))
    for now in ("2026-06-01T00:00", "2027-06-01T00:00"):
        assert rule_of(term, both, at(now))[0] == older
    unknown = replace(term, deadline="gone")
    assert rule_of(unknown, both, at("2027-06-01T00:00")) == (newer, None)
    assert rule_of(replace(unknown, started_at=None), both, at("2026-06-01T00:00")) == (older, None)
