"""Micro-benchmarks of the ledger, of the outbound folders and of a deposit at our own server."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.growth import watch_over
from gateway.domain.clock import SystemClock
from gateway.domain.ids import BundleId, ClaimToken, Digest, LinkName, RouteName, UnitCode, WireName
from gateway.domain.lifecycle import Event, State
from gateway.domain.records import Facts, FoundExport, Stage, Step
from gateway.ledger.store import Ledger
from gateway.standard.checking import PresentFile
from gateway.standard.checks import check_case_package
from gateway.standard.package import CasePackage, Person, Source
from gateway.transport.api import silent
from gateway.transport.channel import Deadlines
from gateway.transport.hosted import HostedTransport, Mailboxes
from gateway.transport.paramiko_channel import ParamikoChannel, SshPeer
from gateway.transport.sftp import SftpTransport
from tests.support.embedded import embedded_server
from tests.support.sshkeys import key_pair
from tests.support.standard import STANDARD

CLOCK = SystemClock()
GUEST = UnitCode("330102000000")
TOGETHER = 50
"""Exports found in one commit."""


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger.open(tmp_path / "ledger.db", unit=UnitCode("990102"), clock=CLOCK, new_epoch=lambda: 1) as ledger:
        yield ledger


def _found(number: int) -> FoundExport:
    return FoundExport(ClaimToken(f"{number:032x}"), RouteName("bench"), f"case-{number}", 1000, CLOCK.now())


def _sealing(number: int) -> Facts:
    word = Digest(f"{number:064x}")
    return Facts(
        link=LinkName("to-hub"),
        recipient=UnitCode("990102000000"),
        bundle_id=BundleId(f"{number:032x}"),
        header_hash=word,
        sequence=number,
    )


@pytest.mark.parametrize("together", [1, TOGETHER])
def test_the_ledger_records_found_exports(benchmark: BenchmarkFixture, ledger: Ledger, together: int) -> None:
    numbers = count()
    benchmark(lambda: ledger.found([_found(next(numbers)) for _ in range(together)]))


def test_the_ledger_moves_a_transfer_on(benchmark: BenchmarkFixture, ledger: Ledger) -> None:
    numbers = count()

    def one() -> tuple[tuple[Step], dict[str, object]]:
        (transfer,) = ledger.found([_found(next(numbers))])
        return (Step(transfer, Event.SEALED, Stage.PACK, _sealing(transfer.id)),), {}

    benchmark.pedantic(ledger.advance, setup=one, rounds=200)  # type: ignore[no-untyped-call] # the library lacks types


def test_the_ledger_says_what_is_due(benchmark: BenchmarkFixture, ledger: Ledger) -> None:
    ledger.found([_found(number) for number in range(1000)])
    due = benchmark(lambda: ledger.due((State.FOUND,), now=CLOCK.now(), limit=TOGETHER))
    assert len(due) == TOGETHER
    assert ledger.due((State.SEALED,), now=CLOCK.now(), link=LinkName("to-hub"), limit=1) == []


@pytest.mark.parametrize("folders", [1, 500])
def test_a_scan_of_empty_outbound_folders(benchmark: BenchmarkFixture, tmp_path: Path, folders: int) -> None:
    watches = [watch_over(tmp_path / str(number), 0, CLOCK) for number in range(folders)]
    benchmark(lambda: [watch.scan() for watch in watches])


def test_a_deposit_into_a_mailbox_of_our_own(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    source, numbers = tmp_path / "source", count()
    source.write_bytes(bytes(20_000))
    transport = HostedTransport(Mailboxes(tmp_path / "mailboxes"), UnitCode("990102000000"))
    benchmark(lambda: transport.deposit(source, WireName(f"{next(numbers):032x}.cfb"), silent))


def test_a_deposit_over_sftp(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    source, numbers, ours = tmp_path / "source", count(), key_pair()
    source.write_bytes(bytes(20_000))
    (tmp_path / "server").mkdir()
    with embedded_server(tmp_path / "server", {GUEST: [ours.public]}) as server:
        peer = SshPeer("127.0.0.1", server.port, GUEST, ours.private, (server.host_key.public,))
        transport = SftpTransport.over(ParamikoChannel, peer, Deadlines(), CLOCK)
        benchmark(lambda: transport.deposit(source, WireName(f"{next(numbers):032x}.cfb"), silent))


def test_the_checks_of_a_case(benchmark: BenchmarkFixture) -> None:
    suspect = Person(name="周某", id_no="990102198001010017", sex="male", birth_date="1980-01-01")
    package = CasePackage(Source("police", "x"), "arrest-request", persons=(suspect,))
    present = tuple(PresentFile(f"文书/{number}.pdf", f"文书/{number}.pdf") for number in range(3))
    assert benchmark(lambda: check_case_package(package, present, STANDARD, sender_role="police"))
