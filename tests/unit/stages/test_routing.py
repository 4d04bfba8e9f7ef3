"""Whom an export goes to, and why: receivers, the roster, rules, copies, the matrix."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.bundle.keys import generate
from gateway.bundle.suites import Suite
from gateway.daemon.frames import from_child, from_parent, packed
from gateway.domain.ids import LinkName, RouteName, TransferId, UnitCode
from gateway.domain.records import Priority
from gateway.roster.content import Level, RosterUnit, UnitName
from gateway.roster.roster import Roster
from gateway.stages.packed import PackOutcome
from gateway.stages.routes import OutboundRoute, Recipient, Target
from gateway.stages.routing import NO_WAY, Decision, How, Territory, decide
from gateway.standard.findings import Verdict, worst
from tests.support.rosters import SINCE, hub, roster_of

NOW = SINCE + 1000
POLICE, PROCURATORATE, COURT = UnitCode("990102000000"), UnitCode("990102"), UnitCode("990102C")
NEIGHBOUR, CITY_COURT, COMMITTEE = UnitCode("990103"), UnitCode("990100C"), UnitCode("990102Z")
ALL = frozenset({"*"})
REQUEST = "arrest-request"


def unit(code: str, role: str, region: str = "990102", *, name: str = "", level: Level = Level.COUNTY) -> RosterUnit:
    return RosterUnit(
        UnitCode(code), name or f"单位{code}", role, level, region, None, (), (), (), (), "", (), SINCE
    )  # fmt: skip


PROVINCE = (
    unit(POLICE, "police", name="甲区公安局"),
    unit(PROCURATORATE, "procuratorate", name="甲区人民检察院"),
    unit(NEIGHBOUR, "procuratorate", "990103", name="乙区人民检察院"),
    unit(COURT, "court", name="甲区人民法院"),
    unit(CITY_COURT, "court", "990100", name="测试市中级人民法院", level=Level.CITY),
    unit(COMMITTEE, "politics-law-committee", name="甲区委政法委"),
    hub("990000"),
)


def territory(*units: RosterUnit, without_roster: bool = False) -> Territory:
    known = units or PROVINCE
    recipients = {one.unit: Recipient(one.unit, LinkName("up"), None) for one in known if one.unit != POLICE}
    roster = None if without_roster else Roster(roster_of(*(replace(one, keys=()) for one in known)))
    return Territory(POLICE, recipients, roster, {"custody-handover": Priority.CUSTODY})


def route(
    receivers: Mapping[str, str] | None = None,
    *rules: Target,
    cc: tuple[Target, ...] = (),
    flows: frozenset[str] = ALL,
    scheme: str | None = None,
) -> OutboundRoute:
    given = {"*": "roster"} if receivers is None else receivers
    return OutboundRoute(RouteName("r"), Path("out"), "folder", given, flows, 3600, scheme=scheme, rules=rules, cc=cc)


def rule(*flows: str, unit: str | None = None, role: str = "", region: str = "", over: bool = False) -> Target:
    return Target(frozenset(flows) or ALL, None if unit is None else UnitCode(unit), role, region, over)


def ask(
    asked: OutboundRoute, code: str = "", flow: str = REQUEST, known: Territory | None = None, at: float = NOW
) -> Decision:
    return decide(asked, known or territory(), flow, code, at)


def units(found: Decision) -> list[str]:
    return [choice.recipient.unit for choice in found.choices]


def codes(found: Decision) -> list[str]:
    return [finding.code for finding in found.findings]


def places(found: Decision) -> list[tuple[str, str]]:
    return [(choice.how, choice.place) for choice in found.choices]


# -- the receiver -----------------------------------------------------------------------------------------------------


def test_the_code_that_the_route_knows_is_taken_at_its_word() -> None:
    found = ask(route({"JCY": PROCURATORATE}), "JCY")
    assert (units(found), places(found)) == ([PROCURATORATE], [(How.NAMED, 'receivers["JCY"]')])
    assert (found.routing_class, found.priority, codes(found)) == (1, Priority.HIGH, [])


def test_a_receiver_whose_keys_are_missing_is_still_that_receiver() -> None:
    lacking = Recipient(PROCURATORATE, LinkName("a"), None, "peer-keys-expired")
    known = Territory(POLICE, {PROCURATORATE: lacking, COURT: Recipient(COURT, LinkName("b"), None)})
    asked = route({"990102": PROCURATORATE, "*": COURT})
    assert ask(asked, "990102", known=known).recipients == (lacking,)
    assert units(ask(asked, "anybody", known=known)) == [COURT]
    assert places(ask(asked, "", known=known)) == [(How.ANY, 'receivers["*"]')]


@pytest.mark.parametrize("code", [PROCURATORATE, "JCY-7"])
def test_the_roster_knows_a_unit_by_each_of_its_codes(code: str) -> None:
    named = replace(PROVINCE[1], names=(UnitName("procuratorate", "JCY-7", SINCE),))
    found = ask(route(), code, known=territory(PROVINCE[0], named))
    assert (units(found), codes(found)) == ([PROCURATORATE], [])


def test_one_scheme_may_be_asked_alone() -> None:
    named = replace(PROVINCE[1], names=(UnitName("procuratorate", "7", SINCE),))
    other = replace(PROVINCE[3], names=(UnitName("court", "7", SINCE),))
    known = territory(PROVINCE[0], named, other)
    assert codes(ask(route(), "7", known=known)) == ["ORG-UNKNOWN"]  # nobody guesses which of the two was meant
    assert units(ask(route(scheme="procuratorate"), "7", known=known)) == [PROCURATORATE]


def test_an_unknown_receiver_is_refused_with_the_nearest_by_code_and_by_name() -> None:
    (finding,) = ask(route(), "990120").findings
    assert (finding.code, finding.verdict, finding.value) == ("ORG-UNKNOWN", Verdict.REJECT, "990120")
    assert f"{PROCURATORATE} 甲区人民检察院" in finding.expected
    (finding,) = ask(route(), "测试市中级人民法院").findings
    assert finding.expected == f"{CITY_COURT} 测试市中级人民法院"
    assert ask(route({"JCY": PROCURATORATE}), "JCX", known=territory(without_roster=True)).findings[0].expected == ""


def test_a_merged_unit_is_followed_to_its_successor_and_the_source_is_told() -> None:
    merged = replace(PROVINCE[2], closed_at=NOW - 10, successor=PROCURATORATE)
    known = territory(PROVINCE[0], PROVINCE[1], merged)
    for asked in (route(), route({NEIGHBOUR: NEIGHBOUR}), route({}, rule(unit=NEIGHBOUR, over=True))):
        found = ask(asked, NEIGHBOUR, known=known)
        (finding,) = found.findings
        assert units(found) == [PROCURATORATE]
        assert (finding.code, finding.verdict, finding.value, finding.expected) == (
            *("ORG-MOVED", Verdict.WARN),
            *(NEIGHBOUR, PROCURATORATE),
        )
    assert units(ask(route(), NEIGHBOUR, known=known, at=NOW - 20)) == [NEIGHBOUR]


def test_a_code_that_a_unit_no_longer_bears_is_followed_too() -> None:
    renamed = replace(
        PROVINCE[1], names=(UnitName("court", "OLD1", SINCE, NOW - 10), UnitName("court", "NEW1", NOW - 10))
    )
    known = territory(PROVINCE[0], renamed)
    assert codes(ask(route(), "OLD1", known=known)) == ["ORG-MOVED"]
    assert codes(ask(route(), "NEW1", known=known)) == []


def test_a_unit_that_was_closed_without_a_successor_is_unknown() -> None:
    known = territory(PROVINCE[0], replace(PROVINCE[1], closed_at=NOW - 10))
    assert codes(ask(route(), PROCURATORATE, known=known)) == ["ORG-UNKNOWN"]
    assert codes(ask(route({"*": PROCURATORATE}), "", known=known)) == ["ORG-UNKNOWN"]


def test_nothing_is_sent_to_oneself() -> None:
    assert codes(ask(route(), POLICE)) == ["ORG-OWN"]


def test_a_unit_that_no_link_leads_to_is_one_still_and_its_exports_wait() -> None:
    (recipient,) = ask(route({"7": "990777"}), "7").recipients
    assert (recipient.link, recipient.keys, recipient.lacking) == (None, None, NO_WAY)


# -- rules ------------------------------------------------------------------------------------------------------------

OWN = rule(REQUEST, role="procuratorate", region="own")


def test_a_rule_finds_the_unit_of_a_role_in_our_own_region() -> None:
    found = ask(route({}, OWN))
    assert (units(found), places(found)) == ([PROCURATORATE], [(How.RULE, "rules[0]")])


def test_the_receiver_that_the_export_names_wins_over_rules() -> None:
    assert units(ask(route(None, OWN), NEIGHBOUR)) == [NEIGHBOUR]


def test_unless_the_rule_says_that_it_wins() -> None:
    assert units(ask(route(None, replace(OWN, wins_over_export=True)), NEIGHBOUR)) == [PROCURATORATE]


def test_a_wrong_receiver_is_refused_and_never_sent_where_a_rule_points() -> None:
    assert codes(ask(route(None, OWN), "990199")) == ["ORG-UNKNOWN"]


def test_rules_are_asked_in_order_and_one_that_finds_nobody_is_passed_over() -> None:
    nobody = rule(role="prison", region="own")
    other = rule("prosecution-transfer", unit=COURT)
    found = ask(route({"*": COURT}, other, nobody, OWN, rule(unit=NEIGHBOUR)))
    assert (units(found), places(found)) == ([PROCURATORATE], [(How.RULE, "rules[2]")])


def test_a_rule_that_finds_several_refuses_and_names_them() -> None:
    (finding,) = ask(route({}, rule(role="procuratorate", region="same-city"))).findings
    assert (finding.code, finding.mender) == ("ROUTE-SEVERAL", "operator")
    assert finding.facts["units"] == f"{PROCURATORATE}, {NEIGHBOUR}"


@pytest.mark.parametrize(
    ("region", "flow", "role", "expected"),
    [
        ("990103", REQUEST, "procuratorate", NEIGHBOUR),
        ("same-city", "arrest-appeal", "court-upper", CITY_COURT),
        ("9901", "arrest-appeal", "politics-law-committee", COMMITTEE),
        ("", "arrest-appeal", "politics-law-committee", COMMITTEE),
    ],
)
def test_regions_of_a_rule(region: str, flow: str, role: str, expected: str) -> None:
    known = territory()
    assert known.roster is not None
    open_to_all = replace(known, roster=Roster(replace(known.roster.content, permissions=_anything())))
    assert units(ask(route({}, rule(role=role, region=region)), flow=flow, known=open_to_all)) == [expected]


def _anything() -> tuple[object, ...]:
    from gateway.roster.content import Permission

    return (Permission("*", "*", "*"),)


def test_without_a_receiver_and_without_a_rule_that_finds_one_it_is_refused() -> None:
    assert codes(ask(route(None, rule("prosecution-transfer", unit=COURT)))) == ["ROUTE-NOBODY"]
    assert codes(ask(route())) == ["ORG-UNKNOWN"]


def test_rules_by_role_find_nobody_without_a_roster() -> None:
    known = territory(without_roster=True)
    assert codes(ask(route({}, OWN), known=known)) == ["ROUTE-NOBODY"]
    assert units(ask(route({}, OWN, rule(unit=PROCURATORATE)), known=known)) == [PROCURATORATE]


# -- copies -----------------------------------------------------------------------------------------------------------


def test_copies_go_to_all_that_their_rules_find_each_once_and_never_to_the_recipient() -> None:
    copies = (rule(REQUEST, role="procuratorate"), rule(unit=NEIGHBOUR), rule("prosecution-transfer", unit=COURT))
    found = ask(route(cc=copies), PROCURATORATE)
    assert units(found) == [PROCURATORATE, NEIGHBOUR]
    assert places(found)[1] == (How.CC, "cc[0]")


def test_a_copy_that_finds_nobody_is_remarked_and_the_export_goes() -> None:
    found = ask(route(cc=(rule(role="prison", region="own"),)), PROCURATORATE)
    assert (units(found), codes(found), worst(found.findings)) == ([PROCURATORATE], ["CC-NOBODY"], Verdict.WARN)


def test_a_copy_that_is_not_permitted_refuses_the_whole_and_says_who_mends_it() -> None:
    found = ask(route(cc=(rule(unit=COURT),)), PROCURATORATE)
    (finding,) = found.findings
    assert (finding.code, finding.mender, finding.facts["unit"]) == ("FLOW-NOT-PERMITTED", "operator", COURT)


def test_more_recipients_than_a_bundle_can_have_are_refused() -> None:
    many = [unit(f"9901{number:02}", "procuratorate", f"9901{number:02}") for number in range(10, 80)]
    found = ask(route(cc=(rule(role="procuratorate"),)), "990110", known=territory(PROVINCE[0], *many))
    assert codes(found) == ["CC-TOO-MANY"]


# -- the matrix, classes, lanes ---------------------------------------------------------------------------------------


def test_a_flow_that_the_matrix_does_not_allow_is_refused_with_who_may() -> None:
    (finding,) = ask(route(), COURT).findings
    assert (finding.code, finding.verdict, finding.value) == ("FLOW-NOT-PERMITTED", Verdict.REJECT, REQUEST)
    assert (finding.facts["sender"], finding.facts["receiver"]) == ("police", "court")
    assert finding.facts["may"] == "police > procuratorate"


def test_the_matrix_has_a_direction() -> None:
    assert codes(ask(route(), PROCURATORATE, "arrest-decision")) == ["FLOW-NOT-PERMITTED"]


def test_between_units_that_the_roster_does_not_name_both_the_confirmed_card_decides() -> None:
    strangers = route({"7": "990777"})
    assert (codes(ask(strangers, "7", "anything")), ask(strangers, "7").routing_class) == ([], 0)


def test_a_flow_that_may_not_leave_by_the_route_is_refused_whoever_receives_it() -> None:
    assert codes(ask(route(flows=frozenset({"prosecution-transfer"})), PROCURATORATE)) == ["ROUTE-MISMATCH"]


def test_a_flow_without_a_class_tells_hubs_nothing_and_still_has_its_lane() -> None:
    known = territory(without_roster=True)
    found = ask(route({"*": COURT}), flow="custody-handover", known=known)
    assert (found.routing_class, found.priority) == (0, Priority.CUSTODY)


def test_nothing_of_the_class_is_told_if_one_recipient_does_not_know_the_roster() -> None:
    found = ask(route(cc=(rule(unit="990777"),)), PROCURATORATE)
    assert (units(found), found.routing_class) == ([PROCURATORATE, "990777"], 0)


def test_what_routing_knows_and_decides_travels_to_a_worker_process_and_back() -> None:
    known = from_parent(packed(territory()))
    asked = from_parent(packed(route(cc=(rule(role="procuratorate"),))))
    found = ask(asked, PROCURATORATE, known=known)
    assert found == ask(route(cc=(rule(role="procuratorate"),)), PROCURATORATE)
    keys = generate(Suite.PQ).public
    recipients = tuple(replace(one, keys=keys) for one in found.recipients)
    outcome = PackOutcome(
        TransferId(1), Path("out"), found.findings, recipients=recipients, priority=found.priority, copy_keys=("k",)
    )
    assert from_child(packed(outcome)) == outcome
