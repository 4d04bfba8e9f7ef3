"""Packers by name: one that is not there, or does not load, is named, and keeps no other from loading."""

from importlib.metadata import EntryPoint

import pytest

from gateway import plugins
from gateway.domain.errors import ConfigError
from packers.folder import FolderPacker


@pytest.mark.parametrize("place", ["packers.nowhere:Packer", "packers.folder:Nothing", "packers.folder:_ROOT_MAX.x"])
def test_a_packer_that_does_not_load_is_named(monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    real, broken = plugins.entry_points, EntryPoint("broken", place, plugins.GROUP)
    monkeypatch.setattr(
        plugins, "entry_points", lambda **asked: [broken] if asked.get("name") == "broken" else real(**asked)
    )
    with pytest.raises(ConfigError) as caught:
        plugins.load_packer("broken")
    assert (caught.value.code, caught.value.facts) == ("packer-broken", {"packer": "broken"})
    assert isinstance(plugins.load_packer("folder"), FolderPacker)


def test_a_packer_that_is_not_installed_is_named_with_those_that_are() -> None:
    with pytest.raises(ConfigError) as caught:
        plugins.load_packer("forder")
    assert caught.value.code == "packer-unknown"
    assert set(str(caught.value.facts["installed"]).split(", ")) >= {"court", "folder", "police"}
