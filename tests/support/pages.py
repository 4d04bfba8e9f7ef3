"""Write the pages that are generated from code, or check that they are what the code says today."""

import sys
from collections.abc import Iterator
from pathlib import Path

from docs.generate_flows import pages as flows
from docs.generate_state_machine import page as state_machine
from gateway.settings.reference import pages as configuration
from gateway.words.catalogue import Words
from gateway.words.errors import ERRORS
from gateway.words.findings import FINDINGS
from gateway.words.language import CHINESE, ENGLISH
from gateway.words.templates import Table, fields
from tests.support.commands import page as commands

ROOT = Path(__file__).resolve().parents[2]


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


def pages() -> dict[str, str]:
    """Return path from the project's root -> text of every generated page."""
    return {
        "docs/state-machine.md": state_machine(),
        "docs/errors.md": "\n".join(errors()) + "\n",
        "docs/defects.md": "\n".join(defects()) + "\n",
        "docs/commands.md": commands(),
        **configuration(),
        **flows(),
    }


def main(mode: str) -> int:
    """Do `make` or `check`; return the exit code."""
    stale = 0
    for name, text in pages().items():
        page = ROOT / name
        if not page.is_file() or page.read_text(encoding="utf-8") != text:
            stale += 1
            if mode == "make":
                page.parent.mkdir(parents=True, exist_ok=True)
                page.write_text(text, encoding="utf-8")
            print(f"{name}: {'written' if mode == 'make' else 'is not what the code says; run make docs'}")
    return 1 if stale and mode == "check" else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
