"""Work in a thread of its own, whose end a future tells."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

R = TypeVar("R")


def begun(call: Callable[[], R]) -> "Future[R]":
    """Begin `call` in a thread that no exit waits for; its future may be cancelled until it runs."""
    future: Future[R] = Future()

    def do() -> None:
        if not future.set_running_or_notify_cancel():
            return
        try:
            found = call()
        except BaseException as error:  # noqa: BLE001 - the future carries it
            future.set_exception(error)
        else:
            future.set_result(found)

    threading.Thread(target=do, daemon=True).start()
    return future
