"""Backing off, giving up after a time, trying at once: a dead peer costs one call at a time, then one line."""

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from gateway.cli.demo_nodes import PROCURATORATE
from gateway.compose.acting import Operator
from gateway.compose.needs import Need
from gateway.compose.survey import survey
from gateway.domain.errors import GatewayError, PermanentError, Scope, TransientError
from gateway.domain.ids import LinkName, UnitCode, WireName
from gateway.domain.lifecycle import Event, State
from gateway.domain.records import Stage, Step, known
from gateway.stages.backoff import Backoff
from gateway.stages.gate import Gate, Reach
from gateway.stages.recording import Recorder
from gateway.transport.api import Entry, Progress, silent
from tests.support.forging import noise
from tests.support.houses import IN, OUT, Faults, Heard, Street, opened, street
from tests.support.ledger import ToldClock, bundle, claim, export, seal, sealed

LINK = LinkName("procuratorate")
DAY = 86400


def unreachable() -> GatewayError:
    return TransientError("link-unreachable", "nobody there", scope=Scope.LINK)


def fill(made: Street, count: int) -> None:
    """Put sealed bundles into the police's ledger and spool."""
    ledger, to = made.police.ledger, UnitCode(PROCURATORATE)
    found = ledger.found([export(number) for number in range(1, count + 1)])
    ledger.advance_many([seal(one, n, n, recipient=to, link=LINK) for n, one in enumerate(found, 1)])
    for number in range(1, count + 1):
        made.police.ground.spool.outbound_bundle(bundle(number), claim(number)).touch()


def operator(made: Street) -> Operator:
    return Operator(made.police.identity.settings, "zhang", made.clock)


# -- giving up --------------------------------------------------------------------------------------------------------


def test_what_owes_the_same_for_too_long_is_held_and_said_in_one_line(made: Street) -> None:
    fill(made, 300)
    made.clock.time += 14 * DAY - 60
    made.go("police:patience")
    assert {t.hold_code for t in made.police.transfers(OUT)} == {None}
    made.clock.time += 60
    made.go("police:patience", "police:patience")
    assert {(t.state, t.hold_code) for t in made.police.transfers(OUT)} == {(State.SEALED, "retries-exhausted")}
    assert made.police.log.of("given-up") == [{"link": LINK, "code": "retries-exhausted", "count": 300}]
    assert made.police.log.alerts() == ["given-up"]
    found = survey(made.police.identity.settings, made.police.ledger, made.clock.now())
    assert [notice.count for notice in found.notices if notice.need is Need.HELD] == [300]


def test_release_lets_it_go_on_where_it_stood_for_as_long_again(line: Faults, made: Street) -> None:
    fill(made, 1)
    line.errors["deposit"] = [unreachable()]
    made.go("police:out-procuratorate")
    made.clock.time += 14 * DAY
    made.go("police:patience")
    held = made.police.only(OUT)
    operator(made).release(held.id, "the line is mended")
    made.clock.time += 13 * DAY
    made.go("police:patience")
    assert made.police.only(OUT).hold_code is None
    made.go("police:out-procuratorate")
    assert made.police.only(OUT).state is State.SENT


def test_a_receipt_that_comes_after_all_settles_it_and_lifts_the_hold(made: Street) -> None:
    made.drop("one.txt", b"one")
    for _turn in range(3):
        made.go("police:claim", "police:pack", "police:out-procuratorate")
        made.clock.time += 1
    made.clock.time += 14 * DAY
    made.go("police:out-procuratorate")  # sent again for want of a receipt: it still owes the same
    made.go("police:patience")
    held = made.police.only(OUT)
    assert (held.state, held.hold_code) == (State.SENT, "receipt-never-came")
    made.settle()
    ours = made.police.only(OUT)
    assert (ours.state, ours.hold_code) == (State.DELIVERED, None)


def test_progress_of_any_kind_lifts_a_hold_of_that_kind_and_starts_anew(made: Street) -> None:
    fill(made, 1)
    made.clock.time += 14 * DAY
    made.go("police:patience")
    held = made.police.only(OUT)
    on = made.police.ledger.advance(Step(held, Event.SENT, Stage.SEND))
    assert (on.hold_code, on.owed_since) == (None, made.clock.time)


def test_a_link_that_was_switched_off_may_wait_and_each_link_may_have_its_own_patience(closed: Street) -> None:
    path = closed.police.root / "etc" / "links.d" / "procuratorate.yaml"
    text = path.read_text("utf-8")
    path.write_text(f"{text}enabled: false\n", "utf-8")
    with opened(closed) as made:
        fill(made, 2)
        made.clock.time += 400 * DAY
        made.go("police:patience")
        assert {t.hold_code for t in made.police.transfers(OUT)} == {None}
    path.write_text(f"{text}give_up_after: 500d\n", "utf-8")
    with opened(street(closed.root, closed.clock)) as made:
        made.go("police:patience")
        assert {t.hold_code for t in made.police.transfers(OUT)} == {None}
        made.clock.time += 101 * DAY
        made.go("police:patience")
        assert {t.hold_code for t in made.police.transfers(OUT)} == {"retries-exhausted"}


def test_a_link_that_is_no_longer_configured_is_not_forgotten(closed: Street) -> None:
    with opened(closed) as made:
        transfer = sealed(made.police.ledger, 1, recipient=UnitCode("990199"), link=LinkName("gone"))
        made.clock.time += 14 * DAY
        made.go("police:patience")
        assert made.police.ledger.get(transfer.id).hold_code == "retries-exhausted"
        assert made.police.log.of("given-up") == [{"link": "gone", "code": "retries-exhausted", "count": 1}]


# -- a dead peer ------------------------------------------------------------------------------------------------------


@contextmanager
def dead_peer() -> Iterator[tuple[int, list[int]]]:
    """A server that lets everybody in and says nothing: yields its port, and a list with an item for each caller."""
    calls: list[int] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            while True:
                try:
                    caller, _address = server.accept()
                except OSError:
                    return
                calls.append(1)
                caller.close()

        thread = threading.Thread(target=answer)
        thread.start()
        try:
            yield server.getsockname()[1], calls
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join(10)


class Back:
    """The peer, back again: takes everything, has nothing for us, and remembers what it got."""

    def __init__(self) -> None:
        self.taken: list[WireName] = []

    def deposit(self, _source: Path, name: WireName, progress: Progress = silent) -> None:
        self.taken.append(name)
        progress(0)

    def listing(self) -> list[Entry]:
        return []

    def remove(self, names: Sequence[WireName]) -> None:
        raise AssertionError(names)


def test_a_dead_peer_with_a_thousand_bundles_costs_one_call_at_a_time_for_both_directions(
    closed: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = closed.police.root / "etc" / "links.d" / "procuratorate.yaml"
    with dead_peer() as (port, calls):
        path.write_text(
            f'name: {LINK}\npeer: "{PROCURATORATE}"\ninitiate: both\nsftp:\n  host: 127.0.0.1\n  port: {port}\n',
            "utf-8",
        )
        with opened(closed) as made:
            fill(made, 1000)
            out, back = (made.police.worker(f"{way}-{LINK}") for way in ("out", "in"))
            legs = (out, back)
            for period in range(1, 7):
                legs = legs[::-1]  # whoever comes first
                waits = [known(leg.step()) for leg in (*legs, *legs)]
                assert len(calls) == period
                assert min(waits) > 0
                base = 5 * 2 ** (period - 1)
                made.clock.time += max(waits)
                assert base <= max(waits) < base * 1.25
            failed = [
                t for t in made.police.ledger.due((State.SEALED,), now=made.clock.now(), limit=2000) if t.attempts
            ]
            assert failed == []
            assert len(made.police.log.of("link-failed")) == 6

            peer = Back()
            for leg in (out._worker, back._worker):
                for stage in getattr(leg, "_stages", vars(leg).values()):
                    if hasattr(stage, "_transport"):
                        monkeypatch.setattr(stage, "_transport", peer)
            while out.step() == 0.0:
                pass
            assert made.police.ledger.due((State.SEALED,), now=made.clock.now(), limit=9) == []
            bundles = [name for name in peer.taken if name.endswith(".cfb")]
            assert len(bundles) == len(set(bundles)) == 1000
            back.step()
            assert not [gate.view() for gate in made.police.plan.gates.all if gate.view().code]


def test_what_tries_a_peer_that_was_away_is_the_smallest_of_what_is_due(line: Faults, made: Street) -> None:
    made.go("police:out-procuratorate")  # says where it stands: nothing else is to be sent but bundles
    for name, content in (("large.bin", noise(300_000)), ("small.txt", b"small")):
        made.drop(name, content)
        for _turn in range(3):
            made.go("police:claim", "police:pack")
            made.clock.time += 1
    line.errors["deposit"] = [unreachable()]
    made.clock.time += known(made.step(made.police, "out-procuratorate"))
    made.go("police:out-procuratorate")
    assert {t.export_name: t.state for t in made.police.transfers(OUT)} == {
        "large.bin": State.SEALED,
        "small.txt": State.SENT,
    }


def gates(clock: ToldClock, ops: Heard) -> tuple[Gate, Gate]:
    backoff = Backoff(5.0, 900.0)
    reach = Reach("hub", backoff, clock)
    first, second = (Gate(Scope.LINK, "hub", backoff, clock, ops, reach=reach) for _ in range(2))
    return first, second


def test_while_one_direction_tries_the_other_waits_for_what_it_learns() -> None:
    clock = ToldClock()
    out, back = gates(clock, Heard())
    out.failed(unreachable())
    assert back.wait() == out.wait() > 0
    clock.time += out.wait()
    assert (out.enter(), back.enter()) == (0.0, 1.0)
    assert out.enter() == 0.0  # receipts first, then bundles: the same direction goes on
    out.succeeded()
    assert (out.enter(), back.enter()) == (0.0, 0.0)


def test_a_direction_that_never_says_how_it_went_is_not_waited_for_for_ever() -> None:
    clock = ToldClock()
    out, back = gates(clock, Heard())
    out.failed(unreachable())
    clock.time += out.wait()
    assert out.enter() == 0.0
    clock.time += 120
    assert back.enter() == 0.0


def test_a_peer_that_was_away_and_calls_is_tried_at_once_and_once() -> None:
    clock = ToldClock()
    out, back = gates(clock, Heard())
    assert not out.peer_called()
    out.failed(unreachable())
    assert (out.peer_called(), back.peer_called()) == (True, False)
    assert out.enter() == 0.0
    out.failed(unreachable())
    assert not out.peer_called()  # it can call us and cannot be called
    assert out.wait() > 5
    out.succeeded()
    out.failed(unreachable())
    assert out.peer_called()
    out.succeeded()
    out.failed(TransientError("mailbox-full", "no room", scope=Scope.LINK))
    assert not out.peer_called()


def test_a_full_mailbox_rests_one_direction_only_and_the_other_does_not_end_its_rest() -> None:
    clock = ToldClock()
    out, back = gates(clock, Heard())
    for failures in (1, 2, 3):
        out.failed(TransientError("mailbox-full", "quota", scope=Scope.LINK))
        assert back.enter() == 0.0
        back.succeeded()
        assert 5 * 2 ** (failures - 1) <= out.wait() < 5 * 2 ** (failures - 1) * 1.25
        clock.time += out.wait()


def test_a_direction_in_which_only_uploads_hang_backs_off_although_the_other_gets_through() -> None:
    clock = ToldClock()
    out, back = gates(clock, Heard())
    waits = []
    for _failure in range(4):
        assert out.enter() == 0.0
        out.failed(TransientError("link-timeout", "no byte moved", scope=Scope.LINK))
        waits.append(out.wait())
        clock.time += back.wait()
        assert back.enter() == 0.0
        back.succeeded()
        clock.time += out.wait()
    assert waits == sorted(waits)
    assert waits[-1] >= 40


# -- at once ----------------------------------------------------------------------------------------------------------


def test_retry_calls_a_resting_link_at_once_and_only_once(line: Faults, made: Street) -> None:
    fill(made, 3)
    before = line.calls.count("deposit")
    line.errors["deposit"] = [unreachable() for _ in range(4)]
    for _failure in range(3):
        made.clock.time += known(made.step(made.police, "out-procuratorate"))
    made.go("police:out-procuratorate")
    assert line.calls.count("deposit") == before + 4
    rest = known(made.step(made.police, "out-procuratorate"))
    assert rest > 30
    first = made.police.transfers(OUT)[0]
    line.errors["deposit"] = [unreachable()]
    operator(made).retry(first.id, "they say it works")
    made.go("police:decide", "police:out-procuratorate", "police:out-procuratorate")
    assert line.calls.count("deposit") == before + 5
    assert known(made.step(made.police, "out-procuratorate")) > rest  # a failure on request counts like any other
    assert operator(made).retry_link(LINK, "now it does") == 0
    made.go("police:decide", "police:out-procuratorate", "police:out-procuratorate")
    assert {t.state for t in made.police.transfers(OUT)} == {State.SENT}
    assert [(d.action, d.link, d.transfer, d.why) for d in made.police.ledger.decisions.deeds()] == [
        ("retry", LINK, None, "now it does"),
        ("retry", LINK, first.id, "they say it works"),
    ]


def test_retry_of_a_link_takes_along_what_backs_off_on_it(line: Faults, made: Street) -> None:
    made.go("police:out-procuratorate")  # says where it stands: nothing else is to be sent but bundles
    fill(made, 2)
    line.errors["deposit"] = [TransientError("local-io", "our disk"), TransientError("local-io", "our disk")]
    made.go("police:out-procuratorate", "police:out-procuratorate")
    assert {t.attempts for t in made.police.transfers(OUT)} == {1}
    assert operator(made).retry_link(LINK) == 2
    made.go("police:decide", "police:out-procuratorate", "police:out-procuratorate")
    assert {t.state for t in made.police.transfers(OUT)} == {State.SENT}


def test_a_link_that_does_not_exist_is_named(made: Street) -> None:
    with pytest.raises(GatewayError) as refused:
        operator(made).retry_link("procurator")
    assert (refused.value.code, refused.value.facts["known"]) == ("link-unknown", LINK)


# -- late answers -----------------------------------------------------------------------------------------------------


def test_a_late_answer_to_the_first_attempt_does_not_harm_the_second(made: Street) -> None:
    fill(made, 1)
    first = made.police.only(OUT)
    recorder = Recorder(made.police.ledger, Backoff(5.0, 900.0), made.clock, made.police.log)
    recorder.fail(first, Stage.SEND, TransientError("deposit-unknown", "cut"), made.clock.time)
    made.clock.time += 10
    second = made.police.only(OUT)
    made.go("police:out-procuratorate")
    sent = made.police.only(OUT)
    assert sent.state is State.SENT
    for late in (first, second):
        recorder.fail(late, Stage.SEND, TransientError("link-timeout", "late"), made.clock.time)
        recorder.fail(late, Stage.SEND, PermanentError("name-taken", "late"), made.clock.time)
        assert recorder.advance([Step(late, Event.SENT, Stage.SEND)]) == []
    assert made.police.only(OUT) == sent
    assert len(made.police.log.of("step-too-late")) == 2


def test_the_receipt_for_the_first_sending_that_comes_after_the_second_is_old_news(made: Street) -> None:
    made.drop("one.txt", b"one")
    for _turn in range(3):
        made.go("police:claim", "police:pack", "police:out-procuratorate")
        made.go("procuratorate:in-police", "procuratorate:open", "procuratorate:out-police")
        made.clock.time += 1
    made.go("procuratorate:open", "procuratorate:in-police", "procuratorate:out-police")
    (letter,) = made.back.glob("*.cfr")
    late = letter.read_bytes()
    letter.unlink()
    made.clock.time += 3601
    made.settle()
    ours = made.police.only(OUT)
    assert (ours.state, made.police.events(ours).count("sent")) == (State.DELIVERED, 2)
    letter.write_bytes(late)
    made.settle()
    assert made.police.only(OUT) == ours
    assert made.delivered() == {"one.txt": b"one"}
    assert made.procuratorate.only(IN).state is State.CONFIRMED
    assert made.police.log.alerts() == []
