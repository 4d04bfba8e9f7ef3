"""SIGHUP swaps a whole configuration or nothing; SIGTERM ends a node soon, and nothing that was under way is lost."""

import shutil
from pathlib import Path

from gateway.domain.lifecycle import Direction
from gateway.domain.records import Stage, known
from tests.support.forging import noise
from tests.support.nodes import Node, Pair, configure, drop, eventually, make_pair, running


def reloads(node: Node) -> int:
    return len(node.logged("reloaded"))


def reload(node: Node) -> None:
    before = reloads(node)
    node.hang_up()
    eventually(lambda: reloads(node) > before, "the reload")


def test_a_new_route_takes_effect_and_nothing_under_way_is_lost(pair: Pair) -> None:
    new = pair.out.with_name("new")
    new.mkdir()
    with (pair.police.config / "routes.d" / "new.yaml").open("w", encoding="utf-8") as file:
        file.write(
            f'outbound:\n  - name: new\n    folder: {new}\n    packer: folder\n    receivers: {{"*": "990102"}}\n'
        )
    for number in range(40):
        pair.drop(f"before-{number}.txt", f"before {number}".encode())
        if number % 10 == 5:
            pair.police.hang_up()
    reload(pair.police)
    drop(new, "new.txt", b"by the new route")
    assert pair.content(pair.ferried("new.txt")) == b"by the new route"
    for number in range(40):
        assert pair.content(pair.ferried(f"before-{number}.txt")) == f"before {number}".encode()
    pair.come_to_rest()
    assert not pair.police.logged("worker-died")


def test_a_configuration_with_a_mistake_is_kept_out(pair: Pair) -> None:
    path = pair.police.config / "routes.d" / "police.yaml"
    good = path.read_text("utf-8")
    before = reloads(pair.police)
    path.write_text(good.replace("packer: folder", "paker: folder"), "utf-8")
    pair.police.hang_up()
    (line,) = eventually(lambda: pair.police.logged("reload-refused", code="settings-refused"), "the refusal")
    assert "police.yaml" in str(line["detail"])
    pair.drop("as-before-1.txt", b"as before")
    pair.ferried("as-before-1.txt")
    assert reloads(pair.police) == before

    path.write_text(good, "utf-8")
    reload(pair.police)


def test_what_is_read_only_at_start_is_refused_by_name(pair: Pair) -> None:
    configure(pair.police, "  to: file", "  to: file\n  level: debug")
    configure(pair.police, "free_space: 64 MiB", "free_space: 65 MiB")
    pair.police.hang_up()
    (line,) = eventually(lambda: pair.police.logged("reload-refused", code="restart-needed"), "the refusal")
    assert str(line["detail"]).endswith(": limits.free_space, log")
    configure(pair.police, "  to: file\n  level: debug", "  to: file")
    configure(pair.police, "free_space: 65 MiB", "free_space: 64 MiB")
    pair.drop("as-before-2.txt", b"as before")
    pair.ferried("as-before-2.txt")


def glimpse(pair: Pair, stage: Stage) -> bool:
    """Whether something is half done in that stage."""
    spool = {node: node.state / "spool" for node in pair.nodes}
    half_done = {
        Stage.PACK: (spool[pair.police] / "outbound", ".*"),
        Stage.SEND: (pair.procuratorate.mailbox(pair.police.unit), ".*"),
        Stage.OPEN: (spool[pair.procuratorate] / "staging" / "police", ".*/content/*"),
    }
    folder, pattern = half_done[stage]
    return any(folder.glob(pattern))


def stopped(node: Node) -> None:
    """Stop the node as systemd would, and assert that it keeps its promise."""
    assert node.daemon.stop() == 0
    # Whole: all had ended within the seconds that `systemctl stop` was promised, by the daemon's own clock.
    assert node.logged("daemon-stopped", exit_code=0, whole=True)


def caught_in(pair: Pair, stage: Stage, content: bytes) -> str:
    """Drop `content` until it is seen half done in `stage`, and return the export's name.

    A quick machine may be through with it between two looks; then once more.
    """
    for number in range(1, 11):
        name = f"big-{stage}-{number}.bin"
        pair.drop(name, content)
        seen = eventually(
            lambda: "half done" if glimpse(pair, stage) else "over" if any(pair.into.iterdir()) else "",
            f"something big in {stage}",
        )
        if seen == "half done":
            return name
        shutil.rmtree(pair.delivery(pair.ferried(name)))
    raise AssertionError(f"{stage} was too quick to be seen ten times")


def test_a_node_stops_in_the_middle_of_something_big_and_goes_on_after_the_start(tmp_path: Path) -> None:
    # To receive from a mailbox that the node hosts itself is one link on its own disk: nothing is ever half done there.
    content = noise(1 << 20) * 48
    with running(make_pair(tmp_path)) as pair:
        for stage in (Stage.PACK, Stage.SEND, Stage.OPEN):
            busy = pair.police if stage in (Stage.PACK, Stage.SEND) else pair.procuratorate
            name = caught_in(pair, stage, content)
            stopped(busy)
            busy.start()
            ours = pair.ferried(name)
            assert pair.content(ours) == content
            shutil.rmtree(pair.delivery(ours))
        pair.come_to_rest()
        sent = sorted(known(t.sequence) for t in pair.police.transfers(Direction.OUTBOUND))
        assert sent == list(range(1, len(sent) + 1))
        for node in pair.nodes:
            stopped(node)
