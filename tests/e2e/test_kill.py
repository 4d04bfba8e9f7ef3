"""SIGKILL of either daemon at any moment, and a start again: the same table, each export delivered exactly once."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.cli.demo import ferry
from gateway.cli.demo_nodes import POLICE
from gateway.cli.demo_samples import find_samples
from gateway.compose.acting import Operator
from gateway.compose.identity import load_settings
from gateway.domain.lifecycle import Direction, State
from gateway.domain.records import known
from gateway.transport.disk import HEAD_START
from tests.support.ledger import missing, stream_states
from tests.support.nodes import CLOCK, Node, Pair, eventually, make_pair, running, same_bytes

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
COUNT = 6
MIB = 1 << 20
OUT, IN = Direction.OUTBOUND, Direction.INBOUND

_OUT = (State.FOUND, State.SEALED, State.SENT, State.DELIVERED)
_IN = (State.OFFERED, State.FETCHED, State.VERIFIED, State.DELIVERED, State.CONFIRMED)


def police(pair: Pair) -> Node:
    return pair.police


def procuratorate(pair: Pair) -> Node:
    return pair.procuratorate


def claimed(pair: Pair) -> int:
    return len(list((pair.police.state / "spool" / "claims").glob("*/*")))


def got_to(
    node_of: Callable[[Pair], Node], direction: Direction, order: tuple[State, ...], least: State
) -> Callable[[Pair], int]:
    """Return what counts the transfers of a node that have got at least so far."""
    states = order[order.index(least) :]
    return lambda pair: sum(t.state in states for t in node_of(pair).transfers(direction))


MOMENTS: dict[str, Callable[[Pair], int]] = {
    "claimed": claimed,
    "found": got_to(police, OUT, _OUT, State.FOUND),
    "sealed": got_to(police, OUT, _OUT, State.SEALED),
    "sent": got_to(police, OUT, _OUT, State.SENT),
    "offered": got_to(procuratorate, IN, _IN, State.OFFERED),
    "fetched": got_to(procuratorate, IN, _IN, State.FETCHED),
    "verified": got_to(procuratorate, IN, _IN, State.VERIFIED),
    "delivered": got_to(procuratorate, IN, _IN, State.DELIVERED),
    "receipted": got_to(police, OUT, _OUT, State.DELIVERED),
}
"""What happens to an export, in order; each counts the exports to which it has happened."""


EACH = {
    "police": ([police], ("claimed", "sealed")),
    "procuratorate": ([procuratorate], ("verified",)),
    "both": ([police, procuratorate], ("fetched",)),
}
"""Who is killed, and the moments in an ordinary run at which that is likely to hurt; all of them in a soak."""


@pytest.mark.parametrize("who", EACH)
def test_killed_and_started_again(tmp_path: Path, who: str) -> None:
    victims, moments = EACH[who]
    killed_at(make_pair(tmp_path), victims, moments)


@pytest.mark.soak
@pytest.mark.parametrize("who", EACH)
def test_killed_at_every_moment_and_started_again(tmp_path: Path, who: str) -> None:
    killed_at(make_pair(tmp_path), EACH[who][0], tuple(MOMENTS) * 5)


def killed_at(made: Pair, victims: list[Callable[[Pair], Node]], moments: tuple[str, ...]) -> None:
    """Drop a batch, kill the victims once the moment has come to it, start them, wait for every receipt; and again."""
    sent: dict[str, bytes] = {}

    def all_receipted() -> bool:
        return {t.export_name for t in pair.police.transfers(OUT) if t.state is State.DELIVERED} == sent.keys()

    with running(made) as pair:
        for turn, moment in enumerate(moments):
            happened = MOMENTS[moment]
            before = happened(pair)
            batch = {f"{turn}-{moment}-{n}.txt": f"{turn} {moment} {n}".encode() * 100 for n in range(COUNT)}
            for name, content in batch.items():
                pair.drop(name, content)
            eventually(lambda happened=happened, before=before: happened(pair) > before, moment)
            for victim in victims:
                victim(pair).daemon.kill()
            for victim in victims:
                victim(pair).start()
            sent.update(batch)
            eventually(all_receipted, f"every receipt after a kill once {moment}")
        all_is_as_it_would_have_been(pair, sent)


def all_is_as_it_would_have_been(pair: Pair, sent: dict[str, bytes]) -> None:
    """Every export delivered once with its bytes, both ledgers of one mind, nothing left lying about."""
    pair.come_to_rest()
    same_bytes(list(sent.items()), pair)

    ours = {known(t.bundle_id): t for t in pair.police.transfers(OUT)}
    theirs = {known(t.bundle_id): t for t in pair.procuratorate.transfers(IN)}
    assert len(ours) == len(pair.police.transfers(OUT)) == len(sent)
    assert ours.keys() == theirs.keys()
    assert {t.state for t in ours.values()} == {State.DELIVERED}
    assert {t.state for t in theirs.values()} == {State.CONFIRMED}
    for bundle, our in ours.items():
        their = theirs[bundle]
        assert (our.header_hash, our.epoch, our.sequence) == (their.header_hash, their.epoch, their.sequence)
    assert sorted(known(t.sequence) for t in ours.values()) == list(range(1, len(sent) + 1))
    for node in pair.nodes:
        assert not list((node.state / "spool" / "staging").glob("*/*"))
        assert not node.logged("worker-died")
        assert not node.logged("bundle-quarantined")
    with pair.procuratorate.ledger() as ledger:
        (epoch,) = [epoch for peer, _way, epoch, _last in stream_states(ledger) if peer == POLICE]
        assert missing(ledger, POLICE, epoch) == []
    assert not any(pair.out.glob("*.txt"))
    assert {path.stem.partition("-")[0] for path in (pair.police.state / "spool" / "outbound").iterdir()} == ours.keys()


@pytest.mark.parametrize("who", ["police", *(pytest.param(who, marks=pytest.mark.soak) for who in EACH)])
def test_killed_while_a_large_bundle_leaves_that_is_still_being_sealed(tmp_path: Path, who: str) -> None:
    dossier = os.urandom(96 * MIB)
    with running(make_pair(tmp_path)) as pair:
        mailbox = pair.procuratorate.mailbox(pair.police.unit)

        def stands_alone() -> bool:
            there = {path.name for path in mailbox.iterdir()}
            return HEAD_START in there and not any(name.endswith((".cfb", ".part")) for name in there)

        pair.drop("dossier.bin", dossier)
        eventually(stands_alone, "a head start, and nothing that is seen or would be continued")
        for victim in EACH[who][0]:
            victim(pair).daemon.kill()
        for victim in EACH[who][0]:
            victim(pair).start()
        pair.ferried("dossier.bin")
        all_is_as_it_would_have_been(pair, {"dossier.bin": dossier})
        assert not (mailbox / HEAD_START).exists()


@pytest.mark.soak
@pytest.mark.parametrize("who", EACH)
def test_killed_while_a_large_bundle_is_opened_that_is_still_being_sealed(tmp_path: Path, who: str) -> None:
    dossier = os.urandom(256 * MIB)
    with running(make_pair(tmp_path)) as pair:
        staging = pair.procuratorate.state / "spool" / "staging"
        pair.drop("first.bin", dossier[:MIB])
        pair.ferried("first.bin")  # a worker process is there
        pair.drop("dossier.bin", dossier)
        eventually(lambda: any(staging.glob("*/.*-early")), "an early opening")
        for victim in EACH[who][0]:
            victim(pair).daemon.kill()
        for victim in EACH[who][0]:
            victim(pair).start()
        pair.ferried("dossier.bin")
        all_is_as_it_would_have_been(pair, {"first.bin": dossier[:MIB], "dossier.bin": dossier})


@pytest.mark.parametrize(
    "victim", [pytest.param(police, marks=pytest.mark.soak), procuratorate], ids=lambda victim: victim.__name__
)
def test_the_demo_ends_in_the_same_table(tmp_path: Path, victim: Callable[[Pair], Node]) -> None:
    """The table of the demo, but for the seconds, is what the samples are expected to give, whoever was killed.

    The police is killed in a soak only.
    """
    pair = make_pair(tmp_path)
    samples = find_samples(SAMPLES)

    def kill_and_start() -> None:
        eventually(lambda: any(t.state is not State.FOUND for t in pair.police.transfers(OUT)), "something under way")
        victim(pair).daemon.kill()
        victim(pair).start()

    try:
        rows = ferry(
            *(n.daemon for n in pair.nodes), samples, CLOCK, lambda *_args, **_kw: None, between=kill_and_start
        )
        assert [row.export for row in rows] == [sample.name for sample in samples]
        assert [row.outcome for row in rows] == [sample.expected for sample in samples]
        assert all(row.as_expected for row in rows)
        assert len(list(pair.into.iterdir())) == sum(row.outcome == "delivered" for row in rows)
        operator = Operator(load_settings(pair.police.config), "zhang", CLOCK)
        for held in (t for t in pair.police.transfers(OUT) if t.hold_code is not None):
            operator.close(held.id, "was a version of another sample")
        pair.come_to_rest()
    finally:
        pair.stop()
