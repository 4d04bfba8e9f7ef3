"""Draws ratios as lying bars: one SVG without scripts, fonts or anything else from elsewhere."""

from collections.abc import Sequence
from html import escape
from math import floor, log10

WIDTH = 920
LABELS = 320
"""Points for the names, left of the bars."""
VALUES = 70
"""Points for the figures, right of them."""
ROW = 26
HEAD = 44
FOOT = 26
OURS, OTHERS, LINE = "#2a7f62", "#9aa5ad", "#b3422e"
FONT = "system-ui, 'Noto Sans', sans-serif"
DECADES_FROM = 12.0
"""Where one bar is so many times the shortest, the scale is logarithmic."""


def draw(title: str, bars: Sequence[tuple[str, float]], ours: str = "CaseFerry") -> bytes:
    """Return the picture: a bar for each name, a line at 1, the bars of `ours` in another colour."""
    ordered = sorted(bars, key=lambda one: one[1])
    least, most = min(ordered[0][1], 1.0), max(ordered[-1][1], 1.0)
    is_log = most / least >= DECADES_FROM
    room = WIDTH - LABELS - VALUES
    begin = floor(log10(least) * 2 - 0.5) / 2

    def place(value: float) -> float:
        if is_log:
            return (log10(value) - begin) / (log10(most) - begin) * room
        return value / most * room

    height = HEAD + ROW * len(ordered) + FOOT
    scale = "multiples of a bare sftp put, shorter is better" + (", logarithmic" if is_log else "")
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" font-size="13"',
        f' font-family="{FONT}">',
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        f'<text x="10" y="20" font-size="15" font-weight="bold">{escape(title)}</text>',
        f'<text x="10" y="36" fill="#555555">{scale}</text>',
    ]
    for number, (name, value) in enumerate(ordered):
        top = HEAD + ROW * number
        colour = OURS if name == ours else OTHERS
        weight = ' font-weight="bold"' if name == ours else ""
        width = max(place(value), 1.0)
        lines += [
            f'<text x="{LABELS - 8}" y="{top + 17}" text-anchor="end"{weight}>{escape(name)}</text>',
            f'<rect x="{LABELS}" y="{top + 4}" width="{width:.1f}" height="{ROW - 8}" fill="{colour}"/>',
            f'<text x="{LABELS + width + 6:.1f}" y="{top + 17}"{weight}>{value:.3g}</text>',
        ]
    at = LABELS + place(1.0)
    bottom = height - FOOT
    lines += [
        f'<line x1="{at:.1f}" y1="{HEAD}" x2="{at:.1f}" y2="{bottom}" stroke="{LINE}" stroke-dasharray="4 3"/>',
        f'<text x="{at:.1f}" y="{bottom + 16}" fill="{LINE}" text-anchor="middle">1</text>',
        "</svg>",
    ]
    return ("\n".join(lines) + "\n").encode()
