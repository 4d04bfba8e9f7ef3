"""What is said about what came to us unmasked or without a grant, and about the virus scanner."""

from types import MappingProxyType

from gateway.words.templates import Table, Template

TABLE: Table = MappingProxyType(
    {
        "grant-missing": Template(
            "A bundle was refused: it shares data and names no grant of the sharing catalogue.",
            "Its flow demands the number of the grant under which the data were given.",
            "Nothing to do here; the sender is told. Ask it for the number if the data are needed.",
        ),
        "mask-missing": Template(
            "A bundle was refused: its content is not masked as its flow demands.",
            "The sender's exchange standard is an older one, or was changed.",
            "Nobody here has seen the content. Tell the sender's administrator; both must have the same masking profiles.",
        ),
        "sealed-record": Template(
            "A bundle was refused: it gives out what must not be given out.",
            "Procedure law article 286.",
            "Nobody here has seen the content. Do not ask for it again.",
        ),
        "malware": Template(
            "The virus scanner found something in a bundle.",
            "It is in quarantine and was not delivered; the sender is told.",
            "Call the security administrator. Do not release it.",
        ),
        "scan-missing": Template(
            "A bundle was not looked at by the virus scanner.",
            "A file in it is larger than the scanner takes, or no scanner answered.",
            "Mend the scanner or raise its limit, then run: caseferry quarantine release; or have a named person let it pass.",
        ),
        "grant-ending": Template(
            "Grant {grant} ends on {until}.",
            "From then on nothing leaves under it.",
            "Have it renewed in time, and enter the new last day in config/grants.d/.",
        ),
        "grant-ended": Template(
            "Grant {grant} ended on {until}.",
            "Nothing leaves under it any more; exports that name it are refused.",
            "Have it renewed, or delete it from config/grants.d/.",
        ),
        "scanner-none": Template(
            "No virus scanner is configured.",
            "Nothing that comes in or goes out is scanned for viruses.",
            "Install clamav-daemon on this machine, and add a section malware to gateway.yaml (docs/malware.md).",
        ),
        "scanner-down": Template(
            "The virus scanner does not answer.",
            "Its service is off, still loading its signatures, or its socket is closed to this account.",
            "Nothing is lost; what waits goes on by itself. See `systemctl status clamav-daemon`, and the section malware of gateway.yaml.",
        ),
    }
)
