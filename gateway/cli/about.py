"""`caseferry version` and `caseferry schema`: what this program is, and what it reads."""

import json
import platform
import sys
from importlib.metadata import version as installed_version
from pathlib import Path

from gateway.cli.terminal import Terminal
from gateway.folders import disk
from gateway.settings.schema import KINDS, json_schema, schema_name, schema_texts
from gateway.words.templates import mark

DISTRIBUTION = "caseferry"


def version(terminal: Terminal) -> None:
    """Print the version."""
    found = installed_version(DISTRIBUTION)
    if terminal.as_json:
        terminal.emit({"version": found, "python": platform.python_version(), "platform": platform.platform()})
    else:
        terminal.line(f"{DISTRIBUTION} {found}  (Python {platform.python_version()}, {platform.platform()})")


def schema(terminal: Terminal, kind: str | None, out: Path | None) -> None:
    """Write the JSON Schema `kind`, or all, into the folder `out`; else to standard output, all as one object."""
    if out is None:
        whole = json_schema(kind) if kind is not None else {one: json_schema(one) for one in KINDS}
        sys.stdout.write(json.dumps(whole, ensure_ascii=False, indent=2, sort_keys=True) + "\n")
        return
    with disk.mapped(out):
        out.mkdir(parents=True, exist_ok=True)
    texts = schema_texts()
    for name in texts if kind is None else (schema_name(kind),):
        disk.write_durably(out / name, texts[name].encode(), mode=0o644)
        terminal.say(mark("Wrote {path}"), path=out / name)
