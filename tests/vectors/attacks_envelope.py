"""Lists the vectors that aim at HEADER and SIG: limits, cuts, signatures, policy and the order of group A."""

from tests.vectors import primitives as prim
from tests.vectors.forge import CREATED, EXPIRES, Draft, Edit, borders, flip, forge, keys_of, number, put, same
from tests.vectors.sm2 import N
from tests.vectors.vector import Trust, Vector, bundle, edited, made

DAY = 86400
ED_ORDER = 2**252 + 27742317777372353535851937790883648493


def vectors() -> list[Vector]:
    """All of them."""
    return [*_good(), *_magic(), *_cuts(), *_limits(), *_signatures(), *_policy(), *_order()]


def _good() -> list[Vector]:
    many = tuple(f"recipient {number}" for number in range(63))
    return [
        bundle("good-classic", "A plain bundle of suite 1.", "accepted"),
        bundle("good-pq", "A plain bundle of suite 2.", "accepted", suite=2),
        bundle("good-gm", "A plain bundle of suite 3.", "accepted", suite=3),
        bundle("good-two-classic", "Two recipients, each in its own stream.", "accepted", to=("bob", "carol"),
               sequences=(7, 9)),
        bundle("good-two-pq", "Two recipients in suite 2.", "accepted", suite=2, to=("bob", "carol")),
        bundle("good-two-gm", "Two recipients in suite 3.", "accepted", suite=3, to=("bob", "carol")),
        bundle("good-64-classic", "As many recipients as there may be.", "accepted", to=("bob", *many)),
        bundle("good-64-pq", "As many recipients as there may be, in suite 2.", "accepted", suite=2,
               to=("bob", *many)),
        bundle("good-64-not-us", "64 recipients, and we are none of them.", "not-addressed-to-us", to=("carol", *many)),
        bundle("good-limits-low", "The least value of every integer in the header.", "accepted",
               created=0, expires=1, epoch=0, sequences=(1,), now=1),
        bundle("good-limits-high", "The greatest value of every integer in the header.", "accepted",
               created=2**53 - 1 - 90 * DAY, expires=2**53 - 1, epoch=2**53 - 1, sequences=(2**53 - 1,),
               seg_log2=26, routing_class=65535, now=2**53 - 1),
        made("hub-good", "A hub that is not addressed finds a bundle sound.", "accepted", lambda: forge(Draft()),
             kind="hub"),
        made("hub-good-pq", "A hub finds a bundle of suite 2 sound.", "accepted", lambda: forge(Draft(suite=2)),
             kind="hub", suite=2),
        made("hub-good-gm", "A hub finds a bundle of suite 3 sound.", "accepted", lambda: forge(Draft(suite=3)),
             kind="hub", suite=3),
    ]  # fmt: skip


def _magic() -> list[Vector]:
    return [
        made("empty-file", "Nothing at all.", "not-a-bundle", lambda: b""),
        edited("magic-cut", "Seven bytes of the magic.", "not-a-bundle", lambda b: b[:7]),
        edited("magic-bit-seven", "The first byte lost its high bit on a seven-bit path.", "not-a-bundle",
               put(0, b"\x09")),
        edited("magic-newlines", "CRLF became LF in a text-mode transfer.", "not-a-bundle",
               lambda b: b.replace(b"\r\n", b"\n", 1)),
        edited("magic-lower-case", "The letters of the magic in lower case.", "not-a-bundle", put(1, b"cbf")),
        edited("magic-of-receipts", "The magic of a receipt file.", "not-a-bundle", put(1, b"CFR")),
        edited("shifted", "One byte stands before the magic.", "not-a-bundle", lambda b: b"\x00" + b),
        edited("magic-only", "The magic and nothing else.", "truncated", lambda b: b[:8]),
        edited("suite-0", "Suite 0.", "suite-refused", put(8, b"\x00")),
        edited("suite-4", "A suite that does not exist.", "suite-refused", put(8, b"\x04")),
        edited("suite-255", "Suite 255.", "suite-refused", put(8, b"\xff")),
        edited("suite-before-length", "Nine bytes that end with an unknown suite.", "suite-refused",
               lambda b: b[:8] + b"\x04"),
        edited("suite-stripped-1", "Suite 2 relabelled as suite 1, so that SIG is read from another place.",
               "bad-signature",
               put(8, b"\x01"), suite=2),
        edited("suite-stripped-3", "Suite 1 relabelled as suite 3, so that SIG is read from another place.",
               "bad-signature",
               put(8, b"\x03")),
        made("suite-downgraded",
             "Ed25519 halves of a suite 2 bundle carried over to a suite 1 header of the same sender.",
             "bad-signature", _downgraded),
    ]  # fmt: skip


def _downgraded() -> bytes:
    """Suite 1 from one who saw a suite 2 signature by alice, and whose roster id of alice is that of suite 1."""
    stolen = prim.sign(2, keys_of("alice", 2).sign_seed, "outer", b"a header of suite 2")[:64]
    return forge(Draft(outer_signer="mallory", outer=lambda _: stolen))


def _cuts() -> list[Vector]:
    ends = {
        9: "after the suite",
        48: "before the lengths",
        167: "one byte before the recipients",
        168: "before the recipients",
        200: "inside a recipient",
        287: "one byte before SIG",
        288: "before SIG",
        351: "inside SIG",
        352: "before MANIFEST",
        353: "after one byte of MANIFEST",
    }
    out = [
        edited(f"cut-{at}", f"The file ends {where}.", "truncated", lambda b, at=at: b[:at])
        for at, where in ends.items()
    ]
    for end, where in (("manifest", "MANIFEST"), ("segs", "SEGS")):
        out.append(edited(f"cut-after-{end}", f"The file ends after {where}.", "truncated",
                          lambda b, end=end: b[: borders(b)[end]]))  # fmt: skip
    return [
        *out,
        edited("cut-in-segs", "The file ends inside SEGS.", "truncated", lambda b: b[: borders(b)["segs"] - 1]),
        edited("cut-last-byte", "The last byte is missing.", "truncated", lambda b: b[:-1]),
        edited("cut-pq-signature", "A suite 2 bundle that ends after the Ed25519 half of SIG.", "truncated",
               lambda b: b[: borders(b)["header"] + 64], suite=2),
        edited("trailing-byte", "One byte follows DATA.", "trailing-bytes", lambda b: b + b"\x00"),
        edited("trailing-bundle", "A second bundle follows the first.", "trailing-bytes", lambda b: b + b),
        edited("hub-cut", "A hub notices that the last byte is missing.", "truncated", lambda b: b[:-1], kind="hub"),
        edited("hub-trailing", "A hub notices a trailing byte.", "trailing-bytes", lambda b: b + b"\x00", kind="hub"),
    ]  # fmt: skip


def _limits() -> list[Vector]:
    """Every one is truly signed by its sender, so that only the limit can refuse it."""

    def header(name: str, says: str, edit: Edit) -> Vector:
        return bundle(name, says, "malformed", header=edit)

    impossible = {
        0: "zero",
        71: "less than an empty text has",
        56 + 16400 + 15: "a last chunk that is shorter than its tag",
        56 + 16400: "a last chunk that is full",
        2**64 - 1: "the greatest integer",
    }
    out = [
        *(bundle(f"seg-log2-{n}", f"Segments of 2^{n} bytes.", "malformed", seg_log2=n) for n in (0, 19, 27, 255)),
        *(header(f"recipients-{n}", f"The header claims {n} recipients.", number(12, n, 2)) for n in (0, 65, 65535)),
        *(bundle(f"flags-{n:04x}", "A flag of the future is set.", "malformed", flags=n) for n in (0x10, 0x8000)),
        bundle("lifetime-zero", "Expires when it is created.", "malformed", expires=CREATED),
        bundle("lifetime-negative", "Expires before it is created.", "malformed", expires=CREATED - 1),
        bundle("lifetime-90-days", "Lives exactly 90 days.", "accepted", expires=CREATED + 90 * DAY),
        bundle("lifetime-too-long", "Lives 90 days and a second.", "malformed", expires=CREATED + 90 * DAY + 1),
        bundle("created-overflows", "Times at the end of 64 bits, where created + 90 days wraps.", "malformed",
               created=2**64 - 2, expires=2**64 - 1),
        bundle("expires-2-53", "Expires at 2^53.", "malformed", created=2**53 - 1, expires=2**53),
        bundle("epoch-2-53", "Epoch 2^53.", "malformed", epoch=2**53),
        bundle("sequence-0", "Sequence 0.", "malformed", sequences=(0,)),
        bundle("sequence-2-53", "Sequence 2^53.", "malformed", sequences=(2**53,)),
        bundle("second-sequence-0", "The second recipient's sequence is 0.", "malformed", to=("bob", "carol"),
               sequences=(1, 0)),
        header("manifest-len-limit", "MANIFEST may be longer than 64 MiB.", number(48, 67108864 + 16)),
        header("data-len-limit", "DATA is longer than 2^46.", number(56, 2**46 + 16)),
        bundle("recipients-descending", "The recipients stand in descending order.", "malformed", to=("bob", "carol"),
               slots=lambda slots: slots[::-1]),
        bundle("recipient-twice", "One recipient stands twice.", "malformed", to=("bob", "bob")),
        bundle("recipient-twice-two-keys", "One recipient twice, with two different wrapped keys.", "malformed",
               to=("bob", "bob"), slots=lambda slots: [slots[0], slots[0][:40] + slots[1][40:79] + b"\x00"]),
    ]  # fmt: skip
    for field, at in (("manifest", 48), ("data", 56)):
        out += [
            header(f"{field}-len-{n}", f"The length of {field.upper()} is {what}.", number(at, n))
            for n, what in impossible.items()
        ]
    return out


def _signatures() -> list[Vector]:
    def outer(name: str, says: str, edit: Edit = same, suite: int = 1, **draft: object) -> Vector:
        return bundle(name, says, "bad-signature", outer=edit, suite=suite, **draft)

    zero = bytes(32)
    foreign = prim.sign(2, keys_of("mallory", 2).sign_seed, "outer", b"")
    header_fields = {9: "segment size", 11: "class", 13: "count", 23: "created", 31: "expires", 40: "bundle id",
                     55: "manifest length", 63: "data length", 100: "manifest hash", 140: "segment hash", 167: "epoch",
                     207: "sequence", 250: "wrapped key"}  # fmt: skip
    codes = {13: "malformed"}
    out = [
        edited(f"header-flip-{at}", f"One bit of the {what} is flipped.", codes.get(at, "bad-signature"), flip(at))
        for at, what in header_fields.items()
    ]
    return [
        *out,
        edited("header-flip-sender", "One bit of the sender's key id is flipped.", "unknown-sender", flip(64)),
        bundle("unknown-sender", "Truly signed by somebody whom nobody enrolled.", "unknown-sender", sender="carol"),
        bundle("sender-is-encryption-key", "The sender is named by the id of its encryption key.", "unknown-sender",
               header=put(64, keys_of("alice", 1).encrypt_id)),
        bundle("sender-of-other-suite", "The sender is named by the id of its suite 2 key in a suite 1 bundle.",
               "bad-signature", header=put(64, keys_of("alice", 2).sign_id)),
        bundle("revoked-sender", "Truly signed by a revoked key.", "revoked-sender",
               trusted=(Trust("alice", 1, is_revoked=True),)),
        outer("signed-by-another", "The signature is by mallory, the header names alice.", outer_signer="mallory"),
        outer("signed-as-inner", "The signature is made under the label of inner signatures.", outer_label="inner"),
        outer("signed-as-receipt", "The signature is made under the label of receipts.", outer_label="receipt"),
        outer("signature-zero", "The signature is all zero.", lambda s: bytes(len(s))),
        outer("signature-malleable", "The group order is added to the scalar of the Ed25519 signature.",
              lambda s: s[:32] + (int.from_bytes(s[32:], "little") + ED_ORDER).to_bytes(32, "little")),
        outer("signature-flip", "One bit of the signature is flipped.", flip(5)),
        outer("signature-of-other-header", "The signature is alice's on another bundle.",
              lambda _: _signature_of(Draft(bundle="other"))),
        edited("resigned-as-mallory", "Mallory puts her own name and signature on alice's bundle.", "unwrap-failed",
               _taken_over),
        outer("pq-ed25519-only", "Only the Ed25519 half is valid.", flip(64 + 1000), suite=2),
        outer("pq-mldsa-only", "Only the ML-DSA half is valid.", flip(10), suite=2),
        outer("pq-mldsa-foreign", "The Ed25519 half is alice's, the ML-DSA half mallory's.",
              lambda s: s[:64] + foreign[64:], suite=2),
        outer("pq-mldsa-zero", "The ML-DSA half is all zero.", lambda s: s[:64] + bytes(3309), suite=2),
        outer("pq-halves-swapped", "The ML-DSA half stands first.", lambda s: s[64:] + s[:64], suite=2),
        outer("pq-mixed-headers", "The ML-DSA half belongs to another header of alice.",
              lambda s: s[:64] + _signature_of(Draft(suite=2, bundle="other"))[64:], suite=2),
        outer("pq-signed-as-inner", "Both halves are made under the label of inner signatures.", suite=2,
              outer_label="inner"),
        outer("gm-zero", "Both r and s are zero.", lambda s: bytes(64), suite=3),
        outer("gm-r-zero", "The number r is zero.", lambda s: zero + s[32:], suite=3),
        outer("gm-s-zero", "The number s is zero.", lambda s: s[:32] + zero, suite=3),
        outer("gm-s-is-order", "The number s is the order of the group.", lambda s: s[:32] + N.to_bytes(32, "big"),
              suite=3),
        outer("gm-t-zero", "The sum of r and s is the order of the group.",
              lambda s: s[:32] + (N - int.from_bytes(s[:32], "big")).to_bytes(32, "big"), suite=3),
        outer("gm-swapped", "The number s stands before r.", lambda s: s[32:] + s[:32], suite=3),
        outer("gm-foreign", "The signature is by mallory.", suite=3, outer_signer="mallory"),
    ]  # fmt: skip


def _signature_of(draft: Draft) -> bytes:
    raw = forge(draft)
    return raw[borders(raw)["header"] : borders(raw)["signature"]]


def _taken_over(raw: bytes) -> bytes:
    cut, thief = borders(raw), keys_of("mallory", 1)
    header = put(64, thief.sign_id)(raw[: cut["header"]])
    return header + prim.sign(1, thief.sign_seed, "outer", header) + raw[cut["signature"] :]


def _policy() -> list[Vector]:
    alice = (Trust("alice", 1, since=CREATED - DAY, until=CREATED + DAY),)
    return [
        bundle("expires-now", "Read in the second in which it expires.", "accepted", now=EXPIRES),
        bundle("expired", "Read one second after it expired.", "expired", now=EXPIRES + 1),
        bundle("from-the-future", "Created two days after our clock: a person decides, no code refuses.", "accepted",
               now=CREATED - 2 * DAY),
        bundle("key-validity-first", "Created in the first second of the key.", "accepted",
               trusted=(Trust("alice", 1, since=CREATED),)),
        bundle("key-validity-last", "Created in the last second of the key, read later.", "accepted",
               trusted=(Trust("alice", 1, until=CREATED),)),
        bundle("key-not-yet", "Created before the key was valid.", "key-not-valid",
               trusted=(Trust("alice", 1, since=CREATED + 1),)),
        bundle("key-no-more", "Created after the key was valid.", "key-not-valid",
               trusted=(Trust("alice", 1, until=CREATED - 1),)),
        bundle("suite-not-accepted", "The roster pins this sender to suite 2.", "suite-refused", suites=(2,),
               trusted=alice),
        bundle("too-large", "One byte above our limit.", "too-large", limit=len(forge(Draft())) - 1),
        bundle("just-small-enough", "Exactly our limit.", "accepted", limit=len(forge(Draft()))),
    ]  # fmt: skip


def _order() -> list[Vector]:
    """Each breaks two rules; the outcome is the code of the earlier step."""
    small = {"limit": 100}
    return [
        edited("order-A3-A4", "Too short for a header, and what is there has a bad segment size.", "truncated",
               lambda b: put(9, b"\x00")(b)[:100]),
        edited("order-A4-A5", "Flags are set, and the recipients are missing.", "malformed",
               lambda b: flip(14)(b)[:168]),
        edited("order-A5-A6", "The sequence is 0, and SIG is missing.", "truncated", lambda b: number(200, 0)(b)[:300]),
        edited("order-A6-A7", "The sequence is 0, and the sender unknown.", "malformed",
               lambda b: number(200, 0)(flip(64)(b))),
        edited("order-A7-A9", "The sender is unknown, and the signature bad.", "unknown-sender",
               lambda b: flip(300)(flip(64)(b))),
        edited("order-A8-A9", "The sender is revoked, and the signature bad.", "revoked-sender", flip(300),
               trusted=(Trust("alice", 1, is_revoked=True),)),
        edited("order-A9-A10", "The signature is bad, and the bundle expired.", "bad-signature", flip(300),
               now=EXPIRES + 1),
        edited("order-A9-B1", "The signature is bad, and DATA cut.", "bad-signature", lambda b: flip(300)(b)[:-1]),
        bundle("order-A10-A11", "Expired, and the key was not valid.", "expired", now=EXPIRES + 1,
               trusted=(Trust("alice", 1, until=CREATED - 1),)),
        bundle("order-A11-A12", "The key was not valid, and the suite is not accepted.", "key-not-valid", suites=(),
               trusted=(Trust("alice", 1, until=CREATED - 1),)),
        bundle("order-A12-A15", "The suite is not accepted, and the bundle too large.", "suite-refused", suites=(),
               **small),
        edited("order-A15-B1", "Too large by its header, and cut.", "too-large", lambda b: b[:-1], **small),
        edited("order-B1-B2", "Cut, and MANIFEST changed.", "truncated", lambda b: flip(360)(b)[:-1]),
        edited("order-B2-B3", "MANIFEST and SEGS changed.", "manifest-corrupt",
               lambda b: flip(360)(flip(borders(b)["manifest"])(b))),
        edited("order-B3-C1", "SEGS changed, and not addressed to us.", "segment-list-corrupt",
               lambda b: flip(borders(b)["manifest"])(b), own=(("carol", 1),)),
        edited("order-C1-B4", "Not addressed to us, and DATA changed.", "not-addressed-to-us", flip(-1),
               own=(("carol", 1),)),
    ]  # fmt: skip
