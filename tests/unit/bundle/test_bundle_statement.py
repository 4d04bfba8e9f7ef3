"""Enquiries, statements, returned receipts: what is stated comes back as it was, nothing else is taken for one."""

import json
from dataclasses import replace

import pytest

from gateway.bundle import canonical
from gateway.bundle.keys import NodeKeys, generate
from gateway.bundle.names import Kind, paper_name, parse
from gateway.bundle.statement import STATEMENT_MAX, parse_paper, sign_paper, statement_key_id, verify_paper
from gateway.bundle.suites import Suite
from gateway.domain.errors import SecurityError
from gateway.domain.ids import BundleId, Digest, UnitCode
from gateway.domain.statements import (
    NAMED_MAX,
    RANGES_STATED_MAX,
    STREAMS_ASKED_MAX,
    Enquiry,
    Fate,
    Paper,
    Question,
    Returned,
    Statement,
    Tally,
    digest_of,
    in_parts,
)

US, PEER, HUB = UnitCode("990102"), UnitCode("990102000000"), UnitCode("HUB990100")
EMPTY_DIGEST = digest_of([])
ONE, TWO = BundleId("0a" * 16), BundleId("0b" * 16)
ENQUIRY = Enquiry(US, HUB, 1_700_000_000, 4, (Question(US, PEER, 5, 1, 40, ((3, 3), (7, 40))),))
TALLY = Tally(
    US,
    PEER,
    5,
    1,
    41,
    41,
    digest_of([(1, ONE, Digest("ab" * 32))]),
    ((Fate.CUSTODY, ((2, 3),)), (Fate.DELIVERED, ((1, 1), (5, 41)))),
    ((3, TWO), (41, ONE)),
)
STATEMENT = Statement(HUB, US, 1, 9, "0c" * 16, (TALLY, replace(TALLY, epoch=6, fates=(), named=(), highest=0)), (ONE,))
RETURNED = Returned(US, PEER, 1, (b"one", b"two"))
PAPERS = [ENQUIRY, replace(ENQUIRY, streams=()), STATEMENT, replace(STATEMENT, streams=(), in_hand=()), RETURNED]
PREFIX = 1 + 32 + 4


@pytest.fixture(scope="module")
def keys() -> NodeKeys:
    return generate(Suite.CLASSIC)


def text_of(paper: Paper, keys: NodeKeys) -> dict[str, object]:
    raw = sign_paper(paper, keys)
    whole: dict[str, object] = json.loads(raw[PREFIX : PREFIX + int.from_bytes(raw[PREFIX - 4 : PREFIX], "big")])
    return whole


def signed(text: bytes, keys: NodeKeys) -> bytes:
    return bytes([keys.suite]) + keys.sign_key_id + len(text).to_bytes(4, "big") + text + keys.sign("statement", text)


def refused(raw: bytes, keys: NodeKeys, issuer: UnitCode) -> str:
    public = keys.public
    with pytest.raises(SecurityError) as caught:
        verify_paper(raw, lambda key_id: public if key_id == public.sign_key_id else None, issuer)
    return caught.value.code


@pytest.mark.parametrize("paper", PAPERS)
@pytest.mark.parametrize("suite", [Suite.CLASSIC, Suite.PQ])
def test_what_is_stated_comes_back(paper: Paper, suite: Suite) -> None:
    ours = generate(suite)
    raw = sign_paper(paper, ours)
    assert verify_paper(raw, lambda _key_id: ours.public, paper.issuer) == parse_paper(raw) == paper
    assert statement_key_id(raw) == ours.sign_key_id
    named = parse(paper_name(raw, Kind.STATEMENT))
    assert named is not None
    assert named[0] is Kind.STATEMENT


@pytest.mark.parametrize("paper", [ENQUIRY, STATEMENT, RETURNED])
def test_whatever_is_cut_off_or_added_is_refused(paper: Paper, keys: NodeKeys) -> None:
    raw = sign_paper(paper, keys)
    for length in range(0, len(raw), 7):
        assert refused(raw[:length], keys, paper.issuer) in ("statement-malformed", "suite-refused")
    assert refused(raw + b"\0", keys, paper.issuer) == "statement-malformed"


@pytest.mark.parametrize("paper", [ENQUIRY, STATEMENT, RETURNED])
def test_a_changed_bit_is_noticed(paper: Paper, keys: NodeKeys) -> None:
    raw = sign_paper(paper, keys)
    for at in range(PREFIX, len(raw), 11):
        changed = bytearray(raw)
        changed[at] ^= 1
        assert refused(bytes(changed), keys, paper.issuer) in ("statement-malformed", "statement-bad-signature")


def test_a_unit_speaks_for_itself_only(keys: NodeKeys) -> None:
    raw = sign_paper(STATEMENT, keys)
    assert refused(raw, keys, US) == "statement-wrong-issuer"
    assert refused(raw, generate(Suite.CLASSIC), HUB) == "unknown-sender"


def test_a_signature_under_another_kind_of_paper_does_not_count(keys: NodeKeys) -> None:
    raw = sign_paper(ENQUIRY, keys)
    text = raw[PREFIX : PREFIX + int.from_bytes(raw[PREFIX - 4 : PREFIX], "big")]
    forged = raw[: PREFIX + len(text)] + keys.sign("inventory", text)
    assert refused(forged, keys, US) == "statement-bad-signature"


STREAM = ["990102", "990102000000", 5, 1, 40, [3, 3]]


@pytest.mark.parametrize(
    ("paper", "change"),
    [
        (ENQUIRY, {"v": 2}),
        (ENQUIRY, {"is": "question"}),
        (ENQUIRY, {"is": "statement"}),
        (ENQUIRY, {"issuer": "x"}),
        (ENQUIRY, {"number": -1}),
        (ENQUIRY, {"more": 1}),
        (ENQUIRY, {"streams": [STREAM, STREAM]}),
        (ENQUIRY, {"streams": [STREAM[:5]]}),
        (ENQUIRY, {"streams": [[*STREAM[:5], [3]]]}),
        (ENQUIRY, {"streams": [[*STREAM[:5], [3, 3, 4, 5]]]}),
        (ENQUIRY, {"streams": [[*STREAM[:5], [5, 4]]]}),
        (ENQUIRY, {"streams": [[*STREAM[:5], [3, 41]]]}),
        (ENQUIRY, {"streams": [[*STREAM[:3], 0, 40, []]]}),
        (STATEMENT, {"answers": ""}),
        (STATEMENT, {"in_hand": ["x"]}),
        (RETURNED, {"receipts": [""]}),
        (RETURNED, {"receipts": ["aa"] * 257}),
    ],
)
def test_what_breaks_the_rules_is_refused(paper: Paper, change: dict[str, object], keys: NodeKeys) -> None:
    text = canonical.encode({**text_of(paper, keys), **change})
    assert refused(signed(text, keys), keys, paper.issuer) == "statement-malformed"


@pytest.mark.parametrize(
    "change",
    [
        {"fates": [["delivered", [1, 1]], ["custody", [2, 2]]]},
        {"fates": [["delivered", [1, 1]], ["delivered", [2, 2]]]},
        {"fates": [["delivered", []]]},
        {"fates": [["lost", [1, 1]]]},
        {"fates": [["delivered", [1, 42]]]},
        {"digest": "ab"},
        {"named": [[3, "0b" * 16], [3, "0b" * 16]]},
        {"named": [[4, "0b" * 16], [3, "0b" * 16]]},
        {"fates": [["delivered"]]},
        {"named": [[3]]},
        {"first": 0},
    ],
)
def test_a_tally_that_breaks_the_rules_is_refused(change: dict[str, object], keys: NodeKeys) -> None:
    whole = text_of(replace(STATEMENT, streams=(TALLY,)), keys)
    (tally,) = whole["streams"]  # type: ignore[misc]  # a list of one
    text = canonical.encode({**whole, "streams": [{**tally, **change}]})
    assert refused(signed(text, keys), keys, HUB) == "statement-malformed"


HALF = tuple((2 * n, 2 * n) for n in range(1, RANGES_STATED_MAX // 2 + 2))
NAMES = tuple((number, ONE) for number in range(1, NAMED_MAX // 2 + 2))
LONG = replace(TALLY, last=HALF[-1][1], highest=HALF[-1][1], fates=(), named=())


@pytest.mark.parametrize(
    "paper",
    [
        replace(ENQUIRY, streams=tuple(Question(US, PEER, epoch, 1, LONG.last, HALF) for epoch in (5, 6))),
        replace(
            STATEMENT, streams=tuple(replace(LONG, epoch=epoch, fates=((Fate.DELIVERED, HALF),)) for epoch in (5, 6))
        ),
        replace(STATEMENT, streams=tuple(replace(LONG, epoch=epoch, named=NAMES) for epoch in (5, 6))),
    ],
    ids=["ranges asked for", "ranges stated", "bundles named"],
)
def test_what_no_stream_exceeds_is_refused_where_all_together_do(paper: Paper, keys: NodeKeys) -> None:
    assert len(sign_paper(replace(paper, streams=paper.streams[:1]), keys)) < STATEMENT_MAX  # type: ignore[union-attr, arg-type]  # both have streams
    with pytest.raises(ValueError, match="more than"):
        sign_paper(paper, keys)


def test_the_largest_of_each_fits(keys: NodeKeys) -> None:
    high = 2**53 - 2 * RANGES_STATED_MAX - 2
    among = tuple((high + 2 * n, high + 2 * n) for n in range(RANGES_STATED_MAX))
    named = tuple((high + n, ONE) for n in range(NAMED_MAX))
    tally = Tally(US, PEER, 5, 1, 2**53 - 1, 2**53 - 1, EMPTY_DIGEST, ((Fate.DELIVERED, among),), named)
    assert len(sign_paper(replace(STATEMENT, streams=(tally,), in_hand=()), keys)) < STATEMENT_MAX
    streams = tuple(Question(US, PEER, epoch, 1, 1, ()) for epoch in range(STREAMS_ASKED_MAX))
    assert parse_paper(sign_paper(replace(ENQUIRY, streams=streams), keys)) == replace(ENQUIRY, streams=streams)
    with pytest.raises(ValueError, match="at most"):
        sign_paper(replace(ENQUIRY, streams=(*streams, replace(streams[0], epoch=9999))), keys)


def test_what_is_asked_is_divided_into_enquiries_that_may_be_signed(keys: NodeKeys) -> None:
    scattered = tuple((2 * n + 1, 2 * n + 1) for n in range(1024))
    few = [Question(US, PEER, epoch, 1, 2048, scattered) for epoch in range(20)]
    many = [Question(US, PEER, epoch, 1, 1, ()) for epoch in range(20, 20 + STREAMS_ASKED_MAX)]
    parts = list(in_parts([*few, *many]))
    assert [len(part) for part in parts] == [16, STREAMS_ASKED_MAX, 4]
    assert [one for part in parts for one in part] == [*few, *many]
    for part in parts:
        sign_paper(replace(ENQUIRY, streams=tuple(part)), keys)
    assert list(in_parts([])) == []


def test_what_is_of_another_type_is_not_signed(keys: NodeKeys) -> None:
    with pytest.raises(ValueError, match="type"):
        sign_paper(replace(STATEMENT, streams=[]), keys)  # type: ignore[arg-type]  # the point of the test


def test_a_paper_that_returns_nothing_is_none(keys: NodeKeys) -> None:
    """Whoever takes it in would make a receipt file of no receipts, which there is not."""
    text = canonical.encode(text_of(RETURNED, keys) | {"receipts": []})
    assert refused(signed(text, keys), keys, US) == "statement-malformed"
