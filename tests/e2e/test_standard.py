"""The exchange standard on two real daemons: a request and its decision in both agencies' formats, what the commands
say of it, what never leaves, and who is told."""

import hashlib
import hmac
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.alerts.webhook import ID_HEADER, SIGNATURE_HEADER, TIME_HEADER
from gateway.cli.demo_nodes import POLICE, PROCURATORATE, write_routes
from gateway.cli.demo_samples import parts_of
from gateway.domain.lifecycle import State
from gateway.packing import ORIGINALS
from gateway.plugins import load_packer
from gateway.settings.load import NODE_FILE
from gateway.standard.package import CasePackage
from tests.support.alertservers import Posts, http_server
from tests.support.clamd import HARMLESS, NOT_INSTALLED, SIGNATURE, clamd
from tests.support.desk import Desk
from tests.support.exports import FILES, STEM, PoliceExport
from tests.support.nodes import Node, Pair, drop_zip, eventually, make_pair, running
from tests.support.procuratorate import FOLDER, ProcuratorateExport
from tests.support.samples import fraud_case
from tests.support.sftpservers import program
from tests.support.standard import STANDARD

CASE = "A9901020000002026030012"
FRAUD = "A9901020000002026030027"
SECRET = b"shared by both"
GRANT = {
    "id": "SX-2026-001",
    "catalogue": "DQ-0031",
    "giver": {"unit": POLICE},
    "taker": {"unit": PROCURATORATE},
    "flows": ["information-share"],
    "fields": ["charges"],
    "purpose": "年度统计",
    "since": "2026-01-01",
    "until": "2099-12-31",
    "approved_by": "测试县委政法委",
}


@dataclass(frozen=True)
class Scene:
    """Two nodes whose case systems have formats of their own, and what both have told the webhook."""

    pair: Pair
    police: Desk
    procuratorate: Desk
    posts: Posts
    making: Path

    def drop_police(self, export: PoliceExport) -> str:
        """Drop an export of the police's system and return its name."""
        self.making.mkdir(exist_ok=True)
        drop_zip(self.pair.police_out, export.drop(self.making)[0])
        return f"{export.stem}.zip"

    def decide(self, export: ProcuratorateExport) -> str:
        """Drop a folder of the procuratorate's system and return its name."""
        (made,) = export.drop(self.making)
        out = self.pair.procuratorate.daemon.place.out / "procuratorate"
        shutil.copytree(made, out / f".{made.name}")
        (out / f".{made.name}").rename(out / made.name)
        return export.name

    def told(self, **facts: object) -> dict[str, Any] | None:
        """Return the first alert with these facts that the webhook got."""
        bodies = [json.loads(body) for _, _, body in self.posts.got]
        return next((one for one in bodies if facts.items() <= {**one, **one["facts"]}.items()), None)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    root = tmp_path_factory.mktemp("standard")
    pair = make_pair(root)
    police, procuratorate = (node.daemon.place for node in pair.nodes)
    (procuratorate.out / "procuratorate").mkdir(parents=True)
    police.into.mkdir()
    write_routes(police, "decisions", inbound=[_route("decisions", "../in", "police")])
    asked = _route("answers", "../out/procuratorate", "procuratorate") | {"receivers": {"*": POLICE}}
    written = _route("requests", "../in", "procuratorate")
    write_routes(procuratorate, "procuratorate", outbound=[asked], inbound=[written])
    (police.config / "grants.d").mkdir(exist_ok=True)
    (police.config / "grants.d" / "police.yaml").write_text(yaml.safe_dump({"grants": [GRANT]}), "utf-8")
    with http_server() as posts, _scanner(root) as sections:
        for node in pair.nodes:
            _equip(node, posts.url, sections)
        _hurry(pair.procuratorate)
        with running(pair):
            yield Scene(pair, Desk(police), Desk(procuratorate), posts, root / "making")


@contextmanager
def _scanner(root: Path) -> Iterator[dict[str, object]]:
    """Run a real clamd where one is installed; yield the section of gateway.yaml that uses it."""
    if program("clamd") is None:
        yield {}
        return
    (root / "clamd").mkdir()
    with clamd(root / "clamd") as place:
        yield {"malware": {"socket": str(place), "largest": "1 MiB"}}


def _route(name: str, folder: str, packer: str) -> dict[str, object]:
    return {"name": name, "folder": folder, "packer": packer}


def _equip(node: Node, url: str, sections: dict[str, object]) -> None:
    """Let the node scan, and tell the webhook of everything."""
    secret = node.config / "hook.secret"
    secret.write_bytes(SECRET)
    secret.chmod(0o600)
    sink = {"name": "duty", "webhook": {"url": url, "secret_file": secret.name}}
    with (node.config / NODE_FILE).open("a", encoding="utf-8") as file:
        yaml.safe_dump({"alerts": {"sinks": [sink]}, **sections}, file)


def _hurry(node: Node) -> None:
    """Give the node a flow of its own, whose term is amber from its first day on."""
    place = Path(__file__).parents[2] / "config" / "flows" / "arrest-request.yaml"
    text = place.read_text("utf-8")
    assert text.count("amber: P5D") == 1
    (node.config / "flows").mkdir(exist_ok=True)
    (node.config / "flows" / place.name).write_text(text.replace("amber: P5D", "amber: P0D"), "utf-8")


@pytest.fixture(scope="module")
def asked(scene: Scene) -> Path:
    """The folder in which the police's request arrived."""
    _delivered(scene.pair.police, scene.drop_police(PoliceExport()))
    (folder,) = scene.pair.into.iterdir()
    return folder


@pytest.fixture(scope="module")
def answered(scene: Scene, asked: Path) -> list[CasePackage]:
    """What the police's system reads in the two decisions, one a person, the first of the request first."""
    for number in range(2):
        _delivered(scene.pair.procuratorate, scene.decide(_decision(number)))
    into = scene.police.place.into
    names = {path.name.removesuffix(".ok") for path in into.iterdir()}
    assert len(names) == 2
    found = []
    for name in names:
        with load_packer("police").read(parts_of(into, name), STANDARD) as reading:
            assert reading.findings == ()
            found.append(reading.package)
    return sorted(found, key=lambda one: one.persons[0].name != "张测试")


def _delivered(node: Node, name: str) -> None:
    eventually(lambda: _state(node, name) is State.DELIVERED, f"a receipt for {name}")


def _state(node: Node, name: str) -> State | None:
    transfer = node.outbound(name)
    return None if transfer is None else transfer.state


def _decision(number: int) -> ProcuratorateExport:
    """The worked example's decision on one of its two persons alone."""
    whole = ProcuratorateExport()
    said = json.loads(whole.text)
    person = said["xyr"][number]
    said["xyr"] = [person]
    said["ws"] = [one for one in said["ws"] if person["XM"] in one["lj"]]
    files = {path: data for path, data in whole.files.items() if person["XM"] in path}
    name = f"{FOLDER[:-1]}{number}"
    return replace(whole, text=json.dumps(said, ensure_ascii=False), files=files, name=name)


def test_what_the_police_entered_arrives_as_a_folder_of_the_other_system(asked: Path) -> None:
    assert (asked / "_READY").stat().st_size == 0
    with load_packer("procuratorate").read([asked], STANDARD) as reading:
        package = reading.package
        assert [one for one in reading.findings if one.verdict.name not in ("PASS", "FIX", "WARN")] == []
    assert (package.flow, package.case_no) == ("arrest-request", CASE)
    assert [(one.name, one.id_no) for one in package.persons] == [
        ("张测试", "990102199202290172"),
        ("李样例", "990103198808080286"),
    ]
    assert [one.charges[0].name for one in package.persons] == ["盗窃罪", "盗窃罪"]
    arrived = {path.read_bytes() for path in asked.rglob("*") if path.is_file()}
    assert set(FILES.values()) < arrived
    (record,) = (asked / ORIGINALS).rglob("案件信息.xml")
    assert record.read_bytes() == PoliceExport().xml_bytes()


def test_the_decision_on_each_person_arrives_as_a_zip_of_the_polices_system(answered: list[CasePackage]) -> None:
    decided = [(one.persons[0].name, one.persons[0].decisions[0].kind) for one in answered]
    assert decided == [("张测试", "approved"), ("李样例", "refused")]
    assert {one.flow for one in answered} == {"arrest-decision"}
    assert {number.number for one in answered for number in one.case_numbers} >= {CASE, "99010220260001700"}


def test_both_ends_know_that_everybody_is_answered(scene: Scene, answered: list[CasePackage]) -> None:
    for desk in (scene.police, scene.procuratorate):
        eventually(partial(_has_counted, desk), "the deadlines of the request, counted and answered")
        assert _of_case(desk.ask("deadlines")["deadlines"]) == []
        assert _of_case(desk.ask("replies")["open"]) == []
        story = _story(desk)
        said = {one["person"]: one["answer"]["name"] for one in story["asked"]["persons"]}
        assert said == {"张**": "批准逮捕", "李**": "不批准逮捕"}


def _has_counted(desk: Desk) -> bool:
    """Whether the worker that counts, which goes its own pace, has come as far as both answers."""
    told = _story(desk)["deadlines"]
    ended = {one["person"]: one["outcome"] for one in told if one["deadline"] == "arrest-detained"}
    return ended == {"张**": "answered", "李**": "answered"}


def _story(desk: Desk) -> dict[str, Any]:
    (story,) = [one for one in desk.ask("explain", CASE)["stories"] if one["transfer"]["flow"] == "arrest-request"]
    return dict(story)


def _of_case(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [one for one in found if (one["flow"], one["case_no"]) == ("arrest-request", CASE)]


def test_the_numbers_the_sources_and_the_grants_are_told(scene: Scene, answered: list[CasePackage]) -> None:
    groups = scene.police.ask("stats", "--by", "flow")["groups"]
    delivered = {one["key"]: one["outcomes"]["delivered"] for one in groups}
    assert (delivered["arrest-decision"], delivered["arrest-request"] > 0) == (2, True)
    (source,) = scene.police.ask("source", "list")["sources"]
    assert (source["packer"], source["system"], source["paused_at"]) == ("police", "测试公安执法办案系统", None)
    grants = scene.police.run("grants", "--json")
    assert (grants.code, [one["id"] for one in grants.json["grants"]]) == (0, ["SX-2026-001"])


def test_each_node_shows_the_flow_by_which_it_counts(scene: Scene) -> None:
    for desk, amber in ((scene.police, "P5D"), (scene.procuratorate, "P0D")):
        (deadline, *_) = desk.ask("flows", "show", "arrest-request")["deadlines"]
        assert (deadline["id"], deadline["amber"]) == ("arrest-detained", amber)


def test_a_term_that_is_near_is_told_to_the_webhook_with_a_signature(scene: Scene, asked: Path) -> None:
    scene.drop_police(fraud_case())  # which nobody answers
    told = eventually(lambda: scene.told(kind="deadline", person="王**"), "an alert of a term")
    assert (told["severity"], told["name"]) == ("notice", "arrest-request/arrest-detained")
    assert (told["facts"]["case_no"], told["facts"]["is_ours"]) == (FRAUD, True)
    for _, headers, body in list(scene.posts.got):
        signed = f"{headers[ID_HEADER]}.{headers[TIME_HEADER]}.".encode() + body
        assert headers[SIGNATURE_HEADER] == "sha256=" + hmac.new(SECRET, signed, hashlib.sha256).hexdigest()
        assert "王虚构" not in json.dumps(json.loads(body), ensure_ascii=False)

    def is_taken() -> bool:
        alerts = scene.procuratorate.ask("alerts", "list")["alerts"]
        return bool(alerts) and all(sink["done_at"] is not None for one in alerts for sink in one["sinks"])

    eventually(is_taken, "alerts that the webhook has taken")


def test_inspect_says_beforehand_what_is_wrong_where_and_who_mends_it(scene: Scene, tmp_path: Path) -> None:
    export = replace(PoliceExport(), stem=STEM[:-1] + "3").changed(("990102199202290172", "990102199202290173"))
    parts = export.drop(tmp_path)
    answer = scene.police.run("inspect", parts[0], "--route", "police", "--json")
    found = {one["code"]: one for one in answer.json["findings"]}
    wrong = found["ID-CHECKSUM"]
    assert (wrong["file"], wrong["mender"]) == ("案件信息.xml", "handler")
    assert wrong["line"] > 0
    assert set(wrong["sentences"]) == {"en", "zh_CN"}
    assert "990102199202290173" not in answer.out


def test_a_classified_export_leaves_nothing(scene: Scene, asked: Path) -> None:
    before = _bundles(scene.pair.police)
    export = replace(PoliceExport(), stem=STEM[:-1] + "4").changed(
        ("<MJ>内部</MJ>", "<MJ>机密</MJ>"), (CASE, CASE[:-1] + "9")
    )
    name = scene.drop_police(export)
    eventually(lambda: _state(scene.pair.police, name) is State.REFUSED, "a refusal")
    refused = scene.pair.police.outbound(name)
    assert refused is not None
    assert refused.bundle_id is None
    assert _bundles(scene.pair.police) == before
    assert scene.procuratorate.ask("log", "--case", CASE[:-1] + "9")["transfers"] == []
    assert list((scene.pair.police_out / "err").glob(f"{name}*"))


def _bundles(node: Node) -> set[str]:
    return {path.name for path in (node.state / "spool" / "outbound").iterdir()}


@pytest.mark.skipif(program("clamd") is None, reason=NOT_INSTALLED)
def test_a_virus_ends_in_quarantine_and_the_webhook_hears_of_it(scene: Scene) -> None:
    export = replace(PoliceExport(), stem=STEM[:-1] + "5").changed((CASE, CASE[:-1] + "8"))
    name = scene.drop_police(export.with_file("文书/立案决定书.pdf", FILES["文书/立案决定书.pdf"] + HARMLESS))
    eventually(lambda: _state(scene.pair.police, name) is State.REFUSED, "a refusal")
    refused = scene.pair.police.outbound(name)
    assert refused is not None
    entries = scene.police.ask("quarantine", "list")["quarantine"]
    assert [one["subject"] for one in entries] == [f"export-{refused.id}"]
    told = eventually(lambda: scene.told(kind="operation", name="malware-found"), "an alert of the virus")
    assert SIGNATURE in told["text"]["en"]
    assert not [path for path in (scene.pair.police_out / "err").glob("*.zip") if path.name == name]


def test_both_nodes_are_sound(scene: Scene, answered: list[CasePackage]) -> None:
    for desk in (scene.police, scene.procuratorate):
        answer = desk.run("check", "--links", "--json")
        assert answer.code == 0, answer.out
