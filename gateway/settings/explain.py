"""What the models refuse, said to the operator: each validation error becomes a complaint at its place."""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any, get_args, get_origin

from annotated_types import Ge, Le
from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from gateway.settings.complaints import TEMPLATES, Complaint, misspelling, nearest, shown
from gateway.settings.kinds import Section
from gateway.settings.marks import Document, Trail
from gateway.settings.quantities import Duration, Size

WIDE_QUOTES = "“”‘’＂「」"
_PLAIN = MappingProxyType(
    {
        "string_type": "not-text",
        "int_type": "not-number",
        "bool_type": "not-boolean",
        "tuple_type": "not-a-list",
    }
)
_GROUP_TYPES = frozenset({"model_type", "model_attributes_type", "dict_type", "mapping_type", "is_instance_of"})


def explain(document: Document, model: type[Section], error: ValidationError) -> Iterator[Complaint]:
    """Yield a complaint for each thing that `model` refuses in `document`."""
    errors = error.errors(include_url=False)
    for one in errors:
        # pydantic says this of every default that it did not compute because something else is wrong,
        if one["type"] == "default_factory_not_called":
            continue
        # and calls a list too short whose items were refused.
        if one["type"] == "too_short" and any(_is_below(other["loc"], one["loc"]) for other in errors):
            continue
        yield _complaint(document, model, one)


def _is_below(trail: Trail, above: Trail) -> bool:
    return len(trail) > len(above) and trail[: len(above)] == above


def field_at(model: type[Section], trail: Trail) -> FieldInfo | None:
    """Return the field that `trail` leads to from `model`; a list position, or a key of one's own choice, leads to the
    list or mapping itself."""
    found: FieldInfo | None = None
    current: type[Section] | None = model
    chosen = 0
    for step in trail:
        if isinstance(step, int):
            continue
        if chosen:
            chosen -= 1
            continue
        if current is None or step not in keys_of(current):
            return found if current is None else None
        found = keys_of(current)[step]
        chosen = _mappings(found.annotation)
        current = next((kind for kind in kinds_in(found.annotation) if issubclass(kind, Section)), None)
    return found


def keys_of(model: type[Section]) -> Mapping[str, FieldInfo]:
    """Return the keys that a section may have in its file."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def kinds_in(annotation: Any) -> Iterator[type]:
    """Yield the classes that an annotation is made of, `Annotated`, `| None` and containers taken apart."""
    if isinstance(annotation, type) and not get_args(annotation):
        yield annotation
    for part in get_args(annotation):
        yield from kinds_in(part)


def _mappings(annotation: Any) -> int:
    """Return how many levels of keys of one's own choice lie around what an annotation holds."""
    below = max((_mappings(part) for part in get_args(annotation)), default=0)
    return below + (get_origin(annotation) is Mapping)


def markers(field: FieldInfo) -> Iterator[object]:
    """Yield the markers (Duration, Size, bounds) of a field, those inside `| None` included."""
    yield from field.metadata
    for part in get_args(field.annotation):
        yield from getattr(part, "__metadata__", ())


def _complaint(document: Document, model: type[Section], error: ErrorDetails) -> Complaint:
    trail: Trail = error["loc"]
    match error["type"]:
        case "extra_forbidden":
            return _unknown_key(document, model, trail)
        case "missing":
            return document.at_key(trail[:-1], "key-missing", key=shown(trail[-1]))
    if trail and trail[-1] == "[key]":
        trail = trail[:-1]
        code, facts = _bounded(error["type"], error, trail[-1], None)
        return document.at_key(trail, code, **{"text": shown(trail[-1]), **facts})
    code, facts = _code(document, model, trail, error)
    if code == "value-missing":
        # An absent value has no place of its own.
        return document.at_key(trail, code, **facts)
    return document.at_value(trail, code, **{"text": shown(document.spot(trail).raw), **facts})


def _code(document: Document, model: type[Section], trail: Trail, error: ErrorDetails) -> tuple[str, Mapping[str, str]]:
    kind, raw, value, field = (
        error["type"],
        document.spot(trail).raw,
        _value_at(document, trail),
        field_at(model, trail),
    )
    if value is None:
        return "value-missing", {"key": shown(_name(trail))}
    if raw[:1] and raw[0] in WIDE_QUOTES:
        return "quotes-wide", {"text": shown(raw.strip(WIDE_QUOTES))}
    if kind in _GROUP_TYPES:
        return "colon-wide" if "：" in raw else "not-a-section", {}
    if isinstance(value, list | Mapping) and kind not in ("too_short", "too_long", "tuple_type", *TEMPLATES):
        return "not-one-text", {}
    if kind in _PLAIN:
        return _PLAIN[kind], {}
    return _bounded(kind, error, value, field)


def _bounded(kind: str, error: ErrorDetails, value: object, field: FieldInfo | None) -> tuple[str, Mapping[str, str]]:
    context = {key: str(one) for key, one in (error.get("ctx") or {}).items()}
    match kind:
        case "enum":
            return misspelling("not-one-of", str(value), _choices(field))
        case "greater_than_equal" | "less_than_equal":
            return "out-of-range", _bounds(field)
        case "too_short" | "string_too_short":
            return "too-short", {"least": context.get("min_length", "1")}
        case "too_long" | "string_too_long":
            return "too-long", {"most": context.get("max_length", "")}
        case "duration-malformed" | "size-malformed":
            marker = next((one for one in (markers(field) if field else ()) if isinstance(one, Duration | Size)), None)
            return kind, {"example": marker.example(value) if marker else ""}
    return (kind, context) if kind in TEMPLATES else ("value-refused", {"problem": error["msg"]})


def _unknown_key(document: Document, model: type[Section], trail: Trail) -> Complaint:
    key = str(trail[-1])
    if "：" in key:
        return document.at_key(trail, "colon-wide")
    here = _section_at(model, trail[:-1])
    near = nearest(key, keys_of(here))
    if near is None:
        for name, field in model.model_fields.items():
            for kind in kinds_in(field.annotation):
                if issubclass(kind, Section) and kind is not here and key in kind.model_fields:
                    return document.at_key(trail, "key-elsewhere", key=shown(key), section=name)
    code, facts = misspelling("key-unknown", key, keys_of(here))
    return document.at_key(trail, code, **facts)


def _section_at(model: type[Section], trail: Trail) -> type[Section]:
    field = field_at(model, trail)
    if field is None:
        return model
    return next((kind for kind in kinds_in(field.annotation) if issubclass(kind, Section)), model)


def _choices(field: FieldInfo | None) -> list[str]:
    for kind in kinds_in(field.annotation) if field else ():
        if issubclass(kind, StrEnum):
            return [str(member) for member in kind]
    return []


def _bounds(field: FieldInfo | None) -> dict[str, str]:
    found = {"least": "", "most": ""}
    for marker in markers(field) if field else ():
        nested = getattr(marker, "metadata", [marker])
        for one in nested:
            if isinstance(one, Ge):
                found["least"] = str(one.ge)
            if isinstance(one, Le):
                found["most"] = str(one.le)
    return found


def _value_at(document: Document, trail: Trail) -> object:
    value = document.value
    for step in trail:
        if isinstance(value, Mapping | list):
            value = value[step]  # type: ignore[index] # the step was taken from this very value
    return value


def _name(trail: Trail) -> str | int:
    return next((step for step in reversed(trail) if isinstance(step, str)), "")
