"""What the source files say to people: texts marked for translation, and the codes of errors and findings they use."""

import ast
import gc
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("gateway", "packers")
ERROR_KINDS = frozenset({"GatewayError", "TransientError", "PermanentError", "SecurityError", "ConfigError"})
HOLDS = MappingProxyType({"hold": (1, "code")})
"""Ledger.hold(transfer, code, ...) shows its code to the operator as an error does."""
TABLES = frozenset({"TEMPLATES"})
"""Module-level tables of that name hold texts as their values: strings, or tuples of strings."""

CHECKS = ("gateway/standard/", "packers/")
FINDING_CODE = re.compile(r"[A-Z]{2,}(-[A-Z0-9]+)+")
NO_CODES = frozenset({"UTF-8", "UTF-16", "GB-18030"})


@dataclass(frozen=True, slots=True)
class Used:
    """A text or a code, and where it stands."""

    text: str
    place: str
    line: int


def trees(root: Path = ROOT) -> Mapping[str, ast.Module]:
    """Return path -> syntax tree of every module of the product."""
    paths = sorted(path for room in ROOMS for path in (root / room).rglob("*.py"))
    # Half a million objects, none of them garbage: the collector would go through them again and again.
    gc.disable()
    try:
        return {path.relative_to(root).as_posix(): ast.parse(path.read_text(encoding="utf-8")) for path in paths}
    finally:
        gc.enable()


def texts(modules: Mapping[str, ast.Module]) -> Iterator[Used]:
    """Yield every literal handed to `words.text(...)` or `mark(...)`, and the values of every table of texts."""
    for place, tree in modules.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and node.args and _speaks(node.func):
                yield from _literals(node.args[0], place)
            elif isinstance(node, ast.Call) and _last_name(node.func) == "Template":
                for part in (*node.args, *(word.value for word in node.keywords)):
                    yield from _literals(part, place)
        for name, value in _module_level(tree):
            if name in TABLES:
                for table in (part for part in ast.walk(value) if isinstance(part, ast.Dict)):
                    for entry in table.values:
                        yield from _literals(entry, place)


def _speaks(function: ast.expr) -> bool:
    if isinstance(function, ast.Attribute) and function.attr == "text":
        return _last_name(function.value).lstrip("_") in {"words", "self"}
    return _last_name(function) == "mark"


def _literals(node: ast.expr, place: str) -> Iterator[Used]:
    """Yield the strings that `node` can be: a literal, either branch of a choice, the items of a tuple."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield Used(node.value, place, node.lineno)
    elif isinstance(node, ast.IfExp):
        yield from _literals(node.body, place)
        yield from _literals(node.orelse, place)
    elif isinstance(node, ast.Tuple):
        for item in node.elts:
            yield from _literals(item, place)


def error_codes(modules: Mapping[str, ast.Module]) -> list[Used]:
    """Return every slug given to an error: directly, through a function that hands it on, or in a table CODES."""
    makers = dict.fromkeys(ERROR_KINDS | _subclasses(modules, ERROR_KINDS), (0, "code"))
    found = _codes(modules, {**makers, **HOLDS})
    for place, tree in modules.items():
        for name, value in _module_level(tree):
            if name == "CODES":
                for table in (part for part in ast.walk(value) if isinstance(part, ast.Dict)):
                    found += [used for key in table.keys if key is not None for used in _literals(key, place)]
    return found


def finding_codes(modules: Mapping[str, ast.Module]) -> list[Used]:
    """Return every code given to a Finding, and every literal of that form in a check."""
    found = _codes(modules, {"Finding": (0, "code")})
    for place, tree in modules.items():
        if place.startswith(CHECKS):
            found += [
                used for node in ast.walk(tree) for used in _literals(node, place) if isinstance(node, ast.Constant)
            ]
    return [used for used in found if FINDING_CODE.fullmatch(used.text) and used.text not in NO_CODES]


def _codes(modules: Mapping[str, ast.Module], makers: Mapping[str, tuple[int, str]]) -> list[Used]:
    """Follow `makers` (name -> place and keyword of the code) through every function that hands an argument on."""
    takers = dict(makers)
    constants = _constants(modules)
    functions = list(_functions(modules))
    while True:
        handing_on = _handing_on(functions, takers)
        if handing_on.keys() <= takers.keys():
            break
        takers = {**handing_on, **takers}
    return [
        used
        for place, tree in modules.items()
        for call in _calls(tree)
        if (argument := _argument(call, takers)) is not None
        for used in _literals(_resolved(argument, constants), place)
    ]


def _constants(modules: Mapping[str, ast.Module]) -> dict[str, ast.expr]:
    """Return the module-level constants by name; a code may be named once and used in several places."""
    return {
        name: value
        for tree in modules.values()
        for name, value in _module_level(tree)
        if isinstance(value, ast.Constant) and isinstance(value.value, str)
    }


def _resolved(argument: ast.expr, constants: Mapping[str, ast.expr]) -> ast.expr:
    return constants.get(_last_name(argument), argument) if isinstance(argument, ast.Name | ast.Attribute) else argument


@dataclass(frozen=True, slots=True)
class _Function:
    """A function, its positional arguments without self or cls, all its arguments, and the calls in it."""

    name: str
    bound: list[str]
    every: set[str]
    calls: list[ast.Call]


def _functions(modules: Mapping[str, ast.Module]) -> Iterator[_Function]:
    for tree in modules.values():
        for function in ast.walk(tree):
            if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef) or function.name.startswith("__"):
                continue
            names = [arg.arg for arg in (*function.args.posonlyargs, *function.args.args)]
            bound = names[1:] if names[:1] in (["self"], ["cls"]) else names
            every = {*bound, *(arg.arg for arg in function.args.kwonlyargs)}
            yield _Function(function.name, bound, every, list(_calls(function)))


def _handing_on(functions: list[_Function], takers: Mapping[str, tuple[int, str]]) -> dict[str, tuple[int, str]]:
    found = {}
    for function in functions:
        for call in function.calls:
            argument = _argument(call, takers)
            if isinstance(argument, ast.Name) and argument.id in function.every:
                position = function.bound.index(argument.id) if argument.id in function.bound else -1
                found[function.name] = (position, argument.id)
    return found


def _argument(call: ast.Call, takers: Mapping[str, tuple[int, str]]) -> ast.expr | None:
    name = _last_name(call.func)
    if name not in takers:
        return None
    position, keyword = takers[name]
    for word in call.keywords:
        if word.arg == keyword:
            return word.value
    return call.args[position] if 0 <= position < len(call.args) else None


def _subclasses(modules: Mapping[str, ast.Module], bases: frozenset[str]) -> frozenset[str]:
    found = set(bases)
    for tree in modules.values():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and any(_last_name(base) in found for base in node.bases):
                found.add(node.name)
    return frozenset(found - bases)


def _calls(tree: ast.AST) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def _last_name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _module_level(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    for node in tree.body:
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            yield _last_name(node.targets[0]), node.value
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            yield _last_name(node.target), node.value
