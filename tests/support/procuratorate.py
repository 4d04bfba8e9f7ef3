"""Folders of the procuratorate's system 2.0 made in code: the worked example, to be varied and dropped."""

import hashlib
import io
import json
import os
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tests.support.exports import pdf

FOLDER = "SCDB_990102_990102000000_99010220260001700_20260316164205"
SAMPLE = Path(__file__).parents[2] / "samples" / "procuratorate" / FOLDER
TEXT = (SAMPLE / "case.json").read_text("utf-8")
"""The case.json of the worked example."""


def ofd(title: str) -> bytes:
    """Return a small whole OFD (a zip with OFD.xml) about `title`."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(zipfile.ZipInfo("OFD.xml", (2026, 3, 16, 0, 0, 0)), f"<ofd:OFD>{title}</ofd:OFD>")
    return out.getvalue()


FILES: Mapping[str, bytes] = {
    "docs/批准逮捕决定书_张测试.ofd": ofd("approval"),
    "docs/不批准逮捕决定书_李样例.ofd": ofd("refusal"),
    "docs/不批准逮捕理由说明书_李样例.pdf": pdf("reasons"),
}


@dataclass(frozen=True)
class ProcuratorateExport:
    """One folder. `listed`: changes the rows of manifest.json (path -> size and digest); None: no list."""

    text: str = TEXT
    files: Mapping[str, bytes] = field(default_factory=lambda: dict(FILES))
    raw: bytes | None = None
    """Bytes of case.json instead of its text."""
    name: str = FOLDER
    is_ready: bool = True
    has_list: bool = True
    listed: Callable[[list[dict[str, Any]]], object] = list.copy
    """Changes the rows of manifest.json in place."""
    gb_names: frozenset[str] = frozenset()
    """Paths whose last name is written in GBK bytes."""

    def changed(self, *pairs: tuple[str, str]) -> "ProcuratorateExport":
        """Return the folder with texts of its case.json replaced; each must be there."""
        text = self.text
        for old, new in pairs:
            assert old in text, old
            text = text.replace(old, new)
        return replace(self, text=text)

    def with_file(self, path: str, data: bytes) -> "ProcuratorateExport":
        return replace(self, files={**self.files, path: data})

    def without_file(self, path: str) -> "ProcuratorateExport":
        return replace(self, files={k: v for k, v in self.files.items() if k != path})

    def drop(self, into: Path) -> tuple[Path, ...]:
        """Write the folder below `into`, its mark last; return its parts."""
        root = into / self.name
        data = {"case.json": self.text.encode() if self.raw is None else self.raw, **self.files}
        for path, content in data.items():
            target = root / path
            target.parent.mkdir(parents=True, exist_ok=True)
            name = os.fsdecode(target.name.encode("gbk")) if path in self.gb_names else target.name
            (target.parent / name).write_bytes(content)
        if self.has_list:
            rows = [
                {"path": path, "size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
                for path, content in data.items()
            ]
            self.listed(rows)
            (root / "manifest.json").write_text(json.dumps({"files": rows}, ensure_ascii=False, indent=1), "utf-8")
        if self.is_ready:
            (root / "_READY").touch()
        return (root,)
