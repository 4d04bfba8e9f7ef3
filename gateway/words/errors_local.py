"""What is said when this server itself is at fault: ledger, spool, keys, configuration, its own processes."""

from types import MappingProxyType

from gateway.words.templates import Table, Template

TABLE: Table = MappingProxyType(
    {
        "ledger-busy": Template(
            "The ledger is being written by another process.",
            "A command or a backup holds it for longer than usual; nothing was recorded by halves.",
            "Nothing to do: it is tried again by itself. If it lasts, look for a program that keeps the ledger file open.",
        ),
        "disk-full": Template(
            "A disk of this server is full.",
            "Nothing can be recorded or taken in until there is room.",
            "Make room on the disk; it goes on by itself.",
        ),
        "ledger-io": Template(
            "Reading or writing the ledger failed.",
            "The disk below it reports errors.",
            "It is tried again by itself. If it lasts, check the disk and the system log, and keep the newest backup safe.",
        ),
        "ledger-damaged": Template(
            "The ledger file is damaged.",
            "Its pages contradict each other, or it is not a ledger at all.",
            "Stop the gateway, keep the file, and restore the newest backup as docs/operations.md says.",
        ),
        "ledger-denied": Template(
            "The ledger file cannot be opened or written.",
            "The account of the service lacks the permission, the disk is mounted read-only, or the ledger is already closed.",
            "Give the account of the service the folder of the ledger, and make sure that the disk is writable.",
        ),
        "ledger-read-only": Template(
            "A change was asked of a ledger that is only being read.",
            "Commands that show something open the ledger for reading.",
            "This is a fault of the program; report it together with the log.",
        ),
        "ledger-newer": Template(
            "The ledger was written by a newer version of the program.",
            "This version does not know its form and leaves it alone.",
            "Install the newer version again.",
        ),
        "ledger-older": Template(
            "The ledger has the form of an older version.",
            "Commands that only read do not change it.",
            "Start the daemon once; it brings the ledger up to date.",
        ),
        "ledger-missing": Template(
            "There is no ledger yet.",
            "The gateway makes it at its first start, or the configuration names another place.",
            "Start the gateway, or put the right place into config/gateway.yaml.",
        ),
        "ledger-exposed": Template(
            "The ledger can be read by other accounts.",
            "It names cases and units; the permissions of its folder or file are too wide.",
            "Take the permissions from group and others, as the detail says.",
        ),
        "ledger-foreign": Template(
            "The ledger belongs to another unit.",
            "It records unit {recorded}, the configuration says {unit}.",
            "Correct the unit in config/gateway.yaml, or the place of the ledger.",
        ),
        "ledger-unsupported": Template(
            "The ledger cannot be kept on this database or disk.",
            "The database is unknown here, too old, or the disk cannot lock files as it must (a network share).",
            "Put the ledger on a local disk, as docs/configuration.md says.",
        ),
        "ledger-contradiction": Template(
            "The ledger refused a record that contradicts another.",
            "Two records would claim the same thing; the first one stands.",
            "The transfer is held. Report it together with the log.",
        ),
        "no-such-transfer": Template(
            "There is no such transfer.",
            "The number was mistyped, or it belongs to another node.",
            "Find the transfer with `caseferry log`.",
        ),
        "transfer-ended": Template(
            "The transfer has already ended.",
            "It owes nothing any more, so there is nothing to hold or to try again.",
            "Nothing to do; `caseferry explain` shows how it ended.",
        ),
        "transfer-held": Template(
            "The transfer is held by a person.",
            "It is not tried again before somebody releases it.",
            "Look at the reason with `caseferry explain`, then use `caseferry release`.",
        ),
        "sequence-conflict": Template(
            "A bundle was sealed under a number that is already taken.",
            "Two bundles for the same recipient were sealed at the same time.",
            "Nothing to do: it is sealed again by itself.",
        ),
        "sequence-reused": Template(
            "A sender gave the same number to two bundles.",
            "It was restored from a backup or cloned without a new epoch, or somebody forges bundles with its key.",
            "Do not release it. Call the sender's administrator; both bundles are kept as proof.",
        ),
        "already-delivered": Template(
            "A bundle has already been delivered.",
            "Another transfer brought the same bundle before.",
            "Nothing to do: nothing was delivered twice.",
        ),
        "receipt-mismatch": Template(
            "A receipt speaks of other content than was sent.",
            "It names the bundle but not the digest that this node signed.",
            "The receipt was set aside and proves nothing. Call the peer's administrator.",
        ),
        "receipt-wrong-issuer": Template(
            "A receipt is signed by another unit than it names.",
            "A unit may only speak for itself.",
            "The receipt was set aside and proves nothing. Call the peer's administrator.",
        ),
        "fact-fixed": Template(
            "A step would have changed what is already on record.",
            "The identity of a bundle never changes once it is written down.",
            "The transfer is held. Report it together with the log.",
        ),
        "number-out-of-range": Template(
            "A number is larger than the ledger can keep.",
            "No honest node makes such a number.",
            "The transfer is held. Call the sender's administrator.",
        ),
        "key-refused": Template(
            "A public key is unusable or dangerous.",
            "It has the wrong form, or is one of the weak keys that would accept any signature.",
            "Do not use the card. Get a new one from the peer's administrator.",
        ),
        "keys-exist": Template(
            "Keys are already there and are not overwritten.",
            "Losing a node's keys would make everything sealed for it unreadable.",
            "Use the keys that are there; if they are to go, move them away by hand.",
        ),
        "keys-unusable": Template(
            "The node's key file cannot be opened.",
            "{path}: {reason}.",
            "Give the folder and the file to the account of the service, or name the right place in config/gateway.yaml.",
        ),
        "keys-malformed": Template(
            "The node's key file cannot be read.",
            "The file is damaged, incomplete, or from another version.",
            "Restore the key folder from the backup made at initialisation.",
        ),
        "keys-expired": Template(
            "No key of this node is valid now.",
            "The keys have not been renewed in time, or the clock of this server is wrong.",
            "Check the clock; then run `caseferry key rotate` and give the new card to all peers.",
        ),
        "keys-too-many": Template(
            "The node's keys were renewed too often.",
            "Old keys are kept until nothing sealed for them can still be on the way.",
            "Wait until old keys have expired.",
        ),
        "passphrase-weak": Template(
            "The passphrase is too short.",
            "Whoever gets a copy of the key file could try out short passphrases.",
            "Choose one of at least {least} characters.",
        ),
        "claim-missing": Template(
            "A claimed original is no longer in the spool.",
            "Somebody or some program moved or deleted it on the gateway's own disk.",
            "The transfer is held. Restore the spool from a backup, or close the transfer and export the case again.",
        ),
        "claim-busy": Template(
            "Another part of the gateway is working on the same export.",
            "Two steps met by chance.",
            "Nothing to do: it is tried again by itself.",
        ),
        "note-damaged": Template(
            "A note in the spool or in quarantine cannot be read.",
            "The disk is failing, or somebody changed the gateway's own files.",
            "Nothing was deleted. Look into the folder named in the detail, and report it together with the log.",
        ),
        "export-vanished": Template(
            "An export disappeared before it could be taken.",
            "The case software or somebody else moved or deleted it.",
            "Nothing to do, unless the case should have been sent: then export it again.",
        ),
        "export-locked": Template(
            "An export is in use by another program.",
            "The export or a virus scanner holds it open.",
            "It is tried again by itself; if it lasts, close the program or exclude the folder from scanning.",
        ),
        "export-unreadable": Template(
            "An export cannot be read.",
            "The account of the gateway has no permission to read it, or another program keeps it to itself.",
            "Let the account of the gateway read it, or export it again; then it is taken by itself.",
        ),
        "export-incomplete": Template(
            "An export is not complete yet.",
            "Its completion mark, or files that its list names, are missing.",
            "Wait for the case software to finish; if it has finished, export the case again.",
        ),
        "export-too-many-files": Template(
            "An export holds more files or levels than any dossier.",
            "The wrong folder was probably dropped; more than {limit} files are not taken.",
            "Check what was dropped, and export the case again.",
        ),
        "entry-unsafe": Template(
            "A link or a special file lies in the outbound folder.",
            "Such things can lead to other places of this server, so they are never followed.",
            "Remove it from the folder, and find out who put it there.",
        ),
        "folder-replaced": Template(
            "A link or a file has the name of a folder that this program keeps in an outbound folder.",
            "{folder} is not our folder: whoever may write there put it in its place. It could lead to other places of this server, so nothing is written through it.",
            "Remove it and find out who put it there; the folder is made anew by itself. Reports and receipts that were due meanwhile are in `caseferry explain`.",
        ),
        "mount-missing": Template(
            "The network share of a folder is not mounted.",
            "The folder looks empty, but its sentinel file is not there; this is a fault and not a deletion.",
            "Mount the share again; it goes on by itself.",
        ),
        "name-taken-inbound": Template(
            "A file of the same name is in the inbound folder and is not ours.",
            "Delivering would overwrite it.",
            "Move that file away; the delivery goes on by itself.",
        ),
        "staging-missing": Template(
            "A verified delivery is missing from the gateway's own disk.",
            "Somebody or some program deleted it between verification and delivery.",
            "The transfer is held. Report it together with the log; the bundle can be opened again.",
        ),
        "route-gone": Template(
            "The route of this transfer is no longer configured.",
            "It was removed or renamed in config/routes.d/ while the transfer was under way.",
            "Put the route back and reload, or close the transfer.",
        ),
        "quarantine-missing": Template(
            "Nothing of that name is in quarantine.",
            "It was released or removed before, or the name was mistyped.",
            "See what is there with `caseferry quarantine list`.",
        ),
        "quarantine-empty": Template(
            "There was nothing to put into quarantine.",
            "The bytes had already gone from the gateway's own disk.",
            "Report it together with the log.",
        ),
        "place-taken": Template(
            "The place for released bytes is taken.",
            "Something of the same name is already there.",
            "Move it away, then release again.",
        ),
        "disk-space-low": Template(
            "Too little space is left on this server's disk.",
            "Large exports are left waiting so that small ones can still be carried.",
            "Make room on the disk; it goes on by itself.",
        ),
        "source-changed": Template(
            "A file changed while it was being sealed.",
            "The claimed original was written to on the gateway's own disk.",
            "It is sealed again by itself. Find out which program writes to the spool.",
        ),
        "packer-unknown": Template(
            "There is no packer named {packer}.",
            "A route names a packer that is not installed; installed are: {installed}.",
            "Correct the name in config/routes.d/, or install the packer.",
        ),
        "packer-broken": Template(
            "The packer {packer} cannot be loaded.",
            "Its program is incomplete or belongs to another version.",
            "Install it again, in the version that belongs to this gateway.",
        ),
        "accounts-unreadable": Template(
            "The list of peers that may log in cannot be read.",
            "The file is missing, or the account of the service may not read it.",
            "Run `caseferry check`; it says which file, and what is wrong with it.",
        ),
        "accounts-malformed": Template(
            "The list of peers that may log in is damaged.",
            "The gateway writes it by itself; somebody changed it or the disk is failing.",
            "Restart the gateway, which writes it anew; do not edit it by hand.",
        ),
        "host-key-unusable": Template(
            "The node's own SSH host key cannot be used.",
            "The key file is damaged or of another kind.",
            "Restore the key folder from the backup made at initialisation.",
        ),
        "port-taken": Template(
            "The gateway cannot listen on its address.",
            "Another program uses the port, or the address does not belong to this server.",
            "Stop the other program, or change server.listen or server.port in config/gateway.yaml.",
        ),
        "child-not-ready": Template(
            "A process of the gateway did not get ready in time.",
            "The server is overloaded, or the process could not start properly.",
            "It is started again by itself. If it lasts, look at the log.",
        ),
        "child-bug": Template(
            "A process of the gateway ended through a fault of the program.",
            "The log names the place.",
            "It is started again by itself. Report it together with the log.",
        ),
        "child-unstartable": Template(
            "A process of the gateway cannot be started.",
            "The server has too little memory or too many processes.",
            "It is tried again by itself. If it lasts, check the memory of this server.",
        ),
        "worker-died": Template(
            "A worker process of the gateway ended unexpectedly.",
            "It was killed, or the server ran out of memory.",
            "It is tried again by itself. If it lasts, check the memory of this server.",
        ),
        "worker-stalled": Template(
            "A worker process of the gateway hangs.",
            "It gave no sign of life for a long time; the disk or a share may hang.",
            "It is ended and tried again by itself. If it lasts, check disks and shares.",
        ),
        "worker-bug": Template(
            "A fault of the program stopped the work on this transfer.",
            "The log names the place.",
            "The transfer is held and nothing is lost. Report it together with the log.",
        ),
        "worker-unstartable": Template(
            "A worker process of the gateway cannot be started.",
            "The server has too little memory or too many processes.",
            "It is tried again by itself. If it lasts, check the memory of this server.",
        ),
        "worker-answer-refused": Template(
            "The answer of a worker process was refused.",
            "It works on untrusted input, so only plain values are taken from it; something else came.",
            "The transfer is held. Keep the export, and tell the security administrator.",
        ),
        "stopping": Template(
            "The gateway is being stopped.",
            "The work was cut off and is owed again.",
            "Nothing to do: it goes on after the next start.",
        ),
        "log-unwritable": Template(
            "The operations log cannot be written: {path}.",
            "The folder is missing, or the account of the service may not write there.",
            "Give the folder to the account of the service, or name another one in config/gateway.yaml.",
        ),
        "already-running": Template(
            "The gateway is already running.",
            "Another process uses the same state folder; two of them would harm each other.",
            "Use the one that runs, or stop it first (`caseferry status` shows it).",
        ),
        "state-unwritable": Template(
            "The gateway cannot write to its state folder.",
            "The folder is missing, or the account of the service may not write there.",
            "Give the folder to the account of the service, or name another one in config/gateway.yaml.",
        ),
        "node-exists": Template(
            "There is a configuration already: {path}.",
            "Making a new node there would take its place.",
            "Use the one that is there, or name another folder.",
        ),
        "restart-needed": Template(
            "Settings were changed that are only read at the start: {names}.",
            "They cannot be exchanged under transfers that are under way; the running configuration stays as it is.",
            "Restart the gateway, or undo the change and reload.",
        ),
        "unit-malformed": Template(
            "This is not a unit code: {unit}.",
            "A unit code has 4 to 24 digits or capital letters.",
            "Write the official code of the unit.",
        ),
        "demo-folder-used": Template(
            "The folder {folder} is not empty.",
            "The demonstration fills a folder of its own and never touches other files.",
            "Name an empty or a new folder.",
        ),
        "demo-node-failed": Template(
            "A node of the demonstration did not start ({unit}).",
            "The detail shows what it said.",
            "Look for a port or a folder that is in use; run it with --keep to look at the logs.",
        ),
        "demo-node-hangs": Template(
            "A node of the demonstration did not stop in time.",
            "It was ended by force; its ledger survives that.",
            "Run it with --keep to look at the logs.",
        ),
        "demo-unfinished": Template(
            "The demonstration did not come to its end: {late}.",
            "These exports were neither delivered nor refused in the time allowed; the machine may be slow.",
            "Run it with --keep to look at the logs.",
        ),
        "samples-missing": Template(
            "There are no sample exports in {folder}.",
            "They belong to the source tree and not to an installed copy.",
            "Run the demonstration from the source tree (`make demo`).",
        ),
    }
)
