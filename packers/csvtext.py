"""CSV of doubtful encoding and history: read in the encoding it really has, every line with its number."""

import codecs
import csv
import io
import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from gateway.standard.findings import Finding, Place, Verdict
from packers.bounds import MAX_REPORTED

MAX_CSV_BYTES: Final = 16 << 20
"""Some 30,000 prisoners; the largest batch met had 800."""
MAX_ROWS: Final = 50_000
AGREED: Final = "gbk"
"""The encoding of every table of this kind (layout of the prison system)."""
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class Row:
    """One line below the heading. line: where it begins in the file; number: its place among the rows; from 1."""

    line: int
    number: int
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """The whole table. `rows` has all lines, those too whose cells are more or fewer than the heading's."""

    heading: tuple[str, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class ParsedCsv:
    """`table` is None where the file cannot be read as a table; `findings` say why. encoding: what it really had."""

    table: Table | None
    encoding: str
    findings: tuple[Finding, ...]


def parse_csv(raw: bytes, file: str, headings: Collection[str]) -> ParsedCsv:
    """Return the table of `raw` (at most MAX_CSV_BYTES). Never raises for content.

    headings: names of columns, one of which must stand in the first line: by that the encoding is recognised, since
    short texts can be read in several (catalogue D67).
    """
    encoding, text = _true_encoding(raw, headings)
    if text is None:
        return ParsedCsv(None, "", (_mismatch(Verdict.REJECT, file, ""),))
    findings: list[Finding] = []
    if encoding != "gb18030":
        findings.append(_mismatch(Verdict.FIX, file, encoding))
    elif not _fits(text):
        facts: dict[str, str | int] = {"file": file, "declared": AGREED, "actual": encoding}
        findings.append(Finding("ENC-GB2312-RARE", Verdict.FIX, Place(file), AGREED, encoding, "vendor", facts=facts))
    control = _CONTROL.search(text)
    if control is not None:
        line = text.count("\n", 0, control.start()) + 1
        findings.append(_malformed(file, line, "control"))
        return ParsedCsv(None, encoding, tuple(findings))
    table, trouble = _rows(text, file)
    return ParsedCsv(table, encoding, (*findings, *trouble))


def check_columns(table: Table, file: str) -> list[Finding]:
    """Return a finding for each row that has not the columns of the heading (catalogue D64)."""
    wanted = len(table.heading)
    wrong = [row for row in table.rows if len(row.cells) != wanted]
    return [
        Finding(
            "CSV-COLUMNS",
            Verdict.REJECT,
            Place(file, row.line),
            str(len(row.cells)),
            str(wanted),
            facts={"file": file, "row": row.number, "line": row.line, "columns": len(row.cells), "wanted": wanted},
        )
        for row in wrong[:MAX_REPORTED]
    ]


def _true_encoding(raw: bytes, headings: Collection[str]) -> tuple[str, str | None]:
    if raw.startswith(codecs.BOM_UTF8):
        return "utf-8", _decoded(raw.removeprefix(codecs.BOM_UTF8), "utf-8")
    readable = [(one, text) for one in ("gb18030", "utf-8") if (text := _decoded(raw, one)) is not None]
    for encoding, text in readable:
        if any(name in text.partition("\n")[0] for name in headings):
            return encoding, text
    return readable[0] if readable else ("", None)


def _decoded(raw: bytes, encoding: str) -> str | None:
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError:
        return None


def _fits(text: str) -> bool:
    try:
        text.encode(AGREED)
    except UnicodeEncodeError:
        return False
    return True


def _rows(text: str, file: str) -> tuple[Table | None, list[Finding]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    found: list[tuple[int, tuple[str, ...]]] = []
    line = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                found.append((line, tuple(cell.strip() for cell in cells)))
            line = reader.line_num + 1
            if len(found) > MAX_ROWS + 1:
                facts: dict[str, str | int] = {"file": file, "limit": MAX_ROWS}
                return None, [Finding("CSV-LIMIT", Verdict.REJECT, Place(file), facts=facts)]
    except csv.Error:
        return None, [_malformed(file, line, "quotes")]
    if not found:
        return None, [_malformed(file, 1, "empty")]
    rows = tuple(Row(at, n, cells) for n, (at, cells) in enumerate(found[1:], 1))
    return Table(found[0][1], rows), []


def _mismatch(verdict: Verdict, file: str, actual: str) -> Finding:
    facts: dict[str, str | int] = {"file": file, "declared": AGREED, "actual": actual or "?"}
    return Finding("ENC-DECL-MISMATCH", verdict, Place(file, 1), AGREED, actual, "vendor", facts=facts)


def _malformed(file: str, line: int, why: str) -> Finding:
    facts: dict[str, str | int] = {"file": file, "line": line, "why": why}
    return Finding("CSV-MALFORMED", Verdict.REJECT, Place(file, line), mender="vendor", facts=facts)
