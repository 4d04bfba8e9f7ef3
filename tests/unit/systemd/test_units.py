"""What systemd itself says of the files in systemd/, and that each of their lines is explained."""

import os
import re
import subprocess
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[3] / "systemd"
UNIT = FOLDER / "caseferry.service"
SSHD = FOLDER / "caseferry-sshd.service"
MOST_EXPOSURE = 2.0

pytestmark = pytest.mark.needs_systemd


def run(*command: str | Path) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "SYSTEMD_PAGER": "", "SYSTEMD_COLORS": "0", "LC_ALL": "C.UTF-8"}
    path = os.pathsep.join((environment.get("PATH", os.defpath), "/usr/sbin", "/sbin"))
    return subprocess.run(command, capture_output=True, text=True, env={**environment, "PATH": path}, check=False)


def settings(text: str) -> list[tuple[str, str]]:
    lines = [line for line in text.splitlines() if line and line[0] not in "#["]
    return [(key, value) for key, _, value in (line.partition("=") for line in lines)]


def runnable(folder: Path, text: str) -> Path:
    """The unit as it would be where the program is installed: systemd looks whether it can be executed."""
    unit = folder / UNIT.name
    unit.write_text(text.replace("/opt/caseferry/bin/caseferry", "/bin/true"))
    return unit


def test_the_unit_is_understood_without_a_complaint(tmp_path: Path) -> None:
    done = run("systemd-analyze", "verify", "--man=no", "--recursive-errors=no", runnable(tmp_path, UNIT.read_text()))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_what_is_commented_out_is_understood_too(tmp_path: Path) -> None:
    text = re.sub(r"^#(?=[A-Z][A-Za-z]+=)", "", UNIT.read_text(), flags=re.MULTILINE)
    assert ("LoadCredentialEncrypted", "passphrase:/etc/caseferry/passphrase.cred") in settings(text)
    done = run("systemd-analyze", "verify", "--man=no", "--recursive-errors=no", runnable(tmp_path, text))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_misspelt_line_would_be_noticed(tmp_path: Path) -> None:
    unit = runnable(tmp_path, UNIT.read_text() + "\n[Service]\nWatchdogSecs=1\n")
    assert "WatchdogSecs" in run("systemd-analyze", "verify", "--man=no", "--recursive-errors=no", unit).stderr


def test_its_exposure_is_small() -> None:
    done = run("systemd-analyze", "security", "--offline=true", "--no-pager", UNIT)
    found = re.search(r"Overall exposure level for caseferry\.service: ([0-9.]+)", done.stdout)
    assert found is not None, done.stdout + done.stderr
    assert float(found[1]) <= MOST_EXPOSURE


def test_the_threshold_is_kept_by_systemds_own_count() -> None:
    threshold = str(int(MOST_EXPOSURE * 10))
    assert run("systemd-analyze", "security", "--offline=true", f"--threshold={threshold}", UNIT).returncode == 0


def test_the_user_can_be_made(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    done = run("systemd-sysusers", f"--root={tmp_path}", FOLDER / "caseferry.sysusers.conf")
    assert done.returncode == 0, done.stderr
    (line,) = (line for line in (tmp_path / "etc/passwd").read_text().splitlines() if line.startswith("caseferry:"))
    assert line.split(":")[4:] == ["CaseFerry exchange gateway", "/var/lib/caseferry", "/usr/sbin/nologin"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give folders to another user")
def test_the_folders_are_made_with_their_rights(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    run("systemd-sysusers", f"--root={tmp_path}", FOLDER / "caseferry.sysusers.conf")
    done = run("systemd-tmpfiles", f"--root={tmp_path}", "--create", FOLDER / "caseferry.tmpfiles.conf")
    assert done.returncode == 0, done.stderr
    state = (tmp_path / "var/lib/caseferry").stat()
    assert state.st_mode & 0o7777 == 0o700
    assert state.st_uid != 0
    assert (tmp_path / "etc/caseferry/links.d").stat().st_mode & 0o7777 == 0o755


def with_shared_folders(folder: Path, name: str) -> Path:
    """The file with its commented-out entries made active."""
    path = folder / name
    path.write_text(re.sub(r"^#(?=[a-z] )", "", (FOLDER / name).read_text(), flags=re.MULTILINE))
    return path


def test_the_shared_group_can_be_made(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    done = run("systemd-sysusers", f"--root={tmp_path}", with_shared_folders(tmp_path, "caseferry.sysusers.conf"))
    assert done.returncode == 0, done.stderr
    groups = [line.split(":") for line in (tmp_path / "etc/group").read_text().splitlines()]
    assert [members for name, _password, _gid, members in groups if name == "exchange"] == ["caseferry"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give folders to another user")
def test_the_shared_folders_are_made_with_their_rights(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    run("systemd-sysusers", f"--root={tmp_path}", with_shared_folders(tmp_path, "caseferry.sysusers.conf"))
    lines = with_shared_folders(tmp_path, "caseferry.tmpfiles.conf")
    done = run("systemd-tmpfiles", f"--root={tmp_path}", "--create", lines)
    assert done.returncode == 0, done.stderr
    outbound = (tmp_path / "srv/exchange/out").stat()
    assert outbound.st_mode & 0o7777 == 0o2770
    assert outbound.st_gid != (tmp_path / "srv/exchange/.caseferry").stat().st_gid


@pytest.mark.needs_sshd
def test_the_unit_of_sshd_is_understood_and_confined() -> None:
    done = run("systemd-analyze", "verify", "--man=no", "--recursive-errors=no", SSHD)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    done = run("systemd-analyze", "security", "--offline=true", "--no-pager", SSHD)
    found = re.search(r"Overall exposure level for caseferry-sshd\.service: ([0-9.]+)", done.stdout)
    assert found is not None, done.stdout + done.stderr
    # It must become other users and lock them in: more than that it may not.
    assert float(found[1]) <= 5.0


@pytest.mark.parametrize("unit", [UNIT, SSHD], ids=lambda unit: unit.stem)
def test_each_line_is_explained(unit: Path) -> None:
    lines = unit.read_text().splitlines()
    unexplained = []
    explained = False
    for line in lines:
        if line.startswith("# "):
            explained = True
        elif not line or line.startswith("["):
            explained = False
        elif not explained:
            unexplained.append(line)
    assert unexplained == []


def test_the_daemon_and_the_unit_agree() -> None:
    found = dict(settings(UNIT.read_text()))
    assert found["Type"] == "notify"
    assert found["ExecReload"] == "/bin/kill -HUP $MAINPID"
    assert float(found["TimeoutStopSec"].removesuffix("s")) > 10.0
    assert float(found["WatchdogSec"].removesuffix("s")) >= 60.0
    assert found["KillMode"] == "mixed"
    assert found["OOMPolicy"] == "continue"
    assert found["User"] == "caseferry"
