"""Group commit: what comes together shares one commit, and nobody pays for a neighbour's mistake."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, event, text
from sqlalchemy.exc import OperationalError

from gateway.domain.errors import GatewayError, PermanentError, Scope, TransientError
from gateway.domain.lifecycle import Direction, Event, IllegalStepError, State
from gateway.domain.records import Stage, Step
from gateway.ledger import database
from gateway.ledger.change import Touch, Touched
from gateway.ledger.commits import AT_MOST, GroupCommit
from gateway.ledger.database import prepare_file, writer_engine
from tests.support.ledger import export, found, open_ledger, seal, sealed

PATIENCE = 60.0
"""Seconds after which a test that waits for another thread gives up."""


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    path = tmp_path / "group" / "group.db"
    prepare_file(path)
    made = writer_engine(path)
    with made.begin() as connection:
        connection.execute(text("CREATE TABLE t (n INTEGER PRIMARY KEY) STRICT"))
    yield made
    made.dispose()


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(AT_MOST + 2) as pool:
        yield pool


class Tally:
    """Counts the commits of an engine."""

    def __init__(self, engine: Engine) -> None:
        self.commits = 0
        event.listen(engine, "commit", self._commit)

    def _commit(self, _connection: Connection) -> None:
        self.commits += 1


def insert(number: int) -> Callable[[Connection], int]:
    def work(connection: Connection) -> int:
        connection.execute(text("INSERT INTO t VALUES (:n)"), {"n": number})
        return number

    return work


def numbers(engine: Engine) -> list[int]:
    with engine.begin() as connection:
        return list(connection.execute(text("SELECT n FROM t ORDER BY n")).scalars())


def nothing() -> None:
    """What follows a commit that nobody listens to."""


class Crowd:
    """A leader stopped inside its commit, so that others gather behind it."""

    def __init__(self, group: GroupCommit, threads: ThreadPoolExecutor) -> None:
        self._group = group
        self._threads = threads
        self._go_on = threading.Event()
        inside = threading.Event()

        def work(connection: Connection) -> int:
            inside.set()
            assert self._go_on.wait(PATIENCE)
            return insert(0)(connection)

        self.leader = threads.submit(group.run, work, nothing)
        assert inside.wait(PATIENCE)

    def join(self, work: Callable[[Connection], int], after: Callable[[], None] = nothing) -> Future[int]:
        """Add one that waits, and return once it is waiting."""
        expected = self._group.waiting + 1
        future = self._threads.submit(self._group.run, work, after)
        until = time.monotonic() + PATIENCE
        while self._group.waiting < expected:
            assert time.monotonic() < until
            time.sleep(0)
        return future

    def go_on(self) -> None:
        self._go_on.set()
        self.leader.result(PATIENCE)


def test_those_who_wait_share_one_commit(engine: Engine, threads: ThreadPoolExecutor) -> None:
    tally = Tally(engine)
    crowd = Crowd(GroupCommit(engine), threads)
    waiting = [crowd.join(insert(number)) for number in range(1, 21)]
    crowd.go_on()
    assert [future.result(PATIENCE) for future in waiting] == list(range(1, 21))
    assert tally.commits == 2
    assert numbers(engine) == list(range(21))


def test_no_commit_grows_without_end(engine: Engine, threads: ThreadPoolExecutor) -> None:
    tally = Tally(engine)
    crowd = Crowd(GroupCommit(engine), threads)
    waiting = [crowd.join(insert(number)) for number in range(1, AT_MOST + 2)]
    crowd.go_on()
    assert sorted(future.result(PATIENCE) for future in waiting) == list(range(1, AT_MOST + 2))
    assert tally.commits == 3


def test_a_mistake_spoils_nobody_elses_work(engine: Engine, threads: ThreadPoolExecutor) -> None:
    def bug(connection: Connection) -> int:
        insert(99)(connection)
        raise IllegalStepError("a bug")

    def wrong_sql(connection: Connection) -> int:
        connection.execute(text("SELECT nonsense FROM nowhere"))
        return 0

    heard: list[str] = []
    crowd = Crowd(GroupCommit(engine), threads)
    good = [crowd.join(insert(1), lambda: heard.append("1"))]
    bad = [crowd.join(work, lambda: heard.append("bad")) for work in (bug, insert(1), wrong_sql)]
    good.append(crowd.join(insert(2), lambda: heard.append("2")))
    crowd.go_on()
    assert [future.result(PATIENCE) for future in good] == [1, 2]
    errors = [future.exception(PATIENCE) for future in bad]
    assert [type(error) for error in errors] == [IllegalStepError, PermanentError, OperationalError]
    assert str(errors[1]).startswith("ledger-contradiction")
    assert numbers(engine) == [0, 1, 2]
    assert sorted(heard) == ["1", "2"]


def test_when_the_commit_fails_everybody_hears_it(engine: Engine, threads: ThreadPoolExecutor) -> None:
    def full(connection: Connection) -> int:
        (pages,) = connection.execute(text("PRAGMA page_count")).one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
        connection.exec_driver_sql(
            "CREATE TABLE big AS WITH RECURSIVE c(x) AS (VALUES(1) UNION ALL SELECT x+1 FROM c"
            " WHERE x < 5000) SELECT x, hex(zeroblob(100)) FROM c"
        )
        return 0

    heard: list[str] = []
    group = GroupCommit(engine)
    crowd = Crowd(group, threads)
    waiting = [crowd.join(work, lambda: heard.append("done")) for work in (insert(1), full, insert(2))]
    crowd.go_on()
    errors = [future.exception(PATIENCE) for future in waiting]
    assert [(type(e), e.code, e.scope) for e in errors if isinstance(e, GatewayError)] == [
        (TransientError, "disk-full", Scope.NODE)
    ] * 3
    assert len({id(error) for error in errors}) == 3
    assert (numbers(engine), heard) == ([0], [])
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 100000")
    assert group.run(insert(3), nothing) == 3
    assert numbers(engine) == [0, 3]


def test_an_interrupted_leader_leaves_nobody_waiting(engine: Engine, threads: ThreadPoolExecutor) -> None:
    def interrupted(_connection: Connection) -> int:
        raise KeyboardInterrupt

    group = GroupCommit(engine)
    crowd = Crowd(group, threads)
    cut = crowd.join(interrupted)
    neighbour = crowd.join(insert(1))
    crowd.go_on()
    assert type(cut.exception(PATIENCE)) is KeyboardInterrupt
    error = neighbour.exception(PATIENCE)
    assert isinstance(error, TransientError)
    assert error.code == "ledger-busy"
    assert group.run(insert(2), nothing) == 2
    assert numbers(engine) == [0, 2]


def test_closing_waits_for_those_who_were_there(engine: Engine, threads: ThreadPoolExecutor) -> None:
    group = GroupCommit(engine)
    crowd = Crowd(group, threads)
    waiting = crowd.join(insert(1))
    closing = threads.submit(group.close)
    crowd.go_on()
    assert waiting.result(PATIENCE) == 1
    assert closing.result(PATIENCE) is True
    assert group.close() is False
    with pytest.raises(PermanentError):
        group.run(insert(2), nothing)
    assert numbers(engine) == [0, 1]


def test_another_process_that_writes_too_long_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.01)
    with open_ledger(tmp_path) as ledger:
        other = writer_engine(tmp_path / "ledger" / "ledger.db")
        with other.begin(), pytest.raises(TransientError) as refused:
            found(ledger)
        other.dispose()
        assert (refused.value.code, refused.value.scope) == ("ledger-busy", Scope.NODE)
        assert found(ledger).state is State.FOUND


def test_a_full_disk_records_nothing_and_is_survived(tmp_path: Path) -> None:
    with open_ledger(tmp_path) as ledger:
        before = sealed(ledger)
        writer = ledger._connections._writer  # the limit belongs to the connection, which nobody else can reach
        assert writer is not None
        with writer.begin() as connection:
            (pages,) = connection.exec_driver_sql("PRAGMA page_count").one()
            connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(TransientError) as refused:
            ledger.found([export(number) for number in range(2, 500)])
        assert (refused.value.code, refused.value.scope) == ("disk-full", Scope.NODE)
        with writer.begin() as connection:
            connection.exec_driver_sql("PRAGMA max_page_count = 100000")
        assert ledger.advance(Step(before, Event.SENT, Stage.SEND)).state is State.SENT
        ledger.check()


def test_listeners_hear_which_states_changed_once_it_is_durable(tmp_path: Path) -> None:
    heard: list[Touched] = []
    with open_ledger(tmp_path) as ledger, open_ledger(tmp_path, read_only=True) as reader:

        def listen(touched: Touched) -> None:
            assert sum(reader.counts().by_state.values()) > 0
            heard.append(touched)

        ledger.on_change(listen)
        transfer = found(ledger)
        found(ledger)
        with pytest.raises(IllegalStepError):
            ledger.advance(Step(transfer, Event.SENT, Stage.SEND))
        transfer = ledger.advance(seal(transfer, 1, 1))
        ledger.hold(transfer, "operator-hold", "wang", "wait")
    ours = Direction.OUTBOUND
    assert heard == [
        {Touch(ours, State.FOUND, None, is_new=True)},
        {Touch(ours, State.SEALED, transfer.link, is_new=True)},
        {Touch(ours, State.SEALED, transfer.link, is_new=False)},
    ]


def test_many_threads_move_many_transfers(tmp_path: Path) -> None:
    with open_ledger(tmp_path) as ledger, ThreadPoolExecutor(8) as pool:
        transfers = [sealed(ledger, number) for number in range(1, 61)]
        moved = list(pool.map(lambda t: ledger.advance(Step(t, Event.SENT, Stage.SEND)), transfers))
        assert [t.state for t in moved] == [State.SENT] * 60
        assert [ledger.get(t.id) for t in transfers] == moved
