"""docs/routing.md: each of its examples is a sound configuration and comes out as the page says."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.compose.identity import known_names
from gateway.compose.territory import outbound_route
from gateway.domain.ids import LinkName, UnitCode
from gateway.roster.content import HUB, Level, RosterUnit, UnitName
from gateway.roster.directory import Directory
from gateway.roster.peers import PeerBook
from gateway.roster.roster import Roster
from gateway.settings.load import check
from gateway.stages.routes import OutboundRoute, Recipient
from gateway.stages.routing import Territory, decide
from gateway.standard.findings import Verdict, worst
from tests.support.configs import LINK, NODE, config
from tests.support.rosters import SINCE, hub, roster_of
from tests.support.standard import STANDARD

PAGE = Path(__file__).parents[3] / "docs" / "routing.md"
NOW = SINCE + 1000
OWN = UnitCode("990102000000")


def listed() -> Iterator[RosterUnit]:
    """Yield the units of the page's table."""
    for row in re.findall(r"^\| (9901\w*) \| (.*) \|$", PAGE.read_text("utf-8"), re.MULTILINE):
        code, (role, region, level, name, also) = row[0], (cell.strip() for cell in row[1].split("|"))
        unit = RosterUnit(
            UnitCode(code), name, role, Level(level), region, None, (), (), (), (), "", (), SINCE
        )  # fmt: skip
        if also.startswith("merged into "):
            unit = replace(unit, closed_at=NOW - 1, successor=UnitCode(also.removeprefix("merged into ")))
        elif also:
            unit = replace(unit, names=(UnitName("court", also.rpartition(" ")[2], SINCE),))
        yield unit


def examples() -> Iterator[tuple[str, str]]:
    """Yield the settings and the questions of each example."""
    yield from re.findall(r"```yaml\n(.*?)```\n```text\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)


def territory() -> Territory:
    units = (*listed(), hub("990000"))
    recipients = {one.unit: Recipient(one.unit, LinkName("up"), None) for one in units if one.role != HUB}
    lean = (replace(one, keys=()) for one in units)
    return Territory(OWN, recipients, Roster(roster_of(*lean)))


def route_of(settings: str, folder: Path) -> OutboundRoute:
    """Return the route with these settings, as a node with the page's roster reads it."""
    inner = "".join(f"    {line}\n" for line in settings.splitlines())
    text = f"outbound:\n  - name: r\n    folder: ../out\n    packer: police\n{inner}"
    names = known_names(Directory(PeerBook(folder, {}), territory().roster), STANDARD)
    checked = check(config(folder, NODE, LINK, text), names, beyond={one.unit for one in listed()})
    assert checked.settings is not None, checked.complaints
    return outbound_route(checked.settings.outbound[0])


def said(route: OutboundRoute, flow: str, code: str) -> list[str]:
    found = decide(route, territory(), flow, "" if code == "-" else code, NOW)
    codes = [finding.code for finding in found.findings]
    if worst(found.findings) is Verdict.REJECT:
        return codes
    return [*(one.unit for one in found.recipients), *codes]


def test_the_page_has_its_examples() -> None:
    assert (len(list(listed())), len(list(examples()))) == (8, 8)


@pytest.mark.parametrize("number", range(len(list(examples()))))
def test_an_example_comes_out_as_the_page_says(number: int, tmp_path: Path) -> None:
    settings, questions = list(examples())[number]
    route = route_of(settings, tmp_path)
    for line in questions.splitlines():
        flow, code, *expected = line.split()
        assert said(route, flow, code) == expected, line
