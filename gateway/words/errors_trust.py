"""What is said about bundles, receipts, cards and keys that cannot be trusted or used."""

from types import MappingProxyType

from gateway.words.templates import Table, Template

TABLE: Table = MappingProxyType(
    {
        "not-a-bundle": Template(
            "A file arrived that is not a bundle.",
            "It does not begin with the mark of the bundle format; another program put it there, or the line changed it.",
            "Nothing was opened. Ask the peer's operator what was put into the mailbox, then dismiss it from quarantine.",
        ),
        "suite-refused": Template(
            "A bundle uses an algorithm suite that this node does not accept from its sender.",
            "The suite is unknown here, or the sender's card does not list it.",
            "Ask the sender's administrator for a new card, or to seal with a suite that both sides accept.",
        ),
        "malformed": Template(
            "A bundle's envelope breaks the rules of the format.",
            "Its fields contradict each other or have impossible values; it is damaged or was made by a faulty program.",
            "Nothing was opened. Keep it in quarantine, and tell the sender's administrator.",
        ),
        "unknown-sender": Template(
            "A bundle is signed with a key that no card here names.",
            "The sender has never been added, or has new keys whose card has not reached this node.",
            "If you expect this sender: get its card, compare the fingerprint by telephone, run `caseferry peer add`, then release the bundle.",
        ),
        "revoked-sender": Template(
            "A bundle is signed with a key that has been revoked.",
            "The key was withdrawn, usually because it may have been stolen.",
            "Do not release it. Call the sender's administrator on a known number.",
        ),
        "bad-signature": Template(
            "The signature of a bundle is wrong.",
            "The envelope was changed on the way, or somebody pretends to be the sender.",
            "Do not release it. Keep it for the security administrator, and ask the sender whether it sent this bundle.",
        ),
        "expired": Template(
            "A bundle arrived after the time until which it was valid.",
            "It waited too long on the way: a line was down, or a server was off.",
            "The sender has been told and must send the case again.",
        ),
        "key-not-valid": Template(
            "A bundle is signed with a key that was not valid when it was made.",
            "The key was used before or after its time, or the sender's clock is wrong by days.",
            "Ask the sender's administrator to check the clock and the keys there.",
        ),
        "replayed": Template(
            "A bundle arrived that this node has already received.",
            "Usually our receipt was lost on the way; it may also be an old bundle played back.",
            "Nothing to do: the same receipt has been sent again, and nothing was delivered twice.",
        ),
        "equivocation": Template(
            "Two different bundles carry the same id or sequence number of one sender.",
            "The sender was restored from a backup or cloned without a new epoch, or somebody forges bundles with its key.",
            "Do not release it. Call the sender's administrator; both bundles are kept as proof.",
        ),
        "not-permitted": Template(
            "The sender may not send this kind of bundle to this unit.",
            "No inbound route here accepts this flow from this unit.",
            "If it should be accepted, add the sender and the flow to a route in config/routes.d/, reload, then release the bundle.",
        ),
        "too-large": Template(
            "A bundle is larger than this node accepts.",
            "The limit is set in config/gateway.yaml, to protect the disk.",
            "Raise the limit if there is room, or agree with the sender on a smaller export.",
        ),
        "manifest-corrupt": Template(
            "The list of contents of a bundle was damaged on the way.",
            "Its bytes are not those that the sender signed.",
            "Nothing was opened. The bundle is asked for again; if it happens often, have the line or the gap device checked.",
        ),
        "segment-list-corrupt": Template(
            "The list of segment digests of a bundle was damaged on the way.",
            "Its bytes are not those that the sender signed.",
            "Nothing was opened. The bundle is asked for again; if it happens often, have the line or the gap device checked.",
        ),
        "segment-corrupt": Template(
            "A part of a bundle was damaged on the way.",
            "The digest of a segment differs from the one that the sender signed.",
            "Nothing was delivered. The bundle is asked for again; if it happens often, have the line or the gap device checked.",
        ),
        "truncated": Template(
            "A bundle ends too early.",
            "Fewer bytes arrived than its envelope promises; the transfer broke off, or a device on the way cuts large files.",
            "Nothing was delivered. The bundle is asked for again; if it happens often, check the size limit of the gap device.",
        ),
        "trailing-bytes": Template(
            "Bytes follow the end of a bundle.",
            "Something on the way appended to the file.",
            "Nothing was delivered. Find out which device or program touches the files of this link.",
        ),
        "not-addressed-to-us": Template(
            "A bundle is not addressed to this unit.",
            "None of its recipients has a key that this node holds; it was put into the wrong mailbox, or sealed with a card that is out of date.",
            "Tell the sender's administrator, and give them this node's present card.",
        ),
        "unwrap-failed": Template(
            "The key of a bundle cannot be unwrapped.",
            "The wrapped key was changed, or it was not made for the key that it names.",
            "Do not release it. Keep it for the security administrator, and ask the sender whether it sent this bundle.",
        ),
        "content-auth-failed": Template(
            "The content of a bundle is not what was sealed.",
            "A check inside the encryption failed although the outer digests agree.",
            "Do not release it. Keep it for the security administrator, and ask the sender whether it sent this bundle.",
        ),
        "manifest-malformed": Template(
            "The list of contents of a bundle breaks the rules of the format.",
            "The sender's program wrote something that this version cannot accept.",
            "Keep it in quarantine, and tell the sender's administrator which version this node runs.",
        ),
        "inner-signature-bad": Template(
            "The sender's signature inside a bundle is wrong.",
            "The outer and the inner signature disagree; somebody may have put another envelope around a foreign content.",
            "Do not release it. Keep it for the security administrator, and ask the sender whether it sent this bundle.",
        ),
        "unsafe-path": Template(
            "A bundle contains a file name that leads out of its folder, cannot be written safely, or means something "
            "else on Windows.",
            "No honest node makes such a name.",
            "Nothing was written. Keep it for the security administrator, and call the sender's administrator.",
        ),
        "file-hash-mismatch": Template(
            "A file in a bundle differs from the digest in its list of contents.",
            "The sender's list and its data disagree although both are signed.",
            "Nothing was delivered. Ask the sender to send the case again; if it happens again, their program is at fault.",
        ),
        "padding-not-zero": Template(
            "A bundle carries bytes where there should be only zeros.",
            "The padding was used to hide something, or the sender's program is faulty.",
            "Nothing was delivered. Keep it for the security administrator.",
        ),
        "convoy-malformed": Template(
            "A file of many bundles cannot be taken apart.",
            "Its bytes break the rules of the format; it was damaged on the way or made by a faulty program.",
            "The file was set aside, and none of its bundles was taken in. The sender sends each of them again when no receipt comes.",
        ),
        "convoy-too-large": Template(
            "A file that calls itself a convoy of bundles is too large to be one.",
            "No node makes convoys of more than 8 MiB.",
            "It was set aside unread. Ask the peer's operator what was put into the mailbox.",
        ),
        "receipt-malformed": Template(
            "A receipt cannot be read.",
            "Its bytes break the rules of the format; it is damaged or was made by a faulty program.",
            "The receipt was set aside. The transfer keeps waiting, and the receipt will be asked for again.",
        ),
        "receipt-bad-signature": Template(
            "The signature of a receipt is wrong.",
            "The receipt was changed on the way, or somebody pretends to be the recipient.",
            "The receipt was set aside and proves nothing. Keep it for the security administrator.",
        ),
        "card-malformed": Template(
            "A card cannot be read.",
            "It is damaged, incomplete, or not a card at all.",
            "Get the card again, as a file and not as copied text.",
        ),
        "card-bad-signature": Template(
            "The signature of a card is wrong.",
            "The card was changed after its node made it.",
            "Do not use it. Get the card again on another way, and compare the fingerprint by telephone.",
        ),
        "case-package-malformed": Template(
            "The case package inside a bundle cannot be read.",
            "It breaks the rules of the exchange standard; the sender's program wrote something that this version cannot accept.",
            "Nothing was delivered. Keep it in quarantine, and tell the sender's administrator which version this node runs.",
        ),
        "keys-exposed": Template(
            "The node's private keys can be read by other accounts.",
            "The permissions of the key folder or of a key file are too wide.",
            "Give the folder mode 0700 and its files mode 0600, owned by the account of the service; if strangers had access, make new keys.",
        ),
        "keys-missing": Template(
            "The node's keys are not there.",
            "The node was never initialised, or the configuration names another folder.",
            "Run `caseferry init`, or put the right folder into config/gateway.yaml.",
        ),
        "passphrase-wrong": Template(
            "The passphrase does not open the node's keys.",
            "It was mistyped, or it belongs to another node's keys.",
            "Try again; without the passphrase the keys cannot be recovered.",
        ),
        "passphrase-missing": Template(
            "There is no passphrase for the node's keys.",
            "Neither a credential of the service nor a passphrase file nor a terminal to ask on was found.",
            "See docs/operations.md, chapter keys, on how the service gets its passphrase.",
        ),
        "card-unproven": Template(
            "A card cannot be accepted without confirming its fingerprint.",
            "The keys that are known of this peer did not sign it, or the peer was revoked.",
            "Have the fingerprint read out by telephone, then run `caseferry peer add` with it.",
        ),
        "card-older": Template(
            "A newer card of this unit is already known.",
            "Old cards are refused, so that keys that were given up do not come back.",
            "Nothing to do if the newer card works; otherwise ask the peer's administrator for its present card.",
        ),
        "cards-too-many": Template(
            "Too many cards of this unit are kept.",
            "Every card stays, so that old receipts can still be verified.",
            "Ask the peer's administrator why its keys are renewed so often.",
        ),
        "card-key-taken": Template(
            "A key on the card of {unit} belongs to {other}.",
            "Two units never share a key: one server was cloned, or a card was put together from another one.",
            "Do not use the card. Call both administrators.",
        ),
        "fingerprint-missing": Template(
            "A new peer is only accepted with its fingerprint.",
            "Nobody is trusted at first sight: a card may have been exchanged on the way.",
            "Have the fingerprint read out by telephone on a known number, then run `caseferry peer add` with it.",
        ),
        "fingerprint-mismatch": Template(
            "The fingerprint is not that of this card.",
            "It was mistyped, or the card was exchanged on the way.",
            "Do not use the card before the peer has read out the same fingerprint by telephone.",
        ),
        "peer-unknown": Template(
            "There is no confirmed card of unit {unit}.",
            "The unit has never been added here.",
            "Get its card, compare the fingerprint by telephone, and run `caseferry peer add`.",
        ),
        "peer-revoked": Template(
            "The peer {unit} is revoked.",
            "Somebody here withdrew the trust in its keys.",
            "If it is to be trusted again: get a new card, compare the fingerprint by telephone, and run `caseferry peer add`.",
        ),
        "peer-keys-expired": Template(
            "No key of {unit} is valid now, so nothing can be sealed for it.",
            "Its card is out of date, and no newer card has been added.",
            "Get a new card from the recipient's administrator, compare the fingerprint, and run `caseferry peer add`.",
        ),
        "peers-exposed": Template(
            "The list of peers can be changed by other accounts.",
            "{path}: {why}.",
            "Mend it: {do}.",
        ),
        "peers-unusable": Template(
            "The list of peers cannot be read.",
            "{path}: {reason}.",
            "Give the folder to the account of the service, or name the right place in config/gateway.yaml.",
        ),
        "peers-malformed": Template(
            "A file of the list of peers is damaged: {path}.",
            "It was changed by hand, or the disk is failing.",
            "Restore it from a backup, or remove it and add the peer's card anew.",
        ),
        "clock-skew": Template(
            "A bundle was made more than a day in our future.",
            "The clock of the sender or of this server is wrong.",
            "Check this server's clock, then call the sender's operator. It goes on by itself once its date has come, or "
            "at once when a named person releases it.",
        ),
        "receipt-not-applied": Template(
            "Receipts came that this node cannot use yet.",
            "The transfers that they name kept changing meanwhile; the receipts stay in the mailbox.",
            "Nothing to do: it is tried again by itself.",
        ),
    }
)
