"""What the settings say of links by media, and of OpenSSH as the server."""

from pathlib import Path

import pytest

from gateway.settings.links import TransportKind, TwoPersons
from gateway.settings.load import check, load
from tests.support.configs import LINK, NODE, config

MEDIA = LINK.partition("sftp:")[0] + "transport: media\n"


def complaints(folder: Path) -> list[str]:
    return [one.code for one in check(folder).complaints]


def test_a_link_by_media_needs_no_more(tmp_path: Path) -> None:
    (link,) = load(config(tmp_path, link=MEDIA)).links
    assert link.transport is TransportKind.MEDIA
    assert not link.hosts_mailbox
    assert (link.by_media.two_persons, link.by_media.confirm_within) == (TwoPersons.BOTH, 4 * 3600)


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ("sftp:\n  host: 10.0.0.2\n", "section-idle"),
        ("folder:\n  deposit: ../a\n  collect: ../b\n", "section-idle"),
        ("initiate: push\n", "initiate-folder"),
    ],
)
def test_what_means_nothing_with_media_is_named(tmp_path: Path, more: str, code: str) -> None:
    assert complaints(config(tmp_path, link=MEDIA + more)) == [code]


def test_media_mean_nothing_elsewhere(tmp_path: Path) -> None:
    assert complaints(config(tmp_path, link=LINK + "media:\n  two_persons: none\n")) == ["section-idle"]


def test_root_cannot_own_what_is_in_the_state_folder(tmp_path: Path) -> None:
    node = NODE + "server:\n  mode: openssh\n"
    assert complaints(config(tmp_path, node=node)) == ["mailboxes-inside"]
    apart = node.replace("  state: ../state\n", "  state: ../state\n  mailboxes: ../mailboxes\n")
    assert complaints(config(tmp_path / "apart", node=apart)) == []
