"""What every packer promises (gateway.packing), tried on each of ours with the suite that other authors run."""

import os
from pathlib import Path

import pytest

from gateway.packing import Settled
from gateway.packing_contract import Promise, Subject, promises, round_trip
from packers.court import CourtPacker
from packers.folder import FolderPacker
from packers.police import PolicePacker
from packers.prison import PrisonPacker
from packers.procuratorate import ProcuratoratePacker
from tests.support.courts import CourtExport
from tests.support.exports import PoliceExport
from tests.support.prisons import PrisonExport
from tests.support.procuratorate import ProcuratorateExport
from tests.support.samples import FOLDER_FILES, FOLDER_NAME


def _drop_folder(into: Path) -> tuple[Path, ...]:
    root = into / FOLDER_NAME
    for name, data in FOLDER_FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    (root / os.fsdecode("清单.txt".encode("gbk"))).write_bytes(b"GBK name")
    return (root,)


def _break_zip(parts: tuple[Path, ...]) -> None:
    parts[0].write_bytes(b"PK\x03\x04 broken")


def _link_out(parts: tuple[Path, ...]) -> None:
    folder = next(part for part in parts if part.is_dir())
    (folder / "link").symlink_to("/etc/passwd")


SUBJECTS = (
    Subject("folder", FolderPacker(), _drop_folder, _link_out, Settled.STABLE, has_gbk_names=True),
    Subject(
        "police",
        PolicePacker(),
        lambda into: PoliceExport().drop(into),
        _break_zip,
        Settled.COMPLETE,
        has_gbk_names=True,
        writes_gbk_names=True,
    ),
    Subject(
        "procuratorate",
        ProcuratoratePacker(),
        lambda into: ProcuratorateExport(gb_names=frozenset({"docs/批准逮捕决定书_张测试.ofd"})).drop(into),
        lambda parts: (parts[0] / "case.json").write_bytes(b'{"xtxx": {},,}'),
        Settled.COMPLETE,
        has_gbk_names=True,
    ),
    Subject("court", CourtPacker(), lambda into: CourtExport().drop(into), _link_out, Settled.COMPLETE),
    Subject("prison", PrisonPacker(), lambda into: PrisonExport().drop(into), _link_out, Settled.COMPLETE),
)
PAIRS = [(a, b) for a in SUBJECTS for b in SUBJECTS if a is not b]


@pytest.mark.parametrize("promise", promises(), ids=str)
@pytest.mark.parametrize("subject", SUBJECTS, ids=str)
def test_promise(subject: Subject, promise: Promise, tmp_path: Path) -> None:
    promise.keep(subject, tmp_path)


@pytest.mark.parametrize(("reader", "writer"), PAIRS, ids=str)
def test_nothing_is_lost_between_two_formats(reader: Subject, writer: Subject, tmp_path: Path) -> None:
    round_trip(reader, writer, tmp_path)
