"""The daemon's account of itself: read back as written, and never a reason for `status` to fail."""

from pathlib import Path

import pytest

from gateway.compose.health import (
    FILE_NAME,
    Health,
    Hearing,
    Short,
    Skewed,
    Trouble,
    Waiting,
    read_health,
    write_health,
)

FULL = Health(
    7,
    1.5,
    2222,
    (Trouble("link", "court", "link-unreachable", "refused", 3, 1.0, 2.0),),
    (Waiting("police", "案件.zip", "FS-NO-MARKER", 1801.0),),
    ("/srv/out",),
    {"open": 1},
    Hearing(1, 2, 3, 4.5, ("/srv/denied",)),
    (Short("/spool", 1.0, 5, 2, 30),),
    (Skewed("990102", -3601.5, -3599.0, 7.0), Skewed("990103", 12.0, 1e9, 7.0)),
)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    write_health(tmp_path, FULL)
    assert read_health(tmp_path) == FULL


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"{}", b"null", b'{"pid": 1}', b'{"pid":1,"started_at":1,"port":1,"troubles":[{}]}']
)
def test_what_makes_no_sense_says_nothing(tmp_path: Path, body: bytes) -> None:
    (tmp_path / FILE_NAME).write_bytes(body)
    assert read_health(tmp_path).pid == 0


def test_nothing_says_nothing(tmp_path: Path) -> None:
    assert read_health(tmp_path) == Health()
