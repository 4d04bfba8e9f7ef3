"""Indexes of removable media, raw and truly encrypted and signed around any text."""

from collections.abc import Mapping

from gateway.bundle.chunked import encrypt_whole
from gateway.bundle.suites import algorithms, digest, label
from gateway.bundle.trip import open_index, seal_index
from gateway.domain.ids import digest as digest_text
from gateway.domain.ids import unit_code, wire_name
from gateway.domain.trips import TripFile, TripIndex
from tests.fuzz.keys import RECIPIENT, RECIPIENT_PUBLIC, SENDER, SENDER_ID, signer_of
from tests.fuzz.shapes import canonical_form
from tests.fuzz.target import Target, attempt

INDEX = TripIndex(
    *(unit_code("990101"), unit_code("990102"), "0a" * 16, 5, 2, 1_700_000_000, "USB 7", "an", "deng", 1 << 20),
    (TripFile(wire_name(f"{'0b' * 16}.cfb"), 3 << 20, digest_text("ab" * 32)),),
    ("0c" * 16,),
)
SEALED = seal_index(INDEX, SENDER, RECIPIENT_PUBLIC)
HEAD = SEALED[: 8 + 1 + 32]
KEY = bytes([7]) * algorithms(RECIPIENT.suite).content_key_length


def run_trip(data: bytes) -> None:
    """First byte even: a whole index. Odd: the text of one, put in order, signed by the sender and encrypted to us."""
    raw = data[1:] if not data or data[0] % 2 == 0 else sealed(canonical_form(data[1:]))
    found = attempt(lambda: open_index(raw, [RECIPIENT], signer_of))
    if found is None:
        return
    index, key_id = found
    assert key_id == SENDER_ID
    again = seal_index(index, SENDER, RECIPIENT_PUBLIC)
    assert len(again) == len(raw)
    assert open_index(again, [RECIPIENT], signer_of) == found


def sealed(text: bytes) -> bytes:
    signed = bytes([SENDER.suite]) + SENDER_ID + len(text).to_bytes(4, "big") + text + SENDER.sign("trip", text)
    bind = digest(RECIPIENT.suite, label("trip bind"), HEAD)
    encryptor = algorithms(RECIPIENT.suite).encryptor(KEY, label("trip") + bind)
    return HEAD + RECIPIENT_PUBLIC.wrap("trip key", bind, KEY) + encrypt_whole(encryptor, signed)


def trip_seeds() -> Mapping[str, bytes]:
    text = (
        b'{"asked_by":"an","confirmed_by":"deng","epoch":5,"files":[["%s.cfb",3145728,"%s"]],"heard":["%s"],'
        b'"issuer":"990101","label":"USB 7","made_at":1700000000,"number":2,"part":1048576,"to":"990102",'
        b'"trip":"%s","v":1}' % (b"0b" * 16, b"ab" * 32, b"0c" * 16, b"0a" * 16)
    )
    return {"raw": b"\0" + SEALED, "text": b"\1" + text}


TARGETS = (Target("trip", run_trip, trip_seeds, json_at=1),)
