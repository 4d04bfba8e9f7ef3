"""A hub that signed for a bundle and has lost its bytes, and nothing else: it says so, and they are sent again."""

from gateway.bundle.names import Kind
from gateway.domain.ids import BundleId
from gateway.domain.lifecycle import State
from tests.support.hubs import CITY_A, COUNTY, OUT, PROSECUTOR, Province, Sealed
from tests.support.reconciling import codes, exchanged, lose, reconcile


def in_custody(province: Province, name: str) -> None:
    """Let an export come as far as the mailbox of a recipient that does not look into it."""
    province.drop(COUNTY, name, name.encode())
    for _turn in range(40):
        province.work(COUNTY, CITY_A)
        states = [one.state for one in province[COUNTY].transfers(OUT) if one.export_name == name]
        if states == [State.IN_CUSTODY] and province.bundles(CITY_A, PROSECUTOR):
            return
    raise AssertionError(province.story())


def without_bytes(province: Province) -> None:
    """Take away what the hub has of the one bundle: in its spool, and in the recipient's mailbox."""
    (held,) = province.held_bytes(CITY_A)
    held.unlink()
    assert lose(province, CITY_A, PROSECUTOR, Kind.BUNDLE) == 1


def test_what_a_hub_has_lost_is_named_and_sent_again(small: Province) -> None:
    exchanged(small, "before.txt")
    in_custody(small, "a.txt")
    without_bytes(small)
    found = reconcile(small)
    assert codes(found) == ["reconcile-lost"]
    small.settle()
    assert small.delivered(PROSECUTOR) == {"before.txt": b"before.txt", "a.txt": b"a.txt"}
    assert len(small[CITY_A].log.of("relayed-again")) == 1
    assert {relay.state for relay in small.relays(CITY_A)} == {State.SETTLED}
    assert small.held_bytes(CITY_A) == []
    assert reconcile(small)["outcome"] == "balanced"


def test_nobody_needs_to_ask(small: Province) -> None:
    """The hourly question about what the hub signed for finds it."""
    in_custody(small, "a.txt")
    without_bytes(small)
    for _turn in range(30):
        small.work(seconds=240)
    small.settle()
    assert small.delivered(PROSECUTOR) == {"a.txt": b"a.txt"}


def test_a_damaged_repetition_does_not_take_the_place_of_what_was_lost(small: Province) -> None:
    in_custody(small, "a.txt")
    (held,) = small.held_bytes(CITY_A)
    bundle, raw = BundleId(held.name.partition("-")[0]), held.read_bytes()
    without_bytes(small)
    small.put(COUNTY, CITY_A, Sealed(bundle, raw[:-1] + bytes([raw[-1] ^ 1])))
    small.work(CITY_A, turns=5)
    assert small.held_bytes(CITY_A) == []
    assert [one.note.code for one in small[CITY_A].ground.quarantine.listing()] != []
    small.put(COUNTY, CITY_A, Sealed(bundle, raw))
    small.settle()
    assert small.delivered(PROSECUTOR) == {"a.txt": b"a.txt"}


def test_what_is_delivered_meanwhile_needs_nobody(small: Province) -> None:
    """The recipient had fetched it before the hub noticed: its receipt ends the hold."""
    in_custody(small, "a.txt")
    (held,) = small.held_bytes(CITY_A)
    held.unlink()
    assert reconcile(small, turns=60)["outcome"] in ("balanced", "differences")
    small.settle()
    (relay,) = small.relays(CITY_A)
    assert (relay.state, relay.hold_code) == (State.SETTLED, None)
    assert small.delivered(PROSECUTOR) == {"a.txt": b"a.txt"}
