"""What a bell promises: no ring is lost, many rings are one, and a stop wakes from any wait."""

import threading

from gateway.daemon.worker import Bell, Bells
from tests.unit.daemon.doubles import WAIT


def returns(call: threading.Thread) -> bool:
    call.join(WAIT)
    return not call.is_alive()


def test_a_ring_before_the_wait_is_kept_and_rings_make_one() -> None:
    bell = Bell()
    bell.ring()
    bell.ring()
    bell.wait(None)
    second = threading.Thread(target=bell.wait, args=(None,), daemon=True)
    second.start()
    second.join(0.05)
    assert second.is_alive(), "the second wait returned for a ring that was taken"
    bell.ring()
    assert returns(second)


def test_a_wait_ends_after_its_seconds() -> None:
    Bell().wait(0.01)


def test_a_stop_wakes_from_waiting_and_from_pausing() -> None:
    bell = Bell()
    calls = [threading.Thread(target=bell.wait, args=(None,)), threading.Thread(target=bell.pause, args=(WAIT * 9,))]
    for call in calls:
        call.start()
    bell.stop()
    assert all(returns(call) for call in calls)
    assert bell.stopping


def test_a_ring_during_a_pause_is_kept_for_the_wait_after_it() -> None:
    bell = Bell()
    bell.ring()
    bell.pause(0.01)
    bell.wait(None)


def test_bells_are_rung_by_name_and_unknown_names_are_let_pass() -> None:
    bells = Bells()
    ours, other = bells.hang("ours"), bells.hang("other")
    bells.ring("ours", "nobody")
    ours.wait(None)
    bells.ring_all()
    ours.wait(None)
    other.wait(None)
    bells.take_down(["ours"])
    bells.ring("ours")
