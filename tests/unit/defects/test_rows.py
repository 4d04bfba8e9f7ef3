"""Every row of the defects catalogue, D1 to D90: `inspect` names its code and verdict, or its behaviour has a test."""

import ast
from functools import cache
from pathlib import Path

import pytest

from gateway.standard.defects import COUNT, ROWS, rows_of
from tests.support.desk import run
from tests.support.rows import BEHAVIOUR, EXPORTS, Row

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("row", EXPORTS, ids=str)
def test_inspect_names_code_verdict_and_row(row: Row, tmp_path: Path) -> None:
    export, *_rest = row.drop(tmp_path)
    answer = run("inspect", export, "--packer", row.packer, "--json", "--config", tmp_path / "nowhere")
    own = [one for one in answer.json["findings"] if one["code"] == row.code]
    assert own, answer.json["findings"]
    assert {(one["verdict"], one["alarm"]) for one in own} == {(row.verdict, row.alarm)}
    for one in own:
        assert one["mender"]
        assert one["rows"] == list(rows_of(row.code))
        assert all(one["sentences"][language] for language in ("en", "zh_CN"))
        assert f"D{row.no}" in one["rows"] or row.code == "FIELD-FORMAT"


def test_every_row_is_shown() -> None:
    shown = {row.no for row in EXPORTS} | set(BEHAVIOUR)
    assert shown == set(range(1, COUNT + 1))
    assert {number for numbers in ROWS.values() for number in numbers} == set(range(1, COUNT + 1))


@pytest.mark.parametrize("number", BEHAVIOUR)
def test_the_test_of_a_behaviour_is_there(number: int) -> None:
    file, _, name = BEHAVIOUR[number].partition("::")
    assert name in _tests_in(ROOT / file)


@cache
def _tests_in(path: Path) -> frozenset[str]:
    tree = ast.parse(path.read_text("utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))
