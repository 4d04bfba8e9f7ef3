"""`caseferry reconcile`: sender, hubs and recipients compared now, and the answer as a table."""

import time
from collections.abc import Iterable, Mapping

from gateway.cli.terminal import EXIT_FAILED, Terminal, cell
from gateway.compose.rounds import Progress, export_names, reconcile
from gateway.domain.clock import Clock
from gateway.domain.statements import Fate
from gateway.settings.load import Settings
from gateway.words.templates import mark

EXIT_SILENT = 2
"""Somebody did not answer, and what is known balances."""
POLL_SECONDS = 0.2

_BALANCED = mark("Balanced: every number is accounted for.")
_NOT_BALANCED = mark("Not balanced: {count} differences.")
_NOT_KNOWN = mark("Not known: {parties} did not answer; what the others say balances.")


def show_reconciliation(terminal: Terminal, settings: Settings, clock: Clock, peer: str, wait: float) -> int:
    """Have a round made and print it; return 0 if all balances, 1 at differences, 2 if somebody was silent.

    peer: only streams to this unit, empty: all; wait: seconds.
    """
    last = Progress(0, 0)

    def tell(progress: Progress) -> None:
        nonlocal last
        if progress != last and not terminal.as_json:
            terminal.say(mark("{answered} of {asked} have answered"), answered=progress.answered, asked=progress.asked)
        last = progress

    whole = reconcile(settings, clock, wait, pause=lambda: time.sleep(POLL_SECONDS), tell=tell)
    found = _narrowed(whole, peer)
    if terminal.as_json:
        terminal.emit(found)
    else:
        _print(terminal, settings, clock, found)
    return {"balanced": 0, "differences": EXIT_FAILED}.get(str(found["outcome"]), EXIT_SILENT)


def _narrowed(whole: Mapping[str, object], peer: str) -> Mapping[str, object]:
    """Return the report of the streams to one unit, with their own answer."""
    if not peer:
        return whole
    streams = [one for one in _rows(whole["streams"]) if one["recipient"] == peer]
    differences = [one for one in _rows(whole["differences"]) if one["recipient"] == peer]
    parties = {peer, *(hub for one in streams for hub in _values(one["hubs"]))}
    silent = [unit for unit in _values(whole["silent"]) if unit in parties]
    count = sum(not one["remark"] for one in differences)
    outcome = "differences" if count else "silent" if silent else "balanced"
    carried = [one for one in _rows(whole["carried"]) if peer in (one["origin"], one["recipient"])]
    return {
        **whole,
        "streams": streams,
        "differences": differences,
        "difference_count": count,
        "silent": silent,
        "outcome": outcome,
        "carried": carried,
    }


def _print(terminal: Terminal, settings: Settings, clock: Clock, found: Mapping[str, object]) -> None:
    words = terminal.words
    answer = {"balanced": _BALANCED, "differences": _NOT_BALANCED}.get(str(found["outcome"]), _NOT_KNOWN)
    parties = ", ".join(map(str, _values(found["silent"])))
    style = "bold" if found["outcome"] == "balanced" else "bold red"
    terminal.line(words.text(answer, count=found["difference_count"], parties=parties), style=style)
    _print_streams(terminal, _rows(found["streams"]))
    _print_carried(terminal, _rows(found["carried"]))
    differences = _rows(found["differences"])
    numbers = [int(str(one["transfer"])) for one in differences if one["transfer"] is not None]
    _print_differences(terminal, differences, export_names(settings, clock, numbers))
    if any(one["unconfirmed"] for one in _rows(found["streams"])):
        terminal.say(mark("Where receipts come late or never, what is in flight is sent, unconfirmed."))
    if parties:
        terminal.say(mark("Did not answer: {parties}"), parties=parties)
    folder = settings.paths.state / "reports"
    terminal.say(mark("The report is in {folder}."), folder=folder)


def _print_streams(terminal: Terminal, streams: Iterable[Mapping[str, object]]) -> None:
    words = terminal.words
    table = terminal.table(
        words.text(mark("Recipient")),
        words.text(mark("Given out")),
        words.text(mark("Not sent")),
        words.text(mark("In flight")),
        words.text(mark("In custody")),
        words.text(mark("Delivered")),
        words.text(mark("Refused")),
        words.text(mark("Closed")),
        words.text(mark("No record")),
        words.text(mark("What the others say")),
        right=(1, 2, 3, 4, 5, 6, 7, 8),
        folded=(9,),
    )
    names = ("given", "here", "in_flight", "in_custody", "delivered", "refused", "closed", "unknown")
    is_empty = True
    for one in streams:
        is_empty = False
        table.add_row(cell(one["recipient"]), *(str(one[name]) for name in names), _said(terminal, one["said"]))
    if not is_empty:
        terminal.show(table)


def _said(terminal: Terminal, said: object) -> str:
    """Return what each party says, e.g. `990102: 3 delivered, 1 held`."""
    words = terminal.words
    parts = []
    for party, figures in said.items() if isinstance(said, Mapping) else ():
        if figures is None:
            parts.append(words.text(mark("{party}: no answer"), party=party))
            continue
        held = figures.get(Fate.CUSTODY, 0) + figures.get(Fate.PENDING, 0)
        facts = {"delivered": figures.get(Fate.DELIVERED, 0), "refused": figures.get(Fate.REFUSED, 0), "held": held}
        parts.append(
            words.text(mark("{party}: {delivered} delivered, {refused} refused, {held} held"), party=party, **facts)
        )
    return "; ".join(parts)


def _print_carried(terminal: Terminal, carried: Iterable[Mapping[str, object]]) -> None:
    words = terminal.words
    table = terminal.table(
        words.text(mark("Carried for")),
        words.text(mark("To")),
        words.text(mark("Taken")),
        words.text(mark("On the way")),
        words.text(mark("Delivered")),
        words.text(mark("Refused")),
        words.text(mark("Closed")),
        right=(2, 3, 4, 5, 6),
    )
    is_empty = True
    for one in carried:
        is_empty = False
        taken = sum(int(str(one[fate.value])) for fate in Fate)
        figures = (taken, *(one[fate.value] for fate in (Fate.CUSTODY, Fate.DELIVERED, Fate.REFUSED, Fate.CLOSED)))
        table.add_row(cell(one["origin"]), cell(one["recipient"]), *map(str, figures))
    if not is_empty:
        terminal.show(table)


def _print_differences(
    terminal: Terminal, differences: Iterable[Mapping[str, object]], names: Mapping[int, str]
) -> None:
    words = terminal.words
    for one in differences:
        explained = words.error_code(str(one["code"]))
        transfer = one["transfer"]
        facts = {
            "number": one["number"],
            "recipient": one["recipient"],
            "name": one["case_no"] or names.get(int(str(transfer or 0)), "") or one["bundle"] or "-",
            "transfer": transfer or "-",
        }
        said = words.text(mark("No. {number} to {recipient} ({name}, transfer {transfer}): "), **facts)
        terminal.line(f"  ! {said}{explained.what}")
        terminal.line(f"      {explained.do}")


def _rows(value: object) -> list[Mapping[str, object]]:
    return [one for one in _values(value) if isinstance(one, Mapping)]


def _values(value: object) -> list[object]:
    return value if isinstance(value, list) else []
