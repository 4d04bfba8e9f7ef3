"""The node's own keys: made once, read back, renewed, refused when others could have read them."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import load_ssh_private_key

from gateway.bundle import canonical
from gateway.bundle.card import fingerprint, parse_card
from gateway.bundle.suites import Suite
from gateway.domain.errors import ConfigError, Scope
from gateway.domain.ids import unit_code
from gateway.keyring.container import Cost
from gateway.keyring.keyring import CREDENTIAL, KEY_FILE, Keyring
from tests.support.cards import DAY

NOW = 1_700_000_000.5
PASSPHRASE = "正确的马电池订书钉一二三".encode()
CHEAP = Cost(memory_kib=64, iterations=1, lanes=1)


def create(
    folder: Path, passphrase: bytes | None = PASSPHRASE, suites: tuple[Suite, ...] = (Suite.CLASSIC,)
) -> Keyring:
    return Keyring.create(folder, passphrase, now=NOW, suites=suites, cost=CHEAP)


def load(folder: Path, passphrase: bytes = PASSPHRASE, credentials: Path | None = None) -> Keyring:
    return Keyring.load(folder, lambda: passphrase, credentials=credentials)


def never() -> bytes:
    raise AssertionError("nobody was to be asked for a passphrase")


def refused(act: Callable[[], object]) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        act()
    assert caught.value.scope is Scope.NODE
    return caught.value


@pytest.mark.parametrize("suites", [(Suite.PQ,), (Suite.CLASSIC, Suite.PQ)])
def test_what_was_made_is_loaded(tmp_path: Path, suites: tuple[Suite, ...]) -> None:
    made = create(tmp_path / "keys", suites=suites)
    read = load(tmp_path / "keys")
    assert read.node_keys() == made.node_keys()
    assert {one.suite for one in read.node_keys()} == set(suites)
    assert read.ssh_host.public_text == made.ssh_host.public_text != read.ssh_user.public_text
    assert read.ssh_user.to_seed() == made.ssh_user.to_seed()
    assert load_ssh_private_key(read.ssh_host.to_openssh(), None)
    assert not read.is_clear


def test_only_our_account_can_read_what_is_made(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        create(tmp_path / "keys")
    finally:
        os.umask(before)
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o700
    assert [path.name for path in (tmp_path / "keys").iterdir()] == [KEY_FILE]
    assert (tmp_path / "keys" / KEY_FILE).stat().st_mode & 0o777 == 0o600


def test_keys_are_never_overwritten(tmp_path: Path) -> None:
    create(tmp_path)
    before = (tmp_path / KEY_FILE).read_bytes()
    assert refused(lambda: create(tmp_path)).code == "keys-exist"
    assert (tmp_path / KEY_FILE).read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == [KEY_FILE]


def test_a_dangling_link_in_the_place_of_the_keys_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / KEY_FILE).symlink_to(tmp_path / "elsewhere")
    assert refused(lambda: create(tmp_path)).code == "keys-exist"
    assert not (tmp_path / "elsewhere").exists()


def test_no_keys_say_how_to_make_them(tmp_path: Path) -> None:
    error = refused(lambda: load(tmp_path / "nowhere"))
    assert error.code == "keys-missing"
    assert "caseferry init" in error.detail
    tmp_path.chmod(0o700)
    assert refused(lambda: load(tmp_path)).code == "keys-missing"


def test_the_wrong_passphrase_opens_nothing(tmp_path: Path) -> None:
    create(tmp_path)
    assert refused(lambda: load(tmp_path, PASSPHRASE + b"!")).code == "passphrase-wrong"


def test_a_short_passphrase_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    assert refused(lambda: create(tmp_path / "keys", b"elevenchars")).code == "passphrase-weak"
    assert not (tmp_path / "keys").exists()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o610, 0o777])
def test_a_key_file_open_to_others_is_refused_with_the_command_that_mends_it(tmp_path: Path, mode: int) -> None:
    create(tmp_path)
    (tmp_path / KEY_FILE).chmod(mode)
    error = refused(lambda: Keyring.load(tmp_path, never))
    assert error.code == "keys-exposed"
    assert f"chmod 600 {tmp_path / KEY_FILE}" in error.detail
    (tmp_path / KEY_FILE).chmod(0o600)
    assert load(tmp_path)


@pytest.mark.parametrize("mode", [0o750, 0o701, 0o770])
def test_a_folder_open_to_others_is_refused_with_the_command_that_mends_it(tmp_path: Path, mode: int) -> None:
    folder = tmp_path / "my keys"
    create(folder)
    folder.chmod(mode)
    error = refused(lambda: Keyring.load(folder, never))
    assert error.code == "keys-exposed"
    assert f"chmod 700 '{folder}'" in error.detail


def test_links_in_the_place_of_keys_are_refused(tmp_path: Path) -> None:
    create(tmp_path / "real")
    (tmp_path / "linked").symlink_to(tmp_path / "real")
    assert refused(lambda: Keyring.load(tmp_path / "linked", never)).code == "keys-exposed"
    (tmp_path / "real" / KEY_FILE).rename(tmp_path / "moved")
    (tmp_path / "real" / KEY_FILE).symlink_to(tmp_path / "moved")
    assert refused(lambda: Keyring.load(tmp_path / "real", never)).code == "keys-exposed"


def test_a_pipe_in_the_place_of_keys_blocks_nobody(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    os.mkfifo(tmp_path / KEY_FILE, 0o600)
    assert refused(lambda: Keyring.load(tmp_path, never)).code == "keys-exposed"


def test_keys_of_another_account_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    create(tmp_path)
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    error = refused(lambda: Keyring.load(tmp_path, never))
    assert error.code == "keys-exposed"
    assert "chown" in error.detail


def test_a_systemd_credential_comes_before_the_folder(tmp_path: Path) -> None:
    made = create(tmp_path / "clear", None)
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (tmp_path / "clear" / KEY_FILE).rename(credentials / CREDENTIAL)
    # systemd grants by an ACL, whose mask shows as group permission.
    (credentials / CREDENTIAL).chmod(0o440)
    read = Keyring.load(tmp_path / "clear", never, credentials=credentials)
    assert read.node_keys() == made.node_keys()
    assert read.is_clear


def test_a_credential_that_everybody_can_read_is_refused(tmp_path: Path) -> None:
    create(tmp_path / "clear", None)
    (tmp_path / "clear" / KEY_FILE).rename(tmp_path / CREDENTIAL)
    (tmp_path / CREDENTIAL).chmod(0o444)
    assert refused(lambda: Keyring.load(tmp_path, never, credentials=tmp_path)).code == "keys-exposed"


def test_without_the_credential_the_folder_counts(tmp_path: Path) -> None:
    made = create(tmp_path / "keys")
    (tmp_path / "credentials").mkdir()
    assert load(tmp_path / "keys", credentials=tmp_path / "credentials").node_keys() == made.node_keys()


def test_every_flipped_bit_of_the_key_file_is_refused(tmp_path: Path) -> None:
    create(tmp_path)
    path = tmp_path / KEY_FILE
    raw = path.read_bytes()
    # The first bits of the cost would ask for gigabytes: they are refused before any work.
    for position in range(len(raw)):
        changed = bytearray(raw)
        changed[position] ^= 0x80
        path.write_bytes(bytes(changed))
        assert refused(lambda: load(tmp_path)).code in {"keys-malformed", "passphrase-wrong"}


def test_every_cut_of_the_key_file_is_refused(tmp_path: Path) -> None:
    create(tmp_path)
    path = tmp_path / KEY_FILE
    raw = path.read_bytes()
    for length in range(0, len(raw), 7):
        path.write_bytes(raw[:length])
        assert refused(lambda: load(tmp_path)).code in {"keys-malformed", "passphrase-wrong"}


@pytest.mark.parametrize("inside", [b"", b"{}", b'{"v":1}', b"\xff", b"[" * 1000])
def test_a_clear_file_without_keys_is_malformed(tmp_path: Path, inside: bytes) -> None:
    create(tmp_path, None)
    path = tmp_path / KEY_FILE
    path.write_bytes(path.read_bytes()[:9] + inside)
    assert refused(lambda: load(tmp_path)).code == "keys-malformed"


@pytest.mark.parametrize("without", ["all keys", "one of the next pair"])
def test_a_clear_file_that_lacks_a_key_is_malformed(tmp_path: Path, without: str) -> None:
    create(tmp_path, None).renew(tmp_path, None, now=NOW + DAY, overlap_seconds=DAY, ssh=True)
    path = tmp_path / KEY_FILE
    head, whole = path.read_bytes()[:9], json.loads(path.read_bytes()[9:])
    assert len(whole["keys"]) == len(whole["next_ssh"]) == 2
    whole |= {"keys": []} if without == "all keys" else {"next_ssh": whole["next_ssh"][:1]}
    path.write_bytes(head + canonical.encode(whole))
    assert refused(lambda: load(tmp_path)).code == "keys-malformed"


def test_a_clear_file_with_anything_behind_or_too_long_is_malformed(tmp_path: Path) -> None:
    create(tmp_path, None)
    path = tmp_path / KEY_FILE
    raw = path.read_bytes()
    for tail in (b"\n", b" ", b"x" * (1 << 17)):
        path.write_bytes(raw + tail)
        assert refused(lambda: load(tmp_path)).code == "keys-malformed"


def test_the_newest_valid_pair_signs(tmp_path: Path) -> None:
    first = create(tmp_path, suites=(Suite.CLASSIC, Suite.PQ))
    later = NOW + 60 * DAY
    second = first.renew(tmp_path, PASSPHRASE, now=later, overlap_seconds=30 * DAY, cost=CHEAP)
    old, new = first.signing_keys(NOW + 1, Suite.PQ), second.signing_keys(later + 1, Suite.PQ)
    assert old != new
    assert second.signing_keys(later - 1, Suite.PQ) == old
    assert second.signing_keys(later + 1, Suite.CLASSIC).suite is Suite.CLASSIC
    with pytest.raises(ConfigError, match="keys-expired"):
        second.signing_keys(NOW - 1)
    with pytest.raises(ConfigError, match="keys-expired"):
        second.signing_keys(later + 10_000 * DAY)


def test_renewal_keeps_old_keys_for_the_overlap_then_destroys_them(tmp_path: Path) -> None:
    first = create(tmp_path)
    second = first.renew(tmp_path, PASSPHRASE, now=NOW + 60 * DAY, overlap_seconds=30 * DAY, cost=CHEAP)
    assert load(tmp_path).node_keys() == second.node_keys()
    assert set(first.node_keys()) < set(second.node_keys())
    assert second.pairs[1].not_after == int(NOW) + 90 * DAY
    assert second.ssh_host.public_text == first.ssh_host.public_text
    third = second.renew(tmp_path, PASSPHRASE, now=NOW + 91 * DAY, overlap_seconds=30 * DAY, cost=CHEAP)
    assert not set(first.node_keys()) & set(third.node_keys())
    assert not set(first.node_keys()) & set(load(tmp_path).node_keys())


def test_renewal_without_end_is_refused(tmp_path: Path) -> None:
    ring = create(tmp_path)
    for day in range(7):
        ring = ring.renew(tmp_path, PASSPHRASE, now=NOW + day, overlap_seconds=1000 * DAY, cost=CHEAP)
    with pytest.raises(ConfigError, match="keys-too-many"):
        ring.renew(tmp_path, PASSPHRASE, now=NOW + 8, overlap_seconds=1000 * DAY, cost=CHEAP)
    assert len(load(tmp_path).pairs) == 8


def test_the_card_shows_every_public_key_and_its_renewal_is_signed_by_both(tmp_path: Path) -> None:
    first = create(tmp_path, suites=(Suite.CLASSIC, Suite.PQ))
    second = first.renew(tmp_path, PASSPHRASE, now=NOW + DAY, overlap_seconds=DAY, cost=CHEAP)
    card = parse_card(second.card(unit_code("990102"), "示例区检察院", created=int(NOW) + DAY))
    assert {key.public for key in card.keys} == {one.public for one in second.node_keys()}
    assert card.suites == (Suite.CLASSIC, Suite.PQ)
    assert card.ssh_host_key == first.ssh_host.public_text
    assert card.ssh_user_key == first.ssh_user.public_text
    narrow = parse_card(second.card(unit_code("990102"), "示例区检察院", created=1, suites=[Suite.PQ]))
    assert narrow.suites == (Suite.PQ,)


def test_the_fingerprint_is_the_same_on_another_day(tmp_path: Path) -> None:
    """The card is written on one day and its fingerprint read aloud on another, from keys loaded anew."""
    made = create(tmp_path, suites=(Suite.PQ,))
    cards = [parse_card(ring.card(unit_code("990102"), "示例区检察院")) for ring in (made, load(tmp_path))]
    assert fingerprint(cards[0]) == fingerprint(cards[1])
    renewed = made.renew(tmp_path, PASSPHRASE, now=NOW + DAY, overlap_seconds=DAY, cost=CHEAP)
    assert parse_card(renewed.card(unit_code("990102"), "示例区检察院")).created == cards[0].created + DAY


def test_a_full_disk_leaves_the_former_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ring = create(tmp_path)
    before = (tmp_path / KEY_FILE).read_bytes()

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    error = refused(lambda: ring.renew(tmp_path, PASSPHRASE, now=NOW, overlap_seconds=DAY, cost=CHEAP))
    assert error.code == "keys-unusable"
    assert refused(lambda: create(tmp_path / "other")).code == "keys-unusable"
    assert (tmp_path / KEY_FILE).read_bytes() == before
    assert list((tmp_path / "other").iterdir()) == []


def test_new_ssh_keys_are_on_the_card_before_they_are_used(tmp_path: Path) -> None:
    first = Keyring.create(tmp_path, PASSPHRASE, now=NOW, cost=CHEAP)
    refused(lambda: first.switch_ssh(tmp_path, PASSPHRASE, cost=CHEAP))
    first.renew(tmp_path, PASSPHRASE, now=NOW + DAY, overlap_seconds=DAY, cost=CHEAP, ssh=True)
    drawn = Keyring.load(tmp_path, lambda: PASSPHRASE)
    assert drawn.next_ssh is not None
    assert drawn.ssh_host.public_text == first.ssh_host.public_text
    card = parse_card(drawn.card(unit_code("990102"), "x"))
    assert (card.ssh_host_key, card.ssh_user_key) == (
        drawn.next_ssh.host.public_text,
        drawn.next_ssh.user.public_text,
    )
    drawn.switch_ssh(tmp_path, PASSPHRASE, cost=CHEAP)
    used = Keyring.load(tmp_path, lambda: PASSPHRASE)
    assert used.next_ssh is None
    assert used.ssh_host.public_text == card.ssh_host_key
    assert used.ssh_user.public_text == card.ssh_user_key
    assert parse_card(used.card(unit_code("990102"), "x")) == card
