"""What the long run makes of a session's log and of what lies in the folders afterwards."""

from pathlib import Path

import pytest

from tests.fuzz.__main__ import Outcome, coverage, executions, over
from tests.fuzz.catalogue import TARGETS
from tests.fuzz.shapes import dictionary
from tests.fuzz.target import Target

LOG = """\
#3	INITED cov: 70 ft: 118 corp: 2/912b exec/s: 0 rss: 88Mb
#276103	DONE   cov: 91 ft: 379 corp: 182/36Kb lim: 1537 exec/s: 30678 rss: 88Mb
Done 276103 runs in 9 second(s)
stat::number_of_executed_units: 276103
"""


def test_the_log_says_how_much_was_tried_and_reached() -> None:
    assert (executions(LOG), coverage(LOG)) == (276_103, (118, 379))


def test_a_session_that_was_killed_still_counts() -> None:
    cut = "".join(LOG.splitlines(keepends=True)[:2])
    assert executions(cut) == 276_103
    assert (executions(""), coverage("")) == (0, (0, 0))


@pytest.mark.parametrize(
    ("crashes", "ended", "is_sound"), [((), "", True), ((Path("x"),), "", False), ((), "1", False)]
)
def test_a_crash_or_an_early_end_fails_the_run(crashes: tuple[Path, ...], ended: str, is_sound: bool) -> None:
    assert Outcome("zip", 1, 1.0, (0, 0), 0, crashes, ended).is_sound is is_sound


def _hold() -> None:
    bytearray(64 << 20)


def test_a_new_input_that_breaks_a_bound_is_kept_as_a_crash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    greedy = Target("mark", lambda data: None if data != b"bad" else _hold(), dict)
    monkeypatch.setattr("tests.fuzz.__main__.TARGETS", dict(TARGETS) | {"mark": greedy})
    monkeypatch.setattr("tests.fuzz.__main__.ROOT", tmp_path)
    for name in ("good", "bad"):
        (tmp_path / name).write_bytes(name.encode())
    assert over("mark", tmp_path / "good", tmp_path) is None
    kept = over("mark", tmp_path / "bad", tmp_path)
    assert kept is not None
    assert kept.read_bytes() == b"bad"


def test_words_are_spelt_for_the_fuzzer() -> None:
    assert dictionary([b'a"', b"\xff\n"]) == '"\\x61\\x22"\n"\\xff\\x0a"\n'
