"""What is said when two nodes compare what they hold, and about ledgers that were put back or doubled."""

from types import MappingProxyType

from gateway.words.templates import Table, Template

TABLE: Table = MappingProxyType(
    {
        "identity-conflict": Template(
            "Another node speaks for this unit, or this ledger was put back by hand.",
            "A peer knows of a start, or of bundles, in the present epoch that this ledger does not: the node was copied, or an older ledger was put in its place.",
            "Nothing is sent any more. Find the second node and switch it off for good; then stop this one, run `caseferry epoch renew --why ...`, and start it.",
        ),
        "restore-unfinished": Template(
            "A restore was begun and not finished.",
            "The ledger was about to be replaced by its backup when the power went or somebody stopped it.",
            "Run `caseferry restore` again, with the gateway stopped.",
        ),
        "inventory-malformed": Template(
            "A peer's inventory cannot be read.",
            "Its bytes break the rules of the format; it is damaged or was made by a faulty program.",
            "It was set aside. The next one comes within the hour, or after `caseferry resync`.",
        ),
        "inventory-bad-signature": Template(
            "The signature of an inventory is wrong.",
            "It was changed on the way, or somebody pretends to be the peer.",
            "It was set aside and nothing was done. Keep it for the security administrator.",
        ),
        "inventory-wrong-issuer": Template(
            "An inventory is signed by another unit than it names.",
            "A unit may only speak for itself.",
            "It was set aside and nothing was done. Call the peer's administrator.",
        ),
        "inventory-misdirected": Template(
            "An inventory came by the wrong link.",
            "It is addressed to another unit, or speaks for a unit that this link does not lead to.",
            "It was set aside. Ask the peer's operator to check the links there.",
        ),
        "inventory-too-large": Template(
            "A file that calls itself an inventory is too large to be one.",
            "No node writes inventories of more than 1 MiB.",
            "It was set aside unread. Ask the peer's operator what was put into the mailbox.",
        ),
        "resync-awaited": Template(
            "The sender has not yet said what it had sent before the ledger here was put back.",
            "Until then it cannot be told whether this bundle was delivered before.",
            "Nothing to do: it goes on when the sender has answered. If that lasts, `caseferry resync` and a call to the peer.",
        ),
        "delivery-doubtful": Template(
            "This bundle may have been delivered before the ledger was put back.",
            "Ledger and journal of deliveries were both lost, and the sender has no receipt for it.",
            "Look whether the case software has it. If not, release it from quarantine; if it has, close it there and tell the sender.",
        ),
    }
)
