"""Enquiries, statements and returned receipts, raw and truly signed around any text."""

from collections.abc import Mapping

from gateway.bundle.statement import parse_paper, sign_paper, statement_key_id, verify_paper
from gateway.domain.ids import BundleId, unit_code
from gateway.domain.reconciling import Own, OwnNumber, OwnStream, Word, compare
from gateway.domain.statements import Enquiry, Fate, Question, Returned, Statement, Tally, digest_of
from tests.fuzz.keys import SENDER, SENDER_ID, signer_of
from tests.fuzz.shapes import canonical_form
from tests.fuzz.target import Target, attempt

US, PEER = unit_code("990101"), unit_code("990102")
_NUMBERS = tuple(OwnNumber(number, own, 0.0, BundleId("0c" * 16)) for number, own in enumerate(Own, 1))
_STREAM = OwnStream(PEER, US, 5, 1, len(Own), _NUMBERS, (unit_code("HUB9"),))


def run_statement(data: bytes) -> None:
    """First byte even: a whole paper. Odd: the text of one, put in order and signed by the sender."""
    if not data or data[0] % 2 == 0:
        run_raw(data[1:])
        return
    text = canonical_form(data[1:])
    signature = SENDER.sign("statement", text)
    run_raw(bytes([SENDER.suite]) + SENDER_ID + len(text).to_bytes(4, "big") + text + signature)


def run_raw(raw: bytes) -> None:
    attempt(lambda: statement_key_id(raw))
    parsed = attempt(lambda: parse_paper(raw))
    found = attempt(lambda: verify_paper(raw, signer_of, US))
    if found is None:
        return
    assert found == parsed
    assert sign_paper(found, SENDER) == raw
    if isinstance(found, Statement):
        word = Word(1.0, {one.epoch: one for one in found.streams if one.last < 1000}, frozenset(found.in_hand))
        # Whatever is stated, each of our numbers comes to at most one difference by its own, and nothing breaks.
        compare(_STREAM, {US: word, unit_code("HUB9"): word})


def statement_seeds() -> Mapping[str, bytes]:
    named = ((3, BundleId("0b" * 16)),)
    tally = Tally(
        PEER, US, 5, 1, 9, 9, digest_of([]), ((Fate.CUSTODY, ((2, 3),)), (Fate.DELIVERED, ((1, 1), (5, 9)))), named
    )
    made = {
        "enquiry": Enquiry(US, PEER, 1, 2, (Question(PEER, US, 5, 1, 40, ((3, 3), (7, 40))),)),
        "statement": Statement(US, PEER, 1, 9, "0c" * 16, (tally,), (BundleId("0c" * 16),)),
        "returned": Returned(US, PEER, 1, (b"one", b"two")),
    }
    seeds = {}
    for name, paper in made.items():
        raw = sign_paper(paper, SENDER)
        seeds[f"{name}-raw"] = b"\0" + raw
        seeds[f"{name}-text"] = b"\1" + raw[37:-64]
    return seeds


TARGETS = (Target("statement", run_statement, statement_seeds, json_at=1),)
