"""Names of members: encodings, safety, leftovers, lengths."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packers import names


@pytest.mark.parametrize(
    ("raw", "flagged", "wanted"),
    [
        (b"a.pdf", False, ("a.pdf", "ascii")),
        ("案件信息.xml".encode("gbk"), False, ("案件信息.xml", "gb18030")),
        ("案件信息.xml".encode(), False, ("案件信息.xml", "utf-8")),
        ("案件信息.xml".encode(), True, ("案件信息.xml", "utf-8")),
        ("㐂字.pdf".encode("gb18030"), False, ("㐂字.pdf", "gb18030")),
        # 0x5C as the second byte of a GBK character is no separator.
        ("乗.pdf".encode("gbk"), False, ("乗.pdf", "gb18030")),
        # The GBK bytes of the commonest name of all are valid UTF-8.
        ("目录/联系.pdf".encode("gbk"), False, ("目录/联系.pdf", "gb18030")),
        ("阿样·测试.pdf".encode(), False, ("阿样·测试.pdf", "utf-8")),
        (b"\xff.pdf", False, None),
        ("案".encode("gbk"), True, None),
    ],
)
def test_decode_name(raw: bytes, flagged: bool, wanted: tuple[str, str] | None) -> None:
    assert names.decode_name(raw, flagged_utf8=flagged) == wanted


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("文书/a.pdf", ""),
        ("./a//b.pdf", ""),
        ("a..b/c...d", ""),
        ("console.txt", ""),
        ("/a", "absolute"),
        ("c:/a", "drive"),
        ("a/../b", "parent"),
        ("..", "parent"),
        ("a/con", "reserved"),
        ("Com1.tar.gz", "reserved"),
        ("a/b ", "trailing"),
        ("a/b.", "trailing"),
        ("a\tb", "control"),
        ("a\x7fb", "control"),
        ("a/b:c", "stream"),
        ("\u200eb", "direction"),
        ("", "empty"),
        ("./", "empty"),
        ("/".join("d" * 31), "deep"),
    ],
)
def test_unsafe_reason(name: str, reason: str) -> None:
    assert names.unsafe_reason(name) == reason


@pytest.mark.parametrize("name", ["~$a.doc", "x/Thumbs.db", ".DS_Store", "__MACOSX/a", "a/DESKTOP.INI", "._a"])
def test_leftovers(name: str) -> None:
    assert names.is_leftover(name)


@pytest.mark.parametrize("name", ["a~$b.doc", "Thumbs.db.pdf", "DS_Store", "MACOSX/a", "desktop.ini/a"])
def test_no_leftovers(name: str) -> None:
    assert not names.is_leftover(name)


def test_fitting_path_keeps_what_fits() -> None:
    fits = "文" * 85
    assert names.fitting_path(f"{fits}/a.pdf") == f"{fits}/a.pdf"


def test_fitting_path_shortens_keeps_the_suffix_and_stays_unique() -> None:
    one, two = (names.fitting_path("文" * 100 + f"{n}.pdf") for n in (1, 2))
    assert one != two
    assert one.endswith(".pdf")
    assert one.startswith("文文")
    assert len(one.encode()) <= names.MAX_COMPONENT_BYTES


def test_folded_finds_what_falls_together() -> None:
    assert names.folded("E\u0301.PDF") == names.folded("\u00e9.pdf")
    assert names.folded("a") != names.folded("b")


PARTS = st.sampled_from(["a", "A", "b", "é", "ß", "ss", "a b", "\u0130"])
PATHS = st.lists(st.lists(PARTS, min_size=1, max_size=3).map("/".join), max_size=8)


@given(PATHS)
def test_clashes_are_the_paths_that_cannot_be_written_beside_each_other(paths: list[str]) -> None:
    keys = [names.folded(path) for path in paths]

    def clash(one: int, other: int) -> bool:
        return one != other and (keys[one] == keys[other] or keys[other].startswith(keys[one] + "/"))

    found = names.clashes(paths)
    assert bool(found) == any(clash(one, other) for one in range(len(paths)) for other in range(len(paths)))
    assert all(clash(one, other) for one, other in found.items())
