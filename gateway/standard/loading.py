"""The standard read from its files: the packaged ones, and those of a node's configuration in their places."""

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache, partial
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, TypeVar

import yaml

from gateway.domain.errors import ConfigError, Scope, TransientError
from gateway.domain.records import Priority
from gateway.standard.catalogue import (
    REPLY_CLASSES,
    CheckKind,
    Code,
    CodeTable,
    Deadline,
    DocumentKind,
    Documents,
    Extension,
    FieldKind,
    Flow,
    Holidays,
    Law,
    Life,
    Reply,
    RequiredIf,
    Role,
    Standard,
)
from gateway.standard.charges import Chapter, ChargeRule, Charges
from gateway.standard.profiles import FULL, RULES, Profile

FLOWS: Final = "flows"
CODES: Final = "codes"
FOLDERS: Final = (FLOWS, CODES)
"""Below the configuration folder, and packaged: a file there takes the place of the packaged one of its name, another
flow file is one more flow or edition, and `codes/<name>.<addition>.yaml` adds rows to those of `codes/<name>.yaml`."""

T = TypeVar("T")
# Every scalar stays text: what YAML 1.1 makes of `no`, `0110` or 10:30 is never what an operator meant.
_LOADER: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
_SPAN = re.compile(r"(\d{4}-\d{2}-\d{2})(?:\.\.(\d{4}-\d{2}-\d{2}))?")


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

    flows = tuple(_guarded(name, partial(_flow, raw)) for name, raw in parsed.items() if name.startswith(f"{FLOWS}/"))
    profiles = table("profiles", _profile)
    if FULL not in profiles:
        raise _malformed(f"{CODES}/profiles.yaml", f"there is no profile {FULL}")
    for one in flows:
        if one.profile not in profiles:
            raise _malformed(f"{FLOWS}/{one.code}.yaml", f"there is no profile {one.profile}")
    return Standard(
        digest=digest,
        editions=flows,
        documents=table("documents", _document),
        fields=table("fields", _field),
        checks=table("checks", _check),
        roles=table("roles", lambda key, one: Role(key, one["zh"], one["en"], one.get("network", ""))),
        laws=table(
            "laws",
            _law,
        ),
        profiles=profiles,
        tables=table("tables", _code_table),
        charges=_guarded(
            f"{CODES}/charges.yaml",
            lambda: _charges(_rows(parsed, "charges").values(), tuple(table("chapters", _chapter).values())),
        ),
        holidays=_guarded(
            f"{CODES}/holidays.yaml", lambda: _holidays(_rows(parsed, "holidays"), parsed[f"{CODES}/holidays.yaml"])
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


def _texts_of(one: Any) -> tuple[str, ...]:
    return tuple(one or ())


def _life(raw: Any) -> Life:
    until = raw.get("effective_until")
    return Life(raw["version"], date.fromisoformat(raw["effective_from"]), date.fromisoformat(until) if until else None)


def _documents(raw: Any) -> Documents:
    return Documents(
        _texts_of(raw.get("required")),
        tuple(
            RequiredIf(one["when"], tuple(one["docs"]), one.get("severity", "reject"))
            for one in raw.get("required_if") or ()
        ),
        tuple(tuple(one) for one in raw.get("one_of") or ()),
        _texts_of(raw.get("optional")),
    )


def _business(raw: Any) -> Mapping[str, tuple[str, ...]]:
    return MappingProxyType({form: tuple(codes) for form, codes in (raw.get("business") or {}).items()})


def _flow(raw: Any) -> Flow:
    checks = [one if isinstance(one, str) else next(iter(one)) for one in raw["checks"]]
    return Flow(
        code=raw["code"],
        life=_life(raw),
        zh=raw["zh"],
        en=raw["en"],
        aliases=_texts_of(raw.get("aliases")),
        group=raw["group"],
        unit=raw["unit"],
        number=int(raw["class"]),
        lane=Priority[raw["lane"].upper()],
        profile=raw["profile"],
        size_class=raw["size_class"],
        trigger=raw["trigger"],
        senders=tuple(raw["senders"]),
        receivers=tuple(raw["receivers"]),
        cc=_texts_of(raw.get("cc")),
        business=_business(raw),
        key=tuple(raw["key"]),
        documents=_documents(raw["docs"]),
        required=tuple(raw["fields"]["required"]),
        optional=_texts_of(raw["fields"].get("optional")),
        checks=tuple(checks),
        severities=MappingProxyType(
            {k: v for one in raw["checks"] if not isinstance(one, str) for k, v in one.items()}
        ),
        reply=_reply(raw) if raw.get("reply") else None,
        deadlines=tuple(_deadline(one) for one in raw.get("deadlines") or ()),
        grant=raw.get("grant") == "true",
        notes=raw.get("notes", ""),
        reference_count=int(raw.get("reference_count", 0)),
        trigger_en=raw.get("trigger_en", ""),
        notes_en=raw.get("notes_en", ""),
    )


def _reply(flow: Any) -> Reply:
    raw = flow["reply"]
    return Reply(
        code=raw["code"],
        request=flow["code"],
        zh=raw["zh"],
        en=raw["en"],
        number=int(flow["class"]) + REPLY_CLASSES,
        lane=Priority[raw["lane"].upper()],
        documents=_documents(raw["docs"]),
        fields=tuple(raw["fields"]),
        per=raw.get("per", ""),
        senders=(*flow["receivers"], *(flow.get("cc") or ())),
        receivers=tuple(flow["senders"]),
        cc=_texts_of(raw.get("cc")),
        business=_business(raw),
        returns=_texts_of(raw.get("returns")),
        notify=_texts_of(raw.get("notify")),
        nodes=_texts_of(raw.get("nodes")),
    )


def _deadline(raw: Any) -> Deadline:
    return Deadline(
        id=raw["id"],
        zh=raw["zh"],
        en=raw["en"],
        kind=raw["kind"],
        owner=raw["owner"],
        clock=raw["clock"],
        when=raw.get("when", ""),
        limit=raw["limit"],
        calendar=raw["calendar"],
        amber=raw["amber"],
        red=raw["red"],
        extensions=tuple(Extension(one["limit"], one.get("when", "")) for one in raw.get("extension") or ()),
        basis=tuple(raw["basis"]),
        note=raw.get("note", ""),
        note_en=raw.get("note_en", ""),
        interim=raw.get("interim") == "true",
    )


def _document(key: str, raw: Any) -> DocumentKind:
    return DocumentKind(
        key, raw["zh"], raw["en"], raw["issuer"], raw["signed"], int(raw["pii"]), _texts_of(raw.get("aliases"))
    )


def _field(key: str, raw: Any) -> FieldKind:
    return FieldKind(key, raw["zh"], raw["en"], raw["type"], int(raw["pii"]), raw.get("mask", ""), raw.get("codes", ""))


def _profile(key: str, raw: Any) -> Profile:
    rules = dict(raw.get("rules") or {})
    if unknown := set(rules.values()) - RULES:
        raise ValueError(f"{key}: no rule is called {', '.join(sorted(unknown))}")
    return Profile(
        code=key,
        zh=raw["zh"],
        en=raw["en"],
        level=int(raw["level"]),
        masks_from=int(raw["masks_from"]),
        documents_to=int(raw["documents_to"]),
        asked_only=raw.get("asked_only") == "true",
        looks_inside=raw.get("looks_inside") == "true",
        rules=MappingProxyType(rules),
    )


def _check(key: str, raw: Any) -> CheckKind:
    return CheckKind(key, raw["severity"], raw["rule"], raw["rule_en"], _texts_of(raw.get("basis")))


def _law(key: str, raw: Any) -> Law:
    watch = raw.get("watch", "")
    return Law(key, raw["zh"], raw["en"], raw["version"], raw.get("evidence", ""), watch, raw.get("watch_en", watch))


def _code_table(name: str, raw: Any) -> CodeTable:
    def code(key: str, one: Any) -> Code:
        schemes = {scheme: tuple(codes) for scheme, codes in one.items() if scheme not in {"zh", "en"}}
        return Code(key, one["zh"], one["en"], MappingProxyType(schemes))

    return CodeTable(name, MappingProxyType({key: code(key, one) for key, one in raw.items()}))


def _chapter(key: str, raw: Any) -> Chapter:
    return Chapter(key, raw["zh"], raw["en"], int(raw["first"]), int(raw["last"]))


def _charges(rows: Iterable[Any], chapters: tuple[Chapter, ...]) -> Charges:
    return Charges(
        tuple(
            ChargeRule(
                id=one["id"],
                name=one["zh"],
                article=one["article"],
                age=int(one["age"]),
                by=one["by"],
                with_approval=int(one.get("with_approval", 0)),
                severe=one.get("severe") == "true",
                privacy=one.get("privacy") == "true",
                since=date.fromisoformat(one["since"]) if one.get("since") else None,
                codes=MappingProxyType(dict(one.get("codes") or {})),
                note=one.get("note", ""),
                former=_texts_of(one.get("former")),
            )
            for one in rows
        ),
        chapters,
    )


def _holidays(years: Mapping[str, Any], raw: Any) -> Holidays:
    morning, afternoon = (tuple(_minutes(at) for at in raw["hours"][part]) for part in ("morning", "afternoon"))
    return Holidays(
        frozenset(day for one in years.values() for span in one["off"] for day in _days(span)),
        frozenset(day for one in years.values() for span in one["worked"] for day in _days(span)),
        frozenset(map(int, years)),
        (morning[0], morning[1]),
        (afternoon[0], afternoon[1]),
    )


def _days(span: str) -> Iterator[date]:
    match = _SPAN.fullmatch(span)
    if match is None:
        raise ValueError(f"{span} is neither a day nor a span of days")
    first = date.fromisoformat(match[1])
    last = date.fromisoformat(match[2]) if match[2] else first
    for n in range((last - first).days + 1):
        yield first + timedelta(days=n)


def _minutes(text: str) -> int:
    hours, _, minutes = text.partition(":")
    return int(hours) * 60 + int(minutes)
