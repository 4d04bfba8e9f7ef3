"""Entered once, used by all, over two nodes: a batch arrives as a court folder, a judgment as a batch."""

from collections.abc import Callable
from pathlib import Path

from gateway.cli.demo_nodes import PROCURATORATE
from gateway.domain.lifecycle import State
from gateway.standard.package import CasePackage
from packers.court import CourtPacker
from packers.prison import PrisonPacker
from tests.support.courts import CourtExport
from tests.support.houses import IN, OUT, Street, opened
from tests.support.prisons import PrisonExport
from tests.support.standard import STANDARD


def between(made: Street, sender: str, receiver: str) -> None:
    """Let the first node read the format `sender`, and the second write the format `receiver`."""
    ours = made.police.root / "etc" / "routes.d" / "police.yaml"
    theirs = made.procuratorate.root / "etc" / "routes.d" / "procuratorate.yaml"
    text = ours.read_text("utf-8").replace("packer: police", f"packer: {sender}")
    ours.write_text(text.replace(f'"{PROCURATORATE}": "{PROCURATORATE}"', f'"*": "{PROCURATORATE}"'), "utf-8")
    theirs.write_text(theirs.read_text("utf-8").replace("packer: folder", f"packer: {receiver}"), "utf-8")


def travelled(made: Street, drop: Callable[[Path], tuple[Path, ...]]) -> list[Path]:
    """Drop an export, let it arrive, and return what lies in the inbound folder."""
    drop(made.out.with_name("police"))
    made.settle()
    assert made.police.only(OUT).state is State.DELIVERED
    assert made.procuratorate.only(IN).state is State.CONFIRMED
    return sorted(path for path in made.into.iterdir() if not path.name.startswith("."))


def test_a_prisons_batch_arrives_as_a_courts_folder(closed: Street) -> None:
    between(closed, "prison", "court")
    with opened(closed) as made:
        (folder,) = travelled(made, PrisonExport().drop)
        assert folder.name.startswith("99010099012026B02_")
        with CourtPacker().read((folder,), STANDARD) as reading:
            assert reading.findings == ()
            assert [person.name for person in reading.package.persons] == ["赵虚构", "钱演示", "孙模拟"]
            assert len(reading.package.documents) == 13
        assert (folder / "原始数据" / "批次清单.csv").read_bytes() == PrisonExport().table()


def test_a_courts_judgment_arrives_as_a_batch(closed: Street) -> None:
    between(closed, "court", "prison")
    with opened(closed) as made:
        found = travelled(made, CourtExport().drop)
        folder, table, mark = found
        assert [path.suffix for path in found] == ["", ".csv", ".over"]
        with PrisonPacker().read((table, folder, mark), STANDARD) as reading:
            assert reading.findings == ()
            assert reading.package.flow == "sentence-delivery"
            assert reading.package.persons[0].sentences[0].credit_days == "77"
        kept = CasePackage.from_json((folder / "原始数据" / "case-package.json").read_bytes())
        assert kept.number("court-case-no") == "（2026）测0102刑初12号"


def test_a_folder_that_is_still_written_is_not_taken(closed: Street) -> None:
    between(closed, "court", "court")
    with opened(closed) as made:
        (root,) = CourtExport().drop(made.out.with_name("police"))
        unfinished = root.rename(root.with_name(f"{root.name}.tmp"))
        made.settle()
        assert unfinished.is_dir()
        assert made.police.transfers(OUT) == []
        unfinished.rename(root)
        made.settle()
        assert made.police.only(OUT).state is State.DELIVERED
