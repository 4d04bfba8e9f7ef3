"""What is said about removable media and the trips they make."""

from types import MappingProxyType

from gateway.words.templates import Table, Template, mark

_AGAIN = mark(
    "Nothing is lost and nothing was handed in half. Mount it again and run `caseferry media confirm` for the same trip: it goes on where it stopped."
)

TABLE: Table = MappingProxyType(
    {
        "link-not-media": Template(
            "Link {link} does not go by removable media.",
            "No link by media of that name, or to that unit, is in links.d.",
            "Name a link with `transport: media`, or write one for this peer.",
        ),
        "trip-nothing": Template(
            "Nothing waits for link {link}.",
            "Everything was exported already, or nothing has been sealed for this peer since.",
            "`caseferry media list` shows what is on its way.",
        ),
        "trip-none": Template(
            "No trip lies on the medium in {medium}.",
            "It holds no folder that a gateway wrote to its end; a trip whose export was interrupted does not count.",
            "Make sure that it is mounted there and that it is the right one; ask the peer whether its export was confirmed.",
        ),
        "trip-pending": Template(
            "Trip {id} of this link is not finished.",
            "Only one trip of a link is made at a time in each direction.",
            "Confirm it as the second person with `caseferry media confirm {id}`, or call it off with `caseferry media cancel {id} --why ...`.",
        ),
        "trip-unknown": Template(
            "There is no trip {id}.",
            "The number is not in this node's ledger.",
            "`caseferry media list` shows the trips with their numbers.",
        ),
        "trip-closed": Template(
            "Trip {id} is {state}; that cannot be done with it any more.",
            "A trip is confirmed once, called off before it is finished, and lost only after it left.",
            "`caseferry media list` shows how far each trip has come.",
        ),
        "trip-expired": Template(
            "Trip {id} was not confirmed in time.",
            "The second person must confirm within media.confirm_within of the link, so that both know what they agree to.",
            "Ask for it again; what it was to carry waits.",
        ),
        "trip-same-person": Template(
            "{person} asked for trip {id} and cannot confirm it.",
            "media.two_persons of the link wants two people, each under a login of his own.",
            "Have a colleague log in to this server under another name and run `caseferry media confirm {id}`.",
        ),
        "trip-repeated": Template(
            "This trip was taken in before.",
            "The medium came a second time, or somebody copied it.",
            "Nothing needs to be done. The trip can be deleted from the medium.",
        ),
        "trip-torn": Template(
            "{files} of the trip's {of} files are missing or changed.",
            "The medium is damaged, was pulled out too early, or somebody changed it. Nothing of the trip was handed in.",
            "Try the medium once more, in another reader. If it stays so, call the trip off here with `caseferry media cancel`, have the peer run `caseferry media lost` for it and export again, and keep the medium for the security administrator.",
        ),
        "trip-not-for-us": Template(
            "The trip is meant for another node.",
            "Its index is encrypted to, or names, somebody else; perhaps media were mixed up.",
            "Give the medium to the unit it is labelled for. If it is meant for this one, the peer may hold an old card of ours.",
        ),
        "trip-malformed": Template(
            "The index of the trip cannot be read.",
            "It was changed or cut short, on the medium or by a program that wrote it wrongly.",
            "Try the medium once more; else have the peer run `caseferry media lost` and export again.",
        ),
        "trip-bad-signature": Template(
            "The signature under the trip's index is wrong.",
            "It was changed on the way, or somebody pretends to be the peer.",
            "Nothing was taken in. Keep the medium for the security administrator.",
        ),
        "trip-wrong-issuer": Template(
            "The trip's index is not signed by the unit that it names.",
            "Another unit's key signed it, or it was moved to the folder of another trip.",
            "Nothing was taken in. Keep the medium for the security administrator.",
        ),
        "medium-missing": Template(
            "What is needed is not there on the medium in {medium}.",
            "The medium is not mounted there, or it was taken out ({errno}).",
            _AGAIN,
        ),
        "medium-denied": Template(
            "The medium in {medium} may not be read or written.",
            "It is mounted for another account, or write-protected ({errno}).",
            "Mount it so that the gateway's account may write, for a FAT medium with `-o uid=caseferry`; look at its switch.",
        ),
        "medium-full": Template(
            "The medium in {medium} has no room.",
            "Other files take its room, or one bundle alone is larger than it.",
            "Take a larger or an emptier medium; trips that were taken in can be deleted from it.",
        ),
        "medium-failed": Template(
            "The medium in {medium} failed while it was read or written ({errno}).",
            "It was pulled out, its contact is bad, or it is worn out.",
            _AGAIN,
        ),
        "media-busy": Template(
            "Another command works on the media of this link.",
            "Somebody is exporting, importing or confirming at this moment.",
            "Wait for it to end and try again.",
        ),
    }
)
"""Slug of a GatewayError -> template."""
