"""Page, schemas and example are what the models say today; what is written for operators is read back."""

import json
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from gateway.settings.crosscheck import Known
from gateway.settings.explain import kinds_in
from gateway.settings.kinds import Section
from gateway.settings.load import NODE_FILE, check, load
from gateway.settings.reference import pages
from gateway.settings.schema import FILES, json_schema
from gateway.settings.writing import link_yaml, node_yaml, routes_yaml
from tests.support.configs import LINK, NODE, ROUTES

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("path", sorted(pages()))
def test_a_generated_page_is_not_stale(path: str) -> None:
    assert (ROOT / path).read_text(encoding="utf-8") == pages()[path], f"{path} is not what the models say"


def test_nothing_in_config_is_left_over_from_before() -> None:
    found = {str(path.relative_to(ROOT)) for path in (ROOT / "config").rglob("*") if path.suffix in (".yaml", ".json")}
    ours = {path for path in found if path.split("/")[1] in ("gateway.yaml", "links.d", "routes.d", "schema")}
    assert ours == {path for path in pages() if path.startswith("config/")}


def keys(model: type[Section], above: str = "") -> Iterator[tuple[str, str]]:
    """Yield every setting of a kind of file with its meaning."""
    for name, field in model.model_fields.items():
        yield f"{above}{name}", field.description or ""
        for kind in kinds_in(field.annotation):
            if issubclass(kind, Section):
                is_list = str(field.annotation).startswith("tuple")
                yield from keys(kind, f"{above}{name}{'[]' if is_list else ''}.")


@pytest.mark.parametrize("kind", FILES)
def test_every_setting_is_documented(kind: str) -> None:
    text = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    for key, meaning in keys(FILES[kind]):
        assert meaning, f"{key} has no description"
        in_a_heading = f"### {key}\n" in text or f"each of `{key}`" in text
        assert f"| `{key}` | {meaning} |" in text or in_a_heading, f"{key} is not on the page"


def test_the_example_is_a_sound_configuration() -> None:
    settings = load(ROOT / "config", Known(("police", "folder")))
    assert settings.outbound[0].receiver("990102") == settings.links[0].peer


def uncommented(text: str) -> str:
    """Return an example with every setting that waits in a comment switched on, if it has a value."""
    lines = [re.sub(r"^( *)#(?=[ a-z_]+:)(?! [a-z]+ )", r"\1", line) for line in text.splitlines()]
    return "\n".join(
        line
        for line in lines
        if not re.fullmatch(
            r" *(url|user|stable_scans|folder|sentinel|deposit|collect|max_bundle|poll_every|receipt_timeout): *", line
        )
    )


def test_taking_the_hash_away_switches_a_setting_on(tmp_path: Path) -> None:
    text = uncommented((ROOT / "config" / "gateway.yaml").read_text(encoding="utf-8")).replace("<state>", "/var/lib/x")
    (tmp_path / NODE_FILE).write_text(text, encoding="utf-8")
    switched_on = yaml.safe_load(text)
    assert set(switched_on) == set(FILES["gateway"].model_fields)
    complaints = [str(one) for one in check(tmp_path).complaints if one.code != "value-missing"]
    assert complaints == []
    assert set(switched_on["timing"]) == {key.split(".")[1] for key, _ in keys(FILES["gateway"]) if "timing." in key}


@pytest.mark.parametrize("kind", FILES)
def test_a_schema_is_a_schema(kind: str) -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema(kind))


@pytest.mark.parametrize(("kind", "folder"), [("gateway", ""), ("link", "links.d/"), ("routes", "routes.d/")])
def test_a_schema_takes_the_example(kind: str, folder: str) -> None:
    schema = json_schema(kind)
    path = next(path for path in pages() if path.startswith(f"config/{folder}") and path.endswith(".yaml"))
    jsonschema.validate(yaml.safe_load((ROOT / path).read_text(encoding="utf-8")), schema)
    hint = (ROOT / path).read_text(encoding="utf-8").splitlines()[0].partition("$schema=")[2]
    assert ((ROOT / path).parent / hint).resolve().is_file()


def test_the_schema_of_grants_takes_the_example_of_the_page() -> None:
    text = (ROOT / "docs" / "masking.md").read_text(encoding="utf-8")
    example = textwrap.dedent(re.search(r"^    grants:\n(?:    .*\n)+", text, re.MULTILINE)[0])  # type: ignore[index]  # the page has one
    schema = json_schema("grants")
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(yaml.load(example, Loader=yaml.BaseLoader), schema)


@pytest.mark.parametrize("kind", FILES)
def test_the_defaults_of_a_schema_are_written_as_the_file_has_them(kind: str) -> None:
    schema = json_schema(kind)
    shown = 0
    for section in (schema, *schema.get("$defs", {}).values()):
        for value in section.get("properties", {}).values():
            if "default" in value:
                shown += 1
                jsonschema.validate(value["default"], value | {"$defs": schema.get("$defs", {})})
    assert shown


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("gateway", NODE + "timming: {}\n"),
        ("gateway", NODE + "timing: {scan_every: 10}\n"),
        ("gateway", NODE + "limits: {bundle: 5GB}\n"),
        ("gateway", NODE.replace('"990102000000"', "990102000000")),
        ("link", LINK + "initiate: bth\n"),
        ("link", LINK + "  port: 0\n"),
        ("routes", ROUTES.replace('"990102": "990102"', '"990102": x')),
        ("routes", ROUTES + "    flows: []\n"),
    ],
)
def test_an_editor_sees_the_fault_too(kind: str, text: str) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(yaml.safe_load(text), json_schema(kind))


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    """As `init` and the demo write a configuration: awkward names included."""
    node: dict[str, Any] = {
        "node": {"unit": "0110", "name": 'no: "一" #\\', "language": "zh_CN"},
        "paths": {"state": tmp_path / "a folder: with #"},
        "server": {"enabled": True, "port": 0},
        "timing": {"scan_every": "200ms", "stable_scans": 2},
    }
    link = {"name": "123", "peer": "12E5", "initiate": "push", "sftp": {"host": "127.0.0.1", "port": 4000}}
    outbound = {"name": "yes", "folder": tmp_path / "出", "packer": "folder", "receivers": {"*": "12E5", "1": "12E5"}}
    inbound = {"name": "b", "folder": tmp_path / "in", "packer": "folder", "senders": ["12E5"], "flows": ["*"]}
    (tmp_path / "links.d").mkdir()
    (tmp_path / "routes.d").mkdir()
    (tmp_path / NODE_FILE).write_text(node_yaml(node), encoding="utf-8")
    (tmp_path / "links.d" / "a.yaml").write_text(link_yaml(link), encoding="utf-8")
    (tmp_path / "routes.d" / "a.yaml").write_text(
        routes_yaml([outbound, outbound | {"name": "c", "folder": tmp_path / "c"}], [inbound]), encoding="utf-8"
    )
    settings = load(tmp_path)
    assert settings.node.model_dump() == {**node["node"], "zone": "Asia/Shanghai"}
    assert settings.paths.state == node["paths"]["state"]
    assert (settings.server.port, settings.timing.scan_every) == (0, 0.2)
    assert settings.links[0].model_dump(include=set(link), exclude_unset=True) == link
    assert [route.name for route in settings.outbound] == ["yes", "c"]
    assert settings.outbound[0].model_dump(include=set(outbound)) == outbound
    assert settings.inbound[0].model_dump(include=set(inbound)) == inbound | {"senders": ("12E5",), "flows": ("*",)}


def test_schemas_are_written_in_one_form() -> None:
    for path, text in pages().items():
        if path.endswith(".json"):
            assert json.dumps(json.loads(text), ensure_ascii=False, indent=2, sort_keys=True) + "\n" == text
