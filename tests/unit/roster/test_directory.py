"""Whom a node trusts by roster and cards: keys by date, revocation and theft, closed units, expiry, who may log in."""

from dataclasses import replace
from pathlib import Path

import pytest

from gateway.bundle.card import fingerprint
from gateway.bundle.keys import generate
from gateway.bundle.suites import Suite
from gateway.domain.errors import GatewayError
from gateway.domain.ids import UnitCode
from gateway.roster.content import RosterUnit, UnitKey
from gateway.roster.directory import Directory
from gateway.roster.drafting import close, renewed, revoke, unit_of_card, without_old_ssh
from gateway.roster.peers import PeerBook
from gateway.roster.roster import Roster
from gateway.roster.store import RosterStore
from tests.support.cards import START, Holder, holder
from tests.support.rosters import DAY, Authority, hub, install, invented, listed, roster_of, with_cheap_digits

UNIT = "990102"


@pytest.fixture(autouse=True)
def _cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    with_cheap_digits(monkeypatch)


def directory(tmp_path: Path, *units: RosterUnit, cards: tuple[Holder, ...] = ()) -> Directory:
    book = PeerBook.open(tmp_path / "peers")
    for one in cards:
        book.add(one.raw, fingerprint(one.card), now=START)
    return Directory(book, Roster(roster_of(*units)))


def refused(trust: Directory, at: float, unit: str = UNIT) -> str:
    with pytest.raises(GatewayError) as caught:
        trust.recipient_keys(unit, at)
    return caught.value.code


def test_the_roster_goes_before_a_card_of_the_same_unit(tmp_path: Path) -> None:
    ours, theirs = holder(UNIT), holder(UNIT)
    trust = directory(tmp_path, listed(theirs.card, "court"), cards=(ours,))
    assert trust.recipient_keys(UNIT, START) == theirs.card.keys[0].public
    assert trust.ssh_host_key(UNIT) == theirs.card.ssh_host_key
    assert trust.accounts()[UnitCode(UNIT)] == (theirs.card.ssh_user_key,)


def test_whom_the_roster_does_not_list_a_card_speaks_for(tmp_path: Path) -> None:
    one = holder(UNIT)
    trust = directory(tmp_path, invented("990103"), cards=(one,))
    assert trust.recipient_keys(UNIT, START) == one.card.keys[0].public
    assert UnitCode(UNIT) in trust.accounts()
    assert refused(trust, START, "990199") == "peer-unknown"


def test_a_peer_revoked_here_is_revoked_whatever_the_roster_says(tmp_path: Path) -> None:
    one = holder(UNIT)
    trust = directory(tmp_path, listed(one.card, "court"), cards=(one,))
    trust.book.remove(UnitCode(UNIT), now=START)
    assert refused(trust, START) == "peer-revoked"
    assert UnitCode(UNIT) not in trust.accounts()
    signer = trust.signer_of(one.card.keys[0].public.sign_key_id)
    assert signer is not None
    assert not signer.is_valid(START)


def test_keys_overlap_in_both_directions_while_they_are_renewed(tmp_path: Path) -> None:
    first = holder(UNIT)
    second = first.renewed()
    unit = renewed(listed(first.card, "court"), second.card)
    trust = directory(tmp_path, unit)
    old, new = (key.public for key in second.card.keys)
    assert trust.recipient_keys(UNIT, START + 10 * DAY) == old
    assert trust.recipient_keys(UNIT, START + 70 * DAY) == new
    for key, at in ((old, START + 10 * DAY), (old, START + 80 * DAY), (new, START + 80 * DAY)):
        signer = trust.signer_of(key.sign_key_id)
        assert signer is not None
        assert signer.is_valid(at)
        assert trust.unit_of(key.encrypt_key_id) == UNIT
    # Long after, what was sealed then still verifies by the key that counted then, and by no later date.
    gone = trust.signer_of(old.sign_key_id)
    assert gone is not None
    assert gone.is_valid(START + 99 * DAY)
    assert not gone.is_valid(START + 101 * DAY)


def test_ssh_keys_overlap_too(tmp_path: Path) -> None:
    first, other = holder(UNIT), holder(UNIT)
    card = replace(first.card, ssh_host_key=other.card.ssh_host_key, ssh_user_key=other.card.ssh_user_key)
    unit = renewed(listed(first.card, "court"), card)
    trust = directory(tmp_path, unit)
    assert trust.ssh_host_keys(UNIT) == (other.card.ssh_host_key, first.card.ssh_host_key)
    assert trust.accounts()[UnitCode(UNIT)] == (other.card.ssh_user_key, first.card.ssh_user_key)
    over = directory(tmp_path, without_old_ssh(unit))
    assert over.ssh_host_keys(UNIT) == (other.card.ssh_host_key,)
    assert over.accounts()[UnitCode(UNIT)] == (other.card.ssh_user_key,)


def test_who_stole_all_keys_of_a_unit_is_not_let_in_by_the_old_ssh_keys_once_it_is_back(tmp_path: Path) -> None:
    first, other = holder(UNIT), holder(UNIT)
    (stolen,) = revoke(roster_of(listed(first.card, "court")), UNIT, START + 5 * DAY, compromised=True).units
    back = renewed(stolen, other.card)
    trust = directory(tmp_path, back)
    assert trust.ssh_host_keys(UNIT) == (other.card.ssh_host_key,)
    assert trust.accounts()[UnitCode(UNIT)] == (other.card.ssh_user_key,)
    third = holder(UNIT)  # and from then on they overlap as before
    assert trust.accounts()[UnitCode(UNIT)][0] in renewed(back, third.card).ssh_user_keys[1:]


def test_what_was_signed_before_a_revocation_stays_valid(tmp_path: Path) -> None:
    one = holder(UNIT)
    content = revoke(roster_of(listed(one.card, "court")), UNIT, START + 5 * DAY, compromised=False)
    trust = directory(tmp_path, *content.units)
    signer = trust.signer_of(one.card.keys[0].public.sign_key_id)
    assert signer is not None
    assert signer.is_valid(START + 4 * DAY)
    assert not signer.is_valid(START + 5 * DAY)
    assert refused(trust, START + 6 * DAY) == "peer-keys-expired"
    assert UnitCode(UNIT) not in trust.accounts()


def test_nothing_that_a_stolen_key_signed_counts(tmp_path: Path) -> None:
    one = holder(UNIT)
    content = revoke(roster_of(listed(one.card, "court")), UNIT, START + 5 * DAY, compromised=True)
    signer = directory(tmp_path, *content.units).signer_of(one.card.keys[0].public.sign_key_id)
    assert signer is not None
    assert not signer.is_valid(START + DAY)


def test_recovery_of_a_unit_whose_key_was_stolen(tmp_path: Path) -> None:
    """New keys, confirmed by telephone, come beside the revoked ones: the unit works again, the thief does not."""
    one, fresh = holder(UNIT), generate(Suite.CLASSIC).public
    unit = listed(one.card, "court")
    stolen = unit.keys[0].public
    content = revoke(roster_of(unit), UNIT, START + 5 * DAY, stolen.sign_key_id, compromised=True)
    (entry,) = content.units
    entry = replace(entry, keys=(*entry.keys, UnitKey(fresh, START + 5 * DAY, START + 99 * DAY)))
    trust = directory(tmp_path, entry)
    assert trust.recipient_keys(UNIT, START + 6 * DAY) == fresh
    signer, thief = trust.signer_of(fresh.sign_key_id), trust.signer_of(stolen.sign_key_id)
    assert signer is not None
    assert thief is not None
    assert signer.is_valid(START + 6 * DAY)
    assert not thief.is_valid(START + 6 * DAY)
    assert UnitCode(UNIT) in trust.accounts()


def test_a_closed_unit_is_not_sealed_to_and_its_old_bundles_verify(tmp_path: Path) -> None:
    one, other = holder(UNIT), invented("990103", "court")
    content = roster_of(listed(one.card, "court"), other)
    trust = directory(tmp_path, *close(content, UNIT, START + 5 * DAY, other.unit).units)
    assert refused(trust, START + 5 * DAY) == "peer-revoked"
    assert UnitCode(UNIT) not in trust.accounts()
    signer = trust.signer_of(one.card.keys[0].public.sign_key_id)
    assert signer is not None
    assert signer.is_valid(START + 4 * DAY)
    assert not signer.is_valid(START + 6 * DAY)
    assert trust.roster is not None
    answer = trust.roster.resolve(None, UNIT, START + 6 * DAY)
    assert answer is not None
    assert answer.unit.unit == other.unit


def test_after_the_roster_expired_nothing_new_is_sealed_on_its_word(tmp_path: Path) -> None:
    one, apart = holder(UNIT), holder("990104")
    authority = Authority()
    raw = authority.issue(roster_of(listed(one.card, "court")), expires=START + 9 * DAY)
    install(tmp_path, raw, authority, START)
    book = PeerBook.open(tmp_path / "peers")
    book.add(apart.raw, fingerprint(apart.card), now=START)
    trust = Directory(book, trusted=RosterStore(tmp_path / "roster").load())
    assert trust.recipient_keys(UNIT, START + 8 * DAY)
    assert refused(trust, START + 9 * DAY) == "roster-expired"
    # What comes in still verifies, links still work, and a card that a person confirmed does not expire with it.
    assert trust.signer_of(one.card.keys[0].public.sign_key_id) is not None
    assert trust.ssh_host_key(UNIT)
    assert UnitCode(UNIT) in trust.accounts()
    assert trust.recipient_keys("990104", START + 9 * DAY)


def test_only_a_roster_makes_hubs(tmp_path: Path) -> None:
    trust = directory(tmp_path, hub("990000"), cards=(holder(UNIT),))
    assert trust.is_hub(UnitCode("990000"))
    assert not trust.is_hub(UnitCode(UNIT))
    assert not Directory(trust.book).is_hub(UnitCode("990000"))


def test_a_unit_of_a_card_says_what_its_card_says() -> None:
    one = holder(UNIT, suites=(Suite.CLASSIC, Suite.PQ))
    unit = unit_of_card(
        one.card, role="court", level=listed(one.card, "court").level, region="990102", parent=None, hubs=(), since=1
    )
    assert {key.public for key in unit.keys} == {key.public for key in one.card.keys}
    assert unit.suites == one.card.suites
