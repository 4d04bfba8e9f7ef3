"""What must not grow with the size of a bundle: memory, and what is held of the list of segments."""

import hashlib
import io
import tracemalloc

import pytest

from gateway.bundle.data import SegmentHashes
from gateway.bundle.envelope import ENVELOPE_MAX
from gateway.bundle.payload import verify_payload
from gateway.bundle.seal import SealMember
from gateway.bundle.suites import Suite
from gateway.bundle.unseal import open_bundle
from gateway.domain.errors import PermanentError
from tests.support.bundles import finish, prepare

MIB = 2**20


class Endless(io.RawIOBase):
    """A member of so many bytes that nobody has to hold."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self._left = size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:
        count = min(len(buffer), self._left)
        self._left -= count
        return count


class Measure(io.RawIOBase):
    """A sink that only counts."""

    def __init__(self) -> None:
        super().__init__()
        self.size = 0

    def writable(self) -> bool:
        return True

    def write(self, data: memoryview) -> int:
        self.size += len(data)
        return len(data)


@pytest.mark.parametrize("workshop", [Suite.CLASSIC], indirect=True)
@pytest.mark.parametrize("size", [70 * MIB, 210 * MIB])
def test_memory_does_not_grow_with_size(workshop, tmp_path, size):
    keys = workshop.keys
    with (tmp_path / "large").open("w+b") as file:
        tracemalloc.start()
        try:
            members = [SealMember("large", None, size, lambda: Endless(size))]
            fields = {"meta": {}, "created": 1_000_000, "expires": 1_086_400, "epoch": 1}
            recipients = [keys.recipient.public]
            prepared = prepare(file, members, keys=keys.sender, recipients=recipients, **fields)
            sealed = finish(file, prepared, [1], keys.sender)
            file.seek(0)
            envelope = workshop.envelope(file.read(ENVELOPE_MAX))
            verify_payload(file, sealed.size, envelope)
            sink = Measure()
            signer = keys.sender.public
            opening = {"envelope": envelope, "keys": [keys.recipient], "signer": signer, "sink": lambda _file: sink}
            open_bundle(file, sealed.size, **opening)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert sink.size == size
    assert peak < 16 * MIB


def test_segment_hashes_are_written_as_they_come():
    out = io.BytesIO(b"head")
    out.seek(2)
    hashes = [hashlib.sha256(bytes([n % 256, n // 256])).digest() for n in range(5000)]
    segments = SegmentHashes(out, 100, hashlib.sha256())
    for one in hashes:
        segments.add(one)
    assert len(out.getvalue()) == 100 + 32 * 4096
    assert segments.close() == hashlib.sha256(b"".join(hashes)).digest()
    assert out.getvalue() == b"head" + bytes(96) + b"".join(hashes)
    assert out.tell() == 2


def test_more_than_one_bundle_can_hold(classic):
    members = [SealMember("a", None, 2**46, lambda: Endless(2**46))]
    keys = classic.keys
    fields = {"meta": {}, "created": 1_000_000, "expires": 1_086_400, "epoch": 1}
    with pytest.raises(PermanentError) as caught:
        prepare(io.BytesIO(), members, keys=keys.sender, recipients=[keys.recipient.public], **fields)
    assert caught.value.code == "too-large"


def test_many_small_members(classic):
    texts = {f"{n // 100}/{n}.txt": str(n).encode() for n in range(3000)}
    assert classic.open(classic.seal(texts)) == texts
