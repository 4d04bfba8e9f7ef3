"""What the arrival of many small cases costs the disk and the ledger: a gain that is counted is not lost unnoticed."""

from collections import Counter
from pathlib import Path

import pytest

from gateway.bundle.keys import NodeKeys, PublicKeys
from gateway.bundle.primitives import Verify
from gateway.domain.lifecycle import State
from gateway.ledger.database import BEGIN_READING, BEGIN_WRITING
from gateway.ledger.kept import Kept, Turn
from gateway.stages.lanes import BATCH
from tests.support.calls import Call, met
from tests.support.houses import IN, OUT, Street
from tests.support.wholly import by_one_order, in_order

CASES = 64
BATCHES = CASES // BATCH
NUL = b"\0"
OF_A_CASE = 8
"""What an import is made of: its document, the case package, the mark and our note, and four folders."""


@pytest.fixture
def signatures(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Count what is signed and what is verified, by the names under which it is; of two nodes together."""
    counts: Counter[str] = Counter()
    sign, verifier = NodeKeys.sign, PublicKeys._verifier

    def signed(keys: NodeKeys, name: str, body: bytes) -> bytes:
        counts[f"sign {name}"] += 1
        return sign(keys, name, body)

    def verified(keys: PublicKeys) -> Verify:
        def counting(label: bytes, body: bytes, signature: bytes) -> bool:
            counts[f"verify {label.split()[1].rstrip(NUL).decode()}"] += 1
            return verifier(keys)(label, body, signature)

        return counting

    monkeypatch.setattr(NodeKeys, "sign", signed)
    monkeypatch.setattr(PublicKeys, "_verifier", verified)
    return counts


@pytest.fixture
def arrived(made: Street) -> Street:
    """Return a street on which many small cases have just been fetched."""
    for number in range(CASES):
        made.drop(f"{number}.txt", b"x")
    while any(t.state is not State.SENT for t in made.police.transfers(OUT)) or made.waiting():
        made.go("police:claim", "police:pack", "police:out-procuratorate")
        made.clock.time += 1
    while sum(t.state is State.FETCHED for t in made.procuratorate.transfers(IN)) < CASES:
        made.go("procuratorate:in-police")
    return made


def counted(made: Street, *workers: str) -> Counter[str]:
    """Let these workers of the procuratorate step; return how often they called what."""
    calls: Counter[str] = Counter()

    def around(call: Call) -> object:
        calls[call.name] += 1
        return call.go()

    with met(around, made.procuratorate.root):
        made.go(*(f"procuratorate:{name}" for name in workers))
    return calls


def test_opening_and_delivering_sync_each_file_once_and_commit_by_batches(arrived: Street) -> None:
    calls = counted(arrived, "open", "open", "open", "open")
    assert [t.state for t in arrived.procuratorate.transfers(IN)] == [State.DELIVERED] * CASES
    assert len(list(arrived.into.glob("*/_READY"))) == CASES
    assert calls["commit"] <= 2 * BATCHES, "opened and delivered, each once a batch"
    assert calls["fsync"] <= CASES * OF_A_CASE + 8 * BATCHES
    assert calls["rename"] + calls["replace"] + calls["rename-new"] <= 5 * CASES


def test_a_case_of_one_document_is_opened_and_delivered_by_few_calls(arrived: Street) -> None:
    calls = counted(arrived, "open", "open", "open", "open")
    for name, most in {"create": 4, "mkdir": 3, "write": 3, "unlink": 2, "rmdir": 2, "lstat": 7}.items():
        assert calls[name] <= most * CASES + 64, (name, calls)
    assert sum(calls.values()) <= 60 * CASES, calls


def test_what_a_batch_has_written_is_synced_without_a_look_at_any_of_it(
    arrived: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_one_order(monkeypatch)
    calls = counted(arrived, "open", "open", "open", "open")
    assert [t.state for t in arrived.procuratorate.transfers(IN)] == [State.DELIVERED] * CASES
    assert calls["syncfs"] == BATCHES
    assert calls["fsync"] <= 8 * BATCHES
    assert calls["open"] <= 3 * CASES + 16, calls
    assert calls["scandir"] <= 2 * CASES + 8, calls
    assert sum(calls.values()) <= 40 * CASES, calls


def test_receipts_of_many_cases_are_one_file_and_one_commit(arrived: Street) -> None:
    counted(arrived, "open", "open", "open", "open")
    calls = counted(arrived, "out-police")
    assert len(list(arrived.back.glob("*.cfr"))) == 1
    assert [t.state for t in arrived.procuratorate.transfers(IN)] == [State.CONFIRMED] * CASES
    assert calls["commit"] == 1
    assert calls["fsync"] <= 6


def test_many_cases_share_their_signatures_and_each_receipt_is_proven(
    signatures: Counter[str], arrived: Street
) -> None:
    arrived.settle()
    assert [t.state for t in arrived.police.transfers(OUT)] == [State.DELIVERED] * CASES
    names = ("inner", "outer", "receipt")
    assert {name: signatures[f"sign {name}-shared"] for name in names} == dict.fromkeys(names, BATCHES)
    assert {name: signatures[f"verify {name}-shared"] for name in names} == dict.fromkeys(names, BATCHES)
    alone = {f"{act} {name}" for act in ("sign", "verify") for name in names}
    assert not alone & signatures.keys()


def test_one_handover_is_synced_seldom_where_order_is_kept(made: Street, monkeypatch: pytest.MonkeyPatch) -> None:
    in_order(monkeypatch)
    made.drop("before.txt", b"x")
    made.settle()
    made.drop("one.txt", b"x")
    syncs: dict[Path, list[str]] = {house.root: [] for house in made.houses}

    def around(call: Call) -> object:
        for root, met_here in syncs.items():
            if call.place.startswith(f"{root}/") and call.name in {"fsync", "fdatasync", "syncfs", "conclude"}:
                met_here.append(call.name)
        return call.go()

    with met(around, made.root):
        made.settle()
    assert [t.state for t in made.police.transfers(OUT)] == [State.DELIVERED] * 2
    sender, recipient = syncs.values()
    # The intent, what was moved, the bundle, the acknowledgement; besides the route's folder, and the fetched receipt.
    assert sender.count("conclude") <= 4, sender
    # What was fetched; what was opened; what was published, with the line that says so.
    assert recipient.count("conclude") <= 3, recipient
    assert len(sender) <= 6, sender
    assert len(recipient) <= 4, recipient


def test_one_handover_asks_the_ledgers_little(made: Street, monkeypatch: pytest.MonkeyPatch) -> None:
    made.drop("first.txt", b"x")
    made.settle()
    turns: Counter[str] = Counter()
    begin = Kept.begin

    def counted_turn(kept: Kept) -> Turn:
        turns[kept._begin] += 1
        return begin(kept)

    monkeypatch.setattr(Kept, "begin", counted_turn)
    made.drop("second.txt", b"x")
    while made.waiting():
        made.clock.time += 1
        made.go("police:claim")
    turns.clear()
    made.go("police:pack", "police:pack", "police:out-procuratorate")
    made.go("procuratorate:in-police", "procuratorate:open", "procuratorate:open", "procuratorate:in-police")
    made.go("procuratorate:out-police", "police:in-procuratorate")
    assert sorted(made.delivered()) == ["first.txt", "second.txt"]
    assert {t.state for t in made.police.transfers(OUT)} == {State.DELIVERED}
    assert made.mail() == []
    assert turns[BEGIN_WRITING] <= 8, "sealed, sent, receipted; offered, fetched, opened, delivered, confirmed"
    assert turns[BEGIN_READING] <= 40
