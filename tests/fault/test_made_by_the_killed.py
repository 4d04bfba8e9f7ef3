"""A folder that a killed process made, and did not sync, lasts once the next process uses it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.folders import disk
from gateway.folders.sharing import opened_own
from gateway.folders.spool import Spool
from tests.support.calls import Call, met
from tests.support.powercuts import PowerCut


class Killed(BaseException):
    """The end of a process, whose disk goes on."""


def killed_at_its_first_sync(power: PowerCut) -> Callable[[Call], Any]:
    """Return what meets each call: the first process ends at its first sync, the disk and the next process go on."""
    is_killed: list[bool] = []

    def around(call: Call) -> Any:
        if call.name == "fsync" and not is_killed:
            is_killed.append(True)
            raise Killed
        return power.around(call)

    return around


def test_a_folder_beside_the_exports_that_a_killed_process_made_lasts_once_it_is_used(tmp_path: Path) -> None:
    power, folder = PowerCut(tmp_path), tmp_path / "ack"
    with met(killed_at_its_first_sync(power), tmp_path):
        with pytest.raises(Killed), opened_own(folder, tmp_path):
            raise AssertionError("it was killed before")
        with opened_own(folder, tmp_path):
            pass
        power.cut()
    assert folder.is_dir()


def test_a_folder_in_the_spool_that_a_killed_process_made_lasts_once_the_next_has_begun(tmp_path: Path) -> None:
    power, spool = PowerCut(tmp_path), Spool(tmp_path / "spool")
    spool.prepare()
    folder = spool.claims / "route"
    with met(killed_at_its_first_sync(power), tmp_path):
        with pytest.raises(Killed):
            disk.owner_only(folder)
        spool.prepare()
        power.cut()
    assert folder.is_dir()
