"""One running pair of nodes to a module, for tests that leave it as they found it."""

from collections.abc import Iterator

import pytest

from tests.support.nodes import Pair, make_pair, running


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Two running nodes, shared by the tests of a module."""
    made = make_pair(tmp_path_factory.mktemp("nodes"))
    with running(made):
        yield made
