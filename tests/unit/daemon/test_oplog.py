"""What stands in the operations log, and what must never stand there."""

import gzip
import io
import json
import logging
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.daemon.librarylog import libraries_heard
from gateway.daemon.oplog import MAX_TEXT, OperationsLog, scrubbed, stderr_is_journal
from gateway.domain.errors import ConfigError, TransientError
from tests.unit.daemon.doubles import FakeClock, HeardLog

BIG = 1 << 30


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "caseferry.log"


@pytest.fixture
def log(path: Path) -> Iterator[OperationsLog]:
    log = OperationsLog.to_file(path, clock=FakeClock(), level="info", rotation=BIG, keep=3)
    yield log
    log.close()


def lines(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_each_event_is_one_json_line_with_its_facts(log: OperationsLog, path: Path) -> None:
    log.info("bundle-sent", transfer=7, seconds=1.5, link="hub", first=True, code=None)
    log.warn("step-failed", event="an event may be a fact too")
    log.error("held")
    log.alert("host-key-mismatch")
    assert lines(path) == [
        {
            "at": "1970-01-01T00:16:40.000Z",
            "level": "info",
            "event": "bundle-sent",
            "facts": {"transfer": 7, "seconds": 1.5, "link": "hub", "first": True, "code": None},
        },
        {
            "at": "1970-01-01T00:16:40.000Z",
            "level": "warn",
            "event": "step-failed",
            "facts": {"event": "an event may be a fact too"},
        },
        {"at": "1970-01-01T00:16:40.000Z", "level": "error", "event": "held", "facts": {}},
        {"at": "1970-01-01T00:16:40.000Z", "level": "alert", "event": "host-key-mismatch", "facts": {}},
    ]


def test_below_its_level_nothing_is_written(path: Path) -> None:
    log = OperationsLog.to_file(path, clock=FakeClock(), level="warning", rotation=BIG, keep=3)
    log.info("quiet")
    log.warn("loud")
    log.close()
    assert [line["event"] for line in lines(path)] == ["loud"]


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("link-timeout", "link-timeout"),
        ("张三", "??"),
        ("某公(刑)捕字〔2026〕1号", "??(?)???2026?1?"),
        ("id 110101199003071234 ok", "id 110*************34 ok"),
        ("11010119900307123X", "110*************3X"),
        ("110101900307123", "110**********23"),
        ("0123456789abcdef0123456789abcdef", "0123456789abcdef0123456789abcdef"),
        ("110101000000", "110101000000"),
        ("two\nlines\x1b[31m", "two?lines?[31m"),
        ("x" * (MAX_TEXT + 1), "x" * MAX_TEXT),
        (float("inf"), "inf"),
        (Path("/spool/张三"), "<PosixPath>"),
        (b"key", "<bytes>"),
        (["a"], "<list>"),
    ],
)
def test_facts_are_code_like_or_blotted_out(value: object, written: object) -> None:
    assert scrubbed(value) == written


def failing(secret: str) -> None:
    passphrase = secret
    try:
        raise KeyError(passphrase)
    except KeyError as error:
        raise ValueError(f"bad {passphrase}") from error


def test_a_bug_brings_its_places_and_causes_but_no_values(log: OperationsLog, path: Path) -> None:
    with pytest.raises(ValueError, match="bad") as raised:
        failing("opensesame")
    log.bug("worker-died", raised.value, worker="pack")
    (line,) = lines(path)
    assert (line["level"], line["event"], line["facts"]) == ("alert", "worker-died", {"worker": "pack"})
    assert line["trace"][0] == "ValueError"
    assert "caused by KeyError" in line["trace"]
    assert any(place.endswith("in failing") for place in line["trace"])
    assert "opensesame" not in path.read_text()


def test_what_speaks_of_code_is_told(log: OperationsLog, path: Path) -> None:
    log.bug("worker-died", AttributeError("no attribute 'x'"))
    assert lines(path)[0]["trace"] == ["AttributeError: no attribute 'x'"]


def test_files_are_for_the_owner_rotated_compressed_and_limited(tmp_path: Path, path: Path) -> None:
    log = OperationsLog.to_file(path, clock=FakeClock(), level="info", rotation=1000, keep=3)
    for number in range(100):
        log.info("bundle-sent", number=number)
    log.close()
    closed = sorted(file for file in tmp_path.iterdir() if file != path)
    assert len(closed) == 3
    assert all(file.name.endswith(".gz") for file in closed)
    assert {file.stat().st_mode & 0o777 for file in tmp_path.iterdir()} == {0o600}
    kept = [json.loads(line) for file in closed for line in gzip.decompress(file.read_bytes()).splitlines()]
    numbers = [line["facts"]["number"] for line in [*kept, *lines(path)]]
    assert numbers == list(range(numbers[0], 100))


def test_a_restart_goes_on_in_the_same_file(path: Path) -> None:
    for _ in range(2):
        log = OperationsLog.to_file(path, clock=FakeClock(), level="info", rotation=BIG, keep=3)
        log.info("started")
        log.close()
        log.close()
    assert len(lines(path)) == 2


def test_a_log_that_cannot_be_opened_refuses_to_start(tmp_path: Path) -> None:
    (tmp_path / "log").mkdir()
    with pytest.raises(ConfigError) as raised:
        OperationsLog.to_file(tmp_path / "log", clock=FakeClock(), level="info", rotation=BIG, keep=3)
    assert raised.value.code == "log-unwritable"


def test_two_logs_in_one_process_do_not_mix(log: OperationsLog, path: Path) -> None:
    stream = io.StringIO()
    other = OperationsLog.to_stream(stream, clock=FakeClock(), level="info", journal=False)
    other.info("theirs")
    log.info("ours")
    other.close()
    assert [line["event"] for line in lines(path)] == ["ours"]
    assert "ours" not in stream.getvalue()


def test_nothing_else_reaches_stderr(log: OperationsLog, capfd: pytest.CaptureFixture[str]) -> None:
    log.alert("host-key-mismatch")
    assert capfd.readouterr() == ("", "")


def test_many_threads_write_whole_lines(log: OperationsLog, path: Path) -> None:
    def write(number: int) -> None:
        for count in range(50):
            log.info("bundle-sent", thread=number, count=count)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(lines(path)) == 400


def test_the_journal_gets_priorities_and_no_times() -> None:
    stream = io.StringIO()
    log = OperationsLog.to_stream(stream, clock=FakeClock(), level="info", journal=True)
    log.info("bundle-sent", transfer=7, note="two words", empty="")
    log.warn("w")
    log.error("e")
    log.bug("worker-died", TypeError("x"))
    log.close()
    assert stream.getvalue().splitlines() == [
        '<6>bundle-sent transfer=7 note="two words" empty=""',
        "<4>w",
        "<3>e",
        "<1>worker-died",
        "<1>    TypeError: x",
    ]


def test_a_terminal_gets_times_and_levels() -> None:
    stream = io.StringIO()
    log = OperationsLog.to_stream(stream, clock=FakeClock(), level="info", journal=False)
    log.warn("link-down", link="hub")
    log.close()
    assert stream.getvalue() == "1970-01-01T00:16:40.000Z warn  link-down link=hub\n"


def test_the_journal_is_known_by_its_descriptor(tmp_path: Path) -> None:
    with (tmp_path / "stderr").open("w") as file:
        found = os.fstat(file.fileno())
        assert stderr_is_journal({"JOURNAL_STREAM": f"{found.st_dev}:{found.st_ino}"}, file.fileno())
        assert not stderr_is_journal({"JOURNAL_STREAM": "1:2"}, file.fileno())
        assert not stderr_is_journal({}, file.fileno())
        closed = file.fileno()
    assert not stderr_is_journal({}, closed)


class TestLibraries:
    def test_their_warnings_are_heard_their_chatter_is_not(self) -> None:
        log = HeardLog()
        library = logging.getLogger("somelibrary.part")
        with libraries_heard(log):
            library.info("chatter")
            library.warning("lost %s", "contact")
        library.warning("later")
        assert log.of("library-says") == [{"library": "somelibrary.part", "level": "warning", "text": "lost contact"}]

    def test_a_malformed_entry_harms_nobody(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(logging.getLogger(), "handlers", [])  # pytest's own would raise
        log = HeardLog()
        with libraries_heard(log):
            logging.getLogger("somelibrary").warning("%d", "no number")
        assert log.of("library-says")[0]["text"] == "malformed"


def test_errors_keep_their_code_in_the_log(log: OperationsLog, path: Path) -> None:
    log.warn("step-failed", code=TransientError("link-timeout").code)
    assert lines(path)[0]["facts"] == {"code": "link-timeout"}
