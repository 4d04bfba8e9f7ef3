"""What a link does not carry, and the hours in which it carries anything: held at once, or waited for."""

import random
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from gateway.compose.links import Transports
from gateway.compose.outlook import Daemon, Wait, outlook
from gateway.compose.survey import survey
from gateway.domain.ids import WireName
from gateway.domain.lifecycle import State
from gateway.domain.records import TimelineEntry
from gateway.settings.links import LinkSettings
from gateway.stages.carrying import Carrying
from gateway.transport.api import Progress, Transport, silent
from gateway.transport.split import SplitTransport
from tests.support.boundaries import Boundary, Crossing, build, opened
from tests.support.houses import OUT
from tests.support.ledger import ToldClock, export, open_ledger

AFTERNOON = 'windows:\n  - {opens: "0 14 * * *", lasts: 1h}\n'


def local(clock: str) -> float:
    """A moment of some day, in the zone of this machine."""
    return datetime.fromisoformat(f"2024-01-02T{clock}:00").timestamp()


def at(root: Path, settings: str, clock: str = "12:00") -> Crossing:
    """Make two houses whose link has these settings on both sides."""
    made = build(root, Boundary("limited", settings, settings, pace=30.0))
    made.clock.time = local(clock)
    return made


def wait_of(made: Crossing) -> tuple[Wait, float | None]:
    settings, now = made.police.identity.settings, made.clock.now()
    running = Daemon(1, survey(settings, made.police.ledger, now).daemon.health, ())
    found = outlook(made.police.only(OUT), settings, running, now)
    return found.wait, found.until


def nobody_failed(made: Crossing) -> None:
    for house in made.houses:
        assert not house.log.of("link-failed")
        assert not house.log.of("attempt-failed")


def test_a_bundle_that_is_too_large_for_its_link_is_held_at_once(tmp_path: Path) -> None:
    with opened(at(tmp_path, "max_bundle: 64 KiB\n")) as made:
        made.drop("large.bin", random.Random(1).randbytes(70_000))
        made.drop("small.txt", b"content")
        made.work(10)
        assert made.delivered() == {"small.txt": b"content"}
        held = {t.export_name: (t.state, t.hold_code) for t in made.police.transfers(OUT)}
        assert held["large.bin"] == (State.SEALED, "bundle-too-large-for-link")


def test_a_lane_that_a_link_does_not_carry_is_held_and_goes_on_when_it_does(tmp_path: Path) -> None:
    made = at(tmp_path, "priorities: [custody, high]\n")
    with opened(made):
        made.drop("normal.txt", b"content")
        made.work(6)
        transfer = made.police.only(OUT)
        assert (transfer.state, transfer.hold_code) == (State.SEALED, "lane-not-carried")
        link = made.police.root / "etc" / "links.d" / "procuratorate.yaml"
        link.write_text(link.read_text("utf-8").replace("[custody, high]", "[custody, high, normal]"), "utf-8")
        made.police.close()
        made.police.open()
        made.police.ledger.release(made.police.only(OUT), "zhang", "the link carries it now")
        made.settle()
        assert made.delivered() == {"normal.txt": b"content"}


def test_nothing_moves_outside_the_hours_and_everything_within_them(tmp_path: Path) -> None:
    with opened(at(tmp_path, AFTERNOON)) as made:
        made.drop("a.txt", b"content")
        made.work(8)
        assert made.mail() == []
        assert made.police.only(OUT).state is State.SEALED
        assert wait_of(made) == (Wait.WINDOW, local("14:00"))
        found = survey(made.police.identity.settings, made.police.ledger, made.clock.now())
        assert found.links[0].opens_at == local("14:00")
        made.clock.time = local("14:00") + 1
        made.settle()
        assert made.delivered() == {"a.txt": b"content"}
        nobody_failed(made)


class Slow(SplitTransport):
    """A transport by which the first deposit of a bundle takes an hour."""

    def __init__(self, transport: Transport, clock: ToldClock, begun: list[str]) -> None:
        super().__init__(outgoing=transport, incoming=transport)
        self._clock = clock
        self._begun = begun

    def deposit(self, source: Path, name: WireName, progress: Progress = silent) -> None:
        if name.endswith(".cfb") and not self._begun:
            self._begun.append(name)
            self._clock.time += 3600.0
            progress(1)
        super().deposit(source, name, progress)


def test_a_transfer_under_way_when_the_hours_end_goes_on_in_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = at(tmp_path, AFTERNOON, "14:30")
    begun: list[str] = []
    true = Transports.to
    monkeypatch.setattr(Transports, "to", lambda self, link: Slow(transport_of(true, self, link), made.clock, begun))
    with opened(made):
        made.drop("a.txt", b"content")
        made.work(10)
        transfer = made.police.only(OUT)
        assert begun == [f"{transfer.bundle_id}.cfb"]
        assert (transfer.state, transfer.attempts) == (State.SEALED, 0)
        assert wait_of(made) == (Wait.WINDOW, local("14:00") + 86400)
        nobody_failed(made)
        made.clock.time = local("14:00") + 86401
        made.settle()
        assert made.delivered() == {"a.txt": b"content"}


def transport_of(true: object, transports: Transports, link: LinkSettings) -> Transport:
    return true(transports, link)  # type: ignore[operator,no-any-return]  # the method that was put aside


SENT = TimelineEntry(0.0, "event", "sent", "send", "sent", "", "", None, "")


@pytest.mark.parametrize(
    ("carrying", "sent_before", "due"),
    [
        (Carrying(60.0), 0, 60.0),
        (Carrying(60.0), 9, 60.0),
        (Carrying(None), 0, None),
        (Carrying(60.0, 2, 5.0), 1, 5.0),
        (Carrying(60.0, 2, 5.0), 2, 60.0),
        (Carrying(None, 1, 5.0), 0, 5.0),
        (Carrying(None, 1, 5.0), 1, None),
        # A receipt that is due after hours can come in the next ones only.
        (Carrying(60.0, closed_for=lambda moment: 1000.0 - moment), 0, 1060.0),
    ],
)
def test_when_a_bundle_is_sent_again(tmp_path: Path, carrying: Carrying, sent_before: int, due: float | None) -> None:
    with open_ledger(tmp_path) as ledger:
        (transfer,) = ledger.found([export(1)])
    history = [SENT] * sent_before + [replace(SENT, kind="attempt", what="failed")]
    assert carrying.receipt_due(transfer, 0.0, lambda: history) == due


@pytest.mark.parametrize(
    ("state", "since", "due"),
    [(State.SEALED, 1e6, 60.0), (State.SENT, 10.0, 60.0), (State.SENT, 240.0, 240.0), (State.SENT, 1e6, 86_400.0)],
)
def test_who_answers_nothing_is_sent_the_same_ever_less_often(
    tmp_path: Path, state: State, since: float, due: float
) -> None:
    with open_ledger(tmp_path) as ledger:
        (transfer,) = ledger.found([export(1)])
    waiting = replace(transfer, state=state, owed_since=-since)
    assert Carrying(60.0).receipt_due(waiting, 0.0, list) == due
