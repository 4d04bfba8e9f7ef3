"""`python -m benchmarks.flame`: where the processor time of two daemons goes, as one flame chart a process (SVG).

py-spy looks at the running daemons a hundred times a second from outside; nothing in them is changed for it.
"""

import argparse
import html
import re
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import data
from benchmarks.nodes import Pair, running_pair
from benchmarks.processes import members

FOLDER = Path(__file__).parent.parent / "docs" / "flames"
RATE = 100
"""Looks a second."""
PATIENCE = 600.0
LEAST = 0.006
"""Share of the whole below which a box is left out: nobody could read it."""
WIDTH, ROW, TOP = 1200, 17, 44
_LETTER = 6.4
"""Pixels that a letter takes, about."""
_HUES = {
    "gateway": "#e8a33d",
    "packers": "#d9803a",
    "sqlalchemy": "#7aa6c2",
    "asyncssh": "#93b77e",
    "paramiko": "#93b77e",
}
_OTHER = "#c9c4b8"
LEGEND = "orange: ours; blue: SQLAlchemy; green: SSH; grey: everything else"
_WAITS = re.compile(
    r"^(?:[\w.<>]+\.)?(wait|_wait|acquire|select|poll|_check_inotify_fd|read_all|stirs|get|join|accept|_live|_recv|_exactly|read)"
    r" \((threading|selectors|gateway/daemon|watchdog|paramiko/packet|queue|socket|gateway/transport/watchdog)"
)
"""Frames in which a thread waits for somebody else; py-spy sees it there, but no processor does."""
_FRAME = re.compile(r"^(?P<name>.*) \((?P<file>[^:)]*)(?::\d+)?\)$")


@dataclass(slots=True)
class Box:
    """A function below the one that called it, and how often it was seen there."""

    name: str
    seen: int = 0
    below: dict[str, "Box"] = field(default_factory=dict)

    def add(self, frames: Sequence[str], count: int) -> None:
        """Count a stack, outermost frame first."""
        self.seen += count
        if frames:
            self.below.setdefault(frames[0], Box(frames[0])).add(frames[1:], count)


def stacks(raw: Iterable[str]) -> Iterator[tuple[list[str], int]]:
    """Yield the stacks of py-spy's raw format that had a processor, outermost frame first, and how often each was seen.

    Frames of the interpreter's own start and of threads' beginnings are left out.
    """
    for line in raw:
        text, _, count = line.rpartition(" ")
        frames = [_short(frame) for frame in text.split(";")]
        if frames and not _WAITS.match(frames[-1]):
            shown = [
                frame
                for frame in frames
                if not re.search(r"\((threading|runpy|<string>|<frozen runpy>)\)|^process ", frame)
            ]
            if shown:
                yield shown, int(count)


def chart(title: str, whole: Box) -> str:
    """Return an SVG of `whole`: callers above, what they call below them, as wide as the time they took."""
    rows: list[str] = []
    depth = _draw(rows, whole, 0, 0.0, float(WIDTH), whole.seen)
    height = TOP + (depth + 1) * ROW + 8
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
            'font-family="ui-monospace, monospace" font-size="11">',
            f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
            f'<text x="8" y="18" font-size="14">{html.escape(title)}</text>',
            f'<text x="8" y="35" fill="#666666">{LEGEND}</text>',
            *rows,
            "</svg>\n",
        ]
    )


def _draw(rows: list[str], box: Box, depth: int, left: float, width: float, total: int) -> int:
    """Add the boxes below `box`; return the deepest row that was drawn."""
    deepest = depth
    for child in sorted(box.below.values(), key=lambda one: -one.seen):
        share = child.seen / total
        if share < LEAST:
            continue
        wide = width * child.seen / box.seen
        top = TOP + depth * ROW
        label = f"{child.name} {share:.1%}"
        text = label if len(label) * _LETTER < wide else child.name[: max(0, int(wide / _LETTER) - 1)]
        rows.append(
            f'<g><title>{html.escape(label)}</title><rect x="{left:.1f}" y="{top}" width="{max(wide - 0.5, 0.5):.1f}" '
            f'height="{ROW - 1}" fill="{_hue(child.name)}"/>'
            f'<text x="{left + 3:.1f}" y="{top + 12}">{html.escape(text)}</text></g>'
        )
        deepest = max(deepest, _draw(rows, child, depth + 1, left, wide, total))
        left += wide
    return deepest


def _hue(name: str) -> str:
    return next((hue for part, hue in _HUES.items() if f"({part}" in name), _OTHER)


def _short(frame: str) -> str:
    """Return a frame as `function (file)`, the file without the folders above the package."""
    found = _FRAME.match(frame)
    if not found:
        return frame
    return f"{found['name']} ({found['file'].removesuffix('.py')})"


def main(given: Sequence[str]) -> int:
    """Carry exports between two daemons while py-spy looks on, and write the charts; return 0."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.flame", description=__doc__)
    parser.add_argument("--count", type=int, default=600, help="small exports that are dropped at once")
    parser.add_argument("--size", type=int, metavar="MIB", help="one export of so many MiB instead")
    parser.add_argument("--into", type=Path, default=FOLDER, help="folder for the charts")
    options = parser.parse_args(given)
    options.into.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="caseferry-flame-") as made:
        root = Path(made).resolve()
        exports = _exports(root / "exports", options.count, options.size)
        with running_pair(root / "nodes") as pair:
            pair.ferry([data.handover(root / "first", 20 * data.KIB, "first")], PATIENCE)  # the workers have started
            seen = _watched(pair, exports, root)
    kind = f"{options.size} MiB" if options.size else f"{options.count} small exports"
    for name, lines in seen.items():
        whole = Box("all")
        for frames, count in stacks(lines):
            whole.add(frames, count)
        title = f"{name}, {kind}: {whole.seen / RATE:.1f} s of processor time seen"
        path = options.into / f"{'large' if options.size else 'small'}-{name.replace(' ', '-')}.svg"
        path.write_text(chart(title, whole), "utf-8")
        print(f"{path}: {whole.seen} samples")
    return 0


def _exports(root: Path, count: int, size: int | None) -> list[data.Made]:
    root.mkdir()
    if size:
        return [data.dossier(root / "dossier", size * data.MIB, "flame")]
    return [data.handover(root / f"case-{n:05d}", 20 * data.KIB, f"flame/{n}", 3) for n in range(count)]


def _watched(pair: Pair, exports: Sequence[data.Made], root: Path) -> Mapping[str, list[str]]:
    """Return what was seen of each process while `exports` were carried, by the side and the name of the process."""
    watchers: list[tuple[str, Path, subprocess.Popen[bytes]]] = []
    for side, family in (("sender", pair.sender), ("receiver", pair.receiver)):
        for pid in members(family.pid):
            comm = Path(f"/proc/{pid}/comm").read_text("utf-8").strip()
            name = f"{side} {'daemon' if pid == family.pid else comm}"
            raw = root / f"{pid}.raw"
            command = [
                "py-spy",
                "record",
                "--pid",
                str(pid),
                "--rate",
                str(RATE),
                "--format",
                "raw",
                "--output",
                str(raw),
            ]
            watchers.append(
                (
                    name,
                    raw,
                    subprocess.Popen(
                        [Path(sys.executable).with_name("py-spy"), *command[1:]],
                        stdout=subprocess.DEVNULL,
                        stderr=subprocess.DEVNULL,
                    ),
                )
            )
    pair.ferry(exports, PATIENCE)
    seen: dict[str, Counter[str]] = {}
    for name, raw, watcher in watchers:
        watcher.send_signal(signal.SIGINT)
        watcher.wait()
        if raw.exists():
            counts = seen.setdefault(name, Counter())
            for line in raw.read_text("utf-8").splitlines():
                text, _, count = line.rpartition(" ")
                counts[text] += int(count)
    return {name: [f"{text} {count}" for text, count in counts.items()] for name, counts in seen.items()}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
