"""A source whose software was updated is paused: nothing it drops is lost, bounced or sent wrong (D90)."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.compose import sources
from gateway.domain.errors import GatewayError
from gateway.domain.lifecycle import State
from gateway.domain.records import Action, known
from gateway.domain.sources import SOURCE_UPGRADE, Seen, Source
from gateway.stages import drift
from tests.support.exports import PoliceExport
from tests.support.houses import Street, opened, street
from tests.support.upgrading import Desk, case, upgraded, with_rules, without_charges

GOOD = 20
FLOWS = Path(__file__).parents[3] / "config" / "flows"


@pytest.fixture
def made(closed: Street) -> Iterator[Street]:
    with_rules(closed.police.root)
    with opened(closed):
        yield closed


@pytest.fixture(scope="module")
def _begun(_built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("begun") / "street"
    shutil.copytree(_built, root)
    with_rules(root / "police")
    with opened(street(root)) as made:
        desk = Desk(made)
        desk.drop(GOOD, each=False)
        assert desk.states() == ["sealed"] * GOOD
    return root


@pytest.fixture
def desk(_begun: Path, tmp_path: Path) -> Iterator[Desk]:
    """A police folder that dropped a score of honest cases two hours ago."""
    shutil.copytree(_begun, tmp_path / "street")
    made = street(tmp_path / "street")
    made.clock.time += 2 * 3600
    with opened(made):
        yield Desk(made, GOOD, [f"{case(n).stem}.zip" for n in range(1, GOOD + 1)])


def source(made: Street) -> Source:
    (found,) = made.police.ledger.sources.all()
    return found


def decide(made: Street, action: Action, why: str = "the vendor confirmed it") -> None:
    settings = made.police.identity.settings
    sources.decide(settings, made.clock, action, source(made).id, actor="wang", why=why)
    made.go("police:decide")


def test_another_version_pauses_before_anything_is_sealed_or_bounced(desk: Desk) -> None:
    with pytest.raises(GatewayError) as refused:
        decide(desk.made, Action.SOURCE_REPLAY)
    assert refused.value.code == "source-not-paused"
    desk.drop(3, upgraded())
    assert desk.states()[GOOD:] == [SOURCE_UPGRADE] * 3
    paused = source(desk.made)
    assert paused.paused_at is not None
    assert [(one.kind, one.before, one.now) for one in paused.seen] == [("version", "2.1", "2.2")]
    shelf = desk.made.police.ground.shelf
    assert all(shelf.is_held(known(one.claim)) for one in desk.transfers()[GOOD:])
    assert desk.made.police.log.alerts() == ["source-paused"]
    assert not list((desk.made.police.state / "spool" / "outbound").glob(".*"))


def test_only_what_gives_no_cause_to_pause_its_source_may_be_read_ahead(desk: Desk) -> None:
    judge = desk.made.police.worker("pack")._worker._drift  # type: ignore[attr-defined]  # asked by a thread of the crew
    transfer, found = desk.transfers()[-1], source(desk.made)
    look = replace(desk.made.police.ledger.sources.looks(found.id, found.since, 1)[-1], system=found.system)
    assert judge.is_plain(transfer, look)
    assert judge.is_plain(transfer, replace(look, system="another software"))
    assert not judge.is_plain(transfer, replace(look, version="2.2"))
    odd = replace(look, version="2.2", marks=("lacks arrest-request/charges",))
    assert not judge.is_plain(transfer, replace(look, marks=odd.marks))
    judged = judge._routes
    judge._routes = {name: replace(route, drift=False) for name, route in judged.items()}
    assert judge.is_plain(transfer, odd), "where nobody is judged nothing gives cause"
    judge._routes = judged
    desk.drop(1, upgraded())
    assert not judge.is_plain(transfer, look)
    judge._routes = {name: replace(route, drift=False) for name, route in judged.items()}
    assert not judge.is_plain(transfer, look), "what was paused before stays so"


def test_its_people_are_told_once(desk: Desk) -> None:
    desk.drop(4, upgraded())
    told = sorted(path.name for path in (desk.folder / "err").iterdir())
    number = source(desk.made).id
    assert told == [f"SOURCE-UPGRADE-{number}.err.json", f"SOURCE-UPGRADE-{number}.err.txt"]
    note = json.loads((desk.folder / "err" / told[0]).read_bytes())
    assert [(line["code"], line["expected"], line["value"]) for line in note["findings"]] == [
        ("SOURCE-UPGRADE", "2.1", "2.2")
    ]
    assert f"caseferry source show {number}" in note["advice"]


def test_a_field_that_empties_pauses_and_what_came_together_is_not_bounced(desk: Desk) -> None:
    desk.drop(8, without_charges(), each=False)
    assert desk.states()[GOOD:] == [SOURCE_UPGRADE] * 8
    kinds = {(one.kind, one.subject) for one in source(desk.made).seen}
    assert ("lacks", "arrest-request/charges") in kinds
    assert not (desk.folder / "reject").exists()


def test_one_after_the_other_few_are_bounced_before_the_rest_is_kept(desk: Desk) -> None:
    desk.drop(12, without_charges())
    states = desk.states()[GOOD:]
    bounced = states.count("refused")
    assert 0 < bounced <= 8
    assert states == ["refused"] * bounced + [SOURCE_UPGRADE] * (12 - bounced)
    suspects = sources.show_source(desk.made.police.identity.settings, desk.made.clock, source(desk.made).id).suspects
    assert [one.export_name for one in suspects] == desk.dropped[GOOD : GOOD + bounced]


def test_an_export_that_cannot_be_read_counts_for_the_source_that_was_read_last(desk: Desk) -> None:
    broken = desk.made
    for _one in range(8):
        desk.number += 1
        (desk.folder / f"{case(desk.number).stem}.zip").write_bytes(b"PK\3\4 no zip at all")
        name = f"{case(desk.number).stem}.zip"
        (desk.folder / f"{name}.ok").write_bytes(b"MD5=0\r\nSIZE=1\r\n")
    desk.pack()
    assert [one.kind for one in source(broken).seen] == ["rejected"]
    assert desk.states()[GOOD:] == [SOURCE_UPGRADE] * 8


def test_resume_sends_everything_in_its_order_and_learns_anew(desk: Desk) -> None:
    made = desk.made
    newer = without_charges().xml.replace("<FTTK>264</FTTK>", "<ZMDM>050200</ZMDM><ZMMC>盗窃罪</ZMMC>")
    fresh = replace(upgraded(), xml=newer.replace('BB="2.1"', 'BB="2.2"'))
    desk.drop(5, fresh)
    assert desk.states()[GOOD:] == [SOURCE_UPGRADE] * 5
    decide(made, Action.SOURCE_RESUME)
    assert source(made).paused_at is None
    assert not list((desk.folder / "err").iterdir())
    made.settle()
    assert {one.state for one in desk.transfers()} == {State.DELIVERED}
    numbers = [known(one.sequence) for one in desk.transfers()]
    assert numbers == sorted(numbers) == list(range(1, GOOD + 6))
    assert len(list(made.into.rglob("_READY"))) == GOOD + 5
    desk.drop(3, fresh)
    assert desk.states()[-3:] == ["sealed"] * 3
    (deed, *_) = made.police.ledger.decisions.deeds()
    assert (deed.actor, deed.action, deed.why, deed.outcome) == (
        "wang",
        Action.SOURCE_RESUME,
        "the vendor confirmed it",
        "",
    )
    assert deed.done_at is not None


def test_replay_with_nothing_mended_bounces_nobody(desk: Desk) -> None:
    desk.drop(8, without_charges(), each=False)
    decide(desk.made, Action.SOURCE_REPLAY)
    desk.pack()
    assert source(desk.made).paused_at is not None
    assert desk.states()[GOOD:] == [SOURCE_UPGRADE] * 8
    assert desk.made.police.log.alerts() == ["source-paused"] * 2


def test_replay_reads_the_originals_anew_after_the_standard_was_mended(desk: Desk) -> None:
    made = desk.made
    desk.drop(8, without_charges(), each=False)
    assert desk.states()[GOOD:] == [SOURCE_UPGRADE] * 8
    flows = made.police.root / "etc" / "flows"
    flows.mkdir(exist_ok=True)
    text = (FLOWS / "arrest-request.yaml").read_text("utf-8")
    made.close()
    (flows / "arrest-request.yaml").write_text(mended(text), "utf-8")
    with opened(street(made.root, made.clock)) as again:
        assert source(again).paused_at is not None
        desk.made = again
        decide(again, Action.SOURCE_REPLAY)
        again.settle()
        assert {one.state for one in desk.transfers()} == {State.DELIVERED}
        assert len(list(again.into.rglob("_READY"))) == GOOD + 8
    made.open()


def mended(text: str) -> str:
    """Return the flow's file without the charges among what it requires."""
    lines = text.splitlines(keepends=True)
    found = [line.replace("charges, ", "").replace(", charges", "") for line in lines]
    assert found != lines
    return "".join(found)


def test_reject_gives_everything_back_and_the_source_stays_paused(desk: Desk) -> None:
    desk.drop(4, upgraded())
    decide(desk.made, Action.SOURCE_REJECT, "exported by mistake")
    assert desk.states()[GOOD:] == ["refused"] * 4
    back = {path.name for path in (desk.folder / "reject").iterdir()}
    assert set(desk.dropped[GOOD:]) <= back
    desk.drop(1, upgraded())
    assert desk.states()[-1] == SOURCE_UPGRADE


def test_one_export_may_be_let_go_alone(desk: Desk) -> None:
    fresh = replace(upgraded(), xml=upgraded().xml.replace("<FTTK>", "<ZMDM>050200</ZMDM><ZMMC>盗窃罪</ZMMC><FTTK>"))
    desk.drop(2, fresh)
    first = desk.transfers()[GOOD]
    desk.made.police.ledger.release(first, "wang", "urgent")
    desk.pack()
    assert desk.states()[GOOD:] == ["sealed", SOURCE_UPGRADE]


def test_marked_material_of_a_paused_source_is_blocked_and_not_kept(desk: Desk) -> None:
    secret = upgraded().changed(("<MJ>内部</MJ>", "<MJ>机密</MJ>"))
    # By the first of its kind nobody could tell yet whether its source is paused.
    desk.drop(1, secret)
    desk.drop(1, upgraded())
    desk.drop(1, secret)
    assert desk.states()[GOOD:] == ["refused", SOURCE_UPGRADE, "refused"]
    shelf = desk.made.police.ground.shelf
    assert [shelf.is_held(known(one.claim)) for one in desk.transfers()[GOOD:]] == [False, True, False]
    assert not (desk.folder / "reject").exists()
    assert desk.made.police.log.alerts().count("export-blocked") == 2


def odd() -> PoliceExport:
    """Return an export that the checks hold: its birthday is not that of its identity number."""
    return PoliceExport().changed(("<CSRQ>19920229</CSRQ>", "<CSRQ>19920228</CSRQ>"))


def test_what_a_person_released_stays_released_when_its_source_is_paused_and_goes_on(desk: Desk) -> None:
    desk.drop(1, odd())
    (held,) = desk.transfers()[GOOD:]
    assert held.hold_code == "export-held"
    desk.made.police.ledger.release(held, "li", "the certificate was seen")
    # Before it is read again, its source is paused.
    desk.made.police.ledger.sources.pause(source(desk.made).id, (Seen("version", "", "2.1", "2.2"),), "")
    desk.pack()
    assert desk.states()[GOOD:] == [SOURCE_UPGRADE]
    decide(desk.made, Action.SOURCE_RESUME)
    desk.pack()
    assert desk.states()[GOOD:] == ["sealed"]


def test_a_source_that_goes_on_releases_no_hold_of_the_checks(desk: Desk) -> None:
    desk.made.police.ledger.sources.pause(source(desk.made).id, (Seen("version", "", "2.1", "2.2"),), "")
    desk.drop(1, odd())
    assert desk.states()[GOOD:] == [SOURCE_UPGRADE]
    decide(desk.made, Action.SOURCE_RESUME)
    desk.pack()
    assert desk.states()[GOOD:] == ["export-held"]
    desk.made.police.ledger.release(desk.transfers()[GOOD], "li", "the certificate was seen")
    desk.pack()
    assert desk.states()[GOOD:] == ["sealed"]


def test_a_pause_survives_a_restart_and_other_sources_go_on(desk: Desk) -> None:
    made = desk.made
    desk.drop(1, upgraded())
    made.close()
    with opened(street(made.root, made.clock)) as again:
        desk.made = again
        desk.drop(1, upgraded())
        assert desk.states()[-1] == SOURCE_UPGRADE
        again.drop("note.txt", b"by the other route")
        for _turn in range(3):
            again.go("police:claim")
            again.clock.time += 2
        again.go("police:pack", "police:pack")
        assert desk.transfers()[-1].state is State.SEALED
        assert again.police.log.alerts() == []
    made.open()


def test_a_new_node_learns_before_it_judges(made: Street) -> None:
    desk = Desk(made)
    desk.drop(5)
    desk.drop(4, upgraded())
    assert source(made).paused_at is None
    assert source(made).versions == ("2.1", "2.2")


def test_a_route_may_be_left_alone(closed: Street) -> None:
    with_rules(closed.police.root)
    for file in (closed.police.root / "etc" / "routes.d").iterdir():
        text = file.read_text("utf-8")
        file.write_text(text.replace("packer: police", "packer: police\n    drift: false"), "utf-8")
    with opened(closed) as made:
        desk = Desk(made)
        desk.drop(11, each=False)
        desk.drop(2, upgraded())
        assert source(made).paused_at is None
        assert SOURCE_UPGRADE not in desk.states()


def test_software_that_calls_itself_otherwise_in_every_export_is_one_source(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drift, "SOURCES_MAX", 3)
    for number in range(6):
        desk.drop(1, PoliceExport().changed(('XTMC="', f'XTMC="{number} ')))
    assert len(desk.made.police.ledger.sources.all()) == 3
