"""The index of a medium: opened by its reader alone, and refused whatever was done to it."""

from dataclasses import replace

import pytest

from gateway.bundle.keys import NodeKeys, PublicKeys, generate
from gateway.bundle.suites import Suite
from gateway.bundle.trip import PARTS_MAX, open_index, seal_index
from gateway.domain.errors import SecurityError
from gateway.domain.ids import digest, unit_code, wire_name
from gateway.domain.trips import TripFile, TripIndex

SENDER, READER, OTHER = (generate(Suite.CLASSIC) for _ in range(3))
INDEX = TripIndex(
    issuer=unit_code("990102000000"),
    to=unit_code("990107"),
    trip="0f" * 16,
    epoch=7,
    number=3,
    made_at=1_700_000_000,
    label="蓝色 U 盘 7",
    asked_by="an",
    confirmed_by="bo",
    part=1 << 30,
    files=(
        TripFile(wire_name("ab" * 16 + ".cfb"), 5 << 30, digest("cd" * 32)),
        TripFile(wire_name("ef" * 16 + ".cfr"), 0, digest("01" * 32)),
    ),
    heard=("12" * 16,),
)


def signer_of(key_id: bytes) -> PublicKeys | None:
    return SENDER.public if key_id == SENDER.sign_key_id else None


def refused(raw: bytes, own: NodeKeys = READER) -> str:
    with pytest.raises(SecurityError) as caught:
        open_index(raw, [own], signer_of)
    return caught.value.code


@pytest.mark.parametrize("suite", Suite, ids=lambda suite: suite.name)
def test_what_was_sealed_is_opened_in_every_suite(suite: Suite) -> None:
    sender, reader = generate(suite), generate(suite)
    raw = seal_index(INDEX, sender, reader.public)
    found = open_index(raw, [generate(suite), reader], lambda key_id: sender.public)
    assert found == (INDEX, sender.sign_key_id)
    for secret in (b"990107", b".cfb", INDEX.trip.encode(), INDEX.label.encode()):
        assert secret not in raw


def test_every_changed_byte_is_noticed() -> None:
    raw = seal_index(INDEX, SENDER, READER.public)
    for place in range(len(raw)):
        changed = raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :]
        assert refused(changed) in {"trip-malformed", "trip-not-for-us", "suite-refused"}


def test_every_end_is_noticed() -> None:
    raw = seal_index(INDEX, SENDER, READER.public)
    for end in range(0, len(raw), 7):
        assert refused(raw[:end]) == "trip-malformed"
    assert refused(raw + b"\0") == "trip-malformed"


def test_another_node_does_not_open_it() -> None:
    assert refused(seal_index(INDEX, SENDER, READER.public), OTHER) == "trip-not-for-us"


def test_a_stranger_is_not_believed() -> None:
    assert refused(seal_index(INDEX, OTHER, READER.public)) == "unknown-sender"


def test_whoever_can_seal_for_the_reader_still_cannot_sign_for_the_sender(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(NodeKeys, "sign_key_id", SENDER.sign_key_id)  # what a forger writes into it
    raw = seal_index(INDEX, OTHER, READER.public)
    monkeypatch.undo()
    assert refused(raw) == "trip-bad-signature"


@pytest.mark.parametrize(
    "broken",
    [
        {"trip": "../../../etc"},
        {"number": 0},
        {"part": 0},
        {"files": (*INDEX.files, INDEX.files[0])},
        {"files": (TripFile(wire_name("passwd"), 1, digest("cd" * 32)),)},
        {"files": (TripFile(wire_name("ab" * 16 + ".cfb"), PARTS_MAX + 1, digest("cd" * 32)),), "part": 1},
        {"heard": ("12",)},
        {"label": "x" * 61},
    ],
)
def test_nothing_out_of_range_is_ever_written_or_read(broken: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"."):
        seal_index(replace(INDEX, **broken), SENDER, READER.public)  # type: ignore[arg-type] # what a test breaks
