"""Every module keeps the conventions, and every rule that says so is shown to bite."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.architecture import rules
from tests.architecture.rules import RULES, Rule

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted(path for room in ("gateway", "packers") for path in (ROOT / room).rglob("*.py"))
FILLED = [path for path in MODULES if path.name != "__init__.py"]


def label(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_modules_keep_the_conventions() -> None:
    """All in one test: each module is parsed once, and thousands of tests of a millisecond cost more than they test."""
    assert FILLED
    broken: dict[str, dict[str, list[str]]] = {}
    for path in FILLED:
        source = path.read_text(encoding="utf-8")
        for rule in RULES:
            if breaches := rule(label(path), source):
                broken.setdefault(rule.__name__, {})[label(path)] = breaches
    assert broken == {}


PLANTED = (
    (rules.opens_with_one_sentence, "gateway/x.py", "import os\n"),
    (rules.opens_with_one_sentence, "gateway/x.py", '"""no sentence"""\n'),
    (rules.opens_with_one_sentence, "gateway/x.py", '"""Does this. And that."""\n'),
    (rules.is_not_too_long, "gateway/x.py", "x = 1\n" * 401),
    (rules.imports_are_absolute_and_named, "gateway/x.py", "from . import y\n"),
    (rules.imports_are_absolute_and_named, "gateway/x.py", "from os.path import *\n"),
    (rules.keeps_no_mutable_state, "gateway/x.py", "SEEN = {}\n"),
    (rules.keeps_no_mutable_state, "gateway/x.py", "SEEN: list[int] = [1]\n"),
    (rules.keeps_no_mutable_state, "gateway/x.py", "SEEN = collections.defaultdict(int)\n"),
    (rules.keeps_no_mutable_state, "gateway/x.py", "def f():\n    global SEEN\n"),
    (rules.prints_only_in_the_command_line, "gateway/x.py", "print(1)\n"),
    (rules.takes_time_from_a_clock, "gateway/x.py", "time.time()\n"),
    (rules.takes_time_from_a_clock, "gateway/x.py", "datetime.datetime.now(tz)\n"),
    (rules.takes_time_from_a_clock, "gateway/x.py", "time.monotonic_ns()\n"),
    (rules.takes_time_from_a_clock, "gateway/x.py", "from time import monotonic\n"),
    (rules.pure_rooms_open_nothing, "gateway/bundle/x.py", "open('x')\n"),
    (rules.names_keep_to_the_glossary, "gateway/x.py", "def send_message(): ...\n"),
    (rules.names_keep_to_the_glossary, "gateway/x.py", "class LinkManager: ...\n"),
    (rules.names_keep_to_the_glossary, "gateway/x.py", "self.statuses = 1\nself.jobs = 1\n"),
    (rules.names_keep_to_the_glossary, "gateway/x.py", "def f(package: bytes): ...\n"),
    (rules.names_keep_to_the_glossary, "gateway/utils.py", ""),
    (rules.exemptions_say_what_and_why, "gateway/x.py", "x = 1  # noqa\n"),
    (rules.exemptions_say_what_and_why, "gateway/x.py", "x = 1  # noqa: S101\n"),
    (rules.exemptions_say_what_and_why, "gateway/x.py", "x = 1  # type: ignore[arg-type]\n"),
    (rules.exemptions_say_what_and_why, "gateway/x.py", "x = 1  # TO" + "DO later\n"),
    (rules.travels_by_reduce, "gateway/x.py", "class X:\n    def __getstate__(self): ...\n"),
)

ALLOWED = (
    (rules.opens_with_one_sentence, "gateway/x.py", '"""Does this, and nothing else."""\n'),
    (rules.opens_with_one_sentence, "gateway/x.py", '"""Does this and nothing\nelse.\n\nMore. And more.\n"""\n'),
    (rules.keeps_no_mutable_state, "gateway/x.py", "_T = {1: 2}\nT = MappingProxyType(_T)\nU = (1,)\n"),
    (rules.prints_only_in_the_command_line, "gateway/cli/x.py", "print(1)\n"),
    (rules.takes_time_from_a_clock, "gateway/x.py", "clock.monotonic()\ntime.gmtime(0)\n"),
    (rules.pure_rooms_open_nothing, "gateway/bundle/x.py", "member.open()\n"),
    (rules.names_keep_to_the_glossary, "gateway/x.py", "def f(package: CasePackage): ...\n"),
    (rules.exemptions_say_what_and_why, "gateway/x.py", "x = 1  # type: ignore[arg-type]  # stubs lag behind\n"),
    (rules.exemptions_say_what_and_why, "gateway/x.py", "x = 1  # noqa: BLE001 - whatever it raises is a bug\n"),
)


@pytest.mark.parametrize(("rule", "path", "source"), PLANTED)
def test_a_planted_violation_is_found(rule: Rule, path: str, source: str) -> None:
    assert rule(path, source)


@pytest.mark.parametrize(("rule", "path", "source"), ALLOWED)
def test_what_is_allowed_is_left_alone(rule: Rule, path: str, source: str) -> None:
    assert rule(path, source) == []


def test_every_rule_is_proven_by_a_planted_violation() -> None:
    assert {rule for rule, _, _ in PLANTED} == set(RULES)


def test_every_init_is_empty() -> None:
    assert [label(path) for path in MODULES if path.name == "__init__.py" and path.read_bytes()] == []


def test_exemptions_in_tests_say_what_and_why() -> None:
    paths = sorted((ROOT / "tests").rglob("*.py"))
    found = {label(path): rules.exemptions_say_what_and_why(label(path), path.read_text("utf-8")) for path in paths}
    assert {where: breaches for where, breaches in found.items() if breaches} == {}


def tracked_texts() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False).stdout.decode()
    paths = [ROOT / name for name in listed.split("\0") if name]
    if not paths:  # an unpacked release has no git
        paths = [path for room in ("gateway", "packers", "docs", "tests") for path in (ROOT / room).rglob("*")]
    return [p for p in paths if p.is_file() and b"\0" not in p.read_bytes()[:8192]]


# Spelt in pieces, so that this page does not find itself.
ELSEWHERE = re.compile(
    r"/wo"
    + r"rk/|/ro"
    + r"ot/|/ho"
    + r"me/[a-z]|/tm"
    + r"p/[a-z]|py"
    + r"pi\.org|python"
    + r"hosted|deb\.deb"
    + r"ian\."
)


def test_no_file_names_this_machine_or_a_registry() -> None:
    found = []
    for path in tracked_texts():
        for number, line in enumerate(path.read_bytes().decode("utf-8", "replace").splitlines(), 1):
            if match := ELSEWHERE.search(line):
                found.append(f"{label(path)}:{number}: {match[0]}")
    assert found == []


def headings(path: Path) -> list[int]:
    """Levels of the headings of a Markdown page, code blocks left out."""
    text = re.sub(r"^```.*?^```", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    return [len(m[1]) for m in re.finditer(r"^(#+) ", text, flags=re.MULTILINE)]


def test_both_readmes_have_the_same_shape() -> None:
    english, chinese = ROOT / "README.md", ROOT / "README.zh-CN.md"
    written = [page for page in (english, chinese) if page.is_file() and page.stat().st_size]
    # Neither is written, or both are, with the same headings in the same order.
    assert len(written) in {0, 2}, f"{written[0].name} stands alone"
    if written:
        assert headings(english) == headings(chinese)
