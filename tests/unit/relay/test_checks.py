"""What a hub refuses, each by its name, and what it says to whom."""

from dataclasses import replace

import pytest

from gateway.bundle.keys import generate
from gateway.bundle.suites import Suite
from gateway.compose.acting import Operator
from gateway.domain.lifecycle import State
from gateway.domain.records import Action, Priority, known
from gateway.stages import ahead
from tests.support.forging import flipped
from tests.support.hubs import (
    CITY_A,
    CITY_B,
    CLASS_OF_ARREST,
    COUNTY,
    COURT,
    IN,
    ON,
    PROSECUTOR,
    PROVINCE,
    Province,
    Sealed,
    opened,
    seal,
)
from tests.support.rosters import changed, entry, with_key

DAY = 86400


def offer(province: Province, sealed: Sealed, *, by: str = COUNTY) -> None:
    """Leave a bundle in the hub's mailbox and let the hub alone work."""
    province.put(by, CITY_A, sealed)
    province.work(CITY_A, turns=4)


def refused(province: Province, code: str, *, answered: str = "") -> None:
    """The hub has set the only bundle aside for `code`, carried it nowhere, and answered as said."""
    hub = province[CITY_A]
    arrival = hub.only(IN)
    assert [facts["code"] for facts in hub.log.of("bundle-quarantined")] == [code]
    assert province.relays(CITY_A) == []
    assert province.mailbox(CITY_A, PROVINCE).exists()
    assert province.bundles(CITY_A, PROVINCE) == []
    assert arrival.state is (State.DISMISSED if answered else State.QUARANTINED)
    assert [code for code, _issuer in province.receipts(CITY_A, arrival)] == ([answered] if answered else [])
    assert province.held_bytes(CITY_A) == []


def test_a_bundle_of_somebody_unknown_waits_for_a_person(hub: Province) -> None:
    offer(hub, seal(hub, COUNTY, [PROSECUTOR], keys=generate(Suite.PQ)))
    refused(hub, "unknown-sender")


def test_a_forged_signature_waits_for_a_person(hub: Province) -> None:
    true = seal(hub, COUNTY, [PROSECUTOR])
    offer(hub, Sealed(true.bundle, flipped(true.raw, 167)))  # the last byte of the epoch
    refused(hub, "bad-signature")


def test_a_bundle_under_another_ones_name_is_malformed(hub: Province) -> None:
    one, other = seal(hub, COUNTY, [PROSECUTOR]), seal(hub, COUNTY, [PROSECUTOR], numbers=[2])
    offer(hub, Sealed(one.bundle, other.raw))
    refused(hub, "malformed")


def test_a_compromised_key_carries_nothing(shut_hub: Province) -> None:
    content = shut_hub.content
    county = entry(content, shut_hub.unit(COUNTY))
    shut_hub.contents[CITY_A] = changed(content, county.unit, **with_key(county, compromised=True))
    with opened(shut_hub) as province:
        offer(province, seal(province, COUNTY, [PROSECUTOR]))
        refused(province, "revoked-sender")


def test_a_key_revoked_before_the_bundle_was_made_is_refused(shut_hub: Province) -> None:
    county = entry(shut_hub.content, shut_hub.unit(COUNTY))
    revoked = with_key(county, revoked_at=int(shut_hub.clock.now()) - 100)
    shut_hub.contents[CITY_A] = changed(shut_hub.content, county.unit, **revoked)
    with opened(shut_hub) as province:
        offer(province, seal(province, COUNTY, [PROSECUTOR]))
        refused(province, "key-not-valid", answered="301")


def test_an_expired_bundle_is_refused(hub: Province) -> None:
    offer(hub, seal(hub, COUNTY, [PROSECUTOR], age=5, life=2))
    refused(hub, "expired", answered="201")


def test_what_the_class_tells_must_be_permitted(hub: Province) -> None:
    offer(hub, seal(hub, COUNTY, [COURT], routing_class=CLASS_OF_ARREST))
    (relay,) = hub.relays(CITY_A)  # police may send anything to a court
    assert (relay.flow, relay.priority) == ("arrest-request", Priority.CUSTODY)
    offer(hub, seal(hub, COUNTY, [COURT, PROSECUTOR], numbers=[2, 1]))
    assert len(hub.relays(CITY_A)) == 3  # an undisclosed flow: some flow is permitted between these


def test_what_no_rule_permits_is_refused(shut_hub: Province) -> None:
    shut_hub.contents[CITY_A] = replace(shut_hub.content, permissions=shut_hub.content.permissions[1:])
    with opened(shut_hub) as province:
        offer(province, seal(province, COUNTY, [PROSECUTOR], routing_class=CLASS_OF_ARREST))
        refused(province, "not-permitted", answered="203")


def test_roles_between_which_nothing_is_permitted_are_refused_without_a_class(shut_hub: Province) -> None:
    shut_hub.contents[CITY_A] = replace(shut_hub.content, permissions=shut_hub.content.permissions[2:])
    with opened(shut_hub) as province:
        offer(province, seal(province, COUNTY, [PROSECUTOR]))
        refused(province, "not-permitted", answered="203")


def test_a_recipient_that_is_not_in_the_roster_yet_waits_for_the_next_one(shut_hub: Province) -> None:
    prosecutor = shut_hub.unit(PROSECUTOR)
    shut_hub.contents[CITY_A] = replace(
        shut_hub.content, units=tuple(one for one in shut_hub.content.units if one.unit != prosecutor)
    )
    with opened(shut_hub) as province:
        offer(province, seal(province, COUNTY, [PROSECUTOR]))
        assert province[CITY_A].only(IN).hold_code == "recipient-unknown"
        assert province.relays(CITY_A) == []
        province.reopen(CITY_A, province.content)
        province.work(CITY_A, turns=2)
        assert len(province.relays(CITY_A)) == 1


def test_however_many_wait_for_the_next_roster_all_of_them_go_on(
    shut_hub: Province, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ahead, "PAGE", 2)
    units = tuple(one for one in shut_hub.content.units if one.unit != shut_hub.unit(PROSECUTOR))
    shut_hub.contents[CITY_A] = replace(shut_hub.content, units=units)
    with opened(shut_hub) as province:
        for number in range(1, 6):
            offer(province, seal(province, COUNTY, [PROSECUTOR], numbers=[number]))
        assert [one.hold_code for one in province[CITY_A].transfers(IN)] == ["recipient-unknown"] * 5
        province.reopen(CITY_A, province.content)
        province.work(CITY_A, turns=3)
        assert len(province.relays(CITY_A)) == 5


def test_a_damaged_segment_is_refused_to_nobody_and_fetched_anew(hub: Province) -> None:
    true = seal(hub, COUNTY, [PROSECUTOR])
    offer(hub, Sealed(true.bundle, flipped(true.raw, -1)))
    refused(hub, "segment-corrupt")
    offer(hub, true)
    assert len(hub.relays(CITY_A)) == 1


@pytest.mark.parametrize(("cut", "code"), [(-1, "truncated"), (None, "trailing-bytes")])
def test_another_length_is_no_bundle(hub: Province, cut: int | None, code: str) -> None:
    true = seal(hub, COUNTY, [PROSECUTOR])
    offer(hub, Sealed(true.bundle, true.raw[:cut] if cut else true.raw + b"x"))
    refused(hub, code)


def test_a_number_used_twice_is_an_alarm(hub: Province) -> None:
    offer(hub, seal(hub, COUNTY, [PROSECUTOR]))
    assert len(hub.relays(CITY_A)) == 1
    offer(hub, seal(hub, COUNTY, [PROSECUTOR]))
    assert len(hub.relays(CITY_A)) == 1
    assert [facts["code"] for facts in hub[CITY_A].log.of("bundle-quarantined")] == ["equivocation"]


def test_the_same_number_to_another_recipient_or_in_another_epoch_is_none(hub: Province) -> None:
    offer(hub, seal(hub, COUNTY, [PROSECUTOR]))
    offer(hub, seal(hub, COUNTY, [COURT]))
    offer(hub, seal(hub, COUNTY, [PROSECUTOR], epoch=8))
    assert len(hub.relays(CITY_A)) == 3


def test_a_unit_that_is_no_hub_brings_nothing_of_others(hub: Province) -> None:
    sealed = seal(hub, PROSECUTOR, [COURT])
    offer(hub, sealed)  # by the county's mailbox
    refused(hub, "off-the-way")
    # Nor does a person's refusal end a transfer that goes its own way.
    (thing,) = hub[CITY_A].ground.quarantine.listing()
    Operator(hub[CITY_A].identity.settings, "li", hub.clock).decide(Action.REJECT, thing.id[:8], "not theirs")
    hub.work(CITY_A, turns=2)
    refused(hub, "off-the-way")
    assert [facts["code"] for facts in hub[CITY_A].log.of("decision-failed")] == ["quarantine-unanswerable"]


def test_a_bundle_dated_far_ahead_waits_until_its_date(hub: Province) -> None:
    offer(hub, seal(hub, COUNTY, [PROSECUTOR], age=-2 * DAY))
    assert hub[CITY_A].only(IN).hold_code == "clock-skew"
    hub.clock.time += 2 * DAY
    hub.work(CITY_A, turns=2)
    assert len(hub.relays(CITY_A)) == 1


def test_two_hubs_that_send_it_to_each_other_come_to_an_end(shut: Province) -> None:
    # For the city's hub the prosecutor is behind the province; for the province's hub it is behind the city.
    moved = entry(shut.content, shut.unit(PROSECUTOR)).unit
    shut.open_only = (CITY_A, PROVINCE)
    shut.contents[PROVINCE] = changed(shut.content, moved, hubs=(shut.unit(CITY_A),))
    with opened(shut) as province:
        offer(province, seal(province, COUNTY, [PROSECUTOR]))
        province.work(PROVINCE, CITY_A, turns=20)
        assert len(province.relays(CITY_A)) == 1
        assert province.relays(PROVINCE) == []
        assert province[PROVINCE].only(IN).hold_code == "no-way-onward"
        assert known(province.relays(CITY_A)[0].link) == PROVINCE
        province.reopen(PROVINCE, province.content)
        province.work(PROVINCE, turns=3)
        assert len(province.bundles(PROVINCE, CITY_B)) == 1


def test_three_hubs_in_a_ring_come_to_an_end(shut: Province) -> None:
    shut.open_only = (CITY_A, PROVINCE, CITY_B)
    # Each believes that the next one leads there; the last link of the ring is made here.
    for one, other in ((CITY_A, CITY_B), (CITY_B, CITY_A)):
        (shut.root / f"{one}-to-{other}").mkdir()
        (shut.root / one / "etc" / "links.d" / f"{other}.yaml").write_text(
            f'name: {other}\npeer: "{shut.unit(other)}"\ntransport: folder\n'
            f"folder:\n  deposit: ../../{one}-to-{other}\n  collect: ../../{other}-to-{one}\n",
            "utf-8",
        )
    prosecutor = shut.unit(PROSECUTOR)
    # The city of the prosecutor has lost its link to it, and its preferred hub is the other city's.
    (shut.root / CITY_B / "etc" / "links.d" / f"{PROSECUTOR}.yaml").unlink()
    (shut.root / CITY_B / "etc" / "routes.d" / "all.yaml").unlink()
    shut.contents[CITY_B] = changed(
        changed(shut.content, prosecutor, hubs=(shut.unit(CITY_A),)), shut.unit(CITY_B), hubs=(shut.unit(CITY_A),)
    )
    with opened(shut) as province:
        offer(province, seal(province, COUNTY, [PROSECUTOR]))
        province.work(CITY_A, PROVINCE, CITY_B, turns=30)
        assert [len(province.relays(hub)) for hub in (CITY_A, PROVINCE, CITY_B)] == [1, 1, 1]
        arrivals = province[CITY_A].transfers(IN)
        assert [one.link for one in arrivals] == [COUNTY, CITY_B]
        assert {one.state for one in arrivals} == {State.SETTLED}
        assert len(province[CITY_A].log.of("relayed-before")) == 1
        assert [path for path in province.mail() if path.suffix == ".cfb"] == []


def test_a_person_rejects_what_was_set_aside_for_each_recipient(shut_hub: Province) -> None:
    with opened(shut_hub) as province:
        config = province.root / CITY_A / "etc" / "gateway.yaml"
        config.write_text(config.read_text("utf-8").replace("limits:", "limits:\n  refuse_unasked: false"), "utf-8")
        province.reopen(CITY_A)
        offer(province, seal(province, COUNTY, [PROSECUTOR, COURT], age=5, life=2))
        refused(province, "expired")
        hub = province[CITY_A]
        (thing,) = hub.ground.quarantine.listing()
        Operator(hub.identity.settings, "li", province.clock).decide(Action.REJECT, thing.id[:8], "too late")
        province.work(CITY_A, turns=2)
        assert hub.only(IN).state is State.DISMISSED
        assert sorted(province.receipts(CITY_A, hub.only(IN))) == [("201", hub.unit)] * 2


def test_a_person_waives_the_date_and_it_goes_on(hub: Province) -> None:
    config = hub.root / CITY_A / "etc" / "gateway.yaml"
    config.write_text(config.read_text("utf-8").replace("limits:", "limits:\n  refuse_unasked: false"), "utf-8")
    hub.reopen(CITY_A)
    offer(hub, seal(hub, COUNTY, [PROSECUTOR], age=5, life=2))
    node = hub[CITY_A]
    (thing,) = node.ground.quarantine.listing()
    Operator(node.identity.settings, "li", hub.clock).decide(Action.RELEASE, thing.id[:8], "agreed by telephone")
    hub.work(CITY_A, turns=3)
    assert node.only(IN).state is State.SETTLED
    assert node.only(ON).state is State.FORWARDED
