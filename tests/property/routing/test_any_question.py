"""Whatever is asked of whatever roster and route: one decision, the same from pack and from `route explain`."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from gateway.compose.routeasking import Outcome, Question, View, explain_route
from gateway.compose.territory import outbound_route, survey_territory
from gateway.domain.ids import UnitCode
from gateway.domain.records import Priority
from gateway.packing import Reading
from gateway.roster.content import ANY, HUB, FlowClass, Level, Permission, RosterContent, RosterUnit, UnitName
from gateway.roster.directory import Directory
from gateway.roster.peers import PREFERENCE, PeerBook
from gateway.roster.roster import Roster
from gateway.settings.load import Settings, load
from gateway.settings.routes import OutboundRoute
from gateway.stages.pack_work import examined
from gateway.stages.routing import decide
from gateway.standard.findings import Verdict, worst
from gateway.standard.package import CasePackage, Source
from tests.support.configs import config
from tests.support.examples import examples
from tests.support.rosters import SINCE

NOW = SINCE + 1000
OWN, PEER = UnitCode("990102000000"), UnitCode("990102")
"""The unit and the neighbour of the configuration that questions are put to."""
CODES = (OWN, PEER, "990103", "HUB1", "HUB2", "990104C")
FLOWS = ("arrest-request", "arrest-decision", "custody-handover", "odd-flow")
ROLES = ("police", "procuratorate", "court", HUB)
UNKNOWN = ("990199", "-", "ALIAS", "no such code")


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return load(config(tmp_path_factory.mktemp("routing")))


codes, flows, roles = st.sampled_from(CODES), st.sampled_from(FLOWS), st.sampled_from(ROLES)
regions = st.sampled_from(("990102", "990103", "990100"))


@st.composite
def units(draw: st.DrawFn) -> tuple[RosterUnit, ...]:
    found = []
    for code in draw(st.sets(codes, max_size=len(CODES))):
        closed = draw(st.sampled_from((None, None, None, NOW - 10)))
        names = (UnitName("court", "ALIAS", SINCE),) if draw(st.booleans()) else ()
        found.append(
            RosterUnit(
                unit=UnitCode(code),
                name=f"单位{code}",
                role=draw(roles),
                level=draw(st.sampled_from(Level)),
                region=draw(regions),
                parent=None,
                hubs=tuple(UnitCode(hub) for hub in draw(st.lists(codes, max_size=2, unique=True))),
                names=names,
                keys=(),
                suites=(),
                ssh_host_key="",
                ssh_user_keys=(),
                since=SINCE,
                closed_at=closed,
                successor=UnitCode(draw(codes)) if closed is not None and draw(st.booleans()) else None,
            )
        )
    return tuple(found)


@st.composite
def rosters(draw: st.DrawFn) -> Roster:
    any_role = st.sampled_from((*ROLES, ANY))
    permissions = st.builds(Permission, st.sampled_from((*FLOWS, ANY)), any_role, any_role)
    classes = (FlowClass(7, "arrest-request", Priority.HIGH),) if draw(st.booleans()) else ()
    content = RosterContent(1, SINCE, "测试省", draw(units()), tuple(draw(st.lists(permissions, max_size=6))), classes)
    return Roster(content)


def targets(**more: st.SearchStrategy[object]) -> st.SearchStrategy[dict[str, object]]:
    who = st.one_of(
        st.fixed_dictionaries({"unit": codes}),
        st.fixed_dictionaries(
            {"role": roles}, optional={"region": st.sampled_from(("own", "same-city", "9901", "990103"))}
        ),
    )
    some = st.lists(flows, min_size=1, max_size=2, unique=True)
    return st.tuples(who, st.fixed_dictionaries({}, optional={"flows": some, **more})).map(lambda two: two[0] | two[1])


@st.composite
def routes(draw: st.DrawFn) -> OutboundRoute:
    receivers = draw(st.dictionaries(st.sampled_from(("990102", "ALIAS", "7")), codes, max_size=2))
    rest = draw(st.sampled_from((None, "roster", *CODES)))
    return OutboundRoute.model_validate(
        {
            "name": "r",
            "folder": "/out",
            "packer": "folder",
            "receivers": receivers | ({} if rest is None else {"*": rest}),
            "rules": draw(st.lists(targets(wins_over_export=st.booleans()), max_size=3)),
            "cc": draw(st.lists(targets(), max_size=2)),
            "flows": draw(st.sampled_from((["*"], ["arrest-request"]))),
        }
    )


few = hypothesis_settings(max_examples=examples(60), suppress_health_check=[HealthCheck.too_slow])
"""A roster and a route for each question; drawing them is the slow part, on a busy machine much too slow."""


def asked_of(base: Settings, route: OutboundRoute, relays: bool) -> Settings:
    relay = base.relay.model_copy(update={"enabled": relays})
    return base.model_copy(update={"outbound": (route,), "relay": relay})


@few
@given(st.data())
def test_one_decision_and_explain_agrees_with_pack(base: Settings, data: st.DataObject) -> None:
    roster, route = data.draw(rosters()), data.draw(routes())
    flow, code = data.draw(flows), data.draw(st.sampled_from((*CODES, *UNKNOWN)))
    directory = Directory(PeerBook(Path("/nowhere"), {}), roster)
    settings = asked_of(base, route, relays=False)
    territory = survey_territory(settings, directory, PREFERENCE, NOW)
    receiver = "" if code == "-" else code
    package = CasePackage(Source("x", "x"), flow=flow, receiver_code=receiver)

    decided = decide(outbound_route(route), territory, flow, receiver, NOW)
    findings = examined(Reading(package, (), ()), decided)
    assert decide(outbound_route(route), territory, flow, receiver, NOW) == decided
    is_refused = worst(findings) is Verdict.REJECT
    assert is_refused or decided.choices
    reached = [choice.recipient.unit for choice in decided.choices]
    assert len(set(reached)) == len(reached)
    assert OWN not in reached
    if not is_refused:
        assert all(territory.permits(flow, unit) for unit in reached)
        assert not {roster.units[unit].closed_at for unit in reached if unit in roster.units} - {None}

    answer = explain_route(settings, directory, NOW, Question(flow, OWN, code))
    assert answer.view is View.ORIGIN
    assert (answer.findings, answer.routing_class, answer.priority) == (
        *(findings, decided.routing_class),
        *(decided.priority,),
    )
    assert [one.unit for one in answer.reached] == reached
    assert (answer.outcome is Outcome.REFUSED) == is_refused
    _ways_are_sound(answer.reached[0].way if answer.reached else (), reached)


def _ways_are_sound(way: Sequence[UnitCode], reached: Sequence[UnitCode]) -> None:
    assert len(set(way)) == len(way)
    if way:
        assert (way[0], way[-1]) == (OWN, reached[0])


@few
@given(st.data())
def test_every_question_about_others_has_one_answer(base: Settings, data: st.DataObject) -> None:
    roster, flow = data.draw(rosters()), data.draw(flows)
    sender, receiver = data.draw(codes), data.draw(st.sampled_from((*CODES, *UNKNOWN)))
    settings = asked_of(base, data.draw(routes()), relays=data.draw(st.booleans()))
    directory = Directory(PeerBook(Path("/nowhere"), {}), roster)
    answer = explain_route(settings, directory, NOW, Question(flow, sender, receiver))
    if answer.view is not View.ORIGIN:
        assert (answer.outcome is Outcome.GOES) == (answer.code == "")
        (only,) = answer.reached
        assert answer.view is View.RECIPIENT or answer.outcome is Outcome.REFUSED or only.link is not None
