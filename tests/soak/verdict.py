"""The promise, checked after a soak: delivered once with its bytes and receipt, or told why not; ledgers agree."""

import base64
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from benchmarks.data import digests_of
from gateway.bundle.keys import PublicKeys
from gateway.bundle.names import Kind
from gateway.bundle.receipt import verify_receipt
from gateway.domain.ids import BundleId, UnitCode
from gateway.domain.lifecycle import Direction, State
from gateway.domain.records import ReceiptCode, Transfer, known
from tests.soak.drops import Dropped
from tests.support.ledger import missing, stream_states
from tests.support.nodes import CLOCK, Node
from tests.support.province import SENTINEL, Province

OUT, IN = Direction.OUTBOUND, Direction.INBOUND
MOST = 10_000
"""Transfers of one direction that `Node.transfers` returns at most; with more the verdict would be blind."""
BUGS = frozenset(
    {
        "worker-died",
        "worker-collapsed",
        "worker-stuck",
        "daemon-collapsed",
        "drain-failed",
        "start-failed",
        "start-refused",
        "reload-refused",
        "crew-bug",
        "child-answer-refused",
        "claim-damaged",
        "claim-stranded",
        "receipt-contradicts",
        "receipt-unmatched",
        "receipt-not-recorded",
        "receipt-file-too-large",
        "convoy-too-large",
        "inventory-too-large",
        "standstill",
        "summary-failed",
    }
)
"""Log entries that no fault of a soak excuses."""


def judge(province: Province, dropped: Sequence[Dropped], harmed: set[str]) -> list[str]:
    """Return every breach of the promise. `harmed`: names of the mail that the soak lost or damaged itself."""
    books = {node.root: _Book(node) for node in province.nodes}
    found = [complaint for one in dropped for complaint in _export(one, books)]
    for node in province.nodes:
        mine = [one for one in dropped if one.source is node]
        theirs = [one for one in dropped if one.target is node and one.outcome == "delivered"]
        found += [f"{node.root.name}: {complaint}" for complaint in _node(node, books, mine, theirs, harmed)]
    found += [f"left in a mailbox: {path}" for path in province.mail()]
    found += [f"never claimed: {path}" for path in province.unclaimed()]
    return found


class _Book:
    """One node's ledger, read once."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.out: dict[str, list[Transfer]] = {}
        self.into: dict[BundleId | None, list[Transfer]] = {}
        self.all = {direction: node.transfers(direction) for direction in (OUT, IN)}
        for transfer in self.all[OUT]:
            self.out.setdefault(transfer.export_name, []).append(transfer)
        for transfer in self.all[IN]:
            self.into.setdefault(transfer.bundle_id, []).append(transfer)
        with node.ledger() as ledger:
            bundles = {t.bundle_id for transfers in self.all.values() for t in transfers if t.bundle_id is not None}
            self.receipts = {bundle: ledger.receipts(bundle) for bundle in bundles}
        self._peers = node.peers()

    def keys_of(self, unit: UnitCode) -> PublicKeys:
        return self._peers.recipient_keys(unit, CLOCK.now())


def _export(one: Dropped, books: dict[Path, _Book]) -> Iterator[str]:
    """Yield what is wrong with the fate of one export."""
    ours = books[one.source.root].out.get(one.name, [])
    if len(ours) != 1:
        yield f"{one.name}: {len(ours)} transfers at its source"
        return
    (our,) = ours
    fate = f"{one.name} ({our.bundle_id}): {our.state} hold={our.hold_code} error={our.last_error}"
    if one.outcome == "held":
        if our.state is not State.FOUND or our.hold_code != "export-held" or not _is_told(one, our):
            yield f"{fate}; it should be held, and its source told why"
    elif one.outcome == "refused":
        if our.state is not State.REFUSED or not _is_told(one, our) or not (one.folder / "reject" / one.name).exists():
            yield f"{fate}; it should be refused, and its source told why"
    elif our.state is not State.DELIVERED or our.hold_code is not None:
        yield f"{fate}; it should be delivered"
    else:
        theirs = books[one.target.root].into.get(our.bundle_id, [])
        if len(theirs) != 1:
            yield f"{fate}; {len(theirs)} transfers at its target"
        else:
            yield from (f"{fate}; {complaint}" for complaint in _delivery(one, our, theirs[0]))
            yield from (f"{fate}; {complaint}" for complaint in _receipt(one, our, books))


def _is_told(one: Dropped, our: Transfer) -> bool:
    """Whether the source can read which faults were found, in a program and in Notepad."""
    told = one.folder / "err" / f"{one.name}.err.json"
    if not told.exists() or not told.with_suffix(".txt").exists():
        return False
    report = json.loads(told.read_bytes())
    return bool(report["findings"]) and report["claim"] == our.claim


def _delivery(one: Dropped, our: Transfer, their: Transfer) -> Iterator[str]:
    if their.state is not State.CONFIRMED:
        yield f"the target says {their.state}, hold={their.hold_code}"
    for name in ("header_hash", "epoch", "sequence", "flow", "case_no"):
        if getattr(our, name) != getattr(their, name):
            yield f"the ledgers differ in {name}"
    content = one.target.daemon.place.into / their.export_name / "content"
    if digests_of(content) != dict(one.digests):
        yield f"the bytes in {content} are not those that were dropped"


def _receipt(one: Dropped, our: Transfer, books: dict[Path, _Book]) -> Iterator[str]:
    bundle = known(our.bundle_id)
    source = books[one.source.root]
    ours, theirs = source.receipts[bundle], books[one.target.root].receipts[bundle]
    final = [record for record in ours if record.code is ReceiptCode.DELIVERED]
    if len(final) != 1 or [record.raw for record in final] != [record.raw for record in theirs]:
        yield f"{len(final)} receipts at the source, {len(theirs)} at the target, or not the same"
        return
    signer = source.keys_of(one.target.unit)
    receipt = verify_receipt(final[0].raw, lambda _key_id: signer)
    if (receipt.bundle_id, receipt.header_hash, receipt.sequence) != (bundle, our.header_hash, our.sequence):
        yield "the receipt speaks of another bundle"
    path = one.folder / "ack" / f"{one.name}.receipt.json"
    lines = json.loads(path.read_bytes())["receipts"] if path.exists() else []
    if [base64.b64decode(line["receipt"]) for line in lines] != [final[0].raw]:
        yield "the source was not shown the receipt"


def _node(
    node: Node, books: dict[Path, _Book], mine: Sequence[Dropped], theirs: Sequence[Dropped], harmed: set[str]
) -> Iterator[str]:
    """Yield what is wrong with one node as a whole."""
    book = books[node.root]
    for direction, transfers in book.all.items():
        if len(transfers) >= MOST:
            yield f"{len(transfers)} transfers {direction}: too many for this verdict"
    if len(book.all[OUT]) != len(mine):
        yield f"{len(book.all[OUT])} transfers of {len(mine)} exports"
    delivered = Counter(path.name for path in node.daemon.place.into.iterdir() if path.name != SENTINEL)
    expected = Counter(t.export_name for t in book.all[IN])
    if len(book.all[IN]) != len(theirs) or delivered != expected:
        yield f"{delivered.total()} deliveries, {len(book.all[IN])} transfers, {len(theirs)} exports"
    yield from _streams(node, book)
    yield from (f"left behind: {path}" for path in leftovers(node))
    yield from _log(node)
    for note in node.quarantined():
        if note["subject"] not in harmed:
            yield f"in quarantine though nobody harmed it: {note}"


def leftovers(node: Node) -> list[str]:
    """Return what is left in spool and mailboxes, without inventories: one may be under way at any moment."""
    return [path for path in node.leftovers() if not path.endswith(Kind.INVENTORY)]


def _streams(node: Node, book: _Book) -> Iterator[str]:
    numbers: dict[tuple[object, object], list[int]] = {}
    for transfer in book.all[OUT]:
        if transfer.sequence is not None:
            numbers.setdefault((transfer.recipient, transfer.epoch), []).append(transfer.sequence)
    for (recipient, _epoch), given in numbers.items():
        if sorted(given) != list(range(1, len(given) + 1)):
            yield f"the numbers of the stream to {recipient} have gaps"
    with node.ledger() as ledger:
        for peer, way, epoch, _last in stream_states(ledger):
            if way == IN and missing(ledger, UnitCode(peer), epoch):
                yield f"the stream from {peer} has gaps"


def _log(node: Node) -> Iterator[str]:
    for entry in node.log():
        if entry["event"] in BUGS:
            yield f"log: {json.dumps(entry)}"


def alerts(nodes: Iterable[Node]) -> Counter[str]:
    """Return event and code -> how often the nodes raised this alarm."""
    found: Counter[str] = Counter()
    for node in nodes:
        for entry in node.log():
            facts = entry.get("facts")
            if entry.get("level") in ("error", "alert") and isinstance(facts, dict):
                found[f"{entry['event']} {facts.get('code', '')}".strip()] += 1
    return found
