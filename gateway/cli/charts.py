"""Statistics as a picture: one SVG without scripts, fonts or anything else from elsewhere."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from gateway.domain.errors import PermanentError

GROUPS_MAX: Final = 40
"""Bars or points that can still be read; of calendars the last ones are shown, of all else the largest."""
FONT: Final = "'Noto Sans CJK SC', 'Microsoft YaHei', SimSun, 'Source Han Sans SC', sans-serif"
"""Taken from the machine that shows it: the first that is there."""
COLOURS: Final = ("#2a7f62", "#b3422e", "#d99a2b", "#7d7d7d", "#3f6fb5", "#8a6fb0")
"""Delivered, refused, held, duplicate, under way, closed: apart also for those who see no red or green."""


def check_path(path: Path) -> None:
    """PermanentError `chart-format` unless `path` is to be an SVG."""
    if path.suffix.lower() != ".svg":
        raise PermanentError("chart-format", f"{path.name} is no .svg", facts={"path": str(path)})


def draw(title: str, groups: Sequence[str], series: Mapping[str, Sequence[int | None]], *, is_time: bool) -> bytes:
    """Return an SVG of stacked bars: upright along a calendar, lying where the groups have names.

    series: its name for people -> one number for each of `groups`; None for one that is not shown.
    """
    import pygal  # type: ignore[import-untyped]  # it brings no types, and nobody else has any
    from pygal.style import Style  # type: ignore[import-untyped]  # the same

    # It looks for maps, which nobody draws here, in a way of old that Python 3.11 complains of at every later import.
    sys.meta_path[:] = [one for one in sys.meta_path if not isinstance(one, pygal.PluginImportFixer)]

    style = Style(
        font_family=FONT,
        background="#ffffff",
        plot_background="#ffffff",
        colors=COLOURS,
        opacity="1",
        title_font_size=18,
        label_font_size=12,
        legend_font_size=13,
    )
    kind: Any = pygal.StackedBar if is_time else pygal.HorizontalStackedBar
    shown = slice(-GROUPS_MAX, None) if is_time else slice(GROUPS_MAX)
    labels = [*groups[shown]] if is_time else [*groups[shown]][::-1]
    chart = kind(
        style=style,
        js=(),
        title=title,
        width=1000,
        height=520 if is_time else max(260, 120 + 28 * len(labels)),
        x_label_rotation=40 if is_time else 0,
        legend_at_bottom=True,
        disable_xml_declaration=False,
        pretty_print=False,
        print_values=False,
        truncate_label=40,
        truncate_legend=-1,
        no_data_text="",
        show_minor_x_labels=True,
        allow_interruptions=True,
    )
    chart.uuid = "caseferry"  # else each drawing of the same figures is another file
    chart.x_labels = labels
    chart.add_xml_filter(_still)
    for name, numbers in series.items():
        chart.add(name, [*numbers[shown]] if is_time else [*numbers[shown]][::-1])
    drawn: bytes = chart.render()
    return drawn


def _still(root: Any) -> Any:
    """Take out what runs, and what names the day: a picture needs neither, and the same figures give the same file."""
    for parent in list(root.iter()):
        for child in list(parent):
            if not isinstance(child.tag, str) or child.tag.rpartition("}")[2] == "script":
                parent.remove(child)
    return root
