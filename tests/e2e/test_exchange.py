"""One true exchange over real SFTP: dropped, sealed, carried, opened, delivered byte for byte, receipted."""

import base64
import json
import shutil
import subprocess
import sys
from pathlib import Path

from gateway.bundle.receipt import verify_receipt
from gateway.cli.demo_nodes import POLICE, PROCURATORATE
from gateway.cli.demo_samples import arrived_whole, find_samples
from gateway.domain.lifecycle import Direction, State
from gateway.domain.records import ReceiptCode, Transfer
from tests.support.ledger import missing
from tests.support.nodes import CLOCK, Pair, drop_zip, eventually

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = ROOT / "samples"


def test_the_police_sample_arrives_byte_for_byte_and_is_receipted(pair: Pair) -> None:
    sample = next(one for one in find_samples(SAMPLES) if one.packer == "police" and one.expected == "delivered")
    dropped_at = CLOCK.now()
    drop_zip(pair.police_out, sample.parts[0])

    ours = pair.ferried(sample.name)
    assert not any((pair.police_out / part.name).exists() for part in sample.parts)
    assert arrived_whole(sample, pair.delivery(ours))
    names = [path.name for path in (pair.delivery(ours) / "content").rglob("*")]
    assert any("提请批准逮捕书" in name for name in names), names

    assert ours.bundle_id is not None
    theirs = eventually(lambda: pair.procuratorate.inbound(ours.bundle_id or ""), "the inbound transfer")
    assert (theirs.origin, theirs.recipient) == (POLICE, PROCURATORATE)
    assert (theirs.header_hash, theirs.epoch, theirs.sequence) == (ours.header_hash, ours.epoch, ours.sequence)
    assert (theirs.flow, theirs.case_no) == (ours.flow, ours.case_no) == ("arrest-request", ours.case_no)
    assert ours.settled_at is not None
    assert dropped_at <= ours.found_at <= ours.settled_at <= CLOCK.now()
    assert pair.police.events(ours) == ["found", "sealed", "sent", "delivery-receipted"]
    with pair.police.ledger() as ledger:
        timed = {entry.stage for entry in ledger.timeline(ours.id) if entry.seconds is not None}
    assert {"pack", "send"} <= timed

    eventually(
        lambda: (pair.procuratorate.inbound(ours.bundle_id or "") or theirs).state is State.CONFIRMED, "confirmed"
    )


def test_the_acknowledgement_beside_the_export_is_the_recipients_own_signature(pair: Pair) -> None:
    pair.drop("acknowledged.txt", b"to be acknowledged")
    ours = pair.ferried("acknowledged.txt")
    ack = json.loads((pair.out / "ack" / "acknowledged.txt.receipt.json").read_bytes())

    (line,) = ack["receipts"]
    signer = pair.police.keys_of(PROCURATORATE)
    receipt = verify_receipt(base64.b64decode(line["receipt"]), lambda _key_id: signer)
    assert (receipt.code, receipt.issuer, receipt.origin) == (ReceiptCode.DELIVERED, PROCURATORATE, POLICE)
    assert (receipt.bundle_id, receipt.header_hash, receipt.sequence) == (
        ours.bundle_id,
        ours.header_hash,
        ours.sequence,
    )
    assert (ack["bundle_id"], ack["header_hash"]) == (ours.bundle_id, ours.header_hash)
    with pair.police.ledger() as ledger:
        assert [record.raw for record in ledger.receipts(receipt.bundle_id)] == [base64.b64decode(line["receipt"])]


def test_a_folder_arrives_with_every_name_as_it_was(pair: Pair) -> None:
    sample = next(one for one in find_samples(SAMPLES) if one.packer == "folder" and one.parts[0].is_dir())
    arriving = pair.out / f".{sample.name}"
    subprocess.run(["cp", "-r", sample.parts[0], arriving], check=True)
    arriving.rename(pair.out / sample.name)
    assert arrived_whole(sample, pair.delivery(pair.ferried(sample.name)))


def test_empty_and_odd_exports_arrive(pair: Pair) -> None:
    names = {"empty.txt": b"", "空 格 '引号' (1).txt": b"x", "a" * 200 + ".bin": bytes(range(256)) * 64}
    for name, content in names.items():
        pair.drop(name, content)
    for name, content in names.items():
        assert pair.content(pair.ferried(name)) == content


def test_a_later_export_of_the_same_name_is_an_exchange_of_its_own(pair: Pair) -> None:
    pair.drop("twice.txt", b"first")
    first = pair.ferried("twice.txt")
    pair.drop("twice.txt", b"second")
    second = eventually(
        lambda: (found := pair.ended("twice.txt", State.DELIVERED)) and found.id != first.id and found, "the second"
    )
    assert second.bundle_id != first.bundle_id
    assert (pair.content(first), pair.content(second)) == (b"first", b"second")


def test_two_hundred_small_exports_at_once_arrive_exactly_once_and_numbered_without_a_gap(pair: Pair) -> None:
    sent = {f"small-{number:03}.txt": f"content {number}".encode() for number in range(200)}
    for name, content in sent.items():
        pair.drop(name, content)
    eventually(
        lambda: sum(t.export_name in sent and t.state is State.DELIVERED for t in _outbound(pair)) == len(sent),
        "200 receipts",
        seconds=90,
    )
    ours = [t for t in _outbound(pair) if t.export_name in sent]
    assert len(ours) == len(sent)
    assert {t.export_name: pair.content(t) for t in ours} == sent
    arrived = [path.name for folder in pair.into.iterdir() for path in (folder / "content").iterdir()]
    assert sorted(name for name in arrived if name in sent) == sorted(sent)

    numbers = sorted(t.sequence or 0 for t in _outbound(pair))
    assert numbers == list(range(1, len(numbers) + 1))
    with pair.procuratorate.ledger() as ledger:
        (epoch,) = {t.epoch for t in ours}
        assert epoch is not None
        assert missing(ledger, POLICE, epoch) == []
    pair.come_to_rest()


def _outbound(pair: Pair) -> list[Transfer]:
    return pair.police.transfers(Direction.OUTBOUND)


def test_the_demo_says_that_all_is_well() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "gateway", "demo", "--small", "--json"],
        cwd=ROOT,
        capture_output=True,
        check=False,
        timeout=100,
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    told = json.loads(ran.stdout)
    assert told["ok"] is True
    assert {row["outcome"] for row in told["rows"]} == {"delivered", "duplicate", "held", "refused"}
    assert all(row["as_expected"] for row in told["rows"])


def test_the_origin_hears_that_case_software_took_the_delivery(pair: Pair) -> None:
    pair.drop("taken.txt", b"to be taken")
    ours = pair.ferried("taken.txt")

    def theirs(*states: State) -> bool:
        found = pair.procuratorate.inbound(ours.bundle_id or "")
        return found is not None and found.state in states

    eventually(lambda: theirs(State.CONFIRMED), "confirmed")
    shutil.rmtree(pair.delivery(ours))
    pair.procuratorate.hang_up()  # a reload looks at once, and not within a minute
    eventually(lambda: pair.police.events(ours)[-1] == "collection-receipted", "the receipt of the collection")
    # A reload rings the workers that it has begun anew: the second look may already have come after the receipt.
    eventually(lambda: theirs(State.CONFIRMED, State.COLLECTED), "confirmed again")
    pair.procuratorate.hang_up()
    eventually(lambda: theirs(State.COLLECTED), "collected")
