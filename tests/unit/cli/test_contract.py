"""The command line is a contract: its page says every command, its JSON has exactly the keys that are written down."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateway.bundle.inventory import sign_inventory
from gateway.bundle.keys import generate
from gateway.bundle.receipt import join_receipts
from gateway.bundle.suites import Suite
from gateway.compose.health import Health, Short, Skewed, Trouble, Waiting
from gateway.daemon.progress import FILE_NAME as PROGRESS_FILE
from gateway.domain.alerts import Alert, AlertKind, Severity
from gateway.domain.clock import SystemClock
from gateway.domain.deadlines import RunningTerm, TermKind
from gateway.domain.holdings import Got, Inventory
from gateway.domain.ids import LinkName, UnitCode, digest
from gateway.domain.lifecycle import Event
from gateway.domain.records import Facts, Offer, Stage, Step
from gateway.folders.quarantine import Quarantine, QuarantineNote
from gateway.ledger.alerts import Addressed
from gateway.ledger.term_cases import Case
from tests.support import filling, sealing
from tests.support.answers import comes, goes, reply, request
from tests.support.commands import commands, page
from tests.support.desk import LINK, PEER, Desk, run
from tests.support.listing import trust_roster
from tests.support.rosters import Authority, install, invented, roster_of
from tests.support.shapes import SHAPES, paths

DECISIONS = ("recheck", "release", "reject", "close")
ROOT = Path(__file__).parents[3]
NOW = SystemClock().now()
ALERT = Alert(NOW, AlertKind.OPERATION, Severity.CRITICAL, "space-low", "space-low", {"code": "disk-space-low"})
READS = (
    "status",
    "log",
    "explain",
    "streams",
    "inspect",
    "route explain",
    "flows list",
    "flows show",
    "flows check",
    "open",
    "verify",
    "check",
    "quarantine list",
    "quarantine show",
    "decisions",
    "peer list",
    "peer card",
    "roster show",
    "roster verify",
    "roster diff",
    "replies",
    "deadlines",
    "alerts list",
    "stats",
    "source list",
    "source show",
    "grants",
)


def keys(*answers: object) -> set[str]:
    return {path for answer in answers for path in paths(answer)}


def test_the_page_is_what_the_program_says() -> None:
    assert (ROOT / "docs" / "commands.md").read_text("utf-8") == page()


def test_every_read_command_has_json_and_its_keys_are_written_down() -> None:
    for name in READS:
        assert any("--json" in parameter.opts for parameter in commands()[name].params), name
        assert name in SHAPES


def test_every_command_is_explained_in_both_languages() -> None:
    for name, command in commands().items():
        assert command.help, name
        assert not command.help.isascii(), name


@pytest.fixture
def full(desk: Desk) -> Iterable[Any]:
    """What `status` says of a node to which everything happened."""
    authority = Authority()
    install(desk.state, authority.issue(roster_of(invented("990102"))), authority)
    with desk.ledger() as ledger:
        moving = filling.sealed(ledger, 1)
        filling.held(ledger, 2)
        filling.failing(ledger, 3)
        asked = goes(ledger, 21, request("张三", "李四"), to=PEER)
        comes(ledger, 22, reply("张三"), of=PEER)
        term = RunningTerm(asked.id, "arrest-request", "arrest-detained", 0, TermKind.REPLY, False, PEER, "A1", "张*")
        near = replace(term, started_at=NOW, amber_at=NOW, red_at=NOW, due_at=NOW + 9, overdue_at=NOW + 9)
        ledger.terms.keep([(Case(frozenset({asked.id}), ()), (near,))], NOW, reader="test", event=0)
        ledger.alerts.record([Addressed(ALERT, {"desk": NOW})])
    trouble = Trouble("link", LINK, "link-unreachable", "", 1, NOW, NOW + 9)
    folder = Trouble("route", "police", "folder-missing", "", 1, NOW, NOW + 9)
    waiting = Waiting("police", "a.zip", "FS-NO-MARKER", 7200.0)
    space, clock = Short("/spool", NOW, 5, 2, 30), Skewed(PEER, 3600.0, 3601.0, NOW)
    health = Health(os.getpid(), NOW, 22, (trouble, folder), (waiting,), space=(space,), clocks=(clock,))
    with desk.as_if_running(health):
        one = {"transfer": moving.id, "stage": "send", "done": 1, "total": 2, "seconds": 1, "rate": 1, "paused": False}
        board = {"v": 1, "pid": os.getpid(), "written_at": NOW, "transfers": [one]}
        (desk.state / PROGRESS_FILE).write_text(json.dumps(board), "utf-8")
        yield desk


def test_status(full: Desk) -> None:
    assert keys(full.ask("status")) == set(SHAPES["status"])


def test_log_and_explain(full: Desk) -> None:
    with full.ledger() as ledger:
        filling.repeated(ledger, filling.delivered(ledger, 9), 10)
    assert keys(full.ask("log"), full.ask("log", "--case", "A1")) == set(SHAPES["log"])
    told = keys(full.ask("explain", filling.CASE), full.ask("explain", "A1"))
    prefix = "stories[].outlook.progress."
    beneath = {path.removeprefix(prefix) for path in told if path.startswith(prefix)}
    assert beneath == {"stage", "done", "total", "percent", "rate", "seconds", "paused"}
    assert {path for path in told if not path.startswith(prefix)} == set(SHAPES["explain"])


def test_what_is_open_and_what_runs_out(full: Desk) -> None:
    assert keys(full.ask("replies")) == set(SHAPES["replies"])
    assert keys(full.ask("deadlines")) == set(SHAPES["deadlines"])


def test_alerts(full: Desk) -> None:
    gateway = full.place.config / "gateway.yaml"
    sink = f"alerts:\n  sinks:\n    - name: desk\n      file:\n        path: {full.state}/alerts.jsonl\n"
    gateway.write_text(gateway.read_text("utf-8") + sink, "utf-8")
    assert keys(full.ask("alerts", "list")) == set(SHAPES["alerts list"])


def test_inspect(desk: Desk) -> None:
    sample = ROOT / "samples" / "defects" / "25_id_checksum.zip"
    alone = run("inspect", sample, "--json", "--config", ROOT / "samples").json
    (routes,) = (desk.place.config / "routes.d").glob("*.yaml")
    text = routes.read_text("utf-8")
    assert "packer: police\n" in text
    routes.write_text(text.replace("packer: police\n", 'packer: police\n    profile: {"*": masked}\n'), "utf-8")
    honest = desk.ask("inspect", next((ROOT / "samples" / "police").glob("TQPZDB*0012*.zip")), "--route", "police")
    assert keys(alone, honest) == set(SHAPES["inspect"])


def test_route_explain(desk: Desk) -> None:
    trust_roster(desk, invented("990102", "procuratorate"), invented("990103", "court"))
    asked = ("route", "explain", "arrest-request", desk.place.unit)
    said = [desk.ask(*asked, to, "--route", "police") for to in ("990102", "990103")]
    assert keys(*said) == set(SHAPES["route explain"])


def test_open_and_verify(desks: tuple[Desk, Desk], tmp_path: Path) -> None:
    police, procuratorate = desks
    bundle = tmp_path / "one.cfb"
    sealed = sealing.seal(police, procuratorate, bundle)
    assert keys(procuratorate.ask("open", bundle, "--into", tmp_path / "out")) == set(SHAPES["open"])
    receipts = tmp_path / "one.cfr"
    raw = sealing.receipt(procuratorate, sealed, origin=police)
    receipts.write_bytes(join_receipts([raw]))
    told = keys(
        procuratorate.ask("verify", bundle),
        police.ask("verify", bundle),
        police.ask("verify", receipts),
        procuratorate.ask("verify", receipts),
    )
    assert told == set(SHAPES["verify"])


def test_check(desk: Desk) -> None:
    assert keys(desk.ask("check")) == set(SHAPES["check"])


def test_quarantine_list(desk: Desk, tmp_path: Path) -> None:
    suspect = tmp_path / "suspect"
    suspect.write_bytes(b"what is this")
    note = QuarantineNote("a.cfb", LinkName(LINK), "bad-signature", NOW, 12, digest("0" * 64))
    Quarantine(desk.settings.paths.quarantine).take(suspect, note)
    with desk.ledger():
        pass
    before = desk.ask("quarantine", "list")["quarantine"][0]
    assert (before["decision"], before["decided_at"]) == (None, None)
    shown = desk.ask("quarantine", "show", before["id"])
    assert shown["commands"] == [f"caseferry quarantine close {before['id'][:8]} --why ..."]
    closed = desk.ask("quarantine", "close", before["id"][:6], "--why", "not theirs")
    assert keys(closed) == set(SHAPES["quarantine close"])
    assert keys(desk.ask("quarantine", "list")) == set(SHAPES["quarantine list"])
    out = desk.run("quarantine", "list").out
    assert "bad-signature" in out
    assert "what is this" not in out


def test_quarantine_show_and_what_is_decided(desks: tuple[Desk, Desk], tmp_path: Path) -> None:
    police, procuratorate = desks
    sealed = sealing.seal(police, procuratorate, tmp_path / "bundle")
    receipts = join_receipts([sealing.receipt(procuratorate, sealed, origin=police)])
    (tmp_path / "receipts").write_bytes(receipts)
    quarantine = Quarantine(procuratorate.settings.paths.quarantine)
    ids = {}
    for kind, name in (("bundle", f"{sealed.bundle_id}.cfb"), ("receipts", f"{'1' * 32}.cfr")):
        path = tmp_path / kind
        sha256 = digest(hashlib.sha256(path.read_bytes()).hexdigest())
        note = QuarantineNote(name, LinkName("police"), "expired", NOW, path.stat().st_size, sha256)
        ids[kind] = quarantine.take(path, note)
    with procuratorate.ledger() as ledger:
        offered = ledger.offered([Offer(LinkName("police"), sealed.bundle_id, 1)])[0]
        facts = Facts(origin=police.settings.node.unit, header_hash=sealed.header_hash, epoch=1, note="expired")
        ledger.advance(Step(offered, Event.QUARANTINED, Stage.OPEN, facts))
    shown = procuratorate.ask("quarantine", "show", ids["bundle"])
    assert [command.split()[2] for command in shown["commands"]] == ["recheck", "release", "reject", "close"]
    assert (shown["bundle"]["signer"], shown["bundle"]["genuine"]) == (police.settings.node.unit, True)
    assert shown["transfers"][0]["id"] == offered.id
    out = procuratorate.run("quarantine", "show", ids["bundle"][:6]).out
    assert sealed.bundle_id in out
    assert "caseferry quarantine reject" in out
    other = procuratorate.ask("quarantine", "show", ids["receipts"])
    assert other["receipts"][0]["bundle_id"] == sealed.bundle_id
    for action in ("recheck", "release", "reject"):
        answer = procuratorate.ask("quarantine", action, ids["bundle"], "--why", "因故")
        assert keys(answer) == set(SHAPES[f"quarantine {action}"])
        assert (answer["decision"]["why"], answer["decision"]["done_at"]) == ("因故", None)
        again = procuratorate.ask("quarantine", action, ids["bundle"], "--why", "x")
        assert again["error"]["code"] == "decision-pending"
        with procuratorate.ledger() as ledger:
            for decision in ledger.decisions.undone(9):
                ledger.decisions.decided(decision)
    full = procuratorate.ask("quarantine", "show", ids["bundle"])
    beneath = ("bundle.error.", "receipts[].")
    assert {path for path in keys(full, other) if not path.startswith(beneath)} == {
        path for path in SHAPES["quarantine show"] if not path.startswith(beneath)
    }
    assert "因故" in procuratorate.run("decisions").out
    assert [one["action"] for one in procuratorate.ask("decisions", "--limit", 2)["decisions"]] == ["reject", "release"]
    assert procuratorate.ask("decisions", "--since", "2030-01-01")["decisions"] == []


def test_what_a_person_does(desk: Desk) -> None:
    with desk.ledger() as ledger:
        transfer = filling.failing(ledger)
    by_link = desk.ask("retry", "--link", LINK, "--why", "mended")
    assert keys(desk.ask("retry", transfer.id), by_link) == set(SHAPES["retry"])
    assert keys(desk.ask("decisions")) == set(SHAPES["decisions"])
    for name in ("hold", "release", "close"):
        assert keys(desk.ask(name, transfer.id, "--why", "x")) == set(SHAPES[name])


def test_against_loss(desk: Desk, tmp_path: Path) -> None:
    with desk.ledger() as ledger:
        filling.sealed(ledger, 1)
        filling.verified(ledger, 2, sequence=3)
        got = (Got(7, 3, ((1, 2),)),)
        theirs = Inventory(UnitCode("990102"), desk.place.unit, 1, 7, "0" * 32, b"x", False, "", (), (), got, ())
        raw = sign_inventory(theirs, generate(Suite.CLASSIC))
        ledger.resync.hear(theirs, raw, "0" * 32, [], links=[LINK])
    assert keys(desk.ask("streams")) == set(SHAPES["streams"])
    assert "990102" in desk.run("streams").out
    assert keys(desk.ask("resync", "990102")) == set(SHAPES["resync"])
    assert desk.run("resync", "nobody").code == desk.run("resync", "--all").code + 1 == 1
    assert keys(desk.ask("backup", tmp_path / "backup")) == set(SHAPES["backup"])
    assert keys(desk.ask("restore", tmp_path / "backup", "--why", "x")) == set(SHAPES["restore"])
    assert keys(desk.ask("epoch", "renew", "--why", "x")) == set(SHAPES["epoch renew"])


def test_trust_and_version(desk: Desk) -> None:
    for name in ("peer card", "peer list", "key rotate", "version"):
        answer = run("version", "--json").json if name == "version" else desk.ask(*name.split())
        assert keys(answer) == set(SHAPES[name]), name
    assert keys(desk.ask("peer", "remove", "990102")) == set(SHAPES["peer remove"])


def test_every_written_shape_is_tested() -> None:
    tested = {"status", "log", "explain", "inspect", "open", "verify", "check", "quarantine list"}
    tested |= {"route explain", "streams", "resync", "backup", "restore", "epoch renew"}
    tested |= {"quarantine show", "decisions", *(f"quarantine {action}" for action in DECISIONS)}
    tested |= {f"roster {name}" for name in ("show", "verify", "diff", "sign", "import")}  # test_roster.py
    tested |= {"retry", "hold", "release", "close", "peer card", "peer list", "key rotate", "version", "peer remove"}
    tested |= {f"media {name}" for name in ("export", "import", "confirm", "cancel", "lost", "list")}  # test_media.py
    tested |= {"openssh check"}  # test_openssh.py
    tested |= {"replies", "deadlines", "alerts list"}
    tested |= {"stats", "source list", "source show", "grants"}  # test_stats.py, test_grants.py
    tested |= {f"flows {name}" for name in ("list", "show", "check")}  # test_flows.py
    assert set(SHAPES) == tested


def test_status_loads_no_cryptography_and_no_packer(desk: Desk) -> None:
    """What `status` must not wait for: an operator asks it all day, on two cores and beside a busy daemon."""
    program = (
        "import sys; from gateway.cli.main import app; app(standalone_mode=False, args=sys.argv[1:]); "
        "print(sorted(n for n in ('paramiko', 'asyncssh', 'cryptography', 'lxml', 'loguru', 'apscheduler', 'watchdog')"
        " if n in sys.modules))"
    )
    command = [sys.executable, "-c", program, "status", "--config", str(desk.place.config)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[-1] == "[]", done.stderr
