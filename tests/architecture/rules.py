"""Conventions that no linter knows, each a function from one module's source to its complaints."""

import ast
import io
import re
import tokenize
from collections.abc import Callable, Iterator
from functools import lru_cache

Rule = Callable[[str, str], list[str]]
"""(path from the project's root, source text) -> complaints, each with its line."""

LINES_AT_MOST = 400
PURE = ("gateway/domain/", "gateway/bundle/", "gateway/packing.py", "gateway/evidence/")
CLOCK = "gateway/domain/clock.py"

# Words with no single meaning (docs/glossary.md), in the singular; the plural is refused as well.
BANNED_WORDS = frozenset(
    {"message", "job", "task", "queue", "status", "archive", "partner", "helper", "manager", "util", "common"}
)
# Names that somebody else chose.
ALLOWED_NAMES = frozenset(
    {
        "status",  # the command of docs/protocol.md
        "create_task",  # asyncio
        "job_defaults",  # APScheduler
        "on_queue_overflow",  # watchdog
    }
)


@lru_cache(maxsize=1)
def _tree(source: str) -> ast.Module:
    """Parse a module once for all rules; none changes what it is given."""
    return ast.parse(source)


def opens_with_one_sentence(_path: str, source: str) -> list[str]:
    docstring = ast.get_docstring(_tree(source))
    if not docstring:
        return ["line 1: a module says in one sentence what it is for"]
    first = " ".join(docstring.split("\n\n")[0].split())
    if not first.endswith((".", ":")):
        return [f"line 1: the first paragraph is not a sentence: {first!r}"]
    return ["line 1: more than one sentence"] if re.search(r"[.!?] [A-Z]", first) else []


def is_not_too_long(_path: str, source: str) -> list[str]:
    lines = len(source.splitlines())
    return [f"{lines} lines; over {LINES_AT_MOST} is split"] if lines > LINES_AT_MOST else []


def imports_are_absolute_and_named(_path: str, source: str) -> list[str]:
    found = []
    for node in ast.walk(_tree(source)):
        if isinstance(node, ast.ImportFrom):
            if node.level:
                found.append(f"line {node.lineno}: relative import")
            if any(alias.name == "*" for alias in node.names):
                found.append(f"line {node.lineno}: star import")
    return found


_MUTABLE = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)
_MAKERS = frozenset({"list", "dict", "set", "defaultdict", "deque", "Counter", "OrderedDict", "bytearray"})


def keeps_no_mutable_state(_path: str, source: str) -> list[str]:
    tree = _tree(source)
    # A private table that leaves the module only inside a MappingProxyType is read-only to everybody else.
    wrapped = {
        arg.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("MappingProxyType")
        for arg in ast.walk(node)
        if isinstance(arg, ast.Name) and arg.id.startswith("_")
    }
    found = [f"line {n.lineno}: `global` is module-level state" for n in ast.walk(tree) if isinstance(n, ast.Global)]
    for line, name, value in _module_level_assignments(tree):
        maker = ast.unparse(value.func).rpartition(".")[2] if isinstance(value, ast.Call) else ""
        if (isinstance(value, _MUTABLE) or maker in _MAKERS) and name not in wrapped | {"__all__"}:
            found.append(f"line {line}: {name} can be changed; use a tuple, a frozenset or a MappingProxyType")
    return found


def _module_level_assignments(tree: ast.Module) -> Iterator[tuple[int, str, ast.expr]]:
    for node in tree.body:
        if isinstance(node, ast.Assign):
            yield node.lineno, ", ".join(ast.unparse(target) for target in node.targets), node.value
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            yield node.lineno, ast.unparse(node.target), node.value


def _calls(source: str) -> Iterator[tuple[int, str, ast.Call]]:
    for node in ast.walk(_tree(source)):
        if isinstance(node, ast.Call):
            yield node.lineno, ast.unparse(node.func), node


def prints_only_in_the_command_line(path: str, source: str) -> list[str]:
    if path.startswith("gateway/cli/"):
        return []
    writers = {"print", "sys.stdout.write", "sys.stderr.write"}
    return [f"line {line}: {name} writes to the terminal" for line, name, _ in _calls(source) if name in writers]


_CLOCKS = re.compile(r"(^|\.)(time\.(time|monotonic|perf_counter)(_ns)?|(datetime|date)\.(now|utcnow|today))$")


def takes_time_from_a_clock(path: str, source: str) -> list[str]:
    if path == CLOCK:
        return []
    found = [
        f"line {line}: {name}() reads a clock; take a Clock" for line, name, _ in _calls(source) if _CLOCKS.search(name)
    ]
    for node in ast.walk(_tree(source)):
        if (
            isinstance(node, ast.ImportFrom)
            and node.module == "time"
            and {a.name for a in node.names} - {"struct_time"}
        ):
            found.append(f"line {node.lineno}: names taken out of `time` hide that a clock is read")
    return found


def pure_rooms_open_nothing(path: str, source: str) -> list[str]:
    if not path.startswith(PURE):
        return []
    doors = {"open", "io.open", "input", "exec", "eval", "__import__"}
    return [f"line {line}: {name} in a pure room" for line, name, _ in _calls(source) if name in doors]


def names_keep_to_the_glossary(path: str, source: str) -> list[str]:
    found = []
    stem = path.rpartition("/")[2].removesuffix(".py")
    names = [(1, stem, None), *_given_names(_tree(source))]
    for line, name, annotation in names:
        if name not in ALLOWED_NAMES and any(_is_banned(word) for word in _words(name)):
            found.append(f"line {line}: {name}: docs/glossary.md has the word that is meant")
        if name == "Package" or (name == "package" and annotation is not None and "CasePackage" not in annotation):
            found.append(f"line {line}: {name}: a case package, or a member, or a bundle?")
    return found


def _is_banned(word: str) -> bool:
    return word in BANNED_WORDS or word.removesuffix("s") in BANNED_WORDS


def _given_names(tree: ast.Module) -> Iterator[tuple[int, str, str | None]]:
    """Yield every name that the module itself gives to something, with its annotation."""
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.lineno, node.name, None
            case ast.arg():
                yield node.lineno, node.arg, ast.unparse(node.annotation) if node.annotation else None
            case ast.AnnAssign(target=ast.Name(id=name)):
                yield node.lineno, name, ast.unparse(node.annotation)
            case ast.Name(ctx=ast.Store()):
                yield node.lineno, node.id, None
            case ast.Attribute(ctx=ast.Store()):
                yield node.lineno, node.attr, None


def _words(name: str) -> list[str]:
    return [w.lower() for w in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)]


def exemptions_say_what_and_why(_path: str, source: str) -> list[str]:
    found = []
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type != tokenize.COMMENT:
            continue
        text = token.string
        if re.search(r"#\s*noqa", text) and not re.search(r"# noqa: [A-Z]+\d+(, ?[A-Z]+\d+)*\W+\w+ \w+", text):
            found.append(f"line {token.start[0]}: {text}: a code and a reason")
        if re.search(r"#\s*type:\s*ignore", text) and not re.search(r"# type: ignore\[[a-z, -]+\]\W+\w+ \w+", text):
            found.append(f"line {token.start[0]}: {text}: a code and a reason")
        if re.search(r"\b(TODO|FIXME|XXX|HACK)\b", text):
            found.append(f"line {token.start[0]}: {text}: do it, or open an issue")
    return found


def travels_by_reduce(_path: str, source: str) -> list[str]:
    """Before Python 3.11.4 dataclasses with slots put their own methods in the place of these two."""
    return [
        f"line {node.lineno}: {node.name}: some versions of Python ignore it; define __reduce__"
        for node in ast.walk(_tree(source))
        if isinstance(node, ast.FunctionDef) and node.name in {"__getstate__", "__setstate__"}
    ]


RULES: tuple[Rule, ...] = (
    opens_with_one_sentence,
    is_not_too_long,
    imports_are_absolute_and_named,
    keeps_no_mutable_state,
    prints_only_in_the_command_line,
    takes_time_from_a_clock,
    pure_rooms_open_nothing,
    names_keep_to_the_glossary,
    exemptions_say_what_and_why,
    travels_by_reduce,
)
