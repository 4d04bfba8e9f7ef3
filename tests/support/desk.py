"""A node's desk for tests of the command line: a real folder, real keys, a real ledger, and commands run in process."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from gateway.cli.demo_nodes import Place, make_nodes
from gateway.cli.main import app
from gateway.compose.health import Health, write_health
from gateway.compose.identity import load_settings, open_ledger
from gateway.daemon.lock import StateLock
from gateway.domain.clock import Clock, SystemClock
from gateway.domain.ids import LinkName, UnitCode
from gateway.ledger.store import Ledger
from gateway.settings.load import Settings

PEER = UnitCode("990102")
LINK = LinkName("procuratorate")


@dataclass(frozen=True)
class Answer:
    """What one command said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def run(*arguments: str | Path | int, env: Mapping[str, str] | None = None) -> Answer:
    """Run one command in this process. Errors that are bugs are raised."""
    result = CliRunner().invoke(app, [str(one) for one in arguments], env=dict(env or {}), catch_exceptions=False)
    return Answer(result.exit_code, result.stdout, result.stderr)


@dataclass(frozen=True)
class Desk:
    """One node of the demonstration, not running."""

    place: Place

    @property
    def settings(self) -> Settings:
        return load_settings(self.place.config)

    @property
    def state(self) -> Path:
        return self.settings.paths.state

    def run(self, *arguments: str | Path | int, env: Mapping[str, str] | None = None) -> Answer:
        """Run one command on this node."""
        return run(*arguments, "--config", self.place.config, env=env)

    def ask(self, *arguments: str | Path | int) -> Any:
        """Run one command with --json and return what it says."""
        return self.run(*arguments, "--json").json

    @contextmanager
    def ledger(self, clock: Clock | None = None) -> Iterator[Ledger]:
        """Open the ledger for changing; clock: that of the machine unless another is given."""
        with open_ledger(self.settings, clock or SystemClock()) as ledger:
            yield ledger

    @contextmanager
    def as_if_running(self, health: Health) -> Iterator[None]:
        """Hold the daemon's lock, with its account of itself beside it."""
        lock = StateLock.take(self.state)
        try:
            write_health(self.state, health)
            yield
        finally:
            lock.release()


def make_desks(root: Path) -> tuple[Desk, Desk]:
    """Make a police and a procuratorate node below `root` that trust each other."""
    police, procuratorate = make_nodes(root, SystemClock())
    return Desk(police.place), Desk(procuratorate.place)
