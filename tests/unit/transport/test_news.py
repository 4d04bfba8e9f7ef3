"""News reach the parent, counted where they repeat, without ever holding up the server."""

import asyncio
import threading
from collections.abc import Awaitable, Callable

import pytest

from gateway.transport.news import News, NewsDesk


class Parent:
    """Hears what is told, once it listens."""

    def __init__(self, listens: bool = True) -> None:
        self.heard: list[News] = []
        self.has_heard = threading.Event()
        self.listens = threading.Event()
        if listens:
            self.listens.set()

    def ready(self, facts: News) -> None:
        self.heard.append({"ready": 1, **facts})

    def tell(self, news: News) -> None:
        self.listens.wait()
        self.heard.append(dict(news))
        self.has_heard.set()

    def fileno(self) -> int:
        raise AssertionError

    def order(self) -> object | None:
        raise AssertionError


def run(scenario: Callable[[NewsDesk], Awaitable[None]], parent: Parent) -> list[News]:
    async def through() -> None:
        await scenario(NewsDesk(parent))

    asyncio.run(through())
    return parent.heard


def test_the_same_news_are_counted_and_others_are_not() -> None:
    async def scenario(desk: NewsDesk) -> None:
        desk.ready({"port": 22})
        for _ in range(5):
            desk.tell("deposited", guest="A")
        desk.tell("deposited", guest="B")
        await desk.close(10.0)

    assert run(scenario, Parent()) == [
        {"ready": 1, "port": 22},
        {"event": "deposited", "guest": "A"},
        {"event": "deposited", "guest": "B"},
        {"event": "deposited", "guest": "A", "times": 4},
        {"event": "stopped"},
    ]


def test_what_somebody_waits_for_is_told_again_before_what_is_only_counted() -> None:
    parent = Parent()

    async def scenario(desk: NewsDesk) -> None:
        for _ in range(2):
            desk.tell("left", guest="A")
            desk.tell("deposited", guest="A")
        for _ in range(2_000):
            if len(parent.heard) == 4:
                break
            await asyncio.sleep(0.005)
        await desk.close(10.0)

    told = [news["event"] for news in run(scenario, parent)]
    assert told == ["left", "deposited", "deposited", "left", "stopped"]


def test_a_flood_is_dropped_and_counted() -> None:
    async def scenario(desk: NewsDesk) -> None:
        for number in range(1_500):
            desk.tell("turned-away", address=str(number))
        await desk.close(10.0)

    heard = run(scenario, Parent(listens=True))
    told = sum(news["event"] == "turned-away" for news in heard)
    assert 0 < told <= 1_000
    assert told + sum(int(news.get("dropped", 0)) for news in heard) == 1_500
    assert heard[-1]["event"] == "stopped"


def test_a_parent_that_does_not_listen_holds_nothing_up() -> None:
    parent = Parent(listens=False)

    async def scenario(desk: NewsDesk) -> None:
        desk.tell("left", guest="A")
        await desk.close(0.01)
        parent.listens.set()

    heard = run(scenario, parent)
    assert parent.has_heard.wait(60)
    assert heard[:1] == [{"event": "left", "guest": "A"}]


def test_a_parent_that_is_gone_is_no_failure() -> None:
    class Gone(Parent):
        def tell(self, news: News) -> None:
            raise BrokenPipeError

    async def scenario(desk: NewsDesk) -> None:
        desk.tell("left", guest="A")
        await desk.close(10.0)

    assert run(scenario, Gone()) == []


@pytest.mark.parametrize("times", [1, 2])
def test_counting_ends_after_a_moment(times: int) -> None:
    parent = Parent()

    async def scenario(desk: NewsDesk) -> None:
        for _ in range(times):
            desk.tell("deposited", guest="A")
        for _ in range(2_000):
            if len(parent.heard) == times:
                break
            await asyncio.sleep(0.005)
        assert len(parent.heard) == times
        await desk.close(10.0)

    assert run(scenario, parent)[-1] == {"event": "stopped"}
