"""A short file with long names, each of whose many values would be kept with its whole place, fills no memory."""

from gateway.standard.findings import Verdict
from gateway.standard.package import CasePackage, Source
from packers.bounds import MAX_KEPT, MAX_REPORTED
from packers.court_xml import CourtReader
from packers.jsontext import parse_json
from packers.police_xml import PoliceReader
from packers.procuratorate_json import ProcuratorateReader
from packers.xmltext import parse_xml
from tests.support.standard import STANDARD

SOURCE = Source("any", "export")


def kept(package: CasePackage) -> int:
    return sum(len(one.name) + len(one.value) for one in package.unknown)


def unchanged(path: str) -> str:
    return path


def test_of_an_xml_with_a_long_name() -> None:
    readers = (
        ("ZFAJ", PoliceReader("data.xml", unchanged, STANDARD)),
        ("FYSJJH", CourtReader(unchanged, STANDARD)),
    )
    for root, reader in readers:
        long = "T" * 40_000
        parsed = parse_xml(f"<{root}><{long}>{'<a/>' * 3_000}</{long}></{root}>".encode(), "data.xml")
        package = reader.read(parsed.root, SOURCE)
        assert [(one.code, one.verdict) for one in reader.findings] == [("XML-LIMIT", Verdict.REJECT)]
        assert kept(package) <= MAX_KEPT


def test_of_an_xml_with_long_names_one_below_the_other() -> None:
    long = "T" * 40_000
    text = f"<ZFAJ>{f'<{long}>' * 60}{f'</{long}>' * 60}</ZFAJ>"
    reader = PoliceReader("data.xml", unchanged, STANDARD)
    reader.read(parse_xml(text.encode(), "data.xml").root, SOURCE)
    assert [one.code for one in reader.findings] == ["XML-LIMIT"]


def test_of_a_json_with_long_names_one_below_the_other() -> None:
    values = ",".join(f'"{n}":1' for n in range(15_000))
    text = '{"xtxx":{},"ajjbxx":{},' + f'"{"K" * 199}":{{' * 25 + values + "}" * 26
    parsed = parse_json(text.encode(), "case.json")
    assert parsed.root is not None
    reader = ProcuratorateReader("case.json", unchanged, STANDARD)
    package = reader.read(parsed.root, SOURCE)
    assert [(one.code, one.verdict) for one in reader.findings] == [("JSON-LIMIT", Verdict.REJECT)]
    assert kept(package) <= MAX_KEPT


def test_findings_of_one_kind_are_bounded_whatever_the_format() -> None:
    persons = "<XYR><SFHM>99010219920229017x</SFHM></XYR>" * 100
    police = PoliceReader("data.xml", unchanged, STANDARD)
    police.read(parse_xml(f"<ZFAJ><XYRS>{persons}</XYRS></ZFAJ>".encode(), "data.xml").root, SOURCE)
    doubled = ",".join(f'"a{n}":1,"A{n}":1' for n in range(100))
    procuratorate = ProcuratorateReader("case.json", unchanged, STANDARD)
    root = parse_json(f'{{"xtxx":{{}},"ajjbxx":{{{doubled},"b":1,"B":2}}}}'.encode(), "case.json").root
    assert root is not None
    procuratorate.read(root, SOURCE)
    assert [one.code for one in police.findings] == ["ID-LOWERCASE-X"] * MAX_REPORTED
    assert [one.code for one in procuratorate.findings] == ["JSON-DUP-KEY"] * (MAX_REPORTED + 1)
    assert procuratorate.findings[-1].verdict is Verdict.REJECT
