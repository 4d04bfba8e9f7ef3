"""What is said about rosters that cannot be believed, made or used."""

from types import MappingProxyType

from gateway.words.templates import Table, Template

TABLE: Table = MappingProxyType(
    {
        "roster-malformed": Template(
            "A roster file cannot be read.",
            "It is damaged, incomplete, or no roster file at all: {why}.",
            "Get the file again from the authority or from the hub; the roster in use stays as it is.",
        ),
        "roster-mixed": Template(
            "The parts of a roster file do not belong together.",
            "Somebody put parts of several rosters into one file, or two different rosters bear the same version.",
            "Do not use it. Keep it for the security administrator, and ask the authority which version is the newest.",
        ),
        "roster-unsigned": Template(
            "A roster does not bear enough valid signatures.",
            "Fewer officers than the root demands have signed it, or somebody else did.",
            "Do not use it. Ask the authority whether it published this version; if it was only being signed, wait for the rest.",
        ),
        "roster-foreign": Template(
            "A roster comes from another authority than the one trusted here.",
            "Its roots are not a continuation of the root that was confirmed at this node.",
            "Do not use it. Only if the authority says that it had to begin anew: have its fingerprint read out, then run `caseferry roster trust FILE --replace`.",
        ),
        "roster-older": Template(
            "A roster is older than the one in use.",
            "Somebody replays an old version, for example to bring revoked keys back.",
            "Nothing was changed. Ask the authority for the newest version.",
        ),
        "roster-expired": Template(
            "The roster has expired.",
            "The authority has not published a newer version in time, or it has not reached this node; an expired roster proves no longer that nobody was revoked.",
            "Get the newest roster and run `caseferry roster import FILE`. Until then new exports wait; receipts and what is under way go on.",
        ),
        "roster-ending": Template(
            "The roster expires soon.",
            "The authority publishes a new version before that, and the hub sends it to every node; it has not arrived yet.",
            "Ask the authority when the next version comes. After the last day new exports wait until it is here.",
        ),
        "roster-unsound": Template(
            "A roster contradicts itself.",
            "It breaks a rule of rosters: {why}.",
            "At the authority: mend the draft and sign it again. At a node: the roster in use stays as it is; tell the authority.",
        ),
        "roster-untrusted": Template(
            "No roster is trusted at this node.",
            "The first one must be confirmed by a person; none is trusted on first use.",
            "Have the fingerprint of the root read out by the authority, then run `caseferry roster trust FILE`.",
        ),
        "roster-without-us": Template(
            "The roster does not list this unit.",
            "Others that go by the roster know neither its keys nor its hubs, and refuse what it sends.",
            "Send the card of this node to the authority: caseferry peer card --out FILE.",
        ),
        "own-keys-revoked": Template(
            "The roster in use has revoked every key of this unit.",
            "Somebody reported them lost or stolen. Every node that goes by this roster refuses what this one sends.",
            "Ask the authority why. If keys were stolen, make new ones on a clean machine and send it the new card.",
        ),
        "roster-fingerprint-mismatch": Template(
            "The fingerprint is not that of this roster's root.",
            "It was mistyped, or the file is not the authority's.",
            "Have the fingerprint read out once more; if it differs again, do not use the file and tell the authority.",
        ),
        "roster-trusted": Template(
            "This node already goes by a roster.",
            "A second authority in the place of the first is a grave step, so it has to be asked for.",
            "For a newer version run `caseferry roster import FILE`. Only if the authority had to begin anew, add --replace.",
        ),
        "roster-damaged": Template(
            "The accepted roster of this node is damaged.",
            "The file {path} is not what was accepted.",
            "Put back roster/roster.cft from a backup, or move the file away and run `caseferry roster trust FILE` with the newest one.",
        ),
        "roster-unusable": Template(
            "The roster's file cannot be read or written.",
            "The operating system refused {path}: {reason}.",
            "Check the disk and the owner of the folder, then try again.",
        ),
        "roster-officers": Template(
            "These officers cannot sign a roster.",
            "{threshold} of {count} different officers are asked for; there may be {most} at most, and the threshold can be no more than there are.",
            "Name each officer's public key once, and choose a threshold that can be met.",
        ),
        "roster-officer-file": Template(
            "A file holds no officer's public key.",
            "{path} does not contain the 64 digits that `caseferry roster key` writes into a .pub file.",
            "Name the .pub file of the officer, not the key file itself.",
        ),
        "roster-no-officer": Template(
            "This key may not sign the roster.",
            "Neither the newest root nor the one before it names the key as an officer's.",
            "Use the right key file, or let the officers change who signs with `caseferry roster officers`.",
        ),
        "roster-differs": Template(
            "Two proposals cannot be joined.",
            "They are not copies of one proposal: the draft was changed, or another version was signed.",
            "Let the other officer sign the present proposal.",
        ),
        "roster-draft": Template(
            "The draft of the roster cannot be read.",
            "{path} breaks the form of a roster: {why}.",
            "Mend it by hand, or put back the last one; the commands of `caseferry roster` never write such a draft.",
        ),
        "roster-unit-incomplete": Template(
            "More must be said of the unit.",
            "Missing or not understood: {options}.",
            "Name role, level (province, city or county) and region of a new unit; see `caseferry roster add --help`.",
        ),
        "roster-unit-unknown": Template(
            "The roster lists no unit {unit}.",
            "The code was mistyped, or the unit has not been added.",
            "Look it up with `caseferry roster show`; similar ones, if there are any, are named below.",
        ),
        "roster-key-unknown": Template(
            "Unit {unit} has no such key in the roster.",
            "The key id was mistyped, or it belongs to another unit.",
            "Take the key id from `caseferry roster show FILE --unit UNIT --json`.",
        ),
        "ssh-keys-not-drawn": Template(
            "There are no new SSH keys to switch to.",
            "None were drawn, or the node uses them already.",
            "Run `caseferry key rotate --ssh` first.",
        ),
        "ssh-keys-unlisted": Template(
            "The new SSH keys are not in the roster in use.",
            "Other nodes would take this one for a stranger: the roster does not list these keys for {unit} yet.",
            "Send the new card to the authority, and switch once the next version is in use here (`caseferry roster show`).",
        ),
        "roster-lane-unknown": Template(
            "There is no lane {lane}.",
            "A class of the roster names one of the lanes of the links.",
            "Write one of: {known}.",
        ),
        "roster-rule-unknown": Template(
            "There is no such rule in the roster.",
            "Nothing says that {flow} may go from {sender} to {receiver}.",
            "Look at the rules in the draft; a rule is withdrawn in exactly the words in which it stands there.",
        ),
    }
)
