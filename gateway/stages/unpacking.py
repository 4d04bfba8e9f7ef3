"""Where the members of a bundle go: the content into a folder, the case package into memory, anything else nowhere."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from gateway.bundle.manifest import ManifestFile
from gateway.bundle.unseal import Front, open_members
from gateway.folders.members import MemberFiles
from gateway.stages import layout
from gateway.standard.package import MAX_CASE_PACKAGE_BYTES

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


def unpack(
    source: BinaryIO, front: Front, content: Path, *, read_again: bool, progress: Callable[[int], None]
) -> bytes | None:
    """Write what a bundle holds of its export into the private and empty folder `content`; return its case package,
    None if it has none that may be read.

    Every member is proven as its sender signed it, also one that nobody looks at and that therefore goes nowhere.
    read_again: the files are read at once by somebody here. Raises as `unseal.open_members`.
    """
    package = _Kept()

    def sink(member: ManifestFile) -> BinaryIO:
        if member.path.startswith(layout.CONTENT):
            return files.create(member.path.removeprefix(layout.CONTENT), member.size)
        is_package = member.path == layout.CASE_PACKAGE and member.size <= MAX_CASE_PACKAGE_BYTES
        return package if is_package else cast("BinaryIO", _Nowhere())

    with MemberFiles(content, read_again=read_again) as files:
        open_members(source, front, sink=sink, progress=progress, beside=files.beside)
    return package.content


class _Kept(io.BytesIO):
    """A file in memory, whose `content` can be had once it was closed; None before."""

    content: bytes | None = None

    def close(self) -> None:
        if not self.closed:
            self.content = self.getvalue()
        super().close()


class _Nowhere(io.RawIOBase):
    """A file that takes everything and keeps nothing."""

    def write(self, data: "ReadableBuffer", /) -> int:
        return memoryview(data).nbytes
