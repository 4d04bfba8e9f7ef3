"""What every command speaks through: the reader's language, a console that aligns wide characters, or plain JSON."""

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import typer
from rich.console import Console
from rich.table import Table

from gateway.domain.errors import GatewayError
from gateway.words.catalogue import Words
from gateway.words.language import choose_language
from gateway.words.templates import mark

EXIT_FAILED = 1
EXIT_REFUSED = 2

PIPE_WIDTH = 140
"""Columns where there is no terminal: a file or a pager has room."""

CONFIG_VARIABLE = "CASEFERRY_CONFIG"
DEFAULT_CONFIG = Path("/etc/caseferry")


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
        out = Console(highlight=False, soft_wrap=False, width=width)
        return cls(words, out, Console(stderr=True, highlight=False, soft_wrap=True), as_json)

    def say(self, original: str, **facts: object) -> None:
        """Print one translated text; not for machines."""
        if not self.as_json:
            self.out.print(self.words.text(original, **facts), markup=False, soft_wrap=True)

    def emit(self, value: Mapping[str, object]) -> None:
        """Print one JSON object."""
        sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")

    def show(self, table: Table) -> None:
        """Print a table."""
        self.out.print(table)

    def fail(self, error: GatewayError, code: int = EXIT_FAILED) -> NoReturn:
        """Say what happened, why and what to do, and end with exit code `code`."""
        explained = self.words.error(error)
        if self.as_json:
            self.emit({"error": {"code": error.code, "what": explained.what, "why": explained.why, "do": explained.do}})
        else:
            self.err.print(self.words.text(mark("Error {code}"), code=error.code), style="bold red", markup=False)
            for part in (explained.what, explained.why, explained.do):
                if part:
                    self.err.print(part, markup=False)
            if error.detail:
                self.err.print(error.detail, style="dim", markup=False)
        raise typer.Exit(code)


def config_folder(option: Path | None) -> Path:
    """Return the configuration folder: the option, else $CASEFERRY_CONFIG, else /etc/caseferry."""
    return option or Path(os.environ.get(CONFIG_VARIABLE, DEFAULT_CONFIG))
