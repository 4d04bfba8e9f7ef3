"""Micro-benchmarks of the bundle room: what each small case costs in cryptography and in bytes written down."""

import tracemalloc
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.exchange import Exchange, documents
from gateway.bundle.convoy import join_bundles, split_bundles
from gateway.bundle.envelope import ENVELOPE_MAX, parse_envelope
from gateway.bundle.manifest import Coding, ManifestFile, build, decode, encode
from gateway.domain.ids import BundleId
from gateway.standard.package import CasePackage, Source

MEMORY_MOST = 16 * 2**20
"""Bytes that Python holds at the most over one small exchange."""


@pytest.fixture(scope="module")
def exchange() -> Exchange:
    return Exchange()


@pytest.fixture
def bundle(exchange: Exchange, tmp_path: Path) -> Path:
    path = tmp_path / "one.cfb"
    exchange.seal(path, documents(3, 20_000))
    return path


def test_seal_a_small_case(benchmark: BenchmarkFixture, exchange: Exchange, tmp_path: Path) -> None:
    content = documents(3, 20_000)
    benchmark(lambda: exchange.seal(tmp_path / "sealed.cfb", content))


def test_open_a_small_case(benchmark: BenchmarkFixture, exchange: Exchange, bundle: Path) -> None:
    assert benchmark(lambda: exchange.open(bundle)) == 3


def test_parse_an_envelope(benchmark: BenchmarkFixture, bundle: Path) -> None:
    head = bundle.read_bytes()[:ENVELOPE_MAX]
    benchmark(lambda: parse_envelope(head))


def test_verify_an_envelope(benchmark: BenchmarkFixture, exchange: Exchange, bundle: Path) -> None:
    head = bundle.read_bytes()[:ENVELOPE_MAX]
    benchmark(lambda: exchange.verify(head))


def test_sign_a_receipt(benchmark: BenchmarkFixture, exchange: Exchange, tmp_path: Path) -> None:
    sealed = exchange.seal(tmp_path / "sealed.cfb", documents(1, 100))
    benchmark(lambda: exchange.receipt(sealed))


def test_verify_a_receipt(benchmark: BenchmarkFixture, exchange: Exchange, tmp_path: Path) -> None:
    receipt = exchange.receipt(exchange.seal(tmp_path / "sealed.cfb", documents(1, 100)))
    benchmark(lambda: exchange.check(receipt))


@pytest.mark.parametrize("count", [1, 100])
def test_encode_and_decode_a_manifest(benchmark: BenchmarkFixture, count: int) -> None:
    files = [ManifestFile(f"{n:04}.pdf", None, 1000, bytes(32), Coding.IDENTITY, 1000) for n in range(count)]
    manifest = build({}, files)
    assert benchmark(lambda: decode(encode(manifest))) == manifest


def test_join_and_split_a_convoy(benchmark: BenchmarkFixture) -> None:
    bundles = [(BundleId(f"{number:032x}"), bytes(60_000)) for number in range(100)]
    assert len(benchmark(lambda: split_bundles(join_bundles(bundles)))) == 100


def test_write_and_read_a_case_package(benchmark: BenchmarkFixture) -> None:
    package = CasePackage(Source("police", "export.zip"), flow="arrest-request", case_no="A9901")
    assert benchmark(lambda: CasePackage.from_json(package.to_json())) == package


def test_memory_of_one_exchange(exchange: Exchange, tmp_path: Path) -> None:
    content, path = documents(3, 20_000), tmp_path / "one.cfb"
    exchange.seal(path, content)  # what is made once and kept is no cost of an exchange
    tracemalloc.start()
    try:
        receipt = exchange.receipt(exchange.seal(path, content))
        exchange.open(path)
        exchange.check(receipt)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    print(f"one exchange holds {peak / 2**20:.1f} MiB at the most")
    assert peak < MEMORY_MOST
