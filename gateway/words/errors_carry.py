"""What is said when carrying fails: lines, mailboxes, folders, waiting for people."""

from types import MappingProxyType

from gateway.words.templates import Table, Template

TABLE: Table = MappingProxyType(
    {
        "link-unreachable": Template(
            "The peer's server cannot be reached.",
            "No connection came about, or it broke off: a line, a firewall, or the peer's server is down.",
            "Nothing is lost; it is tried again by itself. If it lasts, ask the peer's operator and the network administrator.",
        ),
        "link-timeout": Template(
            "The peer's server does not answer in time.",
            "A connection exists but nothing moved for the time allowed; the line is overloaded or the peer hangs.",
            "Nothing is lost; it is tried again by itself. If it lasts, ask the peer's operator to look at that server.",
        ),
        "link-auth-refused": Template(
            "The peer does not accept this node's login.",
            "This node's card has not been added there, or has been removed or replaced.",
            "Give the peer's administrator this node's card (`caseferry peer card`) and compare the fingerprint by telephone.",
        ),
        "host-key-mismatch": Template(
            "The server that answers is not the peer that was confirmed.",
            "Its host key differs from the one in the peer's card: the server was installed anew, or somebody stands between.",
            "The link is held. Call the peer's administrator; only with a new card, compared by telephone, may it go on.",
        ),
        "link-algorithms": Template(
            "The peer's server offers no modern algorithm.",
            "It is an old or wrongly configured SSH server.",
            "Ask the peer's administrator to update the server; old algorithms are never accepted.",
        ),
        "mailbox-missing": Template(
            "The mailbox folder is not there.",
            "The share is not mounted, the folder was moved, or the peer has not made the mailbox yet.",
            "Check the mount and the path in config/links.d/; it goes on as soon as the folder is back.",
        ),
        "mailbox-denied": Template(
            "The mailbox refuses access.",
            "The account may not write or read there.",
            "Have the permissions of the mailbox folder given to the account of this node.",
        ),
        "mailbox-full": Template(
            "The peer's mailbox is full.",
            "A quota or the disk there is used up: the peer has not collected for a long time.",
            "It is tried again by itself. Ask the peer's operator to check that the gateway runs there and has free space.",
        ),
        "mailbox-failed": Template(
            "The mailbox answered with a failure that says nothing more.",
            "The peer's server or the share could not carry out the operation.",
            "It is tried again by itself. If it lasts, ask the peer's operator to look at the log there.",
        ),
        "name-taken": Template(
            "Another file of the same name is in the peer's mailbox.",
            "It has another size than this bundle: an earlier try that was damaged there, or somebody else's file.",
            "The peer sets it aside when it collects; then the bundle is sent by itself. If it lasts, ask the peer's operator what the file is.",
        ),
        "no-such-name": Template(
            "A bundle that was offered is no longer in the mailbox.",
            "It was removed by hand, or by another program.",
            "The sender sends it again by itself when no receipt comes. If it does not, ask the sender's operator.",
        ),
        "size-mismatch": Template(
            "The peer holds another number of bytes than was sent.",
            "The upload was cut short, or a device on the way changed the file.",
            "It is sent again by itself. If it happens often, have the line or the gap device checked.",
        ),
        "deposit-unknown": Template(
            "The line broke at the last moment of an upload.",
            "Whether the bundle arrived is not known yet.",
            "Nothing to do: it is looked at again by itself, and nothing is delivered twice.",
        ),
        "local-io": Template(
            "Reading or writing on this server's own disk failed.",
            "The disk is failing, a share is gone, or a virus scanner holds the file.",
            "It is tried again by itself. If it lasts, check the disk and the system log.",
        ),
        "spool-missing": Template(
            "A file of this transfer is missing from the spool.",
            "Somebody or some program deleted it from the gateway's own disk.",
            "The transfer is held. Restore the spool from a backup, or close the transfer and export the case again.",
        ),
        "transfer-moved-on": Template(
            "The transfer changed while this step was under way.",
            "Another part of the gateway, or a person, was faster.",
            "Nothing to do: the newer state counts.",
        ),
        "folder-missing": Template(
            "A folder of a route is not there.",
            "The share is not mounted, or the folder was moved or renamed.",
            "Check the mount and the path in config/routes.d/; it goes on as soon as the folder is back.",
        ),
        "folder-denied": Template(
            "The gateway may not use a folder of a route.",
            "Its account lacks the permission to read, write or rename there.",
            "Give the account of the service read and write permission on the folder.",
        ),
        "export-changed": Template(
            "An export changed after it was complete.",
            "The case software wrote to it again while it was being taken.",
            "The original is kept. Let the case software finish, and export the case again.",
        ),
        "export-held": Template(
            "An export waits for a decision.",
            "The check found something that only a person may decide.",
            "See the findings with `caseferry explain`; then release it with a reason, or have it exported again.",
        ),
        "content-differs": Template(
            "Another version of this export was sent before; this one waits for a decision.",
            "Flow, case number and recipient are the same, the content is not. Nobody but a person knows whether it is a correction.",
            "If it is, release it with a reason: it then goes as a correction that names the earlier one. If it is not, close it; what must be withdrawn is withdrawn with the correction flow of the case software.",
        ),
        "sent-before": Template(
            "The same export, or another version of it, is under way.",
            "It is not known yet whether that one arrives.",
            "Nothing to do: once its receipt is there, this export is compared again by itself. If that one is refused or closed, this one goes.",
        ),
        "settings-refused": Template(
            "The configuration cannot be used; {count} complaints.",
            "Each complaint below says file, line and column.",
            "Mend them, then run `caseferry check` again. A running gateway keeps the configuration it has.",
        ),
    }
)
