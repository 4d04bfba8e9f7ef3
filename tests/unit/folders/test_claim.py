"""Claiming: wherever it is interrupted, the export is in exactly one place, whole, and nothing else is touched."""

import errno
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from gateway.domain.errors import GatewayError, PermanentError, Scope, TransientError
from gateway.domain.ids import ClaimToken, RouteName, claim_token, route_name
from gateway.folders import entries, notes, trees
from gateway.folders.claim import ClaimShelf
from gateway.folders.disk import remove_tree
from gateway.folders.moving import JOURNAL
from gateway.packing import Candidate, Entry, Settled
from tests.support.calls import Call, met
from tests.support.claiming import claim_alone, whole_claims
from tests.support.crashing import dies_at, fails_at, interrupted
from tests.support.powercuts import PowerCut
from tests.support.wholly import by_one_order, in_order
from tests.unit.folders.conftest import refuse_renames_across

TOKEN = claim_token("a" * 32)
ROUTE = route_name("to-procuratorate")
ZIP, MARK = b"the zip" * 100, b"d41d8cd9"


@dataclass(frozen=True, slots=True)
class Place:
    """An outbound folder and a shelf, side by side or on two filesystems."""

    out: Path
    shelf_folder: Path

    @property
    def shelf(self) -> ClaimShelf:
        return ClaimShelf(self.shelf_folder)

    def drop(self, name: str = "case", content: bytes = ZIP, mark: bytes = MARK) -> Candidate:
        (self.out / f"{name}.zip").write_bytes(content)
        (self.out / f"{name}.ok").write_bytes(mark)
        return Candidate(f"{name}.zip", (f"{name}.zip", f"{name}.ok"), Settled.COMPLETE)

    def claim(self, candidate: Candidate, token: ClaimToken = TOKEN, route: RouteName = ROUTE) -> None:
        claim_alone(self.shelf, self.out, candidate, route, token)

    def effects(self, candidate: Candidate) -> list[str]:
        """The durable effects of one claim; the folders of the shelf exist already. The export is back afterwards."""
        self.claim(candidate)
        self.shelf.release(TOKEN, self.out)
        with interrupted(-1, lambda: None) as met:
            self.claim(candidate)
        self.shelf.release(TOKEN, self.out)
        return met

    def drop_newer(self) -> None:
        """Export again under the same name, once the older export is out of the way."""
        if not (self.out / "case.zip").exists():
            self.drop(content=b"newer", mark=b"newer mark")

    def shelved(self) -> list[dict[str, bytes]]:
        return [{part.name: part.read_bytes() for part in claim.parts} for claim in whole_claims(self.shelf)]

    def dropped(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.out.iterdir() if path.is_file()}

    def leftovers(self) -> list[str]:
        hidden = [str(path) for path in self.out.rglob(".*")]
        return hidden + [
            str(path) for path in self.shelf_folder.rglob("*") if path.name[0] == "." or path.name == "elsewhere"
        ]


@pytest.fixture(params=["one filesystem", "two filesystems", "two bind mounts"])
def place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    out = tmp_path / "out"
    if request.param == "two filesystems":
        out = request.getfixturevalue("other_device") / "out"
    out.mkdir()
    if request.param == "two bind mounts":
        refuse_renames_across(out, monkeypatch)
    return Place(out, tmp_path / "claims")


def test_a_claim_takes_all_parts_and_leaves_the_folder_empty(place: Place) -> None:
    candidate = place.drop()
    claim = claim_alone(place.shelf, place.out, candidate, ROUTE, TOKEN)
    assert [part.read_bytes() for part in claim.parts] == [ZIP, MARK]
    assert [part.name for part in claim.parts] == ["case.zip", "case.ok"]
    assert (claim.token, claim.route, claim.name, claim.root) == (TOKEN, ROUTE, "case.zip", place.out)
    assert claim.size == len(ZIP) + len(MARK)
    assert list(place.out.iterdir()) == []
    assert place.leftovers() == []
    assert place.shelf.get(TOKEN) == claim
    assert place.shelf_folder.stat().st_mode & 0o077 == 0


def test_a_folder_with_undecodable_names_is_claimed_byte_for_byte(place: Place) -> None:
    name = os.fsdecode("案卷".encode("gb18030"))
    folder = place.out / name
    (folder / "卷").mkdir(parents=True)
    (folder / "卷" / os.fsdecode(b"\xd2\xbb.pdf")).write_bytes(b"page")
    (folder / "_READY").touch()
    claim = claim_alone(place.shelf, place.out, Candidate(name, (name,), Settled.COMPLETE), ROUTE, TOKEN)
    assert (claim.parts[0] / "卷" / os.fsdecode(b"\xd2\xbb.pdf")).read_bytes() == b"page"
    assert claim.name == name
    assert list(place.out.iterdir()) == []
    assert whole_claims(place.shelf) == [claim]


def test_the_note_of_a_folder_can_be_read_however_many_files_lie_in_it(tmp_path: Path) -> None:
    place = Place(tmp_path / "out", tmp_path / "claims")
    (place.out / "dossier").mkdir(parents=True)
    for number in range(750):  # of such names as take most: more than any note may have
        (place.out / "dossier" / os.fsdecode(b"\xff" * 240 + b"%d" % number)).touch()
    place.claim(Candidate("dossier", ("dossier",), Settled.STABLE))
    assert [claim.token for claim in place.shelf.recover().claims] == [TOKEN]
    assert len(list(place.shelf.get(TOKEN).parts[0].iterdir())) == 750


def test_claiming_again_with_the_same_token_returns_the_same_claim(place: Place) -> None:
    candidate = place.drop()
    first = claim_alone(place.shelf, place.out, candidate, ROUTE, TOKEN)
    assert claim_alone(place.shelf, place.out, candidate, ROUTE, TOKEN) == first


RECORDED = pytest.mark.parametrize(
    ("settled", "stride"),
    [
        pytest.param(frozenset(), 1, id="unknown"),
        pytest.param(frozenset({TOKEN}), 3, id="recorded"),
        pytest.param(frozenset({TOKEN}), 1, id="recorded-every-point", marks=pytest.mark.soak),
    ],
)
"""Whether the ledger has the claim on record, so that its note need not be read; and how far apart the points are."""


@RECORDED
def test_death_at_any_point_of_a_claim_leaves_one_whole_export(
    place: Place, settled: frozenset[str], stride: int
) -> None:
    candidate = place.drop()
    points = 0
    outcomes = set()
    while dies_at(points, lambda: place.claim(candidate)):
        found = place.shelf.recover(settled)
        assert found.problems == ()
        both = [*place.shelved(), place.dropped()]
        assert sorted(both, key=len)[-1] == {"case.zip": ZIP, "case.ok": MARK}
        assert sum(map(bool, both)) == 1
        assert place.leftovers() == []
        outcomes.add(len(whole_claims(place.shelf)))
        for claim in whole_claims(place.shelf):
            place.shelf.release(claim.token, place.out)
        points += stride
    assert points > 10
    assert outcomes == {0, 1}


def wanted(place: Place, count: int) -> list[tuple[ClaimToken, Candidate]]:
    return [(claim_token(f"{at:032x}"), place.drop(f"case-{at}")) for at in range(count)]


@pytest.mark.parametrize(
    ("disk_is", "stride"),
    [(lambda _patched: None, 3), (by_one_order, 7), (in_order, 3)],
    ids=["each-fsynced", "by-one-order", "in-order"],
)
def test_death_at_any_point_of_claims_made_together_leaves_each_export_whole_in_one_place(
    place: Place, monkeypatch: pytest.MonkeyPatch, disk_is: Callable[[pytest.MonkeyPatch], None], stride: int
) -> None:
    disk_is(monkeypatch)
    together = wanted(place, 2)
    every = sorted(f"case-{at}.{ending}" for at in range(2) for ending in ("ok", "zip"))
    outcomes = set()
    points = 0
    while dies_at(points, lambda: place.shelf.claim_all(place.out, together, ROUTE)):
        found = place.shelf.recover()
        assert found.problems == ()
        assert sorted([*place.dropped(), *(name for one in place.shelved() for name in one)]) == every
        assert all(len(one) == 2 for one in place.shelved())
        assert place.leftovers() == []
        outcomes.add(len(found.claims))
        for claim in found.claims:
            place.shelf.release(claim.token, place.out)
        points += stride
    assert outcomes >= {0, 2}


def test_what_cannot_be_claimed_does_not_touch_what_is_claimed_with_it(place: Place) -> None:
    together = wanted(place, 4)
    seen = {name: entries.look(place.out / name) for _, candidate in together for name in candidate.parts}
    (place.out / "case-0.zip").write_bytes(b"changed since")
    (place.out / "case-2.zip").unlink()
    claims, failures = place.shelf.claim_all(place.out, together, ROUTE, seen)
    assert [claim.name for claim in claims] == ["case-1.zip", "case-3.zip"]
    assert {token[-1]: error.code for token, error in failures.items()} == {
        "0": "export-changed",
        "2": "export-vanished",
    }
    assert sorted(place.dropped()) == ["case-0.ok", "case-0.zip", "case-2.ok"]
    assert place.leftovers() == []


def test_an_export_that_vanishes_before_it_is_synced_holds_up_nobody(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    together = wanted(place, 3)
    sync = trees.settle_trees

    def too_late(roots: Sequence[Path], folder: Path) -> list[GatewayError | None]:
        (place.out / "case-1.zip").unlink(missing_ok=True)
        return sync(roots, folder)

    monkeypatch.setattr(trees, "settle_trees", too_late)
    claims, failures = place.shelf.claim_all(place.out, together, ROUTE)
    assert [claim.name for claim in claims] == ["case-0.zip", "case-2.zip"]
    assert [(error.code, error.scope) for error in failures.values()] == [("export-vanished", Scope.TRANSFER)]
    assert place.leftovers() == []


def test_claims_made_together_share_the_syncs(tmp_path: Path) -> None:
    place = Place(tmp_path / "out", tmp_path / "claims")
    place.out.mkdir()
    place.claim(place.drop())
    met: dict[int, list[str]] = {}
    for count in (1, 64):
        together = wanted(place, count)
        with interrupted(-1, lambda: None) as met[count]:
            place.shelf.claim_all(place.out, together, ROUTE)
        for token, _ in together:
            place.shelf.discard(token)
    # Of each: two files, intent, claim folder, parts. Of all: the route's folder twice, the outbound folder.
    assert [names.count("fsync") for names in met.values()] == [5 + 3, 64 * 5 + 3]
    assert met[64].count("mkdir") == 64 * 2
    assert met[64].count("replace") == 64 * 2


def test_many_claims_made_together_need_one_order_for_each_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_one_order(monkeypatch, 16)
    place = Place(tmp_path / "out", tmp_path / "claims")
    place.out.mkdir()
    place.claim(place.drop())
    with interrupted(-1, lambda: None) as met:
        assert len(place.shelf.claim_all(place.out, wanted(place, 64), ROUTE)[0]) == 64
    # Exports, intents, their folders; one fsync for each, and the route's folder. What was moved lasts with its end.
    assert met.count("syncfs") == 3
    assert (met.count("fsync"), met.count("conclude")) == (3 + 1, 1)


def test_a_claim_on_a_disk_that_keeps_order_is_synced_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    in_order(monkeypatch)
    place = Place(tmp_path / "out", tmp_path / "claims")
    place.out.mkdir()
    met = place.effects(place.drop())
    assert met.index("conclude") < met.index("rename-new"), "the intent lasts before the first part moves"
    assert met[-1] == "conclude", "and at the end all of it does"
    assert [one for one in met if "sync" in one or one in {"conclude", "settle"}] == [
        *("settle", "settle"),  # both parts
        *("settle", "conclude"),  # the intent, and the parts with it
        *("fsync", "conclude"),  # the route's folder, whose name is known to last by then; what was moved
    ]


def test_what_an_export_lost_is_told_where_order_is_kept_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    in_order(monkeypatch)
    place = Place(tmp_path / "out", tmp_path / "claims")
    place.out.mkdir()
    together = wanted(place, 3)

    def around(call: Call) -> Any:
        if call.name == "settle" and call.place.endswith("/case-1.zip"):
            raise OSError(errno.EIO, "bad block")
        return call.go()

    with met(around, tmp_path):
        claims, failures = place.shelf.claim_all(place.out, together, ROUTE)
    assert [claim.name for claim in claims] == ["case-0.zip", "case-2.zip"]
    assert [error.code for error in failures.values()] == ["local-io"]
    assert place.dropped() == {"case-1.zip": ZIP, "case-1.ok": MARK}


def test_a_claim_whose_last_sync_fails_is_undone_where_order_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_order(monkeypatch)
    place = Place(tmp_path / "out", tmp_path / "claims")
    place.out.mkdir()
    candidate = place.drop()
    last = len(place.effects(candidate)) - 1
    with pytest.raises(TransientError):
        fails_at(last, OSError(errno.EIO, "x"), lambda: place.claim(candidate))
    assert place.dropped() == {"case.zip": ZIP, "case.ok": MARK}
    assert place.shelf.recover().claims == ()
    place.claim(candidate)
    assert place.shelved() == [{"case.zip": ZIP, "case.ok": MARK}]


class Killed(BaseException):
    """The end of a process, whose disk goes on."""


@pytest.mark.parametrize("disk_is", [lambda _patched: None, in_order], ids=["each-fsynced", "in-order"])
def test_a_claim_that_a_killed_process_has_left_lasts_once_it_was_recovered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, disk_is: Callable[[pytest.MonkeyPatch], None]
) -> None:
    disk_is(monkeypatch)
    place = Place(tmp_path / "out", tmp_path / "claims")
    place.out.mkdir()
    place.claim(place.drop("before"), claim_token("b" * 32))
    candidate, power = place.drop(), PowerCut(tmp_path)

    def around(call: Call) -> Any:
        if call.name in {"fsync", "conclude"} and (place.shelf_folder / ROUTE / TOKEN).exists() and not killed:
            killed.append(call.name)
            raise Killed
        return power.around(call)

    killed: list[str] = []
    with met(around, tmp_path):
        with pytest.raises(Killed):
            place.claim(candidate)
        recovered = ClaimShelf(place.shelf_folder).recover()
        assert TOKEN in {claim.token for claim in recovered.claims}
        power.cut()
    again = ClaimShelf(place.shelf_folder).recover()
    assert {claim.token for claim in again.claims} == {claim.token for claim in recovered.claims}
    assert place.dropped() == {}


def test_recovery_itself_may_die_at_any_point(place: Place) -> None:
    candidate = place.drop()
    for first in range(0, len(place.effects(candidate)), 2):
        assert dies_at(first, lambda: place.claim(candidate))
        second = 0
        while dies_at(second, place.shelf.recover):
            second += 3
        place.shelf.recover()
        both = [*place.shelved(), place.dropped()]
        assert [one for one in both if one] == [{"case.zip": ZIP, "case.ok": MARK}]
        assert place.leftovers() == []
        for claim in whole_claims(place.shelf):
            place.shelf.release(claim.token, place.out)


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC])
def test_a_disk_error_at_any_point_loses_and_doubles_nothing(place: Place, number: int) -> None:
    candidate = place.drop()
    codes: set[str] = set()
    at = 0
    while True:
        try:
            if not fails_at(at, OSError(number, os.strerror(number)), lambda: place.claim(candidate)):
                break
        except GatewayError as error:
            codes.add(error.code)
        place.shelf.recover()
        both = [one for one in (*place.shelved(), place.dropped()) if one]
        assert both == [{"case.zip": ZIP, "case.ok": MARK}]
        assert place.leftovers() == []
        for claim in whole_claims(place.shelf):
            place.shelf.release(claim.token, place.out)
        at += 1
    assert at > 10
    assert len(codes) == 1
    assert codes <= {"local-io", "disk-full"}


@RECORDED
def test_death_at_any_point_of_a_release_leaves_one_whole_export(
    place: Place, settled: frozenset[str], stride: int
) -> None:
    reject = place.out / "reject"
    points = 0
    candidate = place.drop()
    place.claim(candidate)
    while dies_at(points, lambda: place.shelf.release(TOKEN, reject)):
        assert place.shelf.recover(settled).problems == ()
        place.shelf.release(TOKEN, reject)
        assert {path.name: path.read_bytes() for path in reject.iterdir()} == {"case.zip": ZIP, "case.ok": MARK}
        assert whole_claims(place.shelf) == []
        assert place.leftovers() == []
        for path in reject.iterdir():
            path.rename(place.out / path.name)
        place.claim(candidate)
        points += stride
    assert points > 4


@RECORDED
def test_recovery_finishes_a_release_that_was_decided(place: Place, settled: frozenset[str], stride: int) -> None:
    reject = place.out / "reject"
    place.claim(place.drop())
    finished = points = 0
    while dies_at(points, lambda: place.shelf.release(TOKEN, reject)):
        was_decided = (place.shelf_folder / ROUTE / TOKEN / "parts" / ".caseferry-move.json").exists()
        place.shelf.recover(settled)
        claims = whole_claims(place.shelf)
        assert not (was_decided and claims)
        if not claims:
            assert {path.name: path.read_bytes() for path in reject.iterdir()} == {"case.zip": ZIP, "case.ok": MARK}
            for path in reject.iterdir():
                path.rename(place.out / path.name)
            place.claim(Candidate("case.zip", ("case.zip", "case.ok"), Settled.COMPLETE))
        finished += was_decided * stride
        points += stride
    assert finished >= 3  # one, where every third point is tried


def test_a_released_original_never_overwrites_and_its_parts_stay_together(place: Place) -> None:
    place.claim(place.drop())
    place.drop(content=b"newer", mark=b"newer mark")
    paths = place.shelf.release(TOKEN, place.out)
    assert [path.name for path in paths] == ["case~2.zip", "case~2.ok"]
    assert place.dropped() == {
        "case.zip": b"newer",
        "case.ok": b"newer mark",
        "case~2.zip": ZIP,
        "case~2.ok": MARK,
    }
    assert place.shelf.release(TOKEN, place.out) == ()


def test_a_name_taken_at_the_last_moment_of_a_release_is_not_overwritten(tmp_path: Path) -> None:
    place = Place(tmp_path / "out", tmp_path / "claims")
    place.out.mkdir()
    place.claim(place.drop())
    with interrupted(-1, lambda: None) as met:
        place.shelf.release(TOKEN, place.out)
    place.claim(Candidate("case.zip", ("case.zip", "case.ok"), Settled.COMPLETE))
    with interrupted(met.index("rename-new"), place.drop_newer):
        paths = place.shelf.release(TOKEN, place.out)
    assert [path.name for path in paths] == ["case~2.zip", "case~2.ok"]
    assert [path.read_bytes() for path in paths] == [ZIP, MARK]
    assert (place.out / "case.zip").read_bytes() == b"newer"
    assert place.leftovers() == []


def test_an_export_written_to_while_we_were_dead_is_neither_lost_nor_doubled(place: Place) -> None:
    candidate = place.drop()
    points = 0
    while dies_at(points, partial(place.claim, candidate)):
        if (place.out / "case.zip").exists():
            points += 1
            place.shelf.recover()
            for claim in whole_claims(place.shelf):
                place.shelf.release(claim.token, place.out)
            continue
        taken = [*place.out.rglob("case.zip"), *place.shelf_folder.rglob("case.zip")]
        for path in taken:
            path.write_bytes(ZIP + b"written late")
        assert place.shelf.recover().problems == ()
        both = [one["case.zip"] for one in (*place.shelved(), place.dropped()) if one]
        assert both == [ZIP + b"written late"]
        for claim in whole_claims(place.shelf):
            place.shelf.discard(claim.token)
        for path in place.out.iterdir():
            path.unlink()
        candidate = place.drop()
        points += 1
    assert points > 10


def test_a_newer_export_of_the_same_name_dropped_in_between_is_left_alone(place: Place) -> None:
    """The case software exports again between our two renames: its new zip and new mark (over the old one) stay."""
    candidate = place.drop()
    for at in [index for index, name in enumerate(place.effects(candidate)) if name == "rename-new"]:
        place.shelf.discard(TOKEN)
        for path in place.out.iterdir():
            path.unlink()
        candidate = place.drop()
        fresh = {"case.zip": b"newer", "case.ok": b"newer mark"}

        with interrupted(at, place.drop_newer):
            place.claim(candidate)
        assert place.shelved() == [{"case.zip": ZIP, "case.ok": MARK}]
        assert place.dropped() in ({}, fresh)
        assert place.leftovers() == []


def test_a_newer_export_dropped_while_we_were_dead_is_left_alone(place: Place) -> None:
    candidate = place.drop()
    newer = 0
    points = 0
    while dies_at(points, partial(place.claim, candidate)):
        if not (place.out / "case.zip").exists():
            place.drop(content=b"newer", mark=b"newer mark")
            newer += 1
        place.shelf.recover()
        everything = [*place.shelved(), place.dropped()]
        kept = [(one["case.zip"], one["case.ok"]) for one in everything if "case.zip" in one]
        assert (ZIP, MARK) in kept
        assert ((b"newer", b"newer mark") in kept) == (len(kept) == 2)
        assert place.leftovers() == []
        for claim in whole_claims(place.shelf):
            place.shelf.discard(claim.token)
        for path in place.out.iterdir():
            path.unlink()
        candidate = place.drop()
        points += 1
    assert newer > 3


def test_an_export_that_changed_since_the_scan_is_not_claimed(place: Place) -> None:
    candidate = place.drop()
    seen = {name: entries.look(place.out / name) for name in candidate.parts}
    with (place.out / "case.zip").open("ab") as stream:
        stream.write(b"more")
    with pytest.raises(TransientError) as caught:
        claim_alone(place.shelf, place.out, candidate, ROUTE, TOKEN, seen)
    assert caught.value.code == "export-changed"
    assert place.dropped() == {"case.zip": ZIP + b"more", "case.ok": MARK}
    assert whole_claims(place.shelf) == []


@pytest.mark.parametrize("instead", ["pipe", "endless"])
def test_what_takes_the_place_of_a_mark_is_neither_waited_for_nor_read_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, instead: str
) -> None:
    place = Place(tmp_path / "out", tmp_path / "claims")
    place.out.mkdir()
    candidate, mark, look = place.drop(), place.out / "case.ok", entries.look

    def exchanged(path: Path | str) -> Entry:
        seen = look(path)
        if Path(path) == mark:
            mark.unlink()
            if instead == "pipe":
                os.mkfifo(mark)
            else:
                with mark.open("wb") as stream:
                    stream.truncate(1 << 40)
        return seen

    monkeypatch.setattr(entries, "look", exchanged)
    with pytest.raises(TransientError) as caught:
        place.claim(candidate)
    assert caught.value.code == "export-changed"
    assert (place.out / "case.zip").read_bytes() == ZIP


def test_an_export_that_changes_while_it_is_claimed_is_put_back(place: Place) -> None:
    candidate = place.drop()
    met = place.effects(candidate)

    def grow() -> None:
        with (place.out / "case.zip").open("ab") as stream:
            stream.write(b"more")

    with interrupted(met.index("rename-new"), grow), pytest.raises(TransientError) as caught:
        place.claim(candidate)
    assert caught.value.code == "export-changed"
    assert place.dropped() == {"case.zip": ZIP + b"more", "case.ok": MARK}
    assert place.leftovers() == []


def test_an_export_that_vanishes_is_no_claim(place: Place) -> None:
    candidate = place.drop()
    met = place.effects(candidate)
    with interrupted(met.index("rename-new"), (place.out / "case.zip").unlink), pytest.raises(TransientError) as caught:
        place.claim(candidate)
    assert caught.value.code == "export-vanished"
    assert place.dropped() == {"case.ok": MARK}
    assert place.leftovers() == []
    with pytest.raises(TransientError):
        place.claim(candidate)


@pytest.mark.parametrize(
    ("number", "kind", "code"),
    [
        (errno.EBUSY, TransientError, "export-locked"),
        (errno.ETXTBSY, TransientError, "export-locked"),
        (errno.EACCES, TransientError, "export-locked"),
        (errno.EPERM, PermanentError, "folder-denied"),
    ],
)
def test_an_export_held_open_by_another_program_waits(
    tmp_path: Path, number: int, kind: type[GatewayError], code: str
) -> None:
    place = Place(tmp_path / "out", tmp_path / "claims")
    place.out.mkdir()
    candidate = place.drop()
    met = place.effects(candidate)
    with pytest.raises(kind) as caught:
        fails_at(met.index("rename-new"), OSError(number, "x"), lambda: place.claim(candidate))
    assert caught.value.code == code
    assert place.dropped() == {"case.zip": ZIP, "case.ok": MARK}
    assert place.leftovers() == []


def test_a_link_is_never_claimed(place: Place) -> None:
    (place.out / "secret").symlink_to("/etc/passwd")
    with pytest.raises(PermanentError) as caught:
        place.claim(Candidate("secret", ("secret",), Settled.STABLE))
    assert caught.value.code == "entry-unsafe"


def test_an_interrupted_claim_waits_for_its_share_to_come_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mount = tmp_path / "mount"
    mount.mkdir()
    place = Place(mount / "out", tmp_path / "claims")
    place.out.mkdir()
    refuse_renames_across(place.out, monkeypatch)
    candidate = place.drop()
    waited = points = 0
    while dies_at(points, lambda: place.claim(candidate)):
        away = tmp_path / "away"
        mount.rename(away)
        for make_empty_root in (False, True):
            if make_empty_root:
                place.out.mkdir(parents=True)
            found = place.shelf.recover()
            waited += len(found.problems)
            assert {problem.code for problem in found.problems} <= {"mount-missing", "folder-missing"}
        for path in [*mount.rglob("*")][::-1]:
            path.rmdir()
        mount.rmdir()
        away.rename(mount)
        assert place.shelf.recover().problems == ()
        assert [one for one in (*place.shelved(), place.dropped()) if one] == [{"case.zip": ZIP, "case.ok": MARK}]
        for claim in whole_claims(place.shelf):
            place.shelf.release(claim.token, place.out)
        for empty in place.shelf.orphans(place.out):
            empty.rmdir()
        assert place.leftovers() == []
        points += 1
    assert waited > 4


def test_discarding_may_die_and_be_repeated(place: Place) -> None:
    place.claim(place.drop())
    points = 0
    while dies_at(points, lambda: place.shelf.discard(TOKEN)):
        place.shelf.discard(TOKEN)
        place.shelf.recover()
        assert whole_claims(place.shelf) == []
        assert place.leftovers() == []
        place.claim(place.drop())
        points += 1
    assert points > 3


def test_a_damaged_note_is_reported_and_its_neighbours_are_listed(place: Place) -> None:
    place.claim(place.drop())
    other = claim_token("b" * 32)
    place.claim(place.drop("other"), other)
    (place.shelf_folder / ROUTE / TOKEN / "intent.json").write_bytes(b'{"token": ')
    found = place.shelf.recover()
    assert [claim.token for claim in found.claims] == [other]
    assert [problem.code for problem in found.problems] == ["note-damaged"]
    assert (place.shelf_folder / ROUTE / TOKEN / "parts" / "case.zip").read_bytes() == ZIP


def test_the_note_of_what_is_recorded_and_at_rest_is_not_read(place: Place) -> None:
    place.claim(place.drop())
    (place.shelf_folder / ROUTE / TOKEN / "intent.json").write_bytes(b'{"token": ')
    found = place.shelf.recover({TOKEN})
    assert (found.claims, found.problems) == ((), ())
    with pytest.raises(PermanentError, match="note"):
        place.shelf.release(TOKEN, place.out)


def test_what_was_just_claimed_is_handed_on_once_and_only_while_it_is_there(place: Place) -> None:
    shelf = place.shelf
    claim = claim_alone(shelf, place.out, place.drop(), ROUTE, TOKEN)
    note = place.shelf_folder / ROUTE / TOKEN / "intent.json"
    sound = note.read_bytes()
    note.write_bytes(b"{")
    assert shelf.get(TOKEN, ROUTE) == claim
    with pytest.raises(PermanentError, match="note"):
        shelf.get(TOKEN, ROUTE)  # the second time it is read
    note.write_bytes(sound)
    assert shelf.get(TOKEN, ROUTE) == claim
    shelf.discard(TOKEN)
    claim_alone(shelf, place.out, place.drop(), ROUTE, TOKEN)
    shelf.discard(TOKEN)
    with pytest.raises(PermanentError, match="not on the shelf"):
        shelf.get(TOKEN, ROUTE)


def test_an_unknown_token_is_named(tmp_path: Path) -> None:
    with pytest.raises(PermanentError) as caught:
        ClaimShelf(tmp_path / "claims").get(TOKEN)
    assert caught.value.code == "claim-missing"


def test_two_threads_never_work_on_one_token(tmp_path: Path) -> None:
    place = Place(tmp_path / "out", tmp_path / "claims")
    place.out.mkdir()
    candidate = place.drop()
    shelf = place.shelf
    refused: list[str] = []

    def again() -> None:
        try:
            claim_alone(shelf, place.out, candidate, ROUTE, TOKEN)
        except TransientError as error:
            refused.append(error.code)

    with interrupted(5, again):
        claim_alone(shelf, place.out, candidate, ROUTE, TOKEN)
    assert refused == ["claim-busy"]
    assert place.shelved() == [{"case.zip": ZIP, "case.ok": MARK}]


def test_exports_held_by_a_lost_spool_are_found(place: Place) -> None:
    held = place.out / f".caseferry-{'c' * 32}"
    held.mkdir()
    (place.out / ".caseferry-0123.tmp").touch()
    place.claim(place.drop())
    assert place.shelf.orphans(place.out) == [held]


def test_a_link_in_the_place_of_reject_leads_no_original_away(place: Place, tmp_path: Path) -> None:
    place.claim(place.drop())
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (place.out / "reject").symlink_to(secrets)
    with pytest.raises(PermanentError) as caught:
        place.shelf.release(TOKEN, place.out / "reject")
    assert caught.value.code == "folder-replaced"
    assert list(secrets.iterdir()) == []
    (place.out / "reject").unlink()
    assert [path.read_bytes() for path in place.shelf.release(TOKEN, place.out / "reject")] == [ZIP, MARK]
    assert place.leftovers() == []


def test_a_link_laid_while_an_original_is_given_back_leads_nowhere(place: Place, tmp_path: Path) -> None:
    secrets, reject, away = tmp_path / "secrets", place.out / "reject", place.out / "away"
    secrets.mkdir()

    def exchange() -> None:
        for path in (reject, *reject.glob(".*")):
            if path.is_dir() and not path.is_symlink():
                path.rename(away)
                path.symlink_to(secrets)
                return

    for at in range(200):
        place.claim(place.drop())
        with interrupted(at, exchange) as met, suppress(GatewayError):
            place.shelf.release(TOKEN, reject)
        assert list(secrets.iterdir()) == [], met[-1]
        remove_tree(place.out)
        remove_tree(place.shelf_folder)
        place.out.mkdir()
        if len(met) <= at:
            break
    assert 10 < at < 199


@pytest.mark.parametrize("at", range(10, 46, 2))
def test_the_dot_folder_of_a_claim_may_be_exchanged_by_whoever_owns_the_outbound_folder(
    tmp_path: Path, other_device: Path, at: int
) -> None:
    place = Place(other_device / "out", tmp_path / "claims")
    place.out.mkdir()
    keys = other_device / "keys"
    keys.mkdir()
    (keys / "case.zip").write_bytes(b"K" * len(ZIP))
    (keys / "other").write_bytes(b"K")
    forged = notes.encode(
        {"folder": str(place.out), "moves": [{"name": "other", "target": "other"}], "origin": str(keys)}
    )

    def exchange() -> None:
        for path in place.out.glob(f".caseferry-{TOKEN}"):
            if not path.is_symlink():
                times = (path / "case.zip").stat() if (path / "case.zip").exists() else None
                path.rename(place.out / "away")
                (keys / JOURNAL).write_bytes(forged)
                if times is not None:
                    os.utime(keys / "case.zip", ns=(times.st_atime_ns, times.st_mtime_ns))
                path.symlink_to(keys)

    candidate = place.drop()
    with interrupted(at, exchange), suppress(GatewayError):
        place.claim(candidate)
    place.shelf.recover()
    place.shelf.recover()
    assert {path.name for path in keys.iterdir()} <= {"case.zip", "other", JOURNAL}
    assert (keys / "case.zip").read_bytes()[:1] == b"K"
    assert (keys / "other").exists()
    assert not (place.out / "other").exists()
    assert all(b"K" not in claim["case.zip"] for claim in place.shelved())
