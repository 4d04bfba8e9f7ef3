"""One bundle for several recipients: its bytes travel the shared way once, and each recipient's receipts go back."""

from pathlib import Path
from typing import Any

import pytest

from gateway.bundle.receipt import parse_receipt, split_receipts
from gateway.domain.errors import TransientError
from gateway.domain.ids import WireName
from gateway.domain.lifecycle import State
from gateway.domain.records import ReceiptCode
from gateway.transport.folder import FolderTransport
from tests.support.forging import noise
from tests.support.hubs import (
    CITY_A,
    CITY_B,
    COUNTY,
    COURT,
    IN,
    ON,
    PROSECUTOR,
    PROVINCE,
    Province,
    letters,
    opened,
    post,
    seal,
    state,
)


def test_the_shared_way_is_travelled_once_and_each_recipient_answers(
    shut: Province, monkeypatch: pytest.MonkeyPatch
) -> None:
    shut.open_only = (CITY_A, PROVINCE, CITY_B, PROSECUTOR, COURT)
    deposits: list[str] = []
    true = FolderTransport.deposit

    def deposit(self: FolderTransport, path: Path, name: WireName, *rest: Any) -> None:
        if name.endswith(".cfb"):
            deposits.append(str(path))
        true(self, path, name, *rest)

    monkeypatch.setattr(FolderTransport, "deposit", deposit)
    with opened(shut) as province:
        province.put(COUNTY, CITY_A, seal(province, COUNTY, [PROSECUTOR, COURT], numbers=[4, 9]))
        province.work(turns=14)
        assert len(deposits) == 4  # city to province, province to city, and there one for each
        for name in (PROSECUTOR, COURT):
            assert list(province.delivered(name).values()) == [b"content"]
        for hub in (CITY_A, PROVINCE, CITY_B):
            assert {relay.state for relay in province.relays(hub)} == {State.SETTLED}
            assert len(province.relays(hub)) == 2
            assert province.held_bytes(hub) == []
        assert set(letters(province, CITY_A, COUNTY)) == {
            ("100", province.unit(CITY_A)),
            ("100", province.unit(PROVINCE)),
            ("100", province.unit(CITY_B)),
            ("110", province.unit(PROSECUTOR)),
            ("110", province.unit(COURT)),
        }


def test_the_bytes_stay_until_the_last_recipient_has_answered(hub: Province) -> None:
    sealed = seal(hub, COUNTY, [PROSECUTOR, COURT])
    hub.put(COUNTY, CITY_A, sealed)
    hub.work(CITY_A, turns=4)
    post(hub, PROVINCE, CITY_A, state(hub, PROSECUTOR, sealed, ReceiptCode.DELIVERED))
    hub.work(CITY_A, turns=3)
    assert sorted(relay.state for relay in hub.relays(CITY_A)) == [State.FORWARDED, State.SETTLED]
    assert len(hub.held_bytes(CITY_A)) == 1
    post(hub, PROVINCE, CITY_A, state(hub, COURT, sealed, ReceiptCode.DELIVERED, recipient=hub.unit(COURT)))
    hub.work(CITY_A, turns=3)
    assert {relay.state for relay in hub.relays(CITY_A)} == {State.SETTLED}
    assert hub.held_bytes(CITY_A) == []


def test_a_hub_that_is_a_recipient_itself_opens_it_and_carries_it_on(hub: Province) -> None:
    sealed = seal(hub, COUNTY, [CITY_A, PROSECUTOR])
    hub.put(COUNTY, CITY_A, sealed)
    hub.work(CITY_A, turns=6)
    node = hub[CITY_A]
    assert list(hub.delivered(CITY_A).values()) == [b"content"]
    assert hub.bundles(CITY_A, PROVINCE) == [sealed.bundle]
    assert node.only(IN).state is State.CONFIRMED
    assert set(letters(hub, CITY_A, COUNTY)) == {("100", node.unit), ("110", node.unit)}
    post(hub, PROVINCE, CITY_A, state(hub, PROSECUTOR, sealed, ReceiptCode.DELIVERED))
    hub.work(CITY_A, turns=3)
    assert node.only(ON).state is State.SETTLED
    assert ("110", hub.unit(PROSECUTOR)) in letters(hub, CITY_A, COUNTY)
    assert len(hub.delivered(CITY_A)) == 1
    assert hub.held_bytes(CITY_A) == []


def test_a_bundle_for_the_hub_alone_is_only_opened(hub: Province) -> None:
    hub.put(COUNTY, CITY_A, seal(hub, COUNTY, [CITY_A]))
    hub.work(CITY_A, turns=5)
    assert list(hub.delivered(CITY_A).values()) == [b"content"]
    assert hub.relays(CITY_A) == []
    assert letters(hub, CITY_A, COUNTY) == [("110", hub.unit(CITY_A))]


def test_a_failed_deposit_is_tried_again_for_all_of_them(hub: Province, monkeypatch: pytest.MonkeyPatch) -> None:
    failures = [TransientError("deposit-failed", "once")]
    true = FolderTransport.deposit

    def deposit(self: FolderTransport, path: Path, name: WireName, *rest: Any) -> None:
        if failures and name.endswith(".cfb"):
            raise failures.pop()
        true(self, path, name, *rest)

    monkeypatch.setattr(FolderTransport, "deposit", deposit)
    hub.put(COUNTY, CITY_A, seal(hub, COUNTY, [PROSECUTOR, COURT]))
    hub.work(CITY_A, turns=4)
    assert [(one.state, one.attempts) for one in hub.relays(CITY_A)] == [(State.CHECKED, 1)] * 2
    hub.clock.time += 60
    hub.work(CITY_A, turns=2)
    assert [one.state for one in hub.relays(CITY_A)] == [State.FORWARDED] * 2


def test_each_hub_carries_it_to_those_of_its_recipients_that_lie_behind_it(shut: Province) -> None:
    """The way back to the others is not its affair: whoever handed it over sends to them itself."""
    shut.open_only = (CITY_A, PROVINCE, CITY_B, PROSECUTOR)
    with opened(shut) as province:
        province.put(COUNTY, CITY_A, seal(province, COUNTY, [PROVINCE, PROSECUTOR], numbers=[4, 9]))
        province.work(turns=14)
        for name in (PROVINCE, PROSECUTOR):
            assert list(province.delivered(name).values()) == [b"content"]
        assert [(one.recipient, one.state) for one in province.relays(CITY_B)] == [
            (province.unit(PROSECUTOR), State.SETTLED)
        ]
        assert {one.state for one in province.relays(CITY_A)} == {State.SETTLED}
        assert [province.held_bytes(name) for name in (CITY_A, PROVINCE, CITY_B)] == [[], [], []]


def test_a_hub_refuses_for_those_only_to_whom_it_would_have_carried_it(shut: Province) -> None:
    shut.open_only = (CITY_B,)
    config = shut.root / CITY_B / "etc" / "gateway.yaml"
    config.write_text(config.read_text("utf-8").replace("limits:", "limits:\n  bundle: 1 MiB"), "utf-8")
    with opened(shut) as province:
        sealed = seal(province, COUNTY, [PROVINCE, PROSECUTOR], content=noise(2 << 20))
        province.put(PROVINCE, CITY_B, sealed)
        province.work(CITY_B, turns=4)
        (letter,) = province.mailbox(CITY_B, PROVINCE).glob("*.cfr")
        said = [parse_receipt(raw) for raw in split_receipts(letter.read_bytes())]
        assert [(one.code, one.recipient) for one in said] == [(ReceiptCode.TOO_LARGE, province.unit(PROSECUTOR))]


def test_a_recipient_that_lies_beyond_nobody_keeps_no_bytes_for_the_others(hub: Province) -> None:
    """A hub that is addressed, and beyond which no other recipient lies, opens it and carries nothing."""
    sealed = seal(hub, COUNTY, [CITY_A, PROSECUTOR])
    hub.put(PROVINCE, CITY_A, sealed)
    hub.work(CITY_A, turns=5)
    assert list(hub.delivered(CITY_A).values()) == [b"content"]
    assert (hub.relays(CITY_A), hub.held_bytes(CITY_A)) == ([], [])
