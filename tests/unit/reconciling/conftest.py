"""A county, a hub and a procuratorate for each test, made once and copied."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.bundle.keys import NodeKeys
from gateway.roster.content import RosterContent
from tests.support.hubs import Province, build, keys_of, opened, roster_of
from tests.support.reconciling import SMALL

Built = tuple[Path, RosterContent, dict[str, NodeKeys]]


@pytest.fixture(scope="session")
def _built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    root = tmp_path_factory.mktemp("small")
    build(root, SMALL)
    return root, roster_of(root, SMALL), keys_of(root, SMALL)


@pytest.fixture
def shut(_built: Built, tmp_path: Path) -> Province:
    """Three nodes that have not been started."""
    root, content, keys = _built
    shutil.copytree(root, tmp_path / "province")
    return Province(tmp_path / "province", content, SMALL, signing=keys)


@pytest.fixture
def small(shut: Province) -> Iterator[Province]:
    """The same, started."""
    with opened(shut):
        yield shut
