"""Power cuts at every durable effect of a whole exchange: built again from the disk, it ends as if nothing had been."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.domain.lifecycle import State
from gateway.domain.records import ReceiptCode, known
from tests.support.crashing import dies_at
from tests.support.houses import IN, OUT, Street, build, opened, street

EXPORTS = {"first.txt": b"first" * 100, "second.txt": b"second" * 100}
DEFECT = Path(__file__).resolve().parents[1] / "data" / "police" / "defects" / "09_traversal.zip"
STRIDE = 10
"""Every so manieth effect in an ordinary run; a soak takes them all."""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two nodes that have never run, to be copied."""
    root = tmp_path_factory.mktemp("power")
    build(root)
    return root


@pytest.fixture(scope="module")
def refusing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, but the procuratorate takes no files from the police."""
    root = tmp_path_factory.mktemp("refusing")
    build(root)
    routes = root / "procuratorate" / "etc" / "routes.d" / "procuratorate.yaml"
    routes.write_text(routes.read_text("utf-8").rstrip() + "\n    flows: [arrest-request]\n", "utf-8")
    return root


def exchange(root: Path) -> None:
    """Let both nodes of one street work, in one process, until nobody owes anything."""
    with opened(street(root)) as made:
        made.settle()


def cut_at(built: Path, root: Path, at: int, drop: Callable[[Path], None], check: Callable[[Street], None]) -> bool:
    """Run the exchange in a process that dies at effect `at`, then another to its end; False if there was none."""
    shutil.copytree(built, root)
    drop(root / "police" / "out")
    died = dies_at(at, lambda: exchange(root))
    with opened(street(root)) as made:
        made.clock.time += 60
        made.settle()
        check(made)
    shutil.rmtree(root)
    return died


def cut_everywhere(
    built: Path, root: Path, drop: Callable[[Path], None], check: Callable[[Street], None], first: int, stride: int
) -> None:
    at = first
    while cut_at(built, root / str(at), at, drop, check):
        at += stride
    assert at > 100, "an exchange has hundreds of effects; so few mean that the count is broken"


def drop_good(out: Path) -> None:
    for name, content in EXPORTS.items():
        (out / "files" / name).write_bytes(content)


def all_arrived(made: Street) -> None:
    assert made.delivered() == EXPORTS
    ours = {known(t.bundle_id): t for t in made.police.transfers(OUT)}
    theirs = {known(t.bundle_id): t for t in made.procuratorate.transfers(IN)}
    assert len(made.police.transfers(OUT)) == len(EXPORTS)
    assert ours.keys() == theirs.keys()
    assert {t.state for t in ours.values()} == {State.DELIVERED}
    assert {t.state for t in theirs.values()} == {State.CONFIRMED}
    assert {b: (t.header_hash, t.sequence) for b, t in ours.items()} == {
        b: (t.header_hash, t.sequence) for b, t in theirs.items()
    }
    assert sorted(known(t.sequence) for t in ours.values()) == [1, 2]
    for bundle in ours:
        (receipt,) = made.procuratorate.ledger.receipts(bundle)
        assert [r.raw for r in made.police.ledger.receipts(bundle)] == [receipt.raw]
    assert {path.name for path in (made.out / "ack").iterdir()} == {f"{name}.receipt.json" for name in EXPORTS}
    assert not (made.procuratorate.state / "quarantine").exists()
    assert not made.police.log.alerts()
    assert not made.procuratorate.log.alerts()
    assert made.leftovers() == []
    assert {path.stem.partition("-")[0] for path in (made.police.state / "spool" / "outbound").iterdir()} == ours.keys()


def drop_bad(out: Path) -> None:
    (out / "files" / "refused-there.txt").write_bytes(b"refused")
    for path in (DEFECT, DEFECT.with_name(f"{DEFECT.name}.ok")):
        shutil.copyfile(path, out / "police" / path.name)


def all_refused(made: Street) -> None:
    assert made.delivered() == {}
    assert {t.export_name: t.state for t in made.police.transfers(OUT)} == {
        "refused-there.txt": State.REFUSED,
        DEFECT.name: State.REFUSED,
    }
    their = made.procuratorate.only(IN)
    assert their.state is State.DISMISSED
    (receipt,) = made.procuratorate.ledger.receipts(known(their.bundle_id))
    assert receipt.code is ReceiptCode.NOT_PERMITTED
    for folder, names in (("files", ["refused-there.txt"]), ("police", [DEFECT.name, f"{DEFECT.name}.ok"])):
        outbound = made.out.with_name(folder)
        assert sorted(path.name for path in (outbound / "reject").iterdir()) == names
        assert sorted(path.name for path in (outbound / "err").iterdir()) == [
            f"{names[0]}.err.json",
            f"{names[0]}.err.txt",
        ]
    assert (made.out / "reject" / "refused-there.txt").read_bytes() == b"refused"
    assert len([p for p in (made.procuratorate.state / "quarantine").iterdir() if not p.name.startswith(".")]) == 1
    assert made.leftovers() == []


@pytest.mark.parametrize("first", [0, STRIDE // 2])
def test_a_power_cut_changes_nothing(built: Path, tmp_path: Path, first: int) -> None:
    cut_everywhere(built, tmp_path, drop_good, all_arrived, first, STRIDE)


@pytest.mark.parametrize("first", [0, STRIDE // 2])
def test_a_power_cut_loses_no_refusal(refusing: Path, tmp_path: Path, first: int) -> None:
    cut_everywhere(refusing, tmp_path, drop_bad, all_refused, first, STRIDE)


@pytest.mark.soak
def test_no_power_cut_changes_anything(built: Path, tmp_path: Path) -> None:
    cut_everywhere(built, tmp_path, drop_good, all_arrived, 0, 1)


@pytest.mark.soak
def test_no_power_cut_loses_a_refusal(refusing: Path, tmp_path: Path) -> None:
    cut_everywhere(refusing, tmp_path, drop_bad, all_refused, 0, 1)
