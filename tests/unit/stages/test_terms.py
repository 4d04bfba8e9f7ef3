"""Terms over the life of a case in real ledgers: near, red, answered for one, overdue for the other, told once."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta, timezone, tzinfo
from pathlib import Path
from typing import Any

import pytest

from gateway.alerts.addressing import Addresses, SinkRule
from gateway.alerts.sinks import not_taken
from gateway.alerts.wording import Wording, Writer
from gateway.domain.alerts import Alert, AlertKind, Severity
from gateway.domain.answers import Kind, Word
from gateway.domain.deadlines import Note, Outcome, RunningTerm, SeenPackage
from gateway.domain.errors import TransientError
from gateway.domain.ids import TransferId
from gateway.domain.lifecycle import Event
from gateway.domain.matter import Matter, PersonMatter
from gateway.domain.records import Facts, ReceiptCode, Stage, Step, Transfer
from gateway.ledger.alerts import Addressed
from gateway.ledger.store import Ledger
from gateway.ledger.term_cases import Case
from gateway.ledger.terms import TermFilter
from gateway.stages.alerting import AGAIN_SECONDS, Cry, CryStage, SinkStage
from gateway.stages.backoff import Backoff
from gateway.stages.terms import PAUSE_SECONDS, TermStage
from gateway.standard.catalogue import Standard
from gateway.standard.loading import place_of
from gateway.standard.running import terms_in
from tests.support.answers import comes, goes
from tests.support.casefiles import NUMBERS, at, person
from tests.support.houses import Heard
from tests.support.ledger import (
    OTHER_PEER,
    ToldClock,
    bundle,
    deliver,
    found,
    open_ledger,
    receipt,
    receipted,
    seal,
    verified,
)
from tests.support.standard import STANDARD

ZONE = timezone(timedelta(hours=8))
BOTH = frozenset({AlertKind.DEADLINE, AlertKind.OPERATION})
DETAINED = person("张三", 0, coercive_measure="detained")
FREE = person("李四", 1, coercive_measure="bail")


@dataclass
class Node:
    """One ledger, what counts its terms, and a sink that remembers."""

    folder: Path
    clock: ToldClock = field(default_factory=lambda: ToldClock(at("2026-03-02T09:00")))
    heard: Heard = field(default_factory=Heard)
    rules: tuple[SinkRule, ...] = (SinkRule("duty", BOTH, Severity.NOTICE),)
    rung: list[str] = field(default_factory=list)
    taken: list[Wording] = field(default_factory=list)
    is_dead: bool = False
    never: str = ""

    def open(self) -> None:
        self.ledger: Ledger = open_ledger(self.folder, self.clock)
        addresses = Addresses(self.rules, ZONE)
        self.stage = TermStage(
            standard=place_of(None),
            zone=ZONE,
            addresses=addresses,
            ledger=self.ledger,
            clock=self.clock,
            ops=self.heard,
            ring=lambda *names: self.rung.extend(names),
        )
        self.cries: list[Cry] = []
        self.crier = CryStage(cries=self, addresses=addresses, ledger=self.ledger, ring=lambda *_names: None)
        self.sink = SinkStage(
            sink=self,
            writer=Writer("330100000000", 7),
            ledger=self.ledger,
            backoff=Backoff(10.0, 900.0),
            clock=self.clock,
            ops=self.heard,
        )

    name = "duty"

    def take(self) -> list[Cry]:
        taken, self.cries = self.cries, []
        return taken

    def send(self, wording: Wording) -> None:
        if self.is_dead or wording.key == self.never:
            raise not_taken("duty", "dead")
        self.taken.append(wording)

    def until(self, when: str = "") -> float | None:
        """Let it be `when` (empty: a moment later), count until nothing is left, and return what the stage wants."""
        self.clock.time = at(when) if when else self.clock.time + 1
        while (rest := self.stage.step()) == PAUSE_SECONDS:
            self.clock.time += PAUSE_SECONDS
        return rest

    def told(self) -> list[tuple[str, str, str]]:
        """Return (term, person, severity) of every alert that is recorded, oldest first."""
        newest = self.ledger.alerts.newest(100)[::-1]
        return [(one.name, str(one.facts.get("person")), one.severity.name) for one, _told in newest]

    def terms(self) -> dict[tuple[str, int], tuple[Outcome, str]]:
        known = self.ledger.terms.search(TermFilter(running=False), 100)
        return {(o.term.deadline, o.term.position): (o.term.outcome, o.term.last_day) for o in known}

    def sealed(self, number: int, matter: Matter) -> Transfer:
        step = seal(found(self.ledger, number), number, number)
        return self.ledger.advance(replace(step, facts=replace(step.facts, matter=matter)))

    def sent(self, number: int, matter: Matter, *, arrived: str) -> Transfer:
        """Seal, send, and get the recipient's receipt that states `arrived`."""
        step = Step(self.sealed(number, matter), Event.SENT, Stage.SEND, Facts(receipt_due_at=self.clock.time + 60))
        word = replace(receipt(number, ReceiptCode.DELIVERED), issued_at=at(arrived))
        return self.ledger.advance(receipted(self.ledger.advance(step), Event.DELIVERY_RECEIPTED, word))

    def delivered(self, number: int, matter: Matter) -> Transfer:
        step = deliver(verified(self.ledger, number, number), number)
        return self.ledger.advance(replace(step, facts=replace(step.facts, matter=matter)))


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    made = Node(tmp_path)
    made.open()
    yield made
    made.ledger.close()


def matter(flow: str, *persons: PersonMatter, request: str = "", kind: Kind = Kind.FINAL, **facts: str) -> Matter:
    """Return what a package is remembered as; a reply answers all of its persons."""
    kept = tuple(sorted((name.replace("_", "-"), value) for name, value in facts.items()))
    asking = STANDARD.flow(flow)
    reply = asking.reply if asking is not None else None
    return Matter(
        flow,
        request=request,
        numbers=NUMBERS,
        persons=tuple(replace(one, answer=kind if request else "") for one in persons),
        facts=kept,
        answer=kind if request else "",
        awaits=reply.code if reply is not None else "",
        per=reply.per if reply is not None else "",
    )


def answer(*persons: PersonMatter, **more: Any) -> Matter:
    """Return a decision about `persons`; more: attributes of the matter."""
    return replace(matter("arrest-decision", *persons, request="arrest-request"), **more)


def outcomes(node: Node, *transfers: int) -> list[Outcome]:
    """Return how the term of the detained person stands that each of these requests began."""
    its = [o.term for o in node.ledger.terms.search(TermFilter(running=False), 100)]
    by = {one.transfer: one.outcome for one in its if one.deadline == "arrest-detained"}
    return [by[TransferId(one)] for one in transfers]


REQUEST = matter("arrest-request", DETAINED, FREE)
OTHER_CASE = replace(REQUEST, numbers=(("police-case-no", "A3301010000002026030002"),))
DETAINED_TERM, FREE_TERM = "arrest-request/arrest-detained", "arrest-request/arrest-not-detained"


def test_amber_red_answered_for_one_and_overdue_for_the_other(node: Node) -> None:
    node.sent(1, REQUEST, arrived="2026-03-02T09:00")
    assert node.until() == 3600.0
    node.until("2026-03-06T23:58")
    assert node.told() == []
    node.until("2026-03-07T00:00:00")
    assert node.told() == [(DETAINED_TERM, "张*", "NOTICE")]
    node.until("2026-03-09T08:00")
    assert node.told()[1:] == [(DETAINED_TERM, "张*", "WARNING")]
    approved = person("张三", 0, arrest_decision="approved")
    node.delivered(2, matter("arrest-decision", approved, request="arrest-request"))
    node.until("2026-03-18T00:00")
    # His was answered in time; nobody answered for the other.
    assert node.terms()["arrest-detained", 0] == (Outcome.ANSWERED, "2026-03-09")
    assert node.told()[2:] == [(FREE_TERM, "李*", "CRITICAL")]
    assert node.ledger.terms.counts(node.clock.time) == {1: 0, 2: 0, 3: 1}
    assert node.until("2026-04-18T00:00") == 3600.0
    assert len(node.told()) == 3
    assert node.rung == ["alert-duty"] * 3


def test_a_level_that_was_slept_through_is_told_as_the_one_that_it_has_become(node: Node) -> None:
    node.sent(1, matter("arrest-request", DETAINED), arrived="2026-03-02T09:00")
    node.until("2026-03-12T00:00")
    assert node.told() == [(DETAINED_TERM, "张*", "CRITICAL")]


def test_what_the_stage_wants_is_the_next_level(node: Node) -> None:
    node.sent(1, matter("arrest-request", DETAINED), arrived="2026-03-02T09:00")
    node.until("2026-03-06T23:00")
    assert node.until("2026-03-06T23:30") == 1800.0


def test_a_restart_and_a_second_count_change_nothing(node: Node) -> None:
    node.sent(1, REQUEST, arrived="2026-03-02T09:00")
    node.until("2026-03-07T01:00")
    before = node.ledger.terms.search(TermFilter(running=False), 100)
    node.ledger.close()
    node.open()
    node.until()
    assert node.ledger.terms.search(TermFilter(running=False), 100) == before
    # As if nothing had been counted yet: another bookmark begins at the beginning.
    node.ledger.terms.keep([], 0.0, reader="another", event=0)
    node.until()
    assert node.ledger.terms.search(TermFilter(running=False), 100) == before
    assert node.told() == [(DETAINED_TERM, "张*", "NOTICE")]


def test_a_crash_between_two_commits_of_a_count_counts_again_to_the_same_end(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.ledger.terms.CASES_AT_ONCE", 1)
    node.sent(1, REQUEST, arrived="2026-03-02T09:00")
    node.sent(2, OTHER_CASE, arrived="2026-03-02T09:00")
    whole, commits = node.ledger.change, 0

    def dies(work: Any) -> Any:
        nonlocal commits
        commits += 1
        if commits == 2:
            raise KeyboardInterrupt
        return whole(work)

    with monkeypatch.context() as patch:
        patch.setattr(node.ledger, "change", dies)
        with pytest.raises(KeyboardInterrupt):
            node.stage.step()
    assert len(node.ledger.terms.search(TermFilter(), 9)) == 2
    node.until()
    counted = node.ledger.terms.search(TermFilter(), 9)
    assert {one.term.transfer for one in counted} == {1, 2}
    # As if nothing had been counted yet: another bookmark begins at the beginning.
    node.ledger.terms.keep([], 0.0, reader="another", event=0)
    node.until()
    assert node.ledger.terms.search(TermFilter(), 9) == counted


def test_many_cases_are_counted_in_one_commit(node: Node) -> None:
    for number in range(1, 5):
        numbers = (("police-case-no", f"A{number}"),)
        node.sent(number, replace(REQUEST, numbers=numbers), arrived="2026-03-02T09:00")
    commits = 0
    whole = node.ledger.change

    def counted(work: Any) -> Any:
        nonlocal commits
        commits += 1
        return whole(work)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(node.ledger, "change", counted)
        node.stage.step()
    assert len(node.ledger.terms.search(TermFilter(), 99)) == 8
    assert commits == 1


def test_what_the_recipient_refused_runs_no_term(node: Node) -> None:
    step = Step(node.sealed(1, REQUEST), Event.SENT, Stage.SEND, Facts(receipt_due_at=node.clock.time + 60))
    sent = node.ledger.advance(step)
    custody = receipted(sent, Event.CUSTODY_RECEIPTED, receipt(1, ReceiptCode.CUSTODY))
    node.sent(2, OTHER_CASE, arrived="2026-03-02T09:00")
    held = node.ledger.advance(custody)
    node.until()
    row = [
        (Case(frozenset({held.id}), ()), [replace(one.term, transfer=held.id)])  # as if one had been counted
        for one in node.ledger.terms.search(TermFilter(), 1)
    ]
    node.ledger.terms.keep(row, node.clock.time, reader="terms", event=0)
    refused = next(code for code in ReceiptCode if code.startswith("3"))
    node.ledger.advance(receipted(held, Event.REFUSAL_RECEIPTED, receipt(1, refused)))
    node.until()
    assert {one.term.transfer for one in node.ledger.terms.search(TermFilter(running=False), 99)} == {2}


def test_an_extension_by_notice_takes_the_term_out_of_red_and_it_is_told_again(node: Node) -> None:
    node.sent(1, matter("arrest-request", replace(FREE, position=0)), arrived="2026-03-02T09:00")
    node.until("2026-03-17T00:00")
    assert node.told() == [(FREE_TERM, "李*", "WARNING")]
    facts = {"stage_code": "extended", "stage_due": "2026-03-22", "extension_basis": "spp-rules:282"}
    node.delivered(2, matter("stage-status-notice", FREE, **facts))
    node.until()
    (known,) = node.ledger.terms.search(TermFilter(), 10)
    assert (known.term.last_day, known.alerted, known.term.notes) == ("2026-03-23", 0, (Note.EXTENDED, Note.MOVED))
    node.until("2026-03-24T00:00")
    assert node.told()[1:] == [(FREE_TERM, "李*", "CRITICAL")]


def test_at_the_recipient_the_term_is_its_own_and_its_answer_ends_it(node: Node) -> None:
    node.delivered(1, matter("arrest-request", DETAINED))
    node.until("2026-03-07T00:00")
    (alert, _told), *_ = node.ledger.alerts.newest(1)
    assert alert.facts["is_ours"] is True
    node.sealed(1, matter("arrest-decision", DETAINED, request="arrest-request"))
    node.until("2026-03-20T00:00")
    assert node.terms()["arrest-detained", 0][0] is Outcome.ANSWERED
    assert len(node.told()) == 1


@pytest.mark.parametrize("stated", ["2026-02-20T08:00", "2026-03-30T08:00"])
def test_a_peers_wrong_clock_moves_nothing_beyond_what_we_saw(node: Node, stated: str) -> None:
    node.sent(1, matter("arrest-request", DETAINED), arrived=stated)
    node.until()
    (known,) = (one for one in node.ledger.terms.search(TermFilter(), 10) if one.term.deadline == "arrest-detained")
    assert (known.term.last_day, known.term.notes) == ("2026-03-09", (Note.CLOCK_BOUNDED,))


def test_nothing_that_names_a_person_is_in_an_alert(node: Node) -> None:
    node.sent(1, matter("arrest-request", DETAINED), arrived="2026-03-02T09:00")
    node.until("2026-03-12T00:00")
    node.sink.step()
    said = json.dumps(json.loads(node.taken[0].as_json()), ensure_ascii=False)
    assert "张*" in said
    assert "张三" not in said
    assert "number" not in said


# -- what ends them is what the ledger has tied ------------------------------------------------------------------------

OTHER_NUMBERS = (("procuratorate-case-no", "测检侦监受〔2026〕1号"),)


def test_what_another_unit_answers_or_we_ourselves_ends_nothing(node: Node) -> None:
    asked = node.sent(1, matter("arrest-request", DETAINED), arrived="2026-03-02T09:00")
    comes(node.ledger, 2, answer(DETAINED), of=OTHER_PEER)
    goes(node.ledger, 3, answer(DETAINED))
    node.until()
    assert outcomes(node, asked.id) == [Outcome.RUNNING]


def test_a_reply_that_shares_no_number_ends_what_it_names_or_a_person_ties_it_to(node: Node) -> None:
    first = node.sent(1, matter("arrest-request", DETAINED), arrived="2026-03-02T09:00")
    other = replace(matter("arrest-request", DETAINED), numbers=(("police-case-no", "A9"),))
    second = node.sent(2, other, arrived="2026-03-02T09:00")
    reply = comes(node.ledger, 3, answer(DETAINED, numbers=OTHER_NUMBERS, related=bundle(1)))
    node.until()
    assert outcomes(node, first.id, second.id) == [Outcome.ANSWERED, Outcome.RUNNING]
    # It was meant for the other one.
    node.ledger.answers.say(reply, Word.TIE, "zhang", "misread", second.id)
    node.until()
    assert outcomes(node, first.id, second.id) == [Outcome.RUNNING, Outcome.ANSWERED]


def test_a_request_that_comes_after_its_answer_is_ended_by_it(node: Node) -> None:
    comes(node.ledger, 9, answer(DETAINED, numbers=OTHER_NUMBERS, related=bundle(1)))
    node.until()
    asked = node.sent(1, matter("arrest-request", DETAINED), arrived="2026-03-02T09:00")
    node.until()
    assert outcomes(node, asked.id) == [Outcome.ANSWERED]


def test_an_answer_that_was_taken_back_owes_it_again(node: Node) -> None:
    asked = node.sent(1, matter("arrest-request", DETAINED), arrived="2026-03-02T09:00")
    comes(node.ledger, 2, answer(DETAINED))
    node.until()
    assert outcomes(node, asked.id) == [Outcome.ANSWERED]
    # The withdrawal bears no number: only what it names leads to the case.
    comes(node.ledger, 3, Matter("package-withdrawal", related=bundle(2)))
    node.until()
    assert outcomes(node, asked.id) == [Outcome.RUNNING]


def test_a_request_is_taken_back_by_its_own_sender_alone(node: Node) -> None:
    asked = node.delivered(1, matter("arrest-request", DETAINED))
    comes(node.ledger, 2, Matter("package-withdrawal", related=bundle(1)), of=OTHER_PEER)
    node.until()
    assert outcomes(node, asked.id) == [Outcome.RUNNING]
    comes(node.ledger, 3, Matter("package-withdrawal", related=f"{bundle(1)}.cfb"))
    node.until()
    assert outcomes(node, asked.id) == [Outcome.WITHDRAWN]


def test_a_corrected_request_is_answered_with_its_correction(node: Node) -> None:
    first = node.delivered(1, matter("arrest-request", DETAINED))
    renumbered = replace(matter("arrest-request", DETAINED), numbers=(("police-case-no", "A9"),))
    second = comes(node.ledger, 2, renumbered, corrects=1)
    goes(node.ledger, 1, answer(DETAINED, numbers=(("police-case-no", "A9"),)))
    node.until()
    assert outcomes(node, first.id, second.id) == [Outcome.ANSWERED, Outcome.ANSWERED]


def test_a_long_chain_of_numbers_is_one_case_from_wherever_it_moves(node: Node) -> None:
    def linked(flow: str, *numbers: str, **more: Any) -> Matter:
        its = tuple(("police-case-no", one) for one in numbers)
        return replace(matter(flow, DETAINED, **more), numbers=its)

    asked = node.delivered(1, linked("arrest-request", "A"))
    goes(node.ledger, 1, replace(answer(DETAINED), numbers=(("police-case-no", "A"),)))
    for number, ends in enumerate(("AB", "BC", "CD", "DE"), start=2):
        comes(node.ledger, number, linked("stage-status-notice", *ends, stage_code="noted"))
    node.until()
    comes(node.ledger, 9, linked("stage-status-notice", "E", stage_code="noted"))
    node.until()
    assert outcomes(node, asked.id) == [Outcome.ANSWERED]


# -- taking alerts away ------------------------------------------------------------------------------------------------


def alert(node: Node, subject: str, severity: Severity = Severity.CRITICAL) -> Addressed:
    one = Alert(node.clock.time, AlertKind.DEADLINE, severity, subject, "x/y", {})
    return Addressed(one, Addresses(node.rules, ZONE).of(one))


def test_a_dead_sink_gets_everything_once_it_lives(node: Node) -> None:
    node.is_dead = True
    assert node.ledger.alerts.record([alert(node, "a"), alert(node, "b"), alert(node, "a")]) == 2
    wait = node.sink.step()
    assert wait is not None
    assert 10.0 <= wait <= 12.5
    node.ledger.close()
    node.open()
    node.is_dead = False
    while (rest := node.sink.step()) is not None:
        node.clock.time += rest
    assert sorted(one.key for one in node.taken) == ["330100000000-7-1", "330100000000-7-2"]
    assert [level for level, event, _ in node.heard.lines if event == "alert-not-taken"] == ["warn"]
    assert node.ledger.alerts.waiting() == {}


def test_what_the_log_cries_is_told_once_a_day(node: Node) -> None:
    def cry(**facts: str) -> None:
        node.cries.append(Cry(node.clock.time, "given-up", facts))
        node.crier.step()

    cry(link="a", code="link-timeout")
    cry(link="a", code="link-timeout")
    cry(link="b", code="link-timeout")
    assert [name for name, _, _ in node.told()] == ["given-up", "given-up"]
    node.clock.time += AGAIN_SECONDS
    cry(link="a", code="link-timeout")
    assert len(node.told()) == 3


def test_notices_wait_for_the_morning_and_nothing_else_does(tmp_path: Path) -> None:
    rules = (
        SinkRule("duty", BOTH, Severity.NOTICE, quiet=(22 * 60, 7 * 60)),
        SinkRule("urgent", frozenset({AlertKind.DEADLINE}), Severity.CRITICAL),
    )
    addresses = Addresses(rules, ZONE)

    def to(severity: Severity, when: str, kind: AlertKind = AlertKind.DEADLINE) -> dict[str, float]:
        return dict(addresses.of(Alert(at(when), kind, severity, "s", "n", {})))

    assert to(Severity.NOTICE, "2026-03-02T23:00") == {"duty": at("2026-03-03T07:00")}
    assert to(Severity.NOTICE, "2026-03-03T06:59") == {"duty": at("2026-03-03T07:00")}
    assert to(Severity.NOTICE, "2026-03-03T07:00") == {"duty": at("2026-03-03T07:00")}
    assert to(Severity.CRITICAL, "2026-03-02T23:00") == dict.fromkeys(("duty", "urgent"), at("2026-03-02T23:00"))
    assert to(Severity.CRITICAL, "2026-03-02T12:00", AlertKind.OPERATION) == {"duty": at("2026-03-02T12:00")}


def test_an_alert_that_a_sink_will_never_take_holds_up_no_other(node: Node) -> None:
    node.ledger.alerts.record([alert(node, one) for one in "abc"])
    node.never = "330100000000-7-1"
    for _step in range(3):
        rest = node.sink.step()
        assert rest is not None
        node.clock.time += rest
    assert [one.key for one in node.taken] == ["330100000000-7-2", "330100000000-7-3"]
    assert node.ledger.alerts.waiting()["duty"][0] == 1


def test_two_troubles_of_one_kind_are_two_alerts(node: Node) -> None:
    for name, grants in (("grant-ending", "ab"), ("bundle-unknown", "ab")):
        node.cries += [Cry(node.clock.time, name, {"grant" if "grant" in name else "issuer": one}) for one in grants]
    node.crier.step()
    assert [name for name, _, _ in node.told()] == ["grant-ending"] * 2 + ["bundle-unknown"] * 2


def test_cries_that_could_not_be_recorded_are_not_lost(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    node.cries.append(Cry(node.clock.time, "given-up", {"link": "a"}))
    with monkeypatch.context() as patched:
        patched.setattr(type(node.ledger.alerts), "record", busy)
        with pytest.raises(TransientError):
            node.crier.step()
    node.crier.step()
    assert [name for name, _, _ in node.told()] == ["given-up"]


def busy(*_args: object) -> int:
    raise TransientError("ledger-busy", "somebody else writes")


def test_a_case_that_cannot_be_reckoned_keeps_no_other_from_being_counted(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    def reckoned(seen: Sequence[SeenPackage], standard: Standard, zone: tzinfo) -> tuple[RunningTerm, ...]:
        if seen[0].transfer == 1:
            raise OverflowError("date value out of range")
        return terms_in(seen, standard, zone)

    monkeypatch.setattr("gateway.stages.terms.terms_in", reckoned)
    node.sent(1, REQUEST, arrived="2026-03-02T09:00")
    node.sent(2, OTHER_CASE, arrived="2026-03-02T09:00")
    node.until()
    assert {one.term.transfer for one in node.ledger.terms.search(TermFilter(), 9)} == {2}
    assert [event for level, event, _ in node.heard.lines if level == "alert"] == ["terms-uncounted"]
