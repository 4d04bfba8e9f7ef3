"""The JSON Schema of the case package, made from its classes: what they say of their fields is said once."""

import ast
import dataclasses
import inspect
from collections.abc import Iterator
from types import MappingProxyType, ModuleType
from typing import Any, Final, get_args, get_origin, get_type_hints

from gateway.standard import package as module
from gateway.standard.canonical import MAX_INTEGER
from gateway.standard.catalogue import Standard
from gateway.standard.fields import NUMBERS, OF_CASE, OF_LISTS, OF_PERSON
from gateway.standard.findings import Verdict
from gateway.standard.package import CasePackage

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
VERSION: Final = 1

_TABLES: Final = MappingProxyType(
    {
        "Measure.kind": "coercive-measure",
        "Person.sex": "sex",
        "Person.id_type": "id-type",
        "Sentence.kind": "sentence-kind",
        "Change.kind": "change-kind",
        "Volume.kind": "volume-kind",
        "Decision.kind": "arrest-decision",
    }
)
"""Class and field -> the code table whose slugs it holds, where the sender's code is in it."""


def case_package_schema(standard: Standard) -> dict[str, Any]:
    """Return the schema (draft 2020-12) of the case package as `CasePackage.to_json` writes it; pure.

    Every name is there in every case package, no other is, and an empty text means that the export says nothing.
    standard: gives fields their names in both languages, and the codes of the tables.
    """
    maker = _Maker(standard, module)
    root = maker.object_of(CasePackage)
    root["properties"]["v"] = {"const": VERSION, "description": "Version of this schema."}
    return {
        "$schema": DIALECT,
        "title": "CaseFerry case package 案件数据",
        **root,
        "$defs": {name: maker.definitions[name] for name in sorted(maker.definitions)},
    }


class _Maker:
    """Makes the schemas of dataclasses, each once. definitions: class -> schema."""

    def __init__(self, standard: Standard, home: ModuleType) -> None:
        self.definitions: dict[str, dict[str, Any]] = {}
        self._standard = standard
        self._said = dict(_said(home))
        self._named = dict(self._names())

    def object_of(self, kind: type) -> dict[str, Any]:
        """Return the schema of a dataclass; those of its fields go to `definitions`."""
        hints = get_type_hints(kind)
        properties = {
            one.name: self._described(kind.__name__, one.name, self._schema(hints[one.name]))
            for one in dataclasses.fields(kind)
        }
        return {
            "description": self._said.get(kind.__name__, ""),
            "type": "object",
            "properties": properties,
            "required": list(properties),
            "additionalProperties": False,
        }

    def _schema(self, hint: Any) -> dict[str, Any]:
        if hint is str:
            return {"type": "string"}
        if hint is int:
            return {"type": "integer", "minimum": 0, "maximum": MAX_INTEGER}
        if get_origin(hint) is tuple:
            return {"type": "array", "items": self._schema(get_args(hint)[0])}
        if hint.__name__ not in self.definitions:
            self.definitions[hint.__name__] = {}  # a place held against classes that hold each other
            self.definitions[hint.__name__] = self.object_of(hint)
        return {"$ref": f"#/$defs/{hint.__name__}"}

    def _described(self, owner: str, name: str, schema: dict[str, Any]) -> dict[str, Any]:
        place = f"{owner}.{name}"
        texts = [self._named.get(place, ""), self._said.get(place, "")]
        if place in _TABLES:
            codes = ", ".join(f"{one.code} {one.zh}" for one in self._standard.table(_TABLES[place]).codes.values())
            texts.append(f"Table {_TABLES[place]}: {codes}.")
        if place == "CaseNumber.scheme":
            schema = {**schema, "enum": list(NUMBERS)}
        if place == "Mark.verdict":
            schema = {**schema, "enum": [Verdict.FIX.value, Verdict.WARN.value]}
        description = " ".join(text for text in texts if text)
        return {**schema, "description": description} if description else schema

    def _names(self) -> Iterator[tuple[str, str]]:
        """Yield class and field, and how the dictionary calls it."""
        rows = {
            "measures": "Measure",
            "charges": "Charge",
            "decisions": "Decision",
            "sentences": "Sentence",
            "changes": "Change",
        }
        for field, attribute in OF_CASE.items():
            yield f"CasePackage.{attribute}", self._name(field)
        for field, attribute in OF_PERSON.items():
            yield f"Person.{attribute}", self._name(field)
        for field, (held, attribute) in OF_LISTS.items():
            yield f"{rows[held]}.{attribute}", self._name(field)

    def _name(self, field: str) -> str:
        kind = self._standard.fields.get(field)
        return f"{kind.zh} ({field})." if kind is not None else f"{field}."


def _said(home: ModuleType) -> Iterator[tuple[str, str]]:
    """Yield class, or class and field, and the docstring that stands with it."""
    for node in ast.parse(inspect.getsource(home)).body:
        if not isinstance(node, ast.ClassDef):
            continue
        yield node.name, _one_line(ast.get_docstring(node) or "")
        for before, after in zip(node.body, node.body[1:], strict=False):
            if not isinstance(before, ast.AnnAssign) or not isinstance(before.target, ast.Name):
                continue
            if (
                isinstance(after, ast.Expr)
                and isinstance(after.value, ast.Constant)
                and isinstance(after.value.value, str)
            ):
                yield f"{node.name}.{before.target.id}", _one_line(after.value.value)


def _one_line(text: str) -> str:
    return " ".join(text.split())
