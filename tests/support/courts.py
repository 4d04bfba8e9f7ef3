"""Court exports made in code: an honest case and its variations."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.support.exports import pdf

WORKED = Path(__file__).parents[1] / "data" / "court" / "JFZX_9912_990102111_991220260000012"
"""The worked example of the layout."""
NAME = WORKED.name
XML = (WORKED / "data.xml").read_text("utf-8")
FILES: Mapping[str, bytes] = {
    "WS/刑事判决书.pdf": pdf("judgment"),
    "WS/执行通知书.pdf": pdf("execution notice"),
    "WS/结案登记表.pdf": pdf("case closing form"),
    "WS/起诉书副本.pdf": pdf("indictment copy"),
}


@dataclass(frozen=True)
class CourtExport:
    """One court export, to be varied with the methods below and dropped with `drop`."""

    name: str = NAME
    xml: str = XML
    codec: str = "utf-8"
    files: Mapping[str, bytes] = field(default_factory=lambda: dict(FILES))
    file_list: str | None = None
    """Text of filelist.md5; None: an honest one."""
    has_list: bool = True
    raw: bytes | None = None
    """Bytes of data.xml instead of those of `xml`."""

    def changed(self, *pairs: tuple[str, str]) -> "CourtExport":
        """Return the export with texts of its XML replaced; each must be there."""
        xml = self.xml
        for old, new in pairs:
            assert old in xml, old
            xml = xml.replace(old, new)
        return replace(self, xml=xml)

    def with_file(self, path: str, data: bytes) -> "CourtExport":
        return replace(self, files={**self.files, path: data})

    def without_file(self, path: str) -> "CourtExport":
        return replace(self, files={p: d for p, d in self.files.items() if p != path})

    def xml_bytes(self) -> bytes:
        return self.xml.encode(self.codec) if self.raw is None else self.raw

    def members(self) -> dict[str, bytes]:
        return {"data.xml": self.xml_bytes(), **self.files}

    def drop(self, folder: Path) -> tuple[Path, ...]:
        """Write the export into `folder` as the court system does; return its one part."""
        root = folder / f"{self.name}.tmp"
        for path, data in self.members().items():
            place = root / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(data)
        if self.has_list:
            text = self.file_list
            if text is None:
                lines = (f"{hashlib.md5(data).hexdigest()}  {path}\n" for path, data in self.members().items())
                text = "".join(lines)
            (root / "filelist.md5").write_text(text, "utf-8")
        return (root.rename(folder / self.name),)
