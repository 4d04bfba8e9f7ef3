"""The schemas of the standard's files take what the strict reader takes, and refuse what an editor should underline."""

from pathlib import Path
from typing import Any

import jsonschema
import pytest

from gateway.settings.explain import kinds_in
from gateway.settings.kinds import Section
from gateway.settings.marks import read_file
from gateway.settings.schema import STANDARD_FILES, json_schema, schema_name

CONFIG = Path(__file__).resolve().parents[3] / "config"


def read(path: Path) -> Any:
    """Return a file as an editor sees it: YAML 1.2, in which a day is a text."""
    return read_file(path).value


@pytest.mark.parametrize("path", sorted(CONFIG.glob("codes/*.yaml")) + sorted(CONFIG.glob("flows/a*.yaml")))
def test_the_packaged_files_fit_their_schema(path: Path) -> None:
    kind = "flow" if path.parent.name == "flows" else path.stem
    jsonschema.validate(read(path), json_schema(kind))


def test_every_packaged_file_names_its_schema() -> None:
    for path in (*CONFIG.glob("codes/*.yaml"), *CONFIG.glob("flows/*.yaml")):
        name = schema_name("flow" if path.parent.name == "flows" else path.stem)
        first, _, _rest = path.read_text(encoding="utf-8").partition("\n")
        assert first == f"# yaml-language-server: $schema=../schema/{name}", path


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("lane", "fast"),
        ("class", 100),
        ("class", "1"),
        ("senders", []),
        ("code", "Arrest Request"),
        ("colour", "red"),
        ("checks", [{"id-checksum": "perhaps"}]),
        ("checks", [["id-checksum"]]),
        ("grant", "yes"),
    ],
)
def test_a_wrong_value_is_refused(key: str, value: object) -> None:
    flow = {**read(CONFIG / "flows" / "arrest-request.yaml"), key: value}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(flow, json_schema("flow"))


@pytest.mark.parametrize("kind", STANDARD_FILES)
def test_every_key_is_described(kind: str) -> None:
    def look(model: type[Section]) -> None:
        for name, field in model.model_fields.items():
            assert field.description, f"{model.__name__}.{name}"
            for inner in kinds_in(field.annotation):
                if issubclass(inner, Section):
                    look(inner)

    look(STANDARD_FILES[kind])
