"""The rows D50 to D57 of the defects catalogue, from the folder to the verdict."""

from pathlib import Path

import pytest

from gateway.packing import checked
from packers.procuratorate import ProcuratoratePacker
from tests.support.exports import pdf
from tests.support.procuratorate import SAMPLE, ProcuratorateExport
from tests.support.standard import STANDARD

DEFECTS = Path(__file__).resolve().parents[2] / "data" / "procuratorate" / "defects"


def found(folder: Path) -> list[tuple[str, str]]:
    with ProcuratoratePacker().read([folder], STANDARD) as reading:
        return [(one.code, one.verdict.value) for one in checked(reading, STANDARD).findings]


def test_the_worked_example_passes() -> None:
    assert found(SAMPLE) == []


@pytest.mark.parametrize(
    ("row", "code", "verdict"),
    [
        ("50_json_bom", "ENC-BOM", "fix"),
        ("51_json_trailing_comma", "JSON-SYNTAX", "reject"),
        ("54_decision_before_request", "DATE-ORDER", "hold"),
        ("55_no_ready", "FS-INCOMPLETE", "wait"),
        ("57_no_refusal_reasons", "DOC-MISSING", "reject"),
    ],
)
def test_rows_with_an_input_of_their_own(row: str, code: str, verdict: str) -> None:
    assert found(DEFECTS / row) == [(code, verdict)]


def test_a_name_twice_with_two_values(tmp_path: Path) -> None:
    export = ProcuratorateExport().changed(('"SLRQ": "2026-03-10"', '"SLRQ": "2026-03-10", "SLRQ": "2026-03-11"'))
    assert found(*export.drop(tmp_path)) == [("JSON-DUP-KEY", "reject")]


def test_a_pdf_under_the_name_of_an_ofd(tmp_path: Path) -> None:
    export = ProcuratorateExport().with_file("docs/批准逮捕决定书_张测试.ofd", pdf("approval"))
    assert found(*export.drop(tmp_path)) == [("DOC-TYPE", "reject")]
