"""What the log cries goes to a box as well: every cry and every bug, scrubbed, never more than the box holds."""

from dataclasses import dataclass, field

from gateway.daemon.cries import CRIES_MAX, CryBox, CryingLog
from gateway.domain.oplog import Fact
from gateway.stages.alerting import Cry
from tests.support.ledger import ToldClock

CLOCK = ToldClock(1_772_000_000.0)


@dataclass
class Lines:
    """A log that remembers."""

    said: list[tuple[str, str, dict[str, Fact]]] = field(default_factory=list)

    def info(self, event: str, /, **facts: Fact) -> None:
        self.said.append(("info", event, facts))

    def warn(self, event: str, /, **facts: Fact) -> None:
        self.said.append(("warn", event, facts))

    def error(self, event: str, /, **facts: Fact) -> None:
        self.said.append(("error", event, facts))

    def alert(self, event: str, /, **facts: Fact) -> None:
        self.said.append(("alert", event, facts))

    def bug(self, event: str, error: BaseException, /, **facts: Fact) -> None:
        self.said.append(("bug", event, {**facts, "error": str(error)}))


def test_everything_is_logged_and_what_somebody_must_see_is_cried_too() -> None:
    log, rung = Lines(), list[int]()
    box = CryBox(lambda: rung.append(1))
    crying = CryingLog(log, box, CLOCK)
    crying.info("a")
    crying.warn("b")
    crying.error("c")
    crying.alert("export-blocked", transfer=4)
    crying.bug("worker-died", ValueError("张三"), worker="pack")
    assert [(level, event) for level, event, _facts in log.said] == [
        ("info", "a"),
        ("warn", "b"),
        ("error", "c"),
        ("alert", "export-blocked"),
        ("bug", "worker-died"),
    ]
    # The message of a bug may hold anything: it stays in the log.
    assert box.take() == [
        Cry(CLOCK.time, "export-blocked", {"transfer": 4}),
        Cry(CLOCK.time, "worker-died", {"worker": "pack"}),
    ]
    assert box.take() == []
    assert len(rung) == 2


def test_details_and_whole_identity_numbers_are_not_cried() -> None:
    box = CryBox(lambda: None)
    CryingLog(Lines(), box, CLOCK).alert("x", detail="张三 was here", subject="110101199003070011", code="y")
    (cry,) = box.take()
    assert "detail" not in cry.facts
    assert "110101199003070011" not in str(cry.facts)
    assert cry.facts["code"] == "y"


def test_a_full_box_forgets_the_oldest() -> None:
    box = CryBox(lambda: None)
    for number in range(CRIES_MAX + 2):
        box.put(Cry(float(number), "x", {}))
    taken = box.take()
    assert (len(taken), taken[0].at, taken[-1].at) == (CRIES_MAX, 2.0, CRIES_MAX + 1.0)
