"""`check`: everything that is wrong at once, each with its place and what to do; warnings do not fail."""

import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.compose.health import Health
from tests.support.desk import Desk, run


@pytest.fixture
def ready(desk: Desk) -> Desk:
    """A node whose outbound folders are there and whose ledger was made."""
    with desk.ledger():
        pass
    return desk


def results(desk: Desk, *options: str) -> list[dict[str, Any]]:
    return list(desk.ask("check", *options)["results"])


def errors(desk: Desk, *options: str) -> list[tuple[str, str]]:
    return [(one["part"], one["code"]) for one in results(desk, *options) if one["grade"] == "error"]


def warnings(desk: Desk) -> list[tuple[str, str]]:
    return [(one["part"], one["code"]) for one in results(desk) if one["grade"] == "warning"]


def test_a_sound_node_passes_with_a_warning_about_its_clear_keys(ready: Desk) -> None:
    answer = ready.run("check")
    assert answer.code == 0
    assert "No errors; warnings: 2. The gateway can start." in answer.out
    assert warnings(ready) == [("keys", "keys-clear"), ("malware", "scanner-none")]
    assert ready.ask("check")["ok"] is True


def test_before_the_first_start_the_missing_ledger_is_no_error(desk: Desk) -> None:
    assert desk.run("check").code == 0
    assert ("ledger", "ledger-missing") in warnings(desk)


def test_every_complaint_about_the_configuration_comes_at_once_with_its_place(desk: Desk) -> None:
    config = desk.place.config
    (config / "gateway.yaml").write_text(
        (config / "gateway.yaml").read_text("utf-8").replace("scan_every: 200ms", "scan_evry: 200ms"), "utf-8"
    )
    link = config / "links.d" / "procuratorate.yaml"
    link.write_text(link.read_text("utf-8").replace("initiate: push", "initiate: shove"), "utf-8")
    answer = desk.run("check", "--json")
    assert answer.code == 1
    found = {one["code"]: one for one in answer.json["results"]}
    assert set(found) == {"key-misspelt", "not-one-of"}
    assert found["key-misspelt"]["subject"].startswith(f"{config / 'gateway.yaml'}:")
    assert "scan_every" in found["key-misspelt"]["do"]
    assert "shove" in desk.run("check").out


def test_no_configuration_at_all_is_said(tmp_path: Path) -> None:
    answer = run("check", "--config", tmp_path, "--json")
    assert answer.code == 1
    assert [one["code"] for one in answer.json["results"]] == ["file-missing"]


def open_keys(desk: Desk) -> None:
    (desk.settings.paths.keys / "node.cfkeys").chmod(0o644)


def lose_keys(desk: Desk) -> None:
    (desk.settings.paths.keys / "node.cfkeys").unlink()


def lose_peer(desk: Desk) -> None:
    for path in desk.settings.paths.peers.glob("*.cfpeer"):
        path.unlink()


def revoke_peer(desk: Desk) -> None:
    desk.run("peer", "remove", "990102")


def lose_folder(desk: Desk) -> None:
    (desk.place.out / "police").rmdir()


def unmount_folder(desk: Desk) -> None:
    routes = desk.place.config / "routes.d" / "police.yaml"
    text = routes.read_text("utf-8").replace("    packer: police\n", "    packer: police\n    sentinel: mounted.txt\n")
    routes.write_text(text, "utf-8")


def spoil_ledger(desk: Desk) -> None:
    desk.settings.ledger_path.write_bytes(b"no database at all, but long enough to be one" * 100)


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (open_keys, ("keys", "keys-exposed")),
        (lose_keys, ("keys", "keys-missing")),
        (lose_peer, ("peers", "peer-unknown")),
        (revoke_peer, ("peers", "peer-revoked")),
        (lose_folder, ("folders", "folder-missing")),
        (unmount_folder, ("folders", "mount-missing")),
        (spoil_ledger, ("ledger", "ledger-damaged")),
    ],
)
def test_each_fault_has_its_code_and_what_to_do(
    ready: Desk, spoil: Callable[[Desk], None], expected: tuple[str, str]
) -> None:
    spoil(ready)
    assert errors(ready) == [expected]
    answer = ready.run("check")
    assert answer.code == 1
    assert expected[1] in answer.out


def test_several_faults_come_together(ready: Desk) -> None:
    lose_keys(ready)
    lose_peer(ready)
    lose_folder(ready)
    assert [part for part, _ in errors(ready)] == ["keys", "peers", "folders"]


def test_a_port_in_use_is_an_error_unless_it_is_the_daemon(ready: Desk) -> None:
    with socket.create_server(("127.0.0.1", ready.settings.server.port)):
        assert errors(ready) == [("server", "port-taken")]
        with ready.as_if_running(Health(os.getpid(), 1.0, ready.settings.server.port)):
            assert errors(ready) == []


def test_a_full_disk_is_a_warning(ready: Desk) -> None:
    config = ready.place.config / "gateway.yaml"
    config.write_text(config.read_text("utf-8").replace("free_space: 64 MiB", "free_space: 1 TiB"), "utf-8")
    assert ("space", "disk-space-low") in warnings(ready)
    assert ready.run("check").code == 0


def test_links_are_tried_only_when_asked(ready: Desk) -> None:
    assert [one for one in results(ready) if one["part"] == "links"] == []
    assert errors(ready, "--links") == [("links", "link-unreachable")]


def test_a_link_that_asks_for_a_program_that_is_not_there(ready: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    link = ready.place.config / "links.d" / "procuratorate.yaml"
    link.write_text(link.read_text("utf-8").replace("sftp:\n", "sftp:\n  engine: openssh\n"), "utf-8")
    monkeypatch.setenv("PATH", "/nowhere")
    assert errors(ready, "--links") == [("links", "ssh-missing")]


def test_a_passphrase_that_nobody_can_type_is_said(desk: Desk, tmp_path: Path) -> None:
    keys = desk.settings.paths.keys / "node.cfkeys"
    keys.unlink()
    secret = tmp_path / "secret"
    secret.write_bytes(b"correct horse battery staple\n")
    secret.chmod(0o600)
    from gateway.domain.clock import SystemClock
    from gateway.keyring.keyring import Keyring

    Keyring.create(desk.settings.paths.keys, b"correct horse battery staple", now=SystemClock().now())
    assert errors(desk) == [("keys", "passphrase-missing")]
    answer = desk.run("check", "--json", env={"CASEFERRY_PASSPHRASE_FILE": str(secret)})
    assert answer.code == 0
    assert [one["code"] for one in answer.json["results"] if one["part"] == "keys"] == [""]


def test_check_makes_and_changes_nothing(desk: Desk) -> None:
    before = sorted(str(path) for path in desk.place.root.rglob("*"))
    desk.run("check", "--links")
    assert sorted(str(path) for path in desk.place.root.rglob("*")) == before
