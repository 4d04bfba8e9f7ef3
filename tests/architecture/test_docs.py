"""The documents say what is there: links lead somewhere, named tests exist, every dependency has its reason."""

import ast
import re
import tomllib
from pathlib import Path

import pytest

from tests.architecture.rules import ALLOWED_NAMES, BANNED_WORDS
from tests.support.pages import pages

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.rglob("*.md"), *ROOT.glob("*.md")])
LESSONS = 28
"""Rows of docs/lessons.md."""


def label(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", PAGES, ids=label)
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    assert [link for link in links if "://" not in link and not (page.parent / link).exists()] == []


def test_the_index_names_every_page() -> None:
    index = (DOCS / "README.md").read_text(encoding="utf-8")
    assert [page.name for page in DOCS.glob("*.md") if page.name != "README.md" and f"({page.name})" not in index] == []


def test_decisions_have_numbers_of_their_own() -> None:
    numbers = [page.name[:4] for page in (DOCS / "adr").glob("*.md")]
    assert len(numbers) == len(set(numbers))
    for page in (DOCS / "adr").glob("*.md"):
        assert re.fullmatch(r"\d{4}-[a-z0-9-]+\.md", page.name)
        assert page.read_text(encoding="utf-8").startswith("# "), page.name


def table_rows(page: Path) -> list[list[str]]:
    lines = page.read_text(encoding="utf-8").splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")]


def test_every_dependency_has_its_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    required = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    names = [match[0] for text in required if (match := re.match(r"[a-z0-9-]+", text))]
    rows = table_rows(DOCS / "adr" / "0002-dependencies.md")
    reasoned = [row[0] for row in rows if row[0] != "Package"]
    assert sorted(reasoned) == sorted(names)
    assert all(len(row[-1]) > 20 for row in rows if row[0] != "Package")


def test_every_dependency_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    locked = set(re.findall(r"^([a-z0-9-]+)==", (ROOT / "requirements.lock").read_text(encoding="utf-8"), re.MULTILINE))
    required = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    assert {match[0] for text in required if (match := re.match(r"[a-z0-9-]+", text))} <= locked


def test_the_tests_that_the_lessons_name_exist() -> None:
    rows = [row for row in table_rows(DOCS / "lessons.md") if row[0].isdigit()]
    assert [row[0] for row in rows] == [str(n) for n in range(1, LESSONS + 1)]
    for row in rows:
        named = re.findall(r"`(tests/[^:`]+)::(test_\w+)`", row[-1])
        assert named or row[-1] == "not shown yet", f"lesson {row[0]}"
        for path, test in named:
            tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
            defined = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
            assert test in defined, f"lesson {row[0]}: there is no {path}::{test}"


def test_the_glossary_and_the_gate_ban_the_same_words() -> None:
    glossary = (DOCS / "glossary.md").read_text(encoding="utf-8")
    listed = re.search(r"Not used as nouns in code: (.+)\.", glossary)
    assert listed is not None
    words = {word.strip() for word in listed[1].replace("package (alone)", "package").split(",")}
    assert {word.removesuffix("s") for word in words - {"package", "status"}} | {"status"} == set(BANNED_WORDS)
    assert "status" in ALLOWED_NAMES


def test_generated_pages_are_what_the_code_says() -> None:
    assert [name for name, text in pages().items() if (ROOT / name).read_text(encoding="utf-8") != text] == []
