"""Provinces for tests of copies and of the matrix, made once and copied."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.copies import Copying, behind_one_hub, neighbours
from tests.support.hubs import opened


def copied(made: Copying, root: Path) -> Copying:
    shutil.copytree(made.root, root)
    return replace(made, root=root, receivers={}, contents={}, houses={})


@pytest.fixture(scope="session")
def neighbourhood(tmp_path_factory: pytest.TempPathFactory) -> Copying:
    return neighbours(tmp_path_factory.mktemp("neighbours"))


@pytest.fixture(scope="session")
def county(tmp_path_factory: pytest.TempPathFactory) -> Copying:
    return behind_one_hub(tmp_path_factory.mktemp("county"))


@pytest.fixture
def closed(neighbourhood: Copying, tmp_path: Path) -> Copying:
    """Police, prosecutor and court, neighbours of the police, not started."""
    return copied(neighbourhood, tmp_path / "province")


@pytest.fixture
def made(closed: Copying) -> Iterator[Copying]:
    """The same, started."""
    with opened(closed):
        yield closed


@pytest.fixture
def hubbed(county: Copying, tmp_path: Path) -> Iterator[Copying]:
    """Police, prosecutor and court, each with a link to one hub only, started."""
    one = copied(county, tmp_path / "province")
    with opened(one):
        yield one
