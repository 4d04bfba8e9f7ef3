"""Receipts on their way back over a hub: each once, all of them when asked again, and what they move."""

from gateway.bundle.names import bundle_name
from gateway.domain.lifecycle import Event, State
from gateway.domain.records import ReceiptCode, known
from gateway.ledger import changes
from tests.support.forging import noise
from tests.support.hubs import (
    CITY_A,
    CITY_B,
    COUNTY,
    COURT,
    IN,
    ON,
    OUT,
    PROSECUTOR,
    PROVINCE,
    Province,
    letters,
    opened,
    post,
    seal,
    state,
)
from tests.support.rosters import changed, entry, with_key

HOUR = 3600.0


def cleared(province: Province, sender: str, receiver: str) -> None:
    """Lose everything that lies in a mailbox."""
    for path in province.mailbox(sender, receiver).iterdir():
        path.unlink()


def test_what_was_sent_back_is_sent_once_and_all_of_it_again_when_the_bundle_comes_again(hub: Province) -> None:
    sealed = seal(hub, COUNTY, [PROSECUTOR])
    hub.put(COUNTY, CITY_A, sealed)
    hub.work(CITY_A, turns=4)
    assert letters(hub, CITY_A, COUNTY) == [("100", hub.unit(CITY_A))]
    cleared(hub, CITY_A, COUNTY)
    post(hub, PROVINCE, CITY_A, state(hub, PROVINCE, sealed, ReceiptCode.CUSTODY))
    hub.work(CITY_A, turns=3)
    assert letters(hub, CITY_A, COUNTY) == [("100", hub.unit(PROVINCE))]
    cleared(hub, CITY_A, COUNTY)
    hub.put(COUNTY, CITY_A, sealed)  # the sender has none of them
    hub.work(CITY_A, turns=3)
    assert set(letters(hub, CITY_A, COUNTY)) == {("100", hub.unit(CITY_A)), ("100", hub.unit(PROVINCE))}
    assert hub.bundles(COUNTY, CITY_A) == []
    assert len(hub.relays(CITY_A)) == 1


def test_a_receipt_that_comes_while_others_are_owed_is_not_forgotten(hub: Province) -> None:
    sealed = seal(hub, COUNTY, [PROSECUTOR])
    hub.put(COUNTY, CITY_A, sealed)
    hub.work(CITY_A, turns=3)
    node = hub[CITY_A]
    arrival = node.only(IN)
    owed = node.ledger.relays.to_return(arrival)
    post(hub, PROVINCE, CITY_A, state(hub, PROVINCE, sealed, ReceiptCode.CUSTODY))
    hub.step(node, "in-province")
    if arrival.state is State.CHECKED:  # the letter with `owed` was on its way meanwhile
        assert len(owed) == 1
        assert node.only(IN).version > arrival.version
    hub.work(CITY_A, turns=2)
    assert set(letters(hub, CITY_A, COUNTY)) == {("100", hub.unit(CITY_A)), ("100", hub.unit(PROVINCE))}


def test_two_receipts_about_one_transfer_in_one_file_are_taken_one_after_the_other(hub: Province) -> None:
    sealed, other = seal(hub, COUNTY, [PROSECUTOR]), seal(hub, COUNTY, [PROSECUTOR], numbers=[2], name="b.txt")
    for one in (sealed, other):
        hub.put(COUNTY, CITY_A, one)
    hub.work(CITY_A, turns=5)
    said = [
        state(hub, PROVINCE, sealed, ReceiptCode.CUSTODY),
        state(hub, PROVINCE, other, ReceiptCode.CUSTODY, sequence=2),
        state(hub, PROSECUTOR, sealed, ReceiptCode.DELIVERED),
        # A recipient that names somebody else: it can speak of nothing but its own.
        state(hub, PROSECUTOR, other, ReceiptCode.DELIVERED, sequence=2, recipient=hub.unit(COURT)),
    ]
    node = hub[CITY_A]
    post(hub, PROVINCE, CITY_A, *said)
    hub.step(node, "in-province")
    assert [node.events(relay)[-2:] for relay in hub.relays(CITY_A)] == [
        ["custody-receipted", "delivery-receipted"]
    ] * 2
    assert list(hub.mailbox(PROVINCE, CITY_A).iterdir()) == []


def test_only_the_recipient_can_say_that_it_was_delivered(hub: Province) -> None:
    sealed = seal(hub, COUNTY, [PROSECUTOR])
    hub.put(COUNTY, CITY_A, sealed)
    hub.work(CITY_A, turns=4)
    cleared(hub, CITY_A, COUNTY)
    post(hub, PROVINCE, CITY_A, state(hub, PROVINCE, sealed, ReceiptCode.DELIVERED))
    post(hub, PROVINCE, CITY_A, state(hub, COURT, sealed, ReceiptCode.CUSTODY))
    hub.work(CITY_A, turns=3)
    assert hub[CITY_A].only(ON).state is State.FORWARDED
    assert len(hub[CITY_A].log.of("receipt-unmatched")) == 2
    assert letters(hub, CITY_A, COUNTY) == []


def test_what_the_next_hub_holds_is_not_sent_to_it_again(hub: Province) -> None:
    sealed = seal(hub, COUNTY, [PROSECUTOR], life=30 * 86400)
    hub.put(COUNTY, CITY_A, sealed)
    hub.work(CITY_A, turns=4)
    assert hub.bundles(CITY_A, PROVINCE) == [sealed.bundle]
    cleared(hub, CITY_A, PROVINCE)
    hub.clock.time += 2 * HOUR
    hub.work(CITY_A, turns=2)
    assert hub.bundles(CITY_A, PROVINCE) == [sealed.bundle]  # no word of it: once more
    cleared(hub, CITY_A, PROVINCE)
    post(hub, PROVINCE, CITY_A, state(hub, PROVINCE, sealed, ReceiptCode.CUSTODY))
    hub.work(CITY_A, turns=2)
    hub.clock.time += 24 * HOUR
    hub.work(CITY_A, turns=2)
    assert hub.bundles(CITY_A, PROVINCE) == []


def test_a_refusal_by_the_recipient_goes_back_and_lets_the_bytes_go(hub: Province) -> None:
    sealed = seal(hub, COUNTY, [PROSECUTOR])
    hub.put(COUNTY, CITY_A, sealed)
    hub.work(CITY_A, turns=4)
    assert len(hub.held_bytes(CITY_A)) == 1
    post(hub, PROVINCE, CITY_A, state(hub, PROSECUTOR, sealed, ReceiptCode.NOT_PERMITTED))
    hub.work(CITY_A, turns=3)
    assert hub[CITY_A].only(ON).state is State.SETTLED
    assert hub.held_bytes(CITY_A) == []
    assert letters(hub, CITY_A, COUNTY)[-1] == ("203", hub.unit(PROSECUTOR))


def test_a_relay_is_closed_when_its_time_is_over_and_later_receipts_still_go_back(hub: Province) -> None:
    sealed = seal(hub, COUNTY, [PROSECUTOR])
    hub.put(COUNTY, CITY_A, sealed)
    hub.work(CITY_A, turns=4)
    post(hub, PROVINCE, CITY_A, state(hub, PROSECUTOR, sealed, ReceiptCode.DELIVERED))
    hub.work(CITY_A, turns=3)
    hub.clock.time += 8 * 86400
    hub[CITY_A].worker("retain").step()
    assert hub[CITY_A].only(ON).state is State.CLOSED
    cleared(hub, CITY_A, COUNTY)
    post(hub, PROVINCE, CITY_A, state(hub, PROSECUTOR, sealed, ReceiptCode.COLLECTED))
    hub.work(CITY_A, turns=3)
    assert letters(hub, CITY_A, COUNTY) == [("120", hub.unit(PROSECUTOR))]


def test_a_person_closes_a_relay_and_its_bytes_go(hub: Province) -> None:
    hub.put(COUNTY, CITY_A, seal(hub, COUNTY, [PROSECUTOR]))
    hub.work(CITY_A, turns=4)
    node = hub[CITY_A]
    held = node.ledger.hold(node.only(ON), "held-by-person", "li", "look at it")
    assert node.ledger.due((State.CHECKED, State.FORWARDED), now=hub.clock.now() + HOUR, limit=9) == []
    node.ledger.close_transfer(node.ledger.release(held, "li", "seen"), "li", "not wanted")
    node.worker("retain").step()
    assert hub.held_bytes(CITY_A) == []
    assert node.only(ON).state is State.CLOSED


def test_the_origin_waits_for_long_while_a_hub_holds_it_and_never_sends_it_again(shut: Province) -> None:
    shut.open_only = (COUNTY, CITY_A)
    with opened(shut) as province:
        province.drop(COUNTY, "a.txt", b"one")
        province.work(turns=8)
        county = province[COUNTY]
        sent = county.only(OUT)
        assert sent.state is State.IN_CUSTODY
        assert known(sent.receipt_due_at) > province.clock.now() + 12 * HOUR
        province.clock.time += 48 * HOUR
        cleared(province, COUNTY, CITY_A)
        province.work(COUNTY, turns=3)
        assert province.bundles(COUNTY, CITY_A) == []
        assert county.only(OUT).hold_code is None
        # Only the comparison of both sides brings it back.
        sent_before = county.only(OUT)
        county.ledger.change(lambda change: changes.send_again(change, sent_before))
        province.work(COUNTY, turns=2)
        assert province.bundles(COUNTY, CITY_A) == [known(sent.bundle_id)]
        assert Event.MISSED in county.events(sent)


def test_a_refusal_by_a_hub_ends_the_origins_transfer(shut: Province) -> None:
    shut.open_only = (COUNTY, CITY_A)
    config = shut.root / CITY_A / "etc" / "gateway.yaml"
    config.write_text(config.read_text("utf-8").replace("limits:", "limits:\n  bundle: 1 MiB"), "utf-8")
    with opened(shut) as province:
        province.drop(COUNTY, "big.bin", noise(2 << 20))
        province.work(turns=12)
        sent = province[COUNTY].only(OUT)
        assert sent.state is State.REFUSED
        assert province.receipts(COUNTY, sent) == [("202", province.unit(CITY_A))]
        assert [path.name for path in (province[COUNTY].root / "out" / "files" / "reject").iterdir()]


def test_lost_receipts_are_brought_again_over_all_hubs(province: Province) -> None:
    province.drop(COUNTY, "a.txt", b"one")
    for _turn in range(12):
        province.work()
        cleared(province, CITY_A, COUNTY)
    sent = province[COUNTY].only(OUT)
    assert sent.state is State.SENT
    assert len(province.delivered(PROSECUTOR)) == 1
    province.clock.time += 2 * HOUR
    province.settle()
    assert province[COUNTY].only(OUT).state is State.DELIVERED
    assert len(province.delivered(PROSECUTOR)) == 1
    assert {issuer for _code, issuer in province.receipts(COUNTY, sent)} == {
        province.unit(one) for one in (CITY_A, PROVINCE, CITY_B, PROSECUTOR)
    }
    assert bundle_name(known(sent.bundle_id)) not in {path.name for path in province.mail()}


def test_a_stolen_key_says_nothing_and_silences_nobody_in_the_same_file(hub: Province) -> None:
    """Whoever stole it can date anything back; the receipts of others, which a hub brings with it, still count."""
    sealed, other = seal(hub, COUNTY, [PROSECUTOR]), seal(hub, COUNTY, [COURT])
    for one in (sealed, other):
        hub.put(COUNTY, CITY_A, one)
    hub.work(CITY_A, turns=4)
    stolen = changed(
        hub.content, hub.unit(PROSECUTOR), **with_key(entry(hub.content, hub.unit(PROSECUTOR)), compromised=True)
    )
    hub.reopen(CITY_A, stolen)
    forged = state(hub, PROSECUTOR, sealed, ReceiptCode.DELIVERED)
    post(hub, PROVINCE, CITY_A, forged, state(hub, COURT, other, ReceiptCode.DELIVERED, recipient=hub.unit(COURT)))
    hub.work(CITY_A, turns=3)
    states = {relay.recipient: relay.state for relay in hub.relays(CITY_A)}
    assert states == {hub.unit(PROSECUTOR): State.FORWARDED, hub.unit(COURT): State.SETTLED}
    assert [facts["code"] for facts in hub[CITY_A].log.of("receipt-refused")] == ["revoked-sender"]


def test_a_hub_that_no_way_leads_over_refuses_nothing(hub: Province) -> None:
    sealed = seal(hub, COUNTY, [PROVINCE])
    hub.put(COUNTY, CITY_A, sealed)
    hub.work(CITY_A, turns=4)
    post(hub, PROVINCE, CITY_A, state(hub, CITY_B, sealed, ReceiptCode.EXPIRED, recipient=hub.unit(PROVINCE)))
    hub.work(CITY_A, turns=3)
    assert hub[CITY_A].only(ON).state is State.FORWARDED
    assert len(hub[CITY_A].log.of("receipt-unmatched")) == 1
