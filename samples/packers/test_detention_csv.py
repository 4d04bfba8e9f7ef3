"""The suite of promises, run on the packer beside this file: `pytest samples/packers`."""

from pathlib import Path

import pytest
from detention_csv import DetentionPacker

from gateway.packing import Settled, checked
from gateway.packing_contract import Promise, Subject, promises
from gateway.standard.loading import packaged_standard

PDF = b"%PDF-1.4\n1 0 obj\n<< >>\nendobj\ntrailer\n<< >>\nstartxref\n0\n%%EOF\n"


def drop(into: Path) -> tuple[Path, ...]:
    """Write an honest export as the case software does."""
    table, folder, mark = (into / f"HYZ_990102111_7{suffix}" for suffix in (".csv", "", ".done"))
    heading = "人员编号,姓名,性别,证件号码,在押人员编号,监室"
    row = "R1,张测试,男,990102199202290172,990102111202603030001,甲三"
    table.write_bytes(f"{heading}\r\n{row}\r\n".encode())
    folder.mkdir()
    (folder / "换押证.pdf").write_bytes(PDF)
    mark.touch()
    return (table, folder, mark)


def spoil(parts: tuple[Path, ...]) -> None:
    """A link that leads out of the export."""
    (parts[1] / "link").symlink_to("/etc/passwd")


SUBJECT = Subject("detention-csv", DetentionPacker(), drop, spoil, Settled.COMPLETE)


@pytest.mark.parametrize("promise", promises(), ids=str)
def test_promise(promise: Promise, tmp_path: Path) -> None:
    promise.keep(SUBJECT, tmp_path)


def test_what_stands_in_the_table(tmp_path: Path) -> None:
    standard = packaged_standard()
    with DetentionPacker().read(drop(tmp_path), standard) as reading:
        (person,) = reading.package.persons
        assert (person.name, person.sex, person.measures[0].inmate_no) == ("张测试", "1", "990102111202603030001")
        assert [(one.name, one.value, one.line) for one in reading.package.unknown] == [("监室", "甲三", 2)]
        assert [one.kind for one in reading.package.documents] == ["custody-handover-certificate"]
        assert not [f for f in checked(reading, standard).findings if f.verdict.value == "reject"]
