"""What was measured, kept as JSON: each part with its own date and machine, so that several runs stand together."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from benchmarks.figures import Figure, Goal, Section, Use

MACHINE = "results.json"


@dataclass(frozen=True, slots=True)
class Part:
    """One benchmark, and what a reader must know of the machine and the run in which it was measured."""

    machine: Mapping[str, str]
    section: Section

    @property
    def broken(self) -> tuple[str, ...]:
        """Its broken promises, with its key."""
        return tuple(f"{self.section.key}: {one}" for one in self.section.broken)


def read(folder: Path) -> tuple[Part, ...]:
    """Return what is kept in `folder`, in its order; nothing where nothing is."""
    try:
        whole = json.loads((folder / MACHINE).read_text("utf-8"))
    except FileNotFoundError:
        return ()
    return tuple(Part(MappingProxyType(one["machine"]), _section(one["section"])) for one in whole["parts"])


def replaced(kept: Iterable[Part], measured: Iterable[Part]) -> tuple[Part, ...]:
    """Return `kept` with what was `measured` now in place of the same parts of before, by key: W1, W2, ... B9."""
    by_key = {part.section.key: part for part in (*kept, *measured)}
    return tuple(by_key[key] for key in sorted(by_key, key=_order))


def write(folder: Path, parts: Sequence[Part]) -> None:
    """Keep `parts` in `folder`."""
    whole = {
        "parts": [{"machine": dict(part.machine), "section": _plain(part.section)} for part in parts],
        "broken": [one for part in parts for one in part.broken],
    }
    (folder / MACHINE).write_text(json.dumps(whole, ensure_ascii=False, indent=2) + "\n", "utf-8")


def _order(key: str) -> tuple[bool, int, str]:
    """What a goal is set for (W) comes first, the others (B) behind."""
    digits = re.sub(r"\D", "", key)
    return not key.startswith("W"), int(digits or 0), key


def _plain(section: Section) -> dict[str, object]:
    """Return a section for JSON: each figure with whether its goal is kept."""
    whole = asdict(section)
    for figure, plain in zip(section.figures, whole["figures"], strict=True):
        plain["kept"] = figure.goal.is_kept(figure.value) if figure.goal else None
    return whole


def _section(plain: Mapping[str, Any]) -> Section:
    return Section(
        key=plain["key"],
        title=plain["title"],
        work=plain["work"],
        figures=tuple(_figure(one) for one in plain["figures"]),
        broken=tuple(plain["broken"]),
        uses=tuple(Use(**one) for one in plain["uses"]),
        bars=tuple((name, ratio) for name, ratio in plain["bars"]),
        absent=tuple(plain["absent"]),
    )


def _figure(plain: Mapping[str, Any]) -> Figure:
    known = {name: value for name, value in plain.items() if name != "kept"}
    return Figure(**{**known, "goal": Goal(**plain["goal"]) if plain["goal"] else None})
