"""The journal of deliveries: a torn line takes no other along, and what is not written is not called written."""

import resource
from pathlib import Path

import pytest

from gateway.domain.errors import GatewayError
from gateway.domain.ids import BundleId, Digest, UnitCode
from gateway.folders.delivered import Delivered, DeliveryJournal
from tests.support.ledger import START


def delivery(number: int) -> Delivered:
    return UnitCode("990101"), BundleId(f"{number:032x}"), Digest(f"{number:064x}")


def journal_in(folder: Path) -> DeliveryJournal:
    journal = DeliveryJournal(folder)
    journal.prepare(START)
    return journal


def test_a_torn_line_names_nothing_and_takes_no_other_along(tmp_path: Path) -> None:
    journal_in(tmp_path).note([delivery(1), delivery(2)], START)
    (path,) = tmp_path.glob("*.txt")
    whole = path.read_bytes()
    for end in range(len(whole)):
        path.write_bytes(whole[:end])
        DeliveryJournal(tmp_path).note([delivery(3)], START)
        assert DeliveryJournal(tmp_path).has(delivery(3)), end
        assert DeliveryJournal(tmp_path).has(delivery(1)) == (end >= whole.index(b"\n", 1))


def test_what_does_not_fit_is_not_called_written(tmp_path: Path) -> None:
    journal = journal_in(tmp_path)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (150, before[1]))
    try:
        with pytest.raises(GatewayError):
            journal.note([delivery(1), delivery(2)], START)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not journal.has(delivery(2))
    journal.note([delivery(1), delivery(2)], START)
    assert DeliveryJournal(tmp_path).has(delivery(2))
