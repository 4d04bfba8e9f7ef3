"""The account that the daemon gives of itself: read back as it was written, or taken for nothing."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from gateway.compose.health import FILE_NAME, Health, Trouble, Waiting, read_health, write_health

FULL = Health(
    4711,
    1_000_000.5,
    2222,
    (Trouble("link", "a", "link-timeout", "no answer", 3, 1_000.5, 1_100.0),),
    (Waiting("exports", "案件.zip", "FS-NO-MARKER", 61.0),),
    ("out",),
    {"send a": 1},
)


def test_what_was_written_is_read(tmp_path: Path) -> None:
    write_health(tmp_path, FULL)
    assert read_health(tmp_path) == FULL


def with_(**changes: object) -> str:
    return json.dumps(asdict(FULL) | changes)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "[" * 100_000,
        "{}",
        with_(pid="4711"),
        with_(pid=1.5),
        with_(started_at=float("inf")),
        with_(started_at=float("nan")),
        with_(started_at=-1),
        with_(port=10**400),
        with_(port=None),
        with_(troubles="ab"),
        with_(troubles=[asdict(FULL.troubles[0]) | {"failures": "3"}]),
        with_(troubles=[{"scope": "link"}]),
        with_(waiting=[asdict(FULL.waiting[0]) | {"export": "\ud800"}]),
        with_(waiting=7),
        with_(deaf=[1]),
        with_(deaths=["a"]),
        with_(deaths={"a": "1"}),
    ],
)
def test_what_no_daemon_wrote_is_taken_for_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE_NAME).write_text(text, encoding="utf-8")
    assert read_health(tmp_path) == Health()


def test_a_missing_account_is_taken_for_nothing(tmp_path: Path) -> None:
    assert read_health(tmp_path) == Health()
