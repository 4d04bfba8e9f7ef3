"""A line that breaks, or a peer that falls silent, at calls on the channel: done again, everything is there once."""

from collections.abc import Iterator

import pytest

from tests.support.lines import LineFault, Site, a_site

SAMPLE = 5
"""Points of a kind in an ordinary run; `make reliability` tries them all."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with a_site(tmp_path_factory.mktemp("line")) as running:
        yield running


@pytest.mark.parametrize("fault", LineFault, ids=lambda fault: fault.name)
def test_a_line_that_fails_anywhere_changes_nothing_in_the_end(site: Site, fault: LineFault) -> None:
    total = site.suffer(None)
    assert total > 10, "so few calls mean that the count is broken"
    for number in range(SAMPLE):
        site.suffer(fault, number * total // SAMPLE)
