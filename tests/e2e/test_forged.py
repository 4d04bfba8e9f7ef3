"""Forged, damaged and stale bundles in the recipient's mailbox: each refused by its code, its neighbours unharmed."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from gateway.bundle.keys import generate
from gateway.bundle.names import bundle_name
from gateway.bundle.suites import DEFAULT_SUITE
from gateway.cli.demo_nodes import PROCURATORATE
from gateway.domain.ids import BundleId, WireName
from gateway.domain.lifecycle import State
from gateway.domain.records import ReceiptCode, ReceiptRecord, Transfer, known
from tests.support.forging import DAY, Forged, flipped, noise, package_of, seal
from tests.support.nodes import Guest, Pair, configure, drop_zip, eventually, make_pair, running

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
HEADER = 168 + 1208
SIGNATURE = 3373
MANIFEST = HEADER + SIGNATURE


@dataclass
class Evil:
    """The police's own keys in the wrong hands, and what they can make."""

    pair: Pair
    guest: Guest
    folder: Path
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1000, 10))

    def seal(self, **wishes: object) -> Forged:
        """Return a bundle from the police to the procuratorate, good but for what is wished."""
        file = self.folder / "forged.txt"
        file.write_bytes(b"forged")
        terms: dict[str, object] = {
            "keys": self.pair.police.keys(),
            "recipients": [self.pair.police.keys_of(PROCURATORATE)],
            "sequence": next(self.numbers),
            "content": {"content/forged.txt": b"forged"},
        }
        return seal(package_of(file), **{**terms, **wishes})  # type: ignore[arg-type]  # a test may wish for any field

    def delivered(self, bundle: BundleId) -> bool:
        return any(self.pair.into.glob(f"*{bundle}*"))

    def quarantined(self, bundle: BundleId) -> Transfer:
        """Wait until the bundle was set aside and the mailbox cleared of it."""
        ended = (State.QUARANTINED, State.DISMISSED)

        def found() -> Transfer | None:
            transfer = self.pair.procuratorate.inbound(bundle)
            waits = (self.pair.procuratorate.mailbox(self.pair.police.unit) / bundle_name(bundle)).exists()
            return transfer if transfer is not None and transfer.state in ended and not waits else None

        return eventually(found, f"{bundle} set aside")


@pytest.fixture(scope="module")
def evil(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Evil]:
    root = tmp_path_factory.mktemp("forged")
    pair = make_pair(root)
    configure(pair.procuratorate, "free_space: 64 MiB", "free_space: 64 MiB\n  bundle: 1 MiB")
    configure(
        pair.procuratorate, "packer: folder", "packer: folder\n    flows: [unclassified]", "routes.d/procuratorate.yaml"
    )
    with running(pair):
        guest = Guest(pair, root)
        yield Evil(pair, guest, root)
        guest.close()


Case = tuple[Callable[[Evil], tuple[Forged, bytes]], str, ReceiptCode | None]


def damaged(change: Callable[[bytes], bytes]) -> Callable[[Evil], tuple[Forged, bytes]]:
    def make(evil: Evil) -> tuple[Forged, bytes]:
        forged = evil.seal()
        return forged, change(forged.raw)

    return make


def stated(**wishes: object) -> Callable[[Evil], tuple[Forged, bytes]]:
    def make(evil: Evil) -> tuple[Forged, bytes]:
        forged = evil.seal(**wishes)
        return forged, forged.raw

    return make


def by_a_stranger(evil: Evil) -> tuple[Forged, bytes]:
    forged = evil.seal(keys=generate(DEFAULT_SUITE))
    return forged, forged.raw


def for_somebody_else(evil: Evil) -> tuple[Forged, bytes]:
    forged = evil.seal(recipients=[generate(DEFAULT_SUITE).public])
    return forged, forged.raw


def number_used_twice(evil: Evil) -> tuple[Forged, bytes]:
    first = evil.seal()
    evil.guest.deposit_bundle(first.bundle, first.raw)
    eventually(lambda: evil.delivered(first.bundle), "the first of the number")
    second = evil.seal(sequence=first.sequence)
    return second, second.raw


CASES: dict[str, Case] = {
    "not a bundle": (damaged(lambda raw: b"<html>" + raw[6:]), "not-a-bundle", None),
    "flipped in the header": (damaged(lambda raw: flipped(raw, 167)), "bad-signature", None),
    "flipped in the wrapped key": (damaged(lambda raw: flipped(raw, HEADER - 1)), "bad-signature", None),
    "flipped in the signature": (damaged(lambda raw: flipped(raw, HEADER + 5)), "bad-signature", None),
    "flipped in the manifest": (damaged(lambda raw: flipped(raw, MANIFEST + 40)), "manifest-corrupt", None),
    "flipped in the data": (damaged(lambda raw: flipped(raw, -1, 7)), "segment-corrupt", None),
    "without its last byte": (damaged(lambda raw: raw[:-1]), "truncated", None),
    "cut within the header": (damaged(lambda raw: raw[:400]), "truncated", None),
    "with one byte more": (damaged(lambda raw: raw + b"\0"), "trailing-bytes", None),
    "of an unknown suite": (damaged(lambda raw: raw[:8] + b"\x09" + raw[9:]), "suite-refused", None),
    "by an unknown signer": (by_a_stranger, "unknown-sender", None),
    "for somebody else": (for_somebody_else, "not-addressed-to-us", ReceiptCode.NOT_FOR_US),
    "expired": (stated(age=3 * DAY), "expired", ReceiptCode.EXPIRED),
    "made before its key": (stated(age=DAY, life=3 * DAY), "key-not-valid", ReceiptCode.SIGNATURE),
    "too large": (stated(content={"content/x": noise(2 << 20)}), "too-large", ReceiptCode.TOO_LARGE),
    "of a flow not permitted": (stated(flow="arrest-request"), "not-permitted", ReceiptCode.NOT_PERMITTED),
    "correcting what is no bundle": (
        stated(corrects="../../etc/passwd"),
        "manifest-malformed",
        ReceiptCode.VALIDATION_FAILED,
    ),
    "without case package": (stated(with_package=False), "case-package-malformed", ReceiptCode.VALIDATION_FAILED),
    "with a number used twice": (number_used_twice, "equivocation", ReceiptCode.REPLAY),
}


@pytest.mark.parametrize("case", CASES)
def test_a_bad_bundle_is_set_aside_with_its_code(evil: Evil, case: str) -> None:
    make, code, answer = CASES[case]
    forged, raw = make(evil)
    evil.guest.deposit_bundle(forged.bundle, raw)

    theirs = evil.quarantined(forged.bundle)
    assert code in evil.pair.procuratorate.codes(theirs)
    eventually(
        lambda: evil.pair.procuratorate.logged("bundle-quarantined", transfer=theirs.id, code=code), f"an alert {code}"
    )
    (note,) = [n for n in evil.pair.procuratorate.quarantined() if n["subject"] == bundle_name(forged.bundle)]
    assert (note["code"], note["size"], note["link"]) == (code, len(raw), "police")
    assert not evil.delivered(forged.bundle)
    assert not list((evil.pair.procuratorate.state / "spool" / "staging").glob(f"*/*{forged.bundle}*"))

    def signed() -> list[ReceiptRecord]:
        with evil.pair.procuratorate.ledger() as ledger:
            return [r for r in ledger.receipts(forged.bundle) if r.header_hash == forged.header_hash]

    if answer:
        eventually(signed, "a receipt")
    assert [r.code for r in signed()] == ([answer] if answer else [])
    if answer is not None:
        # The police never sealed this one, so its own node can only wonder.
        eventually(lambda: evil.pair.police.logged("receipt-unmatched", bundle=forged.bundle, code=answer), "an answer")


def test_neighbours_of_bad_bundles_arrive(evil: Evil) -> None:
    for number in range(5):
        bad = evil.seal()
        evil.guest.deposit_bundle(bad.bundle, flipped(bad.raw, -1))
        evil.pair.drop(f"neighbour-{number}.txt", b"good")
    for number in range(5):
        assert evil.pair.content(evil.pair.ferried(f"neighbour-{number}.txt")) == b"good"


def test_a_bundle_under_another_name_is_set_aside(evil: Evil) -> None:
    good = evil.seal()
    evil.guest.deposit_bundle(good.bundle, good.raw)
    eventually(lambda: evil.delivered(good.bundle), "the good one")
    for raw in (good.raw, evil.seal().raw):
        other = BundleId(f"{next(evil.numbers):032x}")
        evil.guest.deposit_bundle(other, raw)
        assert "malformed" in evil.pair.procuratorate.codes(evil.quarantined(other))
        with evil.pair.procuratorate.ledger() as ledger:
            assert ledger.receipts(other) == []
    assert len(list(evil.pair.into.glob(f"*{good.bundle}*"))) == 1


def test_names_that_are_not_ours_are_left_alone(evil: Evil) -> None:
    evil.guest.deposit("readme.txt", b"hello")
    evil.pair.drop("beside-a-stranger.txt", b"good")
    evil.pair.ferried("beside-a-stranger.txt")
    assert (evil.pair.procuratorate.mailbox(evil.pair.police.unit) / "readme.txt").read_bytes() == b"hello"


def test_a_damaged_copy_is_set_aside_and_the_whole_one_delivered(evil: Evil) -> None:
    forged = evil.seal()
    evil.guest.deposit_bundle(forged.bundle, flipped(forged.raw, -1))
    evil.quarantined(forged.bundle)
    evil.guest.deposit_bundle(forged.bundle, forged.raw)
    eventually(lambda: evil.delivered(forged.bundle), "the whole one")
    theirs = known(evil.pair.procuratorate.inbound(forged.bundle))
    events = evil.pair.procuratorate.events(theirs)
    assert events[:6] == ["offered", "fetched", "quarantined", "offered-again", "fetched", "verified"]


def test_a_replay_is_answered_with_the_same_receipt_and_not_delivered_again(evil: Evil) -> None:
    evil.pair.drop("replayed.txt", b"once")
    ours = evil.pair.ferried("replayed.txt")
    bundle = known(ours.bundle_id)
    delivery = evil.pair.delivery(ours)
    raw = next((evil.pair.police.state / "spool" / "outbound").glob(f"{bundle}-*")).read_bytes()
    eventually(lambda: known(evil.pair.procuratorate.inbound(bundle)).state is State.CONFIRMED, "confirmed")
    (delivery / "content" / "replayed.txt").unlink()

    evil.guest.deposit_bundle(bundle, raw)
    eventually(
        lambda: (
            (t := known(evil.pair.procuratorate.inbound(bundle))).state is State.CONFIRMED
            and evil.pair.procuratorate.events(t)[-2:] == ["receipt-asked", "confirmed"]
        ),
        "the receipt, once more",
    )
    with evil.pair.procuratorate.ledger() as ledger:
        assert [r.code for r in ledger.receipts(bundle)] == [ReceiptCode.DELIVERED]
    assert not (delivery / "content" / "replayed.txt").exists()
    assert known(evil.pair.police.outbound("replayed.txt")).state is State.DELIVERED


def test_another_header_under_a_delivered_id_is_an_alarm(evil: Evil) -> None:
    forged = evil.seal()
    evil.guest.deposit_bundle(forged.bundle, forged.raw)
    eventually(lambda: evil.delivered(forged.bundle), "the first header")
    eventually(lambda: known(evil.pair.procuratorate.inbound(forged.bundle)).state is State.CONFIRMED, "confirmed")
    evil.guest.deposit_bundle(forged.bundle, forged.twin)
    theirs = known(evil.pair.procuratorate.inbound(forged.bundle))
    eventually(lambda: evil.pair.procuratorate.logged("equivocation", transfer=theirs.id), "the alarm")
    in_box = evil.pair.procuratorate.mailbox(evil.pair.police.unit) / WireName(bundle_name(forged.bundle))
    eventually(lambda: not in_box.exists(), "a clear mailbox")
    notes = [n for n in evil.pair.procuratorate.quarantined() if n["subject"] == bundle_name(forged.bundle)]
    assert [note["code"] for note in notes] == ["equivocation"]
    assert known(evil.pair.procuratorate.inbound(forged.bundle)).header_hash == forged.header_hash


def test_what_the_recipient_refuses_comes_back_to_the_source(evil: Evil) -> None:
    sample = sorted((SAMPLES / "police").glob("*.zip"))[0]
    evil.pair.drop("huge.bin", noise(3 << 19))
    drop_zip(evil.pair.police_out, sample)
    for name, folder, code, reason in (
        ("huge.bin", evil.pair.out, "202", "too-large"),
        (sample.name, evil.pair.police_out, "203", "not-permitted"),
    ):
        ours = eventually(lambda name=name: evil.pair.ended(name, State.REFUSED), f"the refusal of {name}")
        told = (folder / "err" / f"{name}.err.json").read_text("utf-8")
        assert code in told
        assert reason in told
        assert (folder / "err" / f"{name}.err.txt").stat().st_size > 0
        eventually(lambda name=name, folder=folder: (folder / "reject" / name).exists(), "the original")
        assert not (folder / name).exists()
        with evil.pair.police.ledger() as ledger:
            (receipt,) = ledger.receipts(known(ours.bundle_id))
        assert receipt.code == code
        theirs = evil.quarantined(known(ours.bundle_id))
        assert theirs.state is State.DISMISSED
    assert (evil.pair.police_out / "reject" / sample.name).read_bytes() == sample.read_bytes()
    assert (evil.pair.out / "reject" / "huge.bin").read_bytes() == noise(3 << 19)
