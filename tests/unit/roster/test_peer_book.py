"""Who may speak to this node: only cards a person confirmed, or that the keys before them signed."""

import os
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.bundle.card import fingerprint
from gateway.bundle.suites import Suite
from gateway.domain.errors import ConfigError, GatewayError, PermanentError, SecurityError
from gateway.domain.ids import unit_code
from gateway.roster import peers
from gateway.roster.peers import PeerBook, Standing
from tests.support.cards import DAY, START, Holder, holder

NOW = START + 1.5
PEER = unit_code("990102")


def confirmed(one: Holder) -> str:
    return fingerprint(one.card)


def refused(kind: type[GatewayError], act: Callable[[], object]) -> str:
    with pytest.raises(kind) as caught:
        act()
    return caught.value.code


def book_with(folder: Path, *holders: Holder) -> PeerBook:
    book = PeerBook.open(folder / "peers")
    for one in holders:
        book.add(one.raw, confirmed(one), now=NOW)
    return book


def test_a_confirmed_card_is_kept_over_a_restart(tmp_path: Path) -> None:
    one = holder()
    added = book_with(tmp_path, one).get(PEER)
    assert added is not None
    assert PeerBook.open(tmp_path / "peers").peers() == (added,)
    assert (added.card, added.added_at, added.is_revoked) == (one.card, int(NOW), False)
    assert added.fingerprint() == confirmed(one)


def test_an_absent_folder_holds_nobody(tmp_path: Path) -> None:
    book = PeerBook.open(tmp_path / "peers")
    assert (book.peers(), dict(book.accounts()), book.get(PEER)) == ((), {}, None)


def test_there_is_no_trust_on_first_use(tmp_path: Path) -> None:
    book = PeerBook.open(tmp_path)
    assert refused(SecurityError, lambda: book.add(holder().raw, None, now=NOW)) == "fingerprint-missing"
    assert refused(SecurityError, lambda: book.add(holder().raw, None, now=NOW, replace=True)) == "fingerprint-missing"
    assert PeerBook.open(tmp_path).peers() == ()


@pytest.mark.parametrize("wrong", ["", "0" * 40, "12345 67890"])
def test_a_wrong_fingerprint_is_refused(tmp_path: Path, wrong: str) -> None:
    one = holder()
    book = PeerBook.open(tmp_path)
    assert refused(SecurityError, lambda: book.add(one.raw, wrong, now=NOW)) == "fingerprint-mismatch"
    almost = confirmed(one)[:-1] + str((int(confirmed(one)[-1]) + 1) % 10)
    assert refused(SecurityError, lambda: book.add(one.raw, almost, now=NOW)) == "fingerprint-mismatch"
    assert PeerBook.open(tmp_path).peers() == ()


def test_a_fingerprint_may_be_typed_as_people_type(tmp_path: Path) -> None:
    one = holder()
    wide = str.maketrans("0123456789 ", "０１２３４５６７８９　")
    for typed in (
        confirmed(one).replace(" ", ""),
        confirmed(one).replace(" ", "-"),
        confirmed(one).translate(wide) + "\n",
    ):
        assert PeerBook.open(tmp_path).add(one.raw, typed, now=NOW).card == one.card


def test_a_tampered_card_is_refused_even_if_confirmed(tmp_path: Path) -> None:
    one = holder()
    raw = one.raw[:-1] + bytes([one.raw[-1] ^ 1])
    book = PeerBook.open(tmp_path)
    assert refused(SecurityError, lambda: book.add(raw, confirmed(one), now=NOW)) == "card-bad-signature"


def test_adding_the_same_card_again_changes_nothing(tmp_path: Path) -> None:
    one = holder()
    book = book_with(tmp_path, one)
    before = (tmp_path / "peers" / f"{PEER}.cfpeer").read_bytes()
    assert book.add(one.raw, None, now=NOW + 50).changed_at == int(NOW)
    assert (tmp_path / "peers" / f"{PEER}.cfpeer").read_bytes() == before


def test_a_renewal_signed_by_the_present_key_needs_nobody(tmp_path: Path) -> None:
    one = holder()
    renewed = one.renewed()
    book = book_with(tmp_path, one)
    assert book.add(renewed.raw, None, now=NOW + 60 * DAY).card == renewed.card
    assert book.recipient_keys(PEER, START + 61 * DAY, (Suite.CLASSIC,)) == renewed.private[1].public
    assert book.recipient_keys(PEER, START + 59 * DAY, (Suite.CLASSIC,)) == one.private[0].public
    for private in renewed.private:
        signer = book.signer_of(private.public.sign_key_id)
        assert signer is not None
        assert (signer.unit, signer.standing) == (PEER, Standing.CURRENT)


def test_one_renewal_too_many_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "CARDS_MAX", 2)
    first = holder()
    second = first.renewed()
    third = second.renewed(START + 120 * DAY)
    book = book_with(tmp_path, first, second)
    before = (tmp_path / "peers" / f"{PEER}.cfpeer").read_bytes()
    assert refused(PermanentError, lambda: book.add(third.raw, None, now=NOW)) == "cards-too-many"
    assert (tmp_path / "peers" / f"{PEER}.cfpeer").read_bytes() == before
    assert book.signer_of(third.private[-1].public.sign_key_id) is None
    assert book.add(second.raw, None, now=NOW).card == second.card


def test_a_key_that_left_the_card_counts_as_past(tmp_path: Path) -> None:
    one = holder()
    second = one.renewed()
    third = Holder(replace(second.card, keys=second.card.keys[1:], created=second.card.created + 1), second.private[1:])
    book = book_with(tmp_path, one)
    book.add(second.raw, None, now=NOW)
    book.add(third.raw, None, now=NOW)
    signer = PeerBook.open(tmp_path / "peers").signer_of(one.private[0].public.sign_key_id)
    assert signer is not None
    assert signer.standing is Standing.PAST
    assert signer.is_valid(START + DAY)
    assert not signer.is_valid(START + 100 * DAY)


def test_a_changed_card_that_the_present_key_did_not_sign_is_refused(tmp_path: Path) -> None:
    one = holder()
    other = holder()
    book = book_with(tmp_path, one)
    for given in (None, confirmed(other)):
        assert refused(SecurityError, lambda g=given: book.add(other.raw, g, now=NOW)) == "card-unproven"
    assert refused(SecurityError, lambda: book.add(other.raw, None, now=NOW, replace=True)) == "card-unproven"
    assert PeerBook.open(tmp_path / "peers").peers()[0].card == one.card


def test_a_renewal_must_be_signed_by_the_newest_key_of_every_suite(tmp_path: Path) -> None:
    one = holder(suites=(Suite.CLASSIC, Suite.PQ))
    weaker = replace(one.card, keys=one.card.keys[:1], suites=(Suite.CLASSIC,), created=START + 1)
    book = book_with(tmp_path, one)
    raw = Holder(weaker, one.private).raw
    assert refused(SecurityError, lambda: book.add(raw, None, now=NOW)) == "card-unproven"


def test_replacing_on_confirmation_revokes_the_former_keys(tmp_path: Path) -> None:
    one, other = holder(), holder()
    book = book_with(tmp_path, one)
    book.add(other.raw, confirmed(other), now=NOW, replace=True)
    for seen in (book, PeerBook.open(tmp_path / "peers")):
        old, new = (seen.signer_of(each.private[0].public.sign_key_id) for each in (one, other))
        assert old is not None
        assert new is not None
        assert (old.standing, new.standing) == (Standing.REVOKED, Standing.CURRENT)
        assert not old.is_valid(START + DAY)
        assert seen.ssh_user_keys(PEER) == (other.card.ssh_user_key,)


def test_an_older_card_played_back_brings_no_key_back(tmp_path: Path) -> None:
    one = holder()
    second = one.renewed()
    third = second.renewed(START + 80 * DAY)
    book = book_with(tmp_path, second)
    book.add(third.raw, None, now=NOW)
    assert refused(SecurityError, lambda: book.add(one.raw, None, now=NOW)) == "card-unproven"
    stale = Holder(replace(third.card, name="旧名", created=third.card.created), third.private)
    assert refused(PermanentError, lambda: book.add(stale.raw, None, now=NOW)) == "card-older"


@pytest.mark.parametrize("which", ["keys", "ssh_user_key", "ssh_host_key"])
def test_a_key_of_another_unit_is_refused(tmp_path: Path, which: str) -> None:
    victim = holder("990101")
    thief = holder("990102")
    if which == "keys":
        thief = Holder(replace(thief.card, keys=victim.card.keys), victim.private)
    elif which == "ssh_user_key":
        thief = Holder(replace(thief.card, ssh_user_key=victim.card.ssh_user_key), thief.private)
    else:
        thief = Holder(replace(thief.card, ssh_host_key=victim.card.ssh_user_key), thief.private)
    book = book_with(tmp_path, victim)
    book.remove(unit_code("990101"), now=NOW)
    code = refused(SecurityError, lambda: book.add(thief.raw, confirmed(thief), now=NOW, replace=True))
    assert code == "card-key-taken"


def test_a_revoked_peer_is_shut_out_but_its_receipts_still_verify(tmp_path: Path) -> None:
    one, neighbour = holder(), holder("990103")
    book = book_with(tmp_path, one, neighbour)
    assert book.remove(PEER, now=NOW + 5).revoked_at == int(NOW) + 5
    assert book.remove(PEER, now=NOW + 9).revoked_at == int(NOW) + 5
    for seen in (book, PeerBook.open(tmp_path / "peers")):
        assert list(seen.accounts()) == ["990103"]
        for act in (seen.ssh_host_key, seen.ssh_user_keys, lambda unit, s=seen: s.recipient_keys(unit, NOW)):
            assert refused(PermanentError, lambda a=act: a(PEER)) == "peer-revoked"
        signer = seen.signer_of(one.private[0].public.sign_key_id)
        assert signer is not None
        assert (signer.standing, signer.public) == (Standing.REVOKED, one.private[0].public)
        assert [peer.is_revoked for peer in seen.peers()] == [True, False]


def test_a_revoked_peer_comes_back_only_confirmed_anew(tmp_path: Path) -> None:
    one = holder()
    book = book_with(tmp_path, one)
    book.remove(PEER, now=NOW)
    for act in (
        lambda: book.add(one.raw, None, now=NOW),
        lambda: book.add(one.raw, confirmed(one), now=NOW),
        lambda: book.add(one.renewed().raw, None, now=NOW),
    ):
        assert refused(SecurityError, act) == "card-unproven"
    assert not book.add(one.raw, confirmed(one), now=NOW, replace=True).is_revoked
    assert book.recipient_keys(PEER, NOW, (Suite.CLASSIC,)) == one.private[0].public


def test_keys_are_given_in_the_first_suite_that_the_peer_accepts(tmp_path: Path) -> None:
    both = holder("990101", suites=(Suite.CLASSIC, Suite.PQ))
    narrow = Holder(replace(both.card, suites=(Suite.CLASSIC,)), both.private)
    book = book_with(tmp_path, both)
    assert book.recipient_keys("990101", NOW).suite is Suite.PQ
    assert book.recipient_keys("990101", NOW, (Suite.CLASSIC, Suite.PQ)).suite is Suite.CLASSIC
    book.add(narrow.raw, confirmed(narrow), now=NOW, replace=True)
    assert book.recipient_keys("990101", NOW).suite is Suite.CLASSIC


@pytest.mark.parametrize("at", [START - 1, START + 100 * DAY])
def test_keys_out_of_their_time_are_not_given(tmp_path: Path, at: int) -> None:
    book = book_with(tmp_path, holder())
    assert refused(PermanentError, lambda: book.recipient_keys(PEER, at)) == "peer-keys-expired"


def test_strangers_have_no_keys(tmp_path: Path) -> None:
    book = book_with(tmp_path, holder())
    for act in (book.ssh_host_key, book.ssh_user_keys, lambda unit: book.remove(unit, now=NOW)):
        assert refused(PermanentError, lambda a=act: a(unit_code("999999"))) == "peer-unknown"
    assert book.signer_of(bytes(32)) is None


def test_accounts_are_the_peers_and_their_keys(tmp_path: Path) -> None:
    one, other = holder(), holder("990103")
    book = book_with(tmp_path, one, other)
    assert book.accounts() == {"990102": (one.card.ssh_user_key,), "990103": (other.card.ssh_user_key,)}
    assert book.ssh_host_key(PEER) == one.card.ssh_host_key


@pytest.mark.parametrize("position", range(5, 20000, 1777))
def test_a_damaged_peer_file_keeps_the_node_from_starting(tmp_path: Path, position: int) -> None:
    book_with(tmp_path, holder(suites=(Suite.PQ,)))
    path = tmp_path / "peers" / f"{PEER}.cfpeer"
    raw = bytearray(path.read_bytes())
    raw[position % len(raw)] ^= 1
    path.write_bytes(bytes(raw))
    assert refused(ConfigError, lambda: PeerBook.open(tmp_path / "peers")) == "peers-malformed"


def test_a_peer_file_under_another_name_is_refused(tmp_path: Path) -> None:
    book_with(tmp_path, holder())
    (tmp_path / "peers" / f"{PEER}.cfpeer").rename(tmp_path / "peers" / "990109.cfpeer")
    assert refused(ConfigError, lambda: PeerBook.open(tmp_path / "peers")) == "peers-malformed"


def test_peers_that_others_could_change_are_refused_with_the_command_that_mends_it(tmp_path: Path) -> None:
    book_with(tmp_path, holder())
    folder = tmp_path / "peers"
    for path, mode in ((folder, 0o770), (folder / f"{PEER}.cfpeer", 0o622)):
        before = path.stat().st_mode & 0o777
        path.chmod(mode)
        with pytest.raises(ConfigError, match=r"chmod go-w") as caught:
            PeerBook.open(folder)
        assert caught.value.code == "peers-exposed"
        path.chmod(before)
    assert len(PeerBook.open(folder).peers()) == 1


def test_a_link_in_the_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    book_with(tmp_path, holder())
    (tmp_path / "linked").symlink_to(tmp_path / "peers")
    assert refused(ConfigError, lambda: PeerBook.open(tmp_path / "linked")) == "peers-exposed"


def test_other_files_and_dead_writers_leftovers_do_no_harm(tmp_path: Path) -> None:
    one = holder()
    (tmp_path / "peers").mkdir(mode=0o700)
    (tmp_path / "peers" / f".{PEER}.cfpeer.new").write_bytes(b"half")
    (tmp_path / "peers" / "README").write_bytes(b"?")
    book_with(tmp_path, one)
    assert [peer.card for peer in PeerBook.open(tmp_path / "peers").peers()] == [one.card]


def test_a_full_disk_leaves_the_former_card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = holder()
    book = book_with(tmp_path, one)

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert refused(ConfigError, lambda: book.add(one.renewed().raw, None, now=NOW)) == "peers-unusable"
    assert refused(ConfigError, lambda: book.remove(PEER, now=NOW)) == "peers-unusable"
    assert book.peers() == PeerBook.open(tmp_path / "peers").peers()
    assert book.peers()[0].card == one.card


def test_two_who_write_at_once_lose_nothing(tmp_path: Path) -> None:
    """Two commands, or a command and the daemon, each with its own view of the folder."""
    holders = [holder(f"99010{n}") for n in range(6)]
    books = [PeerBook.open(tmp_path / "peers") for _ in holders]
    start = threading.Barrier(len(holders))

    def add(book: PeerBook, one: Holder) -> None:
        start.wait()
        book.add(one.raw, confirmed(one), now=NOW)

    threads = [threading.Thread(target=add, args=pair) for pair in zip(books, holders, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [peer.card for peer in PeerBook.open(tmp_path / "peers").peers()] == [one.card for one in holders]


def test_a_key_that_vouched_once_vouches_only_for_its_own_unit(tmp_path: Path) -> None:
    one = holder()
    book = book_with(tmp_path, one)
    impostor = Holder(replace(one.card, unit=unit_code("990199"), created=START + 1), one.private)
    code = refused(SecurityError, lambda: book.add(impostor.raw, confirmed(impostor), now=NOW, replace=True))
    assert code == "card-key-taken"
