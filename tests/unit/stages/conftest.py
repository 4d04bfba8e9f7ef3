"""A street of two houses for each test, made once and copied."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.compose.links import Transports
from gateway.settings.links import LinkSettings
from gateway.transport.api import Transport
from tests.support.houses import Faults, Street, build, opened, street


@pytest.fixture(scope="session")
def _built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("street")
    build(root)
    return root


@pytest.fixture
def closed(_built: Path, tmp_path: Path) -> Street:
    """Two nodes that have not been started."""
    shutil.copytree(_built, tmp_path / "street")
    return street(tmp_path / "street")


@pytest.fixture
def made(closed: Street) -> Iterator[Street]:
    """Two nodes that have been started."""
    with opened(closed):
        yield closed


@pytest.fixture
def line(monkeypatch: pytest.MonkeyPatch) -> Faults:
    """What goes wrong on the police's line from now on; to be asked for before the houses are."""
    faults = Faults()
    true = Transports.to

    def to(self: Transports, link: LinkSettings) -> Transport:
        transport = true(self, link)
        return faults.wrap(transport) if link.name == "procuratorate" else transport

    monkeypatch.setattr(Transports, "to", to)
    return faults
