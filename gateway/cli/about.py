"""`caseferry version` and `caseferry schema`: what this program is, and what it reads."""

import json
import platform
import sys
from importlib.metadata import version as installed_version
from pathlib import Path

from gateway.cli.terminal import Terminal
from gateway.folders import disk
from gateway.settings.schema import FILES, STANDARD_FILES, json_schema, schema_texts
from gateway.words.templates import mark

DISTRIBUTION = "caseferry"


def version(terminal: Terminal) -> None:
    """Print the version."""
    found = installed_version(DISTRIBUTION)
    if terminal.as_json:
        terminal.emit({"version": found, "python": platform.python_version(), "platform": platform.platform()})
    else:
        terminal.line(f"{DISTRIBUTION} {found}  (Python {platform.python_version()}, {platform.platform()})")


def schema(terminal: Terminal, out: Path | None) -> None:
    """Write the JSON Schemas into the folder `out`, or all of them as one object to standard output."""
    if out is None:
        whole = {kind: json_schema(kind) for kind in (*FILES, *STANDARD_FILES)}
        sys.stdout.write(json.dumps(whole, ensure_ascii=False, indent=2, sort_keys=True) + "\n")
        return
    with disk.mapped(out):
        out.mkdir(parents=True, exist_ok=True)
    for name, text in schema_texts().items():
        disk.write_durably(out / name, text.encode(), mode=0o644)
        terminal.say(mark("Wrote {path}"), path=out / name)
