"""Keys: they hide themselves, their ids separate suites and roles, and unsound ones are refused."""

import pickle

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from gateway.bundle.curves import is_sound_ed25519, is_sound_x25519
from gateway.bundle.gm_suite import GmSuite
from gateway.bundle.hpke_suites import PqSuite
from gateway.bundle.keys import NodeKeys, PublicKeys, generate
from gateway.bundle.suites import DEFAULT_SUITE, Suite, algorithms, digest, label, suite_of
from gateway.domain.errors import SecurityError

P = 2**255 - 19
ED25519_SMALL = [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
]
"""The eight points of small order."""
X25519_SMALL = [
    0,
    1,
    P - 1,
    325606250916557431795983626356110631294008115727848805560023387167927233504,
    39382357235489614581723060781553021112529911719440698176882885853963445705823,
]


def test_the_default_is_the_hybrid():
    assert DEFAULT_SUITE is Suite.PQ
    assert generate().suite is Suite.PQ


@pytest.mark.parametrize("suite", Suite)
def test_keys_hide_themselves(suite):
    keys = generate(suite)
    for shown in (repr(keys), str(keys), f"{keys}", repr([keys]), repr({"k": keys})):
        for secret in (keys.sign_seed, keys.encrypt_seed):
            assert repr(secret)[2:-1] not in shown
            assert secret.hex() not in shown
        assert "redacted" in shown


@pytest.mark.parametrize("suite", Suite)
def test_keys_survive_bytes_and_pickle(suite):
    keys = generate(suite)
    assert NodeKeys.from_bytes(keys.to_bytes()) == keys
    assert pickle.loads(pickle.dumps(keys)) == keys
    assert pickle.loads(pickle.dumps(keys.public)) == keys.public
    assert keys.public.sign_key_id == keys.sign_key_id
    assert keys.public.encrypt_key_id == keys.encrypt_key_id


@pytest.mark.parametrize("suite", Suite)
def test_what_was_made_of_public_keys_does_not_travel(suite):
    keys, bind = generate(suite), bytes(32)
    used = keys.public
    used.wrap("wrap", bind, b"k" * 16)
    again = pickle.loads(pickle.dumps(used))
    assert again == used
    assert keys.unwrap("wrap", bind, again.wrap("wrap", bind, b"k" * 16)) == b"k" * 16
    assert again.verify("outer", b"body", keys.sign("outer", b"body"))


def test_a_public_key_is_read_once_for_all_that_is_wrapped_to_it(monkeypatch):
    read, wrapper = [], PqSuite.wrapper
    monkeypatch.setattr(PqSuite, "wrapper", lambda suite, public: read.append(public) or wrapper(suite, public))
    public = generate(Suite.PQ).public
    assert len({public.wrap("wrap", bytes(32), b"k") for _ in range(3)}) == 3
    assert read == [public.encrypt_public]


@pytest.mark.parametrize("suite", Suite)
def test_key_ids_are_as_specified(suite):
    public = generate(suite).public
    prefix = b"casebundle/v1 key\0" + bytes([suite])
    assert public.sign_key_id == digest(suite, prefix + b"S" + public.sign_public)
    assert public.encrypt_key_id == digest(suite, prefix + b"E" + public.encrypt_public)


@pytest.mark.parametrize("suite", Suite)
def test_lengths_are_as_specified(suite):
    use = algorithms(suite)
    keys = generate(suite)
    bind = bytes(32)
    assert len(keys.sign("x", b"body")) == use.signature_length
    assert len(keys.public.wrap("x", bind, bytes(use.content_key_length))) == use.wrap_length
    assert (use.wrap_length, use.signature_length) == {1: (80, 64), 2: (1168, 3373), 3: (144, 64)}[suite]


@pytest.mark.parametrize("suite", Suite)
def test_signatures_and_wraps_hold_only_for_their_label_body_and_key(suite):
    keys, other = generate(suite), generate(suite)
    public = keys.public
    signature = keys.sign("outer", b"body")
    assert public.verify("outer", b"body", signature)
    assert not public.verify("inner", b"body", signature)
    assert not public.verify("outer", b"bodY", signature)
    assert not other.public.verify("outer", b"body", signature)
    assert not public.verify("outer", b"body", signature[:-1])
    assert not public.verify("outer", b"body", signature + b"\0")
    assert not public.verify("outer", b"body", b"")
    bind = digest(suite, b"bind")
    wrapped = public.wrap("wrap", bind, b"k" * 16)
    assert keys.unwrap("wrap", bind, wrapped) == b"k" * 16
    assert other.unwrap("wrap", bind, wrapped) is None
    assert keys.unwrap("wrap", digest(suite, b"else"), wrapped) is None
    for broken in (wrapped[:-1], wrapped + b"\0", b"", bytes(len(wrapped)), wrapped[:40]):
        assert keys.unwrap("wrap", bind, broken) is None
    for at in range(0, len(wrapped), 1 if suite is not Suite.PQ else 41):
        assert keys.unwrap("wrap", bind, wrapped[:at] + bytes([wrapped[at] ^ 1]) + wrapped[at + 1 :]) is None


@pytest.mark.parametrize("encoded", ED25519_SMALL)
def test_small_order_signing_keys_are_refused(encoded):
    assert not is_sound_ed25519(bytes.fromhex(encoded))
    sound = generate(Suite.CLASSIC).public
    with pytest.raises(SecurityError) as caught:
        PublicKeys(Suite.CLASSIC, bytes.fromhex(encoded), sound.encrypt_public)
    assert caught.value.code == "key-refused"


def test_why_the_identity_is_refused():
    """If this fails the library has begun to refuse it by itself, and the check is one of two."""
    identity = bytes.fromhex(ED25519_SMALL[0])
    for body in (b"one", b"another"):
        Ed25519PublicKey.from_public_bytes(identity).verify(identity + bytes(32), body)


def test_ed25519_points_that_are_none_or_not_canonical_or_mixed():
    assert not is_sound_ed25519((P + 1).to_bytes(32, "little"))
    assert not is_sound_ed25519((2**255 - 1).to_bytes(32, "little"))
    assert not is_sound_ed25519((2).to_bytes(32, "little"))
    assert not is_sound_ed25519((1 | 1 << 255).to_bytes(32, "little"))
    sound = generate(Suite.CLASSIC).public.sign_public
    assert is_sound_ed25519(sound)
    # (x, y) + (0, -1), the point of order 2, is (-x, -y): on the curve, but not of prime order.
    encoded = int.from_bytes(sound, "little")
    mixed = (P - encoded % 2**255) | (1 - (encoded >> 255)) << 255
    assert not is_sound_ed25519(mixed.to_bytes(32, "little"))


@pytest.mark.parametrize("u", [*X25519_SMALL, P, P + 1, 2**255 - 1, 2**255 + 9])
def test_small_order_and_not_canonical_encryption_keys_are_refused(u):
    assert not is_sound_x25519(u.to_bytes(32, "little"))


def test_sound_keys_are_taken():
    for _ in range(20):
        public = generate(Suite.CLASSIC).public
        assert is_sound_ed25519(public.sign_public)
        assert is_sound_x25519(public.encrypt_public)
    assert is_sound_x25519((9).to_bytes(32, "little"))


@pytest.mark.parametrize("suite", Suite)
def test_public_keys_of_another_length_are_refused(suite):
    sound = generate(suite).public
    for sign, encrypt in [
        (sound.sign_public[:-1], sound.encrypt_public),
        (sound.sign_public, sound.encrypt_public + b"\0"),
        (b"", b""),
    ]:
        with pytest.raises(SecurityError) as caught:
            PublicKeys(suite, sign, encrypt)
        assert caught.value.code == "key-refused"


def test_each_half_of_the_hybrid_is_checked():
    sound = generate(Suite.PQ).public
    identity = bytes.fromhex(ED25519_SMALL[0])
    for sign, encrypt in [
        (identity + sound.sign_public[32:], sound.encrypt_public),
        (sound.sign_public, sound.encrypt_public[:1184] + bytes(32)),
        (sound.sign_public, b"\xff" * 1184 + sound.encrypt_public[1184:]),
    ]:
        with pytest.raises(SecurityError) as caught:
            PublicKeys(Suite.PQ, sign, encrypt)
        assert caught.value.code == "key-refused"


def test_sm2_points_off_the_curve_are_refused():
    sound = generate(Suite.GM).public
    off = sound.sign_public[:-1] + bytes([sound.sign_public[-1] ^ 1])
    for sign, encrypt in [(off, sound.encrypt_public), (sound.sign_public, bytes(64)), (b"\xff" * 64, off)]:
        with pytest.raises(SecurityError):
            PublicKeys(Suite.GM, sign, encrypt)


@pytest.mark.parametrize("raw", [b"", b"\x01", b"\x02" + bytes(159), b"\x01" + bytes(65), b"\x03" + bytes(64)])
def test_private_bytes_that_are_no_keys(raw):
    with pytest.raises(SecurityError) as caught:
        NodeKeys.from_bytes(raw)
    assert caught.value.code == "key-refused"


def test_unknown_suite_numbers():
    for number in (0, 4, 255):
        with pytest.raises(SecurityError) as caught:
            suite_of(number)
        assert caught.value.code == "suite-refused"


def test_labels_separate():
    assert label("key") == b"casebundle/v1 key\0"


SM2_SECRET = bytes.fromhex("3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8")
SM2_PUBLIC = bytes.fromhex(
    "09F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020"
    "CCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD13"
)


def test_sm2_signature_of_the_standard():
    """GB/T 32918.5, annex A."""
    r = "F5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3"
    s = "B1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA"
    suite = GmSuite()
    assert suite.sign_public(SM2_SECRET) == SM2_PUBLIC
    assert suite.verifier(SM2_PUBLIC)(b"", b"message digest", bytes.fromhex(r + s))
    assert not suite.verifier(SM2_PUBLIC)(b"", b"message digesT", bytes.fromhex(r + s))
    assert not suite.verifier(SM2_PUBLIC)(b"", b"message digest", bytes(64))
    assert not suite.verifier(SM2_PUBLIC)(b"", b"message digest", b"\xff" * 64)


def test_sm2_ciphertext_of_the_standard():
    """GB/T 32918.5, annex C; the end of the text stands for what is bound."""
    c1 = (
        "04EBFC718E8D1798620432268E77FEB6415E2EDE0E073C0F4F640ECD2E149A73"
        "E858F9D81E5430A57B36DAAB8F950A3C64E6EE6A63094D99283AFF767E124DF0"
    )
    c3 = "59983C18F809E262923C53AEC295D30383B54E39D609D160AFCB1908D0BD8766"
    c2 = "21886CA989CA9C7D58087307CA93092D651EFA"
    wrapped = bytes.fromhex(c1 + c3 + c2)
    assert GmSuite().unwrapper(SM2_SECRET)(wrapped, b"", b"standard") == b"encryption "
    assert GmSuite().unwrapper(SM2_SECRET)(wrapped, b"", b"Standard") is None


def test_sm2_refuses_to_wrap_to_no_point():
    with pytest.raises(ValueError, match="curve"):
        GmSuite().wrapper(bytes(64))


def test_keys_that_come_with_each_errand_are_made_ready_once_and_only_the_last_are_kept(monkeypatch):
    made = []
    signer = PqSuite.signer
    monkeypatch.setattr(PqSuite, "signer", lambda suite, seed: made.append(seed) or signer(suite, seed))
    ours, others = generate(), generate()
    sent = pickle.dumps(ours)
    for _ in range(3):
        assert ours.public.verify("x", b"y", pickle.loads(sent).sign("x", b"y"))
    assert made == [ours.sign_seed]
    others.sign("x", b"y")
    pickle.loads(sent).sign("x", b"y")
    assert made == [ours.sign_seed, others.sign_seed, ours.sign_seed]
