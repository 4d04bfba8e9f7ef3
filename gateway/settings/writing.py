"""Configuration files written for people: the given values, and every other setting in a comment with its default."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import get_args, get_origin

from pydantic.fields import FieldInfo

from gateway.settings.explain import kinds_in
from gateway.settings.kinds import Section
from gateway.settings.links import LinkSettings
from gateway.settings.marks import plain
from gateway.settings.node import NodeFile
from gateway.settings.routes import InboundRoute, OutboundRoute, RoutesFile
from gateway.settings.schema import default_text, schema_name

Values = Mapping[str, object]
"""Setting -> value: text, number, truth, list, or again a mapping; durations and sizes as text."""

_PLAIN = re.compile(r"[A-Za-z0-9/._][A-Za-z0-9/._-]*( [A-Za-z0-9/._-]+)*")
_YAML_1_1_WORDS = frozenset({"y", "n", "yes", "no", "on", "off"})


def node_yaml(values: Values) -> str:
    """Return the text of gateway.yaml; nothing is checked here: `check` reads it back."""
    return _head("gateway", "", NodeFile) + "\n".join(_section(NodeFile, values, "")) + "\n"


def link_yaml(values: Values) -> str:
    """Return the text of a file of links.d."""
    return _head("link", "../", LinkSettings) + "\n".join(_section(LinkSettings, values, "")) + "\n"


def routes_yaml(outbound: Sequence[Values] = (), inbound: Sequence[Values] = ()) -> str:
    """Return the text of a file of routes.d."""
    lines: list[str] = []
    for key, model, routes in (("outbound", OutboundRoute, outbound), ("inbound", InboundRoute, inbound)):
        if routes:
            lines += [f"# {RoutesFile.model_fields[key].description}", f"{key}:"]
        for route in routes:
            item = list(_section(model, route, "    "))
            # The name comes first and always has a value, so the dash stands before its line.
            position = next(i for i, line in enumerate(item) if line.startswith("    name:"))
            item[position] = "  - " + item[position].strip()
            lines += item[position:]
    return _head("routes", "../", RoutesFile) + "\n".join(lines) + "\n"


def _head(kind: str, above: str, model: type[Section]) -> str:
    schema = f"# yaml-language-server: $schema={above}schema/{schema_name(kind)}\n"
    return f"{schema}# {(model.__doc__ or '').strip()} Every setting: docs/configuration.md\n\n"


def _section(model: type[Section], values: Values, indent: str) -> Iterator[str]:
    """Yield the lines of a section; taking the `#` from before a key switches that setting on."""
    for position, (name, field) in enumerate(model.model_fields.items()):
        if indent == "" and position:
            yield ""
        yield f"{indent}# {field.description}"
        section = _section_of(field)
        if name in values:
            yield from _given(name, values[name], section, indent)
        elif section is not None:
            yield f"{indent}#{name}:"
            is_list = get_origin(field.annotation) is tuple
            for number, line in enumerate(_section(section, {}, "    " if is_list else "  ")):
                shown = line if line.lstrip().startswith("# ") else line.replace("#", "", 1)
                # The first line of an item is the remark on its first key, which takes the dash just as well.
                yield f"{indent}#{f'  - {shown.lstrip()}' if is_list and number == 0 else shown}"
        else:
            text = default_text(name, field)
            yield f"{indent}#{name}:{' ' + text if text is not None else ''}"


def _given(name: str, value: object, section: type[Section] | None, indent: str) -> Iterator[str]:
    if section is not None and isinstance(value, Mapping):
        yield f"{indent}{name}:"
        yield from _section(section, value, indent + "  ")
    elif isinstance(value, Mapping):
        yield f"{indent}{name}:"
        for key, one in value.items():
            yield f"{indent}  {_scalar(str(key), quoted=True)}: {_scalar(one)}"
    elif isinstance(value, Sequence) and not isinstance(value, str) and any(isinstance(one, Mapping) for one in value):
        yield f"{indent}{name}:"
        for one in value:
            # One short line to a rule, so that a page of them can be read aloud.
            said = ", ".join(f"{key}: {_flow(part)}" for key, part in one.items())
            yield f"{indent}  - {{{said}}}"
    elif isinstance(value, Sequence) and not isinstance(value, str):
        yield f"{indent}{name}: {_flow(value)}"
    else:
        yield f"{indent}{name}: {_scalar(value)}"


def _flow(value: object) -> str:
    """Return a value, or a list of them, on one line."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        return f"[{', '.join(_scalar(one) for one in value)}]"
    return _scalar(value)


def _scalar(value: object, *, quoted: bool = False) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    text = str(value)
    is_safe = _PLAIN.fullmatch(text) and isinstance(plain(text), str) and text.casefold() not in _YAML_1_1_WORDS
    return text if is_safe and not quoted else json.dumps(text, ensure_ascii=False)


def _section_of(field: FieldInfo) -> type[Section] | None:
    if isinstance(field.default, PurePath) or get_args(field.annotation)[:1] == (tuple,):
        return None
    return next((kind for kind in kinds_in(field.annotation) if issubclass(kind, Section)), None)
