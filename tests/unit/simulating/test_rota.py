"""The rota of a process that hosts many nodes: each turn once, in order, when it is due."""

from gateway.compose.simulating_rota import Calls, Rota
from gateway.domain.ids import UnitCode

A, B = (UnitCode("990101"), "claim"), (UnitCode("990102"), "pack")


def test_turns_come_in_the_order_of_asking_and_once_however_often_asked() -> None:
    rota = Rota()
    for turn in (B, A, B, B):
        rota.call(turn)
    assert rota.round(0.0) == [B, A]
    assert rota.round(0.0) == []


def test_what_is_asked_for_during_a_round_belongs_to_the_next() -> None:
    rota = Rota()
    rota.call(A)
    assert rota.round(0.0) == [A]
    rota.call(A)
    assert rota.round(0.0) == [A]


def test_a_wish_is_due_at_its_time_and_a_later_wish_takes_its_place() -> None:
    rota = Rota()
    rota.wish(A, 5.0)
    rota.wish(A, 9.0)
    assert rota.round(6.0) == []
    assert rota.next_at() == 9.0
    assert rota.round(9.0) == [A]
    assert rota.next_at() is None


def test_a_wish_for_nothing_takes_the_earlier_back() -> None:
    rota = Rota()
    rota.wish(A, 5.0)
    rota.wish(A, None)
    assert rota.round(9.0) == []


def test_a_closed_node_has_no_turns() -> None:
    rota = Rota()
    rota.call(A)
    rota.call(B)
    rota.wish(A, 1.0)
    rota.forget(A[0])
    assert rota.round(2.0) == [B]


def test_a_ring_is_a_turn() -> None:
    rung: list[str] = []
    bells = Calls(rung.append, lambda: rung.append("everybody"))
    bells.ring("claim", "pack")
    bells.ring_all()
    assert rung == ["claim", "pack", "everybody"]
