"""Shows the figures: a table in the terminal, a page in Markdown."""

import os
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from benchmarks.chart import draw
from benchmarks.data import MIB
from benchmarks.figures import Section, shown
from benchmarks.processes import PROC
from benchmarks.results import Part

PAGE = "RESULTS.md"
PIPE_WIDTH = 140

_INTRODUCTION = """\
# Measured

Written by `make bench`; no figure on this page was typed in. Each part says when it was measured;
the machine and the options of every run stand at the end.

Everything stood on one machine, over real SFTP on loopback, so both sides share its processors and its disk; between
two servers each has its own. Ratios are of runs in turn on the same machine; absolute times mean nothing elsewhere.
Shown is the middle of all rounds and their spread.

**This project** runs two real daemons with the timing and the durability of an installed node: every claim, bundle,
delivery and commit is forced to the disk. The clock runs from the drop into the outbound folder to the signed receipt
at the sender. Exports have a completion mark, as case software writes it (a label, `_CASE.json`).

**Its peers** run as scripts would run them, with nothing forced to the disk, on the same files without the label. The
measure of all is one OpenSSH `sftp put -r`. gpg and age: `tar | zstd -1 | gpg --sign --encrypt` (or `age` and
`ssh-keygen -Y sign`), sftp, verified and unpacked, a signed receipt back and verified. NNCP: `tar | zstd -1 |
nncp-file`, its TCP daemon or a folder between both spools, acknowledged. rclone crypt: copied there and back out; not
compressed, not signed, no receipt. Batched: all cases two at a time, one session, one receipt for all.

What arrived is compared with what was sent, every byte, after the clock has stopped; the peers' too. Before each run
everything is written back, free memory is filled with clean pages, and idle processors are waited for.

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


def print_section(console: Console, section: Section, seconds: float) -> None:
    """Print one benchmark, which took `seconds` in all, as a table."""
    table = Table(title=f"{section.key}  {section.title}", title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    table.add_column()
    table.add_column("Figure", justify="right")
    table.add_column("Unit")
    table.add_column("Spread")
    table.add_column("Goal")
    table.add_column("Remark", overflow="fold")
    for one in section.figures:
        table.add_row(one.name, shown(one.value), one.unit, one.spread, one.judged, one.note)
    console.print(table)
    for told in section.absent:
        console.print(f"LEFT OUT: {told}", markup=False)
    for told in section.broken:
        console.print(f"BROKEN: {told}", style="bold red", markup=False)
    console.print(f"(measured in {seconds:.0f} s)")


def write(folder: Path, parts: Sequence[Part]) -> None:
    """Write the page and its charts into `folder`."""
    for part in parts:
        if part.section.bars:
            chart = draw(f"{part.section.key}: {part.section.title}", part.section.bars)
            (folder / _chart(part.section)).write_bytes(chart)
    (folder / PAGE).write_text(markdown(parts), "utf-8")


def markdown(parts: Sequence[Part]) -> str:
    """Return the page."""
    lines = [_INTRODUCTION]
    judged = [(part.section.key, one) for part in parts for one in part.section.figures if one.goal]
    if judged:
        lines += [
            "## Goals",
            "",
            "Set for the sizes of a run without options.",
            "",
            "| | | Figure | Unit | Spread | Goal |",
            "|---|---|---:|---|---|---|",
        ]
        lines += [
            f"| {key} | {one.name.strip()} | {shown(one.value)} | {one.unit} | {one.spread} | {one.judged} |"
            for key, one in judged
        ]
    for part in parts:
        lines += _told(part)
    broken = [one for part in parts for one in part.broken]
    lines += ["", "## Promises", ""]
    lines += [f"- BROKEN: {one}" for one in broken] or [
        "No process of a daemon reached 300 MiB; every export was delivered exactly once, byte for byte, and receipted."
    ]
    lines += ["", "## Runs", "", *_runs(parts)]
    return "\n".join(lines) + "\n"


def _told(part: Part) -> list[str]:
    """Return one part of the page."""
    section, machine = part.section, part.machine
    before, after = (machine.get(f"load {when}", "?") for when in ("before", "after"))
    lines = ["", f"## {section.key}: {section.title}", "", f"{section.work[0].upper()}{section.work[1:]}."]
    lines += ["", f"Measured {machine.get('measured', '?')}; load of the machine {before} before, {after} after."]
    if section.bars:
        lines += ["", f"![As multiples of a bare sftp put]({_chart(section)})"]
    lines += ["", "| | Figure | Unit | Spread | Goal | Remark |", "|---|---:|---|---|---|---|"]
    lines += [
        f"| {one.name.strip()} | {shown(one.value)} | {one.unit} | {one.spread} | {one.judged} | {one.note} |"
        for one in section.figures
    ]
    if section.absent:
        lines += ["", *(f"- Left out: {one}" for one in section.absent)]
    if section.uses:
        lines += ["", *_uses(section)]
    return lines


def _runs(parts: Sequence[Part]) -> list[str]:
    """Return a table of each run, the parts that it measured named in its head."""
    runs: dict[tuple[tuple[str, str], ...], list[str]] = {}
    for part in parts:
        runs.setdefault(tuple(part.machine.items()), []).append(part.section.key)
    lines: list[str] = []
    for machine, keys in runs.items():
        lines += [f"| {', '.join(keys)} | |", "|---|---|", *(f"| {name} | {value} |" for name, value in machine), ""]
    return lines[:-1]


def _uses(section: Section) -> list[str]:
    """Return the table of processes, folded away."""
    lines = ["<details><summary>Processor time and memory of every process, in the middle run</summary>", ""]
    lines += ["What a process has started and seen the end of counts with it: `ssh` with `sftp`.", ""]
    lines += ["| | Process | Processor, s | Peak RSS, MiB |", "|---|---|---:|---:|"]
    for one in section.uses:
        peak = shown(round(one.peak / MIB, 1)) if one.peak else "too short to be seen"
        lines.append(f"| {one.who} | {one.process} | {shown(round(one.seconds, 2))} | {peak} |")
    return [*lines, "", "</details>"]


def _chart(section: Section) -> str:
    return f"{section.key.lower()}.svg"


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
