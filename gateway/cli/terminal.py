"""What every command speaks through: the reader's language, a console that aligns wide characters, or plain JSON."""

import json
import os
import sys
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NoReturn

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from gateway.domain.errors import GatewayError
from gateway.words.catalogue import Words
from gateway.words.language import choose_language
from gateway.words.templates import mark

EXIT_FAILED = 1
EXIT_REFUSED = 2

PIPE_WIDTH = 200
"""Columns where there is no terminal: a file or a pager has room."""

CASE_NUMBER_WIDTH = 23
"""Characters of a police case number (GA/T 2000): what an operator reads first stays in one piece."""

CONFIG_VARIABLE = "CASEFERRY_CONFIG"
DEFAULT_CONFIG = Path("/etc/caseferry")

NARROW = 130
"""Columns below which a table with everything would break every word."""

_UNSHOWN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Categories of characters that move the cursor, turn the direction of the text, or cannot be written at all."""


@dataclass(frozen=True, slots=True)
class Terminal:
    """One command's ears and mouth. `as_json`: print values for machines, and nothing else on standard output."""

    words: Words
    out: Console
    err: Console
    as_json: bool = False

    @classmethod
    def open(cls, language: str | None = None, *, as_json: bool = False) -> "Terminal":
        """Return the terminal in the language of `language`, or of the locale."""
        words = Words(choose_language(language, os.environ))
        width = None if sys.stdout.isatty() else PIPE_WIDTH
        # No markup: names of exports come from elsewhere and may hold brackets.
        out = Console(highlight=False, soft_wrap=False, width=width, markup=False, emoji=False)
        err = Console(stderr=True, highlight=False, soft_wrap=True, markup=False, emoji=False)
        return cls(words, out, err, as_json)

    def speaking(self, language: str | None) -> "Terminal":
        """Return this terminal in the language that a node's settings choose; `auto` keeps that of the locale."""
        return replace(self, words=Words(choose_language(language, os.environ)))

    def say(self, original: str, **facts: object) -> None:
        """Print one translated text; not for machines."""
        self.line(self.words.text(original, **facts))

    def line(self, text: str = "", style: str | None = None) -> None:
        """Print a text that is already in the reader's language; not for machines."""
        if not self.as_json:
            self.out.print(visible(text), markup=False, soft_wrap=True, style=style)

    def warn(self, original: str, **facts: object) -> None:
        """Print one translated text beside the output proper, also when that is for machines."""
        self.err.print(visible(self.words.text(original, **facts)), markup=False)

    def emit(self, value: Mapping[str, object]) -> None:
        """Print one JSON object in UTF-8, whatever the locale; names that are no text show as escapes."""
        text = json.dumps(value, ensure_ascii=False, indent=2) + "\n"
        sys.stdout.flush()
        sys.stdout.buffer.write(text.encode("utf-8", "backslashreplace"))
        sys.stdout.buffer.flush()

    @property
    def is_narrow(self) -> bool:
        """Whether wide tables must do with fewer columns."""
        return self.out.width < NARROW

    def table(
        self, *columns: str, right: Sequence[int] = (), folded: Sequence[int] = (), whole: Sequence[int] = ()
    ) -> Table:
        """Return an empty table with translated `columns`; those numbered in `right` hold numbers, those in `folded`
        may break over lines, those in `whole` only beyond the length of a case number."""
        table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
        for number, column in enumerate(columns):
            table.add_column(
                column,
                justify="right" if number in right else "left",
                overflow="fold",
                min_width=CASE_NUMBER_WIDTH if number in whole else None,
                no_wrap=number not in folded,
            )
        return table

    def show(self, table: Table) -> None:
        """Print a table."""
        self.out.print(table)

    def fail(self, error: GatewayError, code: int = EXIT_FAILED) -> NoReturn:
        """Say what happened, why and what to do, and end with exit code `code`."""
        explained = self.words.error(error)
        if self.as_json:
            said = {"what": explained.what, "why": explained.why, "do": explained.do, "detail": error.detail}
            self.emit({"error": {"code": error.code, **said}})
        else:
            self.err.print(self.words.text(mark("Error {code}"), code=error.code), style="bold red", markup=False)
            for part in (explained.what, explained.why, explained.do):
                if part:
                    self.err.print(visible(part), markup=False)
            for line in self._details(error):
                self.err.print(visible(line), style="dim", markup=False)
        raise typer.Exit(code)

    def _details(self, error: GatewayError) -> list[str]:
        """Return the English detail; of a refused configuration every complaint, in the reader's language."""
        if error.code != "settings-refused":
            return [error.detail] if error.detail else []
        from gateway.settings.complaints import TEMPLATES, SettingsError

        if not isinstance(error, SettingsError):
            return [error.detail]
        return [
            f"{one.place}: {'; '.join(self.words.text(part, **one.facts) for part in TEMPLATES[one.code])}"
            for one in error.complaints
        ]


def visible(text: str) -> str:
    """Return `text` with everything replaced that could move the cursor or mislead the eye; line ends stay."""
    if text.isprintable():
        return text
    return "".join(
        char if char == "\n" or unicodedata.category(char) not in _UNSHOWN else "\N{REPLACEMENT CHARACTER}"
        for char in text
    )


def cell(value: object) -> str:
    """Return `value` as one cell of a table: on one line, nothing in it that a terminal would obey."""
    return visible("" if value is None else str(value)).replace("\n", " ")


def config_folder(option: Path | None) -> Path:
    """Return the configuration folder: the option, else $CASEFERRY_CONFIG, else /etc/caseferry."""
    return option or Path(os.environ.get(CONFIG_VARIABLE, DEFAULT_CONFIG))
