"""`caseferry stats`: what was exchanged, how it ended and how long it took; how good the exports of each source are."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from gateway.cli.charts import check_path, draw
from gateway.cli.sources import state_text, view_json
from gateway.cli.spreadsheet import Value, to_csv, write_file
from gateway.cli.terminal import Terminal, cell
from gateway.cli.times import moment, size_text, span_text
from gateway.compose.sources import silent, views
from gateway.compose.statistics import (
    OTHER,
    Delays,
    Grade,
    Line,
    Statistics,
    grades,
    named,
    opened,
    public,
    statistics,
)
from gateway.domain.clock import Clock
from gateway.domain.errors import ConfigError, Scope
from gateway.domain.ids import unit_code
from gateway.domain.lifecycle import Direction
from gateway.domain.statistics import Axis
from gateway.ledger.statistics import Outcome
from gateway.ledger.statistics import Scope as Counting
from gateway.settings.load import Settings
from gateway.words.catalogue import Words
from gateway.words.templates import mark

QUALITY_SECONDS = 30 * 86_400.0
"""The time that quality is judged over where none is said."""
CODES_SHOWN = 3

_AXES = MappingProxyType(
    {
        Axis.FLOW: mark("Flow"),
        Axis.UNIT: mark("Unit"),
        Axis.PEER: mark("Peer"),
        Axis.LINK: mark("Link"),
        Axis.DIRECTION: mark("Way"),
        Axis.DAY: mark("Day"),
        Axis.WEEK: mark("Week from"),
        Axis.MONTH: mark("Month"),
        Axis.YEAR: mark("Year"),
        Axis.CHARGE: mark("Chapter of the Criminal Law"),
        Axis.SOURCE: mark("Source"),
        Axis.OUTCOME: mark("Outcome"),
    }
)
_OUTCOMES = MappingProxyType(
    {
        Outcome.DELIVERED: mark("Delivered"),
        Outcome.REFUSED: mark("Refused"),
        Outcome.HELD: mark("Held"),
        Outcome.DUPLICATE: mark("Duplicate"),
        Outcome.UNDER_WAY: mark("Under way"),
        Outcome.CLOSED: mark("Closed"),
    }
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was asked for. since, until: as `moment` reads them; csv: a file, or `-`; chart: a file."""

    by: Axis = Axis.FLOW
    since: str = ""
    until: str = ""
    flow: str = ""
    peer: str = ""
    direction: str = ""
    csv: str = ""
    chart: Path | None = None
    is_public: bool = False


def stats(terminal: Terminal, settings: Settings, wanted: Wanted, config: Path, clock: Clock) -> None:
    """Count the exchanges that `wanted` names, and show them as a table, CSV, chart or JSON."""
    if wanted.chart is not None:
        check_path(wanted.chart)
    scope = _scope(wanted, clock.now())
    with opened(settings, clock) as ledger:
        found = named(
            statistics(ledger, wanted.by, scope), ledger, config, clock.now(), chinese=_is_chinese(terminal.words)
        )
    if wanted.is_public:
        found = public(found, settings.statistics.floor)
    words = terminal.words
    if wanted.chart is not None:
        write_file(wanted.chart, chart(found, words, settings.node.name))
        terminal.say(mark("Drawn: {path}"), path=wanted.chart)
    if wanted.csv:
        _put(terminal, wanted.csv, to_csv(_columns(found, words), _rows(found, words)))
    if terminal.as_json:
        terminal.emit(statistics_json(found, scope))
    elif not wanted.csv and wanted.chart is None:
        _print(terminal, found)


def quality(terminal: Terminal, settings: Settings, wanted: Wanted, clock: Clock) -> None:
    """Show how good the exports of each source are, and whether they get better or worse."""
    now = clock.now()
    until = moment(wanted.until, now) if wanted.until else now
    since = moment(wanted.since, now) if wanted.since else until - QUALITY_SECONDS
    with opened(settings, clock) as ledger:
        found = grades(ledger, since, until, settings.statistics.late)
    words = terminal.words
    columns = [
        words.text(one)
        for one in (
            mark("Source"),
            mark("Exports"),
            mark("Score"),
            mark("Before"),
            mark("Fields filled"),
            mark("Held"),
            mark("Refused"),
            mark("Late"),
            mark("Most frequent findings"),
        )
    ]
    rows = [_grade_row(one) for one in found]
    if wanted.csv:
        _put(terminal, wanted.csv, to_csv(columns, rows))
    elif terminal.as_json:
        terminal.emit({"since": since, "until": until, "sources": [_grade_json(one) for one in found]})
    elif not found:
        terminal.say(mark("Nothing was read from any outbound folder in this time."))
    else:
        table = terminal.table(*columns, right=(1, 2, 3, 4, 5, 6, 7), folded=(0, 8))
        for row in rows:
            table.add_row(*(cell(one) for one in row))
        terminal.show(table)


def silence(terminal: Terminal, settings: Settings, clock: Clock) -> None:
    """Show the sources from which nothing has come for longer than is usual."""
    with opened(settings, clock) as ledger:
        found = views(settings, ledger, clock.now())
    quiet = silent(found)
    if terminal.as_json:
        terminal.emit({"silent": [view_json(one) for one in quiet], "sources": len(found)})
        return
    if not quiet:
        terminal.say(mark("None of {count} sources is silent."), count=len(found))
    for one in quiet:
        terminal.line(f"{one.source.id}  {cell(one.source.name)}: {state_text(one, terminal.words)}")


def chart(found: Statistics, words: Words, node: str) -> bytes:
    """Return the figures as an SVG."""
    title = words.text(mark("{node}: exchanges by {axis}"), node=node, axis=words.text(_AXES[found.axis]))
    lines = found.lines
    return draw(
        title,
        [_label(one, found.axis, words) for one in lines],
        {words.text(_OUTCOMES[one]): [line.outcomes.get(one, 0) for line in lines] for one in Outcome},
        is_time=found.axis.is_time,
    )


def statistics_json(found: Statistics, scope: Counting) -> dict[str, object]:
    """Return the figures: null where a number is not shown. Sizes are bytes, durations seconds."""
    return {
        "by": found.axis,
        "since": scope.since,
        "until": scope.until,
        "floor": found.floor or None,
        "groups": [_line_json(one) for one in found.lines],
        "total": None if found.total is None else _line_json(found.total),
    }


def _scope(wanted: Wanted, now: float) -> Counting:
    try:
        unit = unit_code(wanted.peer) if wanted.peer else None
    except ValueError as error:
        raise ConfigError("unit-malformed", str(error), scope=Scope.NODE, facts={"unit": wanted.peer}) from error
    return Counting(
        since=moment(wanted.since, now) if wanted.since else None,
        until=moment(wanted.until, now) if wanted.until else None,
        flow=wanted.flow,
        unit=unit,
        direction=Direction(wanted.direction) if wanted.direction else None,
    )


def _put(terminal: Terminal, where: str, content: bytes) -> None:
    if where == "-":
        sys.stdout.flush()
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
        return
    write_file(Path(where), content)
    terminal.say(mark("Written: {path}"), path=where)


def _is_chinese(words: Words) -> bool:
    return words.language.startswith("zh")


def _label(line: Line, axis: Axis, words: Words) -> str:
    if axis is Axis.OUTCOME:
        return words.text(_OUTCOMES[Outcome(line.key)])
    if axis is Axis.DIRECTION:
        return words.direction(Direction(line.key))
    if line.key == OTHER and axis is Axis.CHARGE:
        return words.text(mark("no charge that is known"))
    if axis is Axis.SOURCE and line.name:
        return line.name
    if line.name:
        return f"{line.name} ({line.key})"
    return line.key or words.text(mark("not known"))


def _columns(found: Statistics, words: Words) -> list[str]:
    return [
        words.text(_AXES[found.axis]),
        words.text(mark("Total")),
        *(words.text(_OUTCOMES[one]) for one in Outcome),
        words.text(mark("Bytes")),
        words.text(mark("Failed attempts")),
        words.text(mark("Delivery, half (s)")),
        words.text(mark("Delivery, 95 % (s)")),
        words.text(mark("Delivery, longest (s)")),
        words.text(mark("Receipt, half (s)")),
        words.text(mark("Receipt, 95 % (s)")),
        words.text(mark("Receipt, longest (s)")),
    ]


def _rows(found: Statistics, words: Words) -> list[list[Value]]:
    rows = [_row(_label(one, found.axis, words), one, found.floor) for one in found.lines]
    if found.total is not None:
        rows.append(_row(words.text(mark("Total")), found.total, found.floor))
    return rows


def _row(label: str, line: Line, floor: int) -> list[Value]:
    withheld = f"<{floor}" if floor else None
    counts = [line.outcomes.get(one, 0) for one in Outcome]
    return [
        label,
        line.total,
        *(withheld if one is None else one for one in counts),
        line.size,
        line.retries,
        *_figures(line.delivery),
        *_figures(line.receipt),
    ]


def _figures(delays: Delays | None) -> list[Value]:
    shown = (None, None, None) if delays is None else (delays.half, delays.most, delays.longest)
    return [None if one is None else round(one, 1) for one in shown]


def _print(terminal: Terminal, found: Statistics) -> None:
    if not found.lines:
        terminal.say(mark("Nothing was exchanged in this time."))
        return
    words = terminal.words
    shown = [one for one in Outcome if any(line.outcomes.get(one, 0) != 0 for line in found.lines)]
    columns = [
        words.text(_AXES[found.axis]),
        words.text(mark("Total")),
        *(words.text(_OUTCOMES[one]) for one in shown),
        words.text(mark("Size")),
        words.text(mark("Retries")),
        words.text(mark("Delivered within (half, 95 %, longest)")),
        words.text(mark("Receipt within (half, 95 %, longest)")),
    ]
    table = terminal.table(*columns, right=range(1, len(shown) + 4), folded=(0,))
    lines: Sequence[tuple[str, Line]] = [(_label(one, found.axis, words), one) for one in found.lines]
    if found.total is not None:
        lines = [*lines, (words.text(mark("Total")), found.total)]
    for label, line in lines:
        table.add_row(
            cell(label),
            _number(line.total, found.floor),
            *(_number(line.outcomes.get(one, 0), found.floor) for one in shown),
            "" if line.size is None else size_text(line.size),
            "" if line.retries is None else str(line.retries),
            _spans(line.delivery),
            _spans(line.receipt),
        )
    terminal.show(table)
    if found.floor:
        terminal.say(mark("Numbers below {floor} are not shown, nor sums that would give one away."), floor=found.floor)


def _number(count: int | None, floor: int) -> str:
    return f"<{floor}" if count is None and floor else str(count)


def _spans(found: Delays | None) -> str:
    if found is None:
        return ""
    spans = (found.half, found.most, found.longest)
    return " / ".join(span_text(one) for one in spans if one is not None)


def _line_json(line: Line) -> dict[str, object]:
    return {
        "key": line.key,
        "name": line.name,
        "total": line.total,
        "outcomes": {one: line.outcomes.get(one, 0) for one in Outcome},
        "bytes": line.size,
        "retries": line.retries,
        "delivery": _delays_json(line.delivery),
        "receipt": _delays_json(line.receipt),
    }


def _delays_json(found: Delays | None) -> dict[str, float | None] | None:
    return None if found is None else {"p50": found.half, "p95": found.most, "max": found.longest}


def _grade_row(grade: Grade) -> list[Value]:
    found = grade.quality
    codes = sorted(found.codes.items(), key=lambda one: (-one[1], one[0]))[:CODES_SHOWN]
    return [
        grade.name,
        found.exports,
        round(grade.score, 1),
        None if grade.before is None else round(grade.before, 1),
        f"{100 * found.filled / found.asked:.1f} %" if found.asked else None,
        found.verdicts.get("hold", 0),
        found.verdicts.get("reject", 0),
        found.late if found.dated else None,
        "  ".join(f"{code.partition(':')[2]} {count}" for code, count in codes),
    ]


def _grade_json(grade: Grade) -> dict[str, object]:
    found = grade.quality
    return {
        "source": grade.source,
        "name": grade.name,
        "exports": found.exports,
        "score": round(grade.score, 1),
        "score_before": None if grade.before is None else round(grade.before, 1),
        "asked": found.asked,
        "filled": found.filled,
        "verdicts": found.verdicts,
        "findings": [
            {"code": code.partition(":")[2], "verdict": code.partition(":")[0], "count": count}
            for code, count in sorted(found.codes.items())
        ],
        "dated": found.dated,
        "late": found.late,
    }
