"""What an operator of a hub sees and may do: from whom to whom, how large, where it is; nothing else is known."""

import io
import json
from dataclasses import replace

import pytest
from rich.console import Console

from gateway.cli.explain import explain
from gateway.cli.log import Wanted, log
from gateway.cli.status import status
from gateway.cli.terminal import Terminal
from gateway.cli.watch import watch
from gateway.compose.acting import Operator
from gateway.compose.check import Means, check_node
from gateway.compose.relaying import check_hub, hub_roster
from gateway.domain.errors import ConfigError
from gateway.domain.lifecycle import State
from gateway.domain.records import ReceiptCode
from gateway.ledger.queries import TransferFilter
from gateway.roster.directory import Directory
from gateway.roster.roster import Roster
from gateway.words.catalogue import Words
from tests.support.houses import Heard
from tests.support.hubs import CITY_A, COUNTY, ON, PROSECUTOR, PROVINCE, Province, post, seal, state


def shown(*, as_json: bool = False) -> Terminal:
    """A terminal that keeps what it is told."""
    out = Console(file=io.StringIO(), width=200, color_system=None)
    return Terminal(Words("en"), out, out, as_json=as_json)


def said(terminal: Terminal) -> str:
    file = terminal.out.file
    assert isinstance(file, io.StringIO)
    return file.getvalue()


def carried(hub: Province) -> None:
    hub.put(COUNTY, CITY_A, seal(hub, COUNTY, [PROSECUTOR]))
    hub.work(CITY_A, turns=4)


def test_a_hub_shows_from_whom_to_whom_and_whose_receipt_is_awaited(
    hub: Province, capsys: pytest.CaptureFixture[str]
) -> None:
    carried(hub)
    node = hub[CITY_A]
    settings, title = node.identity.settings, f"{hub.unit(COUNTY)} > {hub.unit(PROSECUTOR)}"
    listed = shown()
    log(listed, settings, Wanted(direction="relay", peer=hub.unit(PROSECUTOR)), hub.clock)
    assert title in said(listed)
    looked = shown()
    status(looked, settings, hub.clock)
    assert "For others: to pass on 0, awaiting the recipient 1, passed on 0" in said(looked)
    watched = shown()
    watch(watched, settings, hub.clock, once=True, every=1.0)
    assert "awaiting the recipient 1" in said(watched)
    told = shown(as_json=True)
    explain(told, settings, str(node.only(ON).id), hub.clock)
    (story,) = json.loads(capsys.readouterr().out)["stories"]
    transfer = story["transfer"]
    assert (transfer["origin"], transfer["recipient"]) == (hub.unit(COUNTY), hub.unit(PROSECUTOR))
    assert (transfer["lane"], transfer["case_no"], transfer["export_name"]) == ("normal", "", "")
    assert [one["code"] for one in story["receipts"]] == ["100"]


def test_a_person_holds_releases_retries_and_closes_a_relay(hub: Province) -> None:
    hub.put(COUNTY, CITY_A, seal(hub, COUNTY, [PROSECUTOR]))
    hub.mailbox(CITY_A, PROVINCE).rename(hub.root / "away")
    hub.work(CITY_A, turns=4)
    node = hub[CITY_A]
    operator = Operator(node.identity.settings, "li", hub.clock)
    relay = node.only(ON)
    assert relay.state is State.CHECKED
    operator.hold(relay.id, "wait")
    (hub.root / "away").rename(hub.mailbox(CITY_A, PROVINCE))
    hub.clock.time += 1200
    hub.work(CITY_A, turns=2)
    assert node.only(ON).state is State.CHECKED
    operator.release(relay.id, "go on")
    operator.retry(relay.id)
    hub.work(CITY_A, turns=2)
    assert node.only(ON).state is State.FORWARDED
    operator.close(relay.id, "not wanted")
    assert node.only(ON).state is State.CLOSED


def test_an_operator_closes_an_arrival_that_leads_nowhere(hub: Province) -> None:
    units = tuple(one for one in hub.content.units if one.unit != hub.unit(PROSECUTOR))
    hub.reopen(CITY_A, replace(hub.content, units=units))
    hub.put(COUNTY, CITY_A, seal(hub, COUNTY, [PROSECUTOR]))
    hub.work(CITY_A, turns=3)
    node = hub[CITY_A]
    (arrival,) = node.ledger.search(TransferFilter(held=True), 9)
    Operator(node.identity.settings, "li", hub.clock).close(arrival.id, "told the sender")
    assert node.ledger.get(arrival.id).state is State.CLOSED


def test_a_later_hubs_custody_is_seen(hub: Province) -> None:
    sealed = seal(hub, COUNTY, [PROSECUTOR])
    hub.put(COUNTY, CITY_A, sealed)
    hub.work(CITY_A, turns=4)
    post(hub, PROVINCE, CITY_A, state(hub, PROVINCE, sealed, ReceiptCode.CUSTODY))
    hub.work(CITY_A, turns=2)
    node = hub[CITY_A]
    relay = node.only(ON)
    assert [entry.what for entry in node.ledger.timeline(relay.id)][-2:] == [
        "custody-receipted",
        f"receipt by {hub.unit(PROVINCE)}",
    ]


def test_a_node_is_no_hub_unless_settings_and_roster_both_say_so(hub: Province) -> None:
    identity = hub[CITY_A].identity
    settings, book = identity.settings, identity.directory.book
    assert check_hub(settings, identity.directory) is identity.directory.roster
    with pytest.raises(ConfigError, match="relay-without-roster"):
        check_hub(settings, Directory(book))
    demoted = tuple(replace(one, role="police") if one.unit == hub.unit(CITY_A) else one for one in hub.content.units)
    other = Directory(book, Roster(replace(hub.content, units=demoted)))
    with pytest.raises(ConfigError, match="relay-not-hub"):
        check_hub(settings, other)
    log = Heard()
    assert hub_roster(settings, other, log) is None
    assert [facts["code"] for facts in log.of("relaying-off")] == ["relay-not-hub"]
    silent = settings.model_copy(update={"relay": settings.relay.model_copy(update={"enabled": False})})
    assert check_hub(silent, identity.directory) is None


def test_check_says_that_a_hub_has_no_roster(hub: Province) -> None:
    results = check_node(hub[CITY_A].root / "etc", Means({}, hub.clock))
    assert [one.error.code for one in results if one.error is not None and one.subject == "relay.enabled"] == [
        "relay-without-roster"
    ]
