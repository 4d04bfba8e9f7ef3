"""The procuratorate's folders: the JSON of a case, and the list of its files."""

from collections.abc import Mapping
from pathlib import Path

from gateway.packing import Packet
from gateway.standard.checks import check_case_package
from gateway.standard.findings import Verdict, worst
from gateway.standard.package import CasePackage, Source
from packers import procuratorate_fields as tags
from packers.jsontext import parse_json
from packers.police_write import case_xml
from packers.procuratorate_json import ProcuratorateReader
from packers.procuratorate_manifest import Seen, compare, read_manifest
from packers.procuratorate_write import case_json
from packers.xmltext import parse_xml
from tests.fuzz.target import Target
from tests.support.procuratorate import SAMPLE, TEXT
from tests.support.standard import STANDARD

CASE = "case.json"


def run_json(data: bytes) -> None:
    """Any case.json: read, checked, written as a case package that its reader takes and as both agencies' records."""
    parsed = parse_json(data, CASE)
    assert (parsed.root is None) == (worst(parsed.findings) is Verdict.REJECT)
    if parsed.root is None:
        return
    reader = ProcuratorateReader(CASE, str, STANDARD)
    package = reader.read(parsed.root, Source("procuratorate", "x", len(data)))
    check_case_package(package, (), STANDARD, sender_role="procuratorate")
    assert CasePackage.from_json(package.to_json()) == package
    packet = Packet(package, Path(), {}, "x", STANDARD)
    again = parse_json(case_json(packet, package), CASE)
    assert again.root is not None
    assert again.findings == ()
    assert parse_xml(case_xml(packet, package), "x.xml").root is not None


def json_seeds() -> Mapping[str, bytes]:
    small = '{"xtxx": {"ywlb": "QS", "pttyah": null}, "ajjbxx": {"slrq": "2026-3-1"}, "xyr": [{}], "new": [1, true]}'
    return {
        "whole": TEXT.encode(),
        "small": small.encode(),
        "marked": b"\xef\xbb\xbf" + small.encode(),
        "twice": small.replace('"xyr"', '"xtxx": {}, "xyr"').encode(),
        "capitals": small.upper().encode().replace(b"NULL", b"null").replace(b"TRUE", b"true"),
    }


def run_manifest(data: bytes) -> None:
    """Any manifest.json beside the files of the worked example."""
    parsed = parse_json(data, "manifest.json")
    listed = read_manifest(parsed.root) if parsed.root is not None else None
    if listed is not None:
        present = {"case.json": Seen(3, "0" * 64), "docs/a.ofd": Seen(0, "1" * 64)}
        assert {finding.verdict for finding in compare(listed, present, ())} <= {Verdict.HOLD, Verdict.REJECT}


def manifest_seeds() -> Mapping[str, bytes]:
    digest = "0" * 64
    return {
        "whole": (SAMPLE / "manifest.json").read_bytes(),
        "one": f'{{"FILES": [{{"path": "case.json", "size": 3, "sha256": "{digest}"}}]}}'.encode(),
        "wrong": b'{"files": [{"path": "docs/a.ofd", "size": -1e9, "sha256": null}, 7]}',
    }


_WORDS = (
    *(f'"{tag}":"1"'.encode() for known in (tags.EXCHANGE, tags.CASE, tags.PERSON, tags.DOCUMENT) for tag in known),
    *(f'"{tag}":[{{}}]'.encode() for tag in (*tags.ROWS, "xyr", "ws", "jz", "cw", "qtxx", "wj")),
    *(b"null", b"true", b"\\u0000", b"\\ud800", b"[[[[", b"2026-02-30", b"PZDB"),
)

TARGETS = (
    # One name makes a row of the case package, and is written twice more.
    Target("json", run_json, json_seeds, longest=8192, growth=1024, words=_WORDS, json_at=0),
    Target("json-list", run_manifest, manifest_seeds, longest=4096, growth=256, json_at=0),
)
