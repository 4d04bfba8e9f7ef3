"""`grants`, and what `inspect` and `check` say of masking, grants and the scanner."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from gateway.domain.clock import SystemClock
from gateway.stages.expiry import ExpiryStage
from gateway.standard.grants import Grant, Side
from tests.support.configs import GRANT
from tests.support.desk import Desk
from tests.support.houses import Heard
from tests.support.ledger import ToldClock
from tests.support.shapes import SHAPES, paths
from tests.unit.cli.test_inspect import HONEST


@pytest.fixture
def today(monkeypatch: pytest.MonkeyPatch) -> date:
    """Have the clock stand, lest midnight come between a grant and a look at it; the day is that of its hands."""
    now = SystemClock().now()
    monkeypatch.setattr(SystemClock, "now", lambda _clock: now)
    return datetime.fromtimestamp(now, UTC).astimezone().date()


def with_grant(desk: Desk, until: date) -> None:
    folder = desk.place.config / "grants.d"
    folder.mkdir()
    text = GRANT.replace("until: 2026-12-31", f"until: {until}").replace("2026-01-01", "2020-01-01")
    (folder / "a.yaml").write_text(text, "utf-8")


def test_a_node_without_grants_says_so(desk: Desk) -> None:
    answer = desk.run("grants")
    assert answer.code == 0
    assert "no grants" in answer.out


@pytest.mark.parametrize(
    ("days", "code", "said", "checked"),
    [(300, 0, "counts", None), (20, 1, "ends in 20 days", "grant-ending"), (-3, 1, "has ended", "grant-ended")],
)
def test_grants_are_listed_with_their_ends(
    desk: Desk, today: date, days: int, code: int, said: str, checked: str | None
) -> None:
    with_grant(desk, today + timedelta(days=days))
    answer = desk.run("grants")
    assert answer.code == code
    assert "SX-2026-001" in answer.out
    assert said in " ".join(answer.out.split())
    told = desk.ask("grants")
    assert set(paths(told)) == set(SHAPES["grants"])
    (found,) = told["grants"]
    assert (found["id"], found["days_left"], found["fields"]) == ("SX-2026-001", days, ["person-name"])
    (line,) = [one for one in desk.ask("check")["results"] if one["part"] == "grants"]
    assert line["code"] == (checked or "")


def test_check_tells_of_a_scanner_that_does_not_answer(desk: Desk, tmp_path: Path) -> None:
    file = desk.place.config / "gateway.yaml"
    file.write_text(f"{file.read_text('utf-8')}\nmalware: {{socket: {tmp_path}/none}}\n", "utf-8")
    (line,) = [one for one in desk.ask("check")["results"] if one["part"] == "malware"]
    assert (line["grade"], line["code"], line["subject"]) == ("warning", "scanner-down", f"{tmp_path}/none")


def test_inspect_shows_what_would_be_masked_and_what_stays(desk: Desk) -> None:
    routes = desk.place.config / "routes.d" / "police.yaml"
    text = routes.read_text("utf-8")
    name = next(one.name for one in desk.settings.outbound if one.packer == "police")
    routes.write_text(text.replace(f"  - name: {name}\n", f'  - name: {name}\n    profile: {{"*": masked}}\n'), "utf-8")
    found = desk.ask("inspect", HONEST, "--route", name)
    assert found["profile"] == "masked"
    assert "e-dossier" in [one["kind"] for one in found["withheld"]]
    leaves = {one["name"]: one["leaves"] for one in found["fields"]}
    values = {one["name"]: one["value"] for one in found["fields"]}
    assert leaves["persons[0].name"] == values["persons[0].name"][0] + "*" * (len(values["persons[0].name"]) - 1)
    assert leaves["case_no"] == values["case_no"]
    assert "MASK-WITHHELD" in [one["code"] for one in found["findings"]]
    shown = desk.run("inspect", HONEST, "--route", name).out
    assert "Leaves as" in shown
    assert "Stays here" in shown


def test_an_ending_grant_is_told_of_once_for_each_span() -> None:
    last = datetime(2026, 6, 30, 12, tzinfo=UTC)
    side = Side(role="court")
    grant = Grant("G1", "D1", side, side, frozenset(), frozenset(), "masked", "", last.date(), last.date(), "somebody")
    clock, ops = ToldClock(0.0), Heard()
    stage = ExpiryStage([grant], clock, ops)
    told = []
    for days in (40, 31, 30, 29, 8, 7, 6, 2, 1, 0, -1, -2):
        clock.time = (last - timedelta(days=days)).timestamp()
        before = len(ops.lines)
        stage.step()
        stage.step()
        told += [(days, event) for _level, event, _facts in ops.lines[before:]]
    assert told == [(30, "grant-ending"), (7, "grant-ending"), (1, "grant-ending"), (-1, "grant-ended")]
    assert ExpiryStage([], clock, ops).step() is None
