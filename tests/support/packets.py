"""Packets for packers: what a reading becomes on the other side, and case packages with something in every place."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

from gateway.packing import Packet, Reading
from gateway.standard.fields import NUMBERS
from gateway.standard.package import CaseNumber, CasePackage, Source
from tests.support.standard import STANDARD

_DAYS = frozenset(
    {
        "filing_date",
        "offence_start",
        "offence_end",
        "request_date",
        "exported_at",
        "birth_date",
        "start",
        "end",
        "day",
        "proposed_end",
        "custody_start",
    }
)
_FLAGS = frozenset({"plea", "juvenile", "sealed", "signed"})


def packet_of(reading: Reading, root: Path, name: str = "A1_0f", **changes: Any) -> Packet:
    """Lay the members of `reading` out below `root` as a bundle does that was opened on the other side."""
    files = {}
    for member in reading.members:
        with member.open() as stream:
            files[member.path] = stream.read()
    raw = {m.path: m.raw for m in reading.members if m.raw is not None}
    return packet(reading.package, files, root, name, raw_names=raw, **changes)


def packet(package: CasePackage, files: Mapping[str, bytes], root: Path, name: str = "A1_0f", **changes: Any) -> Packet:
    """Return the packet of `package` with its `files`, written below `root`."""
    root.mkdir()
    for path, content in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)
    whole = CasePackage.from_json(package.to_json())
    return Packet(whole, root, **{"raw_names": {}, "name": name, "standard": STANDARD} | changes)


def filled(kind: type[Any], at: str = "") -> Any:
    """Return a `kind` of the case package with another value in each of its places and two rows in each list."""
    made: dict[str, Any] = {}
    for name, hint in get_type_hints(kind).items():
        place = f"{at}.{name}"
        if hint is int:
            made[name] = 0 if name == "line" else 3
        elif hint is str:
            made[name] = _text(name, place)
        elif get_origin(hint) is tuple:
            row = get_args(hint)[0]
            made[name] = () if row is str else tuple(filled(row, f"{place}{n}") for n in range(2))
        else:
            made[name] = filled(hint, place)
    return kind(**made)


def whole_case(source: Source, **changes: Any) -> CasePackage:
    """Return a case package with something in every place that an import can have."""
    made: CasePackage = filled(CasePackage)
    numbers = tuple(CaseNumber(scheme, f"N{n}") for n, scheme in enumerate(NUMBERS))
    return dataclasses.replace(
        made,
        source=source,
        flow="arrest-request",
        case_numbers=numbers,
        secrecy="内部",
        profile="",
        origins=(),
        unknown=(),
        renamed=(),
        marks=(),
        v=1,
        **changes,
    )


def _text(name: str, place: str) -> str:
    if name in _DAYS:
        return "2026-03-02T10:20:00" if name in {"filing_date", "exported_at"} else "2026-03-02"
    if name == "id_no":
        return "990102199202290172"
    return "1" if name in _FLAGS else f"值 <{place}> & é"
