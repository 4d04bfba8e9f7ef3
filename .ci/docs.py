"""Write the pages of docs/ that are generated from code, or check that they are what the code says today."""

import sys
from collections.abc import Iterator
from pathlib import Path

from gateway.domain.lifecycle import FIRST, TABLE, Direction, ends
from gateway.words.catalogue import Words
from gateway.words.errors import ERRORS
from gateway.words.findings import FINDINGS
from gateway.words.language import CHINESE, ENGLISH
from gateway.words.templates import Table, fields

DOCS = Path(__file__).resolve().parent.parent / "docs"


def state_machine() -> Iterator[str]:
    """Yield the lines of docs/state-machine.md."""
    yield "# The states of a transfer"
    yield ""
    yield "Generated from the table in `gateway/domain/lifecycle.py` by `make docs`; do not edit."
    yield "A state names what has been achieved and hence which effect is still owed; an event is a past fact."
    yield "What is not drawn is illegal. A transfer that fails stays where it is: retry is a column, hold is a flag."
    for direction in Direction:
        yield ""
        yield f"## {direction.value.capitalize()}"
        yield ""
        yield "```mermaid"
        yield "stateDiagram-v2"
        yield f"    [*] --> {_node(FIRST[direction])}"
        for (state, event), target in TABLE[direction].items():
            yield f"    {_node(state)} --> {_node(target)}: {event}"
        for state in sorted(ends(direction)):
            yield f"    {_node(state)} --> [*]"
        yield "```"
        yield ""
        yield "| in state | this event | leads to |"
        yield "|---|---|---|"
        for (state, event), target in TABLE[direction].items():
            yield f"| `{state}` | `{event}` | `{target}` |"


def _node(state: str) -> str:
    return state.replace("-", "_")


def errors() -> Iterator[str]:
    """Yield the lines of docs/errors.md."""
    yield "# Error codes"
    yield ""
    yield "Generated from `gateway/words/` by `make docs`; do not edit."
    yield "The code is the same in the ledger, the operations log, the command line and here."
    yield "`{words}` in braces are filled in from the error's facts."
    yield from _explanations(ERRORS)


def defects() -> Iterator[str]:
    """Yield the lines of docs/defects.md."""
    yield "# What a check may find in an export"
    yield ""
    yield "Generated from `gateway/words/` by `make docs`; do not edit."
    yield "The same codes stand in `<name>.err.json` beside a returned export and in `caseferry inspect`."
    yield "The verdict is the check's: put in order, sent with a mark, held, or returned."
    yield "A returned or held original stays as it is, byte for byte."
    yield from _explanations(FINDINGS)


def _explanations(table: Table) -> Iterator[str]:
    english, chinese = Words(ENGLISH), Words(CHINESE)
    yield ""
    yield "| code | what happened | why | what to do |"
    yield "|---|---|---|---|"
    for code in sorted(table):
        cells = (table[code].what, table[code].why, table[code].do)
        yield f"| `{code}` | " + " | ".join(f"{_raw(english, c)}<br>{_raw(chinese, c)}" for c in cells) + " |"


def _raw(words: Words, original: str) -> str:
    """Return the translation with its fields left open."""
    return words.text(original, **{name: f"{{{name}}}" for name in fields(original)})


PAGES = {"state-machine.md": state_machine, "errors.md": errors, "defects.md": defects}


def main(mode: str) -> int:
    stale = []
    for name, lines in PAGES.items():
        text = "\n".join(lines()) + "\n"
        page = DOCS / name
        if not page.is_file() or page.read_text(encoding="utf-8") != text:
            stale.append(name)
            if mode == "make":
                page.write_text(text, encoding="utf-8")
    for name in stale:
        print(f"docs/{name}: {'written' if mode == 'make' else 'is not what the code says; run make docs'}")
    return 1 if stale and mode == "check" else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
