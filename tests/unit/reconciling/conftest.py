"""A county, a hub and a procuratorate for each test, made once and copied."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.roster.content import RosterContent
from tests.support.hubs import Province, build, opened, roster_of
from tests.support.reconciling import SMALL


@pytest.fixture(scope="session")
def _built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, RosterContent]:
    root = tmp_path_factory.mktemp("small")
    build(root, SMALL)
    return root, roster_of(root, SMALL)


@pytest.fixture
def shut(_built: tuple[Path, RosterContent], tmp_path: Path) -> Province:
    """Three nodes that have not been started."""
    root, content = _built
    shutil.copytree(root, tmp_path / "province")
    return Province(tmp_path / "province", content, SMALL)


@pytest.fixture
def small(shut: Province) -> Iterator[Province]:
    """The same, started."""
    with opened(shut):
        yield shut
