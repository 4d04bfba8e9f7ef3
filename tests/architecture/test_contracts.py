"""The import contracts hold, and each of them bites: a planted violation is named by the linter."""

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
CONTRACTS = {contract["id"]: contract for contract in PYPROJECT["tool"]["importlinter"]["contracts"]}

# contract -> (module to plant in, import to plant); the module is made, or the line is added to it.
PLANTED = {
    "layers": [
        ("gateway/domain/planted.py", "import gateway.bundle"),
        ("gateway/bundle/planted.py", "import gateway.standard.findings"),
        ("gateway/standard/planted.py", "import gateway.packing"),
        ("gateway/words/planted.py", "import gateway.settings"),
        ("gateway/folders/planted.py", "import gateway.ledger"),
        ("gateway/ledger/planted.py", "import gateway.transport.api"),
        ("gateway/keyring/planted.py", "import gateway.roster"),
        ("gateway/transport/planted.py", "import gateway.stages"),
        ("gateway/stages/planted.py", "import gateway.daemon"),
        ("gateway/daemon/planted.py", "import gateway.cli"),
        ("gateway/unheard_of.py", "import gateway.domain"),
    ],
    "stages": [("gateway/stages/unheard_of.py", "import gateway.domain")],
    "packers": [
        ("packers/planted.py", "import gateway.ledger"),
        ("packers/planted.py", "from gateway.bundle import names"),
        ("packers/planted.py", "import gateway.words"),
    ],
    "gateway-without-packers": [("gateway/folders/planted.py", "import packers")],
    "pure": [
        ("gateway/domain/planted.py", "import os"),
        ("gateway/domain/ids.py", "import time"),
        ("gateway/bundle/planted.py", "import threading"),
        ("gateway/bundle/planted.py", "import logging"),
        ("gateway/bundle/planted.py", "import secrets"),
        ("gateway/packing.py", "import subprocess"),
    ],
    "home-ssh": [
        ("gateway/stages/planted.py", "import paramiko"),
        ("gateway/daemon/planted.py", "import asyncssh"),
        ("gateway/daemon/planted.py", "import uvloop"),
    ],
    "home-sql": [("gateway/stages/planted.py", "import sqlalchemy"), ("gateway/daemon/planted.py", "import sqlite3")],
    "workers-without-sql": [("gateway/stages/routes.py", "import gateway.ledger.store")],
    "home-yaml": [("gateway/roster/planted.py", "import yaml"), ("packers/planted.py", "import pydantic")],
    "home-cryptography": [("gateway/stages/planted.py", "from cryptography.hazmat.primitives import hashes")],
    "home-daemon": [("gateway/stages/planted.py", "import loguru"), ("gateway/cli/planted.py", "import apscheduler")],
    "home-watchdog": [("gateway/daemon/planted.py", "import watchdog.events")],
    "home-terminal": [("gateway/daemon/planted.py", "import typer"), ("gateway/words/planted.py", "import rich")],
    "home-format": [
        ("gateway/folders/planted.py", "import zstandard"),
        ("gateway/keyring/planted.py", "import gmalg.sm2"),
    ],
    "home-lxml": [("gateway/settings/planted.py", "import lxml.etree")],
    "home-tuf": [
        ("gateway/compose/planted.py", "import tuf.ngclient"),
        ("gateway/keyring/planted.py", "import securesystemslib.signer"),
    ],
}
CASES = [
    pytest.param(name, *plant, id=f"{name}-{i}") for name, plants in PLANTED.items() for i, plant in enumerate(plants)
]


def lint(tree: Path, *contracts: str) -> tuple[int, str]:
    """Run the linter over `tree`; return its exit code and what it printed."""
    limits = [word for name in contracts for word in ("--contract", name)]
    done = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-logo", "--no-cache", *limits],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": str(tree), "COLUMNS": "400", "COVERAGE_PROCESS_START": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A private copy of the sources and of the contracts."""
    for package in ("gateway", "packers"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__", "locale"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_the_sources_keep_every_contract() -> None:
    code, printed = lint(ROOT)
    assert code == 0, printed
    assert f"Contracts: {len(CONTRACTS)} kept, 0 broken." in printed


@pytest.mark.parametrize(("contract", "module", "line"), CASES)
def test_a_planted_violation_is_named(contract: str, module: str, line: str, tree: Path) -> None:
    planted = tree / module
    before = planted.read_text(encoding="utf-8") if planted.exists() else ""
    planted.write_text(f"{before}\n{line}\n", encoding="utf-8")

    code, printed = lint(tree, contract)

    assert code != 0, f"nobody minded `{line}` in {module}"
    assert f"{CONTRACTS[contract]['name']} BROKEN" in printed
    assert module.removesuffix(".py").replace("/", ".") in printed


@pytest.mark.parametrize("one", ["pack", "send", "receive"])
def test_a_leg_may_not_call_a_leg(one: str, tree: Path) -> None:
    (tree / "gateway/stages" / f"{one}.py").touch()
    (tree / "gateway/stages/operate.py").write_text(f"import gateway.stages.{one}\n", encoding="utf-8")
    code, printed = lint(tree, "stages")
    assert code != 0
    assert f"gateway.stages.operate -> gateway.stages.{one}" in printed


def test_every_contract_is_proven_by_a_planted_violation() -> None:
    assert set(PLANTED) == set(CONTRACTS)


def test_every_dependency_has_one_home() -> None:
    modules = {"pyyaml": "yaml", "annotated-types": "annotated_types"}
    housed = {
        m for name, contract in CONTRACTS.items() if name.startswith("home-") for m in contract["forbidden_modules"]
    }
    for requirement in PYPROJECT["project"]["dependencies"]:
        name = re.match(r"[a-z0-9-]+", requirement)
        assert name is not None
        assert modules.get(name[0], name[0]) in housed, f"{name[0]} may be imported from anywhere"


def test_only_declared_libraries_are_imported() -> None:
    """What merely comes along with a dependency may leave with its next version."""
    declared = {re.split(r"[^a-z0-9-]", text)[0].replace("-", "_") for text in PYPROJECT["project"]["dependencies"]}
    ours = {"gateway", "packers", "yaml"}
    # pydantic pins pydantic_core exactly; _typeshed exists for type checkers only.
    also = {"pydantic_core", "_typeshed"}
    imported = {
        name.partition(".")[0]
        for room in ("gateway", "packers")
        for path in (ROOT / room).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert imported - declared - ours - also - set(sys.stdlib_module_names) == set()
