"""A folder that a killed process made, and did not sync, lasts once the next process uses it."""

from pathlib import Path
from typing import Any

import pytest

from gateway.folders.sharing import opened_own
from tests.support.calls import Call, met
from tests.support.powercuts import PowerCut


class Killed(BaseException):
    """The end of a process, whose disk goes on."""


def test_a_folder_beside_the_exports_that_a_killed_process_made_lasts_once_it_is_used(tmp_path: Path) -> None:
    power, folder = PowerCut(tmp_path), tmp_path / "ack"
    is_killed = []

    def around(call: Call) -> Any:
        if call.name == "fsync" and not is_killed:
            is_killed.append(True)
            raise Killed
        return power.around(call)

    with met(around, tmp_path):
        with pytest.raises(Killed), opened_own(folder, tmp_path):
            raise AssertionError("it was killed before")
        with opened_own(folder, tmp_path):
            pass
        power.cut()
    assert folder.is_dir()
