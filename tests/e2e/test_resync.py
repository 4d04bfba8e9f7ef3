"""Loss on real daemons: ledgers put back from a backup, a copied node, a lost spool, a deleted receipt."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.cli.demo_nodes import POLICE, PROCURATORATE, Place, free_ports
from gateway.domain.lifecycle import Direction, State
from gateway.domain.records import known
from tests.support.desk import Desk
from tests.support.forks import ForkedNode
from tests.support.nodes import QUICK, Node, Pair, eventually, make_pair, relink

OUT, IN = Direction.OUTBOUND, Direction.INBOUND


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    """Two nodes, not started, ended in any case."""
    made = make_pair(tmp_path, timing=QUICK + "  receipt_timeout: 1h\n")
    try:
        yield made
    finally:
        made.stop()


def desk(node: Node) -> Desk:
    return Desk(node.daemon.place)


def exchange(pair: Pair, *names: str) -> None:
    for name in names:
        pair.drop(name, name.encode())
    for name in names:
        pair.ferried(name)


def put_back(node: Node, folder: Path) -> None:
    """Stop the node, restore its backup, and start it."""
    assert node.daemon.stop() == 0
    answer = desk(node).run("restore", folder, "--why", "the disk was exchanged")
    assert answer.code == 0, answer.err
    node.start()


def agree(pair: Pair, *names: str) -> None:
    """Assert that both ledgers know exactly these exports alike, each delivered once and receipted."""
    pair.come_to_rest()
    ours = {known(t.bundle_id): t for t in pair.police.transfers(OUT)}
    theirs = {known(t.bundle_id): t for t in pair.procuratorate.transfers(IN)}
    assert len(ours) == len(theirs) == len(names)
    assert ours.keys() == theirs.keys()
    # What the test took out of the inbound folder counts as collected.
    assert {t.state for t in ours.values()} <= {State.DELIVERED, State.COLLECTED}
    assert {t.state for t in theirs.values()} <= {State.CONFIRMED, State.COLLECTED}
    for bundle, our in ours.items():
        assert (our.header_hash, our.epoch, our.sequence) == (
            theirs[bundle].header_hash,
            theirs[bundle].epoch,
            theirs[bundle].sequence,
        )
        with pair.police.ledger() as here, pair.procuratorate.ledger() as there:
            assert {r.raw for r in here.receipts(bundle)} == {r.raw for r in there.receipts(bundle)}
    for node in pair.nodes:
        assert not node.logged("worker-died")
        assert not node.logged("standstill")


def arrived(pair: Pair) -> list[str]:
    return sorted(path.name for folder in pair.into.iterdir() for path in (folder / "content").iterdir())


def test_the_senders_ledger_is_put_back_from_yesterdays_backup(pair: Pair, tmp_path: Path) -> None:
    pair.start()
    exchange(pair, "before.txt")
    assert desk(pair.police).run("backup", tmp_path / "backup").code == 0
    exchange(pair, "after-1.txt", "after-2.txt")
    put_back(pair.police, tmp_path / "backup")
    exchange(pair, "new.txt")
    eventually(lambda: len(pair.police.transfers(OUT)) == 4, "what was forgotten")
    names = ("before.txt", "after-1.txt", "after-2.txt", "new.txt")
    for name in names:
        pair.ferried(name)
    agree(pair, *names)
    assert arrived(pair) == sorted(names)


def test_the_recipients_ledger_is_put_back_and_nothing_is_delivered_twice(pair: Pair, tmp_path: Path) -> None:
    pair.start()
    exchange(pair, "before.txt")
    assert desk(pair.procuratorate).run("backup", tmp_path / "backup").code == 0
    exchange(pair, "after.txt")
    for folder in list(pair.into.iterdir()):
        shutil.rmtree(folder)  # the case software has taken everything
    put_back(pair.procuratorate, tmp_path / "backup")
    exchange(pair, "new.txt")
    eventually(lambda: len(pair.procuratorate.transfers(IN)) == 3, "what was forgotten")
    agree(pair, "before.txt", "after.txt", "new.txt")
    assert arrived(pair) == ["new.txt"]
    (peer,) = desk(pair.procuratorate).ask("streams")["peers"]
    assert [(got["last"], got["lacking"]) for got in peer["got"]] == [(3, [])]


def test_a_node_that_was_copied_stands_still_and_so_does_its_copy(pair: Pair, tmp_path: Path) -> None:
    relink(pair, pair.police, "both")
    relink(pair, pair.procuratorate, "none")
    pair.start()
    exchange(pair, "before.txt")
    assert pair.police.daemon.stop() == 0
    root = tmp_path / "copy" / "police"
    shutil.copytree(pair.police.root, root)
    place = pair.police.daemon.place
    (port,) = free_ports(1)
    config = root / "etc" / "gateway.yaml"
    config.write_text(config.read_text("utf-8").replace(f"port: {place.port}", f"port: {port}"), "utf-8")
    copy = Node(ForkedNode(Place(root, place.unit, place.name, port)))
    try:
        pair.police.start()
        eventually(lambda: pair.police.logged("inventory-sent", why="start"), "the original has spoken")
        copy.start()
        both = [pair.police, copy]
        # They share a mailbox: either may take the answer. Whoever did has found out and leaves the next to the other.
        eventually(lambda: any(_stands_still(node) for node in both), "one stands still")
        for node in both:
            if not _stands_still(node):
                eventually(lambda node=node: desk(node).run("resync", PROCURATORATE).code == 0, "asked")
            eventually(lambda node=node: _stands_still(node), "the other stands still")
        for node in both:
            needs = desk(node).ask("status")["attention"]
            assert "standstill" in [one["need"] for one in needs]
            (node.root / "out" / "files" / "later.txt").write_bytes(b"later.txt")
    finally:
        copy.daemon.stop()
    assert pair.police.daemon.stop() == 0
    assert desk(pair.police).run("epoch", "renew", "--why", "the copy was switched off").code == 0
    pair.police.start()
    pair.ferried("later.txt")
    assert arrived(pair) == ["before.txt", "later.txt"]
    assert len(pair.procuratorate.transfers(IN)) == 2


def _stands_still(node: Node) -> bool:
    return bool(node.logged("standstill", code="identity-conflict"))


def test_a_lost_spool_is_made_good_or_held(pair: Pair) -> None:
    # The police hosts the mailbox, so what it sends waits there while the procuratorate is away.
    relink(pair, pair.police, "none")
    relink(pair, pair.procuratorate, "both")
    pair.police.start()
    pair.drop("sent.txt", b"sent.txt")
    eventually(lambda: pair.ended("sent.txt", State.SENT), "sent")
    assert pair.police.daemon.stop() == 0
    mailbox = pair.police.mailbox(PROCURATORATE, "out")
    for path in mailbox.glob("*.cfb"):
        path.rename(path.with_name(f".{path.name}.kept"))
    shutil.rmtree(pair.police.state / "spool")
    pair.start()
    desk(pair.police).run("resync", "--all")
    held = eventually(lambda: (t := pair.police.outbound("sent.txt")) and t.hold_code and t, "held")
    assert (held.state, held.hold_code) == (State.SENT, "spool-missing")
    # The bundle turns up after all: the receipt settles it, whatever was held.
    for path in mailbox.glob(".*.kept"):
        path.rename(mailbox / path.name[1 : -len(".kept")])
    assert pair.ferried("sent.txt").id == held.id
    exchange(pair, "new.txt")
    agree(pair, "sent.txt", "new.txt")
    assert arrived(pair) == ["new.txt", "sent.txt"]


def test_a_deleted_receipt_comes_again_when_a_person_asks(pair: Pair) -> None:
    # The police calls for everything, and for its mail only when told to.
    relink(pair, pair.police, "both", "poll_every: 1h")
    relink(pair, pair.procuratorate, "none")
    mail = pair.procuratorate.mailbox(POLICE, "out")
    pair.start()
    pair.drop("lost.txt", b"lost.txt")
    letter = eventually(lambda: next(mail.glob("*.cfr"), None), "the receipt")
    letter.unlink()
    relink(pair, pair.police, "both")
    pair.police.hang_up()
    assert desk(pair.police).run("resync", PROCURATORATE).code == 0
    ours = pair.ferried("lost.txt")
    assert pair.police.events(ours) == ["found", "sealed", "sent", "delivery-receipted"]
    agree(pair, "lost.txt")
    assert arrived(pair) == ["lost.txt"]
