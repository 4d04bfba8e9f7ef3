"""The page of commands: every command, argument and option as the program itself tells them, and every key of JSON."""

import re
from collections.abc import Iterator
from enum import Enum
from typing import get_args, get_type_hints

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

from gateway.cli.main import app
from tests.support.shapes import SHAPES

_HEAD = """\
# Commands

Generated from the command line itself by `make docs`; do not edit.

The command line is a contract: names, options, exit codes and the keys of `--json` stay as they are; new ones may be
added. Every read command takes `--json`: one object in UTF-8 on standard output, nothing else there. Times are seconds
since 1970 UTC, sizes are bytes. A command that fails with `--json` prints
`{"error": {"code", "what", "why", "do", "detail"}}`.

Texts are in the language of `node.language`, or of the locale (CASEFERRY_LANGUAGE, LC_ALL, LC_MESSAGES, LANG). Nothing
is said by colour alone.

| Exit code | Means |
|---|---|
| 0 | done; `status`, `watch`: normal; `inspect`: sendable; `verify`: genuine; `check`: no errors; \
`route explain`: it would go; `flows check`: sound; `grants`: none ends within a month |
| 1 | failed, with an explanation; `status`, `watch`: something needs a person; `inspect`: held or waiting; \
`verify`: not genuine; `check`: errors; `route explain`: it would not go; `flows check`: faults; \
`grants`: one ends within a month; `alerts test`: not taken |
| 2 | the command line was not understood; `status`, `watch`: the gateway is not running; `inspect`: refused |

The transfer log is searched by case number, flow, peer, link, state, time and name, not by person: the ledger holds
no names of persons, by design. Look a person up in the case software, and its case number here.

`open` and `verify` ask neither the ledger nor the routes: a bundle may be opened again, and nothing is delivered.
`verify` trusts the roster in use, the confirmed cards and those named with `--card`; this node's own signatures verify
with its own card. What a person decides (`hold`, `release`, `close`, `retry`, `quarantine ...`) is recorded with the
login name, the reason and the time (`decisions` shows it), and a running gateway acts on it at once; one that does not
run acts on it at its next start.
"""


def page() -> str:
    """Return docs/commands.md."""
    return _HEAD + "\n".join(_lines()) + "\n"


def commands() -> dict[str, TyperCommand]:
    """Return every command by its full name, such as `peer add`."""
    found: dict[str, TyperCommand] = {}
    _collect(typer.main.get_command(app), "", found)
    return found


def _collect(command: object, prefix: str, found: dict[str, TyperCommand]) -> None:
    if isinstance(command, TyperGroup):
        for name, inner in command.commands.items():
            _collect(inner, f"{prefix} {name}".strip(), found)
    elif isinstance(command, TyperCommand):
        found[prefix] = command


def _lines() -> Iterator[str]:
    for name, command in sorted(commands().items()):
        yield f"\n## {name}\n"
        yield f"`{usage(name, command)}`\n"
        yield f"{(command.help or '').strip()}\n"
        yield "| Argument, option | Says | Default |"
        yield "|---|---|---|"
        for parameter in command.params:
            if isinstance(parameter, TyperArgument | TyperOption) and parameter.name != "help":
                yield _row(parameter, _choices(command, parameter.name or ""))
        if name in SHAPES:
            yield "\n| JSON | |"
            yield "|---|---|"
            for path, meaning in SHAPES[name].items():
                yield f"| `{path}` | {_cell(meaning)} |"


def usage(name: str, command: TyperCommand) -> str:
    """Return one line: what must be given, and that there are options."""
    wanted = [
        (parameter.name or "").upper() if isinstance(parameter, TyperArgument) else f"{parameter.opts[0]} ..."
        for parameter in command.params
        if parameter.required
    ]
    return " ".join(["caseferry", name, *wanted, "[options]"])


def _row(parameter: TyperArgument | TyperOption, choices: list[str]) -> str:
    if isinstance(parameter, TyperArgument):
        shown = (parameter.name or "").upper()
        text = str(getattr(parameter, "help", "") or "")
    else:
        shown = ", ".join(parameter.opts)
        text = str(getattr(parameter, "help", "") or "")
        if choices:
            text = f"{text} One of: {', '.join(choices)}."
    return f"| `{shown}` | {_cell(text)} | {_default(parameter)} |"


def _choices(command: TyperCommand, name: str) -> list[str]:
    """Return the values of an argument that takes one of an enumeration's; none for others."""
    hint = get_type_hints(command.callback)[name]
    kinds = [one for one in (hint, *get_args(hint)) if isinstance(one, type) and issubclass(one, Enum)]
    return [str(value.value) for kind in kinds for value in kind]


def _default(parameter: TyperArgument | TyperOption) -> str:
    if parameter.required:
        return "required"
    value = parameter.default
    if value in (None, "", False) or callable(value):
        return ""
    return f"`{value}`"


def _cell(text: str) -> str:
    return re.sub(r"\s+", " ", text).replace("|", "\\|")
