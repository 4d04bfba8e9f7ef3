"""Two houses that ask and answer each other."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.houses import Street, opened, street
from tests.support.replying import make, packer


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two houses as they are before their first start: drawing keys takes longer than most tests."""
    root = tmp_path_factory.mktemp("replying")
    make(root)
    return root


@pytest.fixture
def houses(built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Street]:
    """The police house and the procuratorate house, running."""
    monkeypatch.setattr("gateway.stages.pack_work.load_packer", packer)
    root = tmp_path / "houses"
    shutil.copytree(built, root, symlinks=True)
    with opened(street(root)) as running:
        yield running
