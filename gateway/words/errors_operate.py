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
            "`caseferry explain {id}` says what it waits for.",
        ),
        "transfer-unclosable": Template(
            "Transfer {id} cannot be closed now.",
            "It has bytes under way that would be lost, or owes its sender a receipt.",
            "`caseferry explain {id}` says what it waits for.",
        ),
        "nothing-found": Template(
            'There is no transfer called "{key}" here.',
            "It is no number, case number, bundle id or beginning of an export's name that the ledger knows.",
            "Look it up in the log, with `caseferry log --case` or `--text`.",
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
            "Check the name; `caseferry log` shows what was taken in.",
        ),
        "nothing-to-verify": Template(
            "There is nothing in this file that could be verified.",
            "It is no bundle (.cfb), no convoy of bundles (.cfc), no receipt file (.cfr) and no acknowledgement (ack/*.receipt.json), or it is damaged at its very beginning.",
            "Name one of these files; get it again from where it came if it is damaged.",
        ),
        "trust-missing": Template(
            "Nobody's keys are known here, so nothing can be verified.",
            "Neither the configuration of a node, whose peers count, nor a card was named.",
            "Name the signer's card with --card FILE, or the node's configuration with -c FOLDER.",
        ),
        "route-unknown": Template(
            'There is no outbound route "{route}".',
            "routes.d knows these: {known}.",
            "Name one of them, or leave --route out.",
        ),
        "keys-clear": Template(
            "The key file in {path} has no passphrase.",
            "Whoever copies it, or a backup of it, can speak in this unit's name.",
            "Right for trials. In production give it to systemd (systemd-creds encrypt), or make the node with a passphrase.",
        ),
        "keys-ending": Template(
            "The keys of this node end in {days} days.",
            "After that nobody accepts what it signs.",
            "Renew them with `caseferry key rotate`, and send the new card to every peer.",
        ),
        "card-ending": Template(
            "The keys on the card of {unit} end in {days} days.",
            "After that nothing can be sealed to this unit, and what it signs is refused.",
            "Ask its administrator to renew its keys and to send the new card.",
        ),
        "peer-unlinked": Template(
            "There is a card of {unit}, but no link to it.",
            "Nothing is exchanged with a peer that no file in links.d names.",
            "Write the link, or remove the peer with `caseferry peer remove {unit}`.",
        ),
        "address-foreign": Template(
            "{address} is no address of this server.",
            "server.listen must be an address of one of its network cards.",
            "Put this server's own address on the exchange network into server.listen (ip addr shows it).",
        ),
        "port-denied": Template(
            "Port {port} on {address} cannot be listened on.",
            "Ports below 1024 need a permission that the service does not have.",
            "Choose a port from 1024 up, such as 2222.",
        ),
        "link-unknown": Template(
            'There is no link to "{peer}".',
            "links.d knows these: {known}.",
            "Name one of them by its unit's code or its own name.",
        ),
        "backup-damaged": Template(
            "The backup cannot be used: {path} is missing or changed.",
            "Its digest is not the one that was noted when the backup was made.",
            "Use another backup, and check the medium.",
        ),
        "backup-foreign": Template(
            "This is a backup of unit {recorded}; this node is {unit}.",
            "A ledger belongs to one unit.",
            "Name a backup of this node.",
        ),
        "folder-not-empty": Template(
            "The folder {path} is not empty.",
            "What is opened goes into a folder of its own, so that nothing is mixed up or overwritten.",
            "Name an empty or a new folder.",
        ),
        "retries-exhausted": Template(
            "This transfer has owed the same step for too long.",
            "It was tried again and again, or its link rested, for the whole of timing.give_up_after.",
            "Mend what `caseferry explain {id}` names, then `caseferry release {id}`: it goes on where it stood, for as long again.",
        ),
        "receipt-never-came": Template(
            "{peer} has sent no receipt for this transfer.",
            "It was sent again and again for the whole of timing.give_up_after.",
            "Ask the operator there for `caseferry log --peer`. A receipt that comes late still settles it; `caseferry release {id}` sends it again.",
        ),
        "being-set-back": Template(
            "The bytes of this transfer are on their way back from quarantine.",
            "A person had them checked anew.",
            "Nothing, it takes a moment. If it stays so: `caseferry release {id}`, then `caseferry quarantine recheck` again.",
        ),
        "decision-pending": Template(
            "This was decided already ({action}), and is not carried out yet.",
            "The gateway carries it out as soon as it runs.",
            "Start it if it does not run; then look again with `caseferry quarantine show`.",
        ),
        "quarantine-ambiguous": Template(
            "{count} things in quarantine begin with that.",
            "The beginning of an id is enough only where no other begins the same.",
            "Give more of its digits.",
        ),
        "quarantine-moved-on": Template(
            "The bundle no longer waits for what is in quarantine.",
            "Transfer {id} is {state}: it came again since, or was decided otherwise.",
            "`caseferry explain {id}` tells the story; `caseferry quarantine close` is what is left.",
        ),
        "quarantine-not-waivable": Template(
            "{code} is not for a person to waive.",
            "Only a rule of this node may be waived (expired, too large, outdated key), never a doubt about who sent it or whether it is whole.",
            "Mend the cause (the peer's card, a key, a route), reload, then `caseferry quarantine recheck`; or ask the sender to send it anew.",
        ),
        "quarantine-unanswerable": Template(
            "There is nobody to whom a refusal could be sent.",
            "No verified signature says who sent these bytes, or it was brought by a unit that had no business with it.",
            "Be done with it by `caseferry quarantine close`; if you know the sender, add its card, then `caseferry quarantine recheck`.",
        ),
        "quarantine-not-recheckable": Template(
            "This cannot be checked again.",
            "It belongs to no transfer of this node, or is larger than anything of its kind.",
            "Keep it as evidence, and be done with it by `caseferry quarantine close`.",
        ),
    }
)
