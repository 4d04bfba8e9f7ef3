"""Papers between units that need not be neighbours: enquiries after streams, statements about them, lost receipts."""

import re
from collections.abc import Callable, Mapping, Sequence

from gateway.bundle import canonical
from gateway.bundle.canonical import NotCanonicalError
from gateway.bundle.keys import NodeKeys, PublicKeys
from gateway.bundle.receipt import RECEIPT_MAX
from gateway.bundle.signed import Form, sign, take_apart, verified
from gateway.domain.errors import SecurityError
from gateway.domain.holdings import Range
from gateway.domain.ids import UnitCode, bundle_id, digest, unit_code
from gateway.domain.statements import (
    IN_HAND_MAX,
    NAMED_MAX,
    RANGES_STATED_MAX,
    RECEIPTS_MAX,
    STREAMS_ASKED_MAX,
    TALLIES_MAX,
    Enquiry,
    Fate,
    Paper,
    Question,
    Returned,
    Statement,
    Tally,
)

VERSION = 1
STATEMENT_MAX = 4 << 20
"""Bytes: any of the three with all of its lists at their longest, and room."""
_VALUES_MAX = 4 * (RANGES_STATED_MAX + NAMED_MAX + IN_HAND_MAX + 32 * TALLIES_MAX)
_NAME = re.compile(r"[0-9a-f]{32}")
_HEAD = ("v", "is", "issuer", "to", "issued_at")
_FATES = tuple(sorted(Fate))


def sign_paper(paper: Paper, keys: NodeKeys) -> bytes:
    """Return the signed paper (docs/bundle-format.md, section 10); ValueError if a field is out of range."""
    text = _encode(paper)
    if _decode(text) != paper:
        raise ValueError("a field of the paper has another type than it promises")
    return sign(_FORM, text, keys)


def statement_key_id(raw: bytes) -> bytes:
    """Return the id of the key that says to have signed; SecurityError `suite-refused` or `statement-malformed`."""
    return take_apart(_FORM, raw).key_id


def parse_paper(raw: bytes) -> Paper:
    """Return what a paper states that was verified when it came; SecurityError as `statement_key_id`."""
    return _stated(take_apart(_FORM, raw).text)


def verify_paper(raw: bytes, signer_of: Callable[[bytes], PublicKeys | None], issuer: UnitCode) -> Paper:
    """Return what a paper truly states.

    signer_of: as `signed.verified`. issuer: the unit whose key it is.
    Raises SecurityError `suite-refused`, `statement-malformed`, `unknown-sender`, `statement-bad-signature`,
    `statement-wrong-issuer`.
    """
    paper = _stated(verified(_FORM, raw, signer_of).text)
    if paper.issuer != issuer:
        raise SecurityError("statement-wrong-issuer", "signed by the key of another unit than it names")
    return paper


def _stated(text: bytes) -> Paper:
    try:
        return _decode(text)
    except ValueError as error:
        raise _malformed(str(error)) from error


# -- writing ----------------------------------------------------------------------------------------------------------


def _encode(paper: Paper) -> bytes:
    head: dict[str, object] = {
        "v": VERSION,
        "issuer": paper.issuer,
        "to": paper.to,
        "issued_at": paper.issued_at,
    }
    match paper:
        case Enquiry():
            asked = [[q.origin, q.recipient, q.epoch, q.first, q.last, _flat(q.open)] for q in paper.streams]
            return canonical.encode({**head, "is": "enquiry", "number": paper.number, "streams": asked})
        case Statement():
            return canonical.encode(
                {
                    **head,
                    "is": "statement",
                    "epoch": paper.epoch,
                    "answers": paper.answers,
                    "streams": [_tally_json(one) for one in paper.streams],
                    "in_hand": list(paper.in_hand),
                }
            )
        case Returned():
            return canonical.encode({**head, "is": "returned", "receipts": [raw.hex() for raw in paper.receipts]})


def _tally_json(tally: Tally) -> dict[str, object]:
    return {
        "origin": tally.origin,
        "recipient": tally.recipient,
        "epoch": tally.epoch,
        "first": tally.first,
        "last": tally.last,
        "highest": tally.highest,
        "digest": tally.digest,
        "fates": [[fate.value, _flat(among)] for fate, among in tally.fates],
        "named": [[number, bundle] for number, bundle in tally.named],
    }


def _flat(among: Sequence[Range]) -> list[int]:
    return [number for pair in among for number in pair]


# -- reading ----------------------------------------------------------------------------------------------------------


def _decode(text: bytes) -> Paper:
    whole = canonical.decode(text, limit=STATEMENT_MAX, values_limit=_VALUES_MAX)
    kind = whole.get("is") if isinstance(whole, dict) else None
    match kind:
        case "enquiry":
            return _enquiry(canonical.fields(whole, *_HEAD, "number", "streams"))
        case "statement":
            return _statement(canonical.fields(whole, *_HEAD, "epoch", "answers", "streams", "in_hand"))
        case "returned":
            found = canonical.fields(whole, *_HEAD, "receipts")
            receipts = canonical.items(found["receipts"], "receipts", limit=RECEIPTS_MAX)
            raws = tuple(canonical.hexadecimal(one, "receipt", least=1, most=RECEIPT_MAX) for one in receipts)
            if not raws:
                raise NotCanonicalError("nothing is returned")
            return Returned(*_head(found), raws)
    raise NotCanonicalError("is no enquiry, no statement and returns no receipts")


def _head(found: Mapping[str, object]) -> tuple[UnitCode, UnitCode, int]:
    canonical.integer(found["v"], "v", least=VERSION, most=VERSION)
    return _unit(found["issuer"]), _unit(found["to"]), canonical.integer(found["issued_at"], "issued_at")


def _enquiry(found: Mapping[str, object]) -> Enquiry:
    asked = canonical.items(found["streams"], "streams", limit=STREAMS_ASKED_MAX)
    enquiry = Enquiry(
        *_head(found), canonical.integer(found["number"], "number"), tuple(_question(one) for one in asked)
    )
    if sum(len(one.open) for one in enquiry.streams) > RANGES_STATED_MAX:
        raise NotCanonicalError(f"more than {RANGES_STATED_MAX} ranges")
    _apart([(one.origin, one.recipient, one.epoch) for one in enquiry.streams])
    return enquiry


def _question(value: object) -> Question:
    parts = canonical.items(value, "stream", limit=6)
    if len(parts) != 6:
        raise NotCanonicalError("a stream that is asked about has six parts")
    first = canonical.integer(parts[3], "first", least=1)
    last = canonical.integer(parts[4], "last")
    return Question(
        _unit(parts[0]),
        _unit(parts[1]),
        canonical.integer(parts[2], "epoch"),
        first,
        last,
        _ranges(parts[5], first, last),
    )


def _statement(found: Mapping[str, object]) -> Statement:
    statement = Statement(
        *_head(found),
        epoch=canonical.integer(found["epoch"], "epoch"),
        answers=_name(found["answers"]),
        streams=tuple(_tally(one) for one in canonical.items(found["streams"], "streams", limit=TALLIES_MAX)),
        in_hand=tuple(
            bundle_id(canonical.text(one, "bundle id", limit=32))
            for one in canonical.items(found["in_hand"], "in_hand", limit=IN_HAND_MAX)
        ),
    )
    if sum(len(among) for one in statement.streams for _fate, among in one.fates) > RANGES_STATED_MAX:
        raise NotCanonicalError(f"more than {RANGES_STATED_MAX} ranges")
    if sum(len(one.named) for one in statement.streams) > NAMED_MAX:
        raise NotCanonicalError(f"more than {NAMED_MAX} bundles named")
    _apart([(one.origin, one.recipient, one.epoch) for one in statement.streams])
    return statement


def _tally(value: object) -> Tally:
    names = ("origin", "recipient", "epoch", "first", "last", "highest", "digest", "fates", "named")
    found = canonical.fields(value, *names)
    first = canonical.integer(found["first"], "first", least=1)
    last = canonical.integer(found["last"], "last")
    fates: list[tuple[Fate, tuple[Range, ...]]] = []
    for one in canonical.items(found["fates"], "fates", limit=len(_FATES)):
        pair = canonical.items(one, "fate", limit=2)
        if len(pair) != 2:
            raise NotCanonicalError("a fate has a name and ranges")
        fate = Fate(canonical.text(pair[0], "fate", limit=20))
        if fates and fate <= fates[-1][0]:
            raise NotCanonicalError("fates must ascend")
        among = _ranges(pair[1], first, last)
        if not among:
            raise NotCanonicalError("a fate of no number")
        fates.append((fate, among))
    named: list[tuple[int, str]] = []
    for one in canonical.items(found["named"], "named", limit=NAMED_MAX):
        pair = canonical.items(one, "bundle", limit=2)
        if len(pair) != 2:
            raise NotCanonicalError("a named bundle has a number and an id")
        named.append(
            (
                canonical.integer(pair[0], "number", least=1),
                bundle_id(canonical.text(pair[1], "bundle id", limit=32)),
            )
        )
    if named != sorted(set(named)):
        raise NotCanonicalError("named bundles must ascend")
    return Tally(
        _unit(found["origin"]),
        _unit(found["recipient"]),
        canonical.integer(found["epoch"], "epoch"),
        first,
        last,
        canonical.integer(found["highest"], "highest"),
        digest(canonical.text(found["digest"], "digest", limit=64)),
        tuple(fates),
        tuple((number, bundle_id(bundle)) for number, bundle in named),
    )


def _ranges(value: object, least: int, most: int) -> tuple[Range, ...]:
    """Return pairs that ascend, lie apart and stay between `least` and `most`."""
    flat = [
        canonical.integer(one, "number", least=least, most=most)
        for one in canonical.items(value, "ranges", limit=2 * RANGES_STATED_MAX)
    ]
    if len(flat) % 2:
        raise NotCanonicalError("a range has two ends")
    pairs = list(zip(flat[::2], flat[1::2], strict=True))
    before = -1
    for first, final in pairs:
        if not before + 1 < first <= final:
            raise NotCanonicalError("ranges must ascend and lie apart")
        before = final
    return tuple(pairs)


def _apart(keys: Sequence[tuple[str, str, int]]) -> None:
    if len(set(keys)) != len(keys):
        raise NotCanonicalError("a stream is named twice")


def _unit(value: object) -> UnitCode:
    return unit_code(canonical.text(value, "unit", limit=24))


def _name(value: object) -> str:
    text = canonical.text(value, "answers", limit=32)
    if not _NAME.fullmatch(text):
        raise NotCanonicalError("answers must be 32 lower-case hexadecimal digits")
    return text


def _malformed(detail: str) -> SecurityError:
    return SecurityError("statement-malformed", detail)


def _forged(detail: str) -> SecurityError:
    return SecurityError("statement-bad-signature", detail)


_FORM = Form("statement", STATEMENT_MAX, _malformed, _forged)
