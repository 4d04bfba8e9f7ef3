"""A signed roster is believed whole or not at all, and each way to forge, replay or mix one has its own refusal."""

import errno
import io
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tuf.api.metadata import Metadata, TargetFile, Targets

from gateway.domain.errors import GatewayError
from gateway.roster.authority import Officers, next_root, propose, sign
from gateway.roster.codec import encode
from gateway.roster.file import RosterFile, join, split
from gateway.roster.proving import TARGET
from gateway.roster.store import Came, RosterStore
from tests.support.rosters import DAY, SINCE, Authority, OfficerKey, hub, invented, roster_of, with_cheap_digits

NOW = SINCE + 10 * DAY


class Full(io.FileIO):
    """A file on a disk without room."""

    def __init__(self, descriptor: int) -> None:
        super().__init__(descriptor, "wb")

    def write(self, _data: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


POLICE = invented("990102000000")
COURT = invented("990102", "court")


def refused(call: Callable[[], object]) -> str:
    with pytest.raises(GatewayError) as caught:
        call()
    return caught.value.code


@pytest.fixture(autouse=True)
def _cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    with_cheap_digits(monkeypatch)


@pytest.fixture
def authority() -> Authority:
    return Authority()


@pytest.fixture
def store(tmp_path: Path, authority: Authority) -> RosterStore:
    """A node that trusts version 2."""
    made = RosterStore(tmp_path / "roster")
    made.trust(authority.issue(roster_of(POLICE, version=2)), authority.fingerprint(), now=NOW)
    return made


def unchanged(store: RosterStore, call: Callable[[], object]) -> str:
    """Return the code with which `call` was refused; nothing but the lock and the accepted file may be left."""
    before = store.path.read_bytes()
    code = refused(call)
    assert store.path.read_bytes() == before
    assert sorted(path.name for path in store.path.parent.iterdir()) == [".lock", "roster.cft"]
    return code


def test_a_newer_version_takes_the_place_of_the_older(store: RosterStore, authority: Authority) -> None:
    came, trusted = store.take(authority.issue(roster_of(POLICE, COURT, version=3)), now=NOW)
    again = store.load()
    assert came is Came.NEWER
    assert again is not None
    assert again.version == trusted.version == 3
    assert set(again.roster.units) == {POLICE.unit, COURT.unit}
    assert again.roster.content == trusted.roster.content


def test_the_same_and_an_older_version_change_nothing(store: RosterStore, authority: Authority) -> None:
    held = store.path.read_bytes()
    older = authority.issue(roster_of(POLICE, COURT, version=1))
    assert store.take(held, now=NOW)[0] is Came.SAME
    assert store.take(older, now=NOW)[0] is Came.OLDER
    third = sign(split(held), authority.officers[2].public, authority.officers[2].sign)
    assert store.take(join(third), now=NOW)[0] is Came.SAME
    assert store.path.read_bytes() == held


def test_nothing_is_trusted_on_first_use(tmp_path: Path, authority: Authority) -> None:
    store, raw = RosterStore(tmp_path / "new"), authority.issue(roster_of(POLICE))
    assert refused(lambda: store.take(raw, now=NOW)) == "roster-untrusted"
    assert refused(lambda: store.trust(raw, Authority().fingerprint(), now=NOW)) == "roster-fingerprint-mismatch"
    assert store.load() is None


def test_digits_may_be_typed_with_an_input_method(tmp_path: Path, authority: Authority) -> None:
    typed = authority.fingerprint().translate(str.maketrans("0123456789 ", "０１２３４５６７８９　"))
    assert RosterStore(tmp_path / "new").trust(authority.issue(roster_of(POLICE)), typed, now=NOW).version == 1


def test_a_second_authority_needs_a_person(store: RosterStore) -> None:
    other = Authority()
    raw = other.issue(roster_of(COURT, version=9))
    assert unchanged(store, lambda: store.take(raw, now=NOW)) == "roster-foreign"
    assert unchanged(store, lambda: store.trust(raw, other.fingerprint(), now=NOW)) == "roster-trusted"
    assert store.trust(raw, other.fingerprint(), now=NOW, replace=True).version == 9


def test_attack_below_the_threshold(store: RosterStore, authority: Authority) -> None:
    raw = authority.issue(roster_of(COURT, version=3), signing=authority.officers[:1])
    assert unchanged(store, lambda: store.take(raw, now=NOW)) == "roster-unsigned"


def test_attack_one_officer_signs_twice(store: RosterStore, authority: Authority) -> None:
    one = authority.officers[0]
    raw = authority.issue(roster_of(COURT, version=3), signing=[one, one])
    assert unchanged(store, lambda: store.take(raw, now=NOW)) == "roster-unsigned"


def test_attack_wrong_key(store: RosterStore, authority: Authority) -> None:
    thieves = Authority()
    file = thieves.issue_file(roster_of(COURT, version=3))
    raw = join(replace(file, roots=tuple(authority.roots)))
    assert unchanged(store, lambda: store.take(raw, now=NOW)) == "roster-unsigned"


def test_attack_freeze_an_expired_roster(store: RosterStore, authority: Authority) -> None:
    raw = authority.issue(roster_of(COURT, version=3), expires=int(NOW))
    assert unchanged(store, lambda: store.take(raw, now=NOW)) == "roster-expired"
    assert store.take(raw, now=NOW - 1)[0] is Came.NEWER


def test_attack_rollback_below_a_new_root(store: RosterStore, authority: Authority) -> None:
    authority.change_root(authority.officers, 2)
    raw = authority.issue(roster_of(COURT, version=1))
    assert unchanged(store, lambda: store.take(raw, now=NOW)) == "roster-older"


@pytest.mark.parametrize("part", ["timestamp", "snapshot", "targets"])
def test_attack_mix_and_match_metadata(part: str, store: RosterStore, authority: Authority) -> None:
    new = authority.issue_file(roster_of(COURT, version=4))
    old = authority.issue_file(roster_of(POLICE, COURT, version=3))
    raw = join(replace(new, **{part: getattr(old, part)}))
    assert unchanged(store, lambda: store.take(raw, now=NOW)) == "roster-mixed"


def test_attack_mix_and_match_content(store: RosterStore, authority: Authority) -> None:
    new = authority.issue_file(roster_of(COURT, version=3))
    old = authority.issue_file(roster_of(POLICE, COURT, version=3))
    for roster in (old.roster, new.roster[:-1], b"", new.roster + b" "):
        raw = join(replace(new, roster=roster))
        assert unchanged(store, lambda raw=raw: store.take(raw, now=NOW)) in {"roster-mixed", "roster-malformed"}


def test_attack_two_rosters_of_one_version(store: RosterStore, authority: Authority) -> None:
    raw = authority.issue(roster_of(COURT, version=2))
    assert unchanged(store, lambda: store.take(raw, now=NOW)) == "roster-mixed"


def test_attack_content_of_another_version(store: RosterStore, authority: Authority) -> None:
    inner = propose(authority.roots, roster_of(COURT, version=3), SINCE + 90 * DAY)
    outer = propose(authority.roots, roster_of(COURT, version=9), SINCE + 90 * DAY)
    file = replace(outer, roster=inner.roster, targets=inner.targets)
    for one in authority.officers:
        file = sign(file, one.public, one.sign)
    assert unchanged(store, lambda: store.take(join(file), now=NOW)) == "roster-mixed"


def test_attack_two_rosters_of_one_version_below_a_new_root(store: RosterStore, authority: Authority) -> None:
    authority.change_root(authority.officers, 2)
    raw = authority.issue(roster_of(COURT, version=2))
    assert unchanged(store, lambda: store.take(raw, now=NOW)) == "roster-mixed"


@pytest.mark.parametrize(
    ("content", "code"),
    [(None, "roster-mixed"), (b"{}", "roster-malformed"), (encode(roster_of(COURT, version=9)), "roster-mixed")],
    ids=["none", "odd", "of another version"],
)
def test_content_that_its_metadata_does_not_fit_is_refused_although_it_is_signed(
    content: bytes | None, code: str, store: RosterStore, authority: Authority
) -> None:
    file = propose(authority.roots, roster_of(COURT, version=3), SINCE + 90 * DAY)
    targets = Metadata[Targets].from_bytes(file.targets)
    targets.signed.targets = {} if content is None else {TARGET: TargetFile.from_data(TARGET, content, ["sha256"])}
    file = replace(file, targets=targets.to_bytes(), roster=content or file.roster)
    for one in authority.officers:
        file = sign(file, one.public, one.sign)
    assert unchanged(store, lambda: store.take(join(file), now=NOW)) == code


def test_attack_a_root_that_its_predecessor_did_not_sign(store: RosterStore, authority: Authority) -> None:
    thieves = [OfficerKey.draw(), OfficerKey.draw()]
    authority.change_root(thieves, 2, signing=thieves)
    raw = authority.issue(roster_of(COURT, version=3))
    assert unchanged(store, lambda: store.take(raw, now=NOW)) == "roster-unsigned"


def test_attack_a_root_that_its_own_officers_did_not_sign(store: RosterStore, authority: Authority) -> None:
    former = list(authority.officers)
    authority.change_root([OfficerKey.draw(), OfficerKey.draw()], 2, signing=former)
    raw = join(replace(authority.issue_file(roster_of(COURT, version=3)), roots=tuple(authority.roots)))
    assert unchanged(store, lambda: store.take(raw, now=NOW)) == "roster-unsigned"


def test_attack_other_roots_before_ours(store: RosterStore, authority: Authority) -> None:
    other = Authority()
    file = authority.issue_file(roster_of(COURT, version=3))
    raw = join(replace(file, roots=(other.roots[0],)))
    assert unchanged(store, lambda: store.take(raw, now=NOW)) == "roster-foreign"


def test_attack_every_cut_and_every_changed_byte_of_the_frame(store: RosterStore, authority: Authority) -> None:
    raw = authority.issue(roster_of(version=3))
    for end in (0, 1, 9, 10, 13, 14, 200, len(raw) - 1):
        assert unchanged(store, lambda end=end: store.take(raw[:end], now=NOW)) == "roster-malformed"
    assert unchanged(store, lambda: store.take(raw + b"\0", now=NOW)) == "roster-malformed"
    for at in range(0, len(raw), len(raw) // 40):
        torn = bytearray(raw)
        torn[at] ^= 1
        unchanged(store, lambda torn=bytes(torn): store.take(torn, now=NOW))


def test_attack_a_key_of_small_order(store: RosterStore, authority: Authority) -> None:
    identity = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
    raw = authority.issue(roster_of(replace(COURT, ssh_user_keys=(identity,)), version=3))
    assert unchanged(store, lambda: store.take(raw, now=NOW)) == "key-refused"


def test_attack_an_officer_with_a_key_of_small_order() -> None:
    assert refused(lambda: next_root([], Officers((b"\1" + bytes(31),), 1), SINCE)) == "key-refused"


def test_officers_that_cannot_meet_the_threshold_are_refused() -> None:
    keys = (OfficerKey.draw().public, OfficerKey.draw().public)
    for officers in (Officers(keys, 3), Officers(keys, 0), Officers((keys[0], keys[0]), 2), Officers((), 0)):
        assert refused(lambda officers=officers: next_root([], officers, SINCE)) == "roster-officers"


def test_an_unsound_roster_is_refused_although_it_is_signed(store: RosterStore, authority: Authority) -> None:
    raw = authority.issue(roster_of(replace(COURT, hubs=(POLICE.unit,)), POLICE, version=3))
    assert unchanged(store, lambda: store.take(raw, now=NOW)) == "roster-unsound"


def test_one_stolen_officer_key_is_replaced_by_the_others(store: RosterStore, authority: Authority) -> None:
    stolen, kept = authority.officers[0], authority.officers[1:]
    authority.change_root([*kept, OfficerKey.draw()], 2, signing=kept)
    assert store.take(authority.issue(roster_of(COURT, version=3), signing=kept), now=NOW)[0] is Came.NEWER
    forged = authority.issue_file(roster_of(POLICE, version=4), signing=kept[:1])
    assert sign(forged, stolen.public, stolen.sign) == forged
    assert unchanged(store, lambda: store.take(join(forged), now=NOW)) == "roster-unsigned"


def test_a_node_moves_over_many_roots_at_once(store: RosterStore, authority: Authority) -> None:
    for _ in range(4):
        authority.change_root([authority.officers[1], authority.officers[2], OfficerKey.draw()], 2)
    came, trusted = store.take(authority.issue(roster_of(COURT, version=3)), now=NOW)
    assert (came, trusted.root_version, trusted.version) == (Came.NEWER, 5, 3)
    assert trusted.fingerprint() == authority.fingerprint()


def test_a_version_forged_by_stolen_keys_is_taken_back_by_new_officers(
    store: RosterStore, authority: Authority
) -> None:
    assert store.take(authority.issue(roster_of(COURT, version=2_000_000)), now=NOW)[0] is Came.NEWER
    authority.change_root([OfficerKey.draw() for _ in range(3)], 2)
    came, trusted = store.take(authority.issue(roster_of(POLICE, version=3)), now=NOW)
    assert (came, trusted.version) == (Came.NEWER, 3)


def test_an_expired_roster_is_still_loaded(store: RosterStore, authority: Authority) -> None:
    store.take(authority.issue(roster_of(COURT, version=3), expires=int(NOW) + DAY), now=NOW)
    held = store.load()
    assert held is not None
    assert held.expires_at == int(NOW) + DAY


def test_a_damaged_file_is_not_believed_at_the_start(store: RosterStore) -> None:
    raw = bytearray(store.path.read_bytes())
    raw[-10] ^= 1
    store.path.write_bytes(raw)
    assert refused(store.load) == "roster-damaged"


def test_a_file_that_others_may_change_is_not_believed(store: RosterStore) -> None:
    store.path.chmod(0o666)
    assert refused(store.load) == "peers-exposed"


def test_a_half_written_file_of_a_killed_process_is_in_nobody_s_way(store: RosterStore, authority: Authority) -> None:
    (store.path.parent / ".roster.cft.new").write_bytes(b"half")
    assert store.take(authority.issue(roster_of(COURT, version=3)), now=NOW)[0] is Came.NEWER


def test_what_killed_processes_left_is_swept_in_time(store: RosterStore, authority: Authority) -> None:
    for name, age in ((".proving-old", 2 * 3600), (".proving-new", 60)):
        (store.path.parent / name / "metadata").mkdir(parents=True)
        os.utime(store.path.parent / name, (NOW - age, NOW - age))
    store.take(authority.issue(roster_of(COURT, version=3)), now=NOW)
    assert [path.name for path in store.path.parent.glob(".proving-*")] == [".proving-new"]


@pytest.mark.parametrize("call", ["fsync", "write", "replace"])
def test_a_disk_that_fails_leaves_the_accepted_roster(
    call: str, store: RosterStore, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = authority.issue(roster_of(COURT, version=3))
    before = store.path.read_bytes()

    def fails(*_args: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        match call:
            case "fsync":
                patched.setattr(os, "fsync", fails)
            case "replace":
                patched.setattr(Path, "replace", fails)
            case _:
                patched.setattr(os, "fdopen", lambda fd, mode: Full(fd) if mode == "wb" else open(fd, mode))  # noqa: SIM115, PTH123 - as os.fdopen does
        code = refused(lambda: store.take(raw, now=NOW))
    assert code == "roster-unusable"
    assert store.path.read_bytes() == before
    assert store.take(raw, now=NOW)[0] is Came.NEWER


def test_a_roster_file_parts_and_joins(authority: Authority) -> None:
    file = authority.issue_file(roster_of(hub("9900"), POLICE))
    assert split(join(file)) == file
    assert isinstance(file, RosterFile)
