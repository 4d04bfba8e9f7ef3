"""Two nodes without processes: real ledgers, files, bundles and folder links; only time is told, and may be broken."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from gateway.cli.demo_nodes import POLICE, PROCURATORATE, make_nodes
from gateway.compose.ground import Ground
from gateway.compose.identity import Identity, load_identity
from gateway.compose.inprocess import open_inside
from gateway.compose.workers import Plan
from gateway.daemon.progress import ProgressBoard
from gateway.daemon.worker import Worker
from gateway.domain.clock import Clock
from gateway.domain.errors import GatewayError
from gateway.domain.ids import ClaimToken, UnitCode
from gateway.domain.lifecycle import Direction, State, ends
from gateway.domain.records import Transfer
from gateway.ledger.queries import TransferFilter
from gateway.ledger.store import Ledger
from gateway.transport.api import Transport
from gateway.words.catalogue import Words
from tests.support.claiming import whole_tokens
from tests.support.ledger import START, ToldClock

OUT, IN = Direction.OUTBOUND, Direction.INBOUND
TURNS = 400
"""Rounds after which an exchange that has not come to its end never will."""


@dataclass
class Heard:
    """An operations log that remembers."""

    lines: list[tuple[str, str, dict[str, object]]] = field(default_factory=list)

    def info(self, event: str, /, **facts: object) -> None:
        self.lines.append(("info", event, facts))

    def warn(self, event: str, /, **facts: object) -> None:
        self.lines.append(("warn", event, facts))

    def error(self, event: str, /, **facts: object) -> None:
        self.lines.append(("error", event, facts))

    def alert(self, event: str, /, **facts: object) -> None:
        self.lines.append(("alert", event, facts))

    def of(self, event: str) -> list[dict[str, object]]:
        """Return the facts of every line of `event`."""
        return [facts for _level, found, facts in self.lines if found == event]

    def alerts(self) -> list[str]:
        return [event for level, event, _facts in self.lines if level == "alert"]


@dataclass
class House:
    """One node's parts, built from its configuration folder over its disk. `open` is a start, `close` an end."""

    root: Path
    unit: UnitCode
    clock: ToldClock
    log: Heard = field(default_factory=Heard)
    change: Callable[[Ground], Ground] = lambda ground: ground
    """Puts something else in the place of a part, e.g. a ledger that fails."""
    equip: Callable[[Identity], Identity] = lambda identity: identity
    """Changes what was read from the configuration folder, e.g. gives it a roster."""
    free_space: int = 0
    """Bytes of its disk that are never used up."""
    identity: Identity = field(init=False)
    ground: Ground = field(init=False)
    plan: Plan = field(init=False)

    @property
    def state(self) -> Path:
        return self.root / "state"

    def open(self) -> "House":
        """Do what a daemon does at its start."""
        node = open_inside(
            self.equip(load_identity(self.root / "etc", {})),
            clock=self.clock,
            ops=self.log,
            words=Words("en"),
            free_space=self.free_space,
            epoch=lambda: 7,
            change=self.change,
        )
        self.identity, self.ground, self.plan = node.identity, node.ground, node.plan
        return self

    def close(self) -> None:
        self.ground.ledger.close()

    @property
    def ledger(self) -> Ledger:
        return self.ground.ledger

    def worker(self, name: str) -> Worker:
        """Return one worker by its name."""
        return next(worker for worker in self.plan.workers if worker.name == name)

    def transfers(self, direction: Direction) -> list[Transfer]:
        """Return all transfers of a direction, oldest first."""
        return self.ledger.search(TransferFilter(direction=direction), 1000)[::-1]

    def only(self, direction: Direction) -> Transfer:
        (transfer,) = self.transfers(direction)
        return transfer

    def events(self, transfer: Transfer) -> list[str]:
        return [entry.what for entry in self.ledger.timeline(transfer.id) if entry.kind == "event"]

    def is_quiet(self) -> bool:
        """Whether nothing is owed that can be done without a person."""
        return not any(
            count and state not in ends(direction) | {State.QUARANTINED}
            for (direction, state), count in self.ledger.counts().by_state.items()
        )


@dataclass
class Street:
    """The police house and the procuratorate house, and the two folders between them."""

    root: Path
    clock: ToldClock
    police: House
    procuratorate: House
    aside: Callable[[], AbstractContextManager[None]] = nullcontext
    """Surrounds what only the test looks at."""

    @property
    def houses(self) -> tuple[House, House]:
        return self.police, self.procuratorate

    @property
    def out(self) -> Path:
        return self.police.root / "out" / "files"

    @property
    def into(self) -> Path:
        return self.procuratorate.root / "in"

    @property
    def there(self) -> Path:
        """The folder in which the procuratorate finds what the police left."""
        return self.root / "to-procuratorate"

    @property
    def back(self) -> Path:
        """The folder in which the police finds what the procuratorate left."""
        return self.root / "to-police"

    def open(self) -> "Street":
        for house in self.houses:
            house.open()
        if not any(house.transfers(way) for house in self.houses for way in Direction):
            self.greet()
        return self

    def greet(self) -> None:
        """Let both say where they stand, as they do when they start, so that a test finds empty folders."""
        for _turn in range(3):
            for house in self.houses:
                for worker in house.plan.workers:
                    if worker.name.startswith(("out-", "in-")):
                        self.step(house, worker.name)

    def close(self) -> None:
        for house in self.houses:
            house.close()

    def drop(self, name: str, content: bytes) -> None:
        (self.out / name).write_bytes(content)

    def step(self, house: House, name: str) -> float | None:
        """Let one worker do one step as the supervisor would: what it raises of our own family is tried again."""
        try:
            return house.worker(name).step()
        except GatewayError:
            return 1.0

    def go(self, *names: str) -> None:
        """Let the workers of these names step once, in order: `police:claim`, `procuratorate:open`."""
        for name in names:
            who, _, worker = name.partition(":")
            self.step(self.police if who == "police" else self.procuratorate, worker)

    def work(self, turns: int = 1, seconds: float = 0.5) -> None:
        """Let everybody step so often, and `seconds` pass after each turn."""
        for _turn in range(turns):
            self._let_all_step()
            self.clock.time += seconds

    def settle(self, turns: int = TURNS) -> None:
        """Let everybody work, and time pass, until nobody owes anything; AssertionError if that never comes."""
        for _turn in range(turns):
            self._let_all_step()
            with self.aside():
                if all(one.is_quiet() for one in self.houses) and not (self.mail() or self.waiting() or self.unknown()):
                    return
            self.clock.time += 0.5
        raise AssertionError(
            [(t.direction, t.state, t.last_error) for h in self.houses for t in h.transfers(OUT) + h.transfers(IN)]
        )

    def _let_all_step(self) -> None:
        for house in self.houses:
            for worker in house.plan.workers:
                if worker.name not in ("retain", "reconcile", ProgressBoard.name):
                    self.step(house, worker.name)

    def mail(self) -> list[Path]:
        """Return what lies in the two folders."""
        return [path for folder in (self.there, self.back) for path in folder.iterdir()]

    def waiting(self) -> list[Path]:
        """Return the exports that nobody has claimed."""
        return [
            path for folder in (self.out, self.out.with_name("police")) for path in folder.iterdir() if path.is_file()
        ]

    def unknown(self) -> list[ClaimToken]:
        """Return what was claimed and is not in the ledger."""
        tokens = whole_tokens(self.police.ground.shelf)
        return [token for token in tokens if self.police.ledger.by_claim(token) is None]

    def leftovers(self) -> list[str]:
        """Return what should not be there when all is over."""
        found = [str(path) for path in self.mail()]
        for house in self.houses:
            spool = house.state / "spool"
            for folder in (spool / "outbound", spool / "inbound", spool / "staging", spool / "claims"):
                for path in folder.rglob("*"):
                    name = path.name
                    if name.startswith(".") or (path.is_file() and folder.name in ("inbound", "staging")):
                        found.append(str(path.relative_to(house.root)))
        return found

    def delivered(self) -> dict[str, bytes]:
        """Return name -> bytes of everything in the inbound folder; AssertionError if a name came twice."""
        files = [path for folder in self.into.glob("*/content") for path in folder.iterdir()]
        assert len({path.name for path in files}) == len(files), files
        return {path.name: path.read_bytes() for path in files}


_LINK = """\
name: {name}
peer: "{peer}"
transport: folder
folder:
  deposit: ../../{out}
  collect: ../../{back}
"""


def build(root: Path, clock: ToldClock | None = None) -> Street:
    """Make two nodes below `root`, joined by two folders; their keys count from `clock` on."""
    make_nodes(root, clock or ToldClock())
    for folder in ("to-procuratorate", "to-police"):
        (root / folder).mkdir()
    for node, name, peer, out, back in (
        ("police", "procuratorate", PROCURATORATE, "to-procuratorate", "to-police"),
        ("procuratorate", "police", POLICE, "to-police", "to-procuratorate"),
    ):
        text = _LINK.format(name=name, peer=peer, out=out, back=back)
        (root / node / "etc" / "links.d" / f"{name}.yaml").write_text(text, "utf-8")
    return street(root, clock)


def street(root: Path, clock: Clock | None = None) -> Street:
    """Return the street that was built below `root`, not yet opened."""
    told = clock if isinstance(clock, ToldClock) else ToldClock(START + 10)
    return Street(root, told, House(root / "police", POLICE, told), House(root / "procuratorate", PROCURATORATE, told))


@contextmanager
def opened(made: Street) -> Iterator[Street]:
    """Open both houses, and close them in any case."""
    made.open()
    try:
        yield made
    finally:
        made.close()


class Faults:
    """Errors to come out of the line: method name -> errors, one for each call, None for a call that works.

    `late` methods do their work before they fail, as when the line breaks after the last byte.
    """

    def __init__(self) -> None:
        self.errors: dict[str, list[GatewayError | None]] = {}
        self.late: set[str] = set()
        self.calls: list[str] = []

    def wrap(self, transport: Transport) -> Transport:
        """Return `transport` with these faults."""
        return _Faulty(transport, self)


class _Faulty:
    def __init__(self, transport: Transport, faults: Faults) -> None:
        self._transport = transport
        self._faults = faults

    def __getattr__(self, name: str) -> Callable[..., object]:
        method = getattr(self._transport, name)

        def call(*args: object, **kwargs: object) -> object:
            self._faults.calls.append(name)
            errors = self._faults.errors.get(name, [])
            error = errors.pop(0) if errors else None
            answer = method(*args, **kwargs) if error is None or name in self._faults.late else None
            if error is not None:
                raise error
            return answer

        return call
