"""The folders that somebody else fills are listened to, whoever that is."""

from pathlib import Path

from gateway.compose.links import mail_folders
from gateway.settings.load import load
from tests.support.configs import LINK, NODE, config

HEAD = LINK.partition("sftp:")[0]


def heard(folder: Path) -> dict[Path, str]:
    settings = load(folder)
    return {path: str(name) for path, name in mail_folders(settings, settings.links).items()}


def test_what_people_bring_by_medium(tmp_path: Path) -> None:
    folder = config(tmp_path, link=HEAD + "transport: media\n")
    assert heard(folder) == {tmp_path / "state/media/procuratorate/in": "procuratorate"}


def test_what_guests_leave_at_an_sshd(tmp_path: Path) -> None:
    node = NODE.replace("../state\n", "../state\n  mailboxes: ../boxes\n") + "server:\n  mode: openssh\n"
    assert heard(config(tmp_path, node=node, link=HEAD + "initiate: none\n")) == {
        tmp_path / "boxes/990102/in": "procuratorate"
    }


def test_what_guests_leave_at_our_own_server_is_told_by_it(tmp_path: Path) -> None:
    assert heard(config(tmp_path, link=HEAD + "initiate: none\n")) == {}
