"""What is said about reconciliation: differences between sender, hubs and recipient, and papers that are refused."""

from types import MappingProxyType

from gateway.words.templates import Table, Template

TABLE: Table = MappingProxyType(
    {
        "reconcile-lost": Template(
            "The bundle was lost on the way.",
            "The hub or neighbour that should hold it says that it knows nothing of it.",
            "Nothing to do: the same bytes are sent again. If it happens often, ask the hub's operator what was lost there.",
        ),
        "reconcile-receipt-missing": Template(
            "The bundle has arrived, and its receipt has not.",
            "The recipient or a hub says what became of it; the receipt that proves it was lost on the way.",
            "Nothing to do: the receipt was asked for again.",
        ),
        "reconcile-forgotten-there": Template(
            "The recipient no longer knows a bundle that it has signed for.",
            "Its ledger was put back from a backup, or was lost.",
            "Nothing to do: its own receipt is given back to it. If the next reconciliation says the same, call the recipient.",
        ),
        "reconcile-unknown-here": Template(
            "Somebody knows a bundle of ours that this ledger does not.",
            "The ledger here was put back from a backup; if it never was, somebody else speaks for this unit.",
            "After a restore nothing is to be done: the record comes back with the receipt. Otherwise call the security administrator.",
        ),
        "reconcile-record-missing": Template(
            "A number was given out, and neither this node nor the recipient knows what became of it.",
            "The ledger here was put back from a backup and the spool was lost before the bundle arrived anywhere.",
            "Look in the case software for what was dropped at that time, and drop it again.",
        ),
        "reconcile-equivocation": Template(
            "The same number stands for different bundles here and there.",
            "Two nodes speak for this unit, a ledger was put back by hand, or somebody forges.",
            "Call the security administrator; compare `caseferry log` here with that of the other side.",
        ),
        "reconcile-counted-twice": Template(
            "Two bundles bear the same number there.",
            "Two nodes speak for this unit, or its numbers were given out twice after a ledger was put back by hand.",
            "Call the security administrator; look for a second node of this unit and switch it off.",
        ),
        "reconcile-contradiction": Template(
            "The recipient says the opposite of what it has signed.",
            "Its receipt and its statement disagree whether the bundle was delivered or refused.",
            "Keep both and call the recipient's administrator; the receipt is the proof.",
        ),
        "reconcile-closed-there": Template(
            "A person has ended the bundle at the hub or at the recipient, without a receipt.",
            "Whoever closed it there had a reason that is not known here.",
            "Call the operator there. If it is to be sent once more, close the transfer here and drop the export again.",
        ),
        "reconcile-closed-here": Template(
            "The recipient has delivered what was closed here.",
            "It arrived after all; the transfer was ended here before the receipt came.",
            "Tell whoever closed it; nothing is to be sent again.",
        ),
        "reconcile-held-there": Template(
            "The bundle is in quarantine at the recipient and waits for a person there.",
            "A check of the recipient has stopped it.",
            "Call the recipient's operator and name the bundle.",
        ),
        "statement-malformed": Template(
            "A statement or an enquiry about streams cannot be read.",
            "Its bytes break the rules of the format; it is damaged or was made by a faulty program.",
            "It was set aside. The next one comes with the next reconciliation.",
        ),
        "statement-bad-signature": Template(
            "The signature of a statement or an enquiry about streams is wrong.",
            "It was changed on the way, or somebody pretends to be its issuer.",
            "It was set aside and nothing was done. Keep it for the security administrator.",
        ),
        "statement-wrong-issuer": Template(
            "A statement or an enquiry is signed by another unit than it names.",
            "A unit may only speak for itself.",
            "It was set aside and nothing was done. Call the peer's administrator.",
        ),
        "statement-misdirected": Template(
            "A statement or an enquiry came by the wrong link.",
            "It is addressed to another unit, and this node carries nothing for others; or that link does not lead to its issuer.",
            "It was set aside. Ask the peer's operator to check the links there.",
        ),
        "statement-too-large": Template(
            "A file that calls itself a statement is too large to be one.",
            "No node writes statements of more than 4 MiB.",
            "It was set aside unread. Ask the peer's operator what was put into the mailbox.",
        ),
        "gateway-not-running": Template(
            "The gateway is not running, so nobody can be asked.",
            "A reconciliation is made by the running gateway, which has the keys and the links.",
            "Start it (`systemctl start caseferry`) and run the command again.",
        ),
        "reconcile-unfinished": Template(
            "The reconciliation has not ended in time.",
            "The gateway is busy, or stands still.",
            "Look at `caseferry status`; the report appears in the reports folder when it is done.",
        ),
        "report-missing": Template(
            "The report of this reconciliation is not there.",
            "The folder of reports was emptied, or the reconciliation was made by another installation.",
            "Run `caseferry reconcile` again.",
        ),
    }
)
