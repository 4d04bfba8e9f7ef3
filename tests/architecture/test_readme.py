"""What README and handbook tell people to type exists: every command, option, make target and folder."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from gateway.cli.main import app

ROOT = Path(__file__).resolve().parents[2]
ENGLISH, CHINESE = ROOT / "README.md", ROOT / "README.zh-CN.md"
PAGES = (
    ENGLISH,
    CHINESE,
    *(ROOT / "docs" / f"{name}.md" for name in ("operations", "threat-model", "systemd", "protocol", "folders")),
    *(ROOT / "docs" / f"{name}.md" for name in ("replies", "deadlines", "alerts", "masking", "malware", "statistics")),
    *(ROOT / "docs" / f"{name}.md" for name in ("drift", "case-package", "packers", "flows/reading", "flows/changing")),
    *(ROOT / "docs" / f"{name}.md" for name in ("routing", "links", "media", "reconciliation", "simulation", "relay")),
)
TO_TYPE = re.compile(
    r"`([^`\n]*\bcaseferry [^`\n]+)`|^( *(?:sudo -u caseferry )?(?:/\S+/)?caseferry .+)$", re.MULTILINE
)
SYSTEMD = frozenset({"systemctl", "journalctl", "systemd-analyze"})
"""To these, `caseferry` is the name of the service."""
SHELL_BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def label(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def blocks(page: Path) -> list[str]:
    """Return the shell blocks of a page, in order."""
    return SHELL_BLOCK.findall(page.read_text(encoding="utf-8"))


def told(page: Path) -> Iterator[list[str]]:
    """Yield the words after `caseferry` of every command that a page shows."""
    for inline, line in TO_TYPE.findall(page.read_text(encoding="utf-8")):
        if (inline or line).split()[0] in SYSTEMD:
            continue
        text = (inline or line).split("caseferry ")[-1]
        # Up to what the shell takes for itself.
        yield shlex.split(re.split(r"\s[|&;]|&&", text)[0].replace("...", ""), comments=True)


def complaint(words: list[str]) -> str:
    """Return what is wrong with a command line; empty if the program has the command and all of its options."""
    command: Any = typer.main.get_command(app)
    rest = list(words)
    while getattr(command, "commands", None) is not None and rest:
        name = rest.pop(0).rstrip(",.")
        if name not in command.commands:
            return f"there is no command {name!r} in {words}"
        command = command.commands[name]
    options = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    unknown = [word for word in rest if re.fullmatch(r"--?[a-z][a-z-]*", word) and word not in options | {"--help"}]
    return f"{words}: no option {unknown}" if unknown else ""


@pytest.mark.parametrize("page", PAGES, ids=label)
def test_every_command_that_is_told_exists(page: Path) -> None:
    commands = [[re.sub(r"[\[\]]", "", word) for word in words] for words in told(page)]
    assert [wrong for words in commands if words and (wrong := complaint(words))] == []


def test_the_readme_tells_enough_to_be_worth_checking() -> None:
    names = {words[0] for words in told(ENGLISH)}
    assert {"init", "peer", "check", "run", "status", "log", "explain", "inspect", "open", "verify"} <= names


@pytest.mark.parametrize("words", [["fly"], ["peer", "trust"], ["status", "--color"], ["log", "--cases", "A1"]])
def test_a_command_that_does_not_exist_is_found(words: list[str]) -> None:
    assert complaint(words)


def test_every_make_target_that_is_told_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):.*## ", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for page in (ENGLISH, CHINESE, ROOT / "docs" / "README.md"):
        told_targets = set(re.findall(r"(?:`|^ {4})make ([a-z]+)", page.read_text(encoding="utf-8"), re.MULTILINE))
        assert told_targets, label(page)
        assert told_targets <= targets, label(page)


def test_both_readmes_tell_the_same_commands() -> None:
    assert blocks(ENGLISH) == blocks(CHINESE)
    assert len(blocks(ENGLISH)) == 11


@pytest.mark.parametrize("page", [ENGLISH, CHINESE], ids=label)
def test_the_map_names_what_is_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    drawn = text[text.index("    gateway/ ") :].split("\n\n")[0].splitlines()
    top = [line.split()[0] for line in drawn if re.match(r" {4}[a-z]", line)]
    inside = [
        name for line in drawn if re.match(r" {6}[a-z]", line) for name in re.findall(r"[a-z]+(?:/|\.py)(?= )", line)
    ]
    assert [name for name in top if not (ROOT / name).is_dir()] == []
    assert [name for name in inside if not (ROOT / "gateway" / name).exists()] == []
    rooms = {f"{path.name}/" for path in (ROOT / "gateway").iterdir() if (path / "__init__.py").exists()}
    assert rooms <= set(inside)
