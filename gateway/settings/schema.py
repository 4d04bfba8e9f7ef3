"""JSON Schemas of the configuration files, for editors that check while typing."""

import json
from collections.abc import Mapping
from pathlib import PurePath
from types import MappingProxyType
from typing import Any

from pydantic.fields import FieldInfo
from pydantic.json_schema import GenerateJsonSchema

from gateway.settings.explain import keys_of, kinds_in, markers
from gateway.settings.kinds import Section
from gateway.settings.links import LinkSettings
from gateway.settings.node import NodeFile
from gateway.settings.quantities import Duration, Size
from gateway.settings.routes import RoutesFile


class _Untitled(GenerateJsonSchema):
    """Leaves out the titles that would only repeat each key."""

    def field_title_should_be_set(self, schema: object) -> bool:
        return False


FILES: Mapping[str, type[Section]] = MappingProxyType({"gateway": NodeFile, "link": LinkSettings, "routes": RoutesFile})
"""Kind of file -> the model of its content."""


def schema_name(kind: str) -> str:
    """Return the file name of the schema for a kind of file."""
    return f"{kind}.schema.json"


def json_schema(kind: str) -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of one kind of file: `gateway`, `link` or `routes`."""
    model = FILES[kind]
    schema: dict[str, Any] = {"$schema": "https://json-schema.org/draft/2020-12/schema"} | model.model_json_schema(
        schema_generator=_Untitled
    )
    definitions = schema.get("$defs", {})
    _show_defaults(schema, model)
    for section in _sections(model):
        if section.__name__ in definitions:
            _show_defaults(definitions[section.__name__], section)
    return schema


def schema_texts() -> dict[str, str]:
    """Return file name -> text of every schema, as it lies in config/schema/."""
    return {
        schema_name(kind): json.dumps(json_schema(kind), ensure_ascii=False, indent=2, sort_keys=True) + "\n"
        for kind in FILES
    }


def default_text(name: str, field: FieldInfo) -> str | None:
    """Return a field's default as it would be written in the file; None if it has none that can be written."""
    if field.default_factory is not None:
        return f"<state>/{name}"
    value = field.default
    if field.is_required() or value is None or isinstance(value, Section) or value in ((), {}):
        return None
    for marker in markers(field):
        if isinstance(marker, Duration | Size):
            return marker.show(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return "[" + ", ".join(json.dumps(str(one)) for one in value) + "]"
    return str(value)


def _show_defaults(schema: dict[str, Any], model: type[Section]) -> None:
    """Put defaults in as the file has them: pydantic knows seconds and bytes, and hands out its own sections."""
    for name, shown in schema.get("properties", {}).items():
        field = keys_of(model)[name]
        text = default_text(name, field)
        marked = any(isinstance(one, Duration | Size) for one in markers(field))
        if text is None or field.default_factory is not None:
            shown.pop("default", None)
        elif marked or isinstance(field.default, PurePath):
            shown["default"] = text


def _sections(model: type[Section]) -> list[type[Section]]:
    found: list[type[Section]] = []
    for field in model.model_fields.values():
        for kind in kinds_in(field.annotation):
            if issubclass(kind, Section):
                found += [kind, *_sections(kind)]
    return found
