"""Makes exports for the benchmarks: the same bytes for the same seed, half of them text, half incompressible."""

import hashlib
import json
import os
import random
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from zipfile import ZIP_DEFLATED, ZipFile

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR

from gateway.plugins import load_packer
from gateway.standard.loading import packaged_standard
from packers.label import LABEL

PIECE = 4 << 20
"""Bytes made and written at once."""
KIB = 1 << 10
MIB = 1 << 20
GIB = 1 << 30
PAGE = 4 * KIB
SPARSE_BYTES = 64 * MIB
"""Of a member of a sparse export: the largest that the format compresses."""
PER_FOLDER = 100
"""Documents in one folder of a case of many."""

_CASE = re.compile(r"A[0-9]{22}")
_WORDS = (
    "经依法审查查明犯罪嫌疑人某某于上述时间在本市某区某路实施盗窃诈骗行为涉案金额人民币元证据确实充分足以认定"
    "上述事实有下列证据予以证明被害人陈述证人证言书证物证鉴定意见勘验检查笔录视听资料电子数据供述和辩解"
)


@dataclass(frozen=True, slots=True)
class Made:
    """One export on the disk. `digests`: path of each member inside the export -> its SHA-256; `size` in bytes."""

    path: Path
    size: int
    digests: Mapping[str, str]
    mark: Path | None = None
    """The completion mark that is dropped after it, where its format has one."""

    def drop(self, outbound: Path) -> None:
        """Move the export into an outbound folder of the same file system, as case software does: the mark last."""
        for part in (self.path, self.mark):
            if part is not None:
                part.rename(outbound / part.name)

    def copied(self, folder: Path, name: str) -> "Made":
        """Return a copy in `folder`, called `name`."""
        path = folder / name
        shutil.copytree(self.path, path)
        return Made(path, self.size, self.digests)

    def labelled(self) -> "Made":
        """Return the same folder, now with a label, which case software writes last: it is the completion mark."""
        label = json.dumps({"case_no": self.path.name}).encode()
        (self.path / LABEL).write_bytes(label)
        digests = {**self.digests, LABEL: hashlib.sha256(label).hexdigest()}
        return Made(self.path, self.size, MappingProxyType(digests))


def noise(seed: str) -> Iterator[bytes]:
    """Yield pieces that no compressor can shrink, like PDF, JPEG and video: an AES keystream."""
    key = hashlib.sha256(seed.encode()).digest()
    stream = Cipher(AES(key), CTR(bytes(16))).encryptor()
    blank = bytes(PIECE)
    while True:
        yield stream.update(blank)


def text(seed: str) -> Iterator[bytes]:
    """Yield pieces of Chinese case text in UTF-8, which compresses about as records of interrogation do."""
    draw = random.Random(seed)
    words = [_WORDS[start : start + 2 + start % 3] for start in range(len(_WORDS) - 5)]
    lines = []
    length = 0
    while length < PIECE:
        line = f"{draw.randrange(10**6):06d} " + "".join(draw.choices(words, k=16)) + "。\n"
        lines.append(line.encode())
        length += len(lines[-1])
    block = b"".join(lines)[:PIECE]
    turn = 0
    while True:
        # Turned by another amount each time, so that equal bytes are never a whole piece apart.
        at = turn * 65_537 % PIECE
        yield block[at:] + block[:at]
        turn += 1


def write(path: Path, size: int, pieces: Iterator[bytes]) -> str:
    """Write `size` bytes to a new file, durably, and return their SHA-256."""
    hasher = hashlib.sha256()
    left = size
    with path.open("xb") as file:
        for piece in pieces:
            part = piece[:left]
            hasher.update(part)
            file.write(part)
            left -= len(part)
            if not left:
                break
        file.flush()
        os.fsync(file.fileno())
    return hasher.hexdigest()


def dossier(path: Path, size: int, seed: str, members: int = 8) -> Made:
    """Make a folder of `size` bytes in `members` equal files, every second one text, the others incompressible."""
    path.mkdir()
    each = size // members
    sizes = [each] * (members - 1) + [size - each * (members - 1)]
    kinds: tuple[tuple[str, Callable[[str], Iterator[bytes]]], ...] = (("txt", text), ("pdf", noise))
    digests = {}
    for number, length in enumerate(sizes):
        ending, kind = kinds[number % 2]
        name = f"{number + 1:03d}.{ending}"
        digests[name] = write(path / name, length, kind(f"{seed}/{name}"))
    return Made(path, size, MappingProxyType(digests))


def sparse(path: Path, size: int, seed: str) -> Made:
    """Make a folder of `size` bytes in members of SPARSE_BYTES, each a page that no other has and then a hole."""
    path.mkdir()
    pages, digests = noise(seed), {}
    for number, start in enumerate(range(0, size, SPARSE_BYTES)):
        name = f"{number + 1:04d}.img"
        with (path / name).open("xb+") as file:
            file.write(next(pages)[:PAGE])
            file.truncate(min(SPARSE_BYTES, size - start))
            file.seek(0)
            digests[name] = hashlib.file_digest(file, "sha256").hexdigest()
    return Made(path, size, MappingProxyType(digests))


def handover(path: Path, size: int, seed: str, members: int = 1) -> Made:
    """Make a folder of `members` incompressible files of `size` bytes each: a scanned document or three."""
    path.mkdir()
    names = [f"{number + 1:03d}.pdf" for number in range(members)]
    digests = {name: write(path / name, size, noise(f"{seed}/{name}")) for name in names}
    return Made(path, size * members, MappingProxyType(digests))


def case_of_many(path: Path, count: int, size: int, seed: str) -> Made:
    """Make a folder of `count` documents of `size` bytes, every second one text, PER_FOLDER in a folder."""
    content, digests = _Content(seed), {}
    for number in range(count):
        kind, ending = (content.noise, "pdf") if number % 2 == 0 else (content.text, "xml")
        name = f"d{number // PER_FOLDER:02d}/{number:04d}.{ending}"
        digests[name] = _put(path / name, kind(size))
    return Made(path, count * size, MappingProxyType(digests))


def small_cases(folder: Path, count: int, size: int, seed: str) -> list[Made]:
    """Make `count` folders, named after `seed`, of three documents of `size` bytes each: one scan and two texts."""
    content, made = _Content(seed), []
    for number in range(count):
        path = folder / f"{seed}-{number:05d}"
        kinds = {"scan.pdf": content.noise, "record.xml": content.text, "request.xml": content.text}
        digests = {name: _put(path / name, kind(size)) for name, kind in kinds.items()}
        made.append(Made(path, len(digests) * size, MappingProxyType(digests)))
    return made


class _Content:
    """Much short content of one seed: no two scans have bytes in common; texts begin anywhere in the same pages."""

    def __init__(self, seed: str) -> None:
        self._noise = noise(seed)
        self._piece = b""
        self._pages = next(text(seed)) * 2
        self._at = 0

    def noise(self, size: int) -> bytes:
        """Return `size` bytes that cannot be compressed."""
        if len(self._piece) < size:
            self._piece = next(self._noise)
        taken, self._piece = self._piece[:size], self._piece[size:]
        return taken

    def text(self, size: int) -> bytes:
        """Return `size` bytes of text."""
        self._at = (self._at + 1_000_003) % PIECE
        return self._pages[self._at : self._at + size]


def _put(path: Path, content: bytes) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return hashlib.sha256(content).hexdigest()


def police_case(sample: Path, folder: Path, number: int) -> Made:
    """Make a police export with its mark in `folder`: that of `sample`, but of a case of its own, the `number`-th."""
    case = _CASE.search(sample.name)
    if case is None:
        raise ValueError(f"{sample.name} names no case")
    other = f"{case[0][:-4]}{number:04d}"
    path = folder / sample.name.replace(case[0], other)
    mark = path.with_name(f"{path.name}.ok")
    with ZipFile(sample, metadata_encoding="gb18030") as old, ZipFile(path, "w", ZIP_DEFLATED) as new:
        for name in old.namelist():
            body = old.read(name)
            new.writestr(name, body.replace(case[0].encode(), other.encode()) if name.endswith(".xml") else body)
    whole = path.read_bytes()
    digest = hashlib.md5(whole, usedforsecurity=False).hexdigest().upper()
    mark.write_bytes(f"MD5={digest}\r\nSIZE={len(whole)}\r\n".encode())
    digests = {}
    with load_packer("police").read((path, mark), packaged_standard()) as reading:
        for member in reading.members:
            with member.open() as stream:
                digests[member.path] = hashlib.sha256(stream.read()).hexdigest()
    return Made(path, path.stat().st_size, MappingProxyType(digests), mark)


def half_and_half(size: int, seed: str) -> bytes:
    """Return `size` bytes in memory, the first half text."""
    half = size // 2
    count = half // PIECE + 1
    return b"".join(islice(text(seed), count))[:half] + b"".join(islice(noise(seed), count + 1))[: size - half]


def digests_of(folder: Path) -> Mapping[str, str]:
    """Return path -> SHA-256 of every file below `folder`."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            with path.open("rb") as stream:
                found[path.relative_to(folder).as_posix()] = hashlib.file_digest(stream, "sha256").hexdigest()
    return found
