"""Nodes to look at from the command line, made once to a module, and ledgers filled by hand."""

from pathlib import Path

import pytest

from tests.support.desk import Desk, make_desks


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A police node that trusts a procuratorate, has one link and two outbound routes, and was never started."""
    return make_desks(tmp_path)[0]


@pytest.fixture(scope="module")
def desks(tmp_path_factory: pytest.TempPathFactory) -> tuple[Desk, Desk]:
    """Police and procuratorate, for tests that change nothing."""
    return make_desks(tmp_path_factory.mktemp("desks"))
