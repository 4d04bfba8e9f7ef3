"""A province adds a flow and changes another by files alone: packed, checked, routed and delivered by what they say."""

from dataclasses import replace
from pathlib import Path

import pytest

from gateway.compose.identity import load_identity
from gateway.domain.lifecycle import State
from gateway.domain.records import Priority
from gateway.settings.complaints import SettingsError
from tests.support.exports import PoliceExport, pdf
from tests.support.houses import IN, OUT, Street, build, opened
from tests.support.ledger import ToldClock
from tests.support.smallstandard import HEAD
from tests.support.upgrading import case

FLOW = "field-survey"
SURVEY = (
    HEAD
    + """\
code: field-survey
zh: 现场勘验移送
en: Transfer of a field survey
group: investigation
unit: case
class: 60
lane: high
profile: full
size_class: small
trigger: 现场勘验结束
senders: [police]
receivers: [procuratorate]
business: {police: [ZDYKY]}
key: [case_no, document_number]
docs: {required: [survey-record]}
fields: {required: [case-name, person-name]}
checks: [doc-required]
"""
)
DOCUMENTS = HEAD + "documents:\n  survey-record: {zh: 现场勘验笔录, en: Survey, issuer: police, signed: none, pii: 1}\n"
ARREST = Path("config/flows/arrest-request.yaml").read_text(encoding="utf-8")
STRICTER = ARREST.replace("required: [arrest-request-letter,", "required: [arrest-request-letter, survey-record,")
SPRING = 1_773_200_000.0
"""2026-03-11, the day after the exports say that they were written."""


def standard(street: Street, **files: str) -> None:
    """Put flows and codes into the police's configuration, by `flows__name` or `codes__name`."""
    for name, text in files.items():
        kind, _, file = name.partition("__")
        folder = street.police.root / "etc" / kind
        folder.mkdir(exist_ok=True)
        (folder / f"{file.replace('_', '-').replace('-edition-', '.')}.yaml").write_text(text, encoding="utf-8")


@pytest.fixture
def street(tmp_path: Path) -> Street:
    made = build(tmp_path, ToldClock(SPRING))
    routes = made.police.root / "etc" / "routes.d" / "police.yaml"
    text = routes.read_text(encoding="utf-8")
    assert '"folder": ' not in text
    routes.write_text(
        text.replace("packer: police\n", f"packer: police\n    flows: [arrest-request, {FLOW}]\n"), "utf-8"
    )
    standard(made, flows__field_survey=SURVEY, codes__documents_edition_local=DOCUMENTS)
    return made


def survey(export: PoliceExport) -> PoliceExport:
    """Return the export as one of the new flow."""
    changed = export.changed(("<YWLX>TQPZDB</YWLX>", "<YWLX>ZDYKY</YWLX>"))
    return replace(changed, stem=export.stem.replace("TQPZDB", "ZDYKY"))


def with_record(export: PoliceExport) -> PoliceExport:
    """Return the export with a survey record in the place of the filing decision."""
    changed = export.changed(("立案决定书", "现场勘验笔录")).without_file("文书/立案决定书.pdf")
    return changed.with_file("文书/现场勘验笔录.pdf", pdf("survey record"))


def drop(street: Street, export: PoliceExport) -> None:
    export.drop(street.out.with_name("police"))
    street.settle()


def refusal(street: Street) -> str:
    """Return what the clerk is told of the police's only export, which was refused."""
    assert street.police.only(OUT).state is State.REFUSED
    (told,) = street.out.with_name("police").rglob("*.err.json")
    return told.read_text(encoding="utf-8")


def test_a_new_flow_is_packed_checked_and_delivered(street: Street) -> None:
    with opened(street):
        drop(street, survey(with_record(PoliceExport())))
        sent, got = street.police.only(OUT), street.procuratorate.only(IN)
        assert (sent.flow, sent.priority, sent.state) == (FLOW, Priority.HIGH, State.DELIVERED), sent.last_error
        assert got.flow == FLOW
        assert any(path.name == "现场勘验笔录.pdf" for path in street.into.rglob("*"))
        other = survey(PoliceExport())
        drop(street, replace(other, stem=other.stem.replace("153012", "153013")))
        (told,) = street.out.with_name("police").rglob("*.err.json")
        assert "现场勘验笔录" in told.read_text(encoding="utf-8"), "its documents are asked for"


def test_a_changed_flow_asks_for_more(street: Street) -> None:
    standard(street, flows__arrest_request=STRICTER)
    with opened(street):
        drop(street, PoliceExport())
        told = refusal(street)
        assert "DOC-MISSING" in told
        assert "现场勘验笔录" in told


@pytest.mark.parametrize(("since", "is_sent"), [("2026-03-10", False), ("2026-03-11", True)])
def test_an_edition_counts_from_its_first_day(street: Street, since: str, *, is_sent: bool) -> None:
    later = STRICTER.replace("effective_from: 2026-01-01", f"effective_from: {since}")
    standard(street, flows__arrest_request_edition_2026=later)
    with opened(street):
        drop(street, PoliceExport())
        assert street.police.only(OUT).state is (State.DELIVERED if is_sent else State.REFUSED)


def test_a_node_that_runs_on_uses_the_lane_of_the_day(street: Street) -> None:
    later = ARREST.replace("effective_from: 2026-01-01", "effective_from: 2026-03-12")
    later = later.replace("\nlane: high\n", "\nlane: bulk\n", 1)
    assert later.count("lane: bulk") > ARREST.count("lane: bulk")
    standard(street, flows__arrest_request_edition_2026=later)
    with opened(street):
        drop(street, PoliceExport())
        street.clock.time += 86400
        drop(street, case(13))
        assert [one.priority for one in street.police.transfers(OUT)] == [Priority.HIGH, Priority.BULK]


def test_a_faulty_file_keeps_the_node_from_starting_and_every_fault_is_said(street: Street) -> None:
    standard(street, flows__field_survey=SURVEY.replace("class: 60", "class: 1").replace("police]\n", "polise]\n", 1))
    etc = street.police.root / "etc"
    (etc / "gateway.yaml").write_text((etc / "gateway.yaml").read_text("utf-8") + "\nlgo: {}\n", "utf-8")
    with pytest.raises(SettingsError) as caught:
        load_identity(etc, {})
    found = {(Path(one.file).name, one.code) for one in caught.value.complaints}
    assert found >= {
        ("field-survey.yaml", "role-misspelt"),
        ("field-survey.yaml", "class-taken"),
        ("gateway.yaml", "key-misspelt"),
    }
