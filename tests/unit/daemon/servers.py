"""Long-lived functions that the child tests run in a process of their own."""

import os
import signal
import threading
from pathlib import Path

from gateway.daemon.childpost import Post, Reload
from gateway.daemon.frames import Kind
from gateway.domain.errors import ConfigError, Scope


def echo(argument: str, post: Post) -> None:
    """Serve: tell every new argument back, until told to end."""
    post.ready({"port": 2222, "argument": argument})
    while isinstance(order := post.order(), Reload):
        post.tell({"argument": order.argument})


def refuse(_argument: None, _post: Post) -> None:
    raise ConfigError("port-in-use", "2222", scope=Scope.NODE)


def blunder(_argument: None, _post: Post) -> None:
    raise KeyError("secret")


def never_ready(_argument: None, post: Post) -> None:
    post.order()


def deaf(_argument: None, post: Post) -> None:
    """Become ready and heed neither order nor signal."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    post.ready({})
    threading.Event().wait()


def second_time_lucky(mark: str, post: Post) -> None:
    """Die by the first start, serve from the second on."""
    path = Path(mark)
    if not path.exists():
        path.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    echo("later", post)


def ignores_hangup(_argument: None, post: Post) -> None:
    os.kill(os.getpid(), signal.SIGHUP)
    echo("alive", post)


def babble(_argument: None, post: Post) -> None:
    post._send(Kind.RESULT, {})
    post.order()
