"""Shares and exports that are not to be had: from an unmounted share nothing follows, an unreadable export stops no
other."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.domain.lifecycle import State
from gateway.folders.watch import REMIND_AFTER
from tests.support.children import MIB, mount, on_small_disks, unmount, without_power
from tests.support.houses import IN, OUT, Street, build, opened, street

SENTINEL = "this-share-is-mounted"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("shares")
    build(root)
    return root


@pytest.fixture
def made(built: Path, tmp_path: Path) -> Street:
    shutil.copytree(built, tmp_path / "street")
    return street(tmp_path / "street")


def with_sentinel(made: Street, house: str, folder: Path) -> None:
    """Name the sentinel in the route whose folder is `folder`, and put it there."""
    (folder / SENTINEL).touch()
    for path in (made.root / house / "etc" / "routes.d").iterdir():
        lines = []
        for line in path.read_text("utf-8").splitlines():
            head, found, place = line.partition("folder: ")
            lines.append(line)
            if found and (path.parent.parent / place.strip()).resolve() == folder:
                lines.append(f"{head.replace('-', ' ')}sentinel: {SENTINEL}")
        path.write_text("\n".join(lines) + "\n", "utf-8")


def on_a_share(folder: Path, action: Callable[[], None]) -> None:
    on_small_disks({folder: 32 * MIB}, action)


def test_an_unmounted_outbound_share_whose_mount_point_remains_is_a_fault_until_it_is_back(made: Street) -> None:
    def scenario() -> None:
        with_sentinel(made, "police", made.out)
        with opened(made):
            made.drop("one.txt", b"one")
            made.work(12)
            assert made.delivered() == {"one.txt": b"one"}
            kept = {path.name: path.read_bytes() for path in made.out.iterdir() if path.is_file()}
            unmount(made.out)
            beneath = sorted(made.out.iterdir())
            made.work(12)
            assert {fact["code"] for fact in made.police.log.of("route-failed")} == {"mount-missing"}
            views = [gate.view() for gate in made.police.plan.gates.all]
            assert "mount-missing" in {view.code for view in views}
            assert sorted(made.out.iterdir()) == beneath  # nothing was put where the share should be
            assert [t.state for t in made.police.transfers(OUT)] == [State.DELIVERED]
            mount(made.out, 32 * MIB)
            for name, content in kept.items():
                (made.out / name).write_bytes(content)
            made.drop("two.txt", b"two")
            made.clock.time += 60
            made.work(12)
            assert made.delivered() == {"one.txt": b"one", "two.txt": b"two"}
            assert len(made.police.log.of("route-recovered")) == 1

    on_a_share(made.out, scenario)


def test_an_unmounted_inbound_share_gets_nothing_and_everything_once_it_is_back(made: Street) -> None:
    def scenario() -> None:
        with_sentinel(made, "procuratorate", made.into)
        with opened(made):
            unmount(made.into)
            beneath = sorted(made.into.iterdir())
            made.drop("one.txt", b"one")
            made.work(12)
            (theirs,) = made.procuratorate.transfers(IN)
            assert (theirs.state, theirs.hold_code, theirs.last_error) == (State.VERIFIED, None, "mount-missing")
            assert sorted(made.into.iterdir()) == beneath
            mount(made.into, 32 * MIB)
            (made.into / SENTINEL).touch()
            made.clock.time += 60
            made.work(12)
            assert made.delivered() == {"one.txt": b"one"}
            assert made.procuratorate.only(IN).state is State.CONFIRMED

    on_a_share(made.into, scenario)


def test_exports_that_our_account_may_not_read_stop_no_other_and_their_source_is_told(made: Street) -> None:
    def scenario() -> None:
        with opened(made):
            made.drop("secret.txt", b"secret")
            (made.out / "secret.txt").chmod(0)
            (made.out / "case").mkdir()
            (made.out / "case" / "page.txt").write_bytes(b"page")
            (made.out / "case" / "page.txt").chmod(0)
            made.drop("good.txt", b"good")
            made.work(12)
            assert made.delivered() == {"good.txt": b"good"}
            assert made.police.log.of("route-failed") == []
            assert [fact["codes"] for fact in made.police.log.of("exports-wait")] == ["export-unreadable"]
            reports = made.out / "err"
            assert not reports.exists()
            assert made.police.plan.claim.overdue() == []

            made.clock.time += REMIND_AFTER
            made.go("police:claim")
            late = {one.name: one.code for one in made.police.plan.claim.overdue()}
            assert late == {"secret.txt": "export-unreadable", "case": "export-unreadable"}
            told = json.loads((reports / "secret.txt.err.json").read_bytes())
            assert "export-unreadable" in json.dumps(told)
            assert (reports / "case.err.json").exists()
            written = (reports / "secret.txt.err.json").stat().st_mtime_ns
            made.go("police:claim")
            assert (reports / "secret.txt.err.json").stat().st_mtime_ns == written  # told once

            (made.out / "secret.txt").chmod(0o600)
            (made.out / "case" / "page.txt").chmod(0o600)
            made.settle()
            assert made.delivered() == {"good.txt": b"good", "secret.txt": b"secret", "page.txt": b"page"}
            assert made.police.plan.claim.overdue() == []
            assert list(reports.iterdir()) == []

    without_power(scenario)
