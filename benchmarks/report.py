"""Shows the figures: a table in the terminal, a page in Markdown, JSON for machines."""

import json
import os
import platform
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from benchmarks.figures import Outcome, Section, shown
from benchmarks.processes import PROC

PAGE = "RESULTS.md"
MACHINE = "results.json"
PIPE_WIDTH = 140

_INTRODUCTION = """\
# Measured

Written by `make bench ARGS="{arguments}"`; no figure on this page was typed in. Two real daemons exchange over real
SFTP on loopback of one machine, so both sides share its processors and its disk; between two servers each has its own.
All of it runs with the durability of an installed node (every claim, bundle, delivery and commit is forced to the
disk), the bare `sftp put` without any. What was delivered is compared with what was dropped, every byte, after the
clock has stopped.

The legs follow each other, waiting included: **claim** lasts from the drop until the export is ours, **pack** until it
is sealed, **send** until it lies in the peer's mailbox, **receive** until it is durable and recorded there, **open**
until it stands verified in the inbound folder, **receipt** until the signed receipt is recorded at the sender.
"""


def machine(root: Path) -> Mapping[str, str]:
    """Return what a reader must know of the machine to judge the figures; `root`: where the work is done."""
    return {
        "measured": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "processor": f"{os.cpu_count()} x {_first(PROC / 'cpuinfo', 'model name') or platform.machine()}",
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / (1 << 30):.1f} GiB",
        "kernel": f"{platform.system()} {platform.release()}",
        "file system": _file_system(root),
        "python": platform.python_version(),
        "load before": load(),
    }


def load() -> str:
    """Return how many processes wanted the processors, over 1, 5 and 15 minutes; after a run it includes the run."""
    return " ".join(f"{one:.2f}" for one in os.getloadavg())


def print_section(console: Console, section: Section) -> None:
    """Print one benchmark as a table."""
    table = Table(title=f"{section.key}  {section.title}", title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    table.add_column()
    table.add_column("Figure", justify="right")
    table.add_column("Unit")
    table.add_column("Remark", overflow="fold")
    for figure in section.figures:
        table.add_row(figure.name, shown(figure.value), figure.unit, figure.note)
    console.print(table)
    for one in section.broken:
        console.print(f"BROKEN: {one}", style="bold red")


def write(folder: Path, outcome: Outcome, arguments: str) -> None:
    """Write the page and the JSON into `folder`."""
    (folder / PAGE).write_text(markdown(outcome, arguments), "utf-8")
    whole = {
        "machine": dict(outcome.machine),
        "options": dict(outcome.options),
        "sections": [asdict(section) for section in outcome.sections],
        "broken": list(outcome.broken),
    }
    (folder / MACHINE).write_text(json.dumps(whole, ensure_ascii=False, indent=2) + "\n", "utf-8")


def markdown(outcome: Outcome, arguments: str) -> str:
    """Return the page."""
    lines = [_INTRODUCTION.format(arguments=arguments), "| Machine | |", "|---|---|"]
    lines += [f"| {name} | {value} |" for name, value in (*outcome.machine.items(), *outcome.options.items())]
    for section in outcome.sections:
        lines += ["", f"## {section.key}: {section.title}", "", f"{section.work[0].upper()}{section.work[1:]}.", ""]
        lines += ["| | Figure | Unit | Remark |", "|---|---:|---|---|"]
        lines += [f"| {one.name.strip()} | {shown(one.value)} | {one.unit} | {one.note} |" for one in section.figures]
    lines += ["", "## Promises", ""]
    lines += [f"- BROKEN: {one}" for one in outcome.broken] or [
        "No process of a daemon reached 300 MiB; every export was delivered exactly once, byte for byte, and receipted."
    ]
    return "\n".join(lines) + "\n"


def _first(path: Path, name: str) -> str:
    """Return the value of the first line `name: value` of a file of /proc; empty if there is none."""
    try:
        lines = path.read_text("utf-8", "replace").splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(name)), "")


def _file_system(folder: Path) -> str:
    """Return the kind of file system that `folder` lies on."""
    try:
        mounts = [line.split() for line in (PROC / "mounts").read_text("utf-8", "replace").splitlines()]
    except OSError:
        return "unknown"
    places = [(mount[1], mount[2]) for mount in mounts if folder.resolve().is_relative_to(mount[1])]
    return max(places, key=lambda one: len(one[0]), default=("", "unknown"))[1]
