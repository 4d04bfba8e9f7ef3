"""The standard read from its files: the packaged ones, and those of a node's configuration in their places."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, TypeVar

import yaml

from gateway.domain.errors import ConfigError, Scope, TransientError
from gateway.standard import building
from gateway.standard.catalogue import (
    Role,
    Standard,
)
from gateway.standard.profiles import FULL

FLOWS: Final = "flows"
CODES: Final = "codes"
FOLDERS: Final = (FLOWS, CODES)
"""Below the configuration folder, and packaged: a file there takes the place of the packaged one of its name, another
flow file is one more flow or edition, and `codes/<name>.<addition>.yaml` adds rows to those of `codes/<name>.yaml`."""

T = TypeVar("T")
# Every scalar stays text: what YAML 1.1 makes of `no`, `0110` or 10:30 is never what an operator meant.
_LOADER: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


@dataclass(frozen=True, slots=True)
class StandardPlace:
    """Which standard a node uses. `folder`: its configuration, or None where that holds no file of its own.

    digest: of all files together as they were read; whoever reads others under this name is told so.
    """

    folder: Path | None
    digest: str


def place_of(folder: Path | None) -> StandardPlace:
    """Return the place of the standard of a node whose configuration is in `folder`, as its files are now."""
    own = folder if folder is not None and _own_files(folder) else None
    return StandardPlace(own, _digest(_texts(own)))


@cache
def load_standard(place: StandardPlace) -> Standard:
    """Return the standard at `place`; read once a process.

    Raises ConfigError `standard-malformed` naming the file, TransientError `standard-changed` where the files are no
    longer those of the place: whoever changed them reloads the node.
    """
    texts = _texts(place.folder)
    if _digest(texts) != place.digest:
        raise TransientError(
            "standard-changed", "the files of the exchange standard were changed", scope=Scope.NODE, facts={}
        )
    return _build(texts, place.digest)


def packaged_standard() -> Standard:
    """Return the packaged standard; read once a process."""
    return load_standard(_packaged())


@cache
def _packaged() -> StandardPlace:
    return place_of(None)


def packaged_files() -> dict[str, Path]:
    """Return the packaged files by `flows/<name>` or `codes/<name>`."""
    found: dict[str, Path] = {}
    for kind in FOLDERS:
        # An installed package is a folder; nobody runs this out of a zip.
        home = Path(str(files("gateway.standard.data").joinpath(kind)))
        found |= {f"{kind}/{one.name}": one for one in home.iterdir() if one.name.endswith(".yaml")}
    return dict(sorted(found.items()))


def in_order(name: str) -> tuple[str, bool, str]:
    """Sort key of files by `codes/<name>`: `documents.yaml` before `documents.2027.yaml`, which adds to it."""
    stem, _, rest = name.partition(".")
    return stem, rest != "yaml", rest


def _texts(folder: Path | None) -> dict[str, bytes]:
    """Return every file by `flows/<name>` or `codes/<name>`, those of `folder` in the place of the packaged ones."""
    paths = packaged_files() | (_own_files(folder) if folder is not None else {})
    return {name: _guarded(name, paths[name].read_bytes) for name in sorted(paths, key=in_order)}


def _own_files(folder: Path) -> dict[str, Path]:
    """Return the files of the configuration in `folder` that stand in the standard, by `flows/<name>`."""
    return {
        f"{kind}/{one.name}": one
        for kind in FOLDERS
        if (folder / kind).is_dir()
        for one in (folder / kind).iterdir()
        if one.name.endswith(".yaml") and not one.name.startswith(".")
    }


def _digest(texts: Mapping[str, bytes]) -> str:
    whole = hashlib.sha256()
    for name, raw in texts.items():
        whole.update(f"{name}\n{len(raw)}\n".encode() + raw)
    return whole.hexdigest()


def _build(texts: Mapping[str, bytes], digest: str) -> Standard:
    parsed = {name: _parsed(name, raw) for name, raw in texts.items()}

    def table(name: str, make: Callable[[str, Any], T]) -> Mapping[str, T]:
        file, rows = f"{CODES}/{name}.yaml", _rows(parsed, name)
        return _guarded(file, lambda: MappingProxyType({key: make(key, one) for key, one in rows.items()}))

    flows = tuple(
        _guarded(name, partial(building.flow, raw)) for name, raw in parsed.items() if name.startswith(f"{FLOWS}/")
    )
    profiles = table("profiles", building.profile)
    if FULL not in profiles:
        raise _malformed(f"{CODES}/profiles.yaml", f"there is no profile {FULL}")
    for one in flows:
        if one.profile not in profiles:
            raise _malformed(f"{FLOWS}/{one.code}.yaml", f"there is no profile {one.profile}")
    return Standard(
        digest=digest,
        editions=flows,
        documents=table("documents", building.document),
        fields=table("fields", building.field),
        checks=table("checks", building.check),
        roles=table("roles", lambda key, one: Role(key, one["zh"], one["en"], one.get("network", ""))),
        laws=table("laws", building.law),
        profiles=profiles,
        tables=table("tables", building.code_table),
        charges=_guarded(
            f"{CODES}/charges.yaml",
            lambda: building.charges(
                _rows(parsed, "charges").values(), tuple(table("chapters", building.chapter).values())
            ),
        ),
        holidays=_guarded(
            f"{CODES}/holidays.yaml",
            lambda: building.holidays(_rows(parsed, "holidays"), parsed[f"{CODES}/holidays.yaml"]),
        ),
    )


def _rows(parsed: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return the rows of the code file `name`, those of `<name>.<addition>.yaml` added or in the place of others."""
    rows: dict[str, Any] = {}
    for file, raw in parsed.items():
        if file.startswith(f"{CODES}/{name}."):
            rows = _guarded(file, partial(_added, rows, name, raw))
    return rows


def _added(rows: dict[str, Any], name: str, raw: Any) -> dict[str, Any]:
    """Return `rows` with those of one file of the name."""
    if name == "charges":
        return rows | {one["id"]: one for one in raw[name]}
    if name == "tables":
        return rows | {table: {**rows.get(table, {}), **codes} for table, codes in raw[name].items()}
    return rows | dict(raw["years" if name == "holidays" else name])


def _parsed(name: str, raw: bytes) -> Any:
    return _guarded(name, lambda: yaml.load(raw.decode("utf-8"), Loader=_LOADER))  # noqa: S506  makes text only


def _guarded(name: str, make: Callable[[], T]) -> T:
    try:
        return make()
    except (OSError, yaml.YAMLError, UnicodeDecodeError, KeyError, ValueError, TypeError, AttributeError) as error:
        raise _malformed(name, f"{type(error).__name__}: {error}") from error


def _malformed(name: str, why: str) -> ConfigError:
    return ConfigError("standard-malformed", f"{name}: {why}", scope=Scope.NODE, facts={"file": name})
