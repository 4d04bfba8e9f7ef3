"""Sealing: what goes in comes out, sources that change are noticed, what no header can state is refused."""

import io
import pickle
import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from gateway.bundle import plan as planning
from gateway.bundle.envelope import RECIPIENTS_MAX
from gateway.bundle.manifest import Coding, padding_for
from gateway.bundle.seal import Prepared, SealMember
from gateway.bundle.suites import Suite
from tests.support.bundles import finish, prepare

MIB = 2**20
SETTINGS = {"meta": {}, "created": 1_000_000, "expires": 1_086_400, "epoch": 1, "seg_log2": 20}


def noise(length: int) -> bytes:
    return random.Random(length).randbytes(length)


def member(content: bytes, size: int | None = None, path: str = "a") -> SealMember:
    return SealMember(path, None, len(content) if size is None else size, lambda: io.BytesIO(content))


def manifest_of(workshop, raw):
    seen = []
    workshop.open(raw, accept=seen.append)
    return seen[0]


def test_round_trip(workshop, texts):
    raw = workshop.seal()
    assert workshop.open(raw) == texts
    workshop.verify(raw)


@pytest.mark.parametrize("length", [0, 1, 16383, 16384, 16385, MIB - 72, MIB, 3 * MIB + 17])
def test_lengths_around_chunk_and_segment(classic, length):
    for content in (noise(length), bytes(length)):
        assert classic.open(classic.seal({"a": content})) == {"a": content}


def test_meta_and_raw_names_travel(classic):
    out = io.BytesIO()
    keys = classic.keys
    meta = {"flow": "arrest-request", "case_numbers": ["京公刑〔2026〕1号", ""], "pages": 3}
    gbk = "提请.pdf".encode("gbk")
    one = SealMember("提请.pdf", gbk, 3, lambda: io.BytesIO(b"pdf"))
    settings = SETTINGS | {"meta": meta}
    prepared = prepare(out, [one], keys=keys.sender, recipients=[keys.recipient.public], **settings)
    finish(out, prepared, [1], keys.sender)
    found = manifest_of(classic, out.getvalue())
    assert found.meta == meta
    assert found.files[0].raw == gbk


def test_ids_begin_with_their_second_and_differ(classic):
    ids = {classic.envelope(classic.seal()).bundle_id for _ in range(2)}
    assert len(ids) == 2
    assert {one[:8] for one in ids} == {f"{SETTINGS['created']:08x}"}


def test_compressed_where_it_pays_and_only_there(classic):
    texts = {
        "text": b"line of a form\n" * 5000,
        "noise": noise(70_000),
        "big text": b"ab" * MIB,
        "big noise": noise(MIB),
    }
    raw = classic.seal(texts)
    assert classic.open(raw) == texts
    coding = {file.path: file.coding for file in manifest_of(classic, raw).files}
    assert coding == {
        "text": Coding.ZSTD,
        "noise": Coding.IDENTITY,
        "big text": Coding.ZSTD,
        "big noise": Coding.IDENTITY,
    }


def test_beginning_that_shrinks_before_a_rest_that_does_not(classic):
    content = bytes(planning.SAMPLE) + noise(4 * MIB)
    raw = classic.seal({"a": content})
    assert manifest_of(classic, raw).files[0].coding is Coding.IDENTITY
    assert classic.open(raw) == {"a": content}


def test_small_members_are_opened_once(classic):
    opened = []

    def opening(content: bytes) -> Callable[[], io.BytesIO]:
        return lambda: opened.append(len(content)) or io.BytesIO(content)

    contents = [noise(5000), noise(planning.SAMPLE)]
    members = [SealMember(f"m{n}", None, len(c), opening(c)) for n, c in enumerate(contents)]
    keys = classic.keys
    prepare(io.BytesIO(), members, keys=keys.sender, recipients=[keys.recipient.public], **SETTINGS)
    assert opened == [5000, planning.SAMPLE]


def test_nothing_kept_beyond_the_budget(classic, monkeypatch):
    monkeypatch.setattr(planning, "KEPT_MAX", 1000)
    texts = {"zstd": b"line of a form\n" * 9000, "noise": noise(30_000), "large": b"0123456789abcdef" * MIB}
    assert classic.open(classic.seal(texts)) == texts


class Spill(io.BytesIO):
    """An empty file that remembers how large it has been."""

    most = 0

    def write(self, data: Any) -> int:
        count = super().write(data)
        self.most = max(self.most, self.tell())
        return count


def test_what_has_no_room_in_memory_is_compressed_once(classic, monkeypatch):
    monkeypatch.setattr(planning, "KEPT_MAX", 1000)
    opened: list[str] = []

    def opening(path: str, content: bytes) -> Callable[[], io.BytesIO]:
        return lambda: opened.append(path) or io.BytesIO(content)

    rest = noise(2_048_000)
    half = b"".join(rest[at : at + 2048] + bytes(1024) for at in range(0, len(rest), 2048))  # shrinks, but to no half
    texts = {"forms": b"line of a form\n" * 9000, "noise": noise(MIB), "half": half, "digits": b"0123456789" * MIB}
    members = [SealMember(path, None, len(content), opening(path, content)) for path, content in texts.items()]
    keys, out, spill = classic.keys, io.BytesIO(), Spill()
    prepared = prepare(out, members, keys=keys.sender, recipients=[keys.recipient.public], spills=[spill], **SETTINGS)
    finish(out, prepared, [1], keys.sender)
    assert classic.open(out.getvalue()) == texts
    codings = {file.path: file.coding for file in manifest_of(classic, out.getvalue()).files}
    assert codings == {**dict.fromkeys(texts, Coding.ZSTD), "noise": Coding.IDENTITY}
    assert {path: opened.count(path) for path in texts} == {"forms": 1, "noise": 2, "half": 2, "digits": 1}
    assert spill.most + len(out.getvalue()) <= sum(map(len, texts.values()))


def test_a_spill_that_lost_something_seals_nothing(classic, monkeypatch):
    monkeypatch.setattr(planning, "KEPT_MAX", 0)
    spill = io.BytesIO()

    def placed(*_places):
        spill.truncate(10)

    assert (
        classic.code_of(sealing(classic, member(b"form " * 60_000, 300_000), spills=[spill], placed=placed))
        == "local-io"
    )


def sealing(classic, *members: SealMember, out: Any = None, **options: Any) -> Callable[[], Prepared]:
    keys, out = classic.keys, io.BytesIO() if out is None else out
    recipients = [keys.recipient.public]
    return lambda: prepare(out, members, keys=keys.sender, recipients=recipients, **SETTINGS, **options)


class Threads:
    """Lends a thread for each call, and remembers how many were lent."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self._pool = pool
        self.lent = 0

    def __call__(self, call: Callable[[], None]) -> Callable[[], None]:
        self.lent += 1
        return self._pool.submit(call).result


@pytest.fixture
def threads() -> Iterator[Threads]:
    with ThreadPoolExecutor(1) as pool:
        yield Threads(pool)


def test_two_threads_seal_the_same_as_one(classic, threads, monkeypatch):
    monkeypatch.setattr(planning, "KEPT_MAX", 30_000)
    rest = [noise(20_000 + number) for number in range(40)]
    texts = {f"{number:02d}": b"line of a form %d\n" % number * 2000 + rest[number // 2] for number in range(80)}
    texts |= {f"n{number:02d}": one for number, one in enumerate(rest)} | {"large": b"0123456789" * MIB}
    members = [member(content, path=path) for path, content in texts.items()]
    out, spills = io.BytesIO(), [io.BytesIO(), io.BytesIO()]
    prepared = sealing(classic, *members, out=out, beside=threads, spills=spills)()
    finish(out, prepared, [1], classic.keys.sender)
    assert classic.open(out.getvalue()) == texts
    assert [file.path for file in manifest_of(classic, out.getvalue()).files] == list(texts)
    alone = manifest_of(classic, classic.seal(texts))
    assert manifest_of(classic, out.getvalue()).files == alone.files


def test_a_hand_is_asked_for_by_the_piece_and_not_by_the_member(classic, threads):
    members = [member(noise(2000), path=f"{number:04d}") for number in range(2000)]
    sealing(classic, *members, beside=threads)()
    assert threads.lent <= 2000 * 2000 / MIB


@pytest.mark.parametrize("broken", [0, 1])
def test_whoever_helps_stops_when_the_other_fails(classic, threads, broken):
    """A short member among others: whichever of the two comes upon it, the sealing fails with its error."""
    contents = [b"line of a form\n" * 5000] * 2
    members = [member(one, len(one) + (number == broken), f"{number}") for number, one in enumerate(contents)]
    seal = sealing(classic, *members, beside=threads, spills=[io.BytesIO(), io.BytesIO()])
    assert classic.code_of(seal) == "source-changed"


def test_a_disk_that_fails_beside_the_reading_fails_the_sealing(classic, threads):
    class Full(io.BytesIO):
        def write(self, _data: object) -> int:
            raise OSError(28, "No space left on device")

    assert classic.code_of(sealing(classic, member(noise(3 * MIB)), out=Full(), beside=threads)) == "disk-full"


def test_padding_hides_the_size(classic):
    raw = classic.seal({"a": noise(100_001)})
    found = manifest_of(classic, raw)
    assert (found.total, found.pad) == (100_001, padding_for(100_001))
    assert (found.total + found.pad) % 2048 == 0


@pytest.mark.parametrize(
    ("total", "padded"), [(0, 0), (1, 1), (2, 2), (3, 3), (9, 10), (100, 104), (1025, 1088), (10**6, 1_015_808)]
)
def test_padme(total, padded):
    assert total + padding_for(total) == padded


def test_several_recipients_each_open_it(workshop, texts):
    keys = workshop.keys
    raw = workshop.seal(recipients=[keys.other.public, keys.recipient.public], sequences=[11, 22])
    envelope = workshop.envelope(raw)
    assert envelope.sequence_for(keys.other.encrypt_key_id) == 11
    assert envelope.sequence_for(keys.recipient.encrypt_key_id) == 22
    assert workshop.open(raw, keys=[keys.other]) == workshop.open(raw, keys=[keys.recipient]) == texts


def test_sixty_four_recipients(classic):
    from gateway.bundle.keys import generate

    crowd = [generate(Suite.CLASSIC).public for _ in range(RECIPIENTS_MAX - 1)]
    raw = classic.seal({"a": b"x"}, recipients=[*crowd, classic.keys.recipient.public], sequences=range(1, 65))
    assert classic.open(raw) == {"a": b"x"}
    assert len(classic.envelope(raw).recipients) == RECIPIENTS_MAX


def test_prepared_crosses_processes_and_finish_repeats(workshop, texts):
    keys = workshop.keys
    out = io.BytesIO()
    members = [member(content, path=path) for path, content in texts.items()]
    prepared = prepare(out, members, keys=keys.sender, recipients=[keys.recipient.public], **SETTINGS)
    assert keys.sender.sign_seed not in pickle.dumps(prepared)
    prepared = pickle.loads(pickle.dumps(prepared))
    first = finish(out, prepared, [5], keys.sender)
    assert finish(out, prepared, [5], keys.sender) == first
    raw = out.getvalue()
    assert (first.size, first.bundle_id) == (len(raw), prepared.bundle_id)
    assert workshop.envelope(raw).header_hash == first.header_hash
    assert workshop.open(raw) == texts


def test_two_bundles_of_one_export_share_nothing(workshop):
    first, second = workshop.seal(), workshop.seal()
    envelopes = workshop.envelope(first), workshop.envelope(second)
    assert envelopes[0].bundle_id != envelopes[1].bundle_id
    assert envelopes[0].bind != envelopes[1].bind
    assert first[envelopes[0].manifest_offset :][:24] != second[envelopes[1].manifest_offset :][:24]


def test_progress_counts_members_bytes(classic):
    seen: list[int] = []
    texts = {"a": noise(3 * MIB), "b": b"text " * MIB, "c": b""}
    classic.seal(texts, progress=seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == sum(map(len, texts.values()))
    assert len(seen) >= sum(map(len, texts.values())) // (4 * MIB)


CONTENTS = {
    "nothing": b"",
    "small noise": noise(2000),
    "small text": b"text " * 400,
    "noise beyond the sample": noise(300_000),
    "text beyond the sample": b"text " * 60_000,
}


@pytest.mark.parametrize(
    ("kind", "difference"),
    [
        (kind, difference)
        for kind, content in CONTENTS.items()
        for difference in (-1, 1)
        if len(content) + difference >= 0
    ],
)
def test_source_of_another_size(classic, kind, difference):
    content = CONTENTS[kind]
    assert classic.code_of(sealing(classic, member(content, len(content) + difference))) == "source-changed"


@pytest.mark.parametrize("size", [64 * MIB + 1, 65 * MIB])
def test_large_source_that_ends_early(classic, size):
    assert classic.code_of(sealing(classic, member(noise(1000), size))) == "source-changed"


def test_source_that_changes_between_the_readings(classic, monkeypatch):
    monkeypatch.setattr(planning, "KEPT_MAX", 0)
    versions = iter([b"text " * 60_000, b"TEXTS" * 30_000 + b"other" * 30_000])
    one = SealMember("a", None, 300_000, lambda: io.BytesIO(next(versions)))
    assert classic.code_of(sealing(classic, one)) == "source-changed"


def test_disk_that_fails(classic):
    class Broken(io.BytesIO):
        def readinto(self, _buffer: object) -> int:
            raise OSError(5, "Input/output error")

    assert classic.code_of(sealing(classic, SealMember("a", None, 5, Broken))) == "local-io"
    assert classic.code_of(sealing(classic, SealMember("a", None, 65 * MIB, Broken))) == "local-io"


def test_stream_without_readinto_and_short_reads(classic):
    class Slow:
        def __init__(self) -> None:
            self._inner = io.BytesIO(noise(200_000))

        def read(self, size: int) -> bytes:
            return self._inner.read(min(size, 7001))

        def __enter__(self) -> "Slow":
            return self

        def __exit__(self, *_error: object) -> None:
            self._inner.close()

    keys = classic.keys
    out = io.BytesIO()
    one = SealMember("a", None, 200_000, Slow)
    prepared = prepare(out, [one], keys=keys.sender, recipients=[keys.recipient.public], **SETTINGS)
    finish(out, prepared, [1], keys.sender)
    assert classic.open(out.getvalue()) == {"a": noise(200_000)}


@pytest.mark.parametrize("path", ["", "/etc/passwd", "../x", "a/../b", "a\\b", "e\u0301", "a:b", "con"])
def test_unsafe_path_is_not_sealed(classic, path):
    assert classic.code_of(sealing(classic, member(b"x", path=path))) == "unsafe-path"


@pytest.mark.parametrize(
    "meta", [{"Key": "v"}, {"k": 1.5}, {"k": None}, {"k": "x" * 4097}, {"k": -1}, {"k": [1]}, {"k": "\ud800"}]
)
def test_meta_that_no_reader_takes_is_not_sealed(classic, meta):
    assert classic.code_of(lambda: classic.seal({"a": b"x"}, meta=meta)) == "manifest-malformed"


def test_bundle_without_members_is_not_sealed(classic):
    assert classic.code_of(lambda: classic.seal({})) == "manifest-malformed"


def test_recipient_of_another_suite(classic):
    from gateway.bundle.keys import generate

    stranger = generate(Suite.PQ).public
    assert classic.code_of(lambda: classic.seal(recipients=[stranger])) == "suite-refused"


@pytest.mark.parametrize(
    "change",
    [
        {"expires": 1_000_000},
        {"expires": 1_000_001 + 90 * 86400},
        {"created": -1},
        {"created": 2**53 - 2, "expires": 2**53},
        {"epoch": -1},
        {"epoch": 2**53},
        {"routing_class": 2**16},
        {"seg_log2": 19},
        {"seg_log2": 27},
        {"recipients": []},
    ],
    ids=str,
)
def test_what_no_header_can_state(classic, change):
    with pytest.raises(ValueError, match=r"recipients|expires|range"):
        classic.seal({"a": b"x"}, **change)


def test_the_same_recipient_twice(classic):
    twice = [classic.keys.recipient.public] * 2
    with pytest.raises(ValueError, match="different recipients"):
        classic.seal({"a": b"x"}, recipients=twice)


def test_finish_wants_its_own_keys_and_numbers(classic):
    keys = classic.keys
    out = io.BytesIO()
    prepared = prepare(out, [member(b"x")], keys=keys.sender, recipients=[keys.recipient.public], **SETTINGS)
    for sequences in ([], [0], [1, 2], [2**53]):
        with pytest.raises(ValueError, match="sequence"):
            finish(out, prepared, sequences, keys.sender)
    with pytest.raises(ValueError, match="keys"):
        finish(out, prepared, [1], keys.other)
    with pytest.raises(ValueError, match="keys"):
        finish(out, replace(prepared, suite=Suite.PQ), [1], keys.sender)
