"""First code of every child process: ties its life to the parent's, reads from the line what to be, and becomes that.

Run by path, with the line's descriptor and the parent's process id as arguments; imports nothing of ours before the
parent has said where to find it, so a child holds in memory only what its own function needs.
"""

import ctypes
import importlib
import json
import os
import signal
import socket
import struct
import sys

PR_SET_PDEATHSIG = 1  # prctl(2)
PR_SET_NAME = 15


def become(descriptor: int, parent: int) -> None:
    """Read the greeting (length as `<I`, JSON) from the inherited socket and call its target with that socket."""
    end = socket.socket(fileno=descriptor)
    _die_with(parent)
    # A terminal's Ctrl-C goes to everybody; the parent alone decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    greeting = json.loads(_exactly(end, struct.unpack("<I", _exactly(end, 4))[0]))
    sys.path[:] = greeting["path"]
    _call_me(greeting["name"])
    module, _, name = greeting["target"].partition(":")
    getattr(importlib.import_module(module), name)(end)


def _die_with(parent: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        # It died before we asked to be told.
        os._exit(1)


def _call_me(name: str) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_NAME, name.encode()[:15], 0, 0, 0)


def _exactly(end: socket.socket, count: int) -> bytes:
    got = b""
    while len(got) < count:
        piece = end.recv(count - len(got))
        if not piece:
            os._exit(0)
        got += piece
    return got


if __name__ == "__main__":
    become(int(sys.argv[1]), int(sys.argv[2]))
