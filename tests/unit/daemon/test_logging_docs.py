"""Every event that a node writes is in docs/logging.md, and nothing else is."""

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


ROOMS = ("gateway/stages", "gateway/compose")
UNTOLD = {"server-deposited", "server-growing"}
"""What the server tells its parent only."""


def constants() -> dict[str, str]:
    """Return the texts that have a name of their own in a module of the rooms."""
    found = {}
    for room in ROOMS:
        for path in (ROOT / room).glob("*.py"):
            for node in ast.parse(path.read_text("utf-8")).body:
                match node:
                    case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=str(text))):
                        found[name] = text
    return found


def words(argument: ast.expr, named: dict[str, str]) -> Iterator[str]:
    """Yield the events that an argument may be; of one that is put together at run time the fixed part."""
    if isinstance(argument, ast.Name) and argument.id in named:
        yield named[argument.id]
    if isinstance(argument, ast.Constant | ast.IfExp | ast.JoinedStr):
        for part in ast.walk(argument):
            if isinstance(part, ast.Constant) and isinstance(part.value, str):
                yield part.value


def calls(room: str) -> Iterator[tuple[str, ast.expr]]:
    """Yield what is called in a room, as text, each with its first argument."""
    for path in sorted((ROOT / room).glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and node.args:
                yield ast.unparse(node.func), node.args[0]


def test_what_the_other_rooms_tell_is_there_too_and_nothing_that_is_gone() -> None:
    named = constants()
    spoken = {
        word
        for room in ROOMS
        for call, argument in calls(room)
        if re.search(r"\b_?(ops|log)\.|^(report|tell)$", call)
        for word in words(argument, named)
    }
    news = {
        word
        for call, argument in calls("gateway/transport")
        if call.endswith("_news.tell")
        for word in words(argument, named)
    }
    parts = {word for word in spoken if word.startswith("-") or word.endswith("-")} | {"-too-large"}
    whole = spoken - parts | {f"server-{word}" for word in {*news, "stopped"}} - UNTOLD

    page = (ROOT / "docs/logging.md").read_text("utf-8").partition("## Events of the daemon")[0]
    tables = page.partition("## Events of exchange")[2]
    rows = re.findall(r"^\| (`[a-z-]+`(?:, `[a-z-]+`)*) \|", tables, re.MULTILINE)
    documented = {word for row in rows for word in re.findall(r"[a-z-]+", row)}
    assert whole - documented - set(events()) == set()
    assert [word for word in documented - whole if not any(part in word for part in parts)] == []
    assert [part for part in parts if not any(part in word for word in documented)] == []
