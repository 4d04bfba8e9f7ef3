"""Two units behind a hub compare what they hold: lost receipts, ledgers put back, a hub that has lost its disk."""

import shutil

import pytest

from gateway.bundle.names import Kind
from gateway.domain.lifecycle import State
from gateway.domain.records import known
from tests.support.hubs import CITY_A, COUNTY, IN, ON, OUT, PROSECUTOR, Province
from tests.support.reconciling import back, exchanged, lose, of, put_back, wiped, work_until_lost


def agree(province: Province, *names: str) -> None:
    """Assert that every export of these names was delivered once, and that both ledgers say so alike."""
    ours = {known(t.bundle_id): t for t in province[COUNTY].transfers(OUT)}
    theirs = {known(t.bundle_id): t for t in province[PROSECUTOR].transfers(IN)}
    assert ours.keys() == theirs.keys()
    assert len(ours) == len(names)
    assert {t.state for t in ours.values()} <= {State.DELIVERED, State.COLLECTED}
    assert {t.state for t in theirs.values()} <= {State.CONFIRMED, State.COLLECTED}
    for bundle, our in ours.items():
        assert (our.header_hash, our.sequence) == (theirs[bundle].header_hash, theirs[bundle].sequence)


def pass_hours(province: Province, hours: float, turns: int = 12) -> None:
    """Let time pass in steps in which everybody works."""
    for _turn in range(turns):
        province.work(seconds=hours * 3600 / turns)


def test_units_behind_a_hub_are_silent_while_nothing_is_open(small: Province) -> None:
    exchanged(small, "a.txt")
    before = len(small[COUNTY].log.of("inventory-sent"))
    pass_hours(small, 5)
    assert len(small[COUNTY].log.of("inventory-sent")) == before
    assert small[COUNTY].log.of("enquiry-sent") == []
    assert small.mail() == []


@pytest.mark.soak
def test_a_receipt_that_was_lost_behind_the_hub_comes_when_the_hour_has_passed(small: Province) -> None:
    small.drop(COUNTY, "a.txt", b"a.txt")
    work_until_lost(small, CITY_A, COUNTY, Kind.RECEIPTS)
    lost_again = 0
    while of(small, "a.txt").state is not State.IN_CUSTODY and lost_again < 50:
        small.work()
        lost_again += 1
    for _turn in range(20):  # the recipient's receipt is lost between the hub and the county
        small.work()
        lose(small, CITY_A, COUNTY, Kind.RECEIPTS)
    pass_hours(small, 3, turns=40)
    small.settle()
    agree(small, "a.txt")


def test_a_paper_that_is_not_genuine_goes_no_further_than_the_hub(small: Province) -> None:
    small[COUNTY].ledger.resync.want(small.unit(PROSECUTOR), "command")
    small.step(small[COUNTY], "out-city-a")
    (letter,) = small.mailbox(COUNTY, CITY_A).iterdir()
    raw = bytearray(letter.read_bytes())
    raw[-1] ^= 1
    letter.write_bytes(raw)
    small.step(small[CITY_A], "in-county")
    small.step(small[CITY_A], "out-prosecutor")
    assert list(small.mailbox(CITY_A, PROSECUTOR).iterdir()) == []
    assert [one["code"] for one in small[CITY_A].log.of("inventory-refused")] == ["inventory-bad-signature"]


def test_a_paper_goes_through_a_hub_once_and_never_back(small: Province) -> None:
    small[COUNTY].ledger.resync.want(small.unit(PROSECUTOR), "command")
    small.step(small[COUNTY], "out-city-a")
    (letter,) = small.mailbox(COUNTY, CITY_A).iterdir()
    raw = letter.read_bytes()
    for _time in range(3):
        letter.write_bytes(raw)
        small.step(small[CITY_A], "in-county")
        small.step(small[CITY_A], "out-prosecutor")
    assert [path.read_bytes() for path in small.mailbox(CITY_A, PROSECUTOR).iterdir()] == [raw]
    (small.mailbox(PROSECUTOR, CITY_A) / letter.name).write_bytes(raw)
    small.step(small[CITY_A], "in-prosecutor")
    small.step(small[CITY_A], "out-prosecutor")
    small.step(small[CITY_A], "out-county")
    assert list(small.mailbox(CITY_A, COUNTY).iterdir()) == []


@pytest.mark.parametrize(
    "spool_too", [pytest.param(False, marks=pytest.mark.soak), True], ids=["ledger", "ledger and spool"]
)
def test_a_sender_behind_a_hub_learns_again_what_it_sent(small: Province, spool_too: bool) -> None:
    exchanged(small, "before.txt")
    back(small[COUNTY])
    exchanged(small, "after-1.txt", "after-2.txt")
    epoch = small[COUNTY].ledger.epoch
    put_back(small, COUNTY, spool_too=spool_too)
    assert small[COUNTY].ledger.epoch != epoch
    small.settle()
    exchanged(small, "new.txt")
    agree(small, "before.txt", "after-1.txt", "after-2.txt", "new.txt")
    assert len(small.delivered(PROSECUTOR)) == 4


def test_a_restored_sender_sends_nothing_to_a_unit_behind_a_hub_before_it_has_heard(small: Province) -> None:
    exchanged(small, "before.txt")
    back(small[COUNTY])
    put_back(small, COUNTY)
    small.drop(COUNTY, "new.txt", b"new.txt")
    for _turn in range(8):
        small.work(COUNTY, seconds=10)
    assert of(small, "new.txt").state is State.SEALED
    assert {path.suffix for path in small.mailbox(COUNTY, CITY_A).iterdir()} == {Kind.INVENTORY}
    small.settle()
    agree(small, "before.txt", "new.txt")


def test_a_restored_recipient_behind_a_hub_gets_its_receipts_back_and_delivers_nothing_twice(small: Province) -> None:
    exchanged(small, "before.txt")
    back(small[PROSECUTOR])
    exchanged(small, "after.txt")
    for folder in (small.root / PROSECUTOR / "in").iterdir():
        shutil.rmtree(folder)  # the case software has taken everything
    put_back(small, PROSECUTOR)
    small.settle()
    exchanged(small, "new.txt")
    pass_hours(small, 0.2)
    small.settle()
    assert set(small.delivered(PROSECUTOR)) == {"new.txt"}
    agree(small, "before.txt", "after.txt", "new.txt")


def test_a_hub_that_loses_everything_it_holds_gets_it_again_and_all_is_delivered_once(small: Province) -> None:
    exchanged(small, "before.txt")
    for name in ("a.txt", "b.txt", "c.txt"):
        small.drop(COUNTY, name, name.encode())
    # The hub has signed for all, and passed on the first only.
    for _turn in range(60):
        small.work(COUNTY, CITY_A)
        if [t.state for t in small[COUNTY].transfers(OUT)[1:]] == [State.IN_CUSTODY] * 3:
            break
    lying = sorted(small.bundles(CITY_A, PROSECUTOR))
    assert len(lying) == 3
    small.lose(CITY_A, PROSECUTOR, lying[1:])
    wiped(small, CITY_A)
    assert small[CITY_A].transfers(ON) == []
    pass_hours(small, 3, turns=40)
    small.settle()
    agree(small, "before.txt", "a.txt", "b.txt", "c.txt")
    assert len(small.delivered(PROSECUTOR)) == 4
    assert small[COUNTY].log.of("hub-lost-bundles")
    assert not any(small[PROSECUTOR].log.of("equivocation"))
