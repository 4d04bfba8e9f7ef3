"""Commands against loss: streams and resync compare with the peers; backup, restore and a new epoch for the ledger."""

from pathlib import Path

from gateway.cli.terminal import Terminal, cell
from gateway.cli.times import clock_text, size_text
from gateway.compose import backup as backups
from gateway.compose.comparing import Comparison, ask, compare, count, said_of
from gateway.compose.offline import login_name
from gateway.domain.clock import Clock
from gateway.domain.holdings import Got, Sent
from gateway.settings.load import Settings
from gateway.words.templates import mark


def streams(terminal: Terminal, settings: Settings, clock: Clock) -> None:
    """Show where the streams with every peer stand."""
    found = compare(settings, clock)
    if terminal.as_json:
        terminal.emit({"peers": [_comparison_json(one) for one in found]})
        return
    words = terminal.words
    table = terminal.table(
        words.text(mark("Peer")),
        words.text(mark("Epoch")),
        words.text(mark("Sent")),
        words.text(mark("Without receipt")),
        words.text(mark("Peer lacks")),
        words.text(mark("Received")),
        words.text(mark("We lack")),
        words.text(mark("Last answer")),
        right=(2, 3, 4, 5, 6),
    )
    for one in found:
        for epoch, sent, got, peer_lacks in _rows(one):
            heard = one.word.heard_at
            table.add_row(
                cell(f"{one.peer} ({one.link})" if one.link else one.peer),
                str(epoch),
                "-" if sent is None else str(sent.last),
                "-" if sent is None else str(count(sent.open)),
                "-" if peer_lacks is None else str(peer_lacks),
                "-" if got is None else str(got.last),
                "-" if got is None else str(count(got.lacking)),
                "-" if heard is None else clock_text(heard),
            )
    terminal.show(table)


def resync(terminal: Terminal, settings: Settings, peer: str, clock: Clock) -> None:
    """Have inventories exchanged at once."""
    asked = ask(settings, peer, clock)
    if terminal.as_json:
        terminal.emit({"asked": list(asked)})
        return
    for unit in asked:
        terminal.say(mark("{unit} is asked what it holds; differences close by themselves."), unit=unit)
    terminal.say(mark("What came of it: caseferry streams"))


def backup(terminal: Terminal, settings: Settings, config: Path, to: Path, clock: Clock) -> None:
    """Write a backup."""
    made = backups.back_up(settings, config, to, clock)
    if terminal.as_json:
        terminal.emit({"backup": _backup_json(made)})
        return
    terminal.say(
        mark("Backed up ledger, peers, roster and configuration into {folder}: {files} files, {size}."),
        folder=made.folder,
        files=made.files,
        size=size_text(made.size),
    )
    terminal.say(mark("Not in it: the keys (back up keys/ and the passphrase once, apart) and the spool."))


def restore(terminal: Terminal, settings: Settings, config: Path, folder: Path, *, why: str, clock: Clock) -> None:
    """Put a backup's ledger back."""
    done = backups.restore(settings, config, folder, backups.By(login_name(), why), clock)
    if terminal.as_json:
        terminal.emit(
            {
                "backup": _backup_json(done.backup),
                "epoch": done.epoch,
                "kept": None if done.kept is None else str(done.kept),
                "brought": list(done.brought),
                "doubtful": done.doubtful,
            }
        )
        return
    terminal.say(
        mark("The ledger of {time} is back, under the new epoch {epoch}."),
        time=clock_text(done.backup.made_at),
        epoch=done.epoch,
    )
    if done.kept is not None:
        terminal.say(mark("The ledger that was there is kept as {path}."), path=done.kept)
    for name in done.brought:
        terminal.say(mark("Brought back, because it was missing: {name}"), name=name)
    if done.doubtful:
        terminal.say(
            mark(
                "The journal of deliveries is lost too: what peers sent before and have no receipt for is quarantined."
            )
        )
    terminal.say(mark("Start the gateway: it asks every peer what it has forgotten before it sends anything."))


def renew_epoch(terminal: Terminal, settings: Settings, why: str, clock: Clock) -> None:
    """Begin a new epoch."""
    epoch = backups.renew_epoch(settings, backups.By(login_name(), why), clock)
    if terminal.as_json:
        terminal.emit({"epoch": epoch})
        return
    terminal.say(mark("This node speaks under the new epoch {epoch} from now on."), epoch=epoch)
    terminal.say(mark("Start the gateway: it asks every peer what it has forgotten before it sends anything."))


def _rows(one: Comparison) -> list[tuple[int, Sent | None, Got | None, int | None]]:
    """Return each epoch with what we sent, what we got, and how many of ours the peer says it lacks."""
    rows: list[tuple[int, Sent | None, Got | None, int | None]] = []
    for sent in one.ours.sent:
        said = said_of(one.theirs.got, sent.epoch) if one.theirs is not None else None
        lacks = count(said.lacking) if isinstance(said, Got) else None
        rows.append((sent.epoch, sent, None, lacks))
    rows += [(got.epoch, None, got, None) for got in one.ours.got]
    return rows or [(one.ours.epoch, None, None, None)]


def _comparison_json(one: Comparison) -> dict[str, object]:
    word = one.word
    return {
        "peer": one.peer,
        "link": one.link,
        "epoch": one.ours.epoch,
        "sent": [
            {"epoch": sent.epoch, "last": sent.last, "open": [list(pair) for pair in sent.open]}
            for sent in one.ours.sent
        ],
        "got": [
            {"epoch": got.epoch, "last": got.last, "lacking": [list(pair) for pair in got.lacking]}
            for got in one.ours.got
        ],
        "peer_says": None
        if one.theirs is None
        else {
            "at": one.theirs.issued_at,
            "epoch": one.theirs.epoch,
            "got": [
                {"epoch": got.epoch, "last": got.last, "lacking": [list(pair) for pair in got.lacking]}
                for got in one.theirs.got
            ],
        },
        "asked_at": word.asked_at,
        "heard_at": word.heard_at,
        "halted": word.halted or None,
        "gap_since": word.gap_since,
    }


def _backup_json(made: backups.Backup) -> dict[str, object]:
    return {
        "folder": str(made.folder),
        "unit": made.unit,
        "epoch": made.epoch,
        "made_at": made.made_at,
        "files": made.files,
        "size": made.size,
    }
