"""A province of houses for each test, made once and copied."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.roster.content import RosterContent
from tests.support.hubs import Province, build, opened, roster_of


@pytest.fixture(scope="session")
def _built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, RosterContent]:
    root = tmp_path_factory.mktemp("province")
    build(root)
    return root, roster_of(root)


@pytest.fixture
def shut(_built: tuple[Path, RosterContent], tmp_path: Path) -> Province:
    """Six nodes that have not been started: two units on one side, three hubs, and the county on the other."""
    root, content = _built
    shutil.copytree(root, tmp_path / "province")
    return Province(tmp_path / "province", content)


@pytest.fixture
def province(shut: Province) -> Iterator[Province]:
    """The same, started."""
    with opened(shut):
        yield shut
