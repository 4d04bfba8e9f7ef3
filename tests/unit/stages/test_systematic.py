"""What a source's software does to every export alike is told once a day, and never export by export (principle 5)."""

import json
import shutil
from pathlib import Path

from tests.support.defects import honest
from tests.support.exports import PoliceExport
from tests.support.houses import Street

DAY = 86400
REPORT = "_ENC-DECL-MISMATCH.err.json"


def drop(made: Street, number: int, tmp_path: Path) -> Path:
    """Drop an export that says that it is UTF-8 and is GBK, of a case of its own; let it be sealed."""
    folder = made.out.with_name("police")
    case = f"A99010200000020260300{number}"
    export: PoliceExport = honest().changed(("A9901020000002026030012", case))
    export = PoliceExport(
        stem=export.stem.replace("A9901020000002026030012", case), xml=export.xml, declared="UTF-8", files=export.files
    )
    for part in export.drop(tmp_path):
        shutil.copyfile(part, folder / part.name)
    made.go("police:claim", "police:pack", "police:pack")
    return folder / "err"


def test_a_systematic_fault_is_told_once_a_day(made: Street, tmp_path: Path) -> None:
    err = drop(made, 20, tmp_path)
    first = (err / REPORT).read_bytes()
    told = json.loads(first)
    assert [one["code"] for one in told["findings"]] == ["ENC-DECL-MISMATCH"]
    assert told["findings"][0]["rows"] == ["D16", "D67"]

    drop(made, 21, tmp_path)
    assert (err / REPORT).read_bytes() == first
    assert len(made.police.log.of("source-systematic")) == 1

    made.clock.time += DAY
    drop(made, 22, tmp_path)
    assert (err / REPORT).read_bytes() != first
    assert len(made.police.log.of("source-systematic")) == 2
    assert sorted(path.name for path in err.iterdir()) == [REPORT, REPORT.replace(".json", ".txt")]
