"""Feedback: the same content for machines and people, under the export's own name, readable on old Windows machines."""

import base64
import errno
import json
import os
import stat
from pathlib import Path

import pytest

from gateway.domain.errors import PermanentError, Scope, TransientError
from gateway.folders.feedback import AckLine, Acknowledgement, Feedback, FeedbackDesk, FeedbackLine
from tests.support import calls
from tests.support.calls import Call
from tests.support.crashing import dies_at, interrupted

LINE = FeedbackLine(
    code="FS-ZERO-BYTE",
    verdict="reject",
    text="案卷.zip 为 0 字节, 未收取。常见原因: 导出盘满或杀毒拦截。",
    file="案件信息.xml",
    line=3,
    column=7,
    field="证件号码 SFHM",
    value="320*************18",
    expected="18 位",
    mender="办案人",
)
FEEDBACK = Feedback(
    export="案卷.zip",
    verdict="reject",
    at="2026-03-01T08:00:00+08:00",
    heading="本包已退回, 原件在 reject/。",
    lines=(LINE, FeedbackLine("ZIP-CRC", "reject", "䶮某的材料校验和不符 𬱖")),
    advice="请重新导出。",
    claim="a" * 32,
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


def test_both_files_stand_beside_each_other_with_the_same_content(root: Path) -> None:
    machine, people = FeedbackDesk(root).report(FEEDBACK)
    assert (machine, people) == (root / "err" / "案卷.zip.err.json", root / "err" / "案卷.zip.err.txt")
    found = json.loads(machine.read_text("utf-8"))
    text = people.read_bytes().decode("gb18030")
    assert found["export"] == "案卷.zip"
    assert found["v"] == 1
    assert found["findings"][0]["column"] == 7
    for finding in found["findings"]:
        for value in (finding["code"], finding["verdict"], finding["text"], finding["value"], finding["expected"]):
            assert value in text
    for value in (found["heading"], found["advice"], found["at"], found["claim"], "案件信息.xml:3:7", "证件号码 SFHM"):
        assert value in text
    assert "䶮" in text
    assert "𬱖" in text
    assert "\n" not in text.replace("\r\n", "")


def test_the_encoding_is_chosen_and_what_it_lacks_is_shown_as_an_escape(root: Path) -> None:
    _, people = FeedbackDesk(root, "gbk").report(FEEDBACK)
    assert "\\U0002cc56" in people.read_bytes().decode("gbk")
    _, people = FeedbackDesk(root, "utf-8-sig").report(FEEDBACK)
    assert people.read_bytes().startswith(b"\xef\xbb\xbf")
    with pytest.raises(LookupError):
        FeedbackDesk(root, "gbk-2312-x")


def test_reports_replace_older_ones_wherever_the_writer_dies(root: Path) -> None:
    desk = FeedbackDesk(root)
    points = 0
    while dies_at(points, lambda: desk.report(FEEDBACK)):
        desk.report(FEEDBACK)
        assert {path.name for path in (root / "err").iterdir()} == {"案卷.zip.err.json", "案卷.zip.err.txt"}
        points += 1
    assert points > 6


def test_a_report_is_withdrawn_once_a_later_export_went_through(root: Path) -> None:
    desk = FeedbackDesk(root)
    desk.withdraw("案卷.zip")
    desk.report(FEEDBACK)
    desk.withdraw("案卷.zip")
    assert list((root / "err").iterdir()) == []


def test_an_export_named_in_another_encoding_gets_its_report_under_the_same_bytes(root: Path) -> None:
    raw = "案卷.zip".encode("gb18030")
    machine, _ = FeedbackDesk(root).report(Feedback(os.fsdecode(raw), "hold", "", "", ()))
    assert os.fsencode(machine.name) == raw + b".err.json"
    assert json.loads(machine.read_text("utf-8"))["export"] == "案卷.zip"


@pytest.mark.parametrize("name", ["../../etc/passwd", ".hidden", "..", "", "a\0b", "长" * 200, "x" * 300])
def test_no_name_leads_out_of_the_folder_or_is_too_long(root: Path, name: str) -> None:
    desk = FeedbackDesk(root)
    machine, people = desk.report(Feedback(name, "reject", "", "", ()))
    assert machine.parent == people.parent == root / "err"
    assert {machine, people} == set((root / "err").iterdir())
    assert not machine.name.startswith(".")
    assert desk.acknowledge([Acknowledgement(name, "", "", "", "", ())])[0].parent == root / "ack"


def test_long_names_that_begin_alike_do_not_collide(root: Path) -> None:
    desk = FeedbackDesk(root)
    first, _ = desk.report(Feedback("长" * 200 + "1", "reject", "", "", ()))
    second, _ = desk.report(Feedback("长" * 200 + "2", "reject", "", "", ()))
    assert first != second


def test_undecodable_text_inside_a_finding_never_stops_the_report(root: Path) -> None:
    line = FeedbackLine("X", "reject", os.fsdecode(b"\xff\xfe"), file=os.fsdecode(b"\xc4"))
    machine, people = FeedbackDesk(root).report(Feedback("a", "reject", "", "", (line,)))
    assert json.loads(machine.read_text("utf-8"))["findings"][0]["code"] == "X"
    assert people.read_bytes().decode("gb18030")


def test_the_folders_users_can_read_the_report(root: Path) -> None:
    root.chmod(0o770)
    machine, people = FeedbackDesk(root).report(FEEDBACK)
    assert stat.S_IMODE((root / "err").stat().st_mode) == 0o770
    assert {stat.S_IMODE(path.stat().st_mode) for path in (machine, people)} == {0o660}


def test_receipts_are_kept_verbatim_and_written_anew_as_they_come(root: Path) -> None:
    desk = FeedbackDesk(root)
    custody = AckLine("H1", "100", "已由中心保管", "2026-03-01T08:00:00+08:00", b"\x00signed")
    delivered = AckLine("P1", "110", "已送达", "2026-03-01T08:00:09+08:00", b"\x01signed")
    for lines in ((custody,), (custody, delivered), (custody, delivered)):
        (path,) = desk.acknowledge([Acknowledgement("案卷.zip", "b" * 32, "c" * 64, "A1", "arrest-request", lines)])
        found = json.loads(path.read_text("utf-8"))
        assert [base64.b64decode(one["receipt"]) for one in found["receipts"]] == [line.raw for line in lines]
        assert (found["case_no"], found["bundle_id"]) == ("A1", "b" * 32)
    assert path == root / "ack" / "案卷.zip.receipt.json"


def test_what_somebody_else_put_in_the_place_of_a_report_is_none(root: Path) -> None:
    desk = FeedbackDesk(root)
    machine, _ = desk.report(FEEDBACK)
    assert desk.told_at(FEEDBACK.export) == FEEDBACK.at
    machine.rename(root / "elsewhere")
    machine.symlink_to(root / "elsewhere")
    assert desk.told_at(FEEDBACK.export) == ""
    machine.unlink()
    os.mkfifo(machine)
    assert desk.told_at(FEEDBACK.export) == ""
    machine.unlink()
    machine.write_text("[" * 200_000)
    assert desk.told_at(FEEDBACK.export) == ""


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    folder = tmp_path / "secrets"
    folder.mkdir(0o700)
    (folder / "案卷.zip.err.json").write_bytes(b"ours")
    return folder


ACKNOWLEDGEMENT = Acknowledgement("案卷.zip", "b" * 32, "c" * 64, "A1", "arrest-request", ())


@pytest.mark.parametrize("laid", ["link", "link to nothing", "file", "pipe"])
def test_what_was_laid_in_the_place_of_our_folders_is_refused_by_name_and_left_alone(
    root: Path, secrets: Path, laid: str
) -> None:
    for name in ("err", "ack"):
        if laid == "file":
            (root / name).touch()
        elif laid == "pipe":
            os.mkfifo(root / name)
        else:
            (root / name).symlink_to(secrets if laid == "link" else secrets / "nowhere")
    desk = FeedbackDesk(root)
    for tell in (lambda: desk.report(FEEDBACK), lambda: desk.acknowledge([ACKNOWLEDGEMENT])):
        with pytest.raises(PermanentError) as caught:
            tell()
        assert (caught.value.code, caught.value.scope) == ("folder-replaced", Scope.ROUTE)
        assert Path(str(caught.value.facts["folder"])).parent == root
    assert desk.told_at("案卷.zip") == ""
    if laid == "link":
        with pytest.raises(PermanentError, match="folder-replaced"):
            desk.withdraw("案卷.zip")
    assert {path.name: path.read_bytes() for path in secrets.iterdir()} == {"案卷.zip.err.json": b"ours"}
    assert stat.S_IMODE(secrets.stat().st_mode) == 0o700
    for name in ("err", "ack"):
        (root / name).unlink()
    desk.report(FEEDBACK)
    desk.acknowledge([ACKNOWLEDGEMENT])


def test_a_link_laid_while_a_report_is_being_written_leads_nowhere(root: Path, secrets: Path) -> None:
    desk = FeedbackDesk(root)
    err, away = root / "err", root / "away"

    def exchange() -> None:
        err.rename(away)
        err.symlink_to(secrets)

    for at in range(100):
        desk.report(FEEDBACK)
        with interrupted(at, exchange) as met:
            desk.report(FEEDBACK)
        if len(met) <= at:
            break
        assert {path.name: path.read_bytes() for path in secrets.iterdir()} == {"案卷.zip.err.json": b"ours"}, met[-1]
        assert stat.S_IMODE((secrets / "案卷.zip.err.json").stat().st_mode) & 0o044 == 0o044
        err.unlink()
        away.rename(err)
    assert 6 < at < 99


def test_a_report_whose_access_cannot_be_given_leaves_nothing_open_or_lying_about(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = FeedbackDesk(root)
    desk.report(FEEDBACK)
    root.chmod(0o777)  # more than our umask leaves

    def refused(_path: object, _mode: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    opened = set(Path("/proc/self/fd").iterdir())
    monkeypatch.setattr(os, "chmod", refused)
    with pytest.raises(TransientError):
        desk.report(FEEDBACK)
    assert set(Path("/proc/self/fd").iterdir()) == opened
    assert sorted(path.name for path in (root / "err").iterdir()) == ["案卷.zip.err.json", "案卷.zip.err.txt"]


@pytest.mark.parametrize("laid", ["pipe", "link", "other name"])
def test_what_was_laid_under_a_temporary_name_is_neither_waited_for_nor_written_to(
    root: Path, secrets: Path, laid: str
) -> None:
    desk, met = FeedbackDesk(root), []

    def around(call: Call) -> object:
        if call.name == "create":
            met.append(Path(call.place))
        return call.go()

    with calls.met(around):
        desk.report(FEEDBACK)
    theirs = secrets / "案卷.zip.err.json"
    for temporary in met:
        if laid == "pipe":
            os.mkfifo(temporary)
        elif laid == "link":
            temporary.symlink_to(theirs)
        else:
            temporary.hardlink_to(theirs)
    machine, people = desk.report(FEEDBACK)
    assert theirs.read_bytes() == b"ours"
    assert sorted((root / "err").iterdir()) == sorted([machine, people])
    assert machine.stat().st_nlink == 1


def test_a_folder_in_the_place_of_a_report_stays(root: Path) -> None:
    desk = FeedbackDesk(root)
    machine, people = desk.report(FEEDBACK)
    machine.unlink()
    machine.mkdir()
    desk.withdraw(FEEDBACK.export)
    assert machine.is_dir()
    assert not people.exists()
