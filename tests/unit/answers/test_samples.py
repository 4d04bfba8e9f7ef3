"""The agencies' own formats: a worked request of the police and the procuratorate's worked decision find each other."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.domain.answers import Outcome
from gateway.domain.matter import Matter
from gateway.ledger.store import Ledger
from gateway.plugins import load_packer
from gateway.standard.matter import from_bytes, matter_of, to_bytes
from gateway.standard.pseudonyms import PseudonymKey
from tests.support.answers import comes, goes, standing, view_of
from tests.support.ledger import PEER, open_ledger, verified
from tests.support.procuratorate import SAMPLE
from tests.support.standard import STANDARD

STEM = "TQPZDB_990102000000_990102_A9901020000002026030012_20260310153012.zip"
POLICE_SAMPLE = tuple(SAMPLE.parents[1] / "police" / name for name in (STEM, f"{STEM}.ok"))
KEY = PseudonymKey(b"k" * 32)
ORPHAN = Path(__file__).parents[2] / "data" / "procuratorate" / "defects" / "53_orphan_reply"


def read(packer: str, *parts: Path) -> Matter:
    """Return what a node remembers of the export made of `parts`."""
    with load_packer(packer).read(parts, STANDARD) as found:
        return matter_of(found.package, STANDARD, KEY)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with open_ledger(tmp_path) as opened:
        yield opened


def test_a_worked_decision_answers_the_worked_request_for_both_persons(ledger: Ledger) -> None:
    asked, said = read("police", *POLICE_SAMPLE), read("procuratorate", SAMPLE)
    assert (asked.awaits, asked.per, said.request) == ("arrest-decision", "person", "arrest-request")
    transfer = goes(ledger, 1, asked)
    comes(ledger, 2, said)
    assert standing(ledger, transfer) == {"张**": "final approved", "李**": "final refused"}
    assert [one.name for one in view_of(ledger, transfer).answers] == ["批准逮捕", "不批准逮捕"]
    assert view_of(ledger, transfer).asked.open == 0
    assert from_bytes(to_bytes(said)) == said
    assert "张测试" not in to_bytes(said).decode() + to_bytes(asked).decode()


def test_a_reply_under_a_changed_number_is_no_answer_to_it(ledger: Ledger) -> None:
    """D53: nothing is known here, it waits; its request under another number is known, a person compares the two."""
    orphan = read("procuratorate", ORPHAN)
    here = verified(ledger, 99, 99)
    assert ledger.answers.fit(here, PEER, orphan).outcome is Outcome.ORPHAN
    asked = goes(ledger, 1, read("police", *POLICE_SAMPLE))
    found = ledger.answers.fit(here, PEER, orphan)
    assert (found.outcome, found.candidates) == (Outcome.UNCLEAR, (asked.id,))
