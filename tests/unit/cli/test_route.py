"""`route explain`: which rule, which way, which permission; as the origin, as a hub, as the recipient."""

import os
from pathlib import Path

from gateway.compose.identity import load_identity
from gateway.compose.territory import survey_territory, way_to
from gateway.domain.clock import SystemClock
from gateway.domain.ids import UnitCode
from gateway.roster.content import HUB
from gateway.roster.peers import PREFERENCE
from gateway.standard.matrix import load_matrix
from tests.support.desk import Desk
from tests.support.listing import own, trust_roster
from tests.support.rosters import hub, invented

FLOW = "arrest-request"
PROCURATORATE, COURT = "990102", "990103C"


def around(desk: Desk) -> None:
    """Give the node a roster with a procuratorate that is its neighbour, and a court behind a hub that is not."""
    trust_roster(
        desk,
        invented(PROCURATORATE, "procuratorate", name="甲区人民检察院"),
        invented(COURT, "court", hubs=("HUB1",), name="乙区人民法院"),
        hub("HUB1"),
    )


def test_it_says_rule_way_permission_class_and_lane(desk: Desk) -> None:
    around(desk)
    answer = desk.run("route", "explain", FLOW, desk.place.unit, PROCURATORATE, "--json")
    (recipient,) = answer.json["recipients"]
    assert (answer.code, answer.json["view"], answer.json["outcome"], answer.json["route"]) == (
        *(0, "origin"),
        *("goes", "police"),
    )
    assert (recipient["how"], recipient["rule"]) == ("named", 'receivers["990102"]')
    assert recipient["permission"] == {"flow": FLOW, "sender": "police", "receiver": "procuratorate"}
    assert (recipient["way"], recipient["link"]) == ([desk.place.unit, PROCURATORATE], "procuratorate")
    assert (answer.json["class"], answer.json["lane"]) == (1, "high")
    plain = desk.run("route", "explain", FLOW, desk.place.unit, PROCURATORATE, env={"LC_ALL": "C.UTF-8"})
    assert plain.code == 0
    assert 'receivers["990102"]' in plain.out
    assert "police > procuratorate" in plain.out


def test_it_refuses_what_pack_would_refuse_and_names_who_is_near(desk: Desk) -> None:
    around(desk)
    answer = desk.run("route", "explain", FLOW, desk.place.unit, "990120", "--route", "police", "--json")
    (finding,) = answer.json["findings"]
    assert (answer.code, answer.json["outcome"], finding["code"]) == (1, "refused", "ORG-UNKNOWN")
    refused = desk.run("route", "explain", "arrest-decision", desk.place.unit, PROCURATORATE, "--json")
    assert (refused.code, refused.json["findings"][0]["code"]) == (1, "FLOW-NOT-PERMITTED")


def test_a_receiver_without_a_way_waits(desk: Desk) -> None:
    around(desk)
    routes = desk.place.config / "routes.d" / "police.yaml"
    text = routes.read_text("utf-8").replace(f'"{PROCURATORATE}": "{PROCURATORATE}"', '"*": roster')
    routes.write_text(text, "utf-8")
    flow = next(one.flow for one in load_matrix().flows if "police" in one.senders and "court" in one.receivers)
    answer = desk.run("route", "explain", flow, desk.place.unit, COURT, "--route", "police", "--json")
    assert (answer.code, answer.json["outcome"], answer.json["code"]) == (1, "waits", "recipient-unreachable")
    assert (answer.json["recipients"][0]["how"], answer.json["recipients"][0]["link"]) == ("roster", None)


def test_without_a_roster_the_confirmed_cards_decide(desk: Desk) -> None:
    answer = desk.run("route", "explain", FLOW, desk.place.unit, PROCURATORATE, "--json")
    assert (answer.code, answer.json["recipients"][0]["permission"], answer.json["class"]) == (0, None, 0)
    assert answer.json["lane"] == "high"


def test_a_recipient_says_which_of_its_routes_would_take_it(desks: tuple[Desk, Desk], tmp_path: Path) -> None:
    police, procuratorate = desks
    del tmp_path
    told = procuratorate.run("route", "explain", FLOW, police.place.unit, procuratorate.place.unit, "--json")
    assert (told.code, told.json["view"], told.json["route"]) == (0, "recipient", "from-police")
    stranger = procuratorate.run("route", "explain", FLOW, "990777", procuratorate.place.unit, "--json")
    assert (stranger.code, stranger.json["code"]) == (1, "peer-unknown")


def test_a_hub_says_by_which_link_it_would_carry_it_on(desk: Desk) -> None:
    """This node is a hub between a procuratorate that it has a link to and a police unit that is elsewhere."""
    units = (invented("990150", "police", hubs=(desk.place.unit,)), invented(PROCURATORATE, "procuratorate"))
    trust_roster(desk, own(desk, HUB), units[0], *units[1:])
    asked = ("route", "explain", FLOW, "990150", PROCURATORATE, "--json")
    refused = desk.run(*asked)
    assert (refused.code, refused.json["view"], refused.json["code"]) == (1, "hub", "relay-switched-off")
    with (desk.place.config / "gateway.yaml").open("a", encoding="utf-8") as config:
        config.write("relay:\n  enabled: true\n")
    answer = desk.run(*asked)
    assert (answer.code, answer.json["outcome"], answer.json["recipients"][0]["link"]) == (0, "goes", "procuratorate")
    back = desk.run("route", "explain", "arrest-decision", PROCURATORATE, "990150", "--json")
    assert (back.code, back.json["code"]) == (1, "recipient-unreachable")


def test_an_unknown_route_is_said(desk: Desk) -> None:
    answer = desk.run("route", "explain", FLOW, desk.place.unit, "-", "--route", "nowhere", "--json")
    assert (answer.code, answer.json["error"]["code"]) == (1, "route-unknown")


def rewrite(desk: Desk, old: str, new: str) -> None:
    routes = desk.place.config / "routes.d" / "police.yaml"
    text = routes.read_text("utf-8")
    assert old in text
    routes.write_text(text.replace(old, new), "utf-8")


def complaints(desk: Desk) -> list[tuple[str, str, str]]:
    """Return grade, subject and English text of what `check` says of the settings, if it is not all in order."""
    found = desk.run("check", "--json", env={"LC_ALL": "C.UTF-8", "CASEFERRY_LANGUAGE": "en"}).json["results"]
    said = [one for one in found if one["part"] == "settings"]
    return [(one["grade"], Path(one["subject"].partition(":")[0]).name, str(one)) for one in said]


def test_a_receiver_without_a_link_is_an_error_unless_the_roster_has_a_way(desk: Desk) -> None:
    rewrite(desk, f'"{PROCURATORATE}": "{PROCURATORATE}"', f'"{COURT}": "{COURT}"')
    assert [(grade, name) for grade, name, _text in complaints(desk)] == [("error", "police.yaml")]
    trust_roster(
        desk,
        own(desk, hubs=(PROCURATORATE,)),
        hub(PROCURATORATE),
        invented(COURT, "court", hubs=(PROCURATORATE,)),
    )
    assert [grade for grade, _name, _text in complaints(desk)] == ["ok"]
    identity = load_identity(desk.place.config, os.environ)
    territory = survey_territory(identity.settings, identity.directory, PREFERENCE, SystemClock().now())
    recipient = territory.recipient(UnitCode(COURT))
    assert recipient.link == "procuratorate"
    assert way_to(identity.settings, territory, recipient) == (desk.place.unit, PROCURATORATE, COURT)


def test_a_unit_that_the_roster_does_not_reach_is_a_warning_and_the_node_starts(desk: Desk) -> None:
    around(desk)
    rewrite(desk, f'"{PROCURATORATE}": "{PROCURATORATE}"', '"7": "990777"')
    grades = [(grade, name) for grade, name, _text in complaints(desk)]
    assert grades[1:] == [("warning", "police.yaml")]
    assert load_identity(desk.place.config, os.environ).settings.outbound


def test_a_rule_for_what_the_matrix_never_allows_is_a_warning(desk: Desk) -> None:
    around(desk)
    rewrite(
        desk,
        f'      "{PROCURATORATE}": "{PROCURATORATE}"\n',
        f'      "{PROCURATORATE}": "{PROCURATORATE}"\n    cc: [{{flows: [arrest-request], role: court}}]\n',
    )
    (warning,) = [text for grade, _name, text in complaints(desk) if grade == "warning"]
    assert "rule-not-permitted" in warning
