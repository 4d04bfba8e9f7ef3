"""A node's workers as its configuration asks for them; what one link lacks keeps no other from working."""

from pathlib import Path

import pytest

from gateway.domain.lifecycle import State
from tests.support.houses import OUT, Street, build, opened, street


@pytest.fixture
def closed(tmp_path: Path) -> Street:
    return build(tmp_path / "street")


def names(made: Street) -> list[str]:
    return sorted(worker.name for worker in made.police.plan.workers)


def test_two_workers_to_a_link_and_one_to_each_shared_leg(closed: Street) -> None:
    with opened(closed) as made:
        assert names(made) == sorted(
            [
                *("claim", "pack", "open", "collect", "decide", "patience", "reconcile", "retain", "silence"),
                *("alerts", "expiry", "talks", "terms"),
                *("in-procuratorate", "out-procuratorate", "progress"),
            ]
        )
        assert made.police.plan.link_of == {"990102": "procuratorate"}
        assert [gate.view().name for gate in made.police.plan.gates.all].count("procuratorate") == 2


def test_a_link_that_is_disabled_has_no_workers(closed: Street) -> None:
    link = closed.police.root / "etc" / "links.d" / "procuratorate.yaml"
    link.write_text(link.read_text("utf-8") + "enabled: false\n", "utf-8")
    with opened(closed) as made:
        assert not [name for name in names(made) if name.endswith("procuratorate")]


def test_exports_for_a_unit_without_keys_wait_and_go_to_nobody_else(closed: Street) -> None:
    """Not even to the unit that stands behind `*`; and nothing is said against the export."""
    card = closed.police.state / "peers" / "990102.cfpeer"
    hidden = card.with_name(".hidden")
    card.rename(hidden)
    with opened(closed) as made:
        made.drop("one.txt", b"one")
        for _turn in range(3):
            made.go("police:claim", "police:pack")
            made.clock.time += 1
        waiting = made.police.only(OUT)
        assert (waiting.state, waiting.last_error, waiting.hold_code) == (State.FOUND, "peer-unknown", None)
        assert not (made.out / "err").exists()
        assert made.mail() == []
    hidden.rename(card)
    with opened(street(closed.root, closed.clock)) as made:
        made.settle()
        assert made.delivered() == {"one.txt": b"one"}
