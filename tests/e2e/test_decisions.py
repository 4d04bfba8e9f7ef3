"""Decisions about quarantine beside real daemons: the command line records, the daemon carries out, now or later."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.cli.demo_nodes import PROCURATORATE
from gateway.domain.lifecycle import State
from gateway.domain.records import ReceiptCode
from tests.support.desk import Desk
from tests.support.forging import Forged, flipped, package_of, seal
from tests.support.nodes import Guest, Pair, eventually, make_pair, running


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    made = make_pair(tmp_path)
    with running(made):
        yield made


def damaged(pair: Pair, folder: Path, sequence: int) -> Forged:
    """Let the procuratorate set aside a bundle of the police's that was damaged on its way."""
    file = folder / "report.txt"
    file.write_bytes(b"report")
    sealed = seal(
        package_of(file),
        keys=pair.police.keys(),
        recipients=[pair.police.keys_of(PROCURATORATE)],
        sequence=sequence,
        content={"content/report.txt": b"report"},
    )
    guest = Guest(pair, folder)
    guest.deposit_bundle(sealed.bundle, flipped(sealed.raw, -1))
    guest.close()
    eventually(lambda: has(pair, sealed, State.QUARANTINED), "quarantine")
    return sealed


def has(pair: Pair, sealed: Forged, state: State) -> bool:
    found = pair.procuratorate.inbound(sealed.bundle)
    return found is not None and found.state is state


def test_a_decision_is_carried_out_at_once_or_when_the_daemon_runs_again(pair: Pair, tmp_path: Path) -> None:
    desk = Desk(pair.procuratorate.daemon.place)
    first, second = damaged(pair, tmp_path, 1000), damaged(pair, tmp_path, 1001)
    ids = {one["subject"][:32]: one["id"] for one in desk.ask("quarantine", "list")["quarantine"]}

    assert desk.run("quarantine", "reject", ids[first.bundle][:10], "--why", "damaged").code == 0
    eventually(lambda: has(pair, first, State.DISMISSED), "the refusal in the peer's mailbox")
    with pair.procuratorate.ledger() as ledger:
        assert [receipt.code for receipt in ledger.receipts(first.bundle)] == [ReceiptCode.DAMAGED]

    pair.procuratorate.daemon.stop()
    answer = desk.ask("quarantine", "reject", ids[second.bundle], "--why", "damaged too")
    assert answer["decision"]["done_at"] is None
    assert has(pair, second, State.QUARANTINED)
    pair.procuratorate.start()
    eventually(lambda: has(pair, second, State.DISMISSED), "the decision carried out at the start")
    told = [(one["action"], one["why"], one["outcome"]) for one in desk.ask("decisions")["decisions"]]
    assert told == [("reject", "damaged too", ""), ("reject", "damaged", "")]
