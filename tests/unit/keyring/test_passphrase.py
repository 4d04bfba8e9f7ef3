"""The passphrase comes from a descriptor, an owner-only file or a person, and from nowhere else."""

import os
from pathlib import Path

import pytest

from gateway.domain.errors import ConfigError
from gateway.keyring.passphrase import PASSPHRASE_MAX, passphrase_source


def test_a_descriptor_is_read_to_its_end() -> None:
    reading, writing = os.pipe()
    os.write(writing, "密码短语 with spaces \n".encode())
    os.close(writing)
    assert passphrase_source({"CASEFERRY_PASSPHRASE_FD": str(reading)})() == "密码短语 with spaces ".encode()


@pytest.mark.parametrize("content", [b"a phrase", b"a phrase\n", b"a phrase\r\n"])
def test_a_file_loses_one_line_end(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "phrase"
    path.write_bytes(content)
    path.chmod(0o600)
    assert passphrase_source({"CASEFERRY_PASSPHRASE_FILE": str(path)})() == b"a phrase"


def test_a_file_open_to_others_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "phrase"
    path.write_bytes(b"a phrase")
    path.chmod(0o640)
    with pytest.raises(ConfigError, match="keys-exposed"):
        passphrase_source({"CASEFERRY_PASSPHRASE_FILE": str(path)})()


def test_a_credential_may_be_readable_by_its_group(tmp_path: Path) -> None:
    path = tmp_path / "phrase"
    path.write_bytes(b"a phrase")
    path.chmod(0o440)
    environ = {"CASEFERRY_PASSPHRASE_FILE": str(path), "CREDENTIALS_DIRECTORY": str(tmp_path)}
    assert passphrase_source(environ)() == b"a phrase"


def test_a_person_is_asked_last() -> None:
    assert passphrase_source({}, lambda: "a phrase")() == b"a phrase"


def test_nobody_to_ask_says_what_to_set() -> None:
    with pytest.raises(ConfigError, match="CASEFERRY_PASSPHRASE_FILE") as caught:
        passphrase_source({"CASEFERRY_PASSPHRASE": "in the environment"})()
    assert caught.value.code == "passphrase-missing"


@pytest.mark.parametrize("given", ["", "\n"])
def test_an_empty_answer_is_no_passphrase(given: str) -> None:
    with pytest.raises(ConfigError, match="passphrase-missing"):
        passphrase_source({}, lambda: given)()


@pytest.mark.parametrize("name", ["-1", "x", "", "99999"])
def test_a_descriptor_that_is_none_is_said(name: str) -> None:
    with pytest.raises(ConfigError, match="passphrase-missing"):
        passphrase_source({"CASEFERRY_PASSPHRASE_FD": name})()


def test_a_file_without_end_is_bounded(tmp_path: Path) -> None:
    path = tmp_path / "phrase"
    path.write_bytes(b"x" * (PASSPHRASE_MAX + 1))
    path.chmod(0o600)
    with pytest.raises(ConfigError, match="keys-malformed"):
        passphrase_source({"CASEFERRY_PASSPHRASE_FILE": str(path)})()
