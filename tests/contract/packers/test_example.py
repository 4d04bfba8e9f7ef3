"""The worked example of the author's guide (samples/packers) does what the guide says, run as its author runs it."""

import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
EXAMPLE = ROOT / "samples" / "packers"


def test_the_example_keeps_every_promise(tmp_path: Path) -> None:
    """From a folder of its own, as somebody has it who has no tree of ours: only the installed packages are there."""
    for path in EXAMPLE.iterdir():
        if path.is_file():
            (tmp_path / path.name).write_bytes(path.read_bytes())
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)]
    found = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=100)
    assert found.returncode == 0, found.stdout + found.stderr
    assert " passed" in found.stdout


def test_its_entry_point_names_the_class(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(EXAMPLE)
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text("utf-8"))["project"]
    module, _, name = project["entry-points"]["caseferry.packers"]["detention-csv"].partition(":")
    assert hasattr(import_module(module), name)


def test_the_guide_shows_the_example_as_it_is() -> None:
    guide = (ROOT / "docs" / "packers.md").read_text("utf-8")
    blocks = [block.partition("\n")[2] for block in guide.split("```")[1::2] if block.startswith("python")]
    sources = "\n".join(path.read_text("utf-8") for path in sorted(EXAMPLE.glob("*.py")))
    assert len(blocks) >= 3
    assert [block for block in blocks if block.strip() not in sources] == []
