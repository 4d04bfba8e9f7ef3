"""The demo's province as seven daemons, operated by commands alone: what they say, a loss, a revocation."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gateway.bundle.card import fingerprint, parse_card
from gateway.cli.demo_map import BY_KEY, EXPORTS, THE_HUB, UNITS, DemoExport
from gateway.cli.demo_province import DemoProvince, make_export, make_province
from gateway.cli.demo_samples import arrived_whole, drop, find_samples, parts_of
from gateway.cli.demo_standard import ASKER, DECIDER, Request, decisions, is_counted, requests
from gateway.domain.ids import UnitCode
from gateway.domain.lifecycle import Direction
from gateway.keyring.container import Cost
from gateway.keyring.officer import OfficerKey
from gateway.roster.file import split
from gateway.roster.proving import fingerprint as of_root
from gateway.words.catalogue import Words
from tests.support.desk import Desk, run
from tests.support.nodes import CLOCK, Neighbours, Node, eventually, running
from tests.support.rosters import with_cheap_digits

SAMPLES = Path(__file__).parents[2] / "samples"
CHEAP = Cost(memory_kib=64, iterations=1, lanes=1)
PASSPHRASE = b"correct horse battery"
FROM_DETENTION = DemoExport("custody-handover-confirmation", "detention", ("court",), "换押", "A9901020000002026030028")
WAIT_SECONDS = 40
"""For answers; whoever answers is not waited for any longer."""


def _unit(key: str) -> UnitCode:
    return BY_KEY[key].unit


def _of(flow: str) -> DemoExport:
    return next(export for export in EXPORTS if export.flow == flow)


def reconciled(desk: Desk, code: int) -> Any:
    """Reconcile and return the report; the command must end with `code`."""
    answer = desk.run("reconcile", "--wait", WAIT_SECONDS, "--json")
    assert answer.code == code, answer.out + answer.err
    return answer.json


@dataclass(frozen=True)
class Office:
    """The authority's machine: two officers who must both sign, and the draft."""

    root: Path

    @property
    def folder(self) -> Path:
        return self.root / "authority"

    @property
    def published(self) -> Path:
        return self.folder / "published.cft"

    def run(self, *arguments: str | Path | int) -> None:
        answer = run("roster", *arguments, env={"CASEFERRY_PASSPHRASE_FILE": str(self.root / "passphrase")})
        assert answer.code == 0, answer.err

    def begin(self) -> None:
        self.root.mkdir()
        (self.root / "passphrase").write_bytes(PASSPHRASE)
        (self.root / "passphrase").chmod(0o600)
        for name in "ab":
            key = OfficerKey.draw()
            key.save(self.root / name, PASSPHRASE, CHEAP)
            (self.root / f"{name}.pub").write_text(key.public.hex() + "\n", "ascii")
        officers = [part for name in "ab" for part in ("--officer", self.root / f"{name}.pub")]
        self.run("init", self.folder, "--province", "测试省", *officers, "--threshold", 2)

    def publish(self) -> Path:
        for name in "ab":
            self.run("sign", self.folder, "--key", self.root / name)
        return self.published


@dataclass(frozen=True)
class Seven(Neighbours):
    """The seven daemons and their desks, the authority, and whoever moves files over the boundaries."""

    province: DemoProvince
    office: Office
    making: Path
    desks: Mapping[str, Desk]

    @property
    def nodes(self) -> tuple[Node, ...]:
        return tuple(Node(node) for node in self.province.nodes.values())

    def node(self, key: str) -> Node:
        return Node(self.province.nodes[key])

    def export(self, export: DemoExport) -> str:
        """Drop an export and return its case number."""
        sample = make_export(export, SAMPLES, self.making / str(len(list(self.making.iterdir()))))
        drop(sample, self.province.nodes[export.sender].place.out)
        return export.case_no

    def trust_one_roster(self) -> None:
        """Let the authority list everybody by card, and everybody trust what it published."""
        self.office.begin()
        for unit in UNITS:
            card = self.office.root / f"{unit.key}.card"
            answer = self.desks[unit.key].run("peer", "card", "--out", card)
            assert answer.code == 0, answer.err
            hubs = () if unit.key == THE_HUB else ("--hub", BY_KEY[THE_HUB].unit)
            read = fingerprint(parse_card(card.read_bytes()))
            place = ("--role", unit.role, "--level", unit.level, "--region", unit.region)
            self.office.run("add", self.office.folder, card, *place, *hubs, "--fingerprint", read)
        file = self.office.publish()
        digits = of_root(split(file.read_bytes()).roots[-1])
        for desk in self.desks.values():
            answer = desk.run("roster", "trust", file, "--fingerprint", digits, "--replace")
            assert answer.code == 0, answer.err

    def ended(self, sender: str, case_no: str, count: int) -> list[dict[str, Any]]:
        """Return the outbound transfers of a case once so many are delivered."""

        def look() -> list[dict[str, Any]] | None:
            found = self.desks[sender].ask("log", "--case", case_no, "--state", "delivered")["transfers"]
            return found if len(found) == count else None

        return eventually(look, f"{count} receipts for {case_no}")


@pytest.fixture
def seven(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Seven]:
    with_cheap_digits(monkeypatch)
    root = tmp_path / "province"
    root.mkdir()
    (tmp_path / "making").mkdir()
    province = make_province(root, CLOCK)
    desks = {key: Desk(node.place) for key, node in province.nodes.items()}
    made = Seven(province, Office(tmp_path / "office"), tmp_path / "making", desks)
    made.trust_one_roster()
    with made.province.carrying(CLOCK), running(made):
        yield made


@pytest.mark.long
@pytest.mark.timeout(240)
def test_a_day_in_the_province(seven: Seven) -> None:
    """One start of seven daemons for all of it: they cost more than what is asked of them."""
    a_copied_export_is_told_of_at_every_node(seven)
    the_hub_and_the_ways_are_shown(seven)
    what_the_hub_has_lost_is_named_and_sent_again(seven)
    what_was_entered_once_is_answered_in_both_formats(seven)
    who_is_revoked_is_kept_out_everywhere(seven)


def what_was_entered_once_is_answered_in_both_formats(seven: Seven) -> None:
    """As the demo's closing report has it: its samples, its routes, its look into the police's ledger."""
    police, procuratorate = (seven.node(key).daemon.place for key in (ASKER, DECIDER))
    asked = [one for one in find_samples(SAMPLES) if one.packer == ASKER and not one.code and "TQPZDB" in one.name]
    for sample in asked:
        drop(sample, police.out)
    eventually(lambda: len(list(procuratorate.into.glob("*/_READY"))) == len(asked) or None, "folders of system 2.0")
    (decision,) = decisions(SAMPLES)
    drop(decision, procuratorate.out)
    (written,) = eventually(lambda: list(police.into.glob("*.zip.ok")), "a zip of the police's system")
    assert arrived_whole(decision, *parts_of(police.into, written.name.removesuffix(".ok")), packer=ASKER)

    def told() -> dict[int, Request] | None:
        with seven.node(ASKER).ledger() as ledger:
            rows = requests(ledger, Words("en"), CLOCK.now()) if is_counted(ledger) else []
        # The zip's mark is there a moment before the ledger says that it was delivered.
        by_open = {one.open: one for one in rows}
        return by_open if 0 in by_open else None

    found = eventually(told, "deadlines of which one is over")
    assert found[0].persons == "张**: 批准逮捕 2026-03-16, 李**: 不批准逮捕 2026-03-16"
    assert found[0].deadlines == ()
    (runs,) = found[1].deadlines
    assert runs.startswith("王**: Detained: decided within 7 days of receiving the request for arrest")


def a_copied_export_is_told_of_at_every_node(seven: Seven) -> None:
    case_no = seven.export(_of("first-instance-prosecution"))
    sent = seven.ended("procuratorate", case_no, 2)
    (bundle,) = {one["bundle_id"] for one in sent}
    recipients = {_unit("court"), _unit("detention")}
    assert {one["recipient"] for one in sent} == recipients
    for story in seven.desks["procuratorate"].ask("explain", case_no)["stories"]:
        assert story["transfer"]["link"] == THE_HUB
        issuers = [one["what"].rpartition(" ")[2] for one in story["timeline"] if one["kind"] == "receipt"]
        # The recipient's word may overtake the hub's.
        assert set(issuers) == {_unit(THE_HUB), story["transfer"]["recipient"]}

    def told_by(key: str, about: str) -> list[dict[str, Any]]:
        return [one["transfer"] for one in seven.desks[key].ask("explain", about)["stories"]]

    def relays() -> list[dict[str, Any]]:
        return [one for one in told_by(THE_HUB, bundle) if one["direction"] == "relay"]

    # Who has left a receipt writes that down afterwards: it may be read before.
    eventually(lambda: {one["state"] for one in relays()} == {"settled"}, "the hub's own end")
    assert {(one["origin"], one["recipient"]) for one in relays()} == {
        (_unit("procuratorate"), unit) for unit in recipients
    }
    assert {one["case_no"] + one["export_name"] for one in relays()} == {""}  # the hub does not know them
    for key in ("court", "detention"):
        eventually(lambda key=key: [one["state"] for one in told_by(key, case_no)] == ["confirmed"], f"{key}'s end")
        assert [one["origin"] for one in told_by(key, case_no)] == [_unit("procuratorate")]
    found = reconciled(seven.desks["procuratorate"], 0)
    assert {one["recipient"]: one["delivered"] for one in found["streams"]} == dict.fromkeys(recipients, 1)


def the_hub_and_the_ways_are_shown(seven: Seven) -> None:
    hub = seven.desks[THE_HUB]
    answer = hub.run("status", "--json")
    assert (answer.code, answer.json["counts"]["relay"]) == (0, {"settled": 2})
    assert {one["name"] for one in answer.json["links"]} == {unit.key for unit in UNITS} - {THE_HUB}
    assert hub.ask("roster", "show")["version"] == 1
    ends = _unit("court"), _unit("prison")
    asked = seven.desks["court"].run("route", "explain", "sentence-delivery", *ends)
    assert asked.code == 0, asked.err
    assert f"{ends[0]} > {_unit(THE_HUB)} > {ends[1]}" in asked.out
    assert seven.desks["court"].run("route", "explain", "sentence-delivery", *ends[::-1]).code == 1


def what_the_hub_has_lost_is_named_and_sent_again(seven: Seven) -> None:
    """Somebody deletes a bundle at the hub, in its spool and in the mailbox of a recipient that is not there."""
    court, hub = seven.desks["court"], seven.node(THE_HUB)
    seven.node("justice").daemon.stop()
    case_no = seven.export(_of("pre-sentence-assessment"))

    def is_left() -> bool:
        forwarded = seven.desks[THE_HUB].ask("log", "--direction", "relay", "--state", "forwarded")["transfers"]
        custody = court.ask("log", "--case", case_no, "--state", "in-custody")["transfers"]
        return bool(forwarded and custody)

    eventually(is_left, "a bundle in the hub's custody")
    lost = sorted(hub.state.rglob("*.cfb"))
    assert len(lost) == 2
    for path in lost:
        path.unlink()
    seven.node("justice").start()
    found = reconciled(court, 1)
    assert [(one["code"], one["case_no"]) for one in found["differences"]] == [("reconcile-lost", case_no)]
    seven.ended("court", case_no, 1)
    reconciled(court, 0)
    assert len(hub.logged("relayed-again")) == 1


def who_is_revoked_is_kept_out_everywhere(seven: Seven) -> None:
    """One revoked unit calls with SSH keys, the other leaves its files with a gap device."""
    office, police, detention = seven.office, _unit("police"), _unit("detention")
    for unit in (police, detention):
        office.run("revoke", office.folder, unit, "--compromised")
    doors = [seven.node(key) for key in (THE_HUB, "procuratorate")]
    refused = [len(door.logged("server-login-failed")) for door in doors]
    taken = seven.desks[THE_HUB].run("roster", "import", office.publish())
    assert taken.code == 0, taken.err
    others = [key for key in seven.desks if key != "police"]  # nobody lets the police in any more to fetch it
    eventually(lambda: all(seven.node(key).logged("roster-in-use", version=2) for key in others), "version 2 in use")
    seven.export(_of("custody-handover"))
    seven.export(FROM_DETENTION)
    eventually(lambda: seven.node(THE_HUB).quarantined() or None, "the detention centre's bundle set aside")
    assert [one["code"] for one in seven.node(THE_HUB).quarantined()] == ["revoked-sender"]
    for door, before in zip(doors, refused, strict=True):
        eventually(lambda door=door, before=before: len(door.logged("server-login-failed")) > before, "a closed door")
    eventually(lambda: seven.desks["police"].ask("log", "--state", "sealed")["transfers"], "what is not let go")
    assert [seven.desks[key].run("status").code for key in (THE_HUB, "police")] == [1, 1]
    assert seven.desks["detention"].ask("log", "--state", "delivered")["transfers"] == []
    assert [one["unit"] for one in seven.node("detention").logged("own-keys-revoked")] == [detention]
    checked = seven.desks["detention"].run("check", "--json")
    assert "own-keys-revoked" in {one["code"] for one in checked.json["results"]}
    assert len(seven.node("court").transfers(Direction.INBOUND)) == 1
