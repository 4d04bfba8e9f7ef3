"""The roster from the command line: an authority of three officers on its machines, and a node that goes by it."""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.bundle.card import fingerprint
from gateway.compose.authority import AuthorityFolder
from gateway.domain.records import Priority
from gateway.keyring.container import Cost
from gateway.keyring.officer import OfficerKey
from tests.support.cards import Holder, holder
from tests.support.desk import Answer, Desk, run
from tests.support.rosters import with_cheap_digits
from tests.support.shapes import SHAPES, paths

CHEAP = Cost(memory_kib=64, iterations=1, lanes=1)
PASSPHRASE = b"correct horse battery"


@dataclass(frozen=True)
class Office:
    """The authority's machine."""

    root: Path

    @property
    def folder(self) -> Path:
        return self.root / "authority"

    def run(self, *arguments: str | Path | int) -> Answer:
        return run("roster", *arguments, env={"CASEFERRY_PASSPHRASE_FILE": str(self.root / "passphrase")})

    def done(self, *arguments: str | Path | int) -> str:
        answer = self.run(*arguments)
        assert answer.code == 0, answer.err
        return answer.out

    def officer(self, name: str) -> Path:
        """Return a new officer's key file, quicker to open than a real one."""
        key, path = OfficerKey.draw(), self.root / name
        key.save(path, PASSPHRASE, CHEAP)
        (self.root / f"{name}.pub").write_text(key.public.hex() + "\n")
        return path

    def card(self, one: Holder) -> Path:
        path = self.root / f"{one.card.unit}.card"
        path.write_bytes(one.raw)
        return path

    def add(self, one: Holder, role: str, *more: str) -> str:
        place = ("--role", role, "--level", "county", "--region", "990102")
        return self.done("add", self.folder, self.card(one), *place, *more, "--fingerprint", fingerprint(one.card))

    def sign(self, key: str, *more: str | Path) -> dict[str, object]:
        answer: dict[str, object] = json.loads(
            self.done("sign", self.folder, "--key", self.root / key, *more, "--json")
        )
        return answer

    def publish(self) -> Path:
        """Let two officers sign what is in the draft."""
        self.sign("a")
        assert self.sign("b")["published"] is True
        return self.folder / "published.cft"


@pytest.fixture(autouse=True)
def _cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    with_cheap_digits(monkeypatch)


@pytest.fixture
def office(tmp_path: Path) -> Office:
    made = Office(tmp_path)
    (tmp_path / "passphrase").write_bytes(PASSPHRASE)
    (tmp_path / "passphrase").chmod(0o600)
    for name in "abc":
        made.officer(name)
    officers = [part for name in "abc" for part in ("--officer", str(tmp_path / f"{name}.pub"))]
    made.done("init", made.folder, "--province", "测试省", *officers, "--threshold", 2)
    return made


def refused(answer: Answer, code: str) -> None:
    assert answer.code == 1
    assert code in answer.err + answer.out


def test_an_officer_s_key_is_encrypted_and_never_overwritten(office: Office) -> None:
    out = office.done("key", office.root / "d")
    public = (office.root / "d.pub").read_text().strip()
    assert public in out
    assert (office.root / "d").stat().st_mode & 0o777 == 0o600
    assert OfficerKey.load(office.root / "d", lambda: PASSPHRASE).public.hex() == public
    refused(office.run("key", office.root / "d"), "keys-exist")


def test_a_roster_is_published_once_enough_have_signed(office: Office, desk: Desk) -> None:
    office.add(holder("990102"), "procuratorate", "--code", "procuratorate=990102")
    first = office.sign("a")
    assert (first["missing"], first["published"], first["version"]) == (1, False, 1)
    assert office.sign("a")["missing"] == 1  # the same officer once more
    second = office.sign("b")
    assert set(second) == set(SHAPES["roster sign"])
    assert (second["missing"], second["published"]) == (0, True)
    published = office.folder / "published.cft"

    refused(desk.run("roster", "show"), "roster-untrusted")
    refused(desk.run("roster", "trust", published, "--fingerprint", "0" * 40), "roster-fingerprint-mismatch")
    said = desk.run("roster", "trust", published, "--fingerprint", str(second["fingerprint"]))
    assert said.code == 0, said.err
    shown = desk.ask("roster", "show")
    assert set(paths(shown)) == set(SHAPES["roster show"])
    assert shown["units"][0]["codes"][0]["code"] == "990102"
    assert "990102" in desk.run("roster", "show").out
    assert desk.ask("roster", "show", "--unit", "990102")["units"][0]["unit"] == "990102"
    refused(desk.run("roster", "show", "--unit", "990120"), "990102")


def test_officers_sign_on_machines_of_their_own(office: Office) -> None:
    office.add(holder("990102"), "procuratorate")
    office.sign("a")
    for name in "bc":
        (office.root / f"{name}.cft").write_bytes((office.folder / "proposal.cft").read_bytes())
        office.done("sign", office.root / f"{name}.cft", "--key", office.root / name)
    done = office.sign("a", "--with", office.root / "b.cft", "--with", office.root / "c.cft")
    assert len(done["signed_by"]) == 3  # type: ignore[arg-type] # it is a list of keys
    refused(
        office.run("sign", office.folder, "--key", office.root / "a", "--with", office.root / "b.cft"),
        "roster-differs",
    )


def test_who_is_no_officer_signs_nothing(office: Office) -> None:
    office.add(holder("990102"), "procuratorate")
    stranger = office.officer("stranger")
    refused(office.run("sign", office.folder, "--key", stranger), "roster-no-officer")


def test_a_changed_draft_is_a_new_proposal(office: Office) -> None:
    office.add(holder("990102"), "procuratorate")
    office.sign("a")
    office.add(holder("990103"), "court")
    assert office.sign("b")["missing"] == 1


def test_a_newer_version_is_verified_compared_and_taken_in(office: Office, desk: Desk) -> None:
    office.add(holder("990102"), "procuratorate")
    first = office.root / "first.cft"
    first.write_bytes(office.publish().read_bytes())
    digits = json.loads(office.run("show", first, "--json").out)
    assert "fingerprint" not in digits  # nobody has verified it
    desk.run("roster", "trust", first, "--fingerprint", _digits(first))
    office.add(holder("990103"), "court")
    office.done("allow", office.folder, "arrest-request", "court", "court")
    second = office.publish()

    assert set(paths(desk.ask("roster", "verify", second))) == set(SHAPES["roster verify"])
    assert desk.ask("roster", "show")["version"] == 1
    found = json.loads(office.run("diff", first, second, "--json").out)
    assert set(found) <= set(SHAPES["roster diff"])
    assert (found["added"], found["allowed"]) == (["990103"], ["arrest-request: court > court"])
    assert "+ 990103" in office.done("diff", first, second)
    taken = desk.ask("roster", "import", second)
    assert set(paths(taken)) == set(SHAPES["roster import"])
    assert (taken["taken"], taken["version"]) == (True, 2)
    again = desk.ask("roster", "import", first)
    assert (again["taken"], again["version"]) == (False, 2)


def test_a_forged_file_is_not_genuine(office: Office, desk: Desk) -> None:
    office.add(holder("990102"), "procuratorate")
    published = office.publish()
    desk.run("roster", "trust", published, "--fingerprint", _digits(published))
    torn = office.root / "torn.cft"
    torn.write_bytes(published.read_bytes()[:-3] + b"   ")
    refused(desk.run("roster", "verify", torn), "roster-mixed")
    refused(desk.run("roster", "verify", published, "--fingerprint", "1" * 40), "roster-fingerprint-mismatch")


def test_a_renewed_card_needs_no_telephone_and_a_strange_one_does(office: Office) -> None:
    one = holder("990102")
    office.add(one, "procuratorate")
    renewed = one.renewed()
    assert "Renewed" in office.done("add", office.folder, office.card(renewed))
    stranger = holder("990102")
    refused(office.run("add", office.folder, office.card(stranger), "--fingerprint", "2" * 40), "fingerprint-mismatch")
    shown = json.loads(office.run("show", office.publish(), "--json").out)
    assert len(shown["units"][0]["keys"]) == 2


def test_keys_are_revoked_units_merged_and_rules_withdrawn_in_the_draft(office: Office) -> None:
    old, new = holder("990102"), holder("990103")
    office.add(old, "procuratorate")
    office.add(new, "procuratorate")
    office.done("revoke", office.folder, "990102", "--compromised")
    office.done("close", office.folder, "990102", "--successor", "990103")
    office.done("allow", office.folder, "arrest-request", "police", "procuratorate", "--withdraw")
    refused(office.run("revoke", office.folder, "990199"), "roster-unit-unknown")
    refused(office.run("revoke", office.folder, "990102", "--key", "00"), "roster-key-unknown")
    refused(office.run("allow", office.folder, "x", "police", "court", "--withdraw"), "roster-rule-unknown")
    shown = json.loads(office.run("show", office.publish(), "--unit", "990102", "--json").out)
    assert [unit["unit"] for unit in shown["units"]] == ["990103"]


def test_an_unsound_draft_is_not_signed_and_a_broken_one_is_named(office: Office) -> None:
    one = holder("990102")
    office.add(one, "procuratorate", "--hub", "990199")
    refused(office.run("sign", office.folder, "--key", office.root / "a"), "990199 is no hub")
    (office.folder / "draft.json").write_text("{")
    refused(office.run("sign", office.folder, "--key", office.root / "a"), "roster-draft")


@pytest.mark.parametrize(
    ("more", "code"),
    [
        (("--role", "court"), "roster-unit-incomplete"),
        (("--role", "court", "--level", "village", "--region", "990102"), "roster-unit-incomplete"),
        (("--role", "court", "--level", "county", "--region", "990102", "--code", "x"), "roster-unit-incomplete"),
        (("--role", "court", "--level", "county", "--region", "990102", "--parent", "x"), "unit-malformed"),
    ],
)
def test_what_is_missing_of_a_unit_is_named(more: tuple[str, ...], code: str, office: Office) -> None:
    one = holder("990102")
    refused(office.run("add", office.folder, office.card(one), *more, "--fingerprint", fingerprint(one.card)), code)


def test_officers_change_with_the_signatures_of_those_before(office: Office, desk: Desk) -> None:
    office.add(holder("990102"), "procuratorate")
    published = office.publish()
    desk.run("roster", "trust", published, "--fingerprint", _digits(published))
    office.officer("d")
    names = [part for name in "bcd" for part in ("--officer", office.root / f"{name}.pub")]
    office.done("officers", office.folder, *names, "--threshold", 2)
    assert office.sign("d")["missing"] == 2
    assert office.sign("b")["missing"] == 1  # two of the three before have not signed the new root
    assert office.sign("c")["published"] is True
    taken = desk.ask("roster", "import", published)
    assert (taken["taken"], taken["root_version"]) == (True, 2)


def test_an_officer_file_that_is_none_is_named(office: Office) -> None:
    (office.root / "bad.pub").write_text("x")
    answer = office.run("officers", office.folder, "--officer", office.root / "bad.pub", "--threshold", 1)
    refused(answer, "roster-officer-file")
    refused(
        office.run("officers", office.folder, "--officer", office.root / "a.pub", "--threshold", 2), "roster-officers"
    )


def _digits(file: Path) -> str:
    from gateway.roster.file import split
    from gateway.roster.proving import fingerprint as of_root

    return of_root(split(file.read_bytes()).roots[-1])


def test_a_node_renews_all_its_keys_through_the_roster(office: Office, desk: Desk, tmp_path: Path) -> None:
    card = tmp_path / "node.card"
    desk.run("peer", "card", "--out", card)
    digits = str(desk.ask("peer", "card")["fingerprint"])
    place = ("--role", "police", "--level", "county", "--region", "990102")
    office.done("add", office.folder, card, *place, "--fingerprint", digits)
    published = office.publish()
    desk.run("roster", "trust", published, "--fingerprint", _digits(published))
    unit = desk.place.unit

    refused(desk.run("key", "switch"), "ssh-keys-not-drawn")
    assert "caseferry key switch" in desk.run("key", "rotate", "--ssh", "--out", card).out
    refused(desk.run("key", "switch"), "ssh-keys-unlisted")
    assert "Renewed" in office.done("add", office.folder, card)  # the old keys signed it
    office.publish()
    desk.ask("roster", "import", published)
    assert len(desk.ask("roster", "show", "--unit", unit)["units"][0]["keys"]) == 2
    assert desk.run("key", "switch").code == 0
    office.done("revoke", office.folder, unit, "--ssh")
    draft = json.loads((office.folder / "draft.json").read_text())
    assert draft["units"][0]["ssh_host_keys_also"] == []
    assert len(draft["units"][0]["ssh_user_keys"]) == 1


def test_a_flow_of_the_provinces_own_gets_a_class(office: Office) -> None:
    office.add(holder("990102"), "procuratorate")
    office.done("allow", office.folder, "field-survey", "police", "procuratorate", "--class", "60", "--lane", "high")
    refused(
        office.run("allow", office.folder, "x", "police", "court", "--class", "61", "--lane", "fast"),
        "roster-lane-unknown",
    )
    content = AuthorityFolder(office.folder).draft()
    assert [(one.number, one.priority) for one in content.classes if one.flow == "field-survey"] == [
        (60, Priority.HIGH)
    ]
    assert [one.number for one in content.classes] == sorted(one.number for one in content.classes)
    office.publish()
