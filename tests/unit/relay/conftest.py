"""A province of houses for each test, made once and copied."""

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from gateway.bundle.keys import NodeKeys
from gateway.roster.content import RosterContent
from tests.support.hubs import CITY_A, Province, build, keys_of, opened, roster_of

Built = tuple[Path, RosterContent, Mapping[str, NodeKeys]]


@pytest.fixture(scope="session")
def _built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    root = tmp_path_factory.mktemp("province")
    build(root)
    return root, roster_of(root), keys_of(root)


@pytest.fixture
def shut(_built: Built, tmp_path: Path) -> Province:
    """Six nodes that have not been started: two units on one side, three hubs, and the county on the other."""
    root, content, keys = _built
    shutil.copytree(root, tmp_path / "province")
    return Province(tmp_path / "province", content, signing=keys)


@pytest.fixture
def province(shut: Province) -> Iterator[Province]:
    """The same, started."""
    with opened(shut):
        yield shut


@pytest.fixture
def shut_hub(shut: Province) -> Province:
    """The same, of which only the county's hub will be started."""
    shut.open_only = (CITY_A,)
    return shut


@pytest.fixture
def hub(shut_hub: Province) -> Iterator[Province]:
    """The same, of which only the county's hub was started."""
    with opened(shut_hub):
        yield shut_hub
