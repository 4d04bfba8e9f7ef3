"""`caseferry decisions`: what people did, newest first: who, when, to what, why, and what came of it."""

from types import MappingProxyType

from gateway.cli.shapes import deed_json
from gateway.cli.terminal import Terminal, cell
from gateway.cli.times import clock_text, moment
from gateway.compose.asides import SHOWN
from gateway.compose.offline import ledger_to_read
from gateway.domain.clock import Clock
from gateway.domain.records import Action, Deed
from gateway.domain.sources import source_of
from gateway.settings.load import Settings
from gateway.words.catalogue import Words
from gateway.words.templates import mark

_ACTIONS = MappingProxyType(
    {
        Action.RECHECK: mark("had it checked anew"),
        Action.RELEASE: mark("released it"),
        Action.REJECT: mark("rejected it"),
        Action.CLOSE: mark("closed it"),
        Action.RETRY: mark("had it tried at once"),
        Action.RESTORE: mark("put the ledger back from a backup"),
        Action.RENEW_EPOCH: mark("began a new epoch"),
        Action.MEDIA_EXPORT: mark("asked for an export to a medium"),
        Action.MEDIA_IMPORT: mark("asked for an import from a medium"),
        Action.MEDIA_CONFIRM: mark("confirmed, as the second person, what a medium carries"),
        Action.MEDIA_CANCEL: mark("called a medium's trip off"),
        Action.MEDIA_LOST: mark("declared a medium lost"),
        Action.SOURCE_RESUME: mark("let the paused source go on as it is now"),
        Action.SOURCE_REPLAY: mark("had what was kept of the paused source read anew"),
        Action.SOURCE_REJECT: mark("gave back what was kept of the paused source"),
        "hold": mark("held it"),
    }
)


def decisions(terminal: Terminal, settings: Settings, since: str, limit: int, clock: Clock) -> None:
    """Show what people did since `since` (empty: ever), at most `limit` lines."""
    start = moment(since, clock.now()) if since else None
    with ledger_to_read(settings, clock) as ledger:
        found = ledger.decisions.deeds(start, limit + 1)
    shown, more = found[:limit], len(found) > limit
    if terminal.as_json:
        terminal.emit({"decisions": [deed_json(deed) for deed in shown], "limit": limit, "more": more})
        return
    if not shown:
        terminal.say(mark("Nobody has decided anything."))
        return
    words = terminal.words
    table = terminal.table(
        words.text(mark("Time")),
        words.text(mark("Who")),
        words.text(mark("What")),
        words.text(mark("To what")),
        words.text(mark("Reason")),
        words.text(mark("Outcome")),
        folded=(2, 3, 4, 5),
    )
    for deed in shown:
        table.add_row(
            clock_text(deed.at),
            cell(deed.actor),
            words.text(_ACTIONS[deed.action]),
            cell(_subject(deed, words)),
            cell(deed.why),
            outcome_text(deed.done_at, deed.outcome, words),
        )
    terminal.show(table)


def action_text(action: str, words: Words) -> str:
    """Return what was done, in the reader's language."""
    return words.text(_ACTIONS[action])


def outcome_text(done_at: float | None, outcome: str, words: Words) -> str:
    """Return what came of a decision."""
    if done_at is None:
        return words.text(mark("not carried out yet"))
    return outcome or words.text(mark("done"))


def _subject(deed: Deed, words: Words) -> str:
    if deed.thing is not None and source_of(deed.thing) is not None:
        return words.text(mark("source {name}"), name=deed.subject)
    if deed.thing is not None:
        return words.text(mark("in quarantine: {thing} {name}"), thing=deed.thing[:SHOWN], name=deed.subject)
    if deed.transfer is not None:
        return words.text(mark("transfer {id}: {name}"), id=deed.transfer, name=deed.subject)
    if deed.link is not None and deed.subject != deed.link:
        return words.text(mark("link {link}: {name}"), link=deed.link, name=deed.subject)
    return words.text(mark("link {link}"), link=deed.link or deed.subject)
