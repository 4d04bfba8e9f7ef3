"""Each example of docs/links.md is a link that works as it stands."""

import re
from pathlib import Path

import pytest
import yaml

from gateway.settings.load import check
from tests.support.configs import NODE, config

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "links.md").read_text("utf-8")
EXAMPLES = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


def test_the_page_has_an_example_of_every_kind() -> None:
    links = [yaml.safe_load(text) for text in EXAMPLES]
    assert {link.get("initiate", "both") for link in links} == {"push", "both", "none"}
    assert {link.get("receipts", "expected") for link in links} == {"expected", "late", "never"}
    assert {frozenset(link["folder"]) & {"deposit", "collect"} for link in links if "folder" in link} == {
        frozenset({"deposit", "collect"}),
        frozenset({"deposit"}),
        frozenset({"collect"}),
    }
    assert any("windows" in link for link in links)


@pytest.mark.parametrize("text", EXAMPLES, ids=[f"{number}-{text.split()[1]}" for number, text in enumerate(EXAMPLES)])
def test_an_example_is_sound(tmp_path: Path, text: str) -> None:
    found = check(config(tmp_path, NODE, link=text, routes=""))
    assert [str(one) for one in found.complaints] == []
    assert found.settings is not None
    assert len(found.settings.links) == 1


def test_a_picture_stands_before_each_first_example() -> None:
    for section in PAGE.split("\n## ")[1:]:
        if "```yaml" in section:
            before = section.split("```yaml")[0]
            assert re.search(r"^    \S", before, re.MULTILINE), section[:60]
