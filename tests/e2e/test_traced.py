"""System calls of real daemons that fail, or at which the daemon is killed: started again, all is well."""

from pathlib import Path

import pytest

from tests.support.nodes import make_pair, running
from tests.support.traces import SMALL, TracedPair


@pytest.mark.needs_strace
def test_a_fault_in_a_system_call_changes_nothing_in_the_end(tmp_path: Path) -> None:
    struck = 0
    (tmp_path / "traces").mkdir()
    with running(make_pair(tmp_path / "nodes")) as pair:
        suffering = TracedPair(pair, tmp_path / "traces")
        for point in SMALL:
            struck += suffering.suffer(point)
    assert struck == len(SMALL), "a point that no run comes to shows nothing"
