"""The pages that the models write themselves: the reference of all settings, the schemas and the example."""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import get_origin

from annotated_types import Ge, Le
from pydantic.fields import FieldInfo

from gateway.settings.complaints import TEMPLATES
from gateway.settings.explain import kinds_in, markers
from gateway.settings.grants import GrantSettings
from gateway.settings.kinds import Section
from gateway.settings.links import LinkSettings
from gateway.settings.node import NodeFile
from gateway.settings.quantities import Duration, Size
from gateway.settings.routes import InboundRoute, OutboundRoute
from gateway.settings.schema import default_text, schema_texts
from gateway.settings.writing import link_yaml, node_yaml, routes_yaml

_HEAD = """# Configuration

Generated from `gateway/settings/`; do not edit. The folder holds `gateway.yaml` and one file for each link and each
group of routes:

    gateway.yaml      this node
    links.d/*.yaml    one link to a file
    routes.d/*.yaml   folders of case software
    grants.d/*.yaml   grants of the sharing catalogue
    schema/*.json     for editors that understand `# yaml-language-server`

`caseferry check` reads all of it and says of every fault `file:line:column: what is wrong; what to do`. Unknown
settings are refused. Unit codes are text: write them in quotes. Durations are written `90s`, `10m`, `1h 30m`,
`30d`, sizes `20 MiB`, `5 GiB`. Relative paths count from the folder of `gateway.yaml`. Only `true` and `false` are
truth values; aliases, anchors and tags of YAML are refused, and so is a setting given twice."""


def pages() -> dict[str, str]:
    """Return path from the project's root -> text of every generated page."""
    found = {"docs/configuration.md": "\n".join(_reference()) + "\n"}
    found |= {f"config/schema/{name}": text for name, text in schema_texts().items()}
    found["config/gateway.yaml"] = node_yaml(
        {
            "node": {"unit": "990102000000", "name": "示例区公安局", "language": "auto"},
            "paths": {"state": "/var/lib/caseferry"},
            "server": {"listen": "127.0.0.1", "port": 2222},
        }
    )
    found["config/links.d/procuratorate.yaml"] = link_yaml(
        {
            "name": "procuratorate",
            "peer": "990102",
            "transport": "sftp",
            "initiate": "both",
            "sftp": {"host": "ferry.procuratorate.example", "port": 2222},
        }
    )
    found["config/routes.d/police.yaml"] = routes_yaml(
        [
            {
                "name": "exports",
                "folder": "/srv/caseferry/outbound",
                "packer": "police",
                "receivers": {"990102": "990102", "*": "roster"},
                "rules": [{"flows": ["arrest-request"], "role": "procuratorate", "region": "own"}],
                "cc": [{"flows": ["case-filing-report"], "role": "politics-law-committee", "region": "own"}],
                "flows": ["*"],
            }
        ],
        [
            {
                "name": "imports",
                "senders": ["990102"],
                "flows": ["*"],
                "folder": "/srv/caseferry/inbound",
                "packer": "police",
            }
        ],
    )
    return found


def _reference() -> Iterator[str]:
    yield _HEAD
    yield from ("", "## gateway.yaml")
    for name, field in NodeFile.model_fields.items():
        yield from _deep(name, field)
    yield from _part("links.d/*.yaml", "", LinkSettings)
    yield from _part("routes.d/*.yaml: each of `outbound`", "outbound[]", OutboundRoute)
    yield from _part("routes.d/*.yaml: each of `inbound`", "inbound[]", InboundRoute)
    yield from _part("grants.d/*.yaml: each of `grants`", "grants[]", GrantSettings)
    yield from ("", "## Complaints", "", "| code | what is wrong | what to do |", "|---|---|---|")
    for code, (what, do) in TEMPLATES.items():
        yield f"| `{code}` | {_cell(what)} | {_cell(do)} |"


def _deep(above: str, field: FieldInfo) -> Iterator[str]:
    """Yield the table of a section, and of every section below it."""
    section = _section_of(field)
    yield from _table(above, section, field.description or "", "###")
    for name, one in section.model_fields.items():
        if _section_of(one) is not Section:
            listed = "[]" if get_origin(one.annotation) is tuple else ""
            yield from _deep(f"{above}.{name}{listed}", one)


def _part(title: str, above: str, model: type[Section]) -> Iterator[str]:
    yield from _table(above, model, (model.__doc__ or "").strip(), "##", title)
    for name, field in model.model_fields.items():
        section = _section_of(field)
        if section is not Section:
            listed = "[]" if get_origin(field.annotation) is tuple else ""
            yield from _table(f"{above}.{name}{listed}".lstrip("."), section, field.description or "", "###")


def _table(above: str, model: type[Section], text: str, level: str, title: str = "") -> Iterator[str]:
    yield from ("", f"{level} {title or above}", "", text[:1].upper() + text[1:].rstrip(".") + ".", "")
    yield from ("| setting | meaning | value | default |", "|---|---|---|---|")
    for name, field in model.model_fields.items():
        default = default_text(name, field)
        shown = f"`{default}`" if default is not None else ("required" if field.is_required() else "")
        key = f"{above}.{name}".lstrip(".")
        yield f"| `{key}` | {_cell(field.description or '')} | {_cell(_value(field))} | {_cell(shown)} |"


def _value(field: FieldInfo) -> str:
    bounded = _bounded(field)
    if bounded:
        return bounded
    kinds = list(kinds_in(field.annotation))
    choices = next((list(kind) for kind in kinds if issubclass(kind, StrEnum)), [])
    if choices:
        return ", ".join(f"`{one}`" for one in choices)
    if any(issubclass(kind, Section) for kind in kinds):
        return "list of sections" if get_origin(field.annotation) is tuple else "section"
    if get_origin(field.annotation) is tuple:
        return "list of texts"
    if get_origin(field.annotation) is Mapping:
        return "texts by text"
    return {bool: "true or false", Path: "path"}.get(kinds[0], "text") if kinds else "text"


def _bounded(field: FieldInfo) -> str:
    bounds: dict[str, object] = {}
    for marker in markers(field):
        if isinstance(marker, Duration | Size):
            kind = "duration" if isinstance(marker, Duration) else "size"
            return f"{kind}, {marker.least} to {marker.most}"
        for one in getattr(marker, "metadata", [marker]):
            if isinstance(one, Ge):
                bounds["least"] = one.ge
            if isinstance(one, Le):
                bounds["most"] = one.le
    return f"whole number, {bounds['least']} to {bounds['most']}" if bounds else ""


def _section_of(field: FieldInfo) -> type[Section]:
    return next((kind for kind in kinds_in(field.annotation) if issubclass(kind, Section)), Section)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
