"""What is said about business replies and the requests that they answer."""

from types import MappingProxyType

from gateway.words.templates import Table, Template

TABLE: Table = MappingProxyType(
    {
        "reply-orphan": Template(
            "A reply answers a request that is not known here.",
            "It came before the request, a number was changed, or the request went by another way.",
            "It goes on by itself when the request comes. Else tie it to its request: caseferry reply tie TRANSFER REQUEST --why ...; or let it go (reply release), or send it back (reply reject).",
        ),
        "reply-unclear": Template(
            "A reply may answer any of several requests.",
            "They are about the same case, or the same person, and nothing says which is meant.",
            "Look at them with caseferry replies and caseferry explain, then: caseferry reply tie TRANSFER REQUEST --why ...",
        ),
        "reply-twice": Template(
            "A reply decides otherwise about somebody who has been answered before.",
            "The decision was changed without a correction, or another request is meant.",
            "Ask the case handler which counts; then release it with a reason, tie it to the request that is meant, or send it back: caseferry reply reject TRANSFER --why ...",
        ),
        "reply-rejected": Template(
            "A reply was refused, because it answers nothing that this unit has asked.",
            "A person at the recipient has looked at it and found no request.",
            "Compare the numbers with the request, mend the reply, and export it again.",
        ),
        "reply-not-waiting": Template(
            "Transfer {id} is no reply that waits for its request.",
            "It is no reply, or it has gone already. What has gone may be tied, but neither released nor rejected.",
            "See what waits: caseferry replies.",
        ),
        "reply-request-unfit": Template(
            "Transfer {id} is not a request that this reply may answer.",
            "It answers a {flow}, and one that went the other way.",
            "See the open requests: caseferry replies.",
        ),
    }
)
