"""Folders that case software or an attacker dropped: any names, links, pipes and depths."""

import os
import shutil
import stat
from collections.abc import Mapping
from contextlib import suppress
from enum import IntEnum
from pathlib import Path

from gateway.bundle.paths import check_paths
from gateway.packing import Entry
from gateway.standard.findings import Verdict, worst
from gateway.standard.package import CasePackage
from packers.folder import FolderPacker
from tests.fuzz.places import place
from tests.fuzz.target import Draw, Target, piece
from tests.support.standard import STANDARD

PACKER = FolderPacker(max_members=40)
ENTRIES_MAX = 60


class Node(IntEnum):
    """What the next decision makes."""

    FILE = 0
    FOLDER = 1  # and goes down into it
    LINK = 2
    PIPE = 3
    UP = 4
    DEEP = 5  # many folders of one name, each in the other


def run_tree(data: bytes) -> None:
    """Build a tree from decisions and read it: safe paths and readable members, or findings that refuse it."""
    root = place("tree") / "export"
    try:
        build(root, Draw(data))
        with PACKER.read((root,), STANDARD) as reading:
            if worst(reading.findings) is not Verdict.REJECT:
                check_paths(f"content/{member.path}" for member in reading.members)
            for member in reading.members:
                with member.open() as stream:
                    assert len(stream.read()) == member.size
            assert reading.members or reading.findings
            assert CasePackage.from_json(reading.package.to_json()) == reading.package
    finally:
        remove(root)


def build(root: Path, draw: Draw) -> None:
    """Make the tree with calls relative to open folders, as deep as no path could reach."""
    root.mkdir()
    above = [os.open(root, os.O_RDONLY)]
    try:
        for _ in draw.while_any(ENTRIES_MAX):
            _entry(above, draw)
    finally:
        for descriptor in above:
            os.close(descriptor)


def _entry(above: list[int], draw: Draw) -> None:
    kind, name, here = draw.number() % len(Node), draw.piece(), above[-1]
    # Names that no folder can hold are left out.
    with suppress(OSError, ValueError):
        match kind:
            case Node.FILE:
                descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, dir_fd=here)
                os.write(descriptor, draw.piece())
                os.close(descriptor)
            case Node.FOLDER:
                os.mkdir(name, dir_fd=here)
                above.append(os.open(name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=here))
            case Node.LINK:
                os.symlink(draw.piece(), name, dir_fd=here)
            case Node.PIPE:
                os.mkfifo(name, dir_fd=here)
            case Node.UP:
                if len(above) > 1:
                    os.close(above.pop())
            case Node.DEEP:
                for _ in range(draw.number() % 40):
                    os.mkdir(name, dir_fd=above[-1])
                    above.append(os.open(name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=above[-1]))


def remove(root: Path) -> None:
    with suppress(FileNotFoundError):
        shutil.rmtree(root)


def tree_seeds() -> Mapping[str, bytes]:
    def entry(kind: int, name: bytes, more: bytes = b"") -> bytes:
        return bytes([kind]) + piece(name) + more

    some = (
        entry(Node.FILE, b"a.pdf", piece(b"%PDF"))
        + entry(Node.FOLDER, "卷宗".encode())
        + entry(Node.FILE, b"b", piece(b""))
    )
    gbk = entry(Node.FOLDER, "笔录".encode("gbk")) + entry(Node.FILE, b"x", piece(b"1"))
    return {
        "some": some,
        "gbk": some + entry(Node.UP, b"") + gbk,
        "links": some + entry(Node.LINK, b"l", piece(b"/etc/hostname")) + entry(Node.PIPE, b"p"),
        "names": b"".join(
            entry(Node.FILE, name, piece(b"x")) for name in (b"con", b"a:b", b"\xff\xfe", b"A", b"a", b"~$x")
        ),
        "deep": entry(Node.DEEP, b"d", b"\x27") + entry(Node.FILE, b"f", piece(b"x")),
        "long": entry(Node.FILE, ("长" * 85).encode(), piece(b"x")),
    }


def run_candidates(data: bytes) -> None:
    """Any names in an outbound folder: each is a candidate at most once, and nothing but what is there."""
    draw = Draw(data)
    entries = []
    for _ in draw.while_any(ENTRIES_MAX):
        how, name = draw.number(), draw.piece().decode("utf-8", "surrogateescape")
        entries.append(Entry(name, stat.S_ISDIR(how << 8), draw.number(), 0, 0, frozenset()))
    found = [part for candidate in PACKER.candidates(entries) for part in candidate.parts]
    assert set(found) <= {entry.name for entry in entries}


def candidates_seeds() -> Mapping[str, bytes]:
    names = (b"x.zip", b"X.ZIP.ok", b".hidden", b"x.tmp", b"\xff", "案件".encode())
    return {"names": b"".join(b"\0" + piece(name) + b"\1" for name in names)}


TARGETS = (
    Target("tree", run_tree, tree_seeds, longest=1024, cpu=2.0),
    Target("candidates", run_candidates, candidates_seeds, longest=1024),
)
