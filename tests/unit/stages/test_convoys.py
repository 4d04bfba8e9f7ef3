"""Small bundles that are due together travel as one file; each is on arrival what it would be had it come alone."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.bundle.convoy import FILE_MAX, join_bundles, split_bundles
from gateway.bundle.names import Kind, bundle_name, paper_name
from gateway.compose.ground import Ground
from gateway.domain.errors import GatewayError, Scope, TransientError
from gateway.domain.ids import bundle_id
from gateway.domain.lifecycle import State
from gateway.domain.records import Transfer, known
from gateway.folders.space import SpaceGuard
from gateway.settings.links import LinkSettings
from gateway.stages.convoying import ALONE_BYTES
from gateway.stages.shortage import LOOK_SECONDS, Shortage
from tests.support.houses import IN, OUT, Faults, Street, opened

NAMES = ("one.txt", "two.txt", "three.txt")
OVERDUE = 3601


def sealed(made: Street, *names: str, size: int = 0) -> None:
    """Bring exports to the point where they are owed to the line."""
    for name in names:
        made.drop(name, os.urandom(size) or name.encode())
    made.go("police:claim")
    made.clock.time += 1
    made.go("police:claim", *["police:pack"] * 2)


def left(made: Street) -> list[str]:
    """Return the endings of the bundles and convoys in the recipient's mailbox."""
    return sorted(path.suffix for path in made.there.iterdir() if path.suffix in (".cfb", ".cfc"))


def convoy(made: Street) -> Path:
    (path,) = made.there.glob("*.cfc")
    return path


def states(transfers: list[Transfer]) -> set[State]:
    return {transfer.state for transfer in transfers}


def arrived(made: Street) -> None:
    """Have three exports left for the recipient in one file."""
    sealed(made, *NAMES)
    made.go("police:out-procuratorate")
    assert left(made) == [".cfc"]


def test_what_is_due_together_leaves_and_arrives_as_one_file(made: Street) -> None:
    commits: list[object] = []
    made.procuratorate.ledger.on_change(commits.append)
    arrived(made)
    assert states(made.police.transfers(OUT)) == {State.SENT}
    made.go("procuratorate:in-police")
    assert states(made.procuratorate.transfers(IN)) == {State.FETCHED}
    assert len(commits) == 1
    assert left(made) == []
    ours, theirs = (
        [t.bundle_id for t in found] for found in (made.police.transfers(OUT), made.procuratorate.transfers(IN))
    )
    assert ours == theirs
    made.settle()
    assert made.delivered() == {name: name.encode() for name in NAMES}
    assert made.leftovers() == []


def test_one_alone_needs_no_convoy_and_a_larger_one_gets_none(made: Street) -> None:
    sealed(made, "one.txt")
    made.go("police:out-procuratorate")
    assert left(made) == [".cfb"]
    sealed(made, "larger.bin", size=ALONE_BYTES)
    sealed(made, "two.txt", "three.txt")
    made.go("police:out-procuratorate")
    assert left(made) == [".cfb", ".cfb", ".cfc"]
    made.settle()
    assert set(made.delivered()) == {*NAMES, "larger.bin"}


def test_a_convoy_grows_while_the_line_is_quick_and_no_further_than_a_file_may(
    made: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Random content of 200 KiB each: two fit into the first convoy, four into the next."""
    sealed(made, *(f"{number}.bin" for number in range(8)), size=200 << 10)
    made.go("police:out-procuratorate")
    counts = sorted(len(split_bundles(path.read_bytes())) for path in made.there.glob("*.cfc"))
    assert counts == [2, 2, 4]
    assert all(path.stat().st_size <= FILE_MAX for path in made.there.iterdir())
    made.settle()
    assert len(made.delivered()) == 8


FAILURES = {
    "the name is taken": TransientError("name-taken", "another size there"),
    "no room in the mailbox for all of them": TransientError("mailbox-full", "no room", scope=Scope.LINK),
    "no room on our own disk for the file": TransientError("disk-full", "no room", scope=Scope.NODE),
}


@pytest.mark.parametrize("why", list(FAILURES))
def test_what_cannot_leave_together_leaves_one_by_one(line: Faults, made: Street, why: str) -> None:
    sealed(made, *NAMES)
    line.errors["deposit"] = [FAILURES[why]]
    made.go("police:out-procuratorate")
    assert states(made.police.transfers(OUT)) == {State.SENT}
    assert left(made) == [".cfb"] * 3
    assert made.police.log.of("link-failed") == []
    made.settle()
    assert set(made.delivered()) == set(NAMES)


def test_a_break_of_the_line_is_the_link_s_and_no_bundle_s(line: Faults, made: Street) -> None:
    sealed(made, *NAMES)
    before = made.police.transfers(OUT)
    line.errors["deposit"] = [TransientError("link-unreachable", "nobody there", scope=Scope.LINK)]
    wait = known(made.step(made.police, "out-procuratorate"))
    assert made.police.transfers(OUT) == before
    made.clock.time += wait
    made.settle()
    assert set(made.delivered()) == set(NAMES)


def test_a_bundle_that_vanished_from_the_spool_keeps_no_other_back(made: Street) -> None:
    sealed(made, *NAMES)
    lost = made.police.transfers(OUT)[1]
    made.police.ground.spool.outbound_bundle(known(lost.bundle_id), known(lost.claim)).unlink()
    made.go("police:out-procuratorate")
    assert made.police.ledger.get(lost.id).hold_code == "spool-missing"
    assert {t.state for t in made.police.transfers(OUT) if t.id != lost.id} == {State.SENT}


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "cut": lambda raw: raw[:-1],
    "too large": lambda raw: raw + bytes(FILE_MAX),
}


@pytest.mark.parametrize("how", list(DAMAGE))
def test_a_damaged_convoy_is_set_aside_and_its_bundles_come_again_alone(made: Street, how: str) -> None:
    arrived(made)
    path = convoy(made)
    path.write_bytes(DAMAGE[how](path.read_bytes()))
    made.go("procuratorate:in-police")
    assert made.procuratorate.transfers(IN) == []
    code = "convoy-too-large" if how == "too large" else "convoy-malformed"
    (aside,) = made.procuratorate.ground.quarantine.listing()
    assert (aside.note.subject, aside.note.code) == (path.name, code)
    assert made.procuratorate.log.alerts() == ["convoy-too-large" if how == "too large" else "convoy-refused"]
    made.clock.time += OVERDUE
    made.go("police:out-procuratorate")
    assert left(made) == [".cfb"] * 3
    made.settle()
    assert set(made.delivered()) == set(NAMES)


def changed(made: Street, change: Callable[[list[tuple[str, bytes]]], None]) -> None:
    """Put another convoy in the place of the one that waits."""
    path = convoy(made)
    bundles = [(str(one), bytes(body)) for one, body in split_bundles(path.read_bytes())]
    change(bundles)
    raw = join_bundles([(bundle_id(one), body) for one, body in bundles])
    path.unlink()
    (made.there / paper_name(raw, Kind.CONVOY)).write_bytes(raw)


def test_a_bundle_that_is_damaged_in_a_convoy_is_set_aside_alone(made: Street) -> None:
    arrived(made)

    def damage(bundles: list[tuple[str, bytes]]) -> None:
        one, body = bundles[1]
        bundles[1] = (one, body[:-1] + bytes([body[-1] ^ 1]))

    changed(made, damage)
    for _turn in range(3):
        made.go("procuratorate:in-police", "procuratorate:open")
    assert sorted(t.state for t in made.procuratorate.transfers(IN)) == [
        State.DELIVERED,
        State.DELIVERED,
        State.QUARANTINED,
    ]
    made.clock.time += OVERDUE
    made.settle()
    assert set(made.delivered()) == set(NAMES)


def test_a_bundle_under_a_name_that_is_not_its_own_is_set_aside_alone(made: Street) -> None:
    arrived(made)
    changed(made, lambda bundles: bundles.append(("f" * 32, bundles[0][1])))
    for _turn in range(3):
        made.go("procuratorate:in-police", "procuratorate:open")
    by_name = {t.bundle_id: t.state for t in made.procuratorate.transfers(IN)}
    assert by_name.pop(bundle_id("f" * 32)) is State.QUARANTINED
    assert set(by_name.values()) == {State.DELIVERED}


def test_a_convoy_that_comes_again_asks_for_its_receipts_and_delivers_nothing(made: Street) -> None:
    arrived(made)
    path = convoy(made)
    raw = path.read_bytes()
    made.settle()
    path.write_bytes(raw)
    made.go("procuratorate:in-police")
    assert states(made.procuratorate.transfers(IN)) == {State.DELIVERED}
    made.settle()
    assert made.delivered() == {name: name.encode() for name in NAMES}
    assert made.leftovers() == []
    assert made.procuratorate.log.alerts() == []


def test_a_convoy_that_comes_again_while_its_bundles_wait_to_be_opened_changes_nothing(made: Street) -> None:
    arrived(made)
    path = convoy(made)
    raw = path.read_bytes()
    made.go("procuratorate:in-police")
    before = made.procuratorate.transfers(IN)
    path.write_bytes(raw)
    made.go("procuratorate:in-police")
    assert made.procuratorate.transfers(IN) == before
    assert (left(made), made.procuratorate.log.alerts()) == ([], [])


@pytest.mark.parametrize("opened_by_then", [False, True])
def test_other_bytes_under_a_known_name_are_kept_as_evidence(made: Street, opened_by_then: bool) -> None:
    arrived(made)
    (one, _), *_ = split_bundles(convoy(made).read_bytes())
    if opened_by_then:
        made.settle()
    else:
        made.go("procuratorate:in-police")
    raw = join_bundles([(one, b"something else"), (bundle_id("f" * 32), b"strange")])
    (made.there / paper_name(raw, Kind.CONVOY)).write_bytes(raw)
    made.go("procuratorate:in-police")
    (aside,) = made.procuratorate.ground.quarantine.listing()
    assert (aside.note.subject, aside.note.code) == (bundle_name(one), "equivocation")
    assert aside.path.read_bytes() == b"something else"
    assert made.procuratorate.log.alerts() == ["equivocation"]


def test_a_bundle_that_was_set_aside_is_taken_when_it_comes_again_in_a_convoy(made: Street) -> None:
    arrived(made)
    raw = convoy(made).read_bytes()
    changed(made, lambda bundles: bundles.__setitem__(0, (bundles[0][0], b"damaged")))
    for _turn in range(3):
        made.go("procuratorate:in-police", "procuratorate:open")
    assert State.QUARANTINED in states(made.procuratorate.transfers(IN))
    (made.there / paper_name(raw, Kind.CONVOY)).write_bytes(raw)
    made.settle()
    assert set(made.delivered()) == set(NAMES)


def test_a_convoy_without_room_is_left_where_it_is_and_taken_whole_once_there_is_some(closed: Street) -> None:
    free = [1 << 40]

    def statvfs(_path: Path) -> os.statvfs_result:
        return os.statvfs_result((4096, 1, 1 << 40, free[0], free[0], 0, 0, 0, 0, 255))

    def crowded(ground: Ground) -> Ground:
        space = SpaceGuard(ground.shortage.space.root, floor_bytes=0, statvfs=statvfs)
        return replace(ground, shortage=Shortage(space, ground.clock, ground.ops, lambda: None))

    closed.procuratorate.change = crowded
    with opened(closed) as made:
        arrived(made)
        free[0] = convoy(made).stat().st_size
        assert made.step(made.procuratorate, "in-police") <= LOOK_SECONDS
        assert (made.procuratorate.transfers(IN), left(made)) == ([], [".cfc"])
        free[0] = 1 << 40
        made.settle()
        assert set(made.delivered()) == set(NAMES)


def test_a_ledger_that_fails_leaves_the_convoy_to_be_taken_again(made: Street, monkeypatch: pytest.MonkeyPatch) -> None:
    arrived(made)

    def fails(*_args: object) -> None:
        raise failing

    failing: GatewayError = TransientError("disk-full", "no room for the commit", scope=Scope.NODE)
    with monkeypatch.context() as patched:
        patched.setattr(made.procuratorate.ledger, "fetched", fails)
        made.go("procuratorate:in-police")
    assert (made.procuratorate.transfers(IN), left(made)) == ([], [".cfc"])
    made.settle()
    assert set(made.delivered()) == set(NAMES)
    assert made.leftovers() == []


def test_a_stop_cuts_a_convoy_off_and_loses_nothing_of_it(closed: Street) -> None:
    stops = [False]
    closed.procuratorate.change = lambda ground: replace(ground, is_stopping=lambda: stops[0])
    with opened(closed) as made:
        arrived(made)
        stops[0] = True
        made.go("procuratorate:in-police")
        assert (made.procuratorate.transfers(IN), left(made)) == ([], [".cfc"])
        stops[0] = False
        made.settle()
        assert set(made.delivered()) == set(NAMES)
        assert made.procuratorate.log.alerts() == []


LINK = {"name": "there", "peer": "990101"}
FOLDERS = {"transport": "folder", "folder": {"deposit": "/out", "collect": "/in"}}
TAKES: dict[str, tuple[bool, dict[str, object]]] = {
    "SFTP": (True, {"sftp": {"host": "there"}}),
    "folders": (True, FOLDERS),
    "a diode": (False, {**FOLDERS, "folder": {"deposit": "/out"}, "receipts": "never"}),
    "folders that lose things": (False, {**FOLDERS, "repeat": {"times": 2, "every": "1h"}}),
    "receipts that come some day": (False, {**FOLDERS, "receipts": "late"}),
    "a gap device": (False, {**FOLDERS, "gap": {"max_file": "1 MiB"}}),
    "media": (False, {"transport": "media"}),
}


@pytest.mark.parametrize("kind", list(TAKES))
def test_convoys_travel_only_where_one_lost_file_is_one_that_comes_again(kind: str) -> None:
    expected, said = TAKES[kind]
    assert LinkSettings.model_validate({**LINK, **said}).takes_convoys is expected
