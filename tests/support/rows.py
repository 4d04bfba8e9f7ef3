"""All rows of the defects catalogue: an export that shows it, or the test of the behaviour that it describes."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from tests.support.courts import CourtExport
from tests.support.defects import DEFECTS, honest
from tests.support.exports import FILES, pdf
from tests.support.prisons import PrisonExport
from tests.support.procuratorate import ProcuratorateExport, ofd

Drop = Callable[[Path], tuple[Path, ...]]
DATA = Path(__file__).parents[1] / "data"


@dataclass(frozen=True)
class Row:
    """One row that one export shows: `drop` writes it and returns its parts, the export itself first."""

    no: int
    code: str
    verdict: str
    packer: str
    drop: Drop
    alarm: bool = False
    name: str = ""

    def __str__(self) -> str:
        return f"D{self.no}-{self.code}{'-' + self.name if self.name else ''}"


SIGNED = pdf("signed").replace(b"%%EOF", b"/ByteRange [0 100 200 99999999]\n%%EOF")
"""A PDF whose signature says that it covers more than there is."""


def _court(*pairs: tuple[str, str]) -> Drop:
    return lambda folder: CourtExport().changed(*pairs).drop(folder)


def _prison(row: int, heading: str, text: str) -> Drop:
    return lambda folder: PrisonExport().with_cell(row, heading, text).drop(folder)


def _scc(*pairs: tuple[str, str]) -> Drop:
    return lambda folder: ProcuratorateExport().changed(*pairs).drop(folder)


def _witness(folder: Path) -> tuple[Path, ...]:
    return honest().changed(('JMC="证据材料卷"', 'JMC="证人化名卷"')).drop(folder)


def _expired(folder: Path) -> tuple[Path, ...]:
    """A transfer for prosecution by the day of which custody after arrest had run out."""
    export = replace(honest(), stem=honest().stem.replace("TQPZDB", "YSQS"))
    return export.changed(
        ("<YWLX>TQPZDB</YWLX>", "<YWLX>YSQS</YWLX>"),
        ("<LX>02</LX><LXMC>拘留</LXMC><KSRQ>2026-03-03</KSRQ>", "<LX>03</LX><LXMC>逮捕</LXMC><KSRQ>2026-03-03</KSRQ>"),
    ).drop(folder)


def _comma(folder: Path) -> tuple[Path, ...]:
    rows = PrisonExport().table().decode("gbk").splitlines()
    rows[1] = rows[1].replace("赵虚构", "赵虚构,赵某")
    return replace(PrisonExport(), raw="\r\n".join([*rows, ""]).encode("gbk")).drop(folder)


def _rowcount(folder: Path) -> tuple[Path, ...]:
    export = PrisonExport()
    return replace(export, mark=export.mark_text().replace("ROWS=3", "ROWS=4")).drop(folder)


EXPORTS: tuple[Row, ...] = (
    *(
        Row(
            one.no,
            one.code,
            one.verdict,
            "police",
            lambda folder, one=one: one.make().drop(folder),
            one.alarm,
            one.name,
        )
        for one in DEFECTS
    ),
    Row(
        50,
        "ENC-BOM",
        "fix",
        "procuratorate",
        lambda folder: replace(ProcuratorateExport(), raw=b"\xef\xbb\xbf" + ProcuratorateExport().text.encode()).drop(
            folder
        ),
    ),
    Row(51, "JSON-SYNTAX", "reject", "procuratorate", _scc(('"mj": "内部",', '"mj": "内部",,'))),
    Row(
        52,
        "JSON-DUP-KEY",
        "reject",
        "procuratorate",
        _scc(('"SLRQ": "2026-03-10",', '"SLRQ": "2026-03-10", "SLRQ": "2026-03-11",')),
    ),
    Row(54, "DATE-ORDER", "hold", "procuratorate", _scc(('"WCRQ": "2026-03-16"', '"WCRQ": "2026-03-09"'))),
    Row(
        55,
        "FS-INCOMPLETE",
        "wait",
        "procuratorate",
        lambda folder: (
            replace(ProcuratorateExport(), is_ready=False).without_file("docs/批准逮捕决定书_张测试.ofd").drop(folder)
        ),
    ),
    Row(
        56,
        "DOC-TYPE",
        "reject",
        "procuratorate",
        lambda folder: ProcuratorateExport().with_file("docs/批准逮捕决定书_张测试.ofd", pdf("pdf")).drop(folder),
    ),
    Row(
        57,
        "DOC-MISSING",
        "reject",
        "procuratorate",
        lambda _folder: (DATA / "procuratorate" / "defects" / "57_no_refusal_reasons",),
    ),
    Row(58, "TERM-ARITHMETIC", "warn", "court", _court(("<XQZR>2027-03-02</XQZR>", "<XQZR>2027-05-18</XQZR>"))),
    Row(59, "EXEC-BEFORE-EFFECTIVE", "hold", "court", _court(("<SXRQ>2026-05-19</SXRQ>", "<SXRQ></SXRQ>"))),
    Row(
        60,
        "PRISON-FOUR-DOCS",
        "reject",
        "court",
        lambda folder: CourtExport().without_file("WS/结案登记表.pdf").drop(folder),
    ),
    Row(
        60,
        "PRISON-FOUR-DOCS",
        "reject",
        "court",
        lambda folder: (
            CourtExport()
            .changed(('      <WS XH="3" LX="JADJB" MC="结案登记表" WJ="WS/结案登记表.pdf" QZ="1"/>\n', ""))
            .without_file("WS/结案登记表.pdf")
            .drop(folder)
        ),
        name="unlisted",
    ),
    Row(61, "CASENO-FORMAT", "warn", "court", _court(("（2026）测0102刑初12号", "(2026)测0102刑初12号"))),
    Row(62, "CSV-EXCEL-SCI", "reject", "prison", _prison(1, "证件号码", "9.90104E+17")),
    Row(63, "CSV-DATE", "fix", "prison", _prison(1, "出生日期", "27515")),
    Row(63, "CSV-DATE", "fix", "prison", _prison(1, "出生日期", "1975/5/1"), name="slashes"),
    Row(64, "CSV-COLUMNS", "reject", "prison", _comma),
    Row(65, "CSV-ROWCOUNT", "reject", "prison", _rowcount),
    Row(66, "COMMUTATION-ORDER", "hold", "prison", _prison(1, "拟减后止日", "2031-01-31")),
    Row(
        67, "ENC-DECL-MISMATCH", "fix", "prison", lambda folder: replace(PrisonExport(), codec="utf-8-sig").drop(folder)
    ),
    Row(68, "CSV-DUP-PRISONER", "hold", "prison", _prison(2, "罪犯编号", "9901000017")),
    Row(81, "CUSTODY-EXPIRED", "warn", "police", _expired),
    Row(83, "WITNESS-PROTECT", "hold", "police", _witness),
    Row(
        84,
        "SIGN-INVALID",
        "reject",
        "police",
        lambda folder: honest().with_file("文书/提请批准逮捕书.pdf", SIGNED).drop(folder),
    ),
    Row(
        46,
        "DOC-PASSWORD",
        "reject",
        "procuratorate",
        lambda folder: (
            ProcuratorateExport()
            .with_file("docs/批准逮捕决定书_张测试.ofd", ofd("x") + b"Encryptions.xml" + ofd("y"))
            .drop(folder)
        ),
        name="ofd",
    ),
    Row(
        47,
        "SEC-LEVEL",
        "reject",
        "procuratorate",
        lambda folder: (
            ProcuratorateExport()
            .with_file("docs/批准逮捕决定书_张测试.ofd", ofd("<ofd:Title>机密★5年</ofd:Title>"))
            .drop(folder)
        ),
        alarm=True,
        name="ofd-title",
    ),
    Row(
        47,
        "SEC-LEVEL",
        "reject",
        "police",
        lambda folder: (
            honest()
            .with_file(
                "文书/提请批准逮捕书.pdf",
                FILES["文书/提请批准逮捕书.pdf"].replace(
                    b"/Root 1 0 R", b"/Root 1 0 R /Title <FEFF" + "秘密★1年".encode("utf-16-be").hex().encode() + b">"
                ),
            )
            .drop(folder)
        ),
        alarm=True,
        name="pdf-title",
    ),
)
"""What `caseferry inspect --json` shows of one export."""

_STAGES = "tests/unit/stages/"
_CHECKS = "tests/unit/standard/test_checks.py::"
BEHAVIOUR = {
    37: f"{_STAGES}test_routing.py::test_an_unknown_receiver_is_refused_with_the_nearest_by_code_and_by_name",
    53: "tests/unit/answers/test_ties.py::test_any_of_the_numbers_ties_however_it_is_written",
    70: "tests/unit/folders/test_watch.py::test_any_change_starts_the_count_anew",
    71: "tests/unit/folders/test_claim.py::test_an_export_held_open_by_another_program_waits",
    72: "tests/unit/cli/test_status.py::test_what_waits_for_room_is_counted_and_says_how_much_is_missing",
    73: "tests/unit/transport/test_parts.py::test_a_file_crosses_in_parts_of_the_largest_size",
    74: f"{_STAGES}test_scanned.py::test_an_infected_export_is_set_aside_and_not_given_back",
    77: f"{_STAGES}test_repeats.py::test_the_same_content_again_is_not_sent_and_shows_the_old_receipt",
    78: f"{_STAGES}test_repeats.py::test_another_version_is_held_and_told_of",
    79: f"{_CHECKS}test_a_third_supplementary_investigation_is_held",
    80: f"{_CHECKS}test_an_extension_is_asked_for_in_time",
    82: f"{_CHECKS}test_a_sealed_record_is_refused_without_a_word_about_whose",
    85: f"{_STAGES}test_dated_ahead.py::test_both_sides_tell_once_that_their_clocks_differ_and_exchange_all_the_same",
    86: f"{_STAGES}test_resync.py::test_a_gap_is_seen_at_once_and_asked_for",
    87: "tests/unit/ledger/test_queries.py::test_silence_is_overdue",
    88: f"{_STAGES}test_routing.py::test_a_receiver_whose_keys_are_missing_is_still_that_receiver",
    89: f"{_STAGES}test_routing.py::test_a_flow_that_the_matrix_does_not_allow_is_refused_with_who_may",
    90: f"{_STAGES}test_drift.py::test_another_version_pauses_before_anything_is_sealed_or_bounced",
}
"""Rows that one export cannot show -> the test of what happens."""
