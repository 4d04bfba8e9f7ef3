"""`caseferry quarantine list`: what was set aside, by its note alone; the bytes are never opened."""

from gateway.cli.shapes import told
from gateway.cli.terminal import Terminal, cell
from gateway.cli.times import clock_text, size_text
from gateway.folders.quarantine import Quarantine
from gateway.settings.load import Settings
from gateway.words.templates import mark


def list_quarantine(terminal: Terminal, settings: Settings) -> None:
    """Show what is in quarantine, oldest first."""
    found = Quarantine(settings.paths.quarantine).listing()
    words = terminal.words
    if terminal.as_json:
        terminal.emit(
            {
                "quarantine": [
                    {
                        "id": one.id,
                        "at": one.note.at,
                        "link": one.note.link,
                        "subject": one.note.subject,
                        "code": one.note.code,
                        "what": told(one.note.code, words).what,
                        "size": one.note.size,
                        "sha256": one.note.sha256,
                    }
                    for one in found
                ]
            }
        )
        return
    if not found:
        terminal.say(mark("Nothing is in quarantine."))
        return
    table = terminal.table(
        words.text(mark("Time")),
        words.text(mark("Link")),
        words.text(mark("Name")),
        words.text(mark("Size")),
        words.text(mark("Why")),
        words.text(mark("SHA-256")),
        right=(3,),
        folded=(2, 4, 5),
    )
    for one in found:
        note = one.note
        why = f"{note.code}: {told(note.code, words).what}"
        table.add_row(
            clock_text(note.at), cell(note.link), cell(note.subject), size_text(note.size), cell(why), note.sha256
        )
    terminal.show(table)
