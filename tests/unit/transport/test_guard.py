"""Who is let in, decided from plain values."""

from gateway.domain.ids import unit_code
from gateway.transport.guard import Guard, GuardLimits

A, B = unit_code("330102000000"), unit_code("330103000000")
HERE, THERE = "192.0.2.1", "192.0.2.2"


def test_strangers_are_limited_and_make_room_when_they_leave() -> None:
    guard = Guard(GuardLimits(unauthenticated=2))
    assert [guard.arrive(number, HERE, 0.0) for number in range(3)] == [None, None, "too-many-logins"]
    guard.leave(0)
    assert guard.arrive(3, HERE, 0.0) is None


def test_a_guest_is_no_longer_a_stranger() -> None:
    guard = Guard(GuardLimits(unauthenticated=1))
    assert guard.arrive(1, HERE, 0.0) is None
    assert guard.log_in(1, A, HERE) is None
    assert guard.arrive(2, HERE, 0.0) is None


def test_guests_are_limited_each_and_together() -> None:
    guard = Guard(GuardLimits(connections=3, per_guest=2))
    assert [guard.log_in(number, A, HERE) for number in range(3)] == [None, None, "too-many-of-guest"]
    assert guard.log_in(3, B, HERE) is None
    assert guard.log_in(4, B, HERE) == "too-many-connections"
    guard.leave(0)
    assert guard.log_in(5, B, HERE) is None


def test_failures_within_the_window_shut_an_address_out_for_a_while() -> None:
    guard = Guard(GuardLimits(failures=3, window=60.0, ban=120.0))
    assert [guard.fail(HERE, now) for now in (0.0, 10.0, 20.0)] == [False, False, True]
    assert guard.arrive(1, HERE, 139.9) == "address-banned"
    assert guard.arrive(1, THERE, 139.9) is None
    assert guard.arrive(2, HERE, 140.0) is None


def test_failures_that_are_far_apart_do_not_add_up() -> None:
    guard = Guard(GuardLimits(failures=3, window=60.0))
    assert not any(guard.fail(HERE, now) for now in (0.0, 31.0, 62.0, 93.0, 124.0))


def test_logging_in_forgives() -> None:
    guard = Guard(GuardLimits(failures=2))
    assert not guard.fail(HERE, 0.0)
    assert guard.log_in(1, A, HERE) is None
    assert not guard.fail(HERE, 1.0)


def test_memory_is_bounded_under_a_flood_of_addresses() -> None:
    guard = Guard(GuardLimits(failures=1, ban=1e9))
    for number in range(10_001):
        guard.fail(str(number), float(number))
    assert guard.arrive(1, "0", 20_000.0) is None
    assert guard.arrive(2, "10000", 20_000.0) == "address-banned"
