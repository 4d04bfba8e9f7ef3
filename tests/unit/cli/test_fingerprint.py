"""The fingerprint of a node stays the same from one call to the next: it is read aloud after the card was sent."""

import itertools
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway.cli.main import app
from gateway.domain.clock import SystemClock


def fingerprint(config: Path, *more: str) -> str:
    result = CliRunner().invoke(app, ["peer", "card", "--config", str(config), "--json", *more])
    assert result.exit_code == 0, result.output
    return str(json.loads(result.stdout)["fingerprint"])


def test_a_card_that_is_shown_again_has_the_same_fingerprint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    node = ["--unit", "990102", "--name", "某单位", "--state", "../state", "--clear-keys"]
    made = CliRunner().invoke(app, ["init", "--config", str(tmp_path / "etc"), *node])
    assert made.exit_code == 0, made.output
    days = itertools.count(SystemClock().now(), 86_400.0)
    monkeypatch.setattr(SystemClock, "now", lambda _self: next(days))
    sent = fingerprint(tmp_path / "etc", "--out", str(tmp_path / "card"))
    assert fingerprint(tmp_path / "etc") == sent
