"""XML of doubtful encoding and intent: refused before parsing where it must be, else parsed with everything off."""

import codecs
import re
from dataclasses import dataclass
from types import MappingProxyType

from lxml import etree  # type: ignore[import-untyped]  # lxml ships no type information

from gateway.standard.findings import Finding, Place, Verdict
from packers.bounds import MAX_REPORTED

MAX_XML_BYTES = 16 << 20
"""A case with 100,000 dossier entries is 11 MB; lxml needs about ten times that in memory."""

_DECLARATION = re.compile(rb"""\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
_DECLARED = re.compile(r"\s*<\?xml[^>]{0,400}?\?>")
_DTD = re.compile(r"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_BARE_AMPERSAND = re.compile(r"&(?!(?:[A-Za-z_][\w.-]{0,40}|#[0-9]{1,8}|#x[0-9A-Fa-f]{1,8});)")
_GB = frozenset({"gbk", "gb2312", "gb18030", "cp936", "ms936", "x-gbk", "gb_2312-80", "euc-cn"})
_SMALLER = MappingProxyType({"gb2312": "gb2312", "gb_2312-80": "gb2312", "euc-cn": "gb2312", "gb18030": "gb18030"})
"""The codec that a declaration really promises; `gbk` for the others."""


@dataclass(frozen=True, slots=True)
class XmlText:
    """The text of an XML file, the encoding its declaration claims and the one it really has."""

    text: str
    declared: str
    encoding: str


@dataclass(frozen=True, slots=True)
class ParsedXml:
    """`root` is None where the file may not be parsed or cannot be; `findings` say why."""

    root: etree._Element | None
    source: XmlText
    findings: tuple[Finding, ...]


def parse_xml(raw: bytes, file: str) -> ParsedXml:
    """Return the tree of `raw` (at most MAX_XML_BYTES) with its text read in the encoding it really has.

    Never raises for content. No DTD, entity, network or file is ever touched; GBK and GB2312 are read as GB18030.
    """
    declared = _declared_encoding(raw)
    source, findings = _decoded(raw, declared, file)
    if source is None:
        return ParsedXml(None, XmlText("", declared, ""), findings)
    refused = _refused(source.text, file)
    if refused:
        return ParsedXml(None, source, (*_as_rejects(findings), *refused))
    root, trouble = _parsed(source.text, file)
    return ParsedXml(root, source, (*(_as_rejects(findings) if root is None else findings), *trouble))


def _declared_encoding(raw: bytes) -> str:
    match = _DECLARATION.match(raw.removeprefix(codecs.BOM_UTF8))
    return match[1].decode("ascii").lower() if match else ""


def _decoded(raw: bytes, declared: str, file: str) -> tuple[XmlText | None, tuple[Finding, ...]]:
    encoding, text = _true_encoding(raw, declared)
    if text is None:
        return None, (_mismatch(Verdict.REJECT, declared, "", file),)
    is_gb = declared in _GB
    if encoding == "gb18030" and is_gb:
        if _fits(text, _SMALLER.get(declared, "gbk")):
            return XmlText(text, declared, encoding), ()
        facts: dict[str, str | int] = {"file": file, "declared": declared, "actual": encoding}
        rare = Finding("ENC-GB2312-RARE", Verdict.FIX, Place(file, 1), declared, encoding, "vendor", facts=facts)
        return XmlText(text, declared, encoding), (rare,)
    honest = declared == encoding or (not declared and encoding != "gb18030") or (is_gb and text.isascii())
    marks = () if honest else (_mismatch(Verdict.FIX, declared, encoding, file),)
    return XmlText(text, declared, encoding), marks


def _true_encoding(raw: bytes, declared: str) -> tuple[str, str | None]:
    order: tuple[str, ...]
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        order = ("utf-16",)
    elif declared in _GB and raw.isascii():
        order = ("gb18030",)
    else:
        # GBK text of any length is practically never valid UTF-8, so UTF-8 is tried first whatever is declared.
        order = ("utf-8", "gb18030")
    for encoding in order:
        try:
            return encoding, raw.decode(encoding).removeprefix("\ufeff")
        except UnicodeDecodeError:
            continue
    return "", None


def _fits(text: str, encoding: str) -> bool:
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def _mismatch(verdict: Verdict, declared: str, actual: str, file: str) -> Finding:
    facts: dict[str, str | int] = {"file": file, "declared": declared or "-", "actual": actual or "?"}
    return Finding("ENC-DECL-MISMATCH", verdict, Place(file, 1), declared, actual, "vendor", facts=facts)


def _as_rejects(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    # Catalogue D16: a wrong declaration is mended only where the text then makes sense.
    return tuple(
        Finding(f.code, Verdict.REJECT, f.place, f.value, f.expected, f.mender, facts=f.facts)
        if f.code == "ENC-DECL-MISMATCH"
        else f
        for f in findings
    )


def _refused(text: str, file: str) -> tuple[Finding, ...]:
    dtd = _DTD.search(text)
    if dtd is not None:
        line, column = _line_column(text, dtd.start())
        place = Place(file, line, column)
        facts: dict[str, str | int] = {"file": file, "line": line}
        return (Finding("XML-DTD", Verdict.REJECT, place, mender="security", alarm=True, facts=facts),)
    found = []
    for match in _CONTROL.finditer(text):
        line, column = _line_column(text, match.start())
        tag = _open_tag(text, match.start())
        value = f"U+{ord(match[0]):04X}"
        control: dict[str, str | int] = {"file": file, "line": line, "column": column, "tag": tag, "value": value}
        found.append(Finding("XML-CONTROL-CHAR", Verdict.REJECT, Place(file, line, column, tag), value, facts=control))
        if len(found) == MAX_REPORTED:
            break
    return tuple(found)


def _open_tag(text: str, at: int) -> str:
    start = text.rfind("<", 0, at)
    match = re.compile(r"<([\w.-]{1,60})").match(text, start) if start >= 0 else None
    return match[1] if match else ""


def _line_column(text: str, at: int) -> tuple[int, int]:
    return text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)


def _parsed(text: str, file: str) -> tuple[etree._Element | None, tuple[Finding, ...]]:
    declared = _DECLARED.match(text)
    # The declaration names an encoding that the bytes below no longer have; its line breaks keep the numbers right.
    body = text if declared is None else "\n" * declared[0].count("\n") + text[declared.end() :]
    shift = 0 if declared is None else declared.end() - max(declared[0].rfind("\n") + 1, 0)
    data = body.encode("utf-8", "surrogatepass")
    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        return etree.fromstring(data, parser), ()
    except (etree.XMLSyntaxError, ValueError):
        line, column, kind = _where(text, data, parser.error_log, shift)
        facts: dict[str, str | int] = {"file": file, "line": line, "column": column, "why": kind}
        return None, (
            Finding("XML-MALFORMED", Verdict.REJECT, Place(file, line, column), mender="vendor", facts=facts),
        )


def _where(text: str, data: bytes, log: etree._ListErrorLog, shift: int) -> tuple[int, int, str]:
    # libxml2's own words may quote content; only its name for the kind of error is kept.
    if not len(log):
        return 0, 0, "unreadable"
    kind = str(log[0].type_name).removeprefix("ERR_").lower().replace("_", "-")
    ampersand = _BARE_AMPERSAND.search(text)
    if kind in {"name-required", "entityref-semicol-missing"} and ampersand is not None:
        return *_line_column(text, ampersand.start()), "bare-ampersand"
    line = int(log[0].line)
    lines = data.split(b"\n", line)
    before = lines[line - 1][: max(int(log[0].column) - 1, 0)] if 0 < line <= len(lines) else b""
    return line, len(before.decode("utf-8", "ignore")) + 1 + (shift if line == 1 else 0), kind
