"""`caseferry source`: which case software drops exports here, which is paused and why, and what becomes of it."""

from types import MappingProxyType

from gateway.cli.act import checked_reason
from gateway.cli.shapes import decision_json, transfer_json
from gateway.cli.terminal import Terminal, cell
from gateway.cli.times import clock_text, span_text
from gateway.compose.offline import login_name
from gateway.compose.sources import SHOWN_MAX, SourceDetail, SourceView, decide, list_sources, show_source
from gateway.daemon.lock import running_pid
from gateway.domain.clock import Clock, SystemClock
from gateway.domain.records import Action
from gateway.domain.sources import LACKS, REJECTED, UNKNOWN, VERSION, Seen
from gateway.settings.load import Settings
from gateway.words.catalogue import Words
from gateway.words.templates import mark

_SEEN = MappingProxyType(
    {
        VERSION: mark("version {before} became {now}"),
        LACKS: mark("{subject}: empty in {now} exports, before in {before}"),
        UNKNOWN: mark("{subject}: an unknown element in {now} exports, before in {before}"),
        REJECTED: mark("refused: {now} exports, before {before}"),
    }
)
_DECIDED = MappingProxyType(
    {
        Action.SOURCE_RESUME: mark("{name} goes on as it is now; what is usual is learnt anew."),
        Action.SOURCE_REPLAY: mark("{name} goes on; everything that was kept is read anew from the originals."),
        Action.SOURCE_REJECT: mark("Everything that was kept of {name} is given back; the source stays paused."),
    }
)
_AT_ONCE = mark("The gateway carries it out now: caseferry decisions shows the outcome.")
_ONCE_IT_RUNS = mark("The gateway does not run; it is carried out as soon as it does.")


def sources(terminal: Terminal, settings: Settings, clock: Clock) -> None:
    """List the sources."""
    found = list_sources(settings, clock)
    if terminal.as_json:
        terminal.emit({"sources": [view_json(one) for one in found]})
        return
    if not found:
        terminal.say(mark("Nothing has been read from any outbound folder yet."))
        return
    words = terminal.words
    table = terminal.table(
        words.text(mark("No.")),
        words.text(mark("Route")),
        words.text(mark("Case software")),
        words.text(mark("Version")),
        words.text(mark("Last read")),
        words.text(mark("Kept")),
        words.text(mark("State")),
        right=(0, 5),
        folded=(2, 6),
    )
    for one in found:
        table.add_row(
            str(one.source.id),
            cell(one.source.route),
            cell(one.source.system or one.source.packer),
            cell(one.last.version if one.last else ""),
            clock_text(one.last.at) if one.last else "",
            str(one.held),
            cell(state_text(one, words)),
        )
    terminal.show(table)


def source(terminal: Terminal, settings: Settings, number: int, clock: Clock) -> None:
    """Show one source whole."""
    found = show_source(settings, clock, number)
    if terminal.as_json:
        terminal.emit(_detail_json(found))
        return
    words, view = terminal.words, found.view
    terminal.line(f"{view.source.id}  {cell(view.source.name)}", style="bold")
    terminal.line(state_text(view, words))
    for one in view.source.seen:
        terminal.line(f"  - {cell(seen_text(one, words))}")
    usual = ", ".join(view.source.versions)
    if usual:
        terminal.say(mark("Usual versions: {versions}"), versions=cell(usual))
    if found.held:
        terminal.say(mark("Kept, in this order ({count}):"), count=view.held)
        for transfer in found.held:
            terminal.line(f"  {transfer.id}  {cell(transfer.export_name)}")
    if found.suspects:
        terminal.say(mark("Sent or given back shortly before, and showing the same; look whether to correct them:"))
        for suspect in found.suspects:
            state = words.state(suspect.state)
            terminal.line(f"  {suspect.transfer}  {state}  {cell(suspect.case_no)}  {cell(suspect.export_name)}")
    if view.source.paused_at is not None:
        for action in ("resume", "replay", "reject"):
            terminal.line(f"  caseferry source {action} {view.source.id} --why ...")


def decide_source(terminal: Terminal, settings: Settings, action: Action, number: int, why: str) -> None:
    """Record what is to become of a source."""
    decision = decide(settings, SystemClock(), action, number, actor=login_name(), why=checked_reason(why))
    if terminal.as_json:
        terminal.emit({"decision": decision_json(decision)})
        return
    terminal.say(_DECIDED[action], name=cell(decision.subject))
    terminal.say(_AT_ONCE if running_pid(settings.paths.state) is not None else _ONCE_IT_RUNS)


def state_text(view: SourceView, words: Words) -> str:
    """Return how a source is, as one sentence."""
    source, silence = view.source, view.silence
    if source.paused_at is not None:
        return words.text(mark("paused since {since}"), since=clock_text(source.paused_at))
    if silence.is_silent and silence.usual is not None:
        return words.text(
            mark("silent: nothing since {last}; usually something comes within {usual}"),
            last=clock_text(silence.last),
            usual=span_text(silence.usual),
        )
    return words.text(mark("goes on"))


def seen_text(seen: Seen, words: Words) -> str:
    """Return one thing that a source is paused for."""
    return words.text(_SEEN[seen.kind], subject=seen.subject, before=seen.before, now=seen.now)


def view_json(view: SourceView) -> dict[str, object]:
    """Return one source. Times are seconds since 1970 UTC, durations seconds."""
    source, silence, last = view.source, view.silence, view.last
    return {
        "id": source.id,
        "route": source.route,
        "packer": source.packer,
        "system": source.system,
        "versions": list(source.versions),
        "last_version": last.version if last else "",
        "last_read_at": last.at if last else None,
        "paused_at": source.paused_at,
        "seen": [
            {"kind": one.kind, "subject": one.subject, "before": one.before, "now": one.now} for one in source.seen
        ],
        "held": view.held,
        "silence": {
            "silent": silence.is_silent,
            "last": silence.last,
            "quiet": round(silence.quiet),
            "usual": None if silence.usual is None else round(silence.usual),
            "samples": silence.samples,
        },
    }


def _detail_json(found: SourceDetail) -> dict[str, object]:
    return {
        **view_json(found.view),
        "held_transfers": [transfer_json(one) for one in found.held],
        "suspects": [
            {
                "transfer": one.transfer,
                "state": one.state,
                "case_no": one.case_no,
                "export_name": one.export_name,
                "marks": list(one.marks),
            }
            for one in found.suspects
        ],
        "limit": SHOWN_MAX,
    }
