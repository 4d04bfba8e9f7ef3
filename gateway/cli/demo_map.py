"""The province of the demo: seven units, the links between them, one of each kind, and what they exchange."""

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from gateway.cli.demo_nodes import POLICE, PROCURATORATE
from gateway.domain.ids import UnitCode
from gateway.roster.content import HUB, Level
from gateway.settings.writing import Values


@dataclass(frozen=True, slots=True)
class DemoUnit:
    """One unit; `key` is the name of its folder. `serves`: others call its SFTP server."""

    key: str
    unit: UnitCode
    name: str
    role: str
    level: Level
    region: str
    serves: bool = False


class Way(StrEnum):
    """What a link is made of."""

    SFTP = "sftp"  # the first calls the second
    PULL = "pull"  # each fetches from the other's server; nobody puts anything into a foreign one
    GAP = "gap"
    DIODE = "diode"
    MEDIA = "media"


@dataclass(frozen=True, slots=True)
class DemoLink:
    """One link between two units, by their keys."""

    one: str
    other: str
    way: Way


@dataclass(frozen=True, slots=True)
class DemoExport:
    """One export. `template`: its folder below samples/province; `pages`: bytes of scanned pages that are added.

    to: who must get it, in the end all of them.
    """

    flow: str
    sender: str
    to: tuple[str, ...]
    template: str
    case_no: str
    pages: int = 0


THE_HUB = "hub"
UNITS = (
    DemoUnit(THE_HUB, UnitCode("990000H00"), "测试省政法数据交换中心", HUB, Level.PROVINCE, "990000", serves=True),
    DemoUnit("police", POLICE, "测试市公安局甲区分局", "police", Level.COUNTY, "990102"),
    DemoUnit(
        "procuratorate", PROCURATORATE, "测试市甲区人民检察院", "procuratorate", Level.COUNTY, "990102", serves=True
    ),
    DemoUnit("court", UnitCode("990102A00"), "测试市甲区人民法院", "court", Level.COUNTY, "990102"),
    DemoUnit("detention", UnitCode("990102D00"), "测试市甲区看守所", "detention-centre", Level.COUNTY, "990102"),
    DemoUnit("prison", UnitCode("990000P01"), "测试省第一监狱", "prison", Level.PROVINCE, "990000"),
    DemoUnit(
        "justice", UnitCode("990102J00"), "测试市甲区司法局", "justice-bureau", Level.COUNTY, "990102", serves=True
    ),
)
BY_KEY = MappingProxyType({one.key: one for one in UNITS})
LINKS = (
    DemoLink("police", "procuratorate", Way.SFTP),
    DemoLink("police", THE_HUB, Way.SFTP),
    DemoLink("procuratorate", THE_HUB, Way.SFTP),
    DemoLink("court", THE_HUB, Way.SFTP),
    DemoLink("justice", THE_HUB, Way.PULL),
    DemoLink("detention", THE_HUB, Way.GAP),
    DemoLink("prison", THE_HUB, Way.DIODE),
    DemoLink("detention", "prison", Way.MEDIA),
)
EXPORTS = (
    DemoExport("custody-handover", "police", ("detention",), "换押", "A9901020000002026030027"),
    DemoExport(
        "first-instance-prosecution", "procuratorate", ("court", "detention"), "起诉", "（2026）测检刑诉7号", 200_000
    ),
    DemoExport("sentence-delivery", "court", ("prison",), "交付执行", "（2026）测0102刑初12号", 60_000),
    DemoExport("pre-sentence-assessment", "court", ("justice",), "调查评估", "（2026）测0102刑初15号"),
    DemoExport("prison-admission", "detention", ("prison",), "收监", "（2026）测0102刑初12号", 20_000),
    DemoExport("prisoner-release", "prison", ("justice",), "释放", "（2024）测0102刑初3号"),
    DemoExport("correction-revocation", "justice", ("court",), "撤销缓刑", "（2025）测0102刑初40号"),
)
COPIES: Values = MappingProxyType(
    {"role": "detention-centre", "region": "own", "flows": ["first-instance-prosecution"]}
)
"""The detention centre gets a copy of each indictment."""


def path(sender: str, receiver: str) -> tuple[DemoLink, ...]:
    """Return the links over which a bundle goes: the direct one if there is one, else those to and from the hub."""
    direct = link_between(sender, receiver)
    if direct is not None:
        return (direct,)
    over = (link_between(sender, THE_HUB), link_between(THE_HUB, receiver))
    return tuple(one for one in over if one is not None)


def link_between(one: str, other: str) -> DemoLink | None:
    """Return the link between two units, None if there is none."""
    return next((link for link in LINKS if {link.one, link.other} == {one, other}), None)
