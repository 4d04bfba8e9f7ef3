"""What a bell promises: no ring is lost, many rings are one, and whoever answers hears of each and of a stop."""

from gateway.daemon.worker import Bell, Bells


def test_rings_are_kept_and_make_one() -> None:
    bell = Bell()
    assert not bell.take()
    bell.ring()
    bell.ring()
    assert bell.take()
    assert not bell.take()


def test_who_answers_hears_of_each_ring_and_of_the_stop() -> None:
    bell, heard = Bell(), list[tuple[bool, bool]]()
    bell.answer(lambda: heard.append((bell.take(), bell.stopping)))
    bell.ring()
    bell.ring()
    bell.stop()
    assert heard == [(True, False), (True, False), (False, True)]


def test_bells_are_rung_by_name_and_unknown_names_are_let_pass() -> None:
    bells = Bells()
    ours, other = bells.hang("ours"), bells.hang("other")
    bells.ring("ours", "nobody")
    assert (ours.take(), other.take()) == (True, False)
    bells.ring_all()
    assert (ours.take(), other.take()) == (True, True)
    bells.take_down(["ours"])
    bells.ring("ours")
    assert not ours.take()
