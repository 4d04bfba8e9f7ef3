"""Every event that the daemon writes is in docs/logging.md, and nothing else is."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[3]
SPEAKING = {"info", "warn", "error", "alert", "bug", "tell"}


def events() -> Iterator[str]:
    for path in (ROOT / "gateway/daemon").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call) or ast.unparse(node.func).rpartition(".")[2] not in SPEAKING:
                continue
            yield from (
                argument.value
                for argument in node.args[:2]
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
            )


def test_the_table_is_complete_and_has_nothing_that_is_gone() -> None:
    table = (ROOT / "docs/logging.md").read_text("utf-8").partition("## Events of the daemon")[2]
    documented = re.findall(r"^\| `([a-z-]+)` \|", table, re.MULTILINE)
    assert sorted(documented) == sorted(set(events()))
