"""An order kept by two real daemons: each bundle of a case leaves when the receipt of the one before has come."""

from itertools import pairwise
from pathlib import Path

from gateway.domain.lifecycle import State
from gateway.domain.records import Transfer
from tests.support.nodes import Pair, configure, eventually, make_pair, running

EXPORTS = [(f"{number}.txt", b"x" * (9 - number)) for number in range(6)]


def test_what_was_dropped_first_arrives_first_and_nobody_waits_for_a_timer(tmp_path: Path) -> None:
    pair = make_pair(tmp_path)
    configure(pair.police, "    packer: folder\n", "    packer: folder\n    order: stream\n", "routes.d/police.yaml")
    with running(pair):
        for name, content in EXPORTS:
            pair.drop(name, content)

        def delivered() -> list[Transfer] | None:
            found = [pair.police.outbound(name) for name, _content in EXPORTS]
            whole = [one for one in found if one is not None and one.state is State.DELIVERED]
            return whole if len(whole) == len(EXPORTS) else None

        # Receipts are due within an hour: without a bell the second would wait for that.
        ours = eventually(delivered, "all deliveries")
        assert sorted(ours, key=lambda one: one.id) == ours
        sent = {one.id: sent_at(pair, one) for one in ours}
        for before, after in pairwise(ours):
            assert before.settled_at is not None
            assert before.settled_at <= sent[after.id]


def sent_at(pair: Pair, transfer: Transfer) -> float:
    with pair.police.ledger() as ledger:
        return next(entry.at for entry in ledger.timeline(transfer.id) if entry.what == "sent")
