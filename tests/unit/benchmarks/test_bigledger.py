"""The large ledger of the benchmark is a ledger: its own check finds nothing, and every question has an answer."""

from pathlib import Path

import pytest

from benchmarks import bigledger, filling
from gateway.domain.clock import SystemClock
from gateway.domain.lifecycle import Direction, State


def test_a_small_large_ledger_is_sound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filling, "OPEN", 40)
    for name, value in (("WRITTEN", 50), ("ASKED", 2), ("ROUNDS", 1), ("SLOWER_MOST", 1e9)):
        monkeypatch.setattr(bigledger, name, value)
    section = bigledger.bigledger(tmp_path, (400,))
    assert not section.broken
    assert {"explain, p95", "status, p95", "400 transfers: changes"} <= {figure.name for figure in section.figures}
    with bigledger._opened(tmp_path / "0" / "big", SystemClock()) as ledger:
        ledger.check()
        by_state = ledger.counts().by_state
        assert sum(by_state.values()) == 400 + 50
        assert by_state[Direction.OUTBOUND, State.CLOSED] == 180
