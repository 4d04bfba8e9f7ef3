"""Nodes to look at from the command line, made once to a module, and ledgers filled by hand."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.desk import Desk, make_desks


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """The node that others are copies of: drawing keys and confirming cards takes longer than most commands."""
    return make_desks(tmp_path_factory.mktemp("template"))[0]


@pytest.fixture
def desk(template: Desk, tmp_path: Path) -> Desk:
    """A police node that trusts a procuratorate, has one link and two outbound routes, and was never started."""
    root = tmp_path / "police"
    shutil.copytree(template.place.root, root)
    return Desk(replace(template.place, root=root))


@pytest.fixture(scope="module")
def desks(tmp_path_factory: pytest.TempPathFactory) -> tuple[Desk, Desk]:
    """Police and procuratorate, for tests that change nothing."""
    return make_desks(tmp_path_factory.mktemp("desks"))
