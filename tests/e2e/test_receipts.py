"""Receipts lost, forged and contradicted: the exchange mends itself, and nobody's word counts but the recipient's."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.bundle.keys import generate
from gateway.bundle.names import receipt_name
from gateway.bundle.receipt import split_receipts
from gateway.bundle.suites import DEFAULT_SUITE
from gateway.cli.demo_nodes import POLICE, PROCURATORATE
from gateway.domain.ids import BundleId, Digest, UnitCode
from gateway.domain.lifecycle import State
from gateway.domain.records import ReceiptCode, Transfer, known
from tests.support.forging import flipped, letter, receipt_for
from tests.support.nodes import QUICK, Pair, eventually, make_pair, relink, running


@pytest.fixture(scope="module")
def waiting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """A pair whose recipient is away: what the police sends stays sent, and receipts are ours to write."""
    pair = make_pair(tmp_path_factory.mktemp("receipts"))
    # The procuratorate's mailbox is hosted by nobody: the police leaves its bundles in its own for collection.
    relink(pair, pair.police, "none")
    try:
        pair.police.start()
        yield pair
    finally:
        pair.stop()


def sent(pair: Pair, name: str) -> Transfer:
    pair.drop(name, name.encode())
    return eventually(lambda: pair.ended(name, State.SENT), f"{name} sent")


def put(pair: Pair, body: bytes) -> Path:
    """Leave a receipt file in the mailbox that the police hosts for the procuratorate."""
    box = pair.police.mailbox(PROCURATORATE)
    path = box / receipt_name(body)
    arriving = box / f".{path.name}.part"
    arriving.write_bytes(body)
    arriving.rename(path)
    return path


def refused(pair: Pair, body: bytes, code: str) -> None:
    """Assert that the file is set aside as `code`, with an alert."""
    before = len(pair.police.logged("receipt-refused", code=code))
    path = put(pair, body)
    eventually(lambda: not path.exists(), "the mailbox cleared")
    eventually(lambda: len(pair.police.logged("receipt-refused", code=code)) > before, f"an alert {code}")
    (note,) = [note for note in pair.police.quarantined() if note["subject"] == path.name]
    assert note["code"] == code
    assert note["sha256"] == hashlib.sha256(body).hexdigest()


DELIVERED = ReceiptCode.DELIVERED


def test_forged_receipts_move_nothing_and_the_true_one_does(waiting: Pair) -> None:
    ours = sent(waiting, "forged-receipts.txt")
    theirs, stranger = waiting.procuratorate.keys(), generate(DEFAULT_SUITE)
    true = letter(theirs, receipt_for(ours, DELIVERED, PROCURATORATE))
    (raw,) = split_receipts(true)

    refused(waiting, flipped(true, -1), "receipt-bad-signature")
    refused(waiting, flipped(true, true.index(raw) + 20), "unknown-sender")
    refused(waiting, flipped(true, true.index(b'"code":"110"') + len(b'"code":"')), "receipt-bad-signature")
    refused(waiting, true[:-1], "receipt-malformed")
    refused(waiting, true + b"\0", "receipt-malformed")
    refused(waiting, b"no receipt at all", "receipt-malformed")
    refused(waiting, letter(stranger, receipt_for(ours, DELIVERED, PROCURATORATE)), "unknown-sender")
    refused(waiting, letter(theirs, receipt_for(ours, DELIVERED, UnitCode("990103"))), "receipt-wrong-issuer")
    unchanged(waiting, ours)

    put(waiting, true)
    assert waiting.ferried("forged-receipts.txt").id == ours.id
    assert (waiting.out / "ack" / "forged-receipts.txt.receipt.json").exists()


def test_a_receipt_about_nothing_of_ours_moves_nothing(waiting: Pair) -> None:
    ours = sent(waiting, "unmatched.txt")
    theirs = waiting.procuratorate.keys()
    for wrong in (
        receipt_for(ours, DELIVERED, PROCURATORATE, bundle_id=BundleId("0" * 32)),
        receipt_for(ours, DELIVERED, PROCURATORATE, header_hash=Digest("0" * 64)),
    ):
        path = put(waiting, letter(theirs, wrong))
        eventually(lambda path=path: not path.exists(), "the mailbox cleared")
        eventually(lambda wrong=wrong: waiting.police.logged("receipt-unmatched", bundle=wrong.bundle_id), "an alert")
    unchanged(waiting, ours)


def test_a_good_receipt_beside_a_bad_file_is_taken(waiting: Pair) -> None:
    ours, other = sent(waiting, "beside-bad-1.txt"), sent(waiting, "beside-bad-2.txt")
    theirs = waiting.procuratorate.keys()
    put(waiting, b"rubbish")
    put(waiting, letter(theirs, *(receipt_for(t, DELIVERED, PROCURATORATE) for t in (ours, other))))
    waiting.ferried("beside-bad-1.txt")
    waiting.ferried("beside-bad-2.txt")


@pytest.mark.parametrize(
    ("first", "then", "state"),
    [
        (ReceiptCode.VALIDATION_FAILED, DELIVERED, State.REFUSED),
        (DELIVERED, ReceiptCode.VALIDATION_FAILED, State.DELIVERED),
    ],
    ids=["delivered after refused", "refused after delivered"],
)
def test_a_contradiction_is_an_alarm_and_changes_nothing(
    waiting: Pair, first: ReceiptCode, then: ReceiptCode, state: State
) -> None:
    name = f"contradicted-{first}.txt"
    ours = sent(waiting, name)
    theirs = waiting.procuratorate.keys()
    put(waiting, letter(theirs, receipt_for(ours, first, PROCURATORATE, reasons=("case-package-malformed",))))
    ended = eventually(lambda: waiting.ended(name, state), f"{name} {state}")
    path = put(waiting, letter(theirs, receipt_for(ours, then, PROCURATORATE)))
    eventually(lambda: waiting.police.logged("receipt-contradicts", transfer=ours.id, code=then), "the alarm")
    eventually(lambda: not path.exists(), "the mailbox cleared")
    after = known(waiting.police.outbound(name))
    assert (after.state, after.version) == (state, ended.version)
    reject = waiting.out / "reject" / name
    if state is State.REFUSED:
        assert eventually(reject.exists, "the original")
        assert reject.read_bytes() == name.encode()
        assert "204" in (waiting.out / "err" / f"{name}.err.json").read_text("utf-8")
    else:
        assert not reject.exists()


def unchanged(pair: Pair, ours: Transfer) -> None:
    assert known(pair.police.outbound(ours.export_name)) == ours


def test_a_lost_receipt_brings_the_bundle_again_and_the_same_receipt_back(tmp_path: Path) -> None:
    pair = make_pair(tmp_path, timing=QUICK + "  receipt_timeout: 1s\n")
    # The police calls for everything, and for its mail only when told to.
    relink(pair, pair.police, "both", "poll_every: 1h")
    relink(pair, pair.procuratorate, "none")
    mail = pair.procuratorate.mailbox(POLICE, "out")
    with running(pair):
        pair.drop("lost.txt", b"lost and found")
        letter_lost = eventually(lambda: next(mail.glob("*.cfr"), None), "the receipt")
        body = letter_lost.read_bytes()
        letter_lost.unlink()

        again = eventually(lambda: next(mail.glob("*.cfr"), None), "the receipt again")
        assert again.read_bytes() == body
        relink(pair, pair.police, "both")
        pair.police.hang_up()

        ours = pair.ferried("lost.txt")
        assert pair.police.events(ours)[:4] == ["found", "sealed", "sent", "sent"]
        theirs = eventually(
            lambda: (t := known(pair.procuratorate.inbound(known(ours.bundle_id)))).state is State.CONFIRMED and t,
            "confirmed",
        )
        assert pair.procuratorate.events(theirs).count("delivered") == 1
        assert "receipt-asked" in pair.procuratorate.events(theirs)
        with pair.police.ledger() as here, pair.procuratorate.ledger() as there:
            assert [r.raw for r in here.receipts(known(ours.bundle_id))] == split_receipts(body)
            assert [r.raw for r in there.receipts(known(ours.bundle_id))] == split_receipts(body)
        assert pair.content(ours) == b"lost and found"
        pair.come_to_rest()
