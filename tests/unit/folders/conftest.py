"""Disks of which nothing is known, and another filesystem for tests of what happens where a rename cannot go."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway import linux
from tests.support.wholly import one_by_one


@pytest.fixture(scope="module", autouse=True)
def _one_by_one() -> Iterator[None]:
    with one_by_one():
        yield


@pytest.fixture
def other_device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder out of reach of renames from `tmp_path`: on a disk or a tmpfs where there is one, else by refusing."""
    for place in (Path(tempfile.gettempdir()), Path("/dev/shm")):
        if place.is_dir() and os.access(place, os.W_OK) and place.stat().st_dev != tmp_path.stat().st_dev:
            with tempfile.TemporaryDirectory(dir=place) as folder:
                yield Path(folder)
            return
    folder = tmp_path / "other-device"
    folder.mkdir()
    refuse_renames_across(folder, monkeypatch)
    yield folder


def refuse_renames_across(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make renames into or out of `folder` fail with EXDEV, as between two bind mounts of one filesystem."""
    rename = linux.rename_new
    numbers: set[int] = set()

    def is_inside(path: Path | str) -> bool:
        # Some folders are reached through their descriptors, whatever they are called by now.
        place = Path(path).parent.resolve()
        return any(one.stat().st_ino in numbers for one in (place, *place.parents))

    def refusing(source: Path | str, target: Path | str) -> None:
        if folder.exists():
            numbers.add(folder.stat().st_ino)
        if Path(target).parent.exists() and is_inside(source) != is_inside(target):
            raise OSError(18, os.strerror(18))
        rename(source, target)

    monkeypatch.setattr(linux, "rename_new", refusing)
