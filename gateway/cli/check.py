"""`caseferry check`: everything that is wrong with this node, at once, each with what to do."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import typer

from gateway.cli.terminal import EXIT_FAILED, Terminal, cell
from gateway.compose.check import Grade, Means, Part, Result, check_node
from gateway.domain.clock import Clock
from gateway.settings.complaints import TEMPLATES
from gateway.words.catalogue import Explained, Words
from gateway.words.templates import mark

_PARTS = (
    (Part.SETTINGS, mark("configuration")),
    (Part.KEYS, mark("keys")),
    (Part.PEERS, mark("peers")),
    (Part.ROSTER, mark("roster")),
    (Part.FOLDERS, mark("folders")),
    (Part.LEDGER, mark("ledger")),
    (Part.PACKERS, mark("packers")),
    (Part.SPACE, mark("disk space")),
    (Part.SERVER, mark("SFTP server")),
    (Part.LINKS, mark("links")),
    (Part.GRANTS, mark("grants")),
    (Part.MALWARE, mark("virus scanner")),
)
_GRADES = ((Grade.OK, mark("ok")), (Grade.WARNING, mark("warning")), (Grade.ERROR, mark("error")))


def check(terminal: Terminal, config: Path, clock: Clock, *, links: bool) -> int:
    """Look at everything a start needs and return 0, or 1 if something keeps it from working; warnings are allowed."""
    prompt = terminal.words.text(mark("Passphrase of the key file"))
    asked = (lambda: typer.prompt(prompt, hide_input=True, err=True)) if sys.stdin.isatty() else None
    found = check_node(config, Means(os.environ, clock, asked, probe_links=links))
    is_sound = all(one.grade is not Grade.ERROR for one in found)
    if terminal.as_json:
        terminal.emit({"ok": is_sound, "results": [_json(one, terminal.words) for one in found]})
    else:
        _print(terminal, found)
    return 0 if is_sound else EXIT_FAILED


def _json(one: Result, words: Words) -> dict[str, object]:
    explained = _explained(one, words)
    return {
        "part": one.part,
        "grade": one.grade,
        "subject": one.subject,
        "code": _code(one),
        "what": explained.what,
        "why": explained.why,
        "do": explained.do,
        "detail": one.error.detail if one.error is not None else "",
    }


def _code(one: Result) -> str:
    if one.complaint is not None:
        return one.complaint.code
    return one.error.code if one.error is not None else ""


def _explained(one: Result, words: Words) -> Explained:
    if one.complaint is not None:
        what, do = (words.text(part, **one.complaint.facts) for part in TEMPLATES[one.complaint.code])
        return Explained(what, "", do)
    return words.error(one.error) if one.error is not None else Explained("", "", "")


def _print(terminal: Terminal, found: Sequence[Result]) -> None:
    words = terminal.words
    parts, grades = dict(_PARTS), dict(_GRADES)
    for one in found:
        grade, part = words.text(grades[one.grade]), words.text(parts[one.part])
        code = f"  {_code(one)}" if _code(one) else ""
        style = {Grade.OK: None, Grade.WARNING: "yellow", Grade.ERROR: "bold red"}[one.grade]
        terminal.line(f"[{grade}] {part}: {cell(one.subject)}{code}", style=style)
        explained = _explained(one, words)
        detail = one.error.detail if one.error is not None else ""
        for text in (explained.what, explained.why, explained.do, detail if one.grade is Grade.ERROR else ""):
            if text:
                terminal.line(f"    {text}")
    errors = sum(one.grade is Grade.ERROR for one in found)
    warnings = sum(one.grade is Grade.WARNING for one in found)
    if errors:
        terminal.say(mark("Errors: {errors}; warnings: {warnings}."), errors=errors, warnings=warnings)
    elif warnings:
        terminal.say(mark("No errors; warnings: {warnings}. The gateway can start."), warnings=warnings)
    else:
        terminal.say(mark("All in order: the gateway can start."))
