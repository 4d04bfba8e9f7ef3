"""The shapes that cost most for their size, far larger than a fuzzer tries: work and memory grow with the input."""

import time
import tracemalloc
from collections.abc import Callable

import pytest

from gateway.bundle.paths import check_paths
from gateway.standard.package import Source
from packers import names
from packers.police_xml import PoliceReader
from packers.xmltext import parse_xml
from tests.support.standard import STANDARD

COUNT = 20_000
MANY = 30_000
CPU_SECONDS = 8.0
"""Where every item looks at every other one, it takes longer; where it does not, a second or two."""


def read(xml: str) -> None:
    parsed = parse_xml(xml.encode(), "x.xml")
    assert parsed.root is not None
    PoliceReader("x.xml", str, STANDARD).read(parsed.root, Source("police", "x.zip"))


def deep(count: int) -> list[str]:
    return [f"{at:05}/" + "a/" * 28 + "file" for at in range(count)]


CHARGES = f"<ZFAJ><XYRS><XYR>{'<SAZM/>' * MANY}</XYR>{'<XYR/>' * MANY}</XYRS></ZFAJ>"
UNKNOWN = "<ZFAJ>" + "<a b='' c=''>x</a>" * COUNT + "</ZFAJ>"


@pytest.mark.parametrize(
    "act",
    [
        lambda: read(CHARGES),
        lambda: read(UNKNOWN),
        lambda: check_paths(deep(COUNT)),
        lambda: names.clashes(deep(COUNT)),
    ],
    ids=["persons-after-charges", "unknown-elements", "deep-members", "deep-entries"],
)
def test_work_grows_with_the_input_only(act: Callable[[], object]) -> None:
    began = time.thread_time()
    act()
    assert time.thread_time() - began < CPU_SECONDS


@pytest.mark.parametrize("check", [check_paths, names.clashes])
def test_comparing_deep_paths_holds_little_more_than_the_paths(check: Callable[[list[str]], object]) -> None:
    paths = deep(2_000)
    size = sum(map(len, paths))
    tracemalloc.start()
    check(paths)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 6 * size
