"""What must hold after any fault, once both nodes have come to rest: each export delivered once or refused, and both
ledgers of one mind."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.bundle.receipt import check_issuer, signer_key_id, verify_receipt
from gateway.cli.demo_samples import Sample, arrived_whole
from gateway.domain.ids import BundleId, UnitCode
from gateway.domain.lifecycle import Direction, State
from gateway.domain.records import ReceiptCode, Transfer, known
from gateway.folders.quarantine import Quarantine
from gateway.ledger.queries import TransferFilter
from gateway.ledger.store import Ledger
from gateway.roster.directory import Directory
from gateway.roster.peers import PeerBook

REFUSED_HERE, REFUSED_THERE = "refused", "refused-there"
"""What a sample is expected to end in, beside `delivered`."""


@dataclass(frozen=True)
class Site:
    """One node, seen from outside. `peers`: says whose key is whose; `leftovers`: what lies about and should not."""

    unit: UnitCode
    ledger: Ledger
    peers: PeerBook | Directory
    state: Path
    leftovers: Sequence[str]
    hubs: tuple[UnitCode, ...] = ()
    """Whose receipts of custody it has beside those of the recipient."""

    def transfers(self, direction: Direction) -> list[Transfer]:
        return self.ledger.search(TransferFilter(direction=direction), 10_000)


def nothing_is_lost_or_doubled(
    sent: Sequence[Sample], out: Path, into: Path, ours: Site, theirs: Site, *, is_told: bool = True
) -> None:
    """Assert that `sent`, dropped below `out` at `ours`, has ended as expected, at `theirs` (whose inbound folder is
    `into`) as well; and that nothing else is there.

    is_told: whether the source must have been told; False where the operations log says that it could not be.
    """
    mine = ours.transfers(Direction.OUTBOUND)
    assert sorted(t.export_name for t in mine) == sorted(sample.name for sample in sent), mine
    by_name = {t.export_name: t for t in mine}
    deliveries = []
    for sample in sent:
        transfer = by_name[sample.name]
        if sample.expected == "delivered":
            deliveries.append(_is_delivered(sample, transfer, into, theirs))
            assert [path for path in sample.parts if (out / sample.route / path.name).exists()] == []
        else:
            _is_refused(sample, transfer, out)
        if is_told:
            _source_is_told(sample, out / sample.route)
    assert sorted(path.name for path in into.iterdir()) == sorted(deliveries)
    _ledgers_agree(sent, by_name, ours, theirs)
    for site in (ours, theirs):
        assert list(site.leftovers) == []
    known_here = {t.bundle_id for t in mine if t.bundle_id is not None}
    # What lies beside a bundle bears its id too.
    assert {path.stem.partition("-")[0] for path in (ours.state / "spool" / "outbound").iterdir()} == known_here


def _source_is_told(sample: Sample, outbound: Path) -> None:
    if sample.expected == "delivered":
        assert (outbound / "ack" / f"{sample.name}.receipt.json").is_file()
    else:
        for ending in ("json", "txt"):
            assert (outbound / "err" / f"{sample.name}.err.{ending}").is_file()


def _is_delivered(sample: Sample, transfer: Transfer, into: Path, theirs: Site) -> str:
    assert transfer.state is State.DELIVERED, transfer
    their = _arrived(theirs, known(transfer.bundle_id))
    assert their.state is State.CONFIRMED, their
    assert arrived_whole(sample, into / their.export_name), sample.name
    return their.export_name


def _is_refused(sample: Sample, transfer: Transfer, out: Path) -> None:
    """The source has its original back."""
    assert transfer.state is State.REFUSED, transfer
    outbound = out / sample.route
    for part in sample.parts:
        assert (outbound / "reject" / part.name).read_bytes() == part.read_bytes()
    assert [path.name for path in (outbound / "reject").iterdir() if path.name.startswith(".")] == []


def _ledgers_agree(sent: Sequence[Sample], by_name: dict[str, Transfer], ours: Site, theirs: Site) -> None:
    left = {s.name for s in sent if s.expected != REFUSED_HERE}
    mine = {known(t.bundle_id): t for name, t in by_name.items() if name in left}
    arrived = theirs.transfers(Direction.INBOUND)
    assert sorted(known(t.bundle_id) for t in arrived) == sorted(mine)
    for their in arrived:
        our = mine[known(their.bundle_id)]
        assert (our.header_hash, our.epoch, our.sequence) == (their.header_hash, their.epoch, their.sequence)
        _receipts_agree(our, ours, theirs)
    assert sorted(known(t.sequence) for t in mine.values()) == list(range(1, len(mine) + 1))
    refused = {f"{by_name[s.name].bundle_id}.cfb" for s in sent if s.expected == REFUSED_THERE}
    aside = Quarantine(theirs.state / "quarantine").listing()
    assert {one.note.subject for one in aside} == refused, aside
    assert all(one.note.code == "not-permitted" for one in aside), aside
    assert Quarantine(ours.state / "quarantine").listing() == []
    for site in (ours, theirs):
        root = site.state / "quarantine"
        assert not root.exists() or [path.name for path in root.iterdir() if path.name.startswith(".")] == []


def _receipts_agree(our: Transfer, ours: Site, theirs: Site) -> None:
    """There is one receipt, the same bytes on both sides, and it verifies by the key that we have of the peer."""
    (issued,) = theirs.ledger.receipts(known(our.bundle_id))
    here = [one for one in ours.ledger.receipts(known(our.bundle_id)) if one.issuer not in ours.hubs]
    assert [one.raw for one in here] == [issued.raw]
    signer = known(ours.peers.signer_of(signer_key_id(issued.raw)))
    receipt = verify_receipt(issued.raw, lambda _key_id: signer.public)
    check_issuer(receipt, theirs.unit)
    assert signer.unit == theirs.unit
    assert (receipt.bundle_id, receipt.header_hash) == (our.bundle_id, our.header_hash)
    assert receipt.code is (ReceiptCode.DELIVERED if our.state is State.DELIVERED else ReceiptCode.NOT_PERMITTED)


def _arrived(theirs: Site, bundle: BundleId) -> Transfer:
    (their,) = theirs.ledger.by_bundle(bundle, Direction.INBOUND)
    return their
