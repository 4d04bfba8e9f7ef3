"""`caseferry watch`: the node live, with progress bars, until Ctrl-C."""

import signal
from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from gateway.cli.shapes import percent
from gateway.cli.status import (
    daemon_text,
    exit_code,
    headline,
    link_health,
    name_of,
    notice_text,
    rate_text,
    relay_text,
    take_survey,
    time_left,
    waiting_text,
)
from gateway.cli.terminal import Terminal, cell, visible
from gateway.cli.times import span_text
from gateway.compose.survey import Condition, Survey, UnderWay
from gateway.domain.clock import Clock
from gateway.domain.lifecycle import Direction, State
from gateway.settings.load import Settings
from gateway.words.catalogue import Words
from gateway.words.templates import mark

BAR_WIDTH = 24
"""Columns of a progress bar."""


def watch(terminal: Terminal, settings: Settings, clock: Clock, *, once: bool, every: float) -> int:
    """Show the node every `every` seconds until Ctrl-C, or just once; return the exit code of `status`."""
    found = take_survey(settings, clock)
    if once or not terminal.out.is_terminal:
        terminal.out.print(picture(found, terminal))
        return exit_code(found)
    # Asked for between two pictures: raised inside one, an interrupt may be lost in a finalizer.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        with Live(picture(found, terminal), console=terminal.out, auto_refresh=False, screen=True) as live:
            while signal.sigtimedwait({signal.SIGINT}, every) is None:
                found = take_survey(settings, clock)
                live.update(picture(found, terminal), refresh=True)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    terminal.out.print(picture(found, terminal))
    return exit_code(found)


def picture(found: Survey, terminal: Terminal) -> RenderableType:
    """Return one picture of the node: the answer, what needs a person, links, and what moves."""
    words = terminal.words
    style = "bold" if found.condition is Condition.NORMAL else "bold red"
    parts: list[RenderableType] = [Text(visible(line), style=style) for line in headline(found, words)]
    parts += [Text(visible(f"  ! {notice_text(notice, words)}")) for notice in found.notices]
    parts.append(Text(visible(daemon_text(found, words))))
    parts.append(Text(_figures(found, words)))
    if carried := relay_text(found, words):
        parts.append(Text(carried))
    if found.links:
        parts.append(_links(found, terminal))
    if found.under_way:
        parts.append(_bars(found.under_way, terminal))
    else:
        parts.append(Text(words.text(mark("No long transfer is under way."))))
    return Group(*parts)


def _figures(found: Survey, words: Words) -> str:
    def number(*states: tuple[Direction, State]) -> int:
        return sum(found.by_state.get(one, 0) for one in states)

    out, into = Direction.OUTBOUND, Direction.INBOUND
    return words.text(
        mark("To send {to_send}, awaiting receipt {sent}, to open {to_open}, held {held}, done {done}"),
        to_send=number((out, State.FOUND), (out, State.SEALED)),
        sent=number((out, State.SENT), (out, State.IN_CUSTODY)),
        to_open=number((into, State.OFFERED), (into, State.FETCHED), (into, State.VERIFIED)),
        held=found.held_count,
        done=number((out, State.DELIVERED), (out, State.COLLECTED), (into, State.CONFIRMED), (into, State.COLLECTED)),
    )


def _links(found: Survey, terminal: Terminal) -> Table:
    words = terminal.words
    table = terminal.table(
        words.text(mark("Link")),
        words.text(mark("To send")),
        words.text(mark("To receive")),
        words.text(mark("Oldest waiting")),
        words.text(mark("Health")),
        right=(1, 2),
    )
    for link in found.links:
        table.add_row(
            cell(link.settings.name),
            waiting_text(link, Direction.OUTBOUND, words),
            waiting_text(link, Direction.INBOUND, words),
            "" if link.waiting_since is None else span_text(found.at - link.waiting_since),
            link_health(link, found, words),
        )
    return table


def _bars(under_way: Sequence[UnderWay], terminal: Terminal) -> Table:
    words = terminal.words
    table = terminal.table(
        words.text(mark("No.")),
        words.text(mark("Case number, or export")),
        words.text(mark("Stage")),
        "",
        words.text(mark("Done")),
        words.text(mark("Rate")),
        words.text(mark("Time left")),
        right=(0, 4, 5, 6),
        folded=(1,),
        whole=(1,),
    )
    for one in under_way:
        progress = one.progress
        bar = ProgressBar(total=max(progress.total, 1), completed=progress.done, width=BAR_WIDTH)
        table.add_row(
            str(progress.transfer),
            cell(name_of(one)),
            words.stage(progress.stage),
            bar,
            f"{percent(progress):.1f} %",
            rate_text(one, words),
            time_left(one),
        )
    return table
