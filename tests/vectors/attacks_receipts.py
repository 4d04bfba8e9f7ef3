"""Lists the vectors that aim at receipts, receipt files, sealed findings and public keys."""

import struct
from typing import Any

from tests.vectors import edwards, sm2
from tests.vectors import primitives as prim
from tests.vectors.forge import (
    Edit,
    flip,
    keys_of,
    number,
    put,
    receipt,
    receipt_file,
    statement,
    swap,
)  # fmt: skip
from tests.vectors.rules import canonical
from tests.vectors.vector import Vector

CURVE_PRIME = 2**255 - 19
BAD = "receipt-malformed"


def vectors() -> list[Vector]:
    """All of them."""
    return [*_single(), *_statements(), *_files(), *_findings(), *_keys()]


def _one(name: str, says: str, code: str, raw: bytes, **known: Any) -> Vector:
    return Vector(f"receipt-{name}", known.pop("kind", "receipt"), says, code, lambda: raw, **known)


def _single() -> list[Vector]:
    good, pq = receipt(), receipt(suite=2)
    text = canonical(statement())

    def broken(name: str, says: str, edit: Edit, code: str = BAD) -> Vector:
        return _one(name, says, code, edit(good))

    long = receipt(statement(checkpoint="," * 4096, reasons=["R" * 64] * 256, code="204", findings="ab" * 98304))
    return [
        _one("good", "A receipt of suite 1.", "accepted", good),
        _one("good-pq", "A receipt of suite 2.", "accepted", pq, suite=2),
        _one("good-gm", "A receipt of suite 3.", "accepted", receipt(suite=3), suite=3),
        _one("longest", "A receipt with the longest value of every field.", "accepted", long),
        broken("empty", "No byte at all.", lambda r: b""),
        broken("suite-only", "One byte, the suite.", lambda r: r[:1]),
        broken("suite-0", "Suite 0.", put(0, b"\x00"), "suite-refused"),
        broken("suite-4", "A suite that does not exist.", put(0, b"\x04"), "suite-refused"),
        broken("suite-4-short", "One byte, a suite that does not exist.", lambda r: b"\x04"),
        broken("suite-4-in-37", "A head alone, of a suite that does not exist.", lambda r: b"\x04" + r[1:37]),
        broken("suite-4-in-38", "A head and a byte, of a suite that does not exist.", lambda r: b"\x04" + r[1:38],
               "suite-refused"),
        broken("suite-changed", "Suite 1 relabelled as suite 2: the length does not fit.", put(0, b"\x02")),
        broken("cut-head", "The head is a byte short.", lambda r: r[:36]),
        broken("cut-json", "The receipt ends inside its JSON.", lambda r: r[:100]),
        broken("cut-signature", "The last byte is missing.", lambda r: r[:-1]),
        broken("trailing", "A byte follows.", lambda r: r + b"\x00"),
        broken("length-less", "The length of the JSON is one too small.", number(33, len(text) - 1, 4)),
        broken("length-more", "The length of the JSON is one too great.", number(33, len(text) + 1, 4)),
        broken("length-huge", "The length of the JSON is 2^32 - 1.", number(33, 2**32 - 1, 4)),
        broken("flip-key", "One bit of the key id is flipped.", flip(1), "unknown-sender"),
        broken("flip-json", "One bit of the JSON is flipped.", flip(60), "receipt-bad-signature"),
        broken("flip-signature", "One bit of the signature is flipped.", flip(-1), "receipt-bad-signature"),
        broken("code-raised", "A refusal is turned into a delivery.",
               swap(b'"code":"201"', b'"code":"110"'),
               "receipt-bad-signature"),
        _one("over-long", "262145 bytes, truly signed.", BAD,
             receipt(text + b" " * (262145 - 37 - 64 - len(text)))),
        _one("spaces-to-limit", "262144 bytes, truly signed, filled up with spaces.", BAD,
             receipt(text + b" " * (262144 - 37 - 64 - len(text)))),
        _one("unknown", "Truly signed by somebody whom nobody enrolled.", "unknown-sender", receipt(signer="carol")),
        _one("by-another", "The signature is by mallory, the key id bob's.", "receipt-bad-signature",
             put(1, keys_of("bob", 1).sign_id)(receipt(signer="mallory"))),
        _one("label", "The signature is made under the label of bundles.", "receipt-bad-signature",
             receipt(name="outer")),
        _one("wrong-issuer", "Mallory states something in bob's name.", "receipt-wrong-issuer",
             receipt(signer="mallory")),
        _one("wrong-issuer-origin", "The sender of a bundle states that it was delivered.", "receipt-wrong-issuer",
             receipt(signer="alice")),
        _one("key-of-other-suite", "A suite 1 receipt that names the suite 2 key of its issuer.", "unknown-sender",
             put(1, keys_of("bob", 2).sign_id)(good)),
        _one("pq-ed25519-only", "Only the Ed25519 half is valid.", "receipt-bad-signature", flip(-100)(pq), suite=2),
        _one("pq-mldsa-only", "Only the ML-DSA half is valid.", "receipt-bad-signature",
             flip(len(pq) - 3373)(pq), suite=2),
        _one("gm-flip", "One bit of an SM2 signature is flipped.", "receipt-bad-signature", flip(-1)(receipt(suite=3)),
             suite=3),
        _one("order-key-signature", "The key is unknown, and the signature bad.", "unknown-sender",
             flip(-1)(receipt(signer="carol"))),
        _one("order-signature-json", "The signature is bad, and the JSON none.", "receipt-bad-signature",
             flip(-1)(receipt(b"{"))),
        _one("order-json-issuer", "The JSON breaks a rule, and the issuer is another.", BAD,
             receipt(statement(v=2), signer="mallory")),
    ]  # fmt: skip


def _statements() -> list[Vector]:
    """Every one is truly signed by the unit that it names."""

    def said(name: str, says: str, outcome: str = BAD, /, **changes: Any) -> Vector:
        return _one(f"says-{name}", says, outcome, receipt(statement(**changes)))

    def text(name: str, says: str, edit: Edit) -> Vector:
        return _one(f"json-{name}", says, BAD, receipt(edit(canonical(statement()))))

    def without(key: str) -> dict[str, Any]:
        return {name: value for name, value in statement().items() if name != key}

    digest = statement()["header_hash"]
    codes = ["100", "110", "120", "201", "202", "203", "204", "301", "302", "303", "304", "305", "401", "402", "403"]
    return [
        *(said(f"code-{n}", f"Code {n}, with no findings.", "accepted", code=n) for n in codes if n != "201"),
        *(said(f"no-code-{len(n)}", f"A code that does not exist, {n!r}.", code=n) for n in ("", "20", "404", "2010",
                                                                                             "20１00")),
        *(_one(f"without-{key}", f"The statement has no `{key}`.", BAD, receipt(without(key))) for key in statement()),
        said("extra", "The statement has one more key.", note=""),
        said("v-2", "Version 2.", v=2),
        said("unknown-stream", "Origin, recipient, epoch and sequence are not known.", "accepted",
             origin="", recipient="", epoch=0, sequence=0),
        said("issuer-empty", "The issuer is empty.", issuer=""),
        said("origin-short", "A unit code of three characters.", origin="990"),
        said("origin-long", "A unit code of 25 characters.", origin="9" * 25),
        said("origin-24", "A unit code of 24 characters.", "accepted", origin="9" * 24),
        said("origin-lower", "A unit code in lower case.", origin="abcd"),
        said("origin-newline", "A newline follows a unit code.", origin="9901\n"),
        said("origin-wide-digits", "A unit code in full-width digits.", origin="９９０１"),
        said("recipient-number", "A unit code is a number.", recipient=990102),
        said("bundle-id-upper", "The bundle id is in upper case.", bundle_id="AB" * 16),
        said("bundle-id-short", "The bundle id has 15 bytes.", bundle_id="ab" * 15),
        said("hash-newline", "A newline follows the header hash.", header_hash=digest + "\n"),
        said("hash-upper", "The header hash is in upper case.", header_hash="AB" * 32),
        said("size-2-47", "The size is 2^47.", "accepted", size=2**47),
        said("size-more", "The size is above 2^47.", size=2**47 + 1),
        said("code-number", "The code is a number.", code=201),
        said("sequence-limit", "Sequence 2^53 - 1.", "accepted", sequence=2**53 - 1, epoch=2**53 - 1,
             issued_at=2**53 - 1),
        said("reasons-256", "256 reasons.", "accepted", reasons=["ZIP-CRC"] * 256),
        said("reasons-257", "257 reasons.", reasons=["a"] * 257),
        said("reason-64", "A reason of 64 characters.", "accepted", reasons=["a" * 64]),
        said("reason-65", "A reason of 65 characters.", reasons=["a" * 65]),
        said("reason-empty", "An empty reason.", reasons=[""]),
        said("reason-dot", "A reason begins with a dot.", reasons=[".a"]),
        said("reason-newline", "A reason ends with a newline.", reasons=["a\n"]),
        said("reason-han", "A reason in Chinese.", reasons=["案"]),
        said("reason-number", "A reason is a number.", reasons=[1]),
        said("reasons-text", "The reasons are a text.", reasons="a"),
        said("findings-201", "Findings with a code that has none.", findings="ab" * 112),
        said("findings-odd", "Findings with half a byte.", code="204", findings="abc"),
        said("findings-upper", "Findings in upper case.", code="204", findings="AB" * 112),
        said("findings-long", "Findings of 98305 bytes.", code="204", findings="ab" * 98305),
        said("checkpoint-4096", "A checkpoint of 4096 characters of three bytes.", "accepted", checkpoint="案" * 4096),
        said("checkpoint-4097", "A checkpoint of 4097 characters.", checkpoint="a" * 4097),
        text("space", "A space follows a comma.", swap(b',"v":1', b', "v":1')),
        text("order", "The keys stand in another order.", lambda t: b'{"v":1,' + swap(b',"v":1}', b"}")(t)[1:]),
        text("duplicate", "The code stands twice.", swap(b'"code":"201"', b'"code":"403","code":"201"')),
        text("float", "The size is written as a fraction.", swap(b'"size":1234', b'"size":1234.0')),
        text("true", "The epoch is true.", swap(b'"epoch":3', b'"epoch":true')),
        text("negative", "The epoch is negative.", swap(b'"epoch":3', b'"epoch":-3')),
        text("2-53", "The sequence is 2^53.", swap(b'"sequence":7', b'"sequence":9007199254740992')),
        text("escape", "A letter is escaped.", swap(b'"issuer"', b'"issue\\u0072"')),
        text("bom", "A byte-order mark stands first.", lambda t: b"\xef\xbb\xbf" + t),
        text("deep", "3000 lists inside one another.",
             swap(b'"reasons":[]', b'"reasons":' + b"[" * 3000 + b"]" * 3000)),
        text("empty", "The JSON is empty.", lambda t: b""),
        text("list", "The JSON is a list.", lambda t: b"[]"),
        text("digits", "The size has 5000 digits.", swap(b'"size":1234', b'"size":' + b"1" * 5000)),
    ]  # fmt: skip


def _files() -> list[Vector]:
    def held(name: str, says: str, code: str, raw: bytes) -> Vector:
        return _one(f"file-{name}", says, code, raw, kind="receipts")

    one = receipt()
    other = receipt(statement(code="202", sequence=8))
    good = receipt_file([one, other])
    long = receipt(statement(code="204", findings="ab" * 98304))
    filled = [long] * 84
    rest = 16777216 - len(receipt_file(filled)) - 4
    padded = receipt(canonical(statement()) + b" " * (rest - len(one)))
    return [
        held("good", "Two receipts.", "accepted", good),
        held("of-all-suites", "A receipt of each suite.", "accepted",
             receipt_file([receipt(suite=n) for n in (1, 2, 3)])),
        held("same-twice", "One receipt stands twice.", "accepted", receipt_file([one, one])),
        held("empty", "No byte at all.", BAD, b""),
        held("magic", "The magic of a bundle.", BAD, put(1, b"CBF")(good)),
        held("magic-newlines", "CRLF became LF in a text-mode transfer.", BAD, good.replace(b"\r\n", b"\n", 1)),
        held("cut-count", "The file ends inside the count.", BAD, good[:9]),
        held("none", "No receipt.", BAD, receipt_file([])),
        held("count-less", "The count is one too small.", BAD, receipt_file([one, other], count=1)),
        held("count-more", "The count is one too great.", BAD, receipt_file([one, other], count=3)),
        held("count-65535", "The count is 65535.", BAD, receipt_file([one, other], count=65535)),
        held("4096", "4096 receipts, as many as there may be, none of which is one.", BAD, receipt_file([b""] * 4096)),
        held("4097", "4097 receipts.", BAD, receipt_file([one] * 4097)),
        held("cut-length", "The file ends inside a length.", BAD, good[:12]),
        held("cut-receipt", "The file ends inside a receipt.", BAD, good[:-1]),
        held("trailing", "A byte follows.", BAD, good + b"\x00"),
        held("length-zero", "A receipt without a byte.", BAD, receipt_file([b""])),
        held("length-huge", "A receipt claims 2^32 - 1 bytes.", BAD, number(10, 2**32 - 1, 4)(good)),
        held("length-262145", "A receipt is longer than receipts may be.", BAD,
             receipt_file([receipt(canonical(statement()) + b" " * (262145 - len(one)))])),
        held("16-mib", "A file of 16 MiB, whose last receipt is filled up with spaces.", BAD,
             receipt_file([*filled, padded])),
        held("above-16-mib", "A file of 16 MiB and more.", BAD, receipt_file([long] * 86)),
        held("second-flip", "The second receipt is changed.", "receipt-bad-signature", flip(-1)(good)),
        held("second-foreign", "The second receipt is by somebody unknown.", "unknown-sender",
             receipt_file([one, receipt(signer="carol")])),
        held("second-suite", "The second receipt has an unknown suite.", "suite-refused",
             receipt_file([one, b"\x09" + one[1:]])),
        held("border-moved", "The border between two receipts is moved by a byte.", BAD, _moved(one, other)),
        held("order-split", "The first receipt is bad, and the file has a trailing byte.", BAD,
             receipt_file([flip(-1)(one)]) + b"\x00"),
        held("order-zero", "The first receipt is by somebody unknown, the second has no byte.", BAD,
             receipt_file([receipt(signer="carol"), b""])),
        held("order-first", "The first receipt is by somebody unknown, the second bad.", "unknown-sender",
             receipt_file([receipt(signer="carol"), flip(-1)(one)])),
    ]  # fmt: skip


def _moved(one: bytes, other: bytes) -> bytes:
    return receipt_file([one + (len(other)).to_bytes(4, "big")[:1], other[1:]])


def _findings() -> list[Vector]:
    hashed = bytes.fromhex(statement()["header_hash"])

    def sealed(
        suite: int, who: str = "alice", *, name: str = "findings", bind: bytes = hashed, edit: Edit = bytes
    ) -> str:
        keys = keys_of(who, suite)
        wrapped = prim.wrap(suite, keys.encrypt_public, name, bind, b'[{"code":"ZIP-CRC"}]', bytes(31) + b"\x05")
        return edit(keys.encrypt_id + wrapped).hex()

    def found(name: str, says: str, code: str, findings: str, suite: int = 1) -> Vector:
        raw = receipt(statement(code="204", reasons=["ZIP-CRC"], findings=findings), suite=suite)
        return _one(f"findings-{name}", says, code, raw, kind="findings", own=tuple(("alice", n) for n in (1, 2, 3)),
                    suite=suite,
                    members={"findings": b'[{"code":"ZIP-CRC"}]'} if code == "accepted" else {})  # fmt: skip

    return [
        *(found(f"good-{suite}", f"Findings sealed to the origin in suite {suite}.", "accepted", sealed(suite), suite)
          for suite in prim.SUITES),
        found("to-another", "Findings sealed to carol.", "not-addressed-to-us", sealed(1, "carol")),
        found("flip", "One bit of the sealed findings is flipped.", "unwrap-failed", sealed(1, edit=flip(-1))),
        found("enc-flip", "One bit of enc is flipped.", "unwrap-failed", sealed(1, edit=flip(40))),
        found("of-other-bundle", "Findings of another bundle are carried over.", "unwrap-failed",
              sealed(1, bind=bytes(32))),
        found("label", "Findings sealed under the label of content keys.", "unwrap-failed", sealed(1, name="wrap")),
        found("key-id-only", "Nothing follows the key id.", "unwrap-failed", sealed(1, edit=lambda b: b[:32])),
        found("short", "The findings are shorter than a key id.", "not-addressed-to-us", "abcd"),
        found("none", "There are no findings to open.", "not-addressed-to-us", ""),
        found("cut-gm", "Sealed findings of suite 3 end inside C3.", "unwrap-failed",
              sealed(3, edit=lambda b: b[:120]), 3),
    ]  # fmt: skip


def _keys() -> list[Vector]:
    def key(
        name: str, says: str, code: str, suite: int, *, signs: bytes | None = None, wraps: bytes | None = None
    ) -> Vector:
        true = keys_of("carol", suite)
        pair = [true.sign_public if signs is None else signs, true.encrypt_public if wraps is None else wraps]
        raw = bytes((suite,)) + b"".join(struct.pack(">I", len(one)) + one for one in pair)
        return Vector(f"key-{name}", "key", says, code, lambda: raw, suite=suite)

    def little(value: int) -> bytes:
        return value.to_bytes(32, "little")

    def refused(name: str, says: str, suite: int, **parts: bytes) -> Vector:
        return key(name, says, "key-refused", suite, **parts)

    ed, x = keys_of("carol", 1).sign_public, keys_of("carol", 1).encrypt_public
    pq = keys_of("carol", 2)
    eight = bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa")
    x_eight = bytes.fromhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800")
    gm = keys_of("carol", 3).sign_public
    return [
        *(key(f"good-{suite}", f"Public keys of suite {suite}.", "accepted", suite) for suite in prim.SUITES),
        refused("short", "A signing key of 31 bytes.", 1, signs=ed[:31]),
        refused("long", "An encryption key of 33 bytes.", 1, wraps=x + b"\x00"),
        refused("ed25519-identity", "The identity, under which one signature is valid for every text.", 1,
                signs=little(1)),
        refused("ed25519-order-2", "A point of order 2.", 1, signs=little(CURVE_PRIME - 1)),
        refused("ed25519-order-4", "A point of order 4.", 1, signs=little(0)),
        refused("ed25519-order-8", "A point of order 8.", 1, signs=eight),
        refused("ed25519-mixed", "A true key plus a point of order 8.", 1, signs=_mixed(ed, eight)),
        refused("ed25519-no-point", "No point of the curve.", 1, signs=little(2)),
        refused("ed25519-not-reduced", "A coordinate of 2^255-18, which is the identity again.", 1,
                signs=little(CURVE_PRIME + 1)),
        refused("ed25519-in-pq", "The identity in suite 2.", 2, signs=little(1) + pq.sign_public[32:]),
        refused("x25519-zero", "An X25519 key that is zero.", 1, wraps=bytes(32)),
        refused("x25519-one", "An X25519 key that is one.", 1, wraps=little(1)),
        refused("x25519-order-8", "An X25519 key of order 8.", 1, wraps=x_eight),
        refused("x25519-minus-one", "An X25519 key of order 4 on the twist.", 1, wraps=little(CURVE_PRIME - 1)),
        refused("x25519-high-bit", "An X25519 key with its unused bit set.", 1, wraps=x[:31] + bytes((x[31] | 0x80,))),
        refused("x25519-not-reduced", "An X25519 key of 2^255-19+9, which is 9 again.", 1,
                wraps=little(CURVE_PRIME + 9)),
        refused("x25519-zero-in-pq", "An X25519 key that is zero in suite 2.", 2,
                wraps=pq.encrypt_public[:1184] + bytes(32)),
        refused("mlkem-modulus", "A coefficient of the ML-KEM key is 3329.", 2,
                wraps=_coefficient(pq.encrypt_public, 3329)),
        refused("gm-no-point", "No point of the SM2 curve.", 3, signs=flip(63)(gm)),
        refused("gm-zero", "An SM2 key that is zero.", 3, wraps=bytes(64)),
        refused("gm-not-reduced", "An SM2 coordinate that is not below the prime.", 3, signs=_above(gm)),
    ]  # fmt: skip


def _mixed(key: bytes, torsion: bytes) -> bytes:
    true, small = edwards.decode(key), edwards.decode(torsion)
    assert true is not None
    assert small is not None
    return edwards.encode(edwards.add(true, small))


def _coefficient(public: bytes, value: int) -> bytes:
    """The first 12-bit coefficient of the ML-KEM key set to a value."""
    head = int.from_bytes(public[:3], "little") >> 12 << 12 | value
    return head.to_bytes(3, "little") + public[3:]


def _above(_public: bytes) -> bytes:
    """A point with a small x, written as x plus the prime."""
    for x in range(1, 1000):
        square = (x * x * x + sm2.A * x + sm2.B) % sm2.P
        y = pow(square, (sm2.P + 1) // 4, sm2.P)
        if y * y % sm2.P == square:
            return (x + sm2.P).to_bytes(32, "big") + y.to_bytes(32, "big")
    raise AssertionError("no such point")
