"""What a power cut takes back: names and bytes that no fsync has forced to the disk.

The model is the strictest that file systems in use keep to: a new, removed or renamed name lasts once its folder was
synced, a rename is one effect and lasts once either of its folders was, bytes last once their file was; all of a file
system lasts once that was synced as a whole. Where a file system keeps order (gateway/folders/order.py), bytes that
were settled are there where names are that were given later, and a conclusion makes all names last, through a file
those bytes too. What SQLite writes is not seen here, and is durable at its commits. Access rights and times are not
taken back.
"""

import os
import pickle
import posix
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gateway import linux
from tests.support.calls import Call

Node = tuple[int, int]
"""Device and inode: what a file is, whatever it is called."""


@dataclass(frozen=True, slots=True)
class _Kept:
    """A file, link or empty folder that lost its name, as it would come back."""

    mode: int
    data: bytes
    times: tuple[int, int]
    node: Node


@dataclass(frozen=True, slots=True)
class _Change:
    """One name that came, went, or took another's place: `gained` is what bears it now, `lost` what bore it before."""

    folder: Node
    name: str
    gained: Node | None = None
    lost: _Kept | None = None
    came_from: tuple[Node, str] | None = None


@dataclass
class PowerCut:
    """Watches the calls below `root` of one process, or of several that follow each other, and takes back what did not
    last when it is told to `cut`."""

    root: Path
    _bytes: dict[Node, bytes] = field(default_factory=dict)
    _settled: dict[Node, bytes] = field(default_factory=dict)
    """What lasts of files whose bytes were settled and not yet concluded."""
    _changes: list[_Change] = field(default_factory=list)
    _held: list[int] = field(default_factory=list)

    def around(self, call: Call) -> Any:
        """Let `call` happen and remember what it would take to undo it."""
        watcher = getattr(self, f"_{call.name.replace('-', '_')}", None)
        return call.go() if watcher is None else watcher(call)

    def saved(self) -> bytes:
        """Return what it would take to undo, for a watcher of whoever comes after this process."""
        return pickle.dumps((self._bytes, self._settled, self._changes, self._held))

    @classmethod
    def after(cls, process: int, root: Path, saved: bytes) -> "PowerCut":
        """Return the watcher that goes on where that of `process`, which is stopped, has `saved`: the disk remembers
        what a killed process owed it. To be closed."""
        data, settled, changes, held = pickle.loads(saved)
        return cls(root, data, settled, changes, [posix.open(f"/proc/{process}/fd/{one}", os.O_PATH) for one in held])

    def close(self) -> None:
        """Let go of the numbers of what was removed."""
        for one in self._held:
            posix.close(one)

    def cut(self, *, names: bool = True) -> None:
        """Take back every byte, and (`names`) every name, that was not synced; with the names what was only settled."""
        if names:
            came_back: dict[Node, Node] = {}
            for change in reversed(self._changes):
                self._undo(change, came_back)
        for node, data in (self._bytes | (self._settled if names else {})).items():
            for path in self._paths(node):
                path.write_bytes(data)

    # -- bytes --------------------------------------------------------------------------------------------------------

    def _create(self, call: Call) -> int:
        path, flags = _at(call), call.args[1]
        before = _look(path)
        if before is not None and flags & os.O_TRUNC and stat.S_ISREG(before.st_mode):
            self._remember(_node(before), path)
        descriptor = int(call.go())
        if before is None:
            made = _node(posix.fstat(descriptor))
            self._bytes[made] = b""
            self._note(path, gained=made)
        return descriptor

    def _write(self, call: Call) -> Any:
        found = posix.fstat(call.args[0])
        if stat.S_ISREG(found.st_mode):
            self._remember(_node(found), Path(f"/proc/self/fd/{call.args[0]}"))
        return call.go()

    _pwrite = _ftruncate = _write

    def _fsync(self, call: Call) -> Any:
        answer = call.go()
        synced = _node(posix.fstat(call.args[0]))
        self._bytes.pop(synced, None)
        self._settled.pop(synced, None)
        self._changes = [
            change
            for change in self._changes
            if synced != change.folder and (change.came_from is None or synced != change.came_from[0])
        ]
        return answer

    _fdatasync = _fsync

    def _syncfs(self, call: Call) -> Any:
        answer = call.go()
        device = posix.fstat(call.args[0]).st_dev
        self._bytes = {node: data for node, data in self._bytes.items() if node[0] != device}
        self._last(device)
        return answer

    def _settle(self, call: Call) -> Any:
        answer = call.go()
        node = _node(posix.fstat(call.args[0]))
        if node in self._bytes:
            self._settled.setdefault(node, self._bytes.pop(node))
        return answer

    def _conclude(self, call: Call) -> Any:
        answer = self._fsync(call)
        through = posix.fstat(call.args[0])
        if linux.keeps_order(call.args[0]):
            self._last(through.st_dev, bytes_too=stat.S_ISREG(through.st_mode))
        return answer

    def _last(self, device: int, *, bytes_too: bool = True) -> None:
        if bytes_too:
            self._settled = {node: data for node, data in self._settled.items() if node[0] != device}
        self._changes = [change for change in self._changes if change.folder[0] != device]

    def _remember(self, node: Node, path: Path) -> None:
        if node not in self._bytes:
            self._bytes[node] = _read(path)

    # -- names --------------------------------------------------------------------------------------------------------

    def _mkdir(self, call: Call) -> Any:
        call.go()
        made = _look(_at(call))
        if made is not None:
            self._note(_at(call), gained=_node(made))

    def _link(self, call: Call) -> Any:
        call.go()
        made = _look(Path(call.place))
        if made is not None:
            self._note(Path(call.place), gained=_node(made))

    _symlink = _link

    def _unlink(self, call: Call) -> Any:
        lost = self._keep(_at(call))
        call.go()
        self._note(_at(call), lost=lost)

    _rmdir = _unlink

    def _rename(self, call: Call) -> Any:
        source, target = _source(call), Path(call.place)
        moved, lost = _look(source), self._keep(target)
        came_from = self._folder(source), source.name
        call.go()
        if moved is not None:
            self._note(target, gained=_node(moved), lost=lost, came_from=came_from)

    _replace = _rename_new = _rename

    def _note(self, path: Path, **what: Any) -> None:
        self._changes.append(_Change(self._folder(path), path.name, **what))

    def _folder(self, path: Path) -> Node:
        # Held open, so that the number of a removed folder is not given to another one.
        self._held.append(posix.open(path.parent, os.O_PATH))
        return _node(posix.fstat(self._held[-1]))

    def _keep(self, path: Path) -> _Kept | None:
        found = _look(path)
        if found is None:
            return None
        self._held.append(posix.open(path, os.O_PATH | os.O_NOFOLLOW))
        data = b""
        if stat.S_ISREG(found.st_mode):
            lasting = self._bytes | self._settled
            data = lasting[_node(found)] if _node(found) in lasting else _read(path)
        elif stat.S_ISLNK(found.st_mode):
            data = os.fsencode(posix.readlink(path))
        return _Kept(found.st_mode, data, (found.st_atime_ns, found.st_mtime_ns), _node(found))

    # -- the way back -------------------------------------------------------------------------------------------------

    def _undo(self, change: _Change, came_back: dict[Node, Node]) -> None:
        path = self._found(change.folder, change.name, came_back)
        if path is None:
            return
        now = _look(path)
        if change.gained is not None:
            if now is None or _node(now) != came_back.get(change.gained, change.gained):
                return
            if change.came_from is None:
                self._remove(path, now)
            else:
                origin = self._found(*change.came_from, came_back)
                if origin is None or _look(origin) is not None:
                    return
                posix.rename(path, origin)
            now = None
        if change.lost is not None and now is None:
            came_back[change.lost.node] = _restore(path, change.lost)

    def _remove(self, path: Path, found: os.stat_result) -> None:
        # Its number must not go to what comes back, which would be given its bytes.
        self._held.append(posix.open(path, os.O_PATH | os.O_NOFOLLOW))
        if not stat.S_ISDIR(found.st_mode):
            posix.unlink(path)
            return
        for name in posix.listdir(path):
            self._remove(path / name, posix.lstat(path / name))
        posix.rmdir(path)

    def _found(self, folder: Node, name: str, came_back: dict[Node, Node]) -> Path | None:
        return next((path / name for path in self._paths(came_back.get(folder, folder))), None)

    def _paths(self, node: Node) -> list[Path]:
        found = [self.root] if _node(posix.lstat(self.root)) == node else []
        for folder, folders, files in os.walk(self.root):
            for name in (*folders, *files):
                if _node(posix.lstat(f"{folder}/{name}")) == node:
                    found.append(Path(folder, name))
        return found


def _node(found: os.stat_result) -> Node:
    return found.st_dev, found.st_ino


def _look(path: Path) -> os.stat_result | None:
    try:
        return posix.lstat(path)
    except FileNotFoundError:
        return None


def _at(call: Call) -> Path:
    return Path(call.place)


def _source(call: Call) -> Path:
    folder = call.args[2] if len(call.args) > 2 else call.named.get("src_dir_fd")
    name = os.fsdecode(call.args[0])
    return Path(name) if folder is None else Path(posix.readlink(f"/proc/self/fd/{folder}"), name)


def _read(path: Path) -> bytes:
    descriptor = posix.open(path, os.O_RDONLY)
    try:
        parts = []
        while part := posix.read(descriptor, 1 << 20):
            parts.append(part)
        return b"".join(parts)
    finally:
        posix.close(descriptor)


def _restore(path: Path, lost: _Kept) -> Node:
    if stat.S_ISDIR(lost.mode):
        posix.mkdir(path, stat.S_IMODE(lost.mode))
    elif stat.S_ISLNK(lost.mode):
        posix.symlink(lost.data, path)
    else:
        path.write_bytes(lost.data)
        path.chmod(stat.S_IMODE(lost.mode))
    if not stat.S_ISLNK(lost.mode):
        posix.utime(path, ns=lost.times)
    return _node(posix.lstat(path))
