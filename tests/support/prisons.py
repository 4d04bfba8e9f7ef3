"""Prison batches made in code: an honest batch of three and its variations."""

import csv
import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.support.exports import pdf

WORKED = Path(__file__).parents[1] / "data" / "prison" / "JXJS_9901009901_9910_2026B02.csv"
"""The worked example of the layout."""
STEM = WORKED.stem
ROWS = tuple(tuple(row) for row in csv.reader(io.StringIO(WORKED.read_bytes().decode("gbk"))))
"""The heading and the rows of the worked example."""
HEADING = ROWS[0]
FILES: Mapping[str, bytes] = {
    path.relative_to(WORKED.with_suffix("")).as_posix(): pdf(f"material {n}")
    for n, path in enumerate(sorted(p for p in WORKED.with_suffix("").rglob("*") if p.is_file()))
}


@dataclass(frozen=True)
class PrisonExport:
    """One batch, to be varied with the methods below and dropped with `drop`."""

    stem: str = STEM
    rows: tuple[tuple[str, ...], ...] = ROWS
    files: Mapping[str, bytes] = field(default_factory=lambda: dict(FILES))
    codec: str = "gbk"
    mark: str | None = None
    """Text of the completion mark; None: an honest one."""
    has_mark: bool = True
    has_folder: bool = True
    raw: bytes | None = None
    """Bytes of the table instead of those made from the rows."""

    def with_cell(self, row: int, heading: str, text: str) -> "PrisonExport":
        """Return the batch with one cell replaced; rows count from 1."""
        cells = list(self.rows[row])
        cells[HEADING.index(heading)] = text
        return replace(self, rows=(*self.rows[:row], tuple(cells), *self.rows[row + 1 :]))

    def with_column(self, heading: str, *texts: str) -> "PrisonExport":
        """Return the batch with a column more."""
        more = (heading, *texts)
        return replace(self, rows=tuple((*row, more[n]) for n, row in enumerate(self.rows)))

    def with_file(self, path: str, data: bytes) -> "PrisonExport":
        return replace(self, files={**self.files, path: data})

    def without_folder(self, name: str) -> "PrisonExport":
        return replace(self, files={p: d for p, d in self.files.items() if not p.startswith(f"{name}/")})

    def table(self) -> bytes:
        if self.raw is not None:
            return self.raw
        out = io.StringIO(newline="")
        csv.writer(out, lineterminator="\r\n").writerows(self.rows)
        return out.getvalue().encode(self.codec)

    def mark_text(self) -> str:
        if self.mark is not None:
            return self.mark
        files = len(self.files) if self.has_folder else 0
        return f"ROWS={len(self.rows) - 1}\r\nFILES={files}\r\nMD5={hashlib.md5(self.table()).hexdigest()}\r\n"

    def drop(self, folder: Path) -> tuple[Path, ...]:
        """Write the batch into `folder` as the prison system does; return its parts, the mark last."""
        table, materials, mark = (folder / f"{self.stem}{suffix}" for suffix in (".csv", "", ".over"))
        table.write_bytes(self.table())
        parts = [table]
        if self.has_folder:
            parts.append(materials)
            for path, data in self.files.items():
                place = materials / path
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(data)
        if self.has_mark:
            parts.append(mark)
            mark.write_bytes(self.mark_text().encode("gbk"))
        return tuple(parts)
