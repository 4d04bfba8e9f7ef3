"""What demo and simulate refuse before they begin, and the map of the demo's province."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway.cli.demo_boundaries import Carrier, carriers, folders
from gateway.cli.demo_map import BY_KEY, EXPORTS, LINKS, THE_HUB, UNITS, Way, link_between, path
from gateway.cli.demo_province import LABEL, PAGES, make_export
from gateway.cli.main import app
from gateway.standard.matrix import load_matrix
from packers.folder import FolderPacker
from tests.support.ledger import START, ToldClock
from tests.support.standard import STANDARD

ROOT = Path(__file__).resolve().parents[3]


def test_a_folder_in_which_nothing_was_kept_is_refused(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["demo", "--run", str(tmp_path), "--json"])
    assert (done.exit_code, json.loads(done.stdout)["error"]["code"]) == (1, "demo-not-kept")


@pytest.mark.parametrize("command", [["demo"], ["simulate", "--units", "8", "--exchanges", "1"]])
def test_a_folder_with_something_in_it_is_left_alone(command: list[str], tmp_path: Path) -> None:
    (tmp_path / "mine").touch()
    done = CliRunner().invoke(app, [*command, "--keep", str(tmp_path), "--json"])
    assert (done.exit_code, json.loads(done.stdout)["error"]["code"]) == (1, "demo-folder-used")


def test_a_simulation_that_does_not_fit_on_the_disk_is_not_begun(tmp_path: Path) -> None:
    keep = str(tmp_path / "new")
    done = CliRunner().invoke(
        app,
        ["simulate", "--units", "8", "--exchanges", "5000", "--scale", "1.0", "--keep", keep, "--json"],
    )
    told = json.loads(done.stdout)["error"]["code"]
    assert (done.exit_code, told) == (1, "simulation-no-room")


def test_too_few_units_are_a_mistake_of_the_command_line() -> None:
    assert CliRunner().invoke(app, ["simulate", "--units", "7"]).exit_code == 2


def test_every_kind_of_link_is_used_by_an_export() -> None:
    used = {link.way for one in EXPORTS for to in one.to for link in path(one.sender, to)}
    assert used | {Way.SFTP} == set(Way)
    assert {link.way for link in LINKS} == set(Way)
    direct = link_between("police", "procuratorate")
    assert direct is not None
    assert path("police", "procuratorate") == (direct,)


def test_every_export_of_the_demo_is_permitted_and_has_a_way() -> None:
    allowed = {(one.flow, s, r) for one in load_matrix().flows for s in one.senders for r in one.receivers}
    for one in EXPORTS:
        for to in one.to:
            assert (one.flow, BY_KEY[one.sender].role, BY_KEY[to].role) in allowed
            assert path(one.sender, to)


def test_everybody_but_the_hub_hangs_on_the_hub() -> None:
    assert all(link_between(unit.key, THE_HUB) for unit in UNITS if unit.key != THE_HUB)


@pytest.mark.parametrize("number", range(len(EXPORTS)))
def test_a_template_becomes_an_export_that_is_read_as_it_is_meant(number: int, tmp_path: Path) -> None:
    export = EXPORTS[number]
    sample = make_export(export, ROOT / "samples", tmp_path)
    with FolderPacker().read(sample.parts, STANDARD) as reading:
        assert (reading.package.flow, reading.package.case_no) == (export.flow, export.case_no)
        assert reading.package.receiver_code == BY_KEY[export.to[0]].unit
        paths = {member.path for member in reading.members}
    assert LABEL in paths
    assert (PAGES in paths) is bool(export.pages)
    texts = [path.read_text("utf-8") for path in sample.parts[0].glob("*.txt")]
    assert any(export.case_no in text for text in texts)
    assert not any("{" in text for text in texts)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_gap_device_takes_its_time_keeps_what_is_too_large_and_rewrites_times(tmp_path: Path) -> None:
    clock = ToldClock(START)
    for _near, deposit, collect in folders(tmp_path, "detention", "hub"):
        deposit.mkdir(parents=True)
        collect.mkdir()
    there, _back = carriers(tmp_path, "detention", "hub", is_diode=False)
    (there.source / "small.dat").write_bytes(b"x")
    (there.source / "large.dat").write_bytes(bytes((64 << 10) + 1))
    there.step(clock)
    assert not names(there.target)
    clock.time += 1
    there.step(clock)
    assert names(there.target) == ["small.dat"]
    assert (there.target / "small.dat").stat().st_mtime == 1_000_000_000
    assert names(there.source) == ["large.dat"]


def test_a_diode_loses_one_bundle_and_tells_nobody(tmp_path: Path) -> None:
    clock = ToldClock(START)
    source, target = tmp_path / "a", tmp_path / "b"
    source.mkdir()
    target.mkdir()
    diode = Carrier(source, target, 0.0, loses=1)
    for name in (f"{'1' * 32}.cfr", f"{'1' * 32}.cfb", f"{'2' * 32}.cfb"):
        (source / name).write_bytes(b"x")
        diode.step(clock)
    assert names(target) == [f"{'1' * 32}.cfr", f"{'2' * 32}.cfb"]
    assert (diode.lost, diode.carried) == (1, 2)
