"""What is said when a person asks for something at the command line that cannot be done, or stopped something."""

from types import MappingProxyType

from gateway.words.templates import Table, Template

TABLE: Table = MappingProxyType(
    {
        "held-by-person": Template(
            "An operator stopped this transfer.",
            "The reason is in its timeline.",
            "Ask whoever stopped it; it goes on after `caseferry release`.",
        ),
        "transfer-not-held": Template(
            "Transfer {id} is not held.",
            "Only what is held can be released.",
            "See what it waits for: caseferry explain {id}",
        ),
        "transfer-unclosable": Template(
            "Transfer {id} cannot be closed now.",
            "It has bytes under way that would be lost, or owes its sender a receipt.",
            "See what it waits for: caseferry explain {id}",
        ),
        "nothing-found": Template(
            'There is no transfer called "{key}" here.',
            "It is no number, case number, bundle id or beginning of an export's name that the ledger knows.",
            "Look it up in the log: caseferry log --case or --text",
        ),
        "reason-missing": Template(
            "No reason was given.",
            "Every decision of a person is recorded with its reason.",
            "Say it in a few words after --why.",
        ),
        "time-malformed": Template(
            '"{text}" is not understood as a time.',
            "Wanted is how long ago (30m, 2h, 3d, 1w), a date (2026-03-10) or a time (2026-03-10T15:30).",
            "Write it in one of these ways.",
        ),
        "file-not-there": Template(
            "{path} is not there.",
            "The name is misspelt, or it has been moved or taken in meanwhile.",
            "Check the name; what was taken in shows in: caseferry log",
        ),
        "folder-not-empty": Template(
            "The folder {path} is not empty.",
            "What is opened goes into a folder of its own, so that nothing is mixed up or overwritten.",
            "Name an empty or a new folder.",
        ),
    }
)
