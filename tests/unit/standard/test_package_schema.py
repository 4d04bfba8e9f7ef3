"""The published schema of the case package: every packer's packages are of it, and nothing else is."""

import dataclasses
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from gateway.packing import Packer
from gateway.packing_samples import FOREIGN, foreign_packet
from gateway.standard import package as packages
from gateway.standard.canonical import dump
from gateway.standard.package import CasePackage
from gateway.standard.package_schema import case_package_schema
from packers.court import CourtPacker
from packers.folder import FolderPacker
from packers.police import PolicePacker
from packers.prison import PrisonPacker
from packers.procuratorate import ProcuratoratePacker
from tests.support.courts import CourtExport
from tests.support.exports import PoliceExport
from tests.support.prisons import PrisonExport
from tests.support.procuratorate import ProcuratorateExport
from tests.support.standard import STANDARD

ROOT = Path(__file__).resolve().parents[3]
SCHEMA = case_package_schema(STANDARD)
CHECK = jsonschema.Draft202012Validator(SCHEMA)

EXPORTS: list[tuple[str, Packer, Callable[[Path], tuple[Path, ...]]]] = [
    ("court", CourtPacker(), CourtExport().drop),
    ("prison", PrisonPacker(), PrisonExport().drop),
    ("police", PolicePacker(), PoliceExport().drop),
    ("procuratorate", ProcuratoratePacker(), ProcuratorateExport().drop),
    ("folder", FolderPacker(), CourtExport().drop),
]


@pytest.mark.parametrize(("packer", "drop"), [pair[1:] for pair in EXPORTS], ids=[pair[0] for pair in EXPORTS])
def test_what_a_packer_reads_is_of_the_schema(
    packer: Packer, drop: Callable[[Path], tuple[Path, ...]], tmp_path: Path
) -> None:
    with packer.read(drop(tmp_path), STANDARD) as reading:
        CHECK.validate(json.loads(reading.package.to_json()))


@pytest.mark.parametrize("name", FOREIGN)
def test_every_value_that_a_package_can_have_is_of_the_schema(name: str, tmp_path: Path) -> None:
    CHECK.validate(json.loads(foreign_packet(name, tmp_path, STANDARD).package.to_json()))


def places(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Yield the way to every object of a JSON value."""
    if isinstance(value, dict):
        yield path
    for key, one in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from places(one, (*path, key))


def test_one_name_more_or_less_is_not_of_the_schema(tmp_path: Path) -> None:
    whole = foreign_packet("rich", tmp_path, STANDARD).package.to_json()
    for place in places(json.loads(whole)):
        for spoil in (lambda found: found.update(more=""), lambda found: found.popitem()):
            changed = json.loads(whole)
            found = changed
            for key in place:
                found = found[key]
            spoil(found)
            assert not CHECK.is_valid(changed), place


def test_the_schema_is_one_itself() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_the_committed_schema_is_current() -> None:
    committed = json.loads((ROOT / "config/schema/case-package.schema.json").read_text("utf-8"))
    assert committed == SCHEMA, "run `caseferry schema case-package --out config/schema`"


def test_every_class_of_the_case_package_is_in_it() -> None:
    held = {
        name
        for name, one in vars(packages).items()
        if dataclasses.is_dataclass(one) and one.__module__ == packages.__name__ and one is not CasePackage
    }
    assert set(SCHEMA["$defs"]) == held


def test_what_the_classes_say_of_their_fields_is_in_the_schema() -> None:
    properties = SCHEMA["$defs"]["Person"]["properties"]
    assert properties["id_no"]["description"].startswith("公民身份号码")
    assert "record of an offence as a minor" in properties["sealed"]["description"]
    assert "detained 拘留" in SCHEMA["$defs"]["Measure"]["properties"]["kind"]["description"]


def test_the_schema_is_of_the_version_that_is_written() -> None:
    assert json.loads(dump(CasePackage(packages.Source("x", "y"))))["v"] == SCHEMA["properties"]["v"]["const"]
