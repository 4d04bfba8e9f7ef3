"""Every call by which this process touches its files, met one by one just before it happens."""

import builtins
import io
import os
import posix
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, event

from gateway import linux

ROOM = frozenset({"create", "write", "pwrite", "mkdir", "rename", "replace", "rename-new", "link", "symlink", "fsync"})
ROOM |= {"syncfs", "conclude"}
"""Calls that a full disk or a used-up quota can refuse; those that sync as well, where blocks are allotted late."""
BYTES = frozenset({"read", "pread", "write", "pwrite"})
"""Calls that may move fewer bytes than they were asked to."""
EFFECTS = ROOM | {"fdatasync", "ftruncate", "truncate", "unlink", "rmdir", "chmod", "fchmod", "chown", "utime"}
EFFECTS |= {"commit"}
"""Calls after which the disk is another; between two of them a killed process leaves the same."""

_BY_PATH = ("stat", "lstat", "scandir", "listdir", "readlink", "access", "statvfs")
_BY_PATH += ("mkdir", "rmdir", "unlink", "chmod", "chown", "utime", "truncate")
_BY_FILE = ("read", "write", "pread", "pwrite", "fsync", "fdatasync", "ftruncate", "fchmod", "fstat", "fstatvfs")
_BY_TWO = ("rename", "replace", "link", "symlink")


@dataclass(frozen=True, slots=True)
class Call:
    """One call about to happen. `place`: the path it is about, for two paths the new one; `go` lets it happen."""

    name: str
    place: str
    function: Callable[..., Any]
    args: tuple[Any, ...]
    named: Mapping[str, Any]

    def go(self) -> Any:
        return self.function(*self.args, **self.named)

    def go_short(self) -> Any:
        """Let it happen for half of the bytes it was asked for, at least one."""
        at = next(number for number, one in enumerate(self.args) if number or not isinstance(one, int))
        args = list(self.args)
        if isinstance(args[at], int):
            args[at] = max(args[at] // 2, 1) if args[at] > 0 else args[at]
        else:
            view = memoryview(args[at]).cast("B")
            args[at] = view[: max(len(view) // 2, 1)]
        return self.function(*args, **self.named)


Around = Callable[[Call], Any]
"""Decides what becomes of a call: `call.go()`, something before or after it, or an error instead."""


@contextmanager
def met(around: Around, below: Path | None = None) -> Iterator[None]:
    """Give every call of this process about files (below `below`) to `around`, whatever thread it comes from.

    What SQLite does by itself is not seen; but each commit of a ledger that changed something is the call `commit`.
    """
    root = None if below is None else os.fspath(below)

    def give(call: Call) -> Any:
        return around(call) if root is None or call.place.startswith(root) else call.go()

    def by_path(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def wrapper(path: Any = ".", *args: Any, **named: Any) -> Any:
            return give(Call(name, _where(path, named.get("dir_fd")), function, (path, *args), named))

        return wrapper

    def by_two(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def wrapper(source: Any, target: Any, *args: Any, **named: Any) -> Any:
            place = _where(target, named.get("dst_dir_fd", named.get("dir_fd")))
            return give(Call(name, place, function, (source, target, *args), named))

        return wrapper

    def reading_into(file: int, buffers: Sequence[Any], at: int) -> int:
        (buffer,) = buffers
        into = Call(
            "pread", _where(file, None), lambda _file, part, _at: posix.preadv(file, [part], at), (file, buffer, at), {}
        )
        return give(into)  # type: ignore[no-any-return]  # the call's own answer

    def opening(path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        name = "create" if flags & (os.O_CREAT | os.O_TRUNC) else "open"
        named = {} if dir_fd is None else {"dir_fd": dir_fd}
        return give(Call(name, _where(path, dir_fd), posix.open, (path, flags, mode), named))  # type: ignore[no-any-return]  # the call's own answer

    def renaming(source: Path | str, target: Path | str, *folder: int) -> None:
        give(Call("rename-new", _where(target, *(folder or (None,))), rename_new, (source, target, *folder), {}))

    def forcing(descriptor: int) -> None:
        give(Call("syncfs", _where(descriptor, None), sync_file_system, (descriptor,), {}))

    def settling(descriptor: int) -> None:
        give(Call("settle", _where(descriptor, None), finish_writing, (descriptor,), {}))

    def concluding(descriptor: int) -> None:
        give(Call("conclude", _where(descriptor, None), posix.fsync, (descriptor,), {}))

    class Raw(io.FileIO):
        """A file whose reads and writes are met."""

        def _give(self, name: str, function: Callable[..., Any], *args: Any) -> Any:
            return give(Call(name, _where(self.fileno(), None), function, (self.fileno(), *args), {}))

        def write(self, data: Any, /) -> int:
            return self._give("write", posix.write, data)  # type: ignore[no-any-return]  # the call's own answer

        def read(self, size: int | None = -1, /) -> bytes:
            if size is None or size < 0:
                return self.readall()
            return self._give("read", posix.read, size)  # type: ignore[no-any-return]  # the call's own answer

        def readall(self) -> bytes:
            parts = []
            while part := self.read(1 << 20):
                parts.append(part)
            return b"".join(parts)

        def readinto(self, buffer: Any, /) -> int:
            view = memoryview(buffer).cast("B")
            data = self.read(len(view))
            view[: len(data)] = data
            return len(data)

        def truncate(self, size: int | None = None, /) -> int:
            wanted = self.tell() if size is None else size
            self._give("ftruncate", posix.ftruncate, wanted)
            return wanted

    def open_file(
        file: Any, mode: str = "r", buffering: int = -1, encoding: str | None = None, errors: str | None = None,
        newline: str | None = None, closefd: bool = True, opener: Callable[[str, int], int] | None = None,
    ) -> Any:  # fmt: skip
        raw = Raw(file, mode.replace("t", "").replace("b", ""), closefd, opener or (lambda p, f: opening(p, f, 0o666)))
        if buffering == 0:
            return raw
        kind = io.BufferedRandom if "+" in mode else io.BufferedReader if "r" in mode else io.BufferedWriter
        buffered = kind(raw) if buffering in {-1, 1} else kind(raw, buffering)  # type: ignore[operator]  # all three take the same
        return buffered if "b" in mode else io.TextIOWrapper(buffered, encoding, errors, newline, buffering == 1)

    def committing(connection: Connection) -> None:
        file = connection.connection.driver_connection
        if file is not None and file.total_changes:
            give(Call("commit", root or "", lambda: None, (), {}))

    rename_new, sync_file_system, finish_writing = linux.rename_new, linux.sync_file_system, linux.finish_writing
    wrapped: list[tuple[Any, str, Any]] = [(os, name, by_path(name, getattr(posix, name))) for name in _BY_PATH]
    wrapped += [(os, name, by_path(name, getattr(posix, name))) for name in _BY_FILE]
    wrapped += [(os, name, by_two(name, getattr(posix, name))) for name in _BY_TWO]
    wrapped += [(os, "preadv", reading_into)]
    wrapped += [(os, "open", opening), (io, "open", open_file), (builtins, "open", open_file)]
    wrapped += [(linux, "rename_new", renaming), (linux, "conclude", concluding)]
    wrapped += [(linux, "sync_file_system", forcing), (linux, "finish_writing", settling)]
    saved = [(owner, name, getattr(owner, name)) for owner, name, _wrapper in wrapped]
    event.listen(Engine, "commit", committing)
    try:
        for owner, name, wrapper in wrapped:
            setattr(owner, name, wrapper)
        yield
    finally:
        for owner, name, function in saved:
            setattr(owner, name, function)
        event.remove(Engine, "commit", committing)


def _where(path: Any, folder: int | None) -> str:
    """Return the path that a call names by a path, by a descriptor, or by a name in an open folder."""
    if isinstance(path, int):
        return posix.readlink(f"/proc/self/fd/{path}")
    name = os.fsdecode(path)
    if name.startswith("/proc/self/fd/"):
        number, _, below = name.removeprefix("/proc/self/fd/").partition("/")
        return f"{posix.readlink(f'/proc/self/fd/{number}')}/{below}".rstrip("/")
    return name if folder is None else f"{posix.readlink(f'/proc/self/fd/{folder}')}/{name}"
