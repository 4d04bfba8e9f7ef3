"""The accounts file: what is written is read back, what is not exactly right is refused whole."""

import base64
import json
from pathlib import Path

import pytest

from gateway.domain.errors import ConfigError
from gateway.domain.ids import unit_code
from gateway.transport.accounts import load_accounts, public_blob, public_line, save_accounts
from tests.support.sshkeys import key_pair

UNIT = unit_code("330102000000")


def test_accounts_come_back_as_they_were_saved(tmp_path: Path) -> None:
    path = tmp_path / "accounts.json"
    one, other = key_pair().public, key_pair().public
    save_accounts(path, {UNIT: [one, other], unit_code("999999"): []})
    assert load_accounts(path) == {UNIT: frozenset({one, other}), "999999": frozenset()}
    save_accounts(path, {})
    assert load_accounts(path) == {}
    assert [found.name for found in tmp_path.iterdir()] == ["accounts.json"]


def test_a_public_key_line_may_have_a_comment() -> None:
    blob = key_pair().public
    assert public_blob(public_line(blob)) == public_blob(public_line(blob) + " node 330102000000\n") == blob


RSA = base64.b64encode(b"\x00\x00\x00\x07ssh-rsa" + b"\x00" * 40).decode()


@pytest.mark.parametrize(
    "line",
    [
        "",
        "ssh-ed25519",
        f"ssh-rsa {RSA}",
        f"ssh-ed25519 {RSA}",
        "ssh-ed25519 !!!!",
        "ssh-ed25519 AAAA",
        "ssh-dss AAAA",
        "ssh-ed25519 密钥",
    ],
)
def test_other_keys_are_refused(line: str) -> None:
    with pytest.raises(ValueError, match="key"):
        public_blob(line)


GOOD = public_line(key_pair().public)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '{"format": 1}',
        '{"format": 2, "accounts": {}}',
        '{"format": 1, "accounts": {}, "more": 1}',
        '{"format": 1, "accounts": []}',
        json.dumps({"format": 1, "accounts": {"../etc": [GOOD]}}),
        json.dumps({"format": 1, "accounts": {"330102000000": GOOD}}),
        json.dumps({"format": 1, "accounts": {"330102000000": [1]}}),
        json.dumps({"format": 1, "accounts": {"330102000000": [GOOD, "ssh-rsa AAAA"]}}),
        "[" * 100_000,
        b"\xff\xfe\x00".decode("latin-1"),
        " " * (8 << 20) + "{}",
    ],
)
def test_a_file_that_is_not_exactly_right_is_refused_whole(tmp_path: Path, text: str) -> None:
    path = tmp_path / "accounts.json"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(ConfigError) as caught:
        load_accounts(path)
    assert caught.value.code == "accounts-malformed"


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_accounts(tmp_path)
    assert caught.value.code == "accounts-unreadable"
