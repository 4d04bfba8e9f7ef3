"""What is shared leaves under a grant, masked, with nothing of the persons in it; anything else is refused."""

import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import BinaryIO

import pytest

from gateway.bundle.seal import Begun, SealMember, begin
from gateway.cli.demo_nodes import POLICE, PROCURATORATE
from gateway.compose.identity import Identity
from gateway.compose.sharing import grants_of
from gateway.domain.lifecycle import State
from gateway.domain.records import known
from gateway.settings.grants import GrantSettings, Side
from gateway.stages.sharing import lacks
from gateway.standard.grants import Exchange, beyond, grant_of, sealed
from gateway.standard.masking import terms_of
from gateway.standard.package import CasePackage, Person, Source
from gateway.standard.pseudonyms import starred
from packers.police import PolicePacker
from tests.support.exports import PoliceExport
from tests.support.houses import IN, OUT, Street, opened
from tests.support.standard import STANDARD

GRANT = GrantSettings(
    id="SX-2026-001",
    catalogue="DQ-0031",
    giver=Side(unit=POLICE),
    taker=Side(unit=PROCURATORATE),
    flows=("information-share", "information-share-result"),
    fields=("person-name", "sex", "charges"),
    purpose="年度统计",
    since="2020-01-01",
    until="2040-12-31",
    approved_by="省委政法委",
)
NUMBER = "110101199003070011"
"""A sound identity number of nobody."""


def granted(*grants: GrantSettings, profile: dict[str, str] | None = None) -> Callable[[Identity], Identity]:
    """Return what gives a node these grants, and its routes this masking."""

    def equip(identity: Identity) -> Identity:
        settings = identity.settings
        outbound = tuple(one.model_copy(update={"profile": profile or {}}) for one in settings.outbound)
        return replace(identity, settings=settings.model_copy(update={"grants": grants, "outbound": outbound}))

    return equip


def share(made: Street, files: dict[str, bytes], **label: str) -> None:
    """Drop an export of the sharing flow as a folder, whole at once."""
    folder = made.out.with_name(".share")
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    said = {"flow": "information-share-result", "receiver": PROCURATORATE, "grant": GRANT.id} | label
    (folder / "_CASE.json").write_text(json.dumps(said), "utf-8")
    folder.rename(made.out / "share")


DATA = {"信息共享数据集_张三.csv": "罪名,件数\r\n盗窃,12\r\n".encode("gb18030"), "内部说明.txt": b"for us only"}


def delivered(made: Street) -> tuple[CasePackage, dict[str, bytes]]:
    (folder,) = made.into.iterdir()
    files = {path.name: path.read_bytes() for path in (folder / "content").iterdir()}
    return CasePackage.from_json((folder / "case-package.json").read_bytes()), files


def findings(made: Street, export: str = "share") -> list[str]:
    report = json.loads((made.out / "err" / f"{export}.err.json").read_bytes())
    return [one["code"] for one in report["findings"]]


@pytest.mark.parametrize("named", [GRANT.id, GRANT.catalogue])
def test_a_dataset_leaves_under_its_grant_and_what_the_flow_does_not_ask_for_stays(closed: Street, named: str) -> None:
    closed.police.equip = granted(GRANT)
    with opened(closed) as made:
        share(made, DATA, grant=named, case_name="张三盗窃案")
        made.settle()
        package, files = delivered(made)
        assert files == {"信息共享数据集_1.csv": DATA["信息共享数据集_张三.csv"]}
        assert (package.grant, package.profile, package.case_name) == (named, "masked", "")
        assert [(one.kind, one.count) for one in package.withheld] == [("", 1)]
        assert "张三" not in package.to_json().decode()
        assert made.police.only(OUT).verdict == "warn"
        assert made.procuratorate.only(IN).state is State.CONFIRMED


@pytest.mark.parametrize(
    ("grants", "label", "code"),
    [
        ((), {}, "SHARE-CATALOGUE"),
        ((GRANT,), {"grant": ""}, "SHARE-CATALOGUE"),
        ((GRANT,), {"grant": "SX-2026-999"}, "SHARE-CATALOGUE"),
        ((GRANT.model_copy(update={"taker": Side(unit="990103")}),), {}, "SHARE-PARTY"),
        ((GRANT.model_copy(update={"giver": Side(role="court")}),), {}, "SHARE-PARTY"),
        ((GRANT.model_copy(update={"flows": ("information-share",)}),), {}, "SHARE-PARTY"),
        ((GRANT.model_copy(update={"until": date(2020, 12, 31)}),), {}, "SHARE-ENDED"),
        ((GRANT.model_copy(update={"since": date(2040, 1, 1)}),), {}, "SHARE-ENDED"),
    ],
    ids=["no-grants", "none-named", "unknown", "other-taker", "other-giver", "other-flow", "ended", "not-begun"],
)
def test_without_a_grant_that_counts_nothing_leaves(
    grants: tuple[GrantSettings, ...], label: dict[str, str], code: str
) -> None:
    package = CasePackage(Source("folder", "x"), flow="information-share-result", grant=label.get("grant", GRANT.id))
    between = Exchange((POLICE, ("police",)), ((PROCURATORATE, ("procuratorate",)),), date(2026, 3, 1))
    said = grant_of(package, grants_of(grants), between, STANDARD)
    assert (said.grant, [one.code for one in said.findings]) == (None, [code])


def test_an_export_without_a_grant_is_given_back(closed: Street) -> None:
    with opened(closed) as made:
        share(made, DATA)
        made.settle()
        assert made.police.only(OUT).state is State.REFUSED
        assert findings(made) == ["SHARE-CATALOGUE"]
        assert (made.out / "reject" / "share").is_dir()


def test_an_ended_grant_beside_its_renewal_hinders_nothing() -> None:
    ended = GRANT.model_copy(update={"id": "SX-2019-001", "until": date(2020, 12, 31)})
    package = CasePackage(Source("folder", "x"), flow="information-share", grant=GRANT.catalogue)
    roles = (GRANT.model_copy(update={"giver": Side(role="police"), "taker": Side(role="procuratorate")}), GRANT)
    for renewed in roles:
        between = Exchange((POLICE, ("police",)), ((PROCURATORATE, ("procuratorate",)),), renewed.until)
        said = grant_of(package, grants_of((ended, renewed)), between, STANDARD)
        assert said.grant is not None
        assert said.grant.id == renewed.id


def test_fields_beyond_the_grant_are_named_and_refused() -> None:
    person = Person(name="张三", sex="1", birth_date="1990-01-01", ethnicity="01")
    package = CasePackage(Source("folder", "x"), flow="information-share", grant=GRANT.id, persons=(person,))
    terms = terms_of(STANDARD, package.flow, STANDARD.profiles["masked"], GRANT.fields)
    (finding,) = beyond(package, terms, STANDARD)
    assert (finding.code, finding.facts["fields"]) == ("SHARE-FIELDS", "出生日期")
    assert beyond(replace(package, persons=(replace(person, birth_date=""),)), terms, STANDARD) == ()


def packed(content: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("xl/sharedStrings.xml", content)
    return out.getvalue()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("信息共享数据集.csv", f"姓名,证号\n某,{NUMBER}\n".encode("gb18030")),
        ("信息共享数据集.csv", b"x" * (1 << 20) + b" " + NUMBER.encode() + b" "),
        ("信息共享数据集.csv", "电话,13812345678".encode()),
        ("信息共享数据集.xlsx", packed(f"<t>{NUMBER}</t>".encode())),
    ],
    ids=["number", "across-pieces", "telephone", "workbook"],
)
def test_a_dataset_that_still_shows_who_the_persons_are_is_refused(closed: Street, name: str, content: bytes) -> None:
    closed.police.equip = granted(GRANT)
    with opened(closed) as made:
        share(made, {name: content})
        made.settle()
        assert made.police.only(OUT).state is State.REFUSED
        assert findings(made) == ["MASK-APPLIED"]
        assert NUMBER not in (made.out / "err" / "share.err.json").read_text("utf-8")


def damaged(method: int) -> bytes:
    """Return a zip whose packed content was overwritten; its directory is whole."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as file:
        file.writestr("x", bytes(range(256)) * 64)
        begins, ends = len("x") + 30, file.start_dir
    whole = out.getvalue()
    return whole[: begins + 9] + b"\xff" * (ends - begins - 9) + whole[ends:]


@pytest.mark.parametrize(
    "content",
    [packed(packed(b"x")), *map(damaged, (zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA))],
    ids=["packed-twice", "deflate", "bzip2", "lzma"],
)
def test_a_dataset_that_cannot_be_looked_through_waits_for_a_person(closed: Street, content: bytes) -> None:
    closed.police.equip = granted(GRANT)
    with opened(closed) as made:
        share(made, {"信息共享数据集.zip": content})
        made.work(10)
        assert made.police.only(OUT).hold_code == "export-held"
        assert findings(made) == ["MASK-UNSEEN"]


def test_a_route_may_mask_what_its_flow_does_not(closed: Street, monkeypatch: pytest.MonkeyPatch) -> None:
    export, sealed_as = PoliceExport(), []

    def watched(out: BinaryIO, members: list[SealMember], **known: object) -> Begun:
        sealed_as.extend([*(one.path for one in members), *(str(one.raw) for one in members), str(known["meta"])])
        return begin(out, members, **known)  # type: ignore[arg-type]  # handed on as it came

    monkeypatch.setattr("gateway.stages.pack_work.begin", watched)
    closed.police.equip = granted(profile={"*": "masked"})
    parts = export.drop(closed.out.with_name("police"))
    with PolicePacker().read(parts, STANDARD) as reading:
        full = reading.package
    with opened(closed) as made:
        made.settle()
        package, files = delivered(made)
        told = package.to_json().decode()
        assert package.profile == "masked"
        assert "案件信息.xml" not in files
        assert not any(name.startswith(("电子卷宗", "提请批准逮捕书")) for name in files)
        for person in full.persons:
            assert person.name not in told
            assert person.id_no not in told
            assert not any(person.name in text or person.id_no in text for text in sealed_as)
        assert full.handler.phone not in told
        assert [one.name for one in package.persons] == [starred(one.name) for one in full.persons]
        assert sum(one.count for one in package.withheld) > 0
        # What the ledger remembers is of what was checked, and that was the whole case.
        matter = made.police.ledger.matters.get(made.police.only(OUT).id)
        assert matter is not None
        assert dict(matter.facts)["filing-date"] == full.filing_date
        assert "arrest-request-letter" in matter.documents


def test_a_sealed_record_is_given_to_nobody_by_sharing(closed: Street) -> None:
    juvenile = Person(name="王小明", id_no=NUMBER, sealed="1")
    package = CasePackage(Source("folder", "x"), flow="information-share-result", persons=(juvenile,))
    masked, full = STANDARD.profiles["masked"], STANDARD.profiles["full"]
    assert [one.code for one in sealed(package, masked, STANDARD)] == ["JUV-SEALED"]
    assert [one.code for one in sealed(replace(package, flow="online-file-review"), full, STANDARD)] == ["JUV-SEALED"]
    assert sealed(replace(package, flow="arrest-request"), full, STANDARD) == ()
    assert [one.code for one in sealed(replace(package, flow="arrest-request"), masked, STANDARD)] == ["JUV-SEALED"]


@pytest.mark.parametrize(
    ("package", "code"),
    [
        (CasePackage(Source("folder", "x"), flow="information-share"), "grant-missing"),
        (CasePackage(Source("folder", "x"), flow="information-share-result", grant="G1"), "mask-missing"),
        (CasePackage(Source("folder", "x"), flow="information-share", grant="G1", profile="reduced"), "mask-missing"),
        (CasePackage(Source("folder", "x"), flow="information-share", grant="G1", profile="own"), "mask-missing"),
        (CasePackage(Source("folder", "x"), flow="information-share", grant="G1", profile="masked"), ""),
        (CasePackage(Source("folder", "x"), flow="stage-status-notice"), "mask-missing"),
        (CasePackage(Source("folder", "x"), flow="arrest-request"), ""),
        (CasePackage(Source("folder", "x")), ""),
    ],
)
def test_a_recipient_sees_whether_what_came_has_a_grant_and_is_masked(package: CasePackage, code: str) -> None:
    assert lacks(package, STANDARD) == code


def test_what_came_without_its_mask_is_refused_and_not_delivered(
    closed: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed.police.equip = granted(GRANT)
    full = STANDARD.profiles["full"]
    monkeypatch.setattr("gateway.stages.sharing.profile_of", lambda *_: full)
    grant = GRANT.model_copy(update={"profile": "full"})
    closed.police.equip = granted(grant)
    with opened(closed) as made:
        share(made, DATA)
        made.go("police:claim", "police:claim", "police:pack", "police:pack")
        monkeypatch.undo()
        made.settle()
        sent = made.police.only(OUT)
        (receipt,) = made.police.ledger.receipts(known(sent.bundle_id))
        assert (sent.state, receipt.code) == (State.REFUSED, "204")
        assert not list(made.into.iterdir())
