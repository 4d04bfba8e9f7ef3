"""The index of a removable medium: signed by the node that made it, encrypted to the one that may read it.

    off  len  field
    0    8    magic 89 43 46 4D 0D 0A 1A 0A
    8    1    suite of the reader's key
    9    32   key_id of the reader's encryption key
    41   W    K, wrapped to that key
    41+W ...  the signed index, in the chunked encryption of the suite, under K

The signed index is a statement like a receipt: u8 suite | key_id | u32 length | canonical JSON | signature over
L("trip") | JSON. It names issuer and reader, so that a reader cannot pass it on as if it had been meant for another.
"""

import re
import secrets
from collections.abc import Callable, Sequence

from gateway.bundle import canonical
from gateway.bundle.chunked import decrypt_whole, encrypt_whole
from gateway.bundle.keys import NodeKeys, PublicKeys
from gateway.bundle.names import parse
from gateway.bundle.signed import Form, sign, verified
from gateway.bundle.suites import HASH_LENGTH, algorithms, digest, label, suite_of
from gateway.domain.errors import SecurityError
from gateway.domain.ids import digest as digest_text
from gateway.domain.ids import unit_code, wire_name
from gateway.domain.trips import FILES_MAX, HEARD_MAX, LABEL_MAX, TripFile, TripIndex

VERSION = 1
INDEX_MAX = 8 << 20
"""Bytes: FILES_MAX names with their digests take 3 MiB."""
PARTS_MAX = 999_999
"""Files on a medium for one trip; their names are numbers of six digits."""
PERSON_MAX = 64
"""Characters of a login name."""
_MAGIC = b"\x89CFM\r\n\x1a\n"
_HEAD = len(_MAGIC) + 1 + HASH_LENGTH
_VALUES_MAX = 6 * FILES_MAX + HEARD_MAX + 64
_TRIP = re.compile(r"[0-9a-f]{32}")
_NAMES = (
    *("v", "issuer", "to", "trip", "epoch", "number", "made_at", "label"),
    *("asked_by", "confirmed_by", "part", "files", "heard"),
)


def is_trip(text: str) -> bool:
    """Whether `text` is the id of a trip, and so the name of its folder."""
    return _TRIP.fullmatch(text) is not None


def seal_index(index: TripIndex, keys: NodeKeys, reader: PublicKeys) -> bytes:
    """Return the bytes of the index as they lie on the medium; ValueError if a field is out of range."""
    text = _encode(index)
    if _decode(text) != index:
        raise ValueError("a field of the index has another type than it promises")
    use = algorithms(reader.suite)
    head = _MAGIC + bytes([reader.suite]) + reader.encrypt_key_id
    bind = digest(reader.suite, label("trip bind"), head)
    key = secrets.token_bytes(use.content_key_length)
    encryptor = use.encryptor(key, label("trip") + bind)
    return head + reader.wrap("trip key", bind, key) + encrypt_whole(encryptor, sign(_FORM, text, keys))


def open_index(
    raw: bytes, own: Sequence[NodeKeys], signer_of: Callable[[bytes], PublicKeys | None]
) -> tuple[TripIndex, bytes]:
    """Return what an index truly states, and the id of the key that signed it.

    own: all keys of this node.     signer_of: as `signed.verified`. That the key is the issuer's, and that the index is
    for this node, is for the caller to check.
    Raises SecurityError `trip-not-for-us`, `suite-refused`, `trip-malformed`, `unknown-sender`, `trip-bad-signature`.
    """
    if not raw.startswith(_MAGIC) or not _HEAD < len(raw) <= INDEX_MAX:
        raise _FORM.malformed("it does not begin like one, or its length is out of range")
    suite, key_id = suite_of(raw[len(_MAGIC)]), raw[len(_MAGIC) + 1 : _HEAD]
    keys = next((one for one in own if one.suite is suite and one.encrypt_key_id == key_id), None)
    if keys is None:
        raise SecurityError("trip-not-for-us", "the index is encrypted to a key that is not ours")
    use = algorithms(suite)
    bind = digest(suite, label("trip bind"), raw[:_HEAD])
    key = keys.unwrap("trip key", bind, raw[_HEAD : _HEAD + use.wrap_length])
    if key is None or len(key) != use.content_key_length:
        raise _FORM.malformed("its key was changed on the way")
    inner = decrypt_whole(use.decryptor(key, label("trip") + bind), raw[_HEAD + use.wrap_length :])
    if inner is None:
        raise _FORM.malformed("it was changed or cut short on the way")
    signed = verified(_FORM, inner, signer_of)
    try:
        return _decode(signed.text), signed.key_id
    except ValueError as error:
        raise _FORM.malformed(str(error)) from error


def _encode(index: TripIndex) -> bytes:
    return canonical.encode(
        {
            "v": VERSION,
            "issuer": index.issuer,
            "to": index.to,
            "trip": index.trip,
            "epoch": index.epoch,
            "number": index.number,
            "made_at": index.made_at,
            "label": index.label,
            "asked_by": index.asked_by,
            "confirmed_by": index.confirmed_by,
            "part": index.part,
            "files": [[file.name, file.size, file.digest] for file in index.files],
            "heard": list(index.heard),
        }
    )


def _decode(text: bytes) -> TripIndex:
    found = canonical.fields(canonical.decode(text, limit=INDEX_MAX, values_limit=_VALUES_MAX), *_NAMES)
    canonical.integer(found["v"], "v", least=VERSION, most=VERSION)
    files = tuple(_file(one) for one in canonical.items(found["files"], "files", limit=FILES_MAX))
    if len({file.name for file in files}) != len(files):
        raise ValueError("a name is listed twice")
    part = canonical.integer(found["part"], "part", least=1)
    if sum(max(1, -(-file.size // part)) for file in files) > PARTS_MAX:
        raise ValueError("more parts than there are numbers for")
    return TripIndex(
        issuer=unit_code(canonical.text(found["issuer"], "issuer", limit=24)),
        to=unit_code(canonical.text(found["to"], "to", limit=24)),
        trip=_trip(found["trip"]),
        epoch=canonical.integer(found["epoch"], "epoch"),
        number=canonical.integer(found["number"], "number", least=1),
        made_at=canonical.integer(found["made_at"], "made_at"),
        label=canonical.text(found["label"], "label", limit=LABEL_MAX),
        asked_by=canonical.text(found["asked_by"], "asked_by", limit=PERSON_MAX),
        confirmed_by=canonical.text(found["confirmed_by"], "confirmed_by", limit=PERSON_MAX),
        part=part,
        files=files,
        heard=tuple(_trip(one) for one in canonical.items(found["heard"], "heard", limit=HEARD_MAX)),
    )


def _file(value: object) -> TripFile:
    name, size, hashed = canonical.items(value, "a file", limit=3)
    wire = wire_name(canonical.text(name, "name", limit=100))
    if parse(wire) is None:
        raise ValueError("a name is none that travels")
    return TripFile(wire, canonical.integer(size, "size"), digest_text(canonical.text(hashed, "digest", limit=64)))


def _trip(value: object) -> str:
    text = canonical.text(value, "trip", limit=32)
    if not is_trip(text):
        raise ValueError("a trip's id is not 32 hexadecimal digits")
    return text


_FORM = Form(
    "trip",
    INDEX_MAX,
    lambda why: SecurityError("trip-malformed", f"the index of the medium cannot be used: {why}"),
    lambda why: SecurityError("trip-bad-signature", why),
)
