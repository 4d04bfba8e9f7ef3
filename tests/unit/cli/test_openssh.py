"""`caseferry openssh`: what it prints is explained, names exactly the guests, and tells sshd their keys."""

import base64
import subprocess
from pathlib import Path

import pytest

from gateway.compose.guests import accounts_path, save_guests
from gateway.compose.identity import load_identity
from gateway.domain.ids import unit_code
from gateway.settings.load import NODE_FILE
from gateway.settings.writing import link_yaml
from gateway.transport import server
from gateway.transport.accounts import account_of, public_line, save_accounts, unit_of_account
from tests.support.desk import PEER, Desk, run
from tests.support.shapes import SHAPES, paths
from tests.support.sshkeys import key_pair


@pytest.fixture
def host(desk: Desk, tmp_path: Path) -> Desk:
    """A node whose one peer calls, and whose mailboxes OpenSSH serves."""
    file = desk.place.config / NODE_FILE
    text = file.read_text("utf-8").replace("server:\n", "server:\n  mode: openssh\n")
    file.write_text(text.replace("paths:\n", f"paths:\n  mailboxes: {tmp_path}/mailboxes\n"), "utf-8")
    (link,) = (desk.place.config / "links.d").iterdir()
    link.write_text(link_yaml({"name": link.stem, "peer": PEER, "initiate": "none"}), "utf-8")
    return desk


def test_the_configuration_is_explained_and_modern(host: Desk) -> None:
    text = host.run("openssh", "config").out
    explained = False
    for line in text.splitlines():
        if line.strip().startswith("#"):
            explained = True
        elif not line.strip():
            explained = False
        else:
            assert explained, line
    told = dict(line.strip().split(" ", 1) for line in text.splitlines() if line.strip() and line.strip()[0] != "#")
    assert set(told["Ciphers"].split(",")) == set(server.CIPHERS)
    assert set(told["KexAlgorithms"].split(",")) <= set(server.KEX)
    assert set(told["MACs"].split(",")) == set(server.MACS)
    assert told["ListenAddress"] == f"127.0.0.1:{host.settings.server.port}"
    assert str(accounts_path(host.settings)) in told["AuthorizedKeysCommand"]
    for word in ("posix-rename", "symlink", "hardlink", "mkdir", ",setstat", "readlink"):
        assert word not in told["ForceCommand"]


def test_accounts_and_folders_name_exactly_the_guests(host: Desk, tmp_path: Path) -> None:
    answer = host.run("openssh", "sysusers")
    account = account_of(PEER)
    assert [line.split()[1] for line in answer.out.splitlines() if line.startswith("u cf-")] == [account]
    assert f"m caseferry {account}" in answer.out
    assert f"user: {account}" in answer.err
    folders = host.run("openssh", "sysusers", "--folders").out
    assert f"d {tmp_path}/mailboxes/{PEER}/in 3730 caseferry {account} -" in folders.splitlines()


@pytest.mark.needs_systemd
def test_systemd_makes_the_accounts(host: Desk, tmp_path: Path) -> None:
    (tmp_path / "root" / "etc").mkdir(parents=True)
    lines = tmp_path / "guests.conf"
    lines.write_text("u caseferry -\n" + host.run("openssh", "sysusers").out)
    program = "systemd-sysusers"
    done = subprocess.run([program, f"--root={tmp_path}/root", lines], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    groups = (tmp_path / "root/etc/group").read_text().splitlines()
    members = {line.split(":")[0]: line.split(":")[3] for line in groups}
    assert members["caseferry-guests"] == account_of(PEER)
    assert members[account_of(PEER)] == "caseferry"


@pytest.mark.parametrize("unit", ["990102", "990102000000", "ABCD", "9A9B"])
def test_an_account_names_its_unit(unit: str) -> None:
    assert unit_of_account(account_of(unit_code(unit))) == unit
    assert unit_of_account(unit) == unit


def test_keys_are_told_by_account_and_fingerprint(tmp_path: Path) -> None:
    first, second = key_pair().public, key_pair().public
    file = tmp_path / "accounts.json"
    save_accounts(file, {unit_code("990102"): [first, second], unit_code("990103"): []}, mode=0o644)
    told = run("openssh", "keys", "cf-990102", "--accounts", file).out.splitlines()
    assert sorted(told) == sorted(f"restrict {public_line(blob)}" for blob in (first, second))
    pub = tmp_path / "key.pub"
    pub.write_text(public_line(first) + "\n")
    listed = subprocess.run(["ssh-keygen", "-l", "-f", pub], capture_output=True, text=True, check=True).stdout.split()
    assert run("openssh", "keys", "cf-990102", listed[1], "--accounts", file).out.split()[2] == (
        base64.b64encode(first).decode()
    )
    for nobody in ("cf-990103", "cf-990104", "root", "cf-../../etc", ""):
        assert run("openssh", "keys", nobody, "--accounts", file).out == ""


def test_a_broken_accounts_file_lets_nobody_in(tmp_path: Path) -> None:
    file = tmp_path / "accounts.json"
    file.write_text('{"format": 1, "accounts": {"990102": ["ssh-rsa AAAA"]}}')
    answer = run("openssh", "keys", "cf-990102", "--accounts", file)
    assert (answer.code, answer.out) == (1, "")


def test_a_node_that_was_not_prepared_says_what_to_do(host: Desk, tmp_path: Path) -> None:
    identity = load_identity(host.place.config, {})
    with pytest.raises(Exception, match="openssh-unprepared"):
        save_guests(identity.settings, identity.directory)
    accounts_path(identity.settings).parent.mkdir(parents=True)
    save_guests(identity.settings, identity.directory)
    assert accounts_path(identity.settings).stat().st_mode & 0o777 == 0o644
    assert list((tmp_path / "mailboxes").iterdir()) == [accounts_path(identity.settings).parent]


def test_check_names_what_is_missing(host: Desk) -> None:
    answer = host.run("openssh", "check", "--json")
    assert answer.code == 1
    assert set(paths(answer.json)) == SHAPES["openssh check"].keys()
    wrong = {one["subject"] for one in answer.json["results"] if one["wrong"]}
    assert {"group caseferry-guests", f"account {account_of(PEER)}"} <= wrong


def test_the_host_key_is_the_one_on_the_card(host: Desk, tmp_path: Path) -> None:
    out = tmp_path / "host_key"
    assert host.run("openssh", "hostkey", "--out", out).code == 0
    assert out.stat().st_mode & 0o777 == 0o600
    told = subprocess.run(["ssh-keygen", "-y", "-f", out], capture_output=True, text=True, check=True).stdout
    keyring = load_identity(host.place.config, {}).keyring
    assert told.split()[:2] == keyring.ssh_host.public_text.split()


def test_an_embedded_server_needs_none_of_it(desk: Desk) -> None:
    for command in ("config", "sysusers", "check"):
        answer = desk.run("openssh", command)
        assert answer.code == 1
        assert "server.mode" in answer.err
