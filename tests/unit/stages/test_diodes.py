"""Links that bring receipts late or never: sent, unconfirmed, sent again unasked, and given up by nobody."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.cli.explain import outlook_texts
from gateway.compose.backup import By, renew_epoch
from gateway.compose.needs import Need
from gateway.compose.outlook import Daemon, Wait, outlook
from gateway.compose.survey import survey
from gateway.domain.lifecycle import Direction, State
from gateway.words.catalogue import Words
from tests.support.boundaries import Boundary, Crossing, Habits, build, opened
from tests.support.houses import IN, OUT

DAY = 86400.0
LATE = Boundary("late", "receipts: late\nrepeat:\n  times: 2\n  every: 1h\n", pace=1800.0)
NEVER = Boundary("never", "receipts: never\n", "", Habits(), None, pace=600.0)


@pytest.fixture
def late(tmp_path: Path) -> Iterator[Crossing]:
    with opened(build(tmp_path, LATE)) as made:
        yield made


@pytest.fixture
def never(tmp_path: Path) -> Iterator[Crossing]:
    with opened(build(tmp_path, NEVER)) as made:
        yield made


def held_up(made: Crossing) -> None:
    """Let nothing cross any more, either way."""
    made.devices = ()


def sent(made: Crossing) -> list[str]:
    return [what for what in made.police.events(made.police.only(OUT)) if what == "sent"]


def looks_like(made: Crossing) -> tuple[Wait, int, list[Need]]:
    """What `explain` and `status` say of the one export."""
    house = made.police
    settings, now = house.identity.settings, made.clock.now()
    running = Daemon(1, survey(settings, house.ledger, now).daemon.health, ())
    found = survey(settings, house.ledger, now)
    needs = [notice.need for notice in found.notices if notice.need is not Need.DAEMON_DOWN]
    return outlook(house.only(OUT), settings, running, now).wait, found.links[0].unconfirmed, needs


def test_what_was_sent_is_repeated_as_often_as_said_and_then_unconfirmed(late: Crossing) -> None:
    late.drop("a.txt", b"content")
    late.work(4)
    held_up(late)
    for path in (late.root / "a-out").iterdir():
        path.unlink()
    assert looks_like(late) == (Wait.RECEIPT, 0, [])
    late.work(10)
    assert len(sent(late)) == 3
    assert looks_like(late) == (Wait.UNCONFIRMED, 1, [])


def test_nothing_that_was_sent_is_given_up(late: Crossing) -> None:
    late.drop("a.txt", b"content")
    late.work(4)
    held_up(late)
    late.clock.time += 60 * DAY
    late.work(4)
    transfer = late.police.only(OUT)
    assert (transfer.state, transfer.hold_code) == (State.SENT, None)
    assert late.police.ledger.unconfirmed(limit=9) == late.police.ledger.unconfirmed(transfer.link, limit=9)
    late.work(10)
    assert [one.id for one in late.police.ledger.unconfirmed(limit=9)] == [transfer.id]
    assert late.police.log.alerts() == []


def test_a_receipt_that_comes_whenever_settles_it(late: Crossing) -> None:
    devices = late.devices
    late.devices = devices[:1]
    late.drop("a.txt", b"content")
    late.work(10)
    assert late.delivered() == {"a.txt": b"content"}
    assert looks_like(late) == (Wait.UNCONFIRMED, 1, [])
    late.clock.time += 5 * DAY
    late.devices = devices
    late.work(4)
    assert late.police.only(OUT).state is State.DELIVERED
    assert late.police.ledger.unconfirmed(limit=9) == []


def test_where_nothing_comes_back_both_ends_come_to_rest(never: Crossing) -> None:
    never.drop("a.txt", b"content")
    never.end()
    assert never.delivered() == {"a.txt": b"content"}
    theirs = never.procuratorate.only(IN)
    assert theirs.state is State.CONFIRMED
    notes = [entry.note for entry in never.procuratorate.ledger.timeline(theirs.id)]
    assert "no way back: the receipt is kept here" in notes
    assert len(never.procuratorate.ledger.receipts(theirs.bundle_id or "")) == 1  # type: ignore[arg-type] # it has one
    assert looks_like(never) == (Wait.UNCONFIRMED, 1, [])


def test_a_refusal_where_nothing_comes_back_is_kept_too(never: Crossing) -> None:
    routes = never.procuratorate.root / "etc" / "routes.d" / "procuratorate.yaml"
    routes.write_text(routes.read_text("utf-8").rstrip() + "\n    flows: [arrest-request]\n", "utf-8")
    never.close()
    for house in never.houses:
        house.open()
    never.drop("a.txt", b"content")
    never.work(12)
    assert never.procuratorate.only(IN).state in (State.DISMISSED, State.QUARANTINED)
    assert never.police.only(OUT).state is State.SENT


def test_a_repetition_that_arrives_after_all_is_delivered_once(late: Crossing) -> None:
    first, back = late.devices
    late.devices = (back,)
    late.drop("a.txt", b"content")
    late.work(4)
    for path in (late.root / "a-out").iterdir():
        path.unlink()  # lost on the way
    late.devices = (first, back)
    late.settle()
    assert late.delivered() == {"a.txt": b"content"}
    assert len(sent(late)) > 1


def test_a_node_that_was_put_back_does_not_wait_for_a_peer_that_cannot_speak(never: Crossing) -> None:
    never.police.close()
    renew_epoch(never.police.identity.settings, By("zhang", "put back"), never.clock)
    never.police.open()
    assert never.police.ledger.resync.standing().restored_at is not None
    never.drop("a.txt", b"content")
    never.end()
    assert never.delivered() == {"a.txt": b"content"}


def test_it_is_said_in_words(never: Crossing) -> None:
    never.drop("a.txt", b"content")
    never.end()
    house = never.police
    running = Daemon(1, survey(house.identity.settings, house.ledger, 0.0).daemon.health, ())
    transfer = house.only(Direction.OUTBOUND)
    (said,) = outlook_texts(outlook(transfer, house.identity.settings, running, never.clock.now()), transfer, Words())
    assert said.startswith("It was sent, unconfirmed: link procuratorate brings receipts late or never.")
