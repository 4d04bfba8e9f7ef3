"""The exchange standard is read strictly: whatever is wrong with it is said, all at once, each at its place."""

from pathlib import Path

import pytest

from gateway.domain.errors import ConfigError, TransientError
from gateway.settings.complaints import Complaint
from gateway.settings.complaints_standard import MISSPELT, TEMPLATES
from gateway.settings.standard_reading import check_files, check_own_standard
from gateway.standard.loading import load_standard, packaged_files, place_of
from tests.support.smallstandard import CODES, FLOW, HEAD, OTHER, write_standard

ROOT = Path(__file__).resolve().parents[3]


def complaints(folder: Path, **changed: str) -> list[Complaint]:
    return list(check_files(write_standard(folder, **changed), {}).complaints)


def at(text: str, wanted: str) -> tuple[int, int]:
    """Return line and column of the first `wanted` in `text`."""
    before = text[: text.index(wanted)]
    return before.count("\n") + 1, len(before) - before.rfind("\n")


def test_the_packaged_standard_is_sound() -> None:
    assert [str(one) for one in check_files(None, packaged_files()).complaints] == []


def test_a_small_sound_standard_is_sound(tmp_path: Path) -> None:
    assert complaints(tmp_path) == []


# What stands in a flow's file, what is put in its place, what is said, and where.
FLOWS = [
    ("lane: high", "lane: hihg", "choice-misspelt", "hihg"),
    ("lane: high", "lane: high\nlanes: high", "key-misspelt", "lanes"),
    ("class: 1\n", 'class: "1"\n', "not-number", '"1"'),
    ("class: 1\n", "class: 100\n", "out-of-range", "100"),
    ("class: 1\n", "class: 25\n", "class-taken", None),
    ("effective_from: 2026-01-01", "effective_from: 2026-02-30", "day-malformed", "2026-02-30"),
    ("effective_from: 2026-01-01", "effective_from: 2026-01-01\neffective_until: 2026-01-01", "edition-empty", None),
    ("group: investigation", "group: inquiry", "not-one-of", "inquiry"),
    ("senders: [police]", "senders: [polise]", "role-misspelt", "polise"),
    ("receivers: [procuratorate]", "receivers: [bank]", "role-unknown", "bank"),
    ("senders: [police]", "senders: []", "too-short", "[]"),
    ("required: [letter]", "required: [leter]", "name-misspelt", "leter"),
    ("required: [letter]", "required: [xyz]", "document-unknown", "xyz"),
    ("required: [letter]", "required: [letter, letter]", "listed-twice", "letter]"),
    ("docs: [warrant]", "docs: [xyz]", "document-unknown", "xyz"),
    ("[[approval], [refusal]]", "[[approval], [xyz]]", "document-unknown", "xyz"),
    ("person.coercive-measure == detained", "coercive-measure = detained", "condition-malformed", "coercive-measure ="),
    ("person.coercive-measure == detained", "coercive-measure == detaned", "name-misspelt", "coercive-measure =="),
    (
        "person.coercive-measure == detained",
        "'coercive-measure in [detained, xy]'",
        "code-unknown",
        "'coercive-measure",
    ),
    ("[case-name, coercive-start]", "[case-name, born]", "field-unknown", "born"),
    ("[case-name, coercive-start]", "case-name", "not-a-list", "case-name"),
    ("[doc-required,", "[doc-there,", "check-unknown", "doc-there"),
    ("{id-checksum: hold}", "{id-checksum: maybe}", "check-use-malformed", "{id-checksum"),
    ("{id-checksum: hold}", "doc-required", "listed-twice", None),
    ("cpl:91.3", "cpl.91.3", "basis-malformed", "cpl.91"),
    ("cpl:91.3", "penal:91.3", "law-unknown", "penal"),
    ("profile: full", "profile: fully", "name-misspelt", "fully"),
    ("profile: full", "profile: xyz", "profile-unknown", "xyz"),
    ("[case_no, document_number]", "[case_no, colour]", "part-unknown", "colour"),
    ("owner: receiver", "owner: nobody", "owner-unknown", "nobody"),
    ("clock: receipt\n", "clock: reciept\n", "clock-malformed", "reciept"),
    ("clock: receipt\n", "clock: receipt:nothing\n", "started-unknown", "receipt:nothing"),
    ("clock: receipt\n", "clock: field:born\n", "field-unknown", "field:born"),
    ("limit: P7D", "limit: 7D", "term-malformed", "7D"),
    ("limit: P7D", "limit: PT", "term-malformed", "PT"),
    ("calendar: natural-custody", "calendar: lunar", "not-one-of", "lunar"),
    ("amber: P5D", "amber: P8D", "term-late", "P8D"),
    ("{limit: P1M}", "{limit: P3D}", "order-wrong", "P3D"),
    ("{limit: P1M}", "{limit: P1M, wenn: x}", "key-misspelt", "wenn"),
    ("code: arrest-decision", "code: custody-handover", "flow-twice", None),
    ("police: [TQPZDB]", "police: [HY]", "business-twice", None),
    ("procuratorate: [SCDB]", "procuratorate: []", "too-short", "[]"),
    ("code: arrest-request", "code: arrest-req", "flow-file-name", "arrest-req"),
    ("zh: 提请批准逮捕", "zh：提请批准逮捕", "colon-wide", None),
    ("trigger: 批准提请逮捕\n", "", "key-missing", None),
    ("code: arrest-decision", "code: Arrest", "slug-malformed", "Arrest"),
]


@pytest.mark.parametrize(("old", "new", "code", "wanted"), FLOWS, ids=lambda one: str(one).strip()[:40])
def test_a_faulty_flow(tmp_path: Path, old: str, new: str, code: str, wanted: str | None) -> None:
    text = FLOW.replace(old, new, 1)
    found = complaints(tmp_path, flow=text)
    assert [one.code for one in found if one.code == code] == [code], [str(one) for one in found]
    if wanted is not None:
        (one,) = found
        assert (Path(one.file).name, (one.line, one.column)) == ("arrest-request.yaml", at(text, wanted))
    assert all(one.what and one.do for one in found)


def test_a_check_that_nothing_carries_out(tmp_path: Path) -> None:
    added = HEAD + "checks:\n  moon-phase: {severity: warn, rule: 月相, rule_en: Moon}\n"
    flow = FLOW.replace("[doc-required,", "[doc-required, moon-phase,")
    folder = write_standard(tmp_path, flow=flow)
    (folder / "codes" / "checks.local.yaml").write_text(added, encoding="utf-8")
    (one,) = check_files(folder, {}).complaints
    assert (one.code, (one.line, one.column)) == ("check-unanswered", at(flow, "moon-phase"))


PLACES = [
    ("documents", "刑事拘留证", "提请批准逮捕书", "title-twice"),
    ("documents", "issuer: police", "issuer: court", "role-unknown"),
    ("documents", "pii: 3", "pii: 4", "out-of-range"),
    ("documents", "signed: required", "signed: yes", "not-one-of"),
    ("documents", "signed: required", "seal: required, signed: required", "key-unknown"),
    ("documents", "signed: required", "sgned: required, signed: required", "key-misspelt"),
    ("fields", "type: date", "type: day", "type-malformed"),
    ("fields", "mask: replace-names", "mask: blur", "not-one-of"),
    ("checks", "severity: reject", "severity: alarm", "not-one-of"),
    ("checks", "cpl:160.2", "xyz:160.2", "law-unknown"),
    ("laws", "evidence: text-read", "evidence: heard", "not-one-of"),
    ("tables", '"03"', '"02"', "code-twice"),
    ("tables", "zh: 逮捕", "zh: 拘留", "code-twice"),
    ("tables", '["03"]', "[03]", "not-text"),
    ("charges", "'050200'", "'040100'", "code-twice"),
    ("charges", "id: cl-264", "id: cl-232", "code-twice"),
    ("charges", "zh: 盗窃罪", "zh: 故意杀人罪", "code-twice"),
    ("charges", "with_approval: 12", "with_approval: 14", "age-order"),
    ("charges", "severe: true", "severe: 'true'", "not-boolean"),
    ("charges", "severe: true", "since: 2011-5-1", "day-malformed"),
    ("holidays", '"2026":', "2026:", "key-not-text"),
    ("holidays", '"2026":', '"26":', "year-malformed"),
    ("holidays", "2026-10-01..2026-10-07", "2026-10-07..2026-10-01", "days-implausible"),
    ("holidays", "2026-10-01..2026-10-07", "2026-10-01-07", "days-malformed"),
    ("holidays", "2026-10-01..2026-10-07", "2026-10-01..2026-13-07", "day-malformed"),
    ("holidays", "2026-10-01..2026-10-07", "2026-10-01..2026-10-06", "holidays-few"),
    ("holidays", "2026-06-19..2026-06-21", "2026-06-01..2026-06-21", "holidays-many"),
    ("holidays", "2026-10-10]", "2026-10-12]", "day-worked-weekday"),
    ("holidays", "2026-10-10]", "2026-10-03]", "day-both"),
    ("holidays", "2026-10-10]", "2026-09-20]", "days-twice"),
    ("holidays", "2026-10-10]", "2027-10-10]", "day-of-other-year"),
    ("holidays", '"12:00"', '"07:00"', "hours-order"),
    ("holidays", '"12:00"', '"12:60"', "hour-malformed"),
]


@pytest.mark.parametrize(("file", "old", "new", "code"), PLACES, ids=lambda one: str(one)[:40])
def test_a_faulty_code_file(tmp_path: Path, file: str, old: str, new: str, code: str) -> None:
    text = HEAD + CODES[file]
    assert old in text
    changed = new.join(text.rsplit(old, 1)) if file == "charges" and "zh:" not in old else text.replace(old, new, 1)
    found = complaints(tmp_path, **{file: changed})
    assert code in [one.code for one in found], [str(one) for one in found]
    line = next(n for n, (a, b) in enumerate(zip(text.split("\n"), changed.split("\n"), strict=True), 1) if a != b)
    assert [one.code for one in found if one.line == line or one.code.startswith("holidays-")], "at its place"
    assert {Path(one.file).name for one in found} == {f"{file}.yaml"}


def test_everything_is_said_at_once(tmp_path: Path) -> None:
    text = FLOW.replace("lane: high", "lane: x").replace("limit: P7D", "limit: 7D").replace("P5D", "5D")
    other = OTHER.replace("senders: [police]", "senders: [polise]")
    found = complaints(tmp_path, flow=text, other=other, laws=HEAD + CODES["laws"].replace("text-read", "heard"))
    assert [(Path(one.file).name, one.code) for one in found] == [
        ("laws.yaml", "not-one-of"),
        ("arrest-request.yaml", "not-one-of"),
        ("arrest-request.yaml", "term-malformed"),
        ("arrest-request.yaml", "term-malformed"),
        ("custody-handover.yaml", "role-misspelt"),
    ]


def test_editions_stand_side_by_side_and_do_not_overlap(tmp_path: Path) -> None:
    folder = write_standard(tmp_path)
    later = FLOW.replace("effective_from: 2026-01-01", "effective_from: 2027-01-01")
    place = folder / "flows" / "arrest-request.2027.yaml"

    def codes(text: str, first: str = FLOW) -> list[str]:
        place.write_text(text, encoding="utf-8")
        (folder / "flows" / "arrest-request.yaml").write_text(first, encoding="utf-8")
        return [one.code for one in check_files(folder, {}).complaints]

    until = "effective_from: 2026-01-01\neffective_until: "
    assert codes(later) == []
    assert codes(FLOW) == ["edition-twice"]
    assert codes(later.replace("class: 1\n", "class: 2\n")) == ["class-changed"]
    assert codes(later, FLOW.replace("effective_from: 2026-01-01", until + "2027-01-01")) == []
    assert codes(later, FLOW.replace("effective_from: 2026-01-01", until + "2027-06-01")) == ["editions-overlap"]


def test_files_that_would_be_left_out_or_taken_for_others(tmp_path: Path) -> None:
    folder = write_standard(tmp_path)
    (folder / "codes" / "charge.yaml").write_text(HEAD, encoding="utf-8")
    (folder / "codes" / "zz.yaml").write_text(HEAD, encoding="utf-8")
    (folder / "flows" / "new.yml").write_text(FLOW, encoding="utf-8")
    (folder / "flows" / "empty.yaml").write_text("# nothing\n", encoding="utf-8")
    (folder / "flows" / "kept.yaml.bak").write_text("nonsense", encoding="utf-8")
    assert [(Path(one.file).name, one.code) for one in check_files(folder, {}).complaints] == [
        ("charge.yaml", "standard-file-misspelt"),
        ("zz.yaml", "standard-file-unknown"),
        ("empty.yaml", "file-empty"),
        ("new.yml", "file-ending"),
    ]


def test_a_folder_without_files_of_its_own_costs_nothing(tmp_path: Path) -> None:
    assert check_own_standard(tmp_path) == check_own_standard(tmp_path / "nowhere")
    assert check_own_standard(tmp_path).own == ()


def test_an_own_file_stands_in_the_place_of_the_packaged_one(tmp_path: Path) -> None:
    (tmp_path / "codes").mkdir()
    roles = (ROOT / "config" / "codes" / "roles.yaml").read_text(encoding="utf-8")
    (tmp_path / "codes" / "roles.yaml").write_text(roles.replace("legal-aid-centre:", "aid-centre:"), encoding="utf-8")
    found = check_own_standard(tmp_path)
    assert [path.name for path in found.own] == ["roles.yaml"]
    # Packaged flows name the role that is gone: their own places are shown.
    assert {one.code for one in found.complaints} == {"role-unknown", "role-misspelt"} & {
        o.code for o in found.complaints
    }
    assert {Path(one.file).name for one in found.complaints} >= {"legal-aid-notice.yaml", "documents.yaml"}
    assert all(one.line > 1 for one in found.complaints)


def test_what_the_strict_reader_accepts_the_fast_one_builds(tmp_path: Path) -> None:
    folder = write_standard(tmp_path)
    assert check_files(folder, {}).complaints == ()
    standard = load_standard(place_of(folder))
    flow = standard.flow("arrest-request")
    assert flow is not None
    assert flow.reply is not None
    assert (flow.number, flow.required, flow.severities["id-checksum"]) == (1, ("case-name", "coercive-start"), "hold")
    assert (flow.deadlines[0].limit, flow.deadlines[0].extensions[0].limit) == ("P7D", "P1M")
    assert standard.table("coercive-measure").read("police", "02") == "detained"
    assert standard.charges.by_code("police", "040100") == standard.charges.by_name("故意杀人罪")
    assert len(standard.holidays.off) == 33
    assert [one.titles for one in standard.documents.values()][1][-1] == "刑事拘留证"


def test_every_kind_of_complaint_is_provoked_here() -> None:
    files = {"standard-file-unknown", "standard-file-misspelt"}
    editions = {"edition-twice", "editions-overlap", "class-changed", "check-unanswered"}
    assert {one[2] for one in FLOWS} | {one[3] for one in PLACES} | files | editions >= set(TEMPLATES)
    assert set(MISSPELT) | set(MISSPELT.values()) <= set(TEMPLATES)


def test_what_is_added_to_a_dictionary_stands_beside_it(tmp_path: Path) -> None:
    folder = write_standard(tmp_path, flow=FLOW.replace("required: [letter]", "required: [letter, map]"))
    added = HEAD + "documents:\n  map: {zh: 现场图, en: Map, issuer: police, signed: none, pii: 1}\n"
    assert [one.code for one in check_files(folder, {}).complaints] == ["document-unknown"]
    (folder / "codes" / "documents.local.yaml").write_text(added, encoding="utf-8")
    (folder / "codes" / "holidays.2027.yaml").write_text(
        HEAD + 'years:\n  "2027":\n    off: [2027-01-01, 2027-02-01..2027-02-12]\n    worked: []\n', encoding="utf-8"
    )
    (folder / "codes" / "tables.local.yaml").write_text(
        HEAD + "tables:\n  coercive-measure:\n    bail: {zh: 取保候审, en: bail, police: ['03']}\n", encoding="utf-8"
    )
    found = check_files(folder, {}).complaints
    assert [(Path(one.file).name, one.code) for one in found] == [
        ("holidays.2027.yaml", "holidays-few"),
        ("tables.local.yaml", "code-twice"),
    ]
    standard = load_standard(place_of(folder))
    assert {"letter", "map"} <= set(standard.documents)
    assert {2026, 2027} == set(standard.holidays.years)
    assert {"detained", "bail"} <= set(standard.table("coercive-measure").codes)


def test_a_row_that_is_added_takes_the_place_of_the_packaged_one(tmp_path: Path) -> None:
    (tmp_path / "codes").mkdir()
    (tmp_path / "codes" / "charges.local.yaml").write_text(
        HEAD
        + "charges:\n  - {id: cl-264, zh: 盗窃罪, article: '264', age: 16, by: police, codes: {police: '050299'}}\n",
        encoding="utf-8",
    )
    assert check_own_standard(tmp_path).complaints == ()
    charges = load_standard(place_of(tmp_path)).charges
    assert charges.by_code("police", "050299") == charges.by_name("盗窃罪")
    assert len([one for one in charges.rules if one.id == "cl-264"]) == 1


def test_files_that_were_changed_since_they_were_looked_at_are_not_mixed_with_what_a_node_knows(tmp_path: Path) -> None:
    write_standard(tmp_path)
    place = place_of(tmp_path)
    file = next(tmp_path.rglob("*.yaml"))
    file.write_bytes(file.read_bytes() + b"\n")
    with pytest.raises(TransientError) as caught:
        load_standard(place)
    assert caught.value.code == "standard-changed"
    assert load_standard(place_of(tmp_path)).digest != place.digest


def test_a_file_that_nobody_checked_is_named_where_it_cannot_be_read(tmp_path: Path) -> None:
    write_standard(tmp_path)
    file = next((tmp_path / "codes").glob("*.yaml"))
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError) as caught:
        load_standard(place_of(tmp_path))
    assert (caught.value.code, caught.value.facts["file"]) == ("standard-malformed", f"codes/{file.name}")
