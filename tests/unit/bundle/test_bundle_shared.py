"""Shared signatures: each proves its own body by the signer's key alone, tells nothing of others, and all cost one."""

import io
import pickle

import pytest

from gateway.bundle import shared
from gateway.bundle.keys import PublicKeys
from gateway.bundle.seal import SealMember, begin, conclude, finish, sign_heads
from gateway.bundle.suites import HASH_LENGTH, algorithms, digest, label

BODIES = [b"body %d" % number for number in range(5)]


def anew(workshop) -> PublicKeys:
    """The signer's public keys as somebody has them who has verified nothing yet."""
    return pickle.loads(pickle.dumps(workshop.keys.sender.public))


def counted(keys: PublicKeys) -> list[bytes]:
    """Return a list that grows by what is truly verified with `keys`."""
    verify, asked = algorithms(keys.suite).verifier(keys.sign_public), []

    def counting(name: bytes, body: bytes, signature: bytes) -> bool:
        asked.append(body)
        return verify(name, body, signature)

    object.__setattr__(keys, "_verify", counting)
    return asked


@pytest.mark.parametrize("count", [1, 2, 3, 32, 33])
def test_each_of_many_proves_alone(workshop, count):
    bodies = [b"body %d" % number for number in range(count)]
    signatures = workshop.keys.sender.sign_all("receipt", bodies)
    assert len(set(signatures)) == count
    assert {len(one) for one in signatures} == {shared.signature_length(workshop.suite, shared.depth_for(count))}
    for at in {0, count // 2, count - 1}:
        assert anew(workshop).verify("receipt", bodies[at], signatures[at])
        assert not anew(workshop).verify("receipt", bodies[at] + b".", signatures[at])
        assert not anew(workshop).verify("outer", bodies[at], signatures[at])
        assert not workshop.keys.other.public.verify("receipt", bodies[at], signatures[at])


def test_one_alone_is_signed_as_ever(classic):
    (only,) = classic.keys.sender.sign_all("outer", [b"body"])
    assert only == classic.keys.sender.sign("outer", b"body")


def test_more_than_a_tree_holds_share_several(classic):
    bodies = [b"%d" % number for number in range(257)]
    signatures = classic.keys.sender.sign_all("outer", bodies)
    assert len({one[:64] for one in signatures}) == 2
    assert all(classic.keys.sender.public.verify("outer", *pair) for pair in zip(bodies, signatures, strict=True))


def test_a_deeper_tree_than_needed_is_filled_up(classic):
    (only,) = classic.keys.sender.sign_all("outer", [b"body"], 5)
    assert len(only) == shared.signature_length(classic.suite, 5)
    assert classic.keys.sender.public.verify("outer", b"body", only)


def test_any_flip_of_one_bit_is_refused(classic):
    """Also by who has verified the true one a moment ago."""
    keys, signature = classic.keys.sender.public, bytearray(classic.keys.sender.sign_all("outer", BODIES)[3])
    assert keys.verify("outer", BODIES[3], bytes(signature))
    for bit in range(8 * len(signature)):
        signature[bit // 8] ^= 1 << bit % 8
        assert not keys.verify("outer", BODIES[3], bytes(signature)), bit
        signature[bit // 8] ^= 1 << bit % 8
    assert keys.verify("outer", BODIES[3], bytes(signature))


def test_the_proof_of_one_is_none_of_another(classic):
    keys, signatures = classic.keys.sender.public, classic.keys.sender.sign_all("outer", BODIES)
    for body in BODIES:
        assert [keys.verify("outer", body, one) for one in signatures].count(True) == 1


def test_a_root_alone_signs_nothing_but_itself(classic):
    """Nobody passes the signature of a root off as one of a body, or one of a body as that of a root."""
    keys, signature = classic.keys.sender, classic.keys.sender.sign_all("outer", BODIES)[0]
    text = shared.climb(classic.suite, "outer", BODIES[0], signature[64:])
    assert text is not None
    assert not keys.public.verify("outer", text, signature[:64])
    assert not keys.public.verify("outer", BODIES[0], keys.sign("outer", text) + signature[64:])


def test_lengths_are_those_of_one_depth_or_none(workshop):
    lengths = [shared.signature_length(workshop.suite, depth) for depth in range(shared.DEPTH_MAX + 1)]
    assert [shared.depth_of(workshop.suite, one) for one in lengths] == list(range(9))
    others = set(range(lengths[-1] + 100)) - set(lengths)
    assert {shared.depth_of(workshop.suite, one) for one in others} == {None}
    assert shared.depth_of(workshop.suite, lengths[-1] + HASH_LENGTH) is None


def test_what_stands_beside_tells_nothing_of_its_body(classic):
    """Who guesses the neighbour's body cannot try the guess; and the same bodies give other trees each time."""
    keys = classic.keys.sender
    first, again = keys.sign_all("inner", [b"ours", b"guessed"]), keys.sign_all("inner", [b"ours", b"guessed"])
    beside = first[0][-HASH_LENGTH:]
    salt = first[0][64 : 64 + shared.SALT_LENGTH]
    guesses = [digest(classic.suite, b"\0", label("inner"), one, b"guessed") for one in (b"", salt, bytes(32))]
    assert beside not in guesses
    assert {one[-HASH_LENGTH:] for one in first}.isdisjoint(one[-HASH_LENGTH:] for one in again)


def test_those_who_share_are_verified_once(workshop):
    keys = anew(workshop)
    asked = counted(keys)
    signatures = workshop.keys.sender.sign_all("outer", BODIES)
    assert all(keys.verify("outer", *pair) for pair in zip(BODIES, signatures, strict=True))
    assert len(asked) == 1
    assert not keys.verify("outer", b"else", signatures[0])
    assert len(asked) == 2


def test_nothing_refused_is_remembered_and_only_a_few_are(classic):
    keys = anew(classic)
    asked = counted(keys)
    forged = classic.keys.other.sign_all("outer", BODIES)
    assert not any(keys.verify("outer", *pair) for pair in zip(BODIES, forged, strict=True))
    assert len(asked) == len(BODIES)
    trees = [classic.keys.sender.sign_all("outer", BODIES) for _ in range(20)]
    for signatures in trees:
        assert keys.verify("outer", BODIES[0], signatures[0])
    del asked[:]
    assert all(keys.verify("outer", BODIES[1], signatures[1]) for signatures in trees)
    assert len(asked) == 20, "the oldest were forgotten by then, and each pushed out the next"
    assert pickle.loads(pickle.dumps(keys))._roots == ()


def test_bundles_sealed_together_are_each_whole_alone(workshop):
    texts = [{"case-package.json": b"%d" % number, "content/a": bytes(number)} for number in range(3)]
    sealed = together(workshop, texts)
    for raw, text in zip(sealed, texts, strict=True):
        assert workshop.envelope(raw).size == len(raw)
        workshop.verify(raw)
        assert workshop.open(raw) == text
    signed = algorithms(workshop.suite).signature_length
    assert len({workshop.envelope(raw).signature[:signed] for raw in sealed}) == 1


def test_two_lists_of_contents_cannot_change_places(classic):
    """Both are alice's and under one signature; each is for its own bundle."""
    one, two = together(classic, [{"a": b"1"}, {"a": b"2"}])
    end = classic.envelope(one).manifest_offset
    assert classic.refusal(one[:end] + two[end:]) == "manifest-corrupt"
    assert classic.refusal(two[:end] + one[end:]) == "manifest-corrupt"


def test_only_bundles_of_one_depth_share_a_head(classic):
    (_, (alone,)), (_, (many,)) = (prepared_together(classic, [{"a": b"1"}], depth) for depth in (0, 2))
    with pytest.raises(ValueError, match="depth"):
        sign_heads([(alone, [1]), (many, [2])], classic.keys.sender)


def members(texts):
    return [SealMember(path, None, len(text), lambda text=text: io.BytesIO(text)) for path, text in texts.items()]


def prepared_together(workshop, many, depth):
    """Bundles that lack their heads, and where they are written."""
    keys, outs = workshop.keys.sender, [io.BytesIO() for _ in many]
    settings = {"keys": keys, "recipients": [workshop.keys.recipient.public], "meta": {}, "depth": depth}
    settings |= {"created": 1_000_000, "expires": 1_086_400, "epoch": 3, "seg_log2": 20}
    started = [begin(out, members(texts), **settings) for out, texts in zip(outs, many, strict=True)]
    inner = keys.sign_all("inner", [one.statement for one in started], depth)
    return outs, [conclude(*one) for one in zip(outs, started, inner, strict=True)]


def together(workshop, many):
    """Several bundles under two signatures."""
    keys = workshop.keys.sender
    outs, prepared = prepared_together(workshop, many, 3)
    heads = sign_heads([(one, [number + 1]) for number, one in enumerate(prepared)], keys)
    for one in zip(outs, prepared, heads, strict=True):
        finish(*one)
    return [out.getvalue() for out in outs]
