"""Tells the parent process what happens, without waiting for it and without repeating itself."""

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

News = Mapping[str, str | int]
"""Code-like facts for the operations log: `event` is a slug, the others say whom and why; nothing personal."""

_QUIET = 0.25
"""Seconds in which the same news of the same guest or address are counted instead of told."""
_BELLS = frozenset({"deposited", "growing"})
"""News for which somebody waits: what is small comes right behind a dossier, and must not wait as long again."""
_QUIET_BELL = 0.03
"""Seconds in which a bell is not rung again: about what it takes to look what it was rung for."""
_WAITING_MAX = 1_000
"""News that may wait for a parent that does not listen, and kinds of news being counted; more are dropped."""


class Post(Protocol):
    """How a long-lived child process speaks with its parent; `gateway.daemon` has one."""

    def ready(self, facts: News, /) -> None:
        """Say that it serves now."""
        ...

    def tell(self, news: News, /) -> None:
        """Tell something; may block while the parent is slow."""
        ...

    def fileno(self) -> int:
        """Return a descriptor that is readable when an order waits."""
        ...

    def order(self) -> object | None:
        """Return the next order; None = end now, or the parent is gone."""
        ...


class NewsDesk:
    """Speaks to `post` from a thread of its own. Used inside one event loop."""

    def __init__(self, post: Post) -> None:
        self._post = post
        self._speaker = ThreadPoolExecutor(1, "news")
        self._waiting = 0
        self._counts: dict[tuple[str, tuple[tuple[str, str | int], ...]], int] = {}
        self._dropped = 0

    def ready(self, facts: News) -> None:
        """Say that the server serves."""
        self._hand_over(facts, is_ready=True)

    def tell(self, event: str, **facts: str | int) -> None:
        """Tell that `event` happened: at once, or counted as `times` if the same was told a moment ago."""
        key = event, tuple(sorted(facts.items()))
        if key in self._counts:
            self._counts[key] += 1
        elif max(len(self._counts), self._waiting) >= _WAITING_MAX:
            self._dropped += 1
        else:
            self._counts[key] = 0
            self._hand_over({"event": event, **facts})
            asyncio.get_running_loop().call_later(_QUIET_BELL if event in _BELLS else _QUIET, self._told, key)

    async def close(self, seconds: float) -> None:
        """Tell what was counted and that the server stopped; wait up to `seconds` for the parent to have heard."""
        for key in list(self._counts):
            self._told(key)
        self._hand_over({"event": "stopped"})
        loop = asyncio.get_running_loop()
        last = loop.run_in_executor(self._speaker, int)
        await asyncio.wait([last], timeout=seconds)
        self._speaker.shutdown(wait=False, cancel_futures=True)

    def _told(self, key: tuple[str, tuple[tuple[str, str | int], ...]]) -> None:
        times = self._counts.pop(key, 0)
        if times:
            event, facts = key
            self._hand_over({"event": event, **dict(facts), "times": times})

    def _hand_over(self, news: News, *, is_ready: bool = False) -> None:
        if self._dropped:
            news, self._dropped = {**news, "dropped": self._dropped}, 0
        self._waiting += 1
        speak = self._post.ready if is_ready else self._post.tell
        loop = asyncio.get_running_loop()
        loop.run_in_executor(self._speaker, speak, news).add_done_callback(self._heard)

    def _heard(self, spoken: "asyncio.Future[None]") -> None:
        self._waiting -= 1
        # A line that is broken is the parent's end; its order, or the lack of it, ends us.
        if not spoken.cancelled():
            spoken.exception()
