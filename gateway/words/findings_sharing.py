"""What is said about sharing, masking and viruses: grants, sealed records, what stays at home, what a scanner found."""

from types import MappingProxyType

from gateway.words.templates import Table, Template

TABLE: Table = MappingProxyType(
    {
        "JUV-SEALED": Template(
            "The record of a person is sealed and must not be given out.",
            "Procedure law article 286; whoever asks is answered as if nothing were known of the person.",
            "Remove the person from the export, and answer that nobody was found; do not say that a record is sealed.",
        ),
        "SHARE-CATALOGUE": Template(
            "The export names no grant of the sharing catalogue that this node has: {grant}.",
            "What is shared may only leave under a grant that was approved.",
            "Correct the number in the export, or have the security administrator add the approved grant to config/grants.d/.",
        ),
        "SHARE-PARTY": Template(
            "Grant {grant} is for others, or for another flow.",
            "It says who gives, who takes, and by which flows; this export fits none of that.",
            "Choose the right grant or receiver. A wider grant has to be approved first.",
        ),
        "SHARE-ENDED": Template(
            "Grant {grant} counts from {since} to {until}, and not today.",
            "Nothing may be shared before a grant begins or after it has ended.",
            "Have it renewed, and enter the new days in config/grants.d/.",
        ),
        "SHARE-FIELDS": Template(
            "The export holds fields that grant {grant} does not list: {fields}.",
            "Only what was approved may be shared.",
            "Leave these fields out of the export, or have the grant widened.",
        ),
        "MASK-APPLIED": Template(
            "{file} still holds a name, an identity number or a telephone number that the masking profile forbids.",
            "What is shared or counted must not show who the persons are.",
            "Take them out in the case software and export again. If the file is the case package itself, tell whoever maintains this program.",
        ),
        "MASK-UNSEEN": Template(
            "{file} is packed in a way that cannot be looked through.",
            "Whether it names persons can only be seen by a person.",
            "Replace it by a plain table (CSV), or have a named person look at it and release it.",
        ),
        "MASK-WITHHELD": Template(
            "By masking profile {profile} {count} files stay here: {kinds}.",
            "The flow asks for the others only; the recipient is told the kinds and numbers of what stays.",
            "Nothing to do, unless a file bears the wrong title.",
        ),
        "MALWARE": Template(
            "The virus scanner found {signature} in {file}.",
            "The export is set aside in quarantine, and not put back; only auditors can see that it exists.",
            "Call the security administrator, and have the exporting machine checked.",
        ),
        "MALWARE-UNSCANNED": Template(
            "{file} was not looked at by the virus scanner.",
            "It is larger than the scanner takes, or no scanner answered.",
            "Scan it by hand, then have a named person release it; or raise the scanner's limit.",
        ),
    }
)
