"""Routes that keep an order: what was dropped first arrives first, and what waits for it says so."""

import os
from collections.abc import Iterator

import pytest

from gateway.compose.health import Health
from gateway.compose.needs import Need
from gateway.compose.node import RunningNode
from gateway.compose.outlook import Daemon, Wait, outlook
from gateway.compose.survey import survey
from gateway.domain.errors import Scope, TransientError
from gateway.domain.lifecycle import State, ends
from gateway.domain.records import Order, Transfer
from gateway.ledger.change import Touch
from gateway.ledger.store import Ledger
from gateway.words.catalogue import Words
from tests.support.houses import OUT, Heard, Street, opened, street
from tests.support.orderly import arrivals, drop, keep


@pytest.fixture(params=[Order.STREAM, Order.CASE])
def order(request: pytest.FixtureRequest) -> Order:
    found: Order = request.param
    return found


@pytest.fixture
def made(closed: Street, order: Order) -> Iterator[Street]:
    keep(closed.root, order)
    with opened(closed):
        yield closed


def sealed(made: Street, *cases: int) -> list[Transfer]:
    """Drop an export of each of `cases` and bring them to the point where they are owed to the line."""
    for number, case in enumerate(cases):
        made.clock.time += 1
        drop(made, case, number)
    made.go("police:claim", "police:pack", "police:pack")
    found = made.police.transfers(OUT)
    assert {transfer.state for transfer in found} == {State.SEALED}
    return found


def states(made: Street) -> list[State]:
    return [transfer.state for transfer in made.police.transfers(OUT)]


def round_trip(made: Street) -> None:
    """Let what lies in the mailbox be delivered, and its receipt come back."""
    made.go("procuratorate:in-police", "procuratorate:open", "procuratorate:open", "procuratorate:out-police")
    made.go("police:in-procuratorate")


def test_the_second_of_a_case_is_sent_when_the_first_has_its_receipt(made: Street) -> None:
    sealed(made, 1, 1)
    assert (made.step(made.police, "out-procuratorate") or 0) > 1  # it is rung when the second one's turn has come
    assert states(made) == [State.SENT, State.SEALED]
    made.go("police:out-procuratorate")
    assert len(made.mail()) == 1
    round_trip(made)
    made.go("police:out-procuratorate")
    assert states(made) == [State.DELIVERED, State.SENT]


def test_another_case_goes_on_unless_all_are_in_one_order(made: Street, order: Order) -> None:
    sealed(made, 1, 2, 1)
    made.go("police:out-procuratorate")
    assert states(made) == [State.SENT, State.SENT if order is Order.CASE else State.SEALED, State.SEALED]


def test_a_bundle_that_waits_names_what_it_waits_for_and_what_to_do(made: Street) -> None:
    first, second = sealed(made, 1, 1)
    held = made.police.ledger.hold(first, "asked", "somebody", "a question")
    settings = made.police.identity.settings
    before = made.police.ledger.goes_before(second, settings.orders)
    running = Daemon(1, Health(), ())
    found = outlook(second, settings, running, made.clock.time, before)
    assert (found.wait, found.behind, found.code) == (Wait.ORDER, first.id, "asked")
    assert found.commands[:2] == (f"caseferry explain {first.id}", f"caseferry release {first.id} --why ...")

    (notice,) = (n for n in survey(settings, made.police.ledger, made.clock.time).notices if n.need is Need.HOLDS_BACK)
    assert (notice.subject, notice.count) == (str(first.id), 1)

    made.go("police:out-procuratorate")
    assert states(made) == [State.SEALED, State.SEALED]
    made.police.ledger.close_transfer(held, "somebody", "not wanted")
    made.go("police:out-procuratorate")
    assert states(made) == [State.CLOSED, State.SENT]


def test_what_was_dropped_first_is_claimed_and_sealed_first_however_large(made: Street) -> None:
    names = []
    for number, padding in enumerate((500_000, 0, 100_000)):
        made.clock.time += 1
        names.append(drop(made, 1, number, padding=padding))
    made.go("police:claim", "police:pack", "police:pack")
    found = made.police.transfers(OUT)
    assert [transfer.export_name for transfer in found] == names
    assert [transfer.sequence for transfer in found] == [1, 2, 3]
    made.settle()
    assert arrivals(made) == names


def test_what_was_dropped_earlier_and_still_settles_is_waited_for(made: Street) -> None:
    """A file that grows has no mark to say that it is complete; nothing dropped after it may pass it."""
    for number, name in enumerate(("a-growing.txt", "b-small.txt")):
        made.drop(name, b"some")
        os.utime(made.out / name, (made.clock.time + number, made.clock.time + number))
    made.go("police:claim")
    made.clock.time += 1
    (made.out / "a-growing.txt").write_bytes(b"some more")
    os.utime(made.out / "a-growing.txt", (made.clock.time - 1, made.clock.time - 1))
    made.go("police:claim")
    assert made.police.transfers(OUT) == []  # the small one alone is settled
    for _scan in range(2):
        made.clock.time += 1
        made.go("police:claim")
    assert [transfer.export_name for transfer in made.police.transfers(OUT)] == ["a-growing.txt", "b-small.txt"]


def test_what_cannot_be_claimed_keeps_those_behind_it(made: Street, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [drop(made, 1, number, padding=padding) for number, padding in enumerate((300_000, 0))]
    space = made.police.ground.shortage.space
    accept = space.may_accept

    def full(size: int, *, small: bool) -> None:
        if size > 200_000:
            raise TransientError("disk-space-low", "no room", scope=Scope.NODE)
        accept(size, small=small)

    monkeypatch.setattr(type(space), "may_accept", lambda _self, size, small: full(size, small=small))
    made.go("police:claim")
    assert made.police.transfers(OUT) == []
    monkeypatch.undo()
    made.go("police:claim")
    assert [transfer.export_name for transfer in made.police.transfers(OUT)] == names


def test_claims_that_were_not_recorded_are_adopted_in_their_order(
    made: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = []
    for number in range(6):
        made.clock.time += 1
        names.append(drop(made, 1, number))

    def full(_self: Ledger, _exports: object) -> list[Transfer]:
        raise TransientError("disk-full", "no room for the record", scope=Scope.NODE)

    with monkeypatch.context() as broken:
        broken.setattr(Ledger, "found", full)
        made.go("police:claim")
    made.close()
    with opened(street(made.root, made.clock)) as again:
        assert [transfer.export_name for transfer in again.police.transfers(OUT)] == names
    made.open()


class Log(Heard):
    def bug(self, event: str, error: BaseException, /, **facts: object) -> None:
        raise AssertionError(event) from error


@pytest.mark.parametrize("state", sorted(ends(OUT) | {State.FOUND, State.SEALED}))
def test_whoever_ends_wakes_the_links_of_routes_that_keep_order(made: Street, state: State) -> None:
    """Also where its own link is not known, and so is not the one on which others wait."""
    house = made.police
    for plan, rings in ((house.plan, True), (made.procuratorate.plan, False)):
        node = RunningNode(
            house.root / "etc", {}, house.identity, words=Words("en"), clock=made.clock, log=Log(), wake=lambda: None
        )
        node._plan = plan
        bell = node._bells.hang("out-procuratorate")
        node._ring_for({Touch(OUT, state, None, is_new=True)})
        assert bell._rung is rings
